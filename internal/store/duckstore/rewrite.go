package duckstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
)

// Rewrite copies the database into a new file and puts that in the place of the old one, so that
// nothing of deleted rows is left. Queries that run are waited for, and others wait meanwhile. It
// needs room for the new file beside the old one. A crash leaves the old file or the new one.
func (s *Store) Rewrite(ctx context.Context) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.revive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed()
	}
	if _, err := s.conn.ExecContext(ctx, "force checkpoint"); err != nil {
		return fmt.Errorf("rewrite: %w", err)
	}
	err := errors.Join(s.conn.Close(), s.db.Close())
	s.db, s.conn = nil, nil
	s.broken.Store(true) // until it is open again
	fresh := s.o.Path + ".fresh"
	if err == nil {
		err = s.copyFile(ctx, fresh)
	}
	if err == nil {
		if err = os.Rename(fresh, s.o.Path); err == nil {
			s.group = smallGroup
		}
	}
	// Whatever happened, one of the two files is the whole database.
	if again := s.open(context.WithoutCancel(ctx)); again != nil {
		return errors.Join(err, again)
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "rewrite column store: %w", err).WithHint("check that the disk has room for a second file of its size")
	}
	return nil
}

// copyFile copies the closed database.
func (s *Store) copyFile(ctx context.Context, fresh string) (err error) {
	for _, left := range []string{fresh, fresh + ".wal"} {
		if err := os.RemoveAll(left); err != nil {
			return err
		}
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, q := range []string{
		fmt.Sprintf("set global memory_limit = '%dB'", s.o.Memory), fmt.Sprintf("set global threads = %d", s.o.Threads),
		"set global temp_directory = " + literal(s.o.TempDir), s.compression(),
		"set global TimeZone = 'UTC'",
		"attach " + literal(s.o.Path) + " as old (read_only)", attachment(fresh, "fresh", smallGroup),
		"create schema fresh.base",
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	tables, err := names(ctx, conn, "select table_name from duckdb_tables() where database_name = 'old' and schema_name = 'base' order by table_name")
	if err != nil {
		return err
	}
	for _, t := range tables { // views and macros are made when the file is opened
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("create table fresh.base.%[1]s as from old.base.%[1]s", quote(t))); err != nil {
			return err
		}
	}
	for _, q := range []string{fmt.Sprintf("update fresh.base.format set version = %d", formatSmall), "checkpoint fresh", "detach fresh", "detach old"} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func names(ctx context.Context, conn *sql.Conn, q string) (out []string, err error) {
	rows, err := conn.QueryContext(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
