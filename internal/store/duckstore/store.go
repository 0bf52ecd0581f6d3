// Package duckstore is the column store: a DuckDB file that follows the outbox and answers SQL.
// It holds the tables of clientele.Schema as base tables in the schema "base", and the contract
// as views in "main". One connection writes; users' queries run on others in read-only
// transactions behind the gate of package sqlq. The file can always be rebuilt from the row
// store, so nothing in it is the truth.
package duckstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
)

// Options say where the file is and what it may use.
type Options struct {
	Path         string       // of the file; made when it is not there
	Memory       int64        // bytes; 0 = 400 MB
	Threads      int          // 0 = half of the processors: with more, one waits in a loop for the other
	BaseCurrency string       // of orders.revenue_base; "" = USD
	TempDir      string       // for what does not fit in memory; "" = beside the file
	Log          *slog.Logger // nil = discard
	Plain        bool         // columns are stored without compression, for tests that look for bytes
}

// userConnections is how many users' queries run at once, exportConnections how many exports;
// more wait.
const (
	userConnections   = 2
	exportConnections = 2
	otherConnections  = 3 // the writer's, and those of short reads
)

// Store is an open column store. Apply, Fold and Maintain take turns; queries run beside them.
type Store struct {
	o     Options
	log   *slog.Logger
	slots chan struct{} // one token per user query that runs
	exits chan struct{} // one token per export that runs
	pages pages

	write sync.Mutex // held by whoever writes
	// file is the database's file, opened for Copy and kept open as long as the database is: the
	// system drops the database's lock when this process closes the file anywhere.
	file *os.File // guarded by write

	mu       sync.RWMutex // guards what reopening replaces; queries hold it shared
	db       *sql.DB
	conn     *sql.Conn // the writer's
	promoted map[string][]clientele.Promotion
	broken   atomic.Bool // the database refuses all work until it is reopened
	applied  atomic.Uint64
	closed   bool

	idle  uint64 // applied at the last Maintain
	group int    // rows in a row group, at most; 0 until the file was opened

	fdOnce *sync.Once // of the open database, guards fd
	fd     int        // of its file, see writeback
}

// Open opens the file and brings it to this program's format. Conflict when a newer program
// wrote it, Unavailable when another process has it open.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Memory == 0 {
		o.Memory = 400e6
	}
	if o.Threads == 0 {
		o.Threads = max(1, runtime.NumCPU()/2)
	}
	if o.BaseCurrency == "" {
		o.BaseCurrency = "USD"
	}
	if o.TempDir == "" {
		o.TempDir = o.Path + ".tmp"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Path == "" || strings.ContainsAny(o.Path, "?%#") {
		return nil, clientele.Errorf(clientele.Invalid, "column store: the path is empty or holds one of ? %% #")
	}
	abs, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("column store: %w", err)
	}
	o.Path = abs
	s := &Store{o: o, log: o.Log, slots: make(chan struct{}, userConnections), exits: make(chan struct{}, exportConnections), pages: defaultPages}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// catalog is the file's name in the database, which is one in memory that has the file attached: only so can the size of
// row groups be said.
const catalog = "columns"

// smallGroup is how many rows of a table are packed together. A checkpoint packs the last ones of each table that has grown
// anew, and that on one thread: with DuckDB's 122,880 it took 0.7 s for a million profiles of which some had changed, and takes 0.04 with these. Scans are as quick.
const smallGroup = 15 * 2048

// largeGroup is DuckDB's own, of files of older formats: it fails on groups that are larger than what it was opened with.
const largeGroup = 60 * 2048

// attachment attaches the file as name.
func attachment(path, name string, group int) string {
	return fmt.Sprintf("attach %s as %s (row_group_size %d)", literal(path), name, group)
}

