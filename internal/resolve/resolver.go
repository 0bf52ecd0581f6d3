// Package resolve is the one writer of the customer state. It reads the log in order and, in
// micro-batches, does for each record: decode or quarantine, drop what was told before, find
// the person, fold the record into profile and tables. Each batch is one change set: state,
// outbox and log position together, or nothing.
//
// It has no clock: now is the time of the record at hand. The same log gives the same state,
// however it is cut into batches.
package resolve

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/quality"
	"clientele/internal/rowcache"
)

// Source is what the resolver must know of a source.
type Source struct {
	Trusted  bool // a backend or a file: it may say that an identifier is verified
	Verified bool // all its identifiers are verified
}

// Options make a resolver.
type Options struct {
	Store   clientele.RowStore
	Sources func(name string) Source
	Rules   *identity.Rules // in force until the log holds others
	Traits  profile.Rules
	Log     *slog.Logger
	// Told is handed each change with its number once it is committed, and must not alter it; nil for
	// nobody.
	Told func(number uint64, c *clientele.Change)
	// Aside is handed the records that a change set has put aside, once it is committed, and keeps nothing of
	// them; nil for nobody.
	Aside func([]clientele.AsideRecord)
	// Seal is the keyed hash of the erasure blocklist; nil = one with an empty key.
	Seal func(parts ...string) clientele.Seal
	// Erasures are all that were made, also those that the log at hand tells of only later; nil for none.
	Erasures func() ([]clientele.Erasure, error)
	// Fetch reads the frame at a position, for replays of quarantined records.
	Fetch func(clientele.Position) (*clientele.Frame, error)
	// Watch is told when a part of a batch begins (load, fold, commit, and write in it), and answers what
	// to call when it ends. The resolver itself has no clock. Nil for nobody.
	Watch func(part string) (ended func())
	// SweepRows is how many rows a tick looks at for retention rules; 0 = 50,000, some 50 ms. The same for all of a log.
	SweepRows int
	Plain     bool // the outbox is stored without compression, for tests that look for bytes
}

// Resolver folds the log into the store. Not safe for concurrent use.
type Resolver struct {
	o         Options
	graph     *identity.Graph
	ledger    *commerce.Ledger
	heads     *rowcache.Cache[clientele.Anchor, profile.Head]
	rules     profile.Rules
	book      *quality.Book // plans and transform rules
	tally     *quality.Tally
	members   []quality.Member // of the event at hand
	seen      *seen
	gone      *gone
	keeps     *Retention
	audiences *audiences
	counting  *counting
	models    map[string]*ModelRow
	scores    *rowcache.Cache[clientele.Anchor, ScoreRow]
	columns   *columns
	totals    Totals
	position  clientele.Position
	batch     batch
	outgoing  outgoing
	arena     rowcache.Arena // of rows of the batch at hand
	boxes     boxes
	context   []byte           // of the event at hand
	sights    []identity.Sight // memory for preload

	enrichedDue clientele.Micros // when the first enrichment expires; 0 for never

	forgotten bool // the last command has deleted rows behind the caches
}

// batch is what the micro-batch at hand has changed besides rows of the stages.
type batch struct {
	puts     []clientele.RowChange
	events   []pendingEvent
	consents []pendingConsent
	touched  map[clientele.Anchor]bool // heads that changed; true when more of the profile's row did than last_seen
	records  int
	drops    []clientele.Range
	erased   []clientele.Anchor
	deleted  map[string][][]any           // keys of rows to delete, of tables without a person
	rows     bool                         // imported rows may have changed timelines
	retold   map[clientele.ProfileID]bool // profiles whose row changes with evidence alone
	expired  []clientele.Expiry           // events to delete, whosever they are
	aside    []clientele.AsideRecord      // for who wants to be told
	scored   []scoredRow
	held     map[clientele.Seal]map[string]*heldRow // by seal and source: what enrichment says of people to come; nil: not any more
}

func newBatch() batch {
	return batch{touched: map[clientele.Anchor]bool{}, retold: map[clientele.ProfileID]bool{}, deleted: map[string][][]any{}, held: map[clientele.Seal]map[string]*heldRow{}}
}

