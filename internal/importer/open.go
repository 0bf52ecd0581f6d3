package importer

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	text "golang.org/x/text/transform"

	"clientele"
)

// input is one file to import.
type input struct {
	path  string // "-" = standard input, s3://... = an object
	size  int64
	mtime int64 // nanoseconds
}

// stdinPath names standard input.
const stdinPath = "-"

// expand finds the files: each once, however often it is named, so that naming a file beside a
// glob does not make every row of it two.
func expand(ctx context.Context, paths []string, objects Objects) ([]input, error) {
	var out []input
	seen := map[string]bool{}
	add := func(path string) error {
		in := input{path: path}
		abs := path
		if path != stdinPath {
			st, err := os.Stat(path)
			if err != nil {
				return clientele.Errorf(clientele.NotFound, "no file %s", path)
			}
			if st.IsDir() {
				return clientele.Errorf(clientele.Invalid, "%s is a folder", path).WithHint("name its files, for example %s", filepath.Join(path, "*.csv"))
			}
			in.size, in.mtime = st.Size(), st.ModTime().UnixNano()
			if abs, err = filepath.Abs(path); err != nil {
				return clientele.Errorf(clientele.Internal, "path of %s: %w", path, err)
			}
		}
		if !seen[abs] {
			seen[abs] = true
			out = append(out, in)
		}
		return nil
	}
	for _, p := range paths {
		if isObject(p) {
			list, err := listed(ctx, p, objects)
			if err != nil {
				return nil, err
			}
			for _, in := range list {
				if !seen[in.path] {
					seen[in.path] = true
					out = append(out, in)
				}
			}
			continue
		}
		matches := []string{p}
		if _, err := os.Stat(p); err != nil && p != stdinPath && strings.ContainsAny(p, "*?[") {
			if matches, err = filepath.Glob(p); err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "glob %s: %w", p, err)
			}
			if len(matches) == 0 {
				return nil, clientele.Errorf(clientele.NotFound, "no file matches %s", p)
			}
			slices.Sort(matches)
		}
		for _, m := range matches {
			if err := add(m); err != nil {
				return nil, err
			}
		}
	}
	if len(out) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "no file to import").WithHint("name files, or - for standard input")
	}
	return out, nil
}

func isObject(path string) bool { return strings.HasPrefix(path, "s3://") }

// listed are the objects that a path or a pattern names.
func listed(ctx context.Context, pattern string, objects Objects) (out []input, err error) {
	if objects == nil {
		return nil, clientele.Errorf(clientele.Invalid, "%s: objects cannot be read here", pattern)
	}
	list, err := objects.List(ctx, pattern)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, clientele.Errorf(clientele.NotFound, "no object matches %s", pattern).WithHint("name an object, or a pattern as s3://BUCKET/PREFIX/*.csv")
	}
	for _, o := range list {
		out = append(out, input{path: o.Path, size: o.Size, mtime: o.Modified.UnixNano()})
	}
	return out, nil
}

// formatOf is the format of a file by its name, compression aside.
func formatOf(path string) format {
	name := strings.ToLower(filepath.Base(path))
	for _, z := range []string{".gz", ".zst", ".zstd", ".bz2"} {
		name = strings.TrimSuffix(name, z)
	}
	switch filepath.Ext(name) {
	case ".tsv", ".tab":
		return formatTSV
	case ".jsonl", ".ndjson", ".json":
		return formatJSONL
	case ".parquet", ".pq":
		return formatParquet
	}
	return formatCSV
}

// countingReader counts what is read from the file itself; the counter is read for progress.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// stream is an opened text file: UTF-8 if the file is what it says.
type stream struct {
	io.Reader
	foreign bool
	close   []func()
}

func (s *stream) Close() {
	for _, f := range slices.Backward(s.close) {
		f()
	}
}

// openText opens a file, or takes what stdin is for standard input and objects; it unpacks it when its first bytes say so, and decodes it to UTF-8.
func openText(in input, stdin io.Reader, encodingName string, read *atomic.Int64) (*stream, error) {
	s := &stream{}
	raw := stdin
	if in.path != stdinPath && !isObject(in.path) {
		f, err := os.Open(in.path)
		if err != nil {
			return nil, clientele.Errorf(clientele.NotFound, "open %s: %w", in.path, errors.Unwrap(err))
		}
		s.close = append(s.close, func() { _ = f.Close() }) // read only: nothing can be lost
		raw = f
	} else if stdin == nil {
		return nil, clientele.Errorf(clientele.Invalid, "there is no standard input")
	}
	if err := s.unpack(bufio.NewReaderSize(countingReader{raw, read}, 64<<10), in.path); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.decode(encodingName); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// unpack goes by the first bytes, not by the name: names lie more often.
func (s *stream) unpack(r *bufio.Reader, path string) error {
	s.Reader = r
	head, _ := r.Peek(4) // a short file is a plain file
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return clientele.Errorf(clientele.Invalid, "%s is not a whole gzip file: %w", path, err)
		}
		s.Reader = z
		s.close = append(s.close, func() { _ = z.Close() })
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return clientele.Errorf(clientele.Invalid, "%s is not a zstd file: %w", path, err)
		}
		s.Reader = z
		s.close = append(s.close, z.Close)
	case bytes.HasPrefix(head, []byte("BZh")):
		s.Reader = bzip2.NewReader(r)
	}
	return nil
}

