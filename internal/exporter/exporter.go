// Package exporter brings rows out: tables of the SQL schema as CSV, JSON Lines or Parquet, into
// a folder, an object store or one stream. Rows are streamed, so memory does not grow with the
// export. A folder is filled part by part beside a manifest that names each part with its
// checksum and its range of keys: an export that is interrupted goes on behind the last whole
// part, and no part is ever seen before it is whole. Every export that is begun is in the ledger.
package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"clientele"
)

// Source reads rows. Head comes once, then the pages, in the order of the table's key and as of
// one commit. An error of head or page ends the reading and is returned as it is.
type Source interface {
	Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error
}

// Place is where the files of an export go. A file is there whole or not at all.
type Place interface {
	// Create begins a file. It replaces one of its name when it is committed.
	Create(ctx context.Context, name string) (File, error)
	// Read is a small file, NotFound when it is not there.
	Read(ctx context.Context, name string) ([]byte, error)
	// Size is a file's, NotFound when it is not there.
	Size(ctx context.Context, name string) (int64, error)
	// Clean takes away what an export that was interrupted has begun and not committed, and says
	// whether nothing else is there.
	Clean(ctx context.Context) (empty bool, err error)
}

// File is a file on its way. Either Commit or Abort ends it; a Commit that fails leaves nothing.
type File interface {
	io.Writer
	Commit() error
	Abort() error
}

// The size of a part, whichever is reached first: a part ends behind the page that reaches it.
const (
	PartRows  = 1_000_000
	PartBytes = 256 << 20
)

// Options say what to export and where to.
type Options struct {
	ID        string // of the ledger; "" = an export of the same request is gone on with
	Request   clientele.ExportRequest
	Source    Source
	Place     Place
	PartRows  int64 // 0 = PartRows
	PartBytes int64 // 0 = PartBytes
	Now       func() time.Time
	Room      func() error   // asked before each part; nil = there is room
	Progress  func(Progress) // called behind each page; may be nil
}

// Progress is how far an export has come.
type Progress struct {
	Rows, Total int64 // Total is how many there will be
	Bytes       int64 // of whole parts
	Parts       int
	Position    clientele.Position
}

// Run exports into a place, or goes on with an export there that was interrupted. Conflict when
// another export is there, or files of somebody else.
func Run(ctx context.Context, o Options) (Progress, error) {
	if o.PartRows == 0 {
		o.PartRows = PartRows
	}
	if o.PartBytes == 0 {
		o.PartBytes = PartBytes
	}
	f, err := parseFormat(o.Request.Format, o.Request.Compression)
	if err != nil {
		return Progress{}, err
	}
	if err := o.Request.Check(); err != nil {
		return Progress{}, err
	}
	m, err := begin(ctx, &o)
	if err != nil || m.State == stateDone {
		return m.progress(), err
	}
	r := &run{o: o, format: f, m: m, had: m.Rows}
	sel := o.Request.Selection
	if n := len(m.Parts); n > 0 {
		sel.After, sel.Columns = m.Parts[n-1].Last, m.names()
	}
	err = o.Source.Export(ctx, sel, func(h clientele.ExportHead) error { return r.begin(ctx, h) },
		func(p clientele.ExportPage) error { return r.page(ctx, p) })
	if err == nil {
		err = r.endPart(ctx)
	}
	if err != nil {
		return m.progress(), errors.Join(err, r.abort())
	}
	m.State, m.Ended = stateDone, clientele.MicrosOf(o.Now())
	return m.progress(), m.save(ctx, o.Place)
}

// run is an export into a place that is under way.
type run struct {
	o      Options
	format format
	m      *manifest
	had    int64 // rows of whole parts from before an interruption
	total  int64

	open *writer // the part that is being written
	file File
	part part
}

