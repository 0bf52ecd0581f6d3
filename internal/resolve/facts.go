package resolve

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/computed"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// facts are a profile's facts as of rows, for the evaluation of audiences. Everything is read when
// it is first asked for.
type facts struct {
	rows    clientele.Rows
	graph   *identity.Graph
	rules   profile.Rules
	profile clientele.ProfileID

	members  []clientele.Anchor
	heads    []*profile.Head // of members; with what was said once asked.heads is true
	golden   *profile.Golden
	consents []clientele.Consent
	ids      []clientele.ProfileIdentifier
	computed *computedFacts
	stock    func(sku string) (*stockRow, error)
	ledger   *commerce.Ledger
	asked    struct{ heads, consents, ids, scores bool }
	lines    *rowcache.Lines             // the resolver's, with what is in memory; nil for those of rows
	fresh    func(clientele.Anchor) bool // says of whom the store has nothing yet, where there are lines

	scores    func(clientele.Anchor) (*ScoreRow, error)
	predicted map[string]Score
	read      map[line]*stretch
}

// line is what a part of a timeline was read for: with all members looked at, or those alone that may have the name.
type line struct {
	name string
	all  bool
}

// stretch is what was read of a timeline, anchor by anchor: several audiences ask for the same name, most of them from
// another time on, and to find the place costs more than the entries.
type stretch struct {
	from, to clientele.Micros
	entries  []TimelineEntry
}

// maxStretch bounds what is kept: a longer one is read again.
const maxStretch = 256

// LoadFacts are the facts of the profile as of the rows.
func LoadFacts(rows clientele.Rows, g *identity.Graph, rules profile.Rules, p clientele.ProfileID) (audience.Facts, error) {
	members, err := g.Members(p)
	return &facts{rows: rows, graph: g, rules: rules, profile: p, members: members, ledger: commerce.NewLedger(rows),
		stock: func(sku string) (*stockRow, error) { return loadStock(rows, sku) },
		scores: func(a clientele.Anchor) (*ScoreRow, error) {
			return rowcache.Load[ScoreRow](rows, clientele.ScoreKey(a))
		}}, err
}

func (f *facts) head() error {
	if f.asked.heads {
		return nil
	}
	if f.heads != nil { // counters alone
		for i, a := range f.members {
			if err := listen(f.rows, a, f.heads[i]); err != nil {
				return err
			}
		}
		f.asked.heads = true
		return nil
	}
	_, heads, err := loadHeads(f.rows, f.graph, f.profile)
	f.heads, f.asked.heads = heads, err == nil
	return err
}

// Trait is the golden record's, a computed trait, or what a model predicts.
func (f *facts) Trait(name string) (jsontext.Value, error) {
	if rest, is := strings.CutPrefix(name, ComputedPrefix); is {
		return f.computedTrait(rest)
	}
	if rest, is := strings.CutPrefix(name, clientele.PredictionsPrefix); is {
		return f.predictedTrait(rest)
	}
	if f.golden == nil {
		if err := f.head(); err != nil {
			return nil, err
		}
		f.golden = profile.Merge(f.rules, f.heads)
	}
	return jsontext.Value(f.golden.Traits[name]), nil
}

// computedFacts are the states of a profile's computed traits.
type computedFacts struct {
	book   *ComputedBook
	states []*computed.State
	now    clientele.Micros
}

func (f *facts) computedTrait(name string) (jsontext.Value, error) {
	if f.computed == nil {
		book, err := LoadComputed(f.rows)
		if err != nil {
			return nil, err
		}
		states, err := LoadStates(f.rows, f.members)
		if err != nil {
			return nil, err
		}
		now, err := ComputedNow(f.rows)
		if err != nil {
			return nil, err
		}
		f.computed = &computedFacts{book, states, now}
	}
	c := f.computed
	t := c.book.trait(name)
	if t == nil {
		return nil, nil
	}
	return jsontext.Value(t.Value(c.states, c.now)), nil
}

// Consent is the channel's own decision, otherwise the one for every channel.
func (f *facts) Consent(purpose, channel string) (*clientele.Consent, error) {
	if !f.asked.consents {
		err := f.head()
		if err == nil {
			f.consents, err = profile.Consents(f.members, f.heads, links(f.graph, f.profile))
		}
		if err != nil {
			return nil, err
		}
		f.asked.consents = true
	}
	var found *clientele.Consent
	for i := range f.consents {
		if c := &f.consents[i]; c.Purpose == purpose && (c.Channel == channel || c.Channel == "" && found == nil) {
			found = c
		}
	}
	return found, nil
}

