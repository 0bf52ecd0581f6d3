package duckstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"clientele"
)

// Apply brings the changes first, first+1, ... into the tables in one transaction. Numbers that
// were applied before are skipped, so sending again is safe; a gap is a Conflict. Several
// versions of a row in one call become the last. Values must be of the types that
// clientele.TableRows names; others, and times or amounts out of range, are Invalid and nothing
// of the call is applied.
func (s *Store) Apply(ctx context.Context, first uint64, changes []clientele.Change) error {
	if len(changes) == 0 {
		return nil
	}
	last := first + uint64(len(changes)) - 1
	return s.writing(ctx, func(conn *sql.Conn) error {
		commit, _, err := position(ctx, conn)
		if err != nil {
			return fmt.Errorf("column store: %w", err)
		}
		if last <= commit {
			return nil
		}
		if first == 0 || first > commit+1 {
			return clientele.Errorf(clientele.Conflict, "column store: change %d came after %d", first, commit).
				WithHint("changes are missing: run clientele rebuild")
		}
		changes := changes[commit+1-first:]
		b, err := gather(changes)
		if err != nil {
			return err
		}
		promoted := s.promoted
		err = s.inTx(ctx, conn, func() error {
			if promoted, err = s.promote(ctx, conn, changes); err != nil {
				return err
			}
			return s.applyBatch(ctx, conn, b, promoted, last, changes[len(changes)-1].Position)
		})
		if err != nil {
			return fmt.Errorf("column store: %w", err)
		}
		s.promoted = promoted
		s.applied.Store(last)
		return nil
	})
}

func (s *Store) applyBatch(ctx context.Context, conn *sql.Conn, b *batch, promoted map[string][]clientele.Promotion, commit uint64, pos clientele.Position) error {
	if err := applyExpired(ctx, conn, b.expired); err != nil {
		return fmt.Errorf("expired: %w", err)
	}
	for _, t := range clientele.Schema {
		rows := b.tables[t.Name]
		if rows == nil {
			continue
		}
		if err := applyRows(ctx, conn, t, rows, promoted[t.Name], pos); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	if len(b.seen) > 0 {
		if err := applySeen(ctx, conn, b.seen); err != nil {
			return fmt.Errorf("seen: %w", err)
		}
	}
	if len(b.moved) > 0 {
		if err := applyMoved(ctx, conn, b.moved); err != nil {
			return fmt.Errorf("moved: %w", err)
		}
	}
	if len(b.erased) > 0 { // last: no later change speaks of them
		if err := applyErased(ctx, conn, b.erased); err != nil {
			return fmt.Errorf("erased: %w", err)
		}
	}
	_, err := conn.ExecContext(ctx, fmt.Sprintf("update base.position set commit_number = %d, log_position = %d", commit, pos))
	return err
}

// applyRows stages the rows, deletes what has their keys and appends them. Numbers are staged
// as integers and converted by the engine, many at once, where one by one in Go would cost more.
func applyRows(ctx context.Context, conn *sql.Conn, t *clientele.Table, rows *tableBatch, promoted []clientele.Promotion, pos clientele.Position) error {
	var ddl, values, names strings.Builder
	for i, c := range t.Columns {
		fmt.Fprintf(&ddl, "%s %s, ", quote(c.Name), stageType(c.Type))
		if i > 0 {
			values.WriteString(", ")
			names.WriteString(", ")
		}
		fmt.Fprintf(&values, "%s as %s", unstage("s."+quote(c.Name), c.Type), quote(c.Name))
		names.WriteString(quote(c.Name))
	}
	if _, err := conn.ExecContext(ctx, "create or replace temp table staged ("+ddl.String()+`"_delete" boolean, "_replace" boolean)`); err != nil {
		return err
	}
	if err := stage(conn, len(t.Columns), rows); err != nil {
		return err
	}
	if rows.replaces {
		equal := "="
		if rows.nullKeys {
			equal = "is not distinct from"
		}
		on := []string{`s."_replace"`}
		for _, k := range rowKey(t, rows) {
			c := t.Columns[t.Column(k)]
			on = append(on, fmt.Sprintf("b.%s %s %s", quote(k), equal, unstage("s."+quote(k), c.Type)))
		}
		q := fmt.Sprintf("delete from base.%s b using temp.main.staged s where %s", quote(t.Name), strings.Join(on, " and "))
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	columns, exprs := names.String(), names.String()
	from := fmt.Sprintf(`(select %s from temp.main.staged s where not s."_delete")`, values.String())
	if json, ok := jsonColumn(t.Name); ok && len(promoted) > 0 {
		texts, typed := promotedExprs(json, promoted)
		for i, p := range promoted {
			columns += ", " + quote(p.Column)
			exprs += ", " + typed[i]
		}
		if len(texts) > 0 {
			from = fmt.Sprintf("(select *, %s from %s)", strings.Join(texts, ", "), from)
		}
	}
	q := fmt.Sprintf(`insert into base.%s (%s, %s) select %s, %d from %s`, quote(t.Name), columns, changedColumn, exprs, pos, from)
	if _, err := conn.ExecContext(ctx, q); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "drop table temp.main.staged")
	return err
}

// rowKey is the columns by which a row of the table is found: its key, or what is one with it and
// quicker to compare. An identifier has one anchor for ever, and an anchor one identifier.
// What deletes a row names its key alone.
func rowKey(t *clientele.Table, rows *tableBatch) []string {
	if t.Name == "identifiers" && !rows.deletes {
		return []string{"anchor_id"}
	}
	return t.Key
}

// stageType is the type in which a value is handed over.
func stageType(t clientele.ColumnType) string {
	switch t {
	case clientele.TypeTime, clientele.TypeDate, clientele.TypeDecimal:
		return "bigint"
	case clientele.TypeJSON:
		return "varchar" // a JSON column would have the Appender encode the text once more
	}
	return sqlType(t)
}

// unstage is the typed value of a staged one. A text that DuckDB does not take for JSON though
// Go does is kept as a JSON string rather than lost.
func unstage(x string, t clientele.ColumnType) string {
	switch t {
	case clientele.TypeTime:
		return "make_timestamptz(" + x + ")"
	case clientele.TypeDate:
		return "date '1970-01-01' + cast(" + x + " as integer)"
	case clientele.TypeDecimal:
		return "cast(cast(" + x + " as decimal(18,0)) * 0.0001 as decimal(18,4))"
	case clientele.TypeJSON:
		return "coalesce(try_cast(" + x + " as json), to_json(" + x + "))"
	}
	return x
}

// applySeen changes one column in place: writing the whole rows anew would cost several times as much.
func applySeen(ctx context.Context, conn *sql.Conn, seen map[int64]int64) error {
	if _, err := conn.ExecContext(ctx, "create or replace temp table staged (profile_id bigint, last_seen bigint)"); err != nil {
		return err
	}
	if err := stagePairs(conn, seen); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "update base.profiles b set last_seen = make_timestamptz(s.last_seen) from temp.main.staged s "+
		"where b.profile_id = s.profile_id and b.last_seen < make_timestamptz(s.last_seen); drop table temp.main.staged")
	return err
}

