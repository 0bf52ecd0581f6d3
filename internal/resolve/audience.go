package resolve

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/rowcache"
)

// audienceRow is an audience as it is stored. Field numbers are on disk.
type audienceRow struct {
	Kind        clientele.AudienceKind `cbor:"1,keyasint"`
	Description string                 `cbor:"2,keyasint,omitempty"`
	Version     int                    `cbor:"3,keyasint,omitempty"` // that is live; 0 = none
	Where       []byte                 `cbor:"4,keyasint,omitempty"` // canonical JSON of the live version
	Members     int64                  `cbor:"5,keyasint,omitempty"`
	By          string                 `cbor:"6,keyasint"`
	At          clientele.Micros       `cbor:"7,keyasint"`
	Last        int                    `cbor:"8,keyasint"` // the number of the latest version
	Next        *nextVersion           `cbor:"9,keyasint,omitempty"`
	Query       string                 `cbor:"10,keyasint,omitempty"` // of the kind sql
	Every       string                 `cbor:"11,keyasint,omitempty"` // likewise
	List        *listState             `cbor:"12,keyasint,omitempty"` // of the kinds static and sql
	Suppressed  suppressCounts         `cbor:"13,keyasint,omitzero"`  // of the live version
	Owner       string                 `cbor:"14,keyasint,omitempty"` // "" = By
	Approved    string                 `cbor:"15,keyasint,omitempty"` // who approved the latest version
}

// audienceOfOld is the kind of definitions in rows of the first version.
const audienceOfOld clientele.AudienceKind = "rule"

// nextVersion is a version that is being filled. Profiles that change are evaluated by it from its
// position on; what SQL finds for the others is told by commands, in the order of their numbers.
type nextVersion struct {
	Version  int                 `cbor:"1,keyasint"`
	Where    []byte              `cbor:"2,keyasint"`
	Position clientele.Position  `cbor:"3,keyasint"`
	UpTo     clientele.ProfileID `cbor:"4,keyasint,omitempty"` // profiles below it are filled
	Filled   int64               `cbor:"5,keyasint,omitempty"`
	Members  int64               `cbor:"6,keyasint,omitempty"`

	Suppressed suppressCounts `cbor:"7,keyasint,omitzero"`
}

// memberRow is what a profile is a member of. Field numbers are on disk.
type memberRow struct {
	Live map[string]membership       `cbor:"1,keyasint,omitempty"`
	Next map[string]bool             `cbor:"2,keyasint,omitempty"` // by versionKey: what evaluation found since the version's position, and members that SQL found
	Dues map[string]clientele.Micros `cbor:"3,keyasint,omitempty"` // by versionKey: when time alone may change it
	Due  clientele.Micros            `cbor:"4,keyasint,omitempty"` // the first of them, which stands in the due index

	Stage      string           `cbor:"9,keyasint,omitempty"` // of the lifecycle that is live
	StageSince clientele.Micros `cbor:"10,keyasint,omitempty"`

	Suppressed map[string]suppression `cbor:"11,keyasint,omitempty"` // by name of the audience, and by versionKey of a version that is filled
}

type membership struct {
	Since   clientele.Micros `cbor:"1,keyasint"`
	Version int              `cbor:"2,keyasint"`
	Reason  string           `cbor:"3,keyasint"`
}

func (m *memberRow) empty() bool {
	return len(m.Live)+len(m.Next)+len(m.Dues)+len(m.Suppressed) == 0 && m.Due == 0 && m.Stage == ""
}

// versionKey names a version of an audience.
func versionKey(name string, version int) string { return name + "\x00" + strconv.Itoa(version) }

// of drops what is kept of versions of the audience, all but the one.
func dropVersions[V any](of map[string]V, name string, but int) {
	for k := range of {
		if strings.HasPrefix(k, name+"\x00") && k != versionKey(name, but) {
			delete(of, k)
		}
	}
}

