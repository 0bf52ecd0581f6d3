package quality

import (
	"cmp"
	"errors"
	"slices"

	"clientele"
	"clientele/internal/rowcache"
)

// Other stands for every source or event beyond what is told apart.
const Other = "(other)"

// Limits of what is counted apart.
const (
	maxUnplannedNames = 2000 // unplanned events of all sources; the others are counted together
	maxExamples       = 5
	cachedCounts      = 5000
)

// violation is a row of violations. Field numbers are on disk.
type violation struct {
	Plan     string               `cbor:"1,keyasint"`
	Action   clientele.PlanAction `cbor:"2,keyasint"`
	Reason   string               `cbor:"3,keyasint"`
	Count    int64                `cbor:"4,keyasint"`
	First    clientele.Micros     `cbor:"5,keyasint"`
	Last     clientele.Micros     `cbor:"6,keyasint"`
	Examples []string             `cbor:"7,keyasint"` // the latest, the newest last
}

type violationKey struct{ source, event, rule string }

func (k violationKey) key() clientele.Key {
	return clientele.QualityKey("violation", k.source, k.event, k.rule)
}

// effect is what a transform rule has done. Field numbers are on disk.
type effect struct {
	Applied  int64            `cbor:"1,keyasint"`
	Filtered int64            `cbor:"2,keyasint"`
	Failed   int64            `cbor:"3,keyasint"`
	Last     clientele.Micros `cbor:"4,keyasint"`
}

func effectKey(rule string) clientele.Key { return clientele.QualityKey("effect", rule) }

// Tally counts what plans and rules did, and which properties events have. It belongs to the
// resolver: it is written with its change sets, and is not safe for concurrent use.
type Tally struct {
	rows       clientele.Rows
	violations *rowcache.Cache[violationKey, violation]
	effects    *rowcache.Cache[string, effect]
	unplanned  map[violationKey]bool // unplanned events that are counted by name
	sightings  sightings
}

// NewTally makes a tally of what the store holds. Reset must be called before it is used.
func NewTally(rows clientele.Rows) *Tally {
	return &Tally{rows: rows,
		violations: rowcache.New(cachedCounts, func(k violationKey) (*violation, error) { return rowcache.Load[violation](rows, k.key()) }),
		effects:    rowcache.New(cachedCounts, func(name string) (*effect, error) { return rowcache.Load[effect](rows, effectKey(name)) })}
}

// Reset forgets what was not committed and reads the store anew.
func (t *Tally) Reset() error {
	t.violations.Reset()
	t.effects.Reset()
	t.unplanned = map[violationKey]bool{}
	err := t.rows.Scan(clientele.Prefix(clientele.QualityKey("violation")), func(k clientele.Key, _ []byte) (bool, error) {
		v, err := readViolationKey(k)
		if v.rule == Unplanned && v.event != Other {
			t.unplanned[v] = true
		}
		return true, err
	})
	return errors.Join(err, t.sightings.reset(t.rows))
}

func readViolationKey(k clientele.Key) (violationKey, error) {
	r := k.Read()
	_, v := r.Text(), violationKey{}
	v.source, v.event, v.rule = r.Text(), r.Text(), r.Text()
	return v, r.Err()
}

// Broke counts how an event breaks a plan. id names its record in the log.
func (t *Tally) Broke(f *Finding, source, id string, at clientele.Micros) error {
	for _, b := range f.Broken {
		k := violationKey{source, f.Event, b.Rule}
		if b.Rule == Unplanned && !t.unplanned[k] {
			if len(t.unplanned) < maxUnplannedNames {
				t.unplanned[k] = true
			} else {
				k.source, k.event = Other, Other
			}
		}
		v, err := t.violations.Get(k)
		if err != nil {
			return err
		}
		if v == nil {
			v = &violation{First: at}
		}
		v.Plan, v.Action, v.Reason = f.Plan, f.Action, b.Reason
		v.Count++
		v.First, v.Last = min(v.First, at), max(v.Last, at)
		if v.Examples = append(v.Examples, id); len(v.Examples) > maxExamples {
			v.Examples = append([]string(nil), v.Examples[1:]...)
		}
		t.violations.Put(k, v)
	}
	return nil
}

// Screened counts what transform rules did to an event.
func (t *Tally) Screened(o *Outcome, at clientele.Micros) error {
	count := func(names []string, add func(*effect)) error {
		for _, name := range names {
			e, err := t.effects.Get(name)
			if err != nil {
				return err
			}
			if e == nil {
				e = &effect{}
			}
			add(e)
			e.Last = max(e.Last, at)
			t.effects.Put(name, e)
		}
		return nil
	}
	return errors.Join(
		count(o.Applied, func(e *effect) { e.Applied++ }),
		count(o.Failed, func(e *effect) { e.Failed++ }),
		count(o.filters(), func(e *effect) { e.Filtered++ }))
}

func (o *Outcome) filters() []string {
	if o.Filtered == "" {
		return nil
	}
	return []string{o.Filtered}
}

// Changes puts every row that changed since the last commit.
func (t *Tally) Changes(put func(clientele.Key, []byte)) error {
	write := func(k clientele.Key, v any) error {
		b, err := rowcache.Encode(v)
		put(k, b)
		return err
	}
	return errors.Join(
		t.violations.Changed(func(k violationKey, v *violation) error { return write(k.key(), v) }),
		t.effects.Changed(func(name string, e *effect) error { return write(effectKey(name), e) }),
		t.sightings.changes(write, put))
}

// Committed says that what Changes put is in the store.
func (t *Tally) Committed() {
	t.violations.Committed()
	t.effects.Committed()
	t.sightings.committed()
}

// Violations are all that were counted, of one source and event where they are given.
func Violations(rows clientele.Rows, source, event string) ([]clientele.Violation, error) {
	prefix := clientele.QualityKey("violation")
	if source != "" {
		prefix = clientele.QualityKey("violation", source)
	}
	out := []clientele.Violation{}
	err := rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, b []byte) (bool, error) {
		at, err := readViolationKey(k)
		if err != nil {
			return false, err
		}
		v, err := rowcache.Decode[violation](b)
		if err != nil {
			return false, err
		}
		if event == "" || event == at.event {
			out = append(out, clientele.Violation{Source: at.source, Event: at.event, Rule: at.rule, Plan: v.Plan, Action: v.Action, Reason: v.Reason,
				Count: v.Count, First: v.First, Last: v.Last, Examples: v.Examples})
		}
		return true, nil
	})
	sortViolations(out)
	return out, err
}

// Effects puts into the rules of the book what they have done.
func (b *Book) Effects(rows clientele.Rows) error {
	for name, t := range b.Transforms {
		e, err := rowcache.Load[effect](rows, effectKey(name))
		if err != nil {
			return err
		}
		if e != nil {
			t.Applied, t.Filtered, t.Failed, t.Last = e.Applied, e.Filtered, e.Failed, e.Last
			b.Transforms[name] = t
		}
	}
	return nil
}

// sortViolations puts the most frequent first.
func sortViolations(list []clientele.Violation) {
	slices.SortFunc(list, func(a, b clientele.Violation) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Rule, b.Rule))
	})
}
