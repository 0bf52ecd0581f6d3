package resolve

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

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
	leaves map[string]*computed.Leaf
	byName map[string][]*computed.Leaf // of events, by what they stand under on the timeline
	tables map[string]bool
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

// How many anchors a tick does, and how many profiles it tells of: a fraction of a second.
const (
	fillAnchors = 4000
	tellAnchors = 4000
	dueAnchors  = 4000
)

// LoadComputed reads the computed traits.
func LoadComputed(rows clientele.Rows) (*ComputedBook, error) {
	b, err := rowcache.Load[ComputedBook](rows, computedKey)
	if err != nil {
		return nil, err
	}
	if b == nil {
		b = &ComputedBook{}
	}
	return b, b.compile()
}

func (b *ComputedBook) compile() error {
	b.leaves, b.byName, b.tables = map[string]*computed.Leaf{}, map[string][]*computed.Leaf{}, map[string]bool{}
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
				if b.leaves[l.Key] != nil {
					continue
				}
				b.leaves[l.Key] = l
				if l.Table {
					b.tables[l.Name] = true
				} else {
					b.byName[l.Name] = append(b.byName[l.Name], l)
				}
			}
		}
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
	book := r.computed
	i, there := slices.BinarySearchFunc(book.Traits, b.Name, func(t ComputedTrait, name string) int { return bytes.Compare([]byte(t.Name), []byte(name)) })
	if b.Definition == nil || string(b.Definition) == "null" {
		if !there {
			return clientele.Errorf(clientele.NotFound, "there is no computed trait of that name")
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

func (r *Resolver) putBook() error {
	v, err := rowcache.Encode(r.computed)
	r.put(computedKey, v)
	return err
}

// count adds an event that stands on the timeline under the key to its anchor's state.
func (r *Resolver) count(a clientele.Anchor, key clientele.Key, line string, at clientele.Stamp, e *entry) error {
	leaves := r.computed.byName[line]
	if len(leaves) == 0 {
		return nil
	}
	told := r.batch.told[string(key)]
	if !told && a.Position() <= r.position {
		v, err := r.o.Store.Get(key)
		if err != nil {
			return err
		}
		told = v != nil
	}
	if r.batch.touched[a] = true; told { // the same event again: its row is another now
		r.batch.recount[a] = true
		return nil
	}
	r.batch.told[string(key)] = true
	s, err := r.state(a)
	if err != nil {
		return err
	}
	o := &audience.Occurrence{Stamp: at, Properties: e.Properties, Context: e.Context}
	for _, l := range leaves {
		if h, ok := l.Match(o); ok {
			s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], h)
		}
	}
	return nil
}

// state is the anchor's, ready to be changed.
func (r *Resolver) state(a clientele.Anchor) (*computed.State, error) {
	if a.Position() > r.position {
		r.states.Fill(a, nil)
	}
	s, err := r.states.Get(a)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = &computed.State{}
	}
	if s.Leaves == nil {
		s.Leaves = map[string]computed.Buckets{}
	}
	r.states.Put(a, s)
	return s, nil
}

// settleComputed brings the states of the batch to what rows and timelines are, before followers are told.
func (r *Resolver) settleComputed() error {
	if len(r.computed.tables) > 0 {
		err := r.ledger.Owners(func(table string, a clientele.Anchor) {
			if r.computed.tables[table] {
				r.batch.recountRows[a] = true
			}
		})
		if err != nil {
			return err
		}
	}
	var lines map[clientele.Anchor]map[string][]byte
	if len(r.batch.recount) > 0 {
		lines = r.pendingLines()
	}
	for _, a := range slices.Sorted(maps.Keys(r.batch.recount)) {
		if err := r.recount(a, lines[a]); err != nil {
			return err
		}
	}
	for _, a := range slices.Sorted(maps.Keys(r.batch.recountRows)) {
		if err := r.recountRows(a); err != nil {
			return err
		}
	}
	return r.states.Changed(func(a clientele.Anchor, s *computed.State) error {
		if s == nil {
			return nil
		}
		next := clientele.Micros(0)
		if s.Tidy(r.computed.leaves, r.totals.Tick) {
			next = s.NextOf(r.computed.leaves, r.totals.Tick)
		} else {
			r.states.Put(a, nil)
		}
		if next == s.Due {
			return nil
		}
		if s.Due != 0 {
			r.put(clientele.DueKey(s.Due, a), nil)
		}
		if s.Due = next; next != 0 {
			r.put(clientele.DueKey(next, a), []byte{})
			r.nextDue = soonest(r.nextDue, next)
		}
		return nil
	})
}