// Totals are counts since the beginning. Field numbers are on disk.
type Totals struct {
	Events      int64            `cbor:"1,keyasint" json:"events"`
	Rows        map[string]int64 `cbor:"2,keyasint" json:"rows"`
	Duplicates  int64            `cbor:"3,keyasint" json:"duplicates"`
	Quarantined int64            `cbor:"4,keyasint" json:"quarantined"`
	Replayed    int64            `cbor:"5,keyasint" json:"replayed"`
	Commands    int64            `cbor:"6,keyasint" json:"commands"`
	Now         clientele.Micros `cbor:"7,keyasint" json:"now"`                   // the latest received time
	Filtered    int64            `cbor:"8,keyasint,omitempty" json:"filtered"`    // by transform rules
	Dropped     int64            `cbor:"9,keyasint,omitempty" json:"dropped"`     // by tracking plans, and not replayed since
	Violations  int64            `cbor:"10,keyasint,omitempty" json:"violations"` // events that broke a tracking plan
	Returned    int64            `cbor:"11,keyasint,omitempty" json:"returned"`   // of the replayed, those that a plan had dropped
	KeptOut     int64            `cbor:"12,keyasint,omitempty" json:"kept_out"`   // records of erased persons
	Tick        clientele.Micros `cbor:"14,keyasint,omitempty" json:"tick"`       // the received time of the last tick
	Held        int64            `cbor:"15,keyasint,omitempty" json:"held"`       // rows of enrichment for people to come
	Expired     int64            `cbor:"13,keyasint,omitempty" json:"expired"`    // deleted by retention rules; of events that are nobody's, those that came too late
}

var (
	totalsKey        = clientele.MetaKey("totals")
	identityRulesKey = clientele.MetaKey("identity_rules")
	traitRulesKey    = clientele.MetaKey("trait_rules")
)

const cachedHeads = 6_000

// New opens a resolver on the store's state.
func New(o Options) (*Resolver, error) {
	if o.Watch == nil {
		o.Watch = func(string) func() { return func() {} }
	}
	if o.SweepRows == 0 {
		o.SweepRows = sweepRows
	}
	if o.Seal == nil {
		o.Seal = NewSeal(nil)
	}
	r := &Resolver{o: o, boxes: boxes{}}
	r.heads = rowcache.New(cachedHeads, func(a clientele.Anchor) (*profile.Head, error) {
		return loadCounters(o.Store, a)
	})
	r.ledger = commerce.NewLedger(o.Store)
	r.seen = newSeen(o.Store)
	r.tally = quality.NewTally(o.Store)
	r.scores = newScores(o.Store)
	if err := indexRows(o.Store); err != nil {
		return nil, err
	}
	if err := indexStock(o.Store); err != nil {
		return nil, err
	}
	return r, r.Reset()
}

// Reset forgets what was not committed and reads the state anew.
func (r *Resolver) Reset() error {
	var err error
	if r.position, _, err = r.o.Store.Position(); err != nil {
		return err
	}
	r.heads.Reset()
	r.scores.Reset()
	r.ledger.Reset()
	r.seen.reset()
	r.batch, r.forgotten = newBatch(), false
	r.arena.Reset()
	t, err := rowcache.Load[Totals](r.o.Store, totalsKey)
	if err != nil {
		return err
	}
	if r.totals = (Totals{}); t != nil {
		r.totals = *t
	}
	if r.totals.Rows == nil {
		r.totals.Rows = map[string]int64{}
	}
	if r.columns, err = loadColumns(r.o.Store); err != nil {
		return err
	}
	var made []clientele.Erasure
	if r.o.Erasures != nil {
		if made, err = r.o.Erasures(); err != nil {
			return err
		}
	}
	made = slices.DeleteFunc(made, func(e clientele.Erasure) bool { return e.Position <= r.position })
	if r.gone, err = newGone(r.o.Store, r.o.Seal, made); err != nil {
		return err
	}
	rules, traits, err := StoredRules(r.o.Store, r.o.Rules, r.o.Traits)
	if err != nil {
		return err
	}
	r.rules = traits
	if r.book, err = quality.LoadBook(r.o.Store); err != nil {
		return err
	}
	if r.keeps, err = LoadRetention(r.o.Store); err != nil {
		return err
	}
	if err := r.tally.Reset(); err != nil {
		return err
	}
	if r.audiences, err = loadAudiences(r.o.Store); err != nil {
		return err
	}
	if r.counting, err = loadCounting(r.o.Store); err != nil {
		return err
	}
	if r.models, err = LoadModels(r.o.Store); err != nil {
		return err
	}
	if r.enrichedDue, err = loadEnrichedDue(r.o.Store); err != nil {
		return err
	}
	r.graph, err = identity.NewGraph(rules, r.o.Store)
	return err
}

