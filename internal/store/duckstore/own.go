package duckstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"clientele"
)

// Numbers answers a query on the contract's views that this program has written itself, whose
// columns are all whole numbers: fn is called for each row, which it may not keep. No gate stands
// before it: texts of users must be in it as literals only.
func (s *Store) Numbers(ctx context.Context, query string, fn func(row []int64) error) error {
	return s.Snapshot(ctx, func(_ uint64, numbers func(string, func([]int64) error) error) error { return numbers(query, fn) })
}

// Followed are rows of a table whose changes count: all, or those of which a condition that this program has written holds, on columns of b.
type Followed struct{ Table, Where string }

// ChangedSince are the profiles of which followed rows have changed behind the log position, ascending, and the position of what is applied.
func (s *Store) ChangedSince(ctx context.Context, rows []Followed, after clientele.Position) (profiles []int64, upTo clientele.Position, err error) {
	var parts []string
	for _, f := range rows {
		who, join, where := "b.profile_id", "", ""
		if clientele.TableNamed(f.Table).Person {
			who, join = "coalesce(m.profile_id, b.profile_id)", " left join base.moved m on m.anchor_id = b.anchor_id"
		}
		if f.Where != "" {
			where = " and (" + f.Where + ")"
		}
		parts = append(parts, fmt.Sprintf("select %s as p from base.%s b%s where b.%s > %d%s", who, quote(f.Table), join, changedColumn, after, where))
	}
	if len(parts) == 0 {
		parts = []string{"select 0 as p"}
	}
	err = s.Snapshot(ctx, func(_ uint64, numbers func(string, func([]int64) error) error) error {
		err := numbers("select log_position from base.position", func(row []int64) error { upTo = clientele.Position(row[0]); return nil })
		if err != nil {
			return err
		}
		return numbers("select distinct p from ("+strings.Join(parts, " union all ")+") q where p > 0 order by p", func(row []int64) error {
			profiles = append(profiles, row[0])
			return nil
		})
	})
	return profiles, upTo, err
}

// Promoted are the promoted columns of a table of the contract.
func (s *Store) Promoted(ctx context.Context, table string) (out []clientele.Promotion, err error) {
	err = s.reading(ctx, func(conn *sql.Conn) error {
		all, err := loadPromoted(ctx, conn)
		out = all[strings.ToLower(table)]
		return err
	})
	return out, err
}