// begin leaves a manifest before there is a part: files without one are somebody else's.
func (r *run) begin(ctx context.Context, h clientele.ExportHead) error {
	r.total = r.had + h.Rows
	if len(r.m.Parts) == 0 {
		r.m.Columns = h.Columns
	}
	r.m.Snapshots = append(r.m.Snapshots, snapshot{Part: len(r.m.Parts) + 1, Commit: h.Commit, Position: h.Position})
	return r.m.save(ctx, r.o.Place)
}

func (r *run) page(ctx context.Context, p clientele.ExportPage) error {
	if r.open == nil {
		if err := r.beginPart(ctx, p.First); err != nil {
			return err
		}
	}
	if err := r.open.rows(p.Rows); err != nil {
		return err
	}
	r.part.Rows += int64(len(p.Rows))
	r.part.Last = p.Last
	if r.part.Rows >= r.o.PartRows || r.open.count.n >= r.o.PartBytes {
		if err := r.endPart(ctx); err != nil {
			return err
		}
	}
	if r.o.Progress != nil {
		now := r.m.progress()
		now.Rows, now.Total = r.had+r.done(), r.total
		r.o.Progress(now)
	}
	return nil
}

// done are the rows written since the beginning or the interruption.
func (r *run) done() int64 {
	n := r.m.Rows - r.had
	if r.open != nil {
		n += r.part.Rows
	}
	return n
}

func (r *run) beginPart(ctx context.Context, first []string) (err error) {
	if r.o.Room != nil {
		if err := r.o.Room(); err != nil {
			return err
		}
	}
	r.part = part{Name: fmt.Sprintf("part-%06d%s", len(r.m.Parts)+1, r.format.suffix()), First: first}
	if r.file, err = r.o.Place.Create(ctx, r.part.Name); err != nil {
		return err
	}
	if r.open, err = newWriter(r.file, r.format, r.m.Columns); err != nil {
		return errors.Join(err, r.file.Abort())
	}
	return nil
}

// endPart makes the part seen, and then the manifest name it: a crash between the two writes the
// part anew.
func (r *run) endPart(ctx context.Context) error {
	if r.open == nil {
		return nil
	}
	if err := r.open.close(); err != nil {
		return err
	}
	r.part.Bytes, r.part.SHA256 = r.open.count.n, hex.EncodeToString(r.open.count.sum.Sum(nil))
	file := r.file
	r.open, r.file = nil, nil
	if err := file.Commit(); err != nil {
		return err
	}
	r.m.Parts = append(r.m.Parts, r.part)
	r.m.Rows, r.m.Bytes = r.m.Rows+r.part.Rows, r.m.Bytes+r.part.Bytes
	return r.m.save(ctx, r.o.Place)
}

func (r *run) abort() error {
	if r.file == nil {
		return nil
	}
	file := r.file
	r.open, r.file = nil, nil
	return file.Abort()
}

// Stream writes one file with all rows of the request. Nothing of it can be used when it fails.
func Stream(ctx context.Context, source Source, req clientele.ExportRequest, w io.Writer, progress func(Progress)) (Progress, error) {
	var done Progress
	f, err := parseFormat(req.Format, req.Compression)
	if err != nil {
		return done, err
	}
	var out *writer
	err = source.Export(ctx, req.Selection, func(h clientele.ExportHead) (err error) {
		done.Total, done.Position = h.Rows, h.Position
		out, err = newWriter(w, f, h.Columns)
		return err
	}, func(p clientele.ExportPage) error {
		if err := out.rows(p.Rows); err != nil {
			return err
		}
		done.Rows, done.Bytes = done.Rows+int64(len(p.Rows)), out.count.n
		if progress != nil {
			progress(done)
		}
		return nil
	})
	if err == nil && out != nil {
		err = out.close()
		done.Bytes = out.count.n
	}
	return done, err
}

// counter counts and sums what is written.
type counter struct {
	w   io.Writer
	n   int64
	sum hash.Hash
}

func newCounter(w io.Writer) *counter { return &counter{w: w, sum: sha256.New()} }

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	return n, err
}
