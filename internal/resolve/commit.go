package resolve

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/computed"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// commit makes one change set of what the batch has changed and applies it.
func (r *Resolver) commit(to clientele.Position) error {
	if to == r.position {
		return nil
	}
	defer r.o.Watch("commit")()
	if err := r.timelines(); err != nil { // before rows are written: it adds some
		return err
	}
	change, err := r.change(to)
	if err != nil {
		return err
	}
	set := &clientele.ChangeSet{After: r.position, Position: to}
	if set.Rows, err = r.rowChanges(); err != nil {
		return err
	}
	swept, ok, err := r.seen.sweep(r.totals.Now)
	if err != nil {
		return err
	}
	set.Drop = append(set.Drop, r.batch.drops...)
	if ok {
		set.Drop = append(set.Drop, swept)
		set.Rows = append(set.Rows, clientele.RowChange{Key: sweptKey, Value: stamp(clientele.Micros(r.seen.swept))})
	}
	if change != nil {
		if set.Outbox, err = r.outgoing.encode(change, r.o.Plain); err != nil {
			return err
		}
	}
	written := r.o.Watch("write")
	err = r.o.Store.Apply(set)
	written()
	if err != nil {
		return err
	}
	if change != nil && r.o.Told != nil {
		_, number, err := r.o.Store.Position()
		if err != nil {
			return err
		}
		r.o.Told(number, change)
	}
	if len(r.batch.aside) > 0 {
		r.o.Aside(r.batch.aside)
	}
	r.graph.Committed()
	r.ledger.Committed()
	r.tally.Committed()
	_ = r.heads.Changed(func(_ clientele.Anchor, h *profile.Head) error { h.Stored(); return nil })
	r.heads.Committed()
	r.counting.states.Committed()
	r.scores.Committed()
	r.seen.committed()
	r.columns.dirty, r.columns.fresh = false, nil
	r.keeps.changed = false
	r.audiences.committed()
	if len(r.batch.drops) > 0 {
		r.audiences.lines.Forget()
	}
	events := r.batch.events
	r.batch = newBatch()
	r.arena.Reset()
	if cap(set.Rows) <= keptRows {
		clear(set.Rows)
		r.batch.puts = set.Rows[:0]
	}
	if cap(events) <= keptRows {
		clear(events)
		r.batch.events = events[:0]
	}
	r.position = to
	return nil
}

// keptRows is for how many rows memory is kept between two batches.
const keptRows = 100_000