// groupOf finds out which groups the file has, without a change to it. What cannot be read has large ones: they are safe.
func (s *Store) groupOf(ctx context.Context, conn *sql.Conn) int {
	if _, err := os.Stat(s.o.Path); errors.Is(err, os.ErrNotExist) {
		return smallGroup
	}
	if _, err := conn.ExecContext(ctx, "attach "+literal(s.o.Path)+" as look (read_only)"); err != nil {
		return largeGroup
	}
	var version int
	err := conn.QueryRowContext(ctx, "select version from look.base.format").Scan(&version)
	if _, detached := conn.ExecContext(ctx, "detach look"); err == nil && detached == nil && version >= formatSmall {
		return smallGroup
	}
	return largeGroup
}

// open makes the database and the writer's connection. The caller holds mu, or is alone.
func (s *Store) open(ctx context.Context) (err error) {
	s.fdOnce = new(sync.Once)
	attached := false // from the writer's connection on, which is the first
	connector, err := duckdb.NewConnector("", func(conn driver.ExecerContext) error {
		if !attached {
			return nil
		}
		_, err := conn.ExecContext(context.Background(), "use "+catalog, nil)
		return err
	})
	if err != nil {
		return openError(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(userConnections + exportConnections + otherConnections)
	db.SetMaxIdleConns(userConnections + exportConnections + otherConnections)
	conn, err := db.Conn(ctx)
	if err == nil {
		err = s.setUp(ctx, conn)
		attached = true
	}
	if err != nil {
		if conn != nil {
			err = errors.Join(err, conn.Close())
		}
		return errors.Join(err, db.Close())
	}
	s.db, s.conn = db, conn
	s.broken.Store(false)
	return nil
}

// noSpace is in the text of what DuckDB says of a full disk; it has no code for it.
const noSpace = "No space left on device"

func openError(err error) error {
	// A fault inside DuckDB comes with pages of its stack.
	text, _, _ := strings.Cut(err.Error(), "\n\nStack Trace:")
	if strings.Contains(text, "set lock on file") {
		return clientele.Errorf(clientele.Unavailable, "column store: %s", text).
			WithHint("another process has the data directory open: stop it, or use --server")
	}
	if strings.Contains(text, noSpace) {
		return clientele.Errorf(clientele.Unavailable, "column store: %s", text).
			WithHint("free some space on the disk of the data directory and start again; nothing is lost")
	}
	return clientele.Errorf(clientele.Corrupt, "column store: %s", text).
		WithHint("move the file away and run: clientele rebuild")
}

// setUp configures the database, attaches the file, brings the tables to this format and then locks the
// configuration, so that no SQL can open a file or change a setting.
func (s *Store) setUp(ctx context.Context, conn *sql.Conn) error {
	settings := []string{
		fmt.Sprintf("set global memory_limit = '%dB'", s.o.Memory),
		fmt.Sprintf("set global threads = %d", s.o.Threads),
		"set global temp_directory = " + literal(s.o.TempDir),
		"set global max_temp_directory_size = '8GB'",
		"set global TimeZone = 'UTC'",
		"set global integer_division = true",
		"set global default_null_order = 'NULLS_LAST_ON_ASC_FIRST_ON_DESC'",
		"set global autoinstall_known_extensions = false",
		"set global autoload_known_extensions = false",
		fmt.Sprintf("set global checkpoint_threshold = '%dB'", s.checkpointAfter()),
		s.compression(),
	}
	for _, q := range settings {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return clientele.Errorf(clientele.Invalid, "column store: %w", err).WithHint("check its memory limit and threads")
		}
	}
	if s.group == 0 {
		s.group = s.groupOf(ctx, conn)
	}
	for _, q := range []string{attachment(s.o.Path, catalog, s.group), "use " + catalog} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return openError(err)
		}
	}
	if err := s.inTx(ctx, conn, func() error { return s.upgrade(ctx, conn) }); err != nil {
		if strings.Contains(err.Error(), noSpace) {
			return openError(err)
		}
		return fmt.Errorf("column store: %w", err)
	}
	for _, q := range []string{"set global enable_external_access = false", "set global lock_configuration = true"} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("column store: %w", err)
		}
	}
	return nil
}