func soonest(a, b clientele.Micros) clientele.Micros {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// pendingLines are the rows of timelines that the batch writes, nil for those it deletes, of anchors that are
// counted anew.
func (r *Resolver) pendingLines() map[clientele.Anchor]map[string][]byte {
	out := map[clientele.Anchor]map[string][]byte{}
	for _, p := range r.batch.puts {
		if p.Key[0] != clientele.RowTimeline {
			continue
		}
		a := p.Key.Read().Anchor()
		if !r.batch.recount[a] {
			continue
		}
		if out[a] == nil {
			out[a] = map[string][]byte{}
		}
		out[a][string(p.Key)] = p.Value
	}
	return out
}

// recount makes the anchor's leaves of events anew from its timeline, with what the batch writes on it.
func (r *Resolver) recount(a clientele.Anchor, pending map[string][]byte) error {
	s, err := r.state(a)
	if err != nil {
		return err
	}
	for key := range s.Leaves {
		if l := r.computed.leaves[key]; l != nil && !l.Table {
			delete(s.Leaves, key)
		}
	}
	if err := r.touch(a); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.computed.byName)) {
		prefix := clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(a).Text(name))
		err := r.o.Store.Scan(prefix, func(k clientele.Key, v []byte) (bool, error) {
			if now, ok := pending[string(k)]; ok {
				v = now
				delete(pending, string(k))
			}
			return true, r.computed.addLine(s, k, v)
		})
		if err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(pending)) {
		if err := r.computed.addLine(s, clientele.Key(k), pending[k]); err != nil {
			return err
		}
	}
	return nil
}

func (b *ComputedBook) addLine(s *computed.State, k clientele.Key, v []byte) error {
	if v == nil {
		return nil
	}
	t, err := ReadTimelineEntry(k, v)
	if err != nil || t.Position == 0 { // a row of a table is counted as one
		return err
	}
	o := &audience.Occurrence{Stamp: clientele.Stamp{At: t.TS, Source: t.Source, ID: t.ID}, Properties: t.Properties, Context: t.Context}
	for _, l := range b.byName[t.Name] {
		if h, ok := l.Match(o); ok {
			s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], h)
		}
	}
	return nil
}

// touch has followers told of the anchor's profile.
func (r *Resolver) touch(a clientele.Anchor) error {
	there, err := r.graph.Exists(a)
	if there {
		r.batch.touched[a] = true
	}
	return err
}

// recountRows makes the anchor's leaves of tables anew from its rows.
func (r *Resolver) recountRows(a clientele.Anchor) error {
	s, err := r.state(a)
	if err != nil {
		return err
	}
	for key := range s.Leaves {
		if l := r.computed.leaves[key]; l != nil && l.Table {
			delete(s.Leaves, key)
		}
	}
	if there, err := r.graph.Exists(a); err != nil || !there {
		return err
	}
	if err := r.touch(a); err != nil {
		return err
	}
	return r.ledger.OwnedBy(a, func(id string, row commerce.Row) error {
		r.computed.addRow(s, id, row)
		return nil
	})
}

func (b *ComputedBook) addRow(s *computed.State, id string, row commerce.Row) {
	if !b.tables[row.Table.Name] {
		return
	}
	o := computed.Occurrence(row.Table, id, row)
	for _, l := range b.leaves {
		if !l.Table || l.Name != row.Table.Name {
			continue
		}
		if h, ok := l.Match(o); ok {
			s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], h)
		}
	}
}

