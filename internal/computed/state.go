package computed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/zeebo/xxh3"

	"clientele"
	"clientele/internal/audience"
)

// State is what an anchor's events and rows add up to, by the key of the leaf. Field numbers are on disk.
type State struct {
	Leaves map[string]Buckets `cbor:"1,keyasint"`
	// Due is when time alone changes something next, as far as it is noted among what is due; 0 for never.
	Due clientele.Micros `cbor:"2,keyasint,omitempty"`
}

// Buckets are parts by bucket: the whole hours or days since 1970, 0 where the leaf has no moving window.
type Buckets map[int64]*Part

// Part is what some events or rows add up to. A leaf fills what its op needs. Field numbers are on disk.
type Part struct {
	N      int64            `cbor:"1,keyasint,omitempty"` // of those counted; of sums, of numbers
	Sum    Billionths       `cbor:"2,keyasint,omitempty"`
	Min    float64          `cbor:"3,keyasint,omitempty"`
	Max    float64          `cbor:"4,keyasint,omitempty"`
	First  *Mark            `cbor:"5,keyasint,omitempty"`
	Last   *Mark            `cbor:"6,keyasint,omitempty"`
	Values map[string]Tally `cbor:"7,keyasint,omitempty"` // by JSON
	Below  uint64           `cbor:"8,keyasint,omitempty"` // all values whose hash is below it are kept; 0: all are
}

// Mark is a moment with a value.
type Mark struct {
	Stamp clientele.Stamp `cbor:"1,keyasint"`
	JSON  []byte          `cbor:"2,keyasint,omitempty"`
}

// Tally is how often a value was seen, and when last; nothing where only the value counts.
type Tally struct {
	Count int64           `cbor:"1,keyasint,omitempty"`
	Last  clientele.Stamp `cbor:"2,keyasint,omitzero"`
}

// The limits of the values that a state keeps. Beyond them those whose hash is small are kept, whatever the order
// they came in; how many there are is then estimated (bottom-k; Beyer et al., SIGMOD 2007).
const (
	MaxValues     = 1000 // of one part
	windowValues  = 10_000
	minValues     = 10
	maxValueBytes = 256
)

// limit is how many values a part of the leaf keeps: the buckets of a window together some windowValues.
func (l *Leaf) limit() int {
	w := l.width()
	if w == 0 {
		return MaxValues
	}
	buckets := 1 + int(clientele.Micros(max(l.Window.Within, l.Window.OlderThan))/w)
	return min(MaxValues, max(minValues, windowValues/buckets))
}

// width is the width of the leaf's buckets; 0 without a moving window. A window moves by whole days, or by whole hours
// where it is under two days or no whole number of days.
func (l *Leaf) width() clientele.Micros {
	w := l.Window
	if w.Within == 0 && w.OlderThan == 0 {
		return 0
	}
	for _, d := range []audience.Duration{w.Within, w.OlderThan} {
		if d != 0 && (d%audience.Day != 0 || d < 2*audience.Day) {
			return clientele.Micros(audience.Hour)
		}
	}
	return clientele.Micros(audience.Day)
}

// Moves says whether time alone can change what the leaf makes of its events.
func (l *Leaf) Moves() bool { return l.width() != 0 || l.Op == DaysSince }

func (l *Leaf) bucket(at clientele.Micros) int64 {
	w := l.width()
	if w == 0 {
		return 0
	}
	b := at / w
	if at%w < 0 {
		b--
	}
	return int64(b)
}

// Add counts a hit in the leaf's buckets, which may be nil, and answers them.
func (l *Leaf) Add(b Buckets, h audience.Hit) Buckets {
	if l.Window.From != 0 && h.At < l.Window.From || l.Window.To != 0 && h.At > l.Window.To {
		return b
	}
	p := l.part(h)
	if p == nil {
		return b
	}
	if b == nil {
		b = Buckets{}
	}
	at := l.bucket(h.At)
	b[at] = b[at].with(p)
	b[at].trim(l.limit())
	return b
}

