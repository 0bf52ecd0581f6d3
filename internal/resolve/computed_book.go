package resolve

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/computed"
	"clientele/internal/rowcache"
)

// Computed traits. An anchor's state is what its timeline and its rows of tables add up to, for the leaves of the
// traits in force and of those that are being filled. A new event is added to it; whatever else changes the timeline
// or the rows has it made anew from them. So it is always what a computation from scratch gives.
//
// A trait's new definition is filled first, by ticks, some anchors at a time, while the old one stays in force; then it
// takes its place, and ticks tell followers of all profiles.

// ComputedBody is of the command computed_trait: without a definition the named one ends.
type ComputedBody struct {
	Name       string            `json:"name"`
	Definition clientele.RawJSON `json:"definition,omitempty"`
	Config     bool              `json:"config,omitempty"` // it is the configuration that says so
}

// ComputedBook is the computed traits in force and how far a backfill has come. Field numbers are on disk.
type ComputedBook struct {
	Traits []ComputedTrait  `cbor:"1,keyasint"`           // by name
	Phase  int              `cbor:"2,keyasint,omitempty"` // fillPhase, tellPhase, 0 = nothing to do
	Cursor clientele.Anchor `cbor:"3,keyasint,omitempty"` // anchors before it are done
	Done   int64            `cbor:"4,keyasint,omitempty"` // how many anchors the phase has done
	News   []string         `cbor:"5,keyasint,omitempty"` // traits that are others since audiences were last told

	leaves   map[string]*computed.Leaf
	byName   map[string][]*computed.Leaf // of events, by what they stand under on the timeline
	ofTables []*computed.Leaf            // the others, by key
	tables   map[string]bool
	fresh    map[string]bool     // leaves that only definitions have that are being filled
	makes    map[string][]string // traits in force, by their leaves
}

// The phases of a backfill.
const (
	fillPhase = 1
	tellPhase = 2
)

// ComputedTrait is a trait of the book.
type ComputedTrait struct {
	Name   string             `cbor:"1,keyasint"`
	Live   []byte             `cbor:"2,keyasint,omitempty"` // the definition in force; nil while the first is being filled
	Next   []byte             `cbor:"3,keyasint,omitempty"` // the one that is being filled; nil for none
	By     string             `cbor:"4,keyasint"`
	At     clientele.Micros   `cbor:"5,keyasint"`
	Where  clientele.Position `cbor:"6,keyasint"`
	Config bool               `cbor:"7,keyasint,omitempty"`
	live   *computed.Trait
	next   *computed.Trait
}

var computedKey = clientele.MetaKey("computed")

// How many anchors a tick fills, or tells followers of, and how many whose time has come it settles: a fraction
// of a second each.
const (
	fillAnchors = 4000
	dueAnchors  = 4000
)

// ComputedPrefix leads the name of a computed trait where definitions of audiences ask for it.
const ComputedPrefix = "computed."

// LoadComputed reads the computed traits.
func LoadComputed(rows clientele.Rows) (*ComputedBook, error) { return new(ComputedBooks).Read(rows) }

// ComputedBooks answers LoadComputed again and again, and parses the definitions only when they have become others.
type ComputedBooks struct {
	mu   sync.Mutex
	text []byte
	book *ComputedBook
}

// Read is LoadComputed; nobody may alter what it answers.
func (c *ComputedBooks) Read(rows clientele.Rows) (*ComputedBook, error) {
	text, err := rows.Get(computedKey)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.book != nil && bytes.Equal(text, c.text) {
		return c.book, nil
	}
	book, err := rowcache.Decode[ComputedBook](text)
	if err != nil {
		return nil, err
	}
	if book == nil {
		book = &ComputedBook{}
	}
	if err := book.compile(); err != nil {
		return nil, err
	}
	c.text, c.book = bytes.Clone(text), book
	return book, nil
}