// checkpointAfter is how many bytes of log a commit makes a checkpoint at. It writes anew what it has touched, the last rows of
// each table among them: the more at once, the less an event costs, and the longer it takes, while nothing more can be
// queried. What the log holds takes memory, also when it is replayed.
func (s *Store) checkpointAfter() int64 { return min(max(s.o.Memory/2, 64e6), 192e6) }

// compression is the setting of how columns are packed. FSST costs a quarter of all that an event
// costs, paid at each checkpoint; the file is larger without it (docs/benchmarks.md has both figures).
func (s *Store) compression() string {
	if s.o.Plain {
		return "set global force_compression = 'uncompressed'"
	}
	return "set global disabled_compression_methods = 'fsst,dict_fsst'"
}

// upgrade makes what is missing. Base tables gain columns that the Schema has gained; views
// and macros are made anew, because they depend on options.
func (s *Store) upgrade(ctx context.Context, conn *sql.Conn) error {
	exec := func(q string) error { _, err := conn.ExecContext(ctx, q); return err }
	if err := exec("create schema if not exists base; " + metaDDL); err != nil {
		return err
	}
	var version int
	err := conn.QueryRowContext(ctx, "select version from base.format").Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = exec(fmt.Sprintf("insert into base.format values (%d); insert into base.position values (0, 0)", s.format()))
	case err == nil && version <= format && version != s.format(): // it was opened with large groups all the same
		err = exec(fmt.Sprintf("update base.format set version = %d", s.format()))
	case err == nil && version > format:
		err = clientele.Errorf(clientele.Conflict, "the file has format %d, this program knows %d", version, format).
			WithHint("use the newer program, or move the file away and run: clientele rebuild")
	}
	if err != nil {
		return err
	}
	if s.promoted, err = loadPromoted(ctx, conn); err != nil {
		return err
	}
	if err := exec(prelude); err != nil {
		return err
	}
	if err := addMissing(ctx, conn); err != nil {
		return err
	}
	for _, t := range clientele.Schema {
		if err := exec(viewDDL(t, s.promoted[t.Name], s.o.BaseCurrency)); err != nil {
			return err
		}
	}
	return nil
}

// format is that of the open file.
func (s *Store) format() int {
	if s.group == smallGroup {
		return formatSmall
	}
	return formatLarge
}

// addMissing makes the base tables, and the columns that the Schema has gained since they were made.
func addMissing(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "select table_name || '.' || column_name from duckdb_columns() where schema_name = 'base'")
	if err != nil {
		return err
	}
	defer rows.Close()
	there := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		there[name] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, t := range clientele.Schema {
		q := tableDDL(t)
		if there[t.Name+"."+t.Columns[0].Name] {
			q = ""
			for _, c := range t.Columns {
				if !there[t.Name+"."+c.Name] {
					q += fmt.Sprintf("alter table base.%s add column %s %s;", quote(t.Name), quote(c.Name), sqlType(c.Type))
				}
			}
			if !there[t.Name+"."+strings.Trim(changedColumn, `"`)] {
				q += fmt.Sprintf("alter table base.%s add column %s bigint;", quote(t.Name), changedColumn)
			}
		}
		if q == "" {
			continue
		}
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// loadPromoted are the promoted columns of each table, in their order.
func loadPromoted(ctx context.Context, conn *sql.Conn) (map[string][]clientele.Promotion, error) {
	rows, err := conn.QueryContext(ctx, "select table_name, column_name, json_key, type from base.promoted order by ordinal")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]clientele.Promotion{}
	for rows.Next() {
		var p clientele.Promotion
		if err := rows.Scan(&p.Table, &p.Column, &p.JSON, &p.Type); err != nil {
			return nil, err
		}
		all[p.Table] = append(all[p.Table], p)
	}
	return all, rows.Err()
}

