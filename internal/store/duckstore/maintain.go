package duckstore

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"

	"clientele"
)

// foldAbove is the size of the overlay from which it is folded even while changes arrive.
const foldAbove = 10_000

// compactAbove is the number of rows below which a table is not worth rewriting.
const compactAbove = 100_000

// Digests gives for each table of the contract the number of its rows and a hash of all rows
// and columns of its view. The hash does not depend on the order of rows, on where the overlay
// stands, or on how often rows were replaced.
func (s *Store) Digests(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	err := s.reading(ctx, func(conn *sql.Conn) error {
		return s.inTx(ctx, conn, func() error {
			for _, t := range clientele.Schema {
				d, err := digest(ctx, conn, t.Name)
				if err != nil {
					return fmt.Errorf("digest of %s: %w", t.Name, err)
				}
				out[t.Name] = d
			}
			return nil
		})
	})
	return out, err
}

func digest(ctx context.Context, conn *sql.Conn, view string) (string, error) {
	rows, err := conn.QueryContext(ctx, "select * from main."+quote(view)+" limit 0")
	if err != nil {
		return "", err
	}
	names, err := rows.Columns()
	if err := rows.Close(); err != nil {
		return "", err
	}
	if err != nil {
		return "", err
	}
	columns := make([]string, len(names))
	for i, n := range names {
		columns[i] = quote(n)
	}
	// A sum and not an exclusive or: two equal rows must not cancel out.
	var n, sum string
	q := fmt.Sprintf("select cast(count(*) as varchar), cast(coalesce(sum(cast(hash(%s) as hugeint)), 0) as varchar) from main.%s",
		strings.Join(append(columns, literal(strings.Join(names, ","))), ", "), quote(view))
	if err := conn.QueryRowContext(ctx, q).Scan(&n, &sum); err != nil {
		return "", err
	}
	return n + ":" + sum, nil
}

// Fold writes the overlay into the base rows and empties it. It changes no answer.
func (s *Store) Fold(ctx context.Context) error {
	return s.writing(ctx, func(conn *sql.Conn) error {
		err := s.inTx(ctx, conn, func() error {
			for _, t := range clientele.Schema {
				if !t.Person {
					continue
				}
				q := fmt.Sprintf("update base.%s b set profile_id = nullif(m.profile_id, 0), %s = (select log_position from base.position) from base.moved m "+
					"where b.anchor_id = m.anchor_id and b.profile_id is distinct from nullif(m.profile_id, 0)", quote(t.Name), changedColumn)
				if _, err := conn.ExecContext(ctx, q); err != nil {
					return fmt.Errorf("%s: %w", t.Name, err)
				}
			}
			_, err := conn.ExecContext(ctx, "delete from base.moved")
			return err
		})
		if err != nil {
			return fmt.Errorf("fold: %w", err)
		}
		return nil
	})
}

// Maintain does one round of upkeep: folds the overlay when it is large or when nothing was
// applied since the last round, rewrites tables that hold more deleted rows than live ones,
// and brings the write-ahead log into the file. Call it every minute or so.
func (s *Store) Maintain(ctx context.Context) error {
	var moved int64
	err := s.reading(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "select count(*) from base.moved").Scan(&moved)
	})
	if err != nil {
		return fmt.Errorf("maintain: %w", err)
	}
	applied := s.applied.Load()
	s.write.Lock()
	idle := applied == s.idle
	s.idle = applied
	s.write.Unlock()
	if moved > foldAbove || moved > 0 && idle {
		if err := s.Fold(ctx); err != nil {
			return err
		}
		s.log.Info("overlay folded", "anchors", moved)
	}
	return s.compact(ctx)
}

// compact rewrites bloated tables, one transaction each, so that changes wait for one table at
// most.
func (s *Store) compact(ctx context.Context) error {
	for _, t := range clientele.Schema {
		err := s.writing(ctx, func(conn *sql.Conn) error { return s.compactTable(ctx, conn, t) })
		if err != nil {
			return fmt.Errorf("compact %s: %w", t.Name, err)
		}
	}
	return s.checkpoint(ctx)
}

// worthACheckpoint is how many bytes of log Ease makes a checkpoint at: a third of what a commit waits for takes a third as long.
const worthACheckpoint = 64e6

// Ease makes a checkpoint if there is much to write: for whoever has nothing to apply for a while, so that fewer commits have
// to.
func (s *Store) Ease(ctx context.Context) error {
	if log, err := os.Stat(s.o.Path + ".wal"); err != nil || log.Size() < worthACheckpoint {
		return nil // no log is there right behind a checkpoint
	}
	return s.checkpoint(ctx)
}

// checkpoint brings the write-ahead log into the file. It does not succeed while others write; the next one tries again.
func (s *Store) checkpoint(ctx context.Context) error {
	return s.writing(ctx, func(conn *sql.Conn) error {
		defer s.writeback()()
		if _, err := conn.ExecContext(ctx, "checkpoint"); err != nil {
			if strings.Contains(err.Error(), "other") && strings.Contains(err.Error(), "transaction") {
				s.log.Debug("checkpoint put off, queries run", "path", s.o.Path)
				return nil
			}
			return fmt.Errorf("checkpoint: %w", err)
		}
		return nil
	})
}

func (s *Store) compactTable(ctx context.Context, conn *sql.Conn, t *clientele.Table) error {
	var stored, live int64
	err := conn.QueryRowContext(ctx, "select estimated_size from duckdb_tables() where schema_name = 'base' and table_name = $1", t.Name).Scan(&stored)
	if err != nil {
		return err
	}
	if stored < compactAbove {
		return nil
	}
	if err := conn.QueryRowContext(ctx, "select count(*) from base."+quote(t.Name)).Scan(&live); err != nil {
		return err
	}
	if stored-live <= live {
		return nil
	}
	name, fresh := quote(t.Name), quote(t.Name+"_fresh")
	err = s.inTx(ctx, conn, func() error {
		_, err := conn.ExecContext(ctx, fmt.Sprintf("create table base.%[2]s as select * from base.%[1]s; drop table base.%[1]s; alter table base.%[2]s rename to %[1]s", name, fresh))
		return err
	})
	if err == nil {
		s.log.Info("table rewritten", "table", t.Name, "rows", live, "deleted", stored-live)
	}
	return err
}
