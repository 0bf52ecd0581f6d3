package resolve

import (
	"bytes"
	"encoding/json"
	"slices"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// Retention deletes events, and what is in quarantine, by their age. It is not erasure: whatever
// events have left on people stays, what is deleted is told of no more, and a record that comes again is a
// repetition as before.
//
// Only ticks delete. Once a UTC day, and after a rule has changed, a sweep begins: the rules' times are
// computed once for all of it, followers are told what to delete, and this tick and those behind it look
// through the rows, sweepRows at a time. From the same tick on, an event that arrives and is older than those
// times is folded like any other and not kept: in whatever order events come, the same are left.

// RetentionBody is of the command retention: without a rule the named one ends.
type RetentionBody struct {
	Name   string                   `json:"name"`
	Rule   *clientele.RetentionRule `json:"rule,omitempty"`
	Config bool                     `json:"config,omitempty"` // it is the configuration that says so
}

// Retention is the rules in force and how far the sweep has come. Field numbers are on disk.
type Retention struct {
	Rules  []Retained `cbor:"1,keyasint"` // by name
	Day    int64      `cbor:"2,keyasint"` // of the last sweep that began, in days since 1970; 0: one is wanted
	Cursor []byte     `cbor:"3,keyasint"` // the next row to look at; nil: no sweep is under way
	// Unpurged is since when records are deleted that are in the log still; 0 for none.
	Unpurged clientele.Micros `cbor:"4,keyasint"`
	Past     []past           `cbor:"5,keyasint,omitempty"` // what rules that are no more have deleted, until it is purged
	changed  bool
}

// Retained is a rule in force.
type Retained struct {
	Name    string             `cbor:"1,keyasint"`
	Body    []byte             `cbor:"2,keyasint"` // JSON of the rule
	By      string             `cbor:"3,keyasint"`
	At      clientele.Micros   `cbor:"4,keyasint"`
	Where   clientele.Position `cbor:"5,keyasint"`
	Config  bool               `cbor:"6,keyasint,omitempty"`
	Expiry  clientele.Expiry   `cbor:"7,keyasint"` // as of the last sweep; Before is 0 until the first
	Deleted int64              `cbor:"8,keyasint"`
	rule    clientele.RetentionRule
}

// past is what a rule has deleted of records before the position where it ended.
type past struct {
	Expiry clientele.Expiry   `cbor:"1,keyasint"`
	End    clientele.Position `cbor:"2,keyasint"`
}

const dayMicros = 2 * halfDay

// sweepRows is how many rows one tick looks at.
const sweepRows = 50_000

var retentionKey = clientele.MetaKey("retention")

// LoadRetention reads the rules in force.
func LoadRetention(rows clientele.Rows) (*Retention, error) {
	k, err := rowcache.Load[Retention](rows, retentionKey)
	if err != nil || k == nil {
		return &Retention{}, err
	}
	for i := range k.Rules {
		if err := json.Unmarshal(k.Rules[i].Body, &k.Rules[i].rule); err != nil {
			return nil, clientele.Errorf(clientele.Corrupt, "stored retention rule: %w", err)
		}
	}
	return k, nil
}

// InForce are the rules, by name.
func (k *Retention) InForce() []clientele.RetentionInForce {
	out := []clientele.RetentionInForce{}
	for _, r := range k.Rules {
		out = append(out, clientele.RetentionInForce{RetentionRule: r.rule, Before: r.Expiry.Before, Deleted: r.Deleted,
			RuleOrigin: clientele.RuleOrigin{By: r.By, At: r.At, Position: r.Where, Config: r.Config}})
	}
	return out
}

// Sweeping says whether a sweep is under way, or wanted.
func (k *Retention) Sweeping() bool { return len(k.Rules) > 0 && (k.Cursor != nil || k.Day == 0) }

// due is when a tick has something to do; 0 for never.
func (k *Retention) due() clientele.Micros {
	switch {
	case len(k.Rules) == 0:
		return 0
	case k.Cursor != nil:
		return 1
	}
	return max(1, clientele.Micros(k.Day+1)*dayMicros)
}

// BeforeOf is the time before which the rule deletes, in a sweep that begins now.
func BeforeOf(r *clientele.RetentionRule, now clientele.Micros) clientele.Micros {
	return (now/dayMicros - clientele.Micros(r.Days())) * dayMicros
}

// ExpiryOf is which events the rule deletes, in a sweep that begins now.
func ExpiryOf(r *clientele.RetentionRule, now clientele.Micros) clientele.Expiry {
	return clientele.Expiry{Before: BeforeOf(r, now), Events: r.Events, Sources: r.Sources}
}

// matching is the first rule that deletes what is of that name, source and time; nil for none. Rules of
// quarantine match no event, and others nothing else.
func (k *Retention) matching(quarantine bool, event, source string, at clientele.Micros) *Retained {
	for i := range k.Rules {
		r := &k.Rules[i]
		if r.Expiry.Before != 0 && (r.rule.Delete == clientele.RetainQuarantine) == quarantine && r.Expiry.Matches(event, source, at) {
			return r
		}
	}
	return nil
}

// pass notes what a rule has deleted that ends.
func (k *Retention) pass(r *Retained, end clientele.Position) {
	if r.Expiry.Before != 0 && r.rule.Delete != clientele.RetainQuarantine && k.Unpurged != 0 {
		k.Past = append(k.Past, past{r.Expiry, end})
	}
}

// deleted says whether an event of the log has been deleted, or was not kept when it came.
func (k *Retention) deleted(at clientele.Position, e *event, source string) bool {
	if k == nil {
		return false
	}
	name := e.planned()
	return k.matching(false, name, source, e.ts) != nil || slices.ContainsFunc(k.Past, func(x past) bool {
		return at < x.End && x.Expiry.Matches(name, source, e.ts)
	})
}

func (k *Retention) deletes(quarantine bool) bool {
	return slices.ContainsFunc(k.Rules, func(r Retained) bool { return (r.rule.Delete == clientele.RetainQuarantine) == quarantine })
}

// retentionCommand brings a rule into force, or ends it. The next tick begins a sweep.
func (r *Resolver) retentionCommand(b RetentionBody, by string, p clientele.Position, now clientele.Micros) error {
	i, there := slices.BinarySearchFunc(r.keeps.Rules, b.Name, func(x Retained, name string) int { return bytes.Compare([]byte(x.Name), []byte(name)) })
	if b.Rule == nil {
		if !there {
			return clientele.Errorf(clientele.NotFound, "there is no retention rule of that name")
		}
		r.keeps.pass(&r.keeps.Rules[i], p)
		r.keeps.Rules = slices.Delete(r.keeps.Rules, i, i+1)
		r.keeps.changed = true
		return nil
	}
	b.Rule.Name = b.Name
	if err := b.Rule.Check(); err != nil {
		return err
	}
	body, err := json.Marshal(b.Rule)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "retention rule: %w", err)
	}
	made := Retained{Name: b.Name, Body: body, By: by, At: now, Where: p, Config: b.Config, rule: *b.Rule}
	switch {
	case there:
		r.keeps.pass(&r.keeps.Rules[i], p)
		r.keeps.Rules[i] = made
	case len(r.keeps.Rules) >= clientele.MaxRetentionRules:
		return clientele.Errorf(clientele.Invalid, "there are %d retention rules already", clientele.MaxRetentionRules)
	default:
		r.keeps.Rules = slices.Insert(r.keeps.Rules, i, made)
	}
	r.keeps.Day, r.keeps.Cursor, r.keeps.changed = 0, nil, true
	return nil
}

