package resolve

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/computed"
	"clientele/internal/rowcache"
)

// counting is the states of computed traits: those in memory, and what the frame at hand has changed. Like
// memberships, states are settled at the end of each frame: how the log is cut into batches does not show.
type counting struct {
	book   *ComputedBook
	states *rowcache.Cache[clientele.Anchor, computed.State]
	next   clientele.Micros // when the first that is noted is due; 0 for never

	changed map[clientele.Anchor]map[string]bool // by the frame: anchors, and the leaves that are others now
	recount map[clientele.Anchor]bool            // anchors whose leaves of events are made anew
	timed   map[clientele.Anchor]bool            // anchors that time alone has changed
	fill    []clientele.Anchor                   // anchors whose leaves of new definitions are made
}

func loadCounting(rows clientele.Rows) (*counting, error) {
	c := &counting{states: rowcache.New(cachedHeads, func(a clientele.Anchor) (*computed.State, error) {
		return rowcache.Load[computed.State](rows, clientele.ComputedKey(a))
	})}
	c.begin()
	var err error
	if c.book, err = LoadComputed(rows); err != nil {
		return nil, err
	}
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowComputedDue)), func(k clientele.Key, _ []byte) (bool, error) {
		at, _, err := clientele.ReadComputedDueKey(k)
		c.next = max(at, 1)
		return false, err
	})
	return c, err
}

// begin forgets what the last frame changed.
func (c *counting) begin() {
	c.changed, c.recount, c.timed, c.fill = map[clientele.Anchor]map[string]bool{}, map[clientele.Anchor]bool{}, map[clientele.Anchor]bool{}, nil
}

// change notes that the anchor's leaf is another.
func (c *counting) change(a clientele.Anchor, leaf string) {
	if c.changed[a] == nil {
		c.changed[a] = map[string]bool{}
	}
	if leaf != "" {
		c.changed[a][leaf] = true
	}
}

// count adds an event that is about to stand on the timeline under the key to its anchor's state.
func (r *Resolver) count(a clientele.Anchor, key clientele.Key, line string, at clientele.Stamp, e *entry) error {
	c := r.counting
	leaves := c.book.byName[line]
	if len(leaves) == 0 || c.recount[a] {
		return nil
	}
	told, err := r.stands(a, line, key)
	if err != nil {
		return err
	}
	if told { // the same event again: its row is another now
		c.recount[a] = true
		return nil
	}
	o := &audience.Occurrence{Stamp: at, Properties: e.Properties, Context: e.Context}
	var s *computed.State
	for _, l := range leaves {
		h, ok := l.Match(o)
		if !ok {
			continue
		}
		if s == nil {
			if s, err = r.state(a); err != nil {
				return err
			}
		}
		s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], h)
		c.change(a, l.Key)
	}
	return nil
}

// stands says whether the row is on the timeline already.
func (r *Resolver) stands(a clientele.Anchor, line string, key clientele.Key) (bool, error) {
	if v, pending := r.audiences.lines.Get(a, line, key); pending {
		return v != nil, nil
	}
	if a.Position() > r.position {
		return false, nil
	}
	v, err := r.o.Store.Get(key)
	return v != nil, err
}

// state is the anchor's, ready to be changed.
func (r *Resolver) state(a clientele.Anchor) (*computed.State, error) {
	c := r.counting
	if a.Position() > r.position {
		c.states.Fill(a, nil)
	}
	s, err := c.states.Get(a)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = &computed.State{}
	}
	if s.Leaves == nil {
		s.Leaves = map[string]computed.Buckets{}
	}
	c.states.Put(a, s)
	c.change(a, "")
	return s, nil
}

// settleComputed brings the states that the frame has changed to what rows and timelines are, notes when they
// are due, and which audiences that touches.
func (r *Resolver) settleComputed(owners map[clientele.Anchor]map[string]bool) error {
	c := r.counting
	if len(c.book.Traits) == 0 && len(c.changed) == 0 {
		return nil
	}
	for _, a := range slices.Sorted(maps.Keys(owners)) {
		tables := owners[a]
		if err := r.recountRows(a, tables, func(l *computed.Leaf) bool { return tables[l.Name] }); err != nil {
			return err
		}
	}
	for _, a := range slices.Sorted(maps.Keys(c.recount)) {
		if err := r.recountEvents(a, func(*computed.Leaf) bool { return true }); err != nil {
			return err
		}
	}
	for _, a := range c.fill {
		if err := r.recountEvents(a, c.book.isNew); err != nil {
			return err
		}
		if err := r.recountRows(a, c.book.tables, c.book.isNew); err != nil {
			return err
		}
	}
	for _, a := range slices.Sorted(maps.Keys(c.changed)) {
		if err := r.settleState(a, c.changed[a]); err != nil {
			return err
		}
	}
	c.begin()
	return nil
}

