package duckstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
	"clientele/internal/sqlq"
)

// Scratch is a database in memory, apart from the column store, that holds what its maker puts in and
// answers queries by rules of its own.
type Scratch struct {
	db    *sql.DB
	rules sqlq.Rules
}

// OpenScratch makes the database with one thread and little memory, runs ddl in it and then locks it:
// nothing in it can reach a file or a setting.
func OpenScratch(ctx context.Context, ddl string, rules sqlq.Rules) (*Scratch, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, openError(err)
	}
	s := &Scratch{db: sql.OpenDB(connector), rules: rules}
	s.db.SetMaxOpenConns(4)
	for _, q := range []string{
		"set global memory_limit = '64MB'", "set global threads = 1", "set global TimeZone = 'UTC'", "set global max_temp_directory_size = '0KB'",
		"set global integer_division = true", "set global default_null_order = 'NULLS_LAST_ON_ASC_FIRST_ON_DESC'",
		"set global autoinstall_known_extensions = false", "set global autoload_known_extensions = false",
		ddl,
		"set global enable_external_access = false", "set global lock_configuration = true",
	} {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			return nil, errors.Join(fmt.Errorf("scratch database: %w", err), s.db.Close())
		}
	}
	return s, nil
}

// Replace runs statements of the maker's in one transaction.
func (s *Scratch) Replace(ctx context.Context, statements string) error {
	if _, err := s.db.ExecContext(ctx, "begin; "+statements+"; commit"); err != nil {
		// After a failed statement there may be nothing to roll back.
		_, _ = s.db.ExecContext(context.WithoutCancel(ctx), "rollback")
		return fmt.Errorf("scratch database: %w", err)
	}
	return nil
}

// Describe is as Store's.
func (s *Scratch) Describe(ctx context.Context, text string, declared []string) (columns []clientele.QueryColumn, params []string, err error) {
	err = s.with(ctx, text, Limits{}, func(conn *sql.Conn) error {
		columns, params, err = shape(ctx, conn, text, declared)
		return err
	})
	return columns, params, err
}

// Stream is as Store's.
func (s *Scratch) Stream(ctx context.Context, text string, params []any, limits Limits,
	head func([]clientele.QueryColumn) error, row func([]any) error) (cut bool, err error) {
	limits = limits.orDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	err = s.with(ctx, text, limits, func(conn *sql.Conn) error {
		cut, err = run(ctx, conn, "", text, params, limits, head, row)
		return err
	})
	return cut, err
}

func (s *Scratch) with(ctx context.Context, text string, limits Limits, fn func(*sql.Conn) error) error {
	if err := sqlq.CheckText(text); err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return queryError(ctx, err, limits, text)
	}
	if err = judge(ctx, conn, text, s.rules); err == nil {
		err = fn(conn)
	}
	return queryError(ctx, errors.Join(err, conn.Close()), limits, text)
}

// Close ends it.
func (s *Scratch) Close() error { return s.db.Close() }
