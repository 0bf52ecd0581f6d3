package duckstore

import (
	"context"
	"database/sql"
	"strings"

	"clientele"
)

// Numbers answers a query on the contract's views that this program has written itself, whose
// columns are all whole numbers: fn is called for each row, which it may not keep. No gate stands
// before it: texts of users must be in it as literals only.
func (s *Store) Numbers(ctx context.Context, query string, fn func(row []int64) error) error {
	return s.Snapshot(ctx, func(_ uint64, numbers func(string, func([]int64) error) error) error { return numbers(query, fn) })
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