// rowChanges is everything that the batch writes into the row store.
func (r *Resolver) rowChanges() ([]clientele.RowChange, error) {
	rows := r.batch.puts
	put := func(k clientele.Key, v []byte) { rows = append(rows, clientele.RowChange{Key: k, Value: v}) }
	if err := r.graph.Changes(put); err != nil {
		return nil, err
	}
	if err := r.ledger.Changes(put); err != nil {
		return nil, err
	}
	if err := r.tally.Changes(put); err != nil {
		return nil, err
	}
	err := r.heads.Changed(func(a clientele.Anchor, h *profile.Head) error {
		b, err := r.arena.Encode(h)
		if err != nil {
			return err
		}
		put(clientele.HeadKey(a), b)
		if !h.News() {
			return nil
		}
		b, err = r.arena.Encode(h.Said)
		put(clientele.SaidKey(a), b)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = r.counting.states.Changed(func(a clientele.Anchor, s *computed.State) error {
		if s == nil {
			put(clientele.ComputedKey(a), nil)
			return nil
		}
		b, err := r.arena.Encode(s)
		put(clientele.ComputedKey(a), b)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.storeScores(put); err != nil {
		return nil, err
	}
	for k, v := range r.seen.fresh {
		put(clientele.Key(k), v)
	}
	if r.columns.dirty {
		b, err := rowcache.Encode(r.columns)
		if err != nil {
			return nil, err
		}
		put(columnsKey, b)
	}
	if r.keeps.changed {
		b, err := rowcache.Encode(r.keeps)
		if err != nil {
			return nil, err
		}
		put(retentionKey, b)
	}
	if err := r.audiences.changes(put); err != nil {
		return nil, err
	}
	err = r.audiences.stock.Changed(func(sku string, s *stockRow) error {
		b, err := rowcache.Encode(s)
		put(clientele.StockKey(sku), b)
		return err
	})
	if err != nil {
		return nil, err
	}
	b, err := rowcache.Encode(r.totals)
	put(totalsKey, b)
	return rows, err
}

// change is what the batch means to followers; nil when it means nothing.
func (r *Resolver) change(to clientele.Position) (*clientele.Change, error) {
	c := &clientele.Change{Position: to, Promoted: r.columns.fresh}
	for _, m := range r.graph.Moved() {
		if m.Anchor.Position() <= r.position { // the others have no rows yet
			c.Moved = append(c.Moved, m)
		}
	}
	for _, table := range []func(*clientele.Change) (clientele.TableRows, error){r.eventRows, r.profileRows, r.identifierRows, r.consentRows} {
		rows, err := table(c)
		if err != nil {
			return nil, err
		}
		if len(rows.Insert)+len(rows.Upsert)+len(rows.Delete) > 0 {
			c.Tables = append(c.Tables, rows)
		}
	}
	tables, err := r.ledgerRows()
	if err != nil {
		return nil, err
	}
	c.Tables = append(c.Tables, tables...)
	c.Tables = append(c.Tables, r.audiences.tables()...)
	if len(r.audiences.listed) > 0 {
		rows, err := r.listRows()
		if err != nil {
			return nil, err
		}
		c.Tables = append(c.Tables, rows)
	}
	if len(r.batch.scored) > 0 {
		rows, err := r.scoreRows()
		if err != nil {
			return nil, err
		}
		c.Tables = append(c.Tables, rows)
	}
	for _, t := range slices.Sorted(maps.Keys(r.batch.deleted)) {
		c.Tables = append(c.Tables, clientele.TableRows{Table: t, Delete: r.batch.deleted[t]})
	}
	c.Erased, c.Expired = r.batch.erased, r.batch.expired
	if len(c.Tables)+len(c.Moved)+len(c.Promoted)+len(c.Seen)+len(c.Erased)+len(c.Expired) == 0 {
		return nil, nil
	}
	return c, nil
}

// boxes hold texts that nearly every row has as column values: all rows share one.
type boxes map[string]any

// mostBoxes is how many texts are held; there are a few sources, and some names of events.
const mostBoxes = 1000

// of is the text as a column value.
func (b boxes) of(s string) any {
	v, ok := b[s]
	if !ok {
		if len(b) >= mostBoxes {
			clear(b)
		}
		v = strings.Clone(s) // a part of a frame would keep all of it
		b[s] = v
	}
	return v
}

// profileOf is the anchor's profile as a column value.
func (r *Resolver) profileOf(a clientele.Anchor) (any, error) {
	p, err := r.graph.Profile(a)
	if err != nil || p == 0 {
		return nil, err
	}
	return int64(p), nil
}

func (r *Resolver) eventRows(*clientele.Change) (clientele.TableRows, error) {
	rows := clientele.TableRows{Table: "events", Insert: make([][]any, 0, len(r.batch.events))}
	for _, p := range r.batch.events {
		id, err := r.profileOf(p.anchor)
		if err != nil {
			return rows, err
		}
		anchor, name := any(int64(p.anchor)), text(p.e.name)
		if id == anchor {
			anchor = id
		}
		if name != nil {
			name = r.boxes.of(p.e.name)
		}
		rows.Insert = append(rows.Insert, []any{anchor, p.e.id, id, int64(p.e.ts), int64(p.received), r.boxes.of(p.source),
			r.boxes.of(p.e.typ), name, text(p.e.anonymousID), text(p.e.userID), text(raw(p.e.properties)), text(raw(p.e.context))})
	}
	return rows, nil
}

// raw is the JSON without a copy: it is a part of the frame's memory, which nobody changes.
func raw(v jsontext.Value) string { return unsafe.String(unsafe.SliceData(v), len(v)) }

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// profileRows are the profiles of which the batch changed the row, and those that it made part
// of others. Those that were only seen again are in the change's Seen.
func (r *Resolver) profileRows(c *clientele.Change) (clientele.TableRows, error) {
	rows := clientele.TableRows{Table: "profiles"}
	touched, seen := map[clientele.ProfileID]bool{}, map[clientele.ProfileID]clientele.Micros{}
	for a, changed := range r.batch.touched {
		p, err := r.graph.Profile(a)
		if err != nil {
			return rows, err
		}
		h, err := r.heads.Get(a)
		if err != nil {
			return rows, err
		}
		if h != nil { // of an anchor of identifiers alone there is none
			seen[p] = max(seen[p], h.Last)
		}
		if changed {
			touched[p] = true
		}
	}
	maps.Copy(touched, r.batch.retold)
	err := r.graph.ChangedIdentifiers(func(a clientele.Anchor) error {
		p, err := r.graph.Profile(a)
		before, moved := r.graph.Before(a)
		if moved && clientele.Anchor(before).Position() <= r.position {
			touched[before] = true
		}
		// Of a profile that has records, the row says nothing of its identifiers.
		if _, ok := seen[p]; !ok || moved || a.Position() > r.position {
			touched[p] = true
		}
		return err
	})
	if err != nil {
		return rows, err
	}
	for _, p := range slices.Sorted(maps.Keys(seen)) {
		if !touched[p] {
			c.Seen = append(c.Seen, clientele.Seen{Profile: p, Last: seen[p]})
		}
	}
	for _, p := range slices.Sorted(maps.Keys(touched)) {
		members, err := r.graph.Members(p)
		if err != nil {
			return rows, err
		}
		if members == nil {
			rows.Delete = append(rows.Delete, []any{int64(p)})
			continue
		}
		row, err := r.profileRow1(p, members)
		if err != nil {
			return rows, err
		}
		if clientele.Anchor(p).Position() > r.position { // minted in this batch
			rows.Insert = append(rows.Insert, row)
		} else {
			rows.Upsert = append(rows.Upsert, row)
		}
	}
	return rows, nil
}

func (r *Resolver) profileRow1(p clientele.ProfileID, members []clientele.Anchor) ([]any, error) {
	heads := make([]*profile.Head, len(members))
	for i, a := range members {
		h, err := r.heads.Get(a)
		if err == nil {
			err = listen(r.o.Store, a, h)
		}
		if err != nil {
			return nil, err
		}
		heads[i] = h
	}
	g := profile.Merge(r.rules, heads)
	if g.Records == 0 { // identifiers alone: as old as the first sight of one
		id, err := r.graph.Identifier(members[0])
		if err != nil {
			return nil, err
		}
		g.First, g.Last = clientele.Stamp{At: id.FirstSeen, Source: id.Source}, id.LastSeen
	}
	consent, err := r.standing(p, members, heads)
	if err != nil {
		return nil, err
	}
	more, err := r.computedRow(members)
	if err != nil {
		return nil, err
	}
	predicted, err := r.predictionsRow(members)
	return []any{int64(p), int64(g.First.At), int64(g.Last), g.JSON(), consent, more, g.First.Source, predicted}, err
}

func (r *Resolver) identifierRows(*clientele.Change) (clientele.TableRows, error) {
	rows := clientele.TableRows{Table: "identifiers"}
	err := r.graph.ChangedIdentifiers(func(a clientele.Anchor) error {
		id, err := r.graph.Identifier(a)
		if err != nil {
			return err
		}
		p, err := r.profileOf(a)
		row := []any{int64(a), r.boxes.of(string(id.Namespace)), id.Value, p, r.boxes.of(id.Source), id.Verified, int64(id.FirstSeen), int64(id.LastSeen)}
		if a.Position() > r.position {
			rows.Insert = append(rows.Insert, row)
		} else {
			rows.Upsert = append(rows.Upsert, row)
		}
		return err
	})
	return rows, err
}

func (r *Resolver) consentRows(*clientele.Change) (clientele.TableRows, error) {
	rows := clientele.TableRows{Table: "consents"}
	for _, c := range r.batch.consents {
		p, err := r.profileOf(c.anchor)
		if err != nil {
			return rows, err
		}
		rows.Upsert = append(rows.Upsert, []any{int64(c.anchor), p, c.identifier, c.Purpose, c.Channel, c.Granted, int64(c.stamp.At), c.stamp.Source,
			text(c.LegalBasis), text(c.Jurisdiction), text(c.TextVersion), c.stamp.ID, instantOrNil(c.ExpiresAt)})
	}
	return rows, nil
}

func instantOrNil(m clientele.Micros) any {
	if m == 0 {
		return nil
	}
	return int64(m)
}

func (r *Resolver) ledgerRows() ([]clientele.TableRows, error) {
	var out []clientele.TableRows
	err := r.ledger.Changed(func(before, row commerce.Row) error {
		values := make([]any, len(row.Table.Columns))
		for i, c := range row.Table.Columns {
			switch {
			case c.Name == "anchor_id":
				values[i] = int64(row.Anchor)
			case c.Name == "profile_id":
				p, err := r.profileOf(row.Anchor)
				if err != nil {
					return err
				}
				values[i] = p
			default:
				values[i] = row.Value(c.Name)
			}
		}
		if len(out) == 0 || out[len(out)-1].Table != row.Table.Name {
			out = append(out, clientele.TableRows{Table: row.Table.Name})
		}
		t := &out[len(out)-1]
		if before.Exists() {
			t.Upsert = append(t.Upsert, values)
		} else {
			t.Insert = append(t.Insert, values)
		}
		return nil
	})
	return out, err
}

// shown are the tables whose imported rows stand on a profile's timeline: under what name, by
// which time, and with what.
var shown = map[string]struct {
	name, time, id string
	columns        []string
}{
	"orders":        {"order", "ts", "order_id", []string{"order_id", "status", "currency", "store"}},
	"returns":       {"return", "ts", "return_id", []string{"order_id", "sku", "method", "reason"}},
	"conversations": {"conversation", "started_at", "conversation_id", []string{"channel", "topic", "agent"}},
	"decisions":     {"decision", "ts", "decision_id", []string{"action", "place", "agent", "outcome", "reason"}},
	"messages":      {"message", "ts", "message_id", []string{"channel", "direction", "platform", "campaign", "journey", "step", "template", "status", "reason"}},
}

// fromTables are the names under which rows of tables stand, which no head counts.
var fromTables = func() map[string]bool {
	names := map[string]bool{}
	for _, s := range shown {
		names[s.name] = true
	}
	return names
}()

// timelines puts imported rows on the timelines of their people, and moves those whose time or
// person is another now.
func (r *Resolver) timelines() error {
	return r.ledger.Changed(func(before, after commerce.Row) error {
		s, ok := shown[after.Table.Name]
		if !ok || !after.Told() {
			return nil
		}
		key := func(row commerce.Row) clientele.Key {
			at := row.Time(s.time)
			if !row.Told() || row.Anchor == 0 || at == 0 {
				return nil
			}
			return clientele.TimelineKey(row.Anchor, s.name, at, row.Text("source"), row.Text(s.id))
		}
		old, now := key(before), key(after)
		from, row := before.Anchor, s.name+"\x00"+after.Text("source")+"\x00"+after.Text(s.id)
		if p, again := r.audiences.placed[row]; again { // an earlier frame of the batch put it there
			old, from = p.key, p.anchor
		}
		if old != nil && !slices.Equal(old, now) {
			r.line(from, s.name, old, nil)
		}
		if r.audiences.plan != nil {
			r.audiences.placed[row] = placed{now, after.Anchor}
		}
		if now == nil {
			return nil
		}
		properties := map[string]any{}
		for _, c := range s.columns {
			if v := after.Text(c); v != "" {
				properties[c] = v
			}
		}
		for _, c := range []string{"revenue", "amount", "quantity"} {
			if after.Table.Column(c) >= 0 {
				if v, ok := after.Value(c).(int64); ok {
					properties[c] = json.Number(clientele.Decimal(v).String())
				}
			}
		}
		b, err := json.Marshal(properties)
		if err != nil {
			return err
		}
		r.line(after.Anchor, s.name, now, r.entryRow(&entry{Type: s.name, Properties: b}))
		return nil
	})
}