func applyMoved(ctx context.Context, conn *sql.Conn, moved map[int64]int64) error {
	if _, err := conn.ExecContext(ctx, "create or replace temp table staged (anchor_id bigint, profile_id bigint)"); err != nil {
		return err
	}
	if err := stagePairs(conn, moved); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "delete from base.moved b using temp.main.staged s where b.anchor_id = s.anchor_id; "+
		"insert into base.moved select anchor_id, profile_id from temp.main.staged; drop table temp.main.staged")
	return err
}

// promote adds the columns that the changes ask for and fills them for old rows. It returns
// the promotions as they are when the transaction commits.
func (s *Store) promote(ctx context.Context, conn *sql.Conn, changes []clientele.Change) (map[string][]clientele.Promotion, error) {
	all := s.promoted
	fill, where := map[string][]string{}, map[string][]string{} // by table
	since := map[string]clientele.Position{}                    // no row from before has any of them; 0 = unknown
	for _, ch := range changes {
		for _, p := range ch.Promoted {
			first := p.Since
			p.Since = 0 // it tells of this moment alone
			known, err := checkPromotion(all, p)
			if err != nil {
				return nil, err
			}
			if known {
				continue
			}
			if len(fill) == 0 {
				all = clonePromoted(all)
			}
			if _, err := conn.ExecContext(ctx, fmt.Sprintf("alter table base.%s add column %s %s", quote(p.Table), quote(p.Column), sqlType(p.Type))); err != nil {
				return nil, fmt.Errorf("promote: %w", err)
			}
			ordinal := len(all[p.Table]) + 1
			if _, err := conn.ExecContext(ctx, "insert into base.promoted values ($1, $2, $3, $4, $5)", p.Table, p.Column, p.JSON, int(p.Type), ordinal); err != nil {
				return nil, fmt.Errorf("promote: %w", err)
			}
			json, _ := jsonColumn(p.Table)
			all[p.Table] = append(all[p.Table], p)
			fill[p.Table] = append(fill[p.Table], quote(p.Column)+" = "+promotedExpr(json, p))
			where[p.Table] = append(where[p.Table], mayHave(json, p))
			if old, more := since[p.Table]; !more || first < old {
				since[p.Table] = first
			}
		}
	}
	for name, set := range fill {
		// Not "set data type ... using", which is quicker: after a crash DuckDB would have to
		// replay it from its WAL, where it binds no functions, and the file would never open
		// again. And only behind all columns: a table that was updated cannot be altered.
		// Few old rows have what is promoted now. To look at all others too would stop the table for seconds, a large one for minutes.
		q := fmt.Sprintf("update base.%s set %s where (%s)", quote(name), strings.Join(set, ", "), strings.Join(where[name], " or "))
		if since[name] > 0 {
			q += fmt.Sprintf(" and %s >= %d", changedColumn, since[name])
		}
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("promote: %w", err)
		}
		if _, err := conn.ExecContext(ctx, viewDDL(clientele.TableNamed(name), all[name], s.o.BaseCurrency)); err != nil {
			return nil, fmt.Errorf("promote: %w", err)
		}
	}
	return all, nil
}

func clonePromoted(all map[string][]clientele.Promotion) map[string][]clientele.Promotion {
	out := make(map[string][]clientele.Promotion, len(all)+1)
	for k, v := range all {
		out[k] = v[:len(v):len(v)]
	}
	return out
}

// checkPromotion says whether the promotion is there already. Its column must be free.
func checkPromotion(all map[string][]clientele.Promotion, p clientele.Promotion) (known bool, err error) {
	if _, ok := jsonColumn(p.Table); !ok || sqlType(p.Type) == "" || p.Column == "" {
		return false, clientele.Errorf(clientele.Invalid, "promotion of %s.%s is not one", p.Table, p.Column)
	}
	for _, q := range all[p.Table] {
		if q == p {
			return true, nil
		}
		if strings.EqualFold(q.Column, p.Column) {
			return false, clientele.Errorf(clientele.Conflict, "column %s.%s is promoted already, from another property or type", p.Table, p.Column)
		}
	}
	for _, c := range clientele.TableNamed(p.Table).Columns {
		if strings.EqualFold(c.Name, p.Column) {
			return false, clientele.Errorf(clientele.Conflict, "column %s.%s is the contract's own", p.Table, p.Column)
		}
	}
	return false, nil
}