func (f *facts) Identifiers() (_ []clientele.ProfileIdentifier, err error) {
	if !f.asked.ids {
		f.ids, err = f.graph.Identifiers(f.profile)
		f.asked.ids = err == nil
	}
	return f.ids, err
}

func (f *facts) InAudience(name string) (bool, error) {
	in, err := LoadMemberships(f.rows, f.profile)
	_, is := in[name]
	return is, err
}

func (f *facts) Lifecycle() (string, clientele.Micros, error) {
	at, err := LoadStage(f.rows, f.profile)
	if err != nil || at == nil {
		return "", 0, err
	}
	return at.Stage, at.Since, nil
}
func (f *facts) Listed(name string) (bool, error) { return listed(f.rows, f.members, name) }

func (f *facts) Events(name string, from, to clientele.Micros, fn func(*audience.Occurrence) error) error {
	return f.timeline(name, from, to, f.mayHave, func(t *TimelineEntry) error {
		if t.Position == 0 { // a row of a table
			return nil
		}
		return fn(&audience.Occurrence{Stamp: clientele.Stamp{At: t.TS, Source: t.Source, ID: t.ID}, Properties: t.Properties, Context: t.Context})
	})
}

func (f *facts) Messages(from, to clientele.Micros, fn func(*audience.Occurrence) error) error {
	return f.timeline(shown["messages"].name, from, to, nil, func(t *TimelineEntry) error {
		if t.Position != 0 {
			return nil
		}
		return fn(&audience.Occurrence{Stamp: clientele.Stamp{At: t.TS, Source: t.Source, ID: t.ID}, Properties: t.Properties})
	})
}

// mayHave says whether an event of that name may be on the timeline of the i-th member: its counters know each name
// that was ever there, unless there are too many. A look into the timeline costs several times an answer from them.
func (f *facts) mayHave(i int, name string) bool {
	if len(f.heads) != len(f.members) || name == "" {
		return true
	}
	h := f.heads[i]
	return h != nil && (len(h.Names) >= profile.MaxNames || h.Names[name] > 0)
}

// timeline gives the entries of the name, anchor by anchor, of those that may have some. What was read before is not read
// again.
func (f *facts) timeline(name string, from, to clientele.Micros, may func(i int, name string) bool, fn func(*TimelineEntry) error) error {
	key := line{name, may == nil}
	if s := f.read[key]; s != nil && s.from <= from && to <= s.to {
		for i := range s.entries {
			if t := &s.entries[i]; from <= t.TS && t.TS <= to {
				if err := fn(t); err != nil {
					return err
				}
			}
		}
		return nil
	}
	s := &stretch{from: from, to: to}
	err := f.readTimeline(name, from, to, may, func(t *TimelineEntry) error {
		if len(s.entries) <= maxStretch {
			s.entries = append(s.entries, *t)
		}
		return fn(t)
	})
	if err == nil && len(s.entries) <= maxStretch {
		if f.read == nil {
			f.read = map[line]*stretch{}
		}
		f.read[key] = s
	}
	return err
}

// readTimeline is timeline, out of the store.
func (f *facts) readTimeline(name string, from, to clientele.Micros, may func(i int, name string) bool, fn func(*TimelineEntry) error) error {
	for i := range f.members {
		if may != nil && !may(i, name) {
			continue
		}
		err := f.scanLine(i, name, from, to, func(k clientele.Key, v []byte) error {
			t, err := ReadTimelineEntry(k, v)
			if err == nil {
				err = fn(&t)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scanLine calls fn for the rows of what the i-th member did under the name, from one time to another, both included.
func (f *facts) scanLine(i int, name string, from, to clientele.Micros, fn func(clientele.Key, []byte) error) error {
	a := f.members[i]
	if f.lines != nil {
		most := int64(rowcache.AnyMany)
		if f.fresh(a) {
			most = 0
		} else if h := f.heads[i]; h != nil && h.Names[name] > 0 && !fromTables[name] {
			most = h.Names[name]
		}
		return f.lines.Scan(a, name, from, to, most, fn)
	}
	return f.rows.Scan(rowcache.LineRange(a, name, from, to), func(k clientele.Key, v []byte) (bool, error) {
		err := fn(k, v)
		return err == nil, err
	})
}

// Hits reads the events.
func (f *facts) Hits(c *audience.Counted, from, to clientele.Micros) (out []audience.Hit, err error) {
	err = f.Events(c.Name, from, to, func(o *audience.Occurrence) error {
		if h, ok := c.Match(o); ok {
			out = append(out, h)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b audience.Hit) int { return a.Compare(b.Stamp) })
	return out, err
}
