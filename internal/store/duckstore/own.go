package duckstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"clientele"
)

// Numbers answers a query on the contract's views that this program has written itself, whose
// columns are all whole numbers: fn is called for each row, which it may not keep. No gate stands
// before it: texts of users must be in it as literals only.
func (s *Store) Numbers(ctx context.Context, query string, fn func(row []int64) error) error {
	err := s.reading(ctx, func(conn *sql.Conn) (err error) {
		if _, err := conn.ExecContext(ctx, "begin transaction read only"); err != nil {
			return err
		}
		defer func() {
			_, end := conn.ExecContext(context.WithoutCancel(ctx), "rollback")
			err = errors.Join(err, end)
		}()
		rows, err := conn.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		row, targets := make([]int64, len(columns)), make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				return err
			}
			if err := fn(row); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("column store: %w", err)
	}
	return err
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