// audiences are the memberships of all profiles: the definitions ready for evaluation, what the
// frame at hand has touched, and rows in memory.
type audiences struct {
	rows    map[string]*audienceRow
	changed map[string]bool
	life    *lifecycleRow
	plan    *audience.Plan // nil when there is no audience: then nothing here costs anything
	members *rowcache.Cache[clientele.ProfileID, memberRow]

	touched  map[clientele.Anchor]audience.Touched // by the frame at hand
	minted   map[clientele.Anchor]bool             // likewise
	timed    map[clientele.Anchor]bool             // likewise: those that time alone has changed
	lines    *rowcache.Lines
	placed   map[string]placed            // of the batch: where rows of tables stand on timelines
	listed   map[listing]clientele.Micros // likewise: who is on which list since when; 0 = no longer
	relisted map[clientele.Anchor]bool    // by the frame at hand
	told     [][]any                      // rows of audience_members of the batch
	stays    [][]any                      // rows of lifecycle, likewise
	dues     map[clientele.ProfileID]clientele.Micros
	soonest  clientele.Micros // nothing is due before

	stock       *rowcache.Cache[string, stockRow]
	stirredSKUs []string                  // of the frame at hand: their stock is another answer to some definition
	byStock     map[clientele.Anchor]bool // likewise: whom it may concern
	scored      map[clientele.Anchor]bool // likewise: whom a model has scored
	percentiles []clientele.PercentileThreshold
}

// placed is where a row stands on a timeline.
type placed struct {
	key    clientele.Key
	anchor clientele.Anchor
}

const cachedMembers = 30_000

// dueAudience is what stands in the due index for memberships.
const dueAudience = "audience"

// dueAtOnce is how many profiles a frame evaluates because their time has come. The rest waits for the next.
const dueAtOnce = 1000

func loadAudiences(rows clientele.Rows) (*audiences, error) {
	a := &audiences{rows: map[string]*audienceRow{}, lines: rowcache.NewLines(rows)}
	all, err := storedAudiences(rows)
	if err != nil {
		return nil, err
	}
	a.rows = all
	if a.percentiles, err = LoadPercentiles(rows); err != nil {
		return nil, err
	}
	if a.life, err = loadLifecycle(rows); err != nil {
		return nil, err
	}
	a.members = rowcache.New(cachedMembers, func(p clientele.ProfileID) (*memberRow, error) {
		return rowcache.Load[memberRow](rows, clientele.MemberKey(p))
	})
	a.stock = rowcache.New(cachedStock, func(sku string) (*stockRow, error) { return loadStock(rows, sku) })
	a.begin()
	a.soonest = audience.Never
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowDue)), func(k clientele.Key, _ []byte) (bool, error) {
		rd := k.Read()
		if at := rd.Time(); rd.Text() == dueAudience {
			a.soonest = at
		}
		return a.soonest == audience.Never, rd.Err()
	})
	if err != nil {
		return nil, err
	}
	return a, a.prepare()
}

func storedAudiences(rows clientele.Rows) (map[string]*audienceRow, error) {
	all := map[string]*audienceRow{}
	err := rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowAudience).Bytes([]byte{'d'})), func(k clientele.Key, v []byte) (bool, error) {
		row, err := rowcache.Decode[audienceRow](v)
		if err == nil && row.Kind == audienceOfOld {
			row.Kind = clientele.AudienceDefinition
		}
		all[clientele.Key(k[1:]).Read().Text()] = row
		return true, err
	})
	return all, err
}

// begin forgets what the last batch changed.
func (a *audiences) begin() {
	a.changed, a.told, a.stays = map[string]bool{}, nil, nil
	a.life.changed = false
	a.touched, a.minted = map[clientele.Anchor]audience.Touched{}, map[clientele.Anchor]bool{}
	a.timed, a.byStock, a.scored = map[clientele.Anchor]bool{}, map[clientele.Anchor]bool{}, map[clientele.Anchor]bool{}
	a.placed = map[string]placed{}
	a.listed, a.relisted = map[listing]clientele.Micros{}, map[clientele.Anchor]bool{}
	a.dues = map[clientele.ProfileID]clientele.Micros{}
}