func (b *ComputedBook) compile() error {
	b.leaves, b.byName, b.ofTables, b.tables = map[string]*computed.Leaf{}, map[string][]*computed.Leaf{}, nil, map[string]bool{}
	b.fresh, b.makes = map[string]bool{}, map[string][]string{}
	for i := range b.Traits {
		t := &b.Traits[i]
		for _, d := range []struct {
			text []byte
			into **computed.Trait
		}{{t.Live, &t.live}, {t.Next, &t.next}} {
			if *d.into = nil; d.text == nil {
				continue
			}
			var err error
			if *d.into, err = computed.Parse(t.Name, d.text); err != nil {
				return clientele.Errorf(clientele.Corrupt, "stored %w", err)
			}
			for _, l := range (*d.into).Leaves {
				if *d.into == t.live {
					b.makes[l.Key] = append(b.makes[l.Key], t.Name)
				}
				b.leaves[l.Key] = l
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.leaves)) {
		l := b.leaves[key]
		if b.makes[key] == nil {
			b.fresh[key] = true
		}
		if l.Table {
			b.tables[l.Name] = true
			b.ofTables = append(b.ofTables, l)
		} else {
			b.byName[l.Name] = append(b.byName[l.Name], l)
		}
	}
	return nil
}

func (b *ComputedBook) isNew(l *computed.Leaf) bool { return b.fresh[l.Key] }

// news notes that the trait is another.
func (b *ComputedBook) news(name string) {
	if !slices.Contains(b.News, name) {
		b.News = append(b.News, name)
		slices.Sort(b.News)
	}
}

// Types are the types of the traits in force.
func (b *ComputedBook) Types() map[string]clientele.ColumnType {
	out := map[string]clientele.ColumnType{}
	for _, t := range b.Live() {
		out[t.Name] = t.Type()
	}
	return out
}

// Names are those of all traits, of those too whose first definition is being filled.
func (b *ComputedBook) Names() []string {
	out := []string{}
	for i := range b.Traits {
		out = append(out, b.Traits[i].Name)
	}
	return out
}

// asksComputed says whether the condition asks for one of the computed traits.
func asksComputed(c audience.Condition, names []string) bool {
	return slices.ContainsFunc(audience.Leaves(c), func(l audience.Condition) bool {
		t, ok := l.(*audience.Trait)
		name, is := strings.CutPrefix(nameOf(t), ComputedPrefix)
		return ok && is && slices.Contains(names, name)
	})
}

func nameOf(t *audience.Trait) string {
	if t == nil {
		return ""
	}
	return t.Name
}

// checkComputed says whether the computed traits that the condition asks for are there.
func checkComputed(c audience.Condition, book *ComputedBook) error {
	names := book.Names()
	for _, l := range audience.Leaves(c) {
		t, _ := l.(*audience.Trait)
		name, is := strings.CutPrefix(nameOf(t), ComputedPrefix)
		if !is || slices.Contains(names, name) {
			continue
		}
		hint := "define it first"
		if near := audience.Nearest(name, names); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return invalidHint(hint, "there is no computed trait %q", clip(name))
	}
	return nil
}

// Backfilling is whether a backfill is under way, how many anchors it has looked at in its two rounds so far, and
// whether it is in the second, which tells of what the first has filled.
func (b *ComputedBook) Backfilling() (under bool, done int64, telling bool) {
	return b.Phase != 0, b.Done, b.Phase == tellPhase
}

// Live are the traits in force.
func (b *ComputedBook) Live() []*computed.Trait {
	var out []*computed.Trait
	for i := range b.Traits {
		if t := b.Traits[i].live; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// trait is the one in force of that name; nil for none.
func (b *ComputedBook) trait(name string) *computed.Trait {
	for i := range b.Traits {
		if b.Traits[i].Name == name {
			return b.Traits[i].live
		}
	}
	return nil
}

// ComputedNow is the moment as of which computed traits are: the last tick.
func ComputedNow(rows clientele.Rows) (clientele.Micros, error) {
	t, err := LoadTotals(rows)
	return t.Tick, err
}

// Values are the computed traits of a profile whose anchors have these states, as of now.
func (b *ComputedBook) Values(states []*computed.State, now clientele.Micros) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, t := range b.Live() {
		if v := t.Value(states, now); v != nil {
			out[t.Name] = v
		}
	}
	return out
}

// LoadStates are the states of the anchors; nil for those that have none.
func LoadStates(rows clientele.Rows, members []clientele.Anchor) ([]*computed.State, error) {
	out := make([]*computed.State, len(members))
	for i, a := range members {
		var err error
		if out[i], err = rowcache.Load[computed.State](rows, clientele.ComputedKey(a)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// computedCommand has a trait filled, or ends it.
func (r *Resolver) computedCommand(b ComputedBody, by string, p clientele.Position, now clientele.Micros) error {
	book := r.counting.book
	i, there := slices.BinarySearchFunc(book.Traits, b.Name, func(t ComputedTrait, name string) int { return bytes.Compare([]byte(t.Name), []byte(name)) })
	if b.Definition == nil || string(b.Definition) == "null" {
		if !there {
			return clientele.Errorf(clientele.NotFound, "there is no computed trait of that name")
		}
		if err := computedUnused(r.audiences.rows, b.Name); err != nil {
			return err
		}
		book.Traits = slices.Delete(book.Traits, i, i+1)
	} else {
		t, err := computed.Parse(b.Name, b.Definition)
		if err != nil {
			return err
		}
		made := ComputedTrait{Name: b.Name, Next: t.Text, By: by, At: now, Where: p, Config: b.Config}
		switch {
		case there:
			made.Live = book.Traits[i].Live
			book.Traits[i] = made
		case len(book.Traits) >= clientele.MaxComputedTraits:
			return clientele.Errorf(clientele.Invalid, "there are %d computed traits already", clientele.MaxComputedTraits)
		default:
			book.Traits = slices.Insert(book.Traits, i, made)
		}
	}
	book.Phase, book.Cursor, book.Done = fillPhase, 0, 0
	if err := book.compile(); err != nil {
		return err
	}
	return r.putBook()
}

// ComputedUnused is Conflict when an audience asks for the computed trait: then it cannot end.
func ComputedUnused(rows clientele.Rows, name string) error {
	all, err := storedAudiences(rows)
	if err != nil {
		return err
	}
	return computedUnused(all, name)
}

func computedUnused(all map[string]*audienceRow, name string) error {
	for _, other := range slices.Sorted(maps.Keys(all)) {
		x := all[other]
		for _, where := range [][]byte{x.Where, nextWhere(x)} {
			if c, err := audience.Parse(where); err == nil && asksComputed(c, []string{name}) {
				return clientele.Errorf(clientele.Conflict, "audience %q asks for it", other).WithHint("take the condition out, or delete that audience first")
			}
		}
	}
	return nil
}

func (r *Resolver) putBook() error {
	v, err := rowcache.Encode(r.counting.book)
	r.put(computedKey, v)
	return err
}

// InForce are the traits, by name: of one that is being filled, the definition that will be in force.
func (b *ComputedBook) InForce() []clientele.ComputedInForce {
	out := []clientele.ComputedInForce{}
	for i := range b.Traits {
		t := &b.Traits[i]
		def := t.live
		if t.next != nil {
			def = t.next
		}
		out = append(out, clientele.ComputedInForce{ComputedTrait: clientele.ComputedTrait{Name: t.Name, Definition: def.Text}, Type: def.Type(),
			Live: t.live != nil, Filling: t.next != nil, RuleOrigin: clientele.RuleOrigin{By: t.By, At: t.At, Position: t.Where, Config: t.Config}})
	}
	return out
}

// PreviewComputed is what the trait would be of a profile of these anchors, computed from scratch; nil when it is missing.
func PreviewComputed(rows clientele.Rows, members []clientele.Anchor, t *computed.Trait, now clientele.Micros) ([]byte, error) {
	book := &ComputedBook{Traits: []ComputedTrait{{Name: t.Name, Live: t.Text}}}
	if err := book.compile(); err != nil {
		return nil, err
	}
	ledger := commerce.NewLedger(rows)
	states := make([]*computed.State, len(members))
	for i, a := range members {
		s := &computed.State{Leaves: map[string]computed.Buckets{}}
		states[i] = s
		for name, leaves := range book.byName {
			err := rows.Scan(clientele.Prefix(rowcache.LineKey(a, name)), func(k clientele.Key, v []byte) (bool, error) {
				return true, addLine(s, leaves, k, v)
			})
			if err != nil {
				return nil, err
			}
		}
		err := ledger.OwnedBy(a, book.tables, func(id string, row commerce.Row) error {
			o := computed.Occurrence(row.Table, id, row)
			for _, l := range book.ofTables {
				if l.Name == row.Table.Name {
					addTo(s, []*computed.Leaf{l}, o)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t.Value(states, now), nil
}