// Due is when, by the domain's clock, a tick has something to do; 0 for never. What has begun and goes on is
// always due.
func (r *Resolver) Due() clientele.Micros {
	due := soonest(soonest(r.keeps.due(), r.computedDue()), r.enrichedDue)
	if a := r.audiences; a.plan != nil && a.soonest != audience.Never {
		due = soonest(due, a.soonest)
	}
	return due
}

// MembershipDue is when, by the domain's clock, time alone may next change who is a member of what; 0 for never. Behind
// the present it is how late that is.
func (r *Resolver) MembershipDue() clientele.Micros {
	if a := r.audiences; a.plan != nil && a.soonest != audience.Never {
		return a.soonest
	}
	return 0
}

// tick does what is due. Memberships need none: each frame evaluates whose time has come.
func (r *Resolver) tick(p clientele.Position) error {
	if at := r.keeps.due(); at != 0 && at <= r.totals.Now {
		if err := r.sweep(); err != nil {
			return err
		}
	}
	if at := r.enrichedDue; at != 0 && at <= r.totals.Tick {
		if err := r.tickEnriched(); err != nil {
			return err
		}
	}
	if at := r.computedDue(); at != 0 && at <= r.totals.Tick {
		return r.tickComputed(p)
	}
	return nil
}

// due says whether the frame is a tick that has something to do.
func (r *Resolver) due(f *Decoded) bool {
	if f.Kind != clientele.KindTick || len(f.Records) == 0 {
		return false
	}
	sweep, settle, at := r.keeps.due(), soonest(r.computedDue(), r.enrichedDue), f.Records[0].ReceivedAt
	return sweep != 0 && sweep <= max(r.totals.Now, at) || settle != 0 && settle <= max(r.totals.Tick, at)
}