// inTx runs fn in a transaction of the connection. Rolling back is not bound to ctx.
func (s *Store) inTx(ctx context.Context, conn *sql.Conn, fn func() error) error {
	if _, err := conn.ExecContext(ctx, "begin transaction"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		stop := s.writeback() // it may be a checkpoint
		_, err = conn.ExecContext(ctx, "commit")
		stop()
		if err == nil {
			return nil
		}
	}
	// After a failed commit there is nothing to roll back, so its error says nothing new.
	_, _ = conn.ExecContext(context.WithoutCancel(ctx), "rollback")
	return err
}

// writing runs fn as the only writer and finds out afterwards whether the database survived a
// failure. A database that did not is reopened by the next call.
func (s *Store) writing(ctx context.Context, fn func(conn *sql.Conn) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.revive(ctx); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed()
	}
	err := fn(s.conn)
	s.examine(err)
	var d *duckdb.Error
	if errors.As(err, &d) && d.Type == duckdb.ErrorTypeOutOfMemory {
		// What failed writes and the replay of its log have taken is given back when it is opened anew, not before.
		s.broken.Store(true)
	}
	return err
}

func errClosed() error { return clientele.Errorf(clientele.Unavailable, "the column store is closed") }

// examine asks the database for a sign of life after a failure that may have ended it.
func (s *Store) examine(err error) {
	var d *duckdb.Error
	if err == nil || !errors.As(err, &d) {
		return
	}
	var one int
	probe := s.db.QueryRowContext(context.Background(), "select 1").Scan(&one)
	if d.Type == duckdb.ErrorTypeFatal || d.Type == duckdb.ErrorTypeInternal || probe != nil {
		s.broken.Store(true)
	}
}

// revive reopens a broken database. It waits for the queries that still hold the old one,
// which fail by themselves. The caller holds write.
func (s *Store) revive(ctx context.Context) error {
	if !s.broken.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed()
	}
	if s.db != nil {
		// Closing a broken database fails in ways that do not matter: what counts is opening.
		_ = s.conn.Close()
		_ = s.db.Close()
		s.db, s.conn = nil, nil
		_ = s.letGo()
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	s.log.Warn("column store reopened after a fatal error", "path", s.o.Path)
	return nil
}

// reading gives fn a connection of its own.
func (s *Store) reading(ctx context.Context, fn func(conn *sql.Conn) error) error {
	if s.broken.Load() {
		s.write.Lock()
		err := s.revive(ctx)
		s.write.Unlock()
		if err != nil {
			return err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed || s.db == nil {
		return errClosed()
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	err = fn(conn)
	s.examine(err)
	return errors.Join(err, conn.Close())
}

// Position is the last applied commit number and its log position.
func (s *Store) Position(ctx context.Context) (commit uint64, pos clientele.Position, err error) {
	err = s.reading(ctx, func(conn *sql.Conn) error {
		commit, pos, err = position(ctx, conn)
		return err
	})
	return commit, pos, err
}

func position(ctx context.Context, conn *sql.Conn) (commit uint64, pos clientele.Position, err error) {
	err = conn.QueryRowContext(ctx, "select commit_number, log_position from base.position").Scan(&commit, &pos)
	return commit, pos, err
}

// Size is the bytes on disk, the write-ahead log included.
func (s *Store) Size() int64 {
	var n int64
	for _, suffix := range []string{"", ".wal"} {
		if info, err := os.Stat(s.o.Path + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}

// Counts is the number of rows of each table of the contract, and of the overlay as "moved".
func (s *Store) Counts(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	err := s.reading(ctx, func(conn *sql.Conn) error {
		names := []string{"moved"}
		for _, t := range clientele.Schema {
			names = append(names, t.Name)
		}
		for _, name := range names {
			var n int64
			if err := conn.QueryRowContext(ctx, "select count(*) from base."+quote(name)).Scan(&n); err != nil {
				return err
			}
			counts[name] = n
		}
		return nil
	})
	return counts, err
}

// Close ends all work and closes the file. Queries that run are waited for.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.db == nil {
		return nil
	}
	return errors.Join(s.conn.Close(), s.db.Close(), s.letGo())
}

// letGo closes what Copy has opened. The caller holds write.
func (s *Store) letGo() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