// StoredRules are the rules in force: those of the last command, otherwise the given.
func StoredRules(rows clientele.Rows, rules *identity.Rules, traits profile.Rules) (*identity.Rules, profile.Rules, error) {
	b, err := rows.Get(identityRulesKey)
	if err != nil {
		return nil, nil, err
	}
	if b != nil {
		var in clientele.IdentityRules
		if err := json.Unmarshal(b, &in); err != nil {
			return nil, nil, clientele.Errorf(clientele.Corrupt, "stored identity rules: %w", err)
		}
		if rules, err = identity.NewRules(in); err != nil {
			return nil, nil, err
		}
	}
	if b, err = rows.Get(traitRulesKey); err != nil || b == nil {
		return rules, traits, err
	}
	traits = nil
	if err := json.Unmarshal(b, &traits); err != nil {
		return nil, nil, clientele.Errorf(clientele.Corrupt, "stored trait rules: %w", err)
	}
	return rules, traits, nil
}

// RulesInForce answers StoredRules again and again, and parses them only when they have become others.
type RulesInForce struct {
	mu       sync.Mutex
	text     [2][]byte
	known    bool
	identity *identity.Rules
	traits   profile.Rules
}

// Read is StoredRules; nobody may alter what it answers.
func (c *RulesInForce) Read(rows clientele.Rows, rules *identity.Rules, traits profile.Rules) (*identity.Rules, profile.Rules, error) {
	var text [2][]byte
	var err error
	for i, k := range []clientele.Key{identityRulesKey, traitRulesKey} {
		if text[i], err = rows.Get(k); err != nil {
			return nil, nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known && bytes.Equal(text[0], c.text[0]) && bytes.Equal(text[1], c.text[1]) {
		return c.identity, c.traits, nil
	}
	c.known = false
	if c.identity, c.traits, err = StoredRules(rows, rules, traits); err != nil {
		return nil, nil, err
	}
	c.text, c.known = text, true
	return c.identity, c.traits, nil
}

// Position is how far the log has been resolved.
func (r *Resolver) Position() clientele.Position { return r.position }

// Rules are the rules in force.
func (r *Resolver) Rules() Rules { return Rules{r.graph.Rules(), r.book.Rules()} }

// Totals are the counts as of the last batch.
func (r *Resolver) Totals() Totals { return r.totals }

// Batch resolves decoded frames, in order and without gaps from Position on, and commits them
// as one change set, or as several where a command stands between: a command sees the store as
// of the record before it. After an error the state is that of the last change set.
func (r *Resolver) Batch(frames []Decoded) error {
	err := r.resolve(frames)
	if err != nil {
		if again := r.Reset(); again != nil {
			return again
		}
	}
	return err
}

func (r *Resolver) resolve(frames []Decoded) error {
	ended := r.o.Watch("load")
	err := r.preload(frames)
	ended()
	if err != nil {
		return err
	}
	ended = r.o.Watch("fold")
	done, err := r.frames(frames)
	ended()
	if err != nil {
		return err
	}
	return r.commit(done)
}

// frames folds them into the rows in memory, and answers how far it came. It commits before and
// behind a command, and a tick that has something to do: they read the store.
func (r *Resolver) frames(frames []Decoded) (clientele.Position, error) {
	done := r.position
	for i := range frames {
		f := &frames[i]
		due := r.due(f)
		if f.Kind == clientele.KindCommand || due {
			if err := r.commit(done); err != nil {
				return done, err
			}
		}
		if err := r.frame(f); err != nil {
			return done, err
		}
		if due {
			if err := r.tick(f.Position); err != nil {
				return done, err
			}
			if err := r.evaluate(f.Position); err != nil { // whose events it has deleted, and whom time has changed
				return done, err
			}
		}
		done = f.Position
		if f.Kind == clientele.KindCommand || due {
			if err := r.commit(done); err != nil {
				return done, err
			}
			if r.forgotten {
				if err := r.Reset(); err != nil {
					return done, err
				}
			}
		}
	}
	return done, nil
}

func (r *Resolver) frame(f *Decoded) error {
	r.watch()
	r.columns.at = f.Position
	m := &mint{position: f.Position, skip: r.gone.anchors}
	if f.Kind == clientele.KindTick && len(f.Records) > 0 {
		r.totals.Tick = max(r.totals.Tick, f.Records[0].ReceivedAt)
	}
	for i := range f.Records {
		rec := &f.Records[i]
		r.totals.Now = max(r.totals.Now, rec.ReceivedAt)
		if err := r.record(f, i, rec, m); err != nil {
			return err
		}
	}
	return r.evaluate(f.Position)
}

// record resolves one record. An error that is Invalid is the record's own fault and puts it
// into quarantine; any other stops the batch.
func (r *Resolver) record(f *Decoded, i int, rec *Parsed, m *mint) error {
	if rec.left != nil {
		return r.recall(rec.left, rec.Source, m)
	}
	if rec.trimmed != nil && rec.event == nil {
		return r.recallBad(rec)
	}
	if rules := r.Rules(); f.rules != rules {
		if f.rules.Quality != rules.Quality && f.Kind == clientele.KindEvent {
			*rec = Parsed{Record: rec.Record}
			rec.parse(f.Kind, r.o.Sources(rec.Source), rules.Quality)
		}
		rec.normalise(rules.Identity)
	}
	used, err := r.screen(f, i, rec)
	if err == nil && !used {
		r.batch.records++
		return nil
	}
	if err == nil {
		err = rec.Err
	}
	if err == nil {
		switch f.Kind {
		case clientele.KindEvent:
			err = r.event(f.Position, i, rec, m)
		case clientele.KindRow:
			err = r.row(f.Position, i, rec, m)
		case clientele.KindCommand:
			err = r.command(f.Position, rec)
		}
	}
	if err == nil {
		r.batch.records++
		return nil
	}
	if !ownFault(err) {
		return err
	}
	return r.quarantine(f, i, rec, err)
}

// ownFault says whether the error is the record's.
func ownFault(err error) bool {
	switch clientele.ErrorCode(err) {
	case clientele.Invalid, clientele.TooLarge, clientele.NotFound, clientele.Conflict, clientele.Violated:
		return true
	}
	return false
}

// mint numbers the anchors of a frame.
type mint struct {
	position clientele.Position
	next     int
	skip     map[clientele.Anchor]bool // numbers of persons who were erased since
}

// room says whether the frame can mint n more anchors: a record must not be half resolved.
func (m *mint) room(n int) error {
	if m.next+n > clientele.AnchorsPerFrame {
		return clientele.Errorf(clientele.TooLarge, "over %d new identifiers arrived together", clientele.AnchorsPerFrame).WithHint("replay it")
	}
	return nil
}

func (m *mint) anchor() (clientele.Anchor, error) {
	for {
		a, err := clientele.NewAnchor(m.position, m.next)
		m.next++
		if err != nil || !m.skip[a] {
			return a, err
		}
	}
}

func (r *Resolver) put(k clientele.Key, v []byte) {
	r.batch.puts = append(r.batch.puts, clientele.RowChange{Key: k, Value: v})
}

// head is the head of the anchor, ready to be changed.
func (r *Resolver) head(a clientele.Anchor) (*profile.Head, error) {
	if a.Position() > r.position {
		r.heads.Fill(a, nil) // minted in this batch: the store need not be asked
	}
	h, err := r.heads.Get(a)
	if err != nil {
		return nil, err
	}
	if h == nil {
		h = &profile.Head{}
	}
	r.heads.Put(a, h)
	if _, ok := r.batch.touched[a]; !ok {
		r.batch.touched[a] = false
	}
	return h, nil
}

// spoken is the head with what was said under the anchor, ready to be added to.
func (r *Resolver) spoken(a clientele.Anchor) (*profile.Head, error) {
	h, err := r.head(a)
	if err != nil {
		return nil, err
	}
	return h, listen(r.o.Store, a, h)
}

// saw notes a record on the head.
func (r *Resolver) saw(a clientele.Anchor, h *profile.Head, line string, at clientele.Stamp, count bool) {
	before, first := h.Records, h.First
	h.Saw(line, at, count)
	if before == 0 || h.First != first {
		r.batch.touched[a] = true
	}
}

// preload reads at once the rows that the records will ask for: many rows in one sorted pass
// cost a fraction of as many single reads.
func (r *Resolver) preload(frames []Decoded) error {
	records := r.sights[:0]
	for i := range frames {
		for j := range frames[i].Records {
			rec := &frames[i].Records[j]
			if len(rec.ids) > 0 {
				records = append(records, identity.Sight{IDs: rec.ids, Spoken: rec.spoken()})
			}
		}
	}
	anchors, whole, err := r.graph.Preload(records, r.o.Store.Load)
	if clear(records); cap(records) <= keptRows {
		r.sights = records[:0]
	}
	if err != nil {
		return err
	}
	want, spoken := make([]clientele.Anchor, 0, len(anchors)), make(map[clientele.Anchor]bool, len(whole))
	for _, a := range whole {
		spoken[a] = true
		want = append(want, a)
	}
	want = append(want, anchors...)
	slices.Sort(want)
	if err := r.preloadHeads(slices.Compact(want), spoken); err != nil {
		return err
	}
	var facts []commerce.Fact
	for i := range frames {
		for j := range frames[i].Records {
			if rec := &frames[i].Records[j]; rec.fact.Table != nil && rec.Err == nil {
				facts = append(facts, rec.fact)
			}
		}
	}
	if err := r.ledger.Preload(facts, r.o.Store.Load); err != nil {
		return err
	}
	return r.seen.preload(frames, r.o.Store.Load)
}