// decode goes by a byte order mark, then by the mapping. UTF-8 is passed on as it is: the row
// readers find what is not.
func (s *stream) decode(name string) error {
	r := bufio.NewReaderSize(s.Reader, 64<<10)
	s.Reader = r
	head, _ := r.Peek(3)
	var enc encoding.Encoding
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = r.Discard(3) // they were peeked
		return nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		enc = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case name == "" || name == "utf-8" || name == "utf8":
		return nil
	default:
		var err error
		if enc, err = htmlindex.Get(name); err != nil {
			return clientele.Errorf(clientele.Invalid, "unknown encoding %q", name)
		}
		if canonical, _ := htmlindex.Name(enc); canonical == "utf-8" {
			return nil
		}
	}
	s.foreign = true
	s.Reader = text.NewReader(r, enc.NewDecoder())
	return nil
}

// open makes a rowReader of a text file, its header read and its columns bound.
func (m *Mapping) open(in input, stdin io.Reader, read *atomic.Int64, r *row) (rowReader, *stream, []string, error) {
	s, err := openText(in, stdin, m.file.encoding, read)
	if err != nil {
		return nil, nil, nil, err
	}
	f := m.file
	if f.format == formatAuto {
		f.format = formatOf(in.path)
	}
	w := newWindow(s)
	for range f.skipRows {
		w.dropLine()
	}
	rd, columns, err := m.reader(&f, w, s.foreign, in.path, r)
	if err != nil {
		s.Close()
		return nil, nil, nil, err
	}
	return rd, s, columns, nil
}

func (m *Mapping) reader(f *fileSpec, w *window, foreign bool, path string, r *row) (rowReader, []string, error) {
	r.typed = f.format == formatJSONL
	if r.typed {
		l := &lineReader{w: w, spec: f, foreign: foreign, paths: [][]string{}}
		for _, n := range m.needs {
			l.paths = append(l.paths, pathOf(n))
		}
		r.values = make([]any, len(m.needs))
		return l, m.needs, nil
	}
	var rd rowReader = &lineReader{w: w, spec: f, foreign: foreign}
	if f.format != formatWhitespace {
		c := &csvReader{w: w, spec: f, delim: f.delimiter, foreign: foreign}
		switch {
		case c.delim != 0:
		case f.format == formatTSV:
			c.delim = '\t'
		default:
			c.delim = ','
		}
		rd = c
	}
	columns := f.columns
	if f.header {
		switch err := rd.next(r); {
		case errors.Is(err, io.EOF):
			return emptyReader{}, nil, nil // a file without a line has no rows
		case err != nil:
			return nil, nil, readError(path, w, err)
		case r.fault != "":
			return nil, nil, clientele.Errorf(clientele.Invalid, "%s: header: %s", path, r.fault)
		}
		names := headerNames(r.texts)
		if len(columns) == 0 {
			columns = names
		} else if len(columns) != len(names) {
			return nil, nil, clientele.Errorf(clientele.Invalid, "%s has %d columns, the mapping names %d", path, len(names), len(columns))
		}
	}
	if err := m.bind(columns, path, r); err != nil {
		return nil, nil, err
	}
	return &widthReader{rd, len(columns), f.lenient}, columns, nil
}

// headerNames are the names of a header line: blanks cut, the empty and the repeated numbered.
func headerNames(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		name := trim(t)
		if name == "" {
			name = fmt.Sprintf("column_%d", i+1)
		}
		base := name
		for n := 2; slices.Contains(out[:i], name); n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		out[i] = name
	}
	return out
}

// bind finds the mapping's columns among those of the file.
func (m *Mapping) bind(columns []string, path string, r *row) error {
	r.pos = make([]int, len(m.needs))
	for i, n := range m.needs {
		if r.pos[i] = slices.Index(columns, n); r.pos[i] >= 0 {
			continue
		}
		return noColumn(path, n, columns)
	}
	return nil
}

// noColumn says that a file lacks a column, and which one was probably meant.
func noColumn(path, name string, have []string) error {
	err := clientele.Errorf(clientele.Invalid, "%s has no column %q", path, name)
	if near := nearest(name, have); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err.WithHint("it has %s", strings.Join(have[:min(len(have), 30)], ", "))
}

// widthReader finds rows with too many or too few values.
type widthReader struct {
	rowReader
	width   int
	lenient bool
}

func (w *widthReader) next(r *row) error {
	err := w.rowReader.next(r)
	if err == nil && r.fault == "" && len(r.texts) != w.width && !w.lenient {
		r.fault = fmt.Sprintf("the row has %d columns, not %d", len(r.texts), w.width)
	}
	return err
}

type emptyReader struct{}

func (emptyReader) next(*row) error { return io.EOF }

// readError says where reading ended.
func readError(path string, w *window, err error) error {
	return clientele.Errorf(clientele.Invalid, "%s ends in the middle, behind line %d: %w", path, w.line, err).
		WithHint("the file is cut off or damaged; what came before is imported")
}