// computedRow is the profile's computed traits as a JSON object.
func (r *Resolver) computedRow(members []clientele.Anchor) (any, error) {
	if len(r.computed.Traits) == 0 {
		return nil, nil
	}
	states := make([]*computed.State, len(members))
	for i, a := range members {
		var err error
		if states[i], err = r.states.Get(a); err != nil {
			return nil, err
		}
	}
	b, err := json.Marshal(r.computed.Values(states, r.totals.Tick))
	return string(b), err
}

// computedDue is when a tick has something to do for computed traits; 0 for never.
func (r *Resolver) computedDue() clientele.Micros {
	if r.computed.Phase != 0 {
		return 1
	}
	return r.nextDue
}

// tickComputed does what is due. Nothing of the batch may wait to be committed: it reads the store.
func (r *Resolver) tickComputed() error {
	if r.computed.Phase != 0 {
		if err := r.backfill(); err != nil {
			return err
		}
	}
	left := dueAnchors
	prefix := clientele.Prefix(clientele.NewKey(clientele.RowDue))
	r.nextDue = 0
	return r.o.Store.Scan(prefix, func(k clientele.Key, _ []byte) (bool, error) {
		at, a := clientele.ReadDueKey(k)
		if at > r.totals.Tick || left == 0 {
			r.nextDue = soonest(r.nextDue, max(at, 1))
			return false, nil
		}
		left--
		r.put(bytes.Clone(k), nil)
		s, err := r.states.Get(a)
		if err != nil || s == nil || s.Due != at { // erased, or noted anew since
			return true, err
		}
		r.states.Put(a, s)
		return true, r.touch(a)
	})
}

// backfill does the next anchors of the phase.
func (r *Resolver) backfill() error {
	book := r.computed
	anchors := clientele.Prefix(clientele.NewKey(clientele.RowAnchor))
	anchors.Start = clientele.AnchorKey(book.Cursor)
	left := fillAnchors
	if book.Phase == tellPhase {
		left = tellAnchors
	}
	var some []clientele.Anchor
	more := false
	err := r.o.Store.Scan(anchors, func(k clientele.Key, _ []byte) (bool, error) {
		a := k.Read().Anchor()
		if len(some) == left {
			book.Cursor, more = a, true
			return false, nil
		}
		some = append(some, a)
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, a := range some {
		if book.Phase == tellPhase {
			if err := r.touch(a); err != nil {
				return err
			}
			continue
		}
		r.batch.recount[a], r.batch.recountRows[a] = true, len(book.tables) > 0
	}
	if book.Done += int64(len(some)); !more {
		if err := r.endPhase(); err != nil {
			return err
		}
	}
	return r.putBook()
}

// endPhase goes on from filling to telling, or ends the backfill.
func (r *Resolver) endPhase() error {
	book := r.computed
	book.Cursor, book.Done = 0, 0
	if book.Phase == tellPhase {
		book.Phase = 0
		return nil
	}
	book.Phase = tellPhase
	for i := range book.Traits {
		t := &book.Traits[i]
		if t.Next != nil {
			t.Live, t.Next = t.Next, nil
		}
	}
	if err := book.compile(); err != nil {
		return err
	}
	for _, t := range book.Live() {
		r.columns.promoteComputed(t.Name, t.Type())
	}
	return nil
}

// firstDue is when the first that is noted is due; 0 for never.
func firstDue(rows clientele.Rows) (at clientele.Micros, err error) {
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowDue)), func(k clientele.Key, _ []byte) (bool, error) {
		at, _ = clientele.ReadDueKey(k)
		at = max(at, 1)
		return false, nil
	})
	return at, err
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
		for name := range book.byName {
			err := rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(a).Text(name)), func(k clientele.Key, v []byte) (bool, error) {
				return true, book.addLine(s, k, v)
			})
			if err != nil {
				return nil, err
			}
		}
		if err := ledger.OwnedBy(a, func(id string, row commerce.Row) error { book.addRow(s, id, row); return nil }); err != nil {
			return nil, err
		}
	}
	return t.Value(states, now), nil
}