// settleState forgets what has left its windows, moves the state's moment in the due index, and has followers
// and audiences told of the traits that its leaves make.
func (r *Resolver) settleState(a clientele.Anchor, leaves map[string]bool) error {
	c := r.counting
	s, err := c.states.Get(a)
	if err != nil {
		return err
	}
	if s != nil {
		if s.Due != 0 && s.Due <= r.totals.Tick { // its time has come
			for leaf := range s.Leaves {
				if l := c.book.leaves[leaf]; l != nil && l.Moves() {
					leaves[leaf], c.timed[a] = true, true
				}
			}
		}
		next := clientele.Micros(0)
		kept := s.Tidy(c.book.leaves, r.totals.Tick)
		if kept {
			next = s.NextOf(c.book.leaves, r.totals.Tick)
		}
		if next != s.Due {
			if s.Due != 0 {
				r.put(clientele.ComputedDueKey(s.Due, a), nil)
			}
			if s.Due = next; next != 0 {
				r.put(clientele.ComputedDueKey(next, a), []byte{})
				c.next = soonest(c.next, next)
			}
		}
		if !kept {
			s = nil
		}
		c.states.Put(a, s)
	}
	there, err := r.graph.Exists(a)
	if err != nil || !there {
		return err
	}
	plan := r.audiences.plan
	told := false
	for leaf := range leaves {
		for _, name := range c.book.makes[leaf] {
			told = true
			if plan != nil {
				plan.Trait(r.audiences.touch(a), ComputedPrefix+name)
			}
		}
	}
	if told {
		r.batch.touched[a] = true
		if c.timed[a] && plan != nil {
			r.audiences.timed[a] = true
		}
	}
	return nil
}

func soonest(a, b clientele.Micros) clientele.Micros {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// recountEvents makes the anchor's leaves of events that are wanted anew from its timeline, with what the
// batch writes on it.
func (r *Resolver) recountEvents(a clientele.Anchor, want func(*computed.Leaf) bool) error {
	b := r.counting.book
	s, err := r.state(a)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(b.byName)) {
		var leaves []*computed.Leaf
		for _, l := range b.byName[name] {
			if want(l) {
				leaves = append(leaves, l)
				delete(s.Leaves, l.Key)
				r.counting.change(a, l.Key)
			}
		}
		if len(leaves) == 0 {
			continue
		}
		most := int64(rowcache.AnyMany)
		if a.Position() > r.position {
			most = 0
		}
		err := r.audiences.lines.Scan(a, name, math.MinInt64, math.MaxInt64, most, func(k clientele.Key, v []byte) error { return addLine(s, leaves, k, v) })
		if err != nil {
			return err
		}
	}
	return nil
}

func addLine(s *computed.State, leaves []*computed.Leaf, k clientele.Key, v []byte) error {
	t, err := ReadTimelineEntry(k, v)
	if err != nil || t.Position == 0 { // a row of a table is counted as one
		return err
	}
	addTo(s, leaves, &audience.Occurrence{Stamp: clientele.Stamp{At: t.TS, Source: t.Source, ID: t.ID}, Properties: t.Properties, Context: t.Context})
	return nil
}

func addTo(s *computed.State, leaves []*computed.Leaf, o *audience.Occurrence) {
	for _, l := range leaves {
		if h, ok := l.Match(o); ok {
			s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], h)
		}
	}
}

