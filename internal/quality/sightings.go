package quality

import (
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/rowcache"
)

// What is told apart of what events hold. What is beyond is counted together.
const (
	maxSightings  = 2000 // events by source and name
	maxProperties = 200  // of one event
	maxPropName   = 128  // bytes
	keptDays      = 400  // of counts; a property's first sight is kept for ever
)

const dayLength clientele.Micros = 24 * 3600 * 1_000_000

// kinds are the kinds of JSON values, in the order in which they are counted.
var kinds = [...]string{"null", "boolean", "number", "string", "array", "object"}

// propertyRow is a property of an event: when it was first seen, and with which kinds of value.
// Its place in the list is its number in dayRow. Field numbers are on disk.
type propertyRow struct {
	Name  string                       `cbor:"1,keyasint"`
	First clientele.Micros             `cbor:"2,keyasint"`
	Kinds [len(kinds)]clientele.Micros `cbor:"3,keyasint"` // first sight of each kind; 0: never
}

// eventRow is an event of a source and what it was seen with.
type eventRow struct {
	First      clientele.Micros `cbor:"1,keyasint"`
	Properties []propertyRow    `cbor:"2,keyasint"`
}

// dayRow counts one event on one day of its receipt.
type dayRow struct {
	Events int64               `cbor:"1,keyasint"`
	Last   clientele.Micros    `cbor:"2,keyasint"`
	Counts [][len(kinds)]int64 `cbor:"3,keyasint"` // by the property's number
	Others int64               `cbor:"4,keyasint"` // sights of properties beyond the limit
	fresh  bool                // not in the store yet
}

type eventKey struct{ source, event string }

func (k eventKey) row() clientele.Key { return clientele.QualityKey("event", k.source, k.event) }
func (k eventKey) day(n int64) clientele.Key {
	return clientele.QualityKey("day", k.source, k.event).Uint(uint64(n))
}

// sighting is an event in memory, with the days that are at hand.
type sighting struct {
	key     eventKey
	row     eventRow
	index   map[string]int
	changed bool // row
	today   int64
	day     *dayRow           // of today
	days    map[int64]*dayRow // that the batch has changed
}

// sightings are all events that are told apart.
type sightings struct {
	rows    clientele.Rows
	by      map[eventKey]*sighting
	touched []*sighting
}

func (s *sightings) reset(rows clientele.Rows) error {
	s.rows, s.by, s.touched = rows, map[eventKey]*sighting{}, nil
	return eachEvent(rows, func(k eventKey, row *eventRow) error {
		s.add(k, *row)
		return nil
	})
}

func (s *sightings) add(k eventKey, row eventRow) *sighting {
	e := &sighting{key: k, row: row, index: make(map[string]int, len(row.Properties)), days: map[int64]*dayRow{}}
	for i := range row.Properties {
		e.index[row.Properties[i].Name] = i
	}
	s.by[k] = e
	return e
}

// Saw counts an event that was accepted, with its members.
func (t *Tally) Saw(source, event string, at clientele.Micros, members []Member) error {
	s := &t.sightings
	k := eventKey{source, event}
	e := s.by[k]
	if e == nil {
		if len(s.by) >= maxSightings {
			k, members = eventKey{Other, Other}, nil
			e = s.by[k]
		}
		if e == nil {
			e = s.add(k, eventRow{First: at})
			e.changed = true
		}
	}
	d, err := s.on(e, int64(at/dayLength))
	if err != nil {
		return err
	}
	if at < e.row.First {
		e.row.First, e.changed = at, true
	}
	d.Events++
	d.Last = max(d.Last, at)
	for i := range members {
		e.saw(&members[i], d, at)
	}
	return nil
}

// on is the event's row of the day, to be changed.
func (s *sightings) on(e *sighting, day int64) (*dayRow, error) {
	if e.day == nil || e.today != day {
		d := e.days[day]
		if d == nil {
			var err error
			if d, err = rowcache.Load[dayRow](s.rows, e.key.day(day)); err != nil {
				return nil, err
			}
		}
		if d == nil {
			d = &dayRow{fresh: true}
		}
		e.today, e.day = day, d
	}
	if e.days[day] == nil {
		if len(e.days) == 0 {
			s.touched = append(s.touched, e)
		}
		e.days[day] = e.day
	}
	return e.day, nil
}

