package exporter

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"clientele"
)

// The formats and compressions of files.
const (
	CSV     = "csv"
	JSONL   = "jsonl"
	Parquet = "parquet"

	Gzip = "gzip"
	Zstd = "zstd"
)

// format is how a file is written.
type format struct{ name, compression string }

func parseFormat(name, compression string) (format, error) {
	if name != CSV && name != JSONL && name != Parquet {
		return format{}, clientele.Errorf(clientele.Invalid, "there is no format %q", name).WithHint("csv, jsonl or parquet")
	}
	if compression == "none" {
		compression = ""
	}
	if compression != "" && compression != Gzip && compression != Zstd {
		return format{}, clientele.Errorf(clientele.Invalid, "there is no compression %q", compression).WithHint("none, gzip or zstd")
	}
	if name == Parquet && compression != "" {
		return format{}, clientele.Errorf(clientele.Invalid, "Parquet is compressed by itself").WithHint("leave the compression out")
	}
	return format{name, compression}, nil
}

// CheckFormat says what is wrong with a format and a compression.
func CheckFormat(name, compression string) error {
	_, err := parseFormat(name, compression)
	return err
}

// suffix is that of a file's name.
func (f format) suffix() string {
	return "." + f.name + map[string]string{"": "", Gzip: ".gz", Zstd: ".zst"}[f.compression]
}

// Suffix is what the names of files of a format end with; "" when there is no such format.
func Suffix(name, compression string) string {
	f, err := parseFormat(name, compression)
	if err != nil {
		return ""
	}
	return f.suffix()
}

// FormatOf is what a file's name says of its format, "" when it says nothing.
func FormatOf(path string) (name, compression string) {
	for suffix, z := range map[string]string{".gz": Gzip, ".zst": Zstd} {
		if rest, ok := strings.CutSuffix(path, suffix); ok {
			path, compression = rest, z
			break
		}
	}
	for _, f := range []string{CSV, JSONL, Parquet} {
		if strings.HasSuffix(path, "."+f) {
			return f, compression
		}
	}
	return "", ""
}

// MediaType is that of a file of the format.
func MediaType(name, compression string) string {
	switch {
	case compression == Gzip:
		return "application/gzip"
	case compression == Zstd:
		return "application/zstd"
	case name == CSV:
		return "text/csv; charset=utf-8"
	case name == JSONL:
		return "application/x-ndjson"
	}
	return "application/vnd.apache.parquet"
}

// encoder makes bytes of rows, whose values are as in clientele.TableRows.
type encoder interface {
	row(values []any) error
	close() error // without closing what it writes to
}

// writer is a file that is being written: rows, then encoding, compression, counting.
type writer struct {
	enc   encoder
	buf   *bufio.Writer
	zip   io.WriteCloser // nil: not compressed
	count *counter
}

const writeBuffer = 128 << 10

func newWriter(w io.Writer, f format, columns []clientele.ExportColumn) (*writer, error) {
	out := &writer{count: newCounter(w)}
	var err error
	var target io.Writer = out.count
	switch f.compression {
	case Gzip:
		out.zip = gzip.NewWriter(target)
	case Zstd:
		if out.zip, err = zstd.NewWriter(target, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, clientele.Errorf(clientele.Internal, "zstd: %w", err)
		}
	}
	if out.zip != nil {
		target = out.zip
	}
	out.buf = bufio.NewWriterSize(target, writeBuffer)
	switch f.name {
	case CSV:
		out.enc, err = newCSV(out.buf, columns)
	case JSONL:
		out.enc, err = newJSONL(out.buf, columns)
	default:
		out.enc, err = newParquet(out.buf, columns)
	}
	return out, err
}

func (w *writer) rows(rows [][]any) error {
	for _, r := range rows {
		if err := w.enc.row(r); err != nil {
			return writeError(err)
		}
	}
	return nil
}

func (w *writer) close() error {
	err := w.enc.close()
	if err == nil {
		err = w.buf.Flush()
	}
	if w.zip != nil {
		err = errors.Join(err, w.zip.Close())
	}
	return writeError(err)
}

func writeError(err error) error {
	var known *clientele.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return clientele.Errorf(clientele.Unavailable, "write: %w", err)
}
