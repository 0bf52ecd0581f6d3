package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/privacy"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// accessPage is how many events are read at once.
const accessPage = 1000

// Of so many events, the newest, an answer has the whole records.
const (
	maxRawEvents = 10_000
	maxRawBytes  = 64 << 20
)

// Access is everything that is known of the person of the identifier.
func (a *App) Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error) {
	if err := a.Settle(ctx); err != nil {
		return nil, err
	}
	p, err := a.Profile(ctx, id, true)
	if err != nil {
		return nil, err
	}
	out := &clientele.Access{MadeAt: clientele.MicrosOf(a.o.Now()), Profile: p, Consents: []map[string]any{}, Tables: []clientele.AccessTable{},
		Quarantined: []clientele.Quarantined{}, Exports: a.exported()}
	self := clientele.Identifier{Namespace: "id", Value: p.ID.String()}
	if out.Identity, err = a.Identity(ctx, self); err != nil {
		return nil, err
	}
	if err := a.accessEvents(ctx, self, out); err != nil {
		return nil, err
	}
	if err := a.accessTables(ctx, p.ID, out); err != nil {
		return nil, err
	}
	return out, a.accessQuarantine(ctx, p, out)
}

// accessEvents adds the events, and of the newest the whole records. Each frame is read once a page,
// and one is held at a time: a person's events may lie in as many frames.
func (a *App) accessEvents(ctx context.Context, self clientele.Identifier, out *clientele.Access) error {
	room := rawRoom{maxRawEvents, maxRawBytes}
	for cursor := ""; ; {
		page, next, err := a.timelinePage(self, accessPage, cursor)
		if err != nil {
			return err
		}
		order := make([]int, len(page))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(page[x].Position, page[y].Position) })
		events := make([]clientele.AccessEvent, len(page))
		frame := map[clientele.Position]*clientele.Frame{}
		for _, i := range order {
			e := &page[i]
			if frame[e.Position] == nil {
				clear(frame)
			}
			events[i] = clientele.AccessEvent{Event: e.Event, Raw: a.record(ctx, e, frame, &room)}
			if events[i].Raw == nil && e.Position != 0 { // what a row of a table told has no record of its own
				out.RawLeftOut++
			}
		}
		out.Events = append(out.Events, events...)
		if cursor = next; next == "" {
			break
		}
		if err := ctx.Err(); err != nil {
			return clientele.Errorf(clientele.Unavailable, "access: %w", err)
		}
	}
	slices.Reverse(out.Events)
	return nil
}

// rawRoom is how much more of records an answer may hold.
type rawRoom struct{ events, bytes int }

// record is the whole record of the event; nil when it is not here any more, or there is no room.
func (a *App) record(ctx context.Context, e *resolve.TimelineEntry, frame map[clientele.Position]*clientele.Frame, room *rawRoom) clientele.RawJSON {
	if room.events <= 0 || e.Position == 0 {
		return nil
	}
	f := frame[e.Position]
	if f == nil {
		var err error
		if f, err = a.frame(ctx, e.Position); err != nil {
			return nil
		}
		frame[e.Position] = f
	}
	if e.Ordinal >= len(f.Records) {
		return nil
	}
	raw := f.Records[e.Ordinal].Raw
	if len(raw) > room.bytes || f.Records[e.Ordinal].Verdict != clientele.Accepted || !json.Valid(raw) {
		return nil
	}
	room.events--
	room.bytes -= len(raw)
	return clientele.RawJSON(bytes.Clone(raw))
}

// hanging are the tables without a person whose rows hang on a person's.
var hanging = map[string]string{
	"payments":       "select * from payments where (source, order_id) in (select source, order_id from orders where profile_id = $1)",
	"loyalty_ledger": "select * from loyalty_ledger where (source, loyalty_id) in (select source, loyalty_id from loyalty_accounts where profile_id = $1)",
}

func (a *App) accessTables(ctx context.Context, p clientele.ProfileID, out *clientele.Access) error {
	for _, t := range clientele.Schema {
		q, ok := hanging[t.Name]
		switch {
		case ok:
		case t.Name == "events" || t.Name == "profiles" || t.Name == "identifiers" || t.Column("profile_id") < 0:
			continue
		default:
			q = fmt.Sprintf("select * from %s where profile_id = $1", t.Name)
		}
		r, err := a.columns.Query(ctx, q, []any{int64(p)}, duckstore.Limits{})
		if err != nil {
			return fmt.Errorf("access: %s: %w", t.Name, err)
		}
		if r.Cut {
			return clientele.Errorf(clientele.TooLarge, "access: the person has more rows of %s than one answer holds", t.Name)
		}
		rows := []map[string]any{}
		for _, row := range r.Rows {
			m := map[string]any{}
			for i, c := range r.Columns {
				if row[i] != nil && c.Name != "profile_id" {
					m[c.Name] = row[i]
				}
			}
			rows = append(rows, m)
		}
		switch {
		case t.Name == "consents":
			out.Consents = rows
		case len(rows) > 0:
			out.Tables = append(out.Tables, clientele.AccessTable{Table: t.Name, Rows: rows})
		}
	}
	return nil
}

// accessQuarantine adds the quarantined records that name the person.
func (a *App) accessQuarantine(ctx context.Context, p *clientele.Profile, out *clientele.Access) error {
	ids := make([]clientele.Identifier, len(p.Identifiers))
	for i := range p.Identifiers {
		ids[i] = p.Identifiers[i].Identifier
	}
	names, err := a.naming(ctx, ids)
	if err != nil {
		return err
	}
	for _, name := range names {
		at, i, err := resolve.ParseQuarantineID(name)
		if err != nil {
			return err
		}
		k := clientele.QuarantineKey(at, i)
		v, err := a.rows.Get(k)
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		q, _, _, err := resolve.ReadQuarantine(k, v)
		if err != nil {
			return err
		}
		f, err := a.frame(ctx, at)
		if err == nil && i < len(f.Records) {
			q.Raw = strings.ToValidUTF8(string(f.Records[i].Raw), "\ufffd")
		}
		out.Quarantined = append(out.Quarantined, q)
	}
	return nil
}

// AccessPage is the same as a readable page.
func (a *App) AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error) {
	d, err := a.Access(ctx, id)
	if err != nil {
		return nil, err
	}
	return privacy.Page(d)
}