func (e *sighting) saw(m *Member, d *dayRow, at clientele.Micros) {
	i, ok := e.index[string(m.Name)]
	if !ok {
		if len(e.row.Properties) >= maxProperties || len(m.Name) > maxPropName {
			d.Others++
			return
		}
		i = len(e.row.Properties)
		name := string(m.Name)
		e.row.Properties = append(e.row.Properties, propertyRow{Name: name, First: at})
		e.index[name], e.changed = i, true
	}
	kind := m.kind()
	p := &e.row.Properties[i]
	if p.Kinds[kind] == 0 || at < p.Kinds[kind] {
		p.Kinds[kind], p.First, e.changed = at, min(p.First, at), true
	}
	for len(d.Counts) <= i {
		d.Counts = append(d.Counts, [len(kinds)]int64{})
	}
	d.Counts[i][kind]++
}

func (s *sightings) changes(write func(clientele.Key, any) error, put func(clientele.Key, []byte)) error {
	var errs []error
	for _, e := range s.touched {
		if e.changed {
			errs = append(errs, write(e.key.row(), &e.row))
		}
		for n, d := range e.days {
			errs = append(errs, write(e.key.day(n), d))
			if d.fresh && n > keptDays && e.days[n-keptDays] == nil { // with a new day the oldest goes
				put(e.key.day(n-keptDays), nil)
			}
		}
	}
	return errors.Join(errs...)
}

func (s *sightings) committed() {
	for _, e := range s.touched {
		e.changed = false
		for _, d := range e.days {
			d.fresh = false
		}
		clear(e.days)
	}
	s.touched = s.touched[:0]
}

func eachEvent(rows clientele.Rows, fn func(eventKey, *eventRow) error) error {
	return rows.Scan(clientele.Prefix(clientele.QualityKey("event")), func(k clientele.Key, v []byte) (bool, error) {
		r := k.Read()
		_, key := r.Text(), eventKey{r.Text(), r.Text()}
		row, err := rowcache.Decode[eventRow](v)
		if err := errors.Join(err, r.Err()); err != nil {
			return false, err
		}
		return true, fn(key, row)
	})
}

// Member is a member of a JSON object. Both parts lie in the object's own bytes, but for a name
// that was written with escapes.
type Member struct {
	Name  []byte
	Value jsontext.Value
}

func (m *Member) kind() int {
	switch m.Value[0] {
	case 'n':
		return 0
	case 't', 'f':
		return 1
	case '"':
		return 3
	case '[':
		return 4
	case '{':
		return 5
	}
	return 2
}

// Members appends the members of a JSON object, which must be valid: it is read by its outline
// alone. Of members of one name the last holds.
func Members(out []Member, object []byte) []Member {
	if len(object) < 2 || object[0] != '{' {
		return out
	}
	begin := len(out)
	for i := skipBlank(object, 1); i < len(object) && object[i] == '"'; {
		end := skipString(object, i)
		name := object[i+1 : end-1]
		if slices.Contains(name, '\\') {
			plain, err := jsontext.AppendUnquote(nil, object[i:end])
			if err != nil {
				return out[:begin]
			}
			name = plain
		}
		i = skipBlank(object, end)
		i = skipBlank(object, i+1) // behind the colon
		end = skipValue(object, i)
		if end <= i || end > len(object) {
			return out[:begin]
		}
		out = append(out, Member{name, object[i:end]})
		if i = skipBlank(object, end); i < len(object) && object[i] == ',' {
			i = skipBlank(object, i+1)
		}
	}
	return out
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipString is the place behind the text that begins at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// skipValue is the place behind the value that begins at i.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		for level := 0; i < len(b); {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				level++
			case '}', ']':
				if level--; level == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ' ' && b[i] != '\n' && b[i] != '\r' && b[i] != '\t' {
		i++
	}
	return i
}