// part is what one hit amounts to; nil for nothing.
func (l *Leaf) part(h audience.Hit) *Part {
	switch l.Op {
	case Count:
		return &Part{N: 1}
	case DaysSince:
		return &Part{Last: &Mark{Stamp: clientele.Stamp{At: h.At}}}
	case Sum, Avg, Min, Max:
		f, ok := audience.NumberIn(h.Value)
		if !ok {
			return nil
		}
		p := &Part{N: 1, Min: f, Max: f}
		if l.Op == Sum || l.Op == Avg {
			p.Min, p.Max = 0, 0
			if p.Sum, ok = billionths(h.Value, f); !ok {
				return nil
			}
		}
		return p
	}
	v, ok := plain(h.Value)
	if !ok {
		return nil
	}
	switch l.Op {
	case First:
		return &Part{First: &Mark{h.Stamp, v}}
	case Last:
		return &Part{Last: &Mark{h.Stamp, v}}
	}
	switch l.Op {
	case Unique:
		return &Part{Values: map[string]Tally{strconv.FormatUint(xxh3.Hash(v), 36): {}}}
	case List:
		return &Part{Values: map[string]Tally{string(v): {}}}
	}
	return &Part{Values: map[string]Tally{string(v): {1, h.Stamp}}}
}

// plain is a text, a number or a truth value in one form; other values are none.
func plain(v jsontext.Value) ([]byte, bool) {
	if len(v) == 0 || len(v) > maxValueBytes {
		return nil, false
	}
	switch v.Kind() {
	case '"', '0', 't', 'f':
	default:
		return nil, false
	}
	c := jsontext.Value(bytes.Clone(v))
	if c.Canonicalize(jsontext.AllowInvalidUTF8(true)) != nil {
		return nil, false
	}
	return c, true
}

// with is both parts together. It may reuse p, and not q.
func (p *Part) with(q *Part) *Part {
	if p == nil {
		p = &Part{}
		p.Min, p.Max = q.Min, q.Max
	}
	if p.N > 0 || q.N > 0 {
		if p.N == 0 {
			p.Min, p.Max = q.Min, q.Max
		} else if q.N > 0 {
			p.Min, p.Max = min(p.Min, q.Min), max(p.Max, q.Max)
		}
	}
	p.N += q.N
	p.Sum = p.Sum.plus(q.Sum)
	if q.First != nil && (p.First == nil || q.First.compare(p.First) < 0) {
		p.First = q.First
	}
	if q.Last != nil && (p.Last == nil || q.Last.compare(p.Last) > 0) {
		p.Last = q.Last
	}
	if len(q.Values) > 0 && p.Values == nil {
		p.Values = make(map[string]Tally, len(q.Values))
	}
	for v, t := range q.Values {
		have := p.Values[v]
		have.Count += t.Count
		if have.Last.Compare(t.Last) < 0 || have.Count == t.Count {
			have.Last = t.Last
		}
		p.Values[v] = have
	}
	if q.Below != 0 && (p.Below == 0 || q.Below < p.Below) {
		p.Below = q.Below
	}
	return p
}

func (m *Mark) compare(n *Mark) int {
	return cmp.Or(m.Stamp.Compare(n.Stamp), bytes.Compare(m.JSON, n.JSON))
}

// trim keeps the values of the smallest hashes.
func (p *Part) trim(limit int) {
	if len(p.Values) <= limit && p.Below == 0 {
		return
	}
	hashes := make([]uint64, 0, len(p.Values))
	for v := range p.Values {
		hashes = append(hashes, xxh3.HashString(v))
	}
	if len(hashes) > limit {
		slices.Sort(hashes)
		if least := hashes[limit]; p.Below == 0 || least < p.Below {
			p.Below = least
		}
	}
	maps.DeleteFunc(p.Values, func(v string, _ Tally) bool { return xxh3.HashString(v) >= p.Below })
}

// Bounds of the leaf's window at now, in buckets.
func (l *Leaf) counts(bucket int64, now clientele.Micros) bool {
	w := l.width()
	if w == 0 {
		return true
	}
	end := (clientele.Micros(bucket) + 1) * w
	if l.Window.Within != 0 && end+clientele.Micros(l.Window.Within) <= now {
		return false
	}
	return l.Window.OlderThan == 0 || end+clientele.Micros(l.Window.OlderThan) <= now
}

// together is what the states have in the leaf's window.
func (l *Leaf) together(states []*State, now clientele.Micros) *Part {
	var out *Part
	for _, s := range states {
		if s == nil {
			continue
		}
		for b, p := range s.Leaves[l.Key] {
			if l.counts(b, now) {
				out = out.with(p)
			}
		}
	}
	if out != nil {
		if l.Op != Unique { // the bound is for counting: what else is known of days with fewer values stays
			out.Below = 0
		}
		out.trim(MaxValues)
	}
	return out
}

