package duckstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Snapshot gives fn the tables as they are after one commit, whatever is applied meanwhile. numbers answers
// as Numbers does, for as long as fn runs.
func (s *Store) Snapshot(ctx context.Context, fn func(commit uint64, numbers func(query string, row func([]int64) error) error) error) error {
	err := s.reading(ctx, func(conn *sql.Conn) (err error) {
		if _, err := conn.ExecContext(ctx, "begin transaction read only"); err != nil {
			return err
		}
		defer func() {
			_, end := conn.ExecContext(context.WithoutCancel(ctx), "rollback")
			err = errors.Join(err, end)
		}()
		commit, _, err := position(ctx, conn)
		if err != nil {
			return err
		}
		return fn(commit, func(query string, row func([]int64) error) error { return numbers(ctx, conn, query, row) })
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("column store: %w", err)
	}
	return err
}

func numbers(ctx context.Context, conn *sql.Conn, query string, fn func(row []int64) error) error {
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
}