// recountRows makes the anchor's leaves of the tables that are wanted anew from its rows.
func (r *Resolver) recountRows(a clientele.Anchor, tables map[string]bool, want func(*computed.Leaf) bool) error {
	b := r.counting.book
	leaves := map[string][]*computed.Leaf{}
	for _, l := range b.ofTables {
		if want(l) {
			leaves[l.Name] = append(leaves[l.Name], l)
		}
	}
	if len(leaves) == 0 {
		return nil
	}
	s, err := r.state(a)
	if err != nil {
		return err
	}
	for _, list := range leaves {
		for _, l := range list {
			delete(s.Leaves, l.Key)
			r.counting.change(a, l.Key)
		}
	}
	return r.ledger.OwnedBy(a, tables, func(id string, row commerce.Row) error {
		if list := leaves[row.Table.Name]; list != nil {
			addTo(s, list, computed.Occurrence(row.Table, id, row))
		}
		return nil
	})
}

// computedStates are the states of the anchors, nil for those that have none.
func (r *Resolver) computedStates(members []clientele.Anchor) ([]*computed.State, error) {
	states := make([]*computed.State, len(members))
	for i, a := range members {
		var err error
		if states[i], err = r.counting.states.Get(a); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// computedRow is the profile's computed traits as a JSON object.
func (r *Resolver) computedRow(members []clientele.Anchor) (any, error) {
	if len(r.counting.book.Traits) == 0 {
		return nil, nil
	}
	states, err := r.computedStates(members)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(r.counting.book.Values(states, r.totals.Tick))
	return string(b), err
}

// computedDue is when a tick has something to do for computed traits; 0 for never.
func (r *Resolver) computedDue() clientele.Micros {
	if r.counting.book.Phase != 0 {
		return 1
	}
	return r.counting.next
}

// tickComputed does what is due. Nothing of the batch may wait to be committed: it reads the store.
func (r *Resolver) tickComputed(p clientele.Position) error {
	c := r.counting
	if c.book.Phase != 0 {
		if err := r.backfill(p); err != nil {
			return err
		}
	}
	left := dueAnchors
	c.next = 0
	return r.o.Store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowComputedDue)), func(k clientele.Key, _ []byte) (bool, error) {
		at, a, err := clientele.ReadComputedDueKey(k)
		if err != nil {
			return false, err
		}
		if at > r.totals.Tick || left == 0 {
			c.next = soonest(c.next, max(at, 1))
			return false, nil
		}
		left--
		s, err := r.state(a)
		if err == nil && s.Due != at { // settled since, or nobody's any more
			r.put(bytes.Clone(k), nil)
		}
		return true, err
	})
}

// backfill does the next anchors of the phase.
func (r *Resolver) backfill(p clientele.Position) error {
	book := r.counting.book
	fills := book.Phase == fillPhase && len(book.fresh) > 0
	var some []clientele.Anchor
	more := false
	if fills || book.Phase == tellPhase {
		anchors := clientele.Prefix(clientele.NewKey(clientele.RowAnchor))
		anchors.Start = clientele.AnchorKey(book.Cursor)
		err := r.o.Store.Scan(anchors, func(k clientele.Key, _ []byte) (bool, error) {
			a := k.Read().Anchor()
			if len(some) == fillAnchors {
				book.Cursor, more = a, true
				return false, nil
			}
			some = append(some, a)
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	if fills {
		r.counting.fill = some
		if err := r.settleComputed(nil); err != nil { // before the definitions come into force
			return err
		}
	} else {
		for _, a := range some {
			there, err := r.graph.Exists(a)
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			r.batch.touched[a] = true
			s, err := r.counting.states.Get(a)
			if err != nil {
				return err
			}
			if s != nil { // of leaves that are no more
				r.counting.states.Put(a, s)
				r.counting.change(a, "")
			}
		}
	}
	if book.Done += int64(len(some)); !more {
		if err := r.endPhase(p); err != nil {
			return err
		}
	}
	return r.putBook()
}

// endPhase goes on from filling to telling, or ends the backfill: then audiences that ask for what has
// changed are filled anew.
func (r *Resolver) endPhase(p clientele.Position) error {
	book := r.counting.book
	book.Cursor, book.Done = 0, 0
	if book.Phase == tellPhase {
		book.Phase = 0
		names := book.News
		book.News = nil
		return r.renewAll(p, func(c audience.Condition) bool { return asksComputed(c, names) })
	}
	book.Phase = tellPhase
	for i := range book.Traits {
		t := &book.Traits[i]
		if t.Next != nil {
			t.Live, t.Next = t.Next, nil
			book.news(t.Name)
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
