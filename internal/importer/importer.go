// Package importer turns files into records of the log. A mapping says what each row of a file
// becomes: rows for tables of the SQL schema, traits and consents of a profile, track events.
// Files are streamed, whatever their size; the same rows give the same record ids for ever, so
// importing a file twice changes nothing; a row that cannot be read or mapped goes to
// quarantine with its file and line, and the import goes on.
package importer

import (
	"context"
	"io"
	"log/slog"
	"time"

	"clientele"
)

// Sink takes records into the log.
type Sink interface {
	// Append returns when the records are durable: at most 1,000 and about 600 KB of one
	// kind. Unavailable means that nothing was taken: the importer waits and tries again.
	// Several calls can be under way at once, and a record can be appended twice.
	Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) error
}

// CheckpointStore remembers how far an import came. Losing a checkpoint is harmless: the rows
// are sent again and their ids are known by then.
type CheckpointStore interface {
	// Load is the number of rows that were acknowledged, 0 when nothing is known of the key.
	Load(key string) (rows int64, err error)
	// Save replaces the number; 0 forgets the key.
	Save(key string, rows int64) error
}

// ParquetReader streams the rows of Parquet files. The store package that has an engine for
// them implements it.
type ParquetReader interface {
	// ReadParquet calls columns once with the column names and then row for every row in
	// file order, until one of them returns an error, which it returns. A value is nil, bool,
	// int64, float64, string (text, decimals, dates and times without a zone, all as SQL
	// writes them), time.Time, or []any and map[string]any with numbers as json.Number. The slice is reused for the next row.
	ReadParquet(ctx context.Context, path string, columns func(names []string) error, row func(values []any) error) error
}

// Objects reads an object store: paths that begin with s3://.
type Objects interface {
	// List are the objects that a path or a pattern (* and ? within a part of the key) names, in
	// the order of their keys; none is no error.
	List(ctx context.Context, pattern string) ([]Object, error)
	// Open streams an object.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
}

// Object is one of an object store.
type Object struct {
	Path     string
	Size     int64
	Modified time.Time
}

// Options say what to import and where to.
type Options struct {
	Source     string          // name of the source; part of every record id
	Mapping    *Mapping        // what rows become
	Paths      []string        // files, globs, s3://BUCKET/KEY and patterns of it, "-" for Stdin
	Stdin      io.Reader       // may be nil when no path is "-"
	Sink       Sink            // not used by Preview
	Checkpoint CheckpointStore // nil: an import that is interrupted starts from the beginning
	Check      int             // rows that Preview reads; 0 = 1,000
	Progress   func(Progress)  // called now and then from one goroutine; may be nil
	Now        func() time.Time
	Parquet    ParquetReader // nil: Parquet files are refused
	Objects    Objects       // nil: s3:// is refused
	Log        *slog.Logger  // nil = silent
}

// Progress is how far an import has come.
type Progress struct {
	File        string
	Rows        int64 // read, skipped ones included
	Records     int64 // acknowledged by the sink
	Quarantined int64
	Bytes       int64 // read from the files, as they lie there
	TotalBytes  int64 // size of all files; 0 when standard input is among them
	Elapsed     time.Duration
}

// Result is what an import did.
type Result struct {
	Rows        int64            // read from the files, skipped and quarantined ones included
	Records     int64            // sent, quarantined ones not included
	Tables      map[string]int64 // records sent by table
	Events      int64            // track events sent
	Quarantined int64            // rows sent to quarantine
	Skipped     int64            // rows an earlier, interrupted run had already brought in
	Unchanged   int64            // records left out because this run had already sent the same
	Bytes       int64
	Duration    time.Duration
}

// Limits of one row. What is over them goes to quarantine.
const (
	MaxRowBytes    = 1 << 20                 // of a row in the file
	MaxRecordBytes = clientele.MaxEventBytes // of one record a row becomes
	QuarantineKept = clientele.OversizeKept  // bytes of a bad row that are kept
)

// Limits of one Append.
const (
	maxAppendRecords = clientele.MaxFrameRecords
	maxAppendBytes   = 600 << 10
)