// prepare makes the plan of all versions that are evaluated.
func (a *audiences) prepare() error {
	var entries []audience.Entry
	for _, name := range slices.Sorted(maps.Keys(a.rows)) {
		row := a.rows[name]
		versions := []nextVersion{{Version: row.Version, Where: row.Where}}
		if row.Next != nil {
			versions = append(versions, *row.Next)
		}
		for _, v := range versions {
			if v.Version == 0 {
				continue
			}
			c, err := audience.Parse(v.Where)
			if err != nil {
				return clientele.Errorf(clientele.Corrupt, "stored audience: %w", err)
			}
			entries = append(entries, audience.Entry{Name: name, Version: v.Version, Condition: c, Filling: v.Version != row.Version})
		}
	}
	if a.plan = nil; len(entries) == 0 {
		return nil
	}
	var err error
	a.plan, err = audience.NewPlan(entries)
	return err
}

// touch is what the anchor's records of the frame touch.
func (a *audiences) touch(anchor clientele.Anchor) audience.Touched {
	t := a.touched[anchor]
	if t == nil {
		t = audience.Touched{}
		a.touched[anchor] = t
	}
	return t
}

// heard notes what an event, or an imported row about a person, says.
func (r *Resolver) heard(anchor clientele.Anchor, rec *Parsed, e *event, at clientele.Stamp, traits map[string][]byte, told bool) {
	a := r.audiences
	if a.plan == nil || anchor == 0 {
		return
	}
	t := a.touch(anchor)
	if told {
		a.plan.Event(t, e.line(), &audience.Occurrence{Stamp: at, Properties: e.properties, Context: e.context})
	}
	for name := range traits {
		a.plan.Trait(t, name)
	}
	for _, o := range rec.ids {
		if o.Verified {
			a.plan.Identifiers(t)
		}
	}
}

// mintedBy notes that a record has brought identifiers that nobody had, from the number on.
func (r *Resolver) mintedBy(anchor clientele.Anchor, m *mint, before int) error {
	a := r.audiences
	if anchor == 0 || m.next == before {
		return nil
	}
	if a.plan != nil {
		a.touch(anchor)
		a.minted[anchor] = true
	}
	waiting := a.waiting() > 0
	if !waiting && r.totals.Held == 0 {
		return nil
	}
	for i := before; i < m.next; i++ {
		fresh, err := clientele.NewAnchor(m.position, i)
		if err == nil && !m.skip[fresh] && waiting {
			err = r.awaited(fresh)
		}
		if err == nil && !m.skip[fresh] && r.totals.Held > 0 {
			err = r.arrived(fresh)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// severalDecide says whether more than one anchor of the profile has decided about consent: only
// then it matters since when they are one person's.
func (r *Resolver) severalDecide(p clientele.ProfileID) (bool, error) {
	anchors, err := r.graph.Members(p)
	if err != nil {
		return false, err
	}
	n := 0
	for _, a := range anchors {
		h, err := r.heads.Get(a)
		if err == nil {
			err = listen(r.o.Store, a, h)
		}
		if err != nil {
			return false, err
		}
		if h != nil && h.Said != nil && len(h.Said.Consents) > 0 {
			n++
		}
	}
	return n > 1, nil
}

// line puts a row on a timeline, so that evaluation sees it before it is committed.
func (r *Resolver) line(a clientele.Anchor, name string, key clientele.Key, v []byte) {
	r.put(key, v)
	au := r.audiences
	if au.plan == nil && len(r.counting.book.byName) == 0 {
		au.lines.Forget() // nobody tells them what is written
		return
	}
	if news := au.lines.Put(a, name, key, v); news && au.plan != nil && name == shown["messages"].name {
		au.plan.Message(au.touch(a))
	}
}

// heardRow notes what an imported row is about.
func (r *Resolver) heardRow(f commerce.Fact, rec *Parsed) {
	a := r.audiences
	if a.plan == nil || f.Anchor == 0 {
		return
	}
	t := a.touch(f.Anchor)
	for _, o := range rec.ids {
		if o.Verified {
			a.plan.Identifiers(t)
		}
	}
	r.batch.rows = true
	if purpose, _ := f.Fields["purpose"].(string); f.Table.Name == "consents" {
		a.plan.Consent(t, purpose)
	}
}