// Value is the trait's value as JSON for a profile of these states; nil when it is missing.
func (t *Trait) Value(states []*State, now clientele.Micros) []byte {
	switch t.Form {
	case Ratio:
		of, ok1 := t.Leaves[0].number(states, now)
		by, ok2 := t.Leaves[1].number(states, now)
		if !ok2 || by.zero() {
			return nil
		}
		if !ok1 {
			of = Billionths{}
		}
		return float(of.float() / by.float())
	case Difference:
		of, ok1 := t.Leaves[0].number(states, now)
		less, ok2 := t.Leaves[1].number(states, now)
		if !ok1 && !ok2 {
			return nil
		}
		return of.plus(less.negated()).json()
	}
	return t.Leaves[0].value(states, now)
}

func float(f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return strconv.AppendFloat(nil, f, 'f', -1, 64)
}

// number is the leaf's value as a number.
func (l *Leaf) number(states []*State, now clientele.Micros) (Billionths, bool) {
	v := l.value(states, now)
	if v == nil {
		return Billionths{}, false
	}
	f, ok := audience.NumberIn(v)
	if !ok {
		return Billionths{}, false
	}
	return billionths(v, f)
}

func (l *Leaf) value(states []*State, now clientele.Micros) []byte {
	p := l.together(states, now)
	switch l.Op {
	case Count, Unique:
		n := int64(0)
		if p != nil && l.Op == Count {
			n = p.N
		} else if p != nil {
			n = p.different()
		}
		return strconv.AppendInt(nil, n, 10)
	}
	if p == nil {
		return nil
	}
	switch l.Op {
	case Sum:
		return p.Sum.json()
	case Avg:
		return float(p.Sum.float() / float64(p.N))
	case Min:
		return float(p.Min)
	case Max:
		return float(p.Max)
	case First:
		return p.First.JSON
	case Last:
		return p.Last.JSON
	case DaysSince:
		return strconv.AppendInt(nil, int64(max(0, now-p.Last.Stamp.At)/clientele.Micros(audience.Day)), 10)
	case MostFrequent:
		best := ""
		for _, v := range slices.Sorted(maps.Keys(p.Values)) {
			if a, b := p.Values[v], p.Values[best]; best == "" || cmp.Or(cmp.Compare(a.Count, b.Count), a.Last.Compare(b.Last)) > 0 {
				best = v
			}
		}
		return []byte(best)
	}
	list := []json.RawMessage{}
	for _, v := range slices.Sorted(maps.Keys(p.Values)) {
		list = append(list, json.RawMessage(v))
	}
	b, err := json.Marshal(list)
	if err != nil { // of JSON texts
		return nil
	}
	return b
}

// different is how many values there are.
func (p *Part) different() int64 {
	if p.Below == 0 {
		return int64(len(p.Values))
	}
	return int64(math.Round(float64(len(p.Values)) / (float64(p.Below) / (1 << 64))))
}

// Next is when, after now, time alone next changes what the leaf makes of the buckets; 0 for never.
func (l *Leaf) Next(b Buckets, now clientele.Micros) (next clientele.Micros) {
	at := func(m clientele.Micros) {
		if m > now && (next == 0 || m < next) {
			next = m
		}
	}
	w := l.width()
	for bucket, p := range b {
		if w != 0 {
			end := (clientele.Micros(bucket) + 1) * w
			if l.Window.Within != 0 {
				at(end + clientele.Micros(l.Window.Within))
			}
			if l.Window.OlderThan != 0 {
				at(end + clientele.Micros(l.Window.OlderThan))
			}
		}
		if l.Op == DaysSince && p.Last != nil && l.counts(bucket, now) {
			day := clientele.Micros(audience.Day)
			at(p.Last.Stamp.At + (max(0, now-p.Last.Stamp.At)/day+1)*day)
		}
	}
	return next
}

// Tidy forgets leaves that are no more and buckets that have left their window for good, and says whether anything
// is left.
func (s *State) Tidy(leaves map[string]*Leaf, now clientele.Micros) bool {
	for key, b := range s.Leaves {
		l := leaves[key]
		if l == nil {
			delete(s.Leaves, key)
			continue
		}
		if w := l.width(); w != 0 && l.Window.Within != 0 {
			for bucket := range b {
				if (clientele.Micros(bucket)+1)*w+clientele.Micros(l.Window.Within) <= now {
					delete(b, bucket)
				}
			}
		}
		if len(b) == 0 {
			delete(s.Leaves, key)
		}
	}
	return len(s.Leaves) > 0
}

// NextOf is when time alone next changes something of the state; 0 for never.
func (s *State) NextOf(leaves map[string]*Leaf, now clientele.Micros) (next clientele.Micros) {
	for key, b := range s.Leaves {
		if l := leaves[key]; l != nil {
			if at := l.Next(b, now); at != 0 && (next == 0 || at < next) {
				next = at
			}
		}
	}
	return next
}
