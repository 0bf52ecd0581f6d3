package duckstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"clientele"
)

// eventsTable is the table of which Change.Expired speaks, and eventColumn what it calls an event.
const (
	eventsTable = "events"
	eventColumn = "case when type = 'track' then coalesce(name, '') else '$' || type end"
)

// expire takes out of the batch what earlier changes of it have brought and what expires; the same goes from
// the table before the batch is written. What later changes bring is theirs.
func (b *batch) expire(expired []clientele.Expiry) {
	if len(expired) == 0 {
		return
	}
	b.expired = append(b.expired, expired...)
	tb := b.tables[eventsTable]
	if tb == nil {
		return
	}
	t := clientele.TableNamed(eventsTable)
	typ, name, source, ts := t.Column("type"), t.Column("name"), t.Column("source"), t.Column("ts")
	for i := range tb.rows {
		row := &tb.rows[i]
		if row.deleted {
			continue
		}
		event, _ := row.values[name].(string)
		if kind, _ := row.values[typ].(string); kind != "track" {
			event = "$" + kind
		}
		src, _ := row.values[source].(string)
		at, _ := row.values[ts].(int64)
		for _, x := range expired {
			if x.Matches(event, src, clientele.Micros(at)) {
				row.deleted = true
				break
			}
		}
	}
}

// expiredWhere is the condition in SQL, over the events table, for what the rule matches, and its parameters.
func expiredWhere(x clientele.Expiry) (where string, args []any) {
	list := func(column string, values []string) {
		if len(values) == 0 {
			return
		}
		marks := make([]string, len(values))
		for i, v := range values {
			args = append(args, v)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		where += " and " + column + " in (" + strings.Join(marks, ", ") + ")"
	}
	where = fmt.Sprintf("ts < make_timestamptz(%d)", int64(x.Before))
	list(eventColumn, x.Events)
	list("source", x.Sources)
	return where, args
}

func applyExpired(ctx context.Context, conn *sql.Conn, expired []clientele.Expiry) error {
	for _, x := range expired {
		where, args := expiredWhere(x)
		if _, err := conn.ExecContext(ctx, "delete from base."+eventsTable+" where "+where, args...); err != nil {
			return err
		}
	}
	return nil
}

// most is how many names or sources Expiring tells one by one.
const most = 20

// Expiring counts the events that the rule matches, all events with it, and tells the oldest of those it matches
// (0 for none), and the most frequent names and sources among them.
func (s *Store) Expiring(ctx context.Context, x clientele.Expiry) (*clientele.RetentionPreview, error) {
	where, args := expiredWhere(x)
	out := &clientele.RetentionPreview{Before: x.Before, ByEvent: map[string]int64{}, BySource: map[string]int64{}}
	err := s.reading(ctx, func(conn *sql.Conn) error {
		var oldest int64
		q := "select count(*), coalesce(min(epoch_us(ts)), 0), (select count(*) from base." + eventsTable + ") from base." + eventsTable + " where " + where
		if err := conn.QueryRowContext(ctx, q, args...).Scan(&out.Count, &oldest, &out.Total); err != nil {
			return err
		}
		out.Oldest = clientele.Micros(oldest)
		for column, into := range map[string]map[string]int64{eventColumn: out.ByEvent, "source": out.BySource} {
			q := fmt.Sprintf("select %s, count(*) from base.%s where %s group by 1 order by 2 desc, 1 limit %d", column, eventsTable, where, most)
			if err := counts(ctx, conn, q, args, into); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("column store: %w", err)
	}
	return out, nil
}

func counts(ctx context.Context, conn *sql.Conn, q string, args []any, into map[string]int64) error {
	rows, err := conn.QueryContext(ctx, q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		into[name] = n
	}
	return rows.Err()
}