// sweepTables are looked through in this order, which is that of their keys.
var sweepTables = []byte{clientele.RowQuarantine, clientele.RowTimeline, clientele.RowDropped}

// sweep begins a sweep when one is due, and looks at the next rows. Nothing of the batch may wait to
// be committed: it reads the store.
func (r *Resolver) sweep() error {
	k := r.keeps
	k.changed = true
	if k.Cursor == nil {
		k.Day, k.Cursor = int64(r.totals.Now/dayMicros), []byte{sweepTables[0]}
		for i := range k.Rules {
			x := &k.Rules[i]
			x.Expiry = ExpiryOf(&x.rule, r.totals.Now)
			if x.rule.Delete != clientele.RetainQuarantine {
				r.batch.expired = append(r.batch.expired, x.Expiry)
			}
		}
		if len(r.batch.expired) > 0 && k.Unpurged == 0 {
			k.Unpurged = r.totals.Now // also of events that are nobody's, which stand on no timeline
		}
	}
	left := r.o.SweepRows
	for _, t := range sweepTables {
		if t < k.Cursor[0] || !k.deletes(t != clientele.RowTimeline) {
			continue
		}
		if t > k.Cursor[0] {
			k.Cursor = []byte{t}
		}
		done, err := r.sweepTable(t, &left)
		if err != nil || !done {
			return err
		}
	}
	k.Cursor = nil
	return nil
}

func (r *Resolver) sweepTable(table byte, left *int) (done bool, err error) {
	rows := clientele.Prefix(clientele.NewKey(table))
	rows.Start = r.keeps.Cursor
	done = true
	err = r.o.Store.Scan(rows, func(key clientele.Key, v []byte) (bool, error) {
		if *left--; *left < 0 {
			r.keeps.Cursor, done = bytes.Clone(key), false
			return false, nil
		}
		if table == clientele.RowTimeline {
			return true, r.expire(key, v)
		}
		return true, r.expireAside(key, v)
	})
	return done, err
}

// expire deletes an event from the timeline when it is too old.
func (r *Resolver) expire(key clientele.Key, v []byte) error {
	t, err := ReadTimelineEntry(key, v)
	if err != nil || t.Position == 0 { // a row of a table stays as the table does
		return err
	}
	name := t.Name
	if t.Type != "track" {
		name = "$" + t.Type
	}
	if rule := r.keeps.matching(false, name, t.Source, t.TS); rule != nil {
		anchor := key.Read().Anchor()
		r.line(anchor, t.Name, bytes.Clone(key), nil)
		if a := r.audiences; a.plan != nil && a.plan.Heard(t.Name) {
			a.plan.Event(a.touch(anchor), t.Name, &audience.Occurrence{Stamp: clientele.Stamp{At: t.TS, Source: t.Source, ID: t.ID}, Properties: t.Properties, Context: t.Context})
		}
		rule.Deleted++
		r.totals.Expired++
		if len(r.counting.book.byName[t.Name]) > 0 {
			r.counting.recount[anchor] = true
		}
	}
	return nil
}

// expireAside deletes what is in quarantine, or was dropped by a plan, when it is too old.
func (r *Resolver) expireAside(key clientele.Key, v []byte) error {
	q, p, i, err := ReadQuarantine(key, v)
	if err != nil {
		return err
	}
	rule := r.keeps.matching(true, "", q.Source, q.ReceivedAt)
	if rule == nil {
		return nil
	}
	r.put(bytes.Clone(key), nil)
	r.put(clientele.ExpiredKey(p, i), []byte{})
	rule.Deleted++
	r.totals.Expired++
	if key[0] == clientele.RowDropped {
		r.totals.Dropped--
	} else {
		r.totals.Quarantined--
	}
	if r.keeps.Unpurged == 0 {
		r.keeps.Unpurged = r.totals.Now
	}
	return nil
}

// ScanExpired calls fn for each quarantined record that a retention rule deleted and that is still in the log.
func ScanExpired(rows clientele.Rows, fn func(clientele.RecordRef) error) error {
	prefix := clientele.NewKey(clientele.RowErasure).Bytes([]byte{'x'})
	return rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		ref, err := keptOutRef(k)
		if err != nil {
			return false, err
		}
		return true, fn(ref)
	})
}

// expires says whether an event that arrives is too old to be kept.
func (r *Resolver) expires(e *event, source string) bool {
	if len(r.keeps.Rules) == 0 {
		return false
	}
	rule := r.keeps.matching(false, e.planned(), source, e.ts)
	if rule == nil {
		return false
	}
	rule.Deleted++
	r.keeps.changed = true
	if r.keeps.Unpurged == 0 {
		r.keeps.Unpurged = r.totals.Now
	}
	return true
}
