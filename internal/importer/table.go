package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"clientele"
)

// Table says what ReadTable does with the rows of files, which have no mapping.
type Table struct {
	File    func(path string) error          // a file begins
	Columns func(names []string) error       // its columns; again when more are found (JSON)
	Row     func(values []string) error      // the slice is reused; texts are kept as they lie, but for blanks around them
	Bad     func(line int64, fault string)   // a row that cannot be read and is left out
	List    string                           // between the elements of a list in JSON and Parquet
	Mended  func(path string, decoded int64) // how many rows were not UTF-8 and were read as Windows-1252
	Tell    func(rows, bytes, whole int64)   // now and then
}

// ReadTable streams the rows of all files as texts: CSV of any usual delimiter, TSV, JSONL, Parquet, packed ones too.
// Of the options it uses Paths, Stdin, Parquet and Objects. Rows may have too few or too many values.
func ReadTable(ctx context.Context, opt Options, t Table) error {
	inputs, err := expand(ctx, opt.Paths, opt.Objects)
	if err != nil {
		return err
	}
	opt.Mapping = &Mapping{}
	r := &run{opt: opt, inputs: inputs}
	var whole, rows int64
	for _, in := range inputs {
		whole += in.size
	}
	row := t.Row
	t.Row = func(values []string) error {
		if rows++; rows&0x3fff == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if t.Tell != nil {
				t.Tell(rows, r.read.Load(), whole)
			}
		}
		return row(values)
	}
	for _, in := range inputs {
		if err := t.File(in.path); err != nil {
			return err
		}
		if formatOf(in.path) == formatParquet {
			err = r.tableParquet(ctx, in, t)
		} else {
			err = r.tableText(ctx, in, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delimiters that are tried on a header line, in the order of preference.
const delimiters = ",;\t|"

// delimiterOf is the sign that a header line has most of outside quotes.
func delimiterOf(line []byte) byte {
	var count [256]int
	quoted := false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			return most(&count)
		case !quoted:
			count[c]++
		}
	}
	return most(&count)
}

func most(count *[256]int) byte {
	best := delimiters[0]
	for i := range len(delimiters) {
		if c := delimiters[i]; count[c] > count[best] {
			best = c
		}
	}
	return best
}

func (r *run) tableText(ctx context.Context, in input, t Table) error {
	from, done, err := r.streamOf(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	s, err := openText(in, from, "", &r.read)
	if err != nil {
		return err
	}
	defer s.Close()
	f := fileSpec{format: formatOf(in.path), quote: '"', lenient: true, lazy: true, header: true}
	if f.format == formatJSONL {
		return tableJSON(&lineReader{w: newWindow(s), spec: &f, foreign: s.foreign, paths: [][]string{}}, in, t)
	}
	head := bufio.NewReaderSize(s.Reader, 64<<10)
	line, _ := head.Peek(16 << 10) // a short file is looked at whole
	if bytes.IndexByte(line, 0) >= 0 {
		return clientele.Errorf(clientele.Invalid, "%s has NUL bytes near its beginning", in.path).
			WithHint("it is no text, or UTF-16 without a byte order mark: save it as UTF-8")
	}
	c := &csvReader{w: newWindow(head), spec: &f, delim: delimiterOf(line), foreign: s.foreign}
	return tableCSV(c, in, t)
}

// mend decodes texts that are not UTF-8, as files of Windows programs are.
func mend(texts []string) {
	d := charmap.Windows1252.NewDecoder()
	for i, s := range texts {
		if out, err := d.String(s); err == nil {
			texts[i] = out
		}
	}
}

func tableCSV(c *csvReader, in input, t Table) error {
	var r row
	header, decoded := true, int64(0)
	for {
		switch err := c.next(&r); {
		case errors.Is(err, io.EOF):
			if t.Mended != nil && decoded > 0 {
				t.Mended(in.path, decoded)
			}
			return nil
		case err != nil:
			return tableError(in, r.line, err)
		}
		if r.fault == faultUTF8 {
			mend(r.texts)
			r.fault = ""
			decoded++
		}
		if r.fault == faultDecode {
			r.fault = ""
		}
		switch {
		case r.fault != "" && header:
			return clientele.Errorf(clientele.Invalid, "%s: header: %s", in.path, r.fault)
		case r.fault != "":
			if t.Bad != nil {
				t.Bad(r.line, r.fault)
			}
			continue
		case header:
			header = false
			if err := t.Columns(headerNames(r.texts)); err != nil {
				return err
			}
			continue
		}
		for i, s := range r.texts {
			r.texts[i] = trim(s)
		}
		if err := t.Row(r.texts); err != nil {
			return err
		}
	}
}

func tableError(in input, line int64, err error) error {
	return clientele.Errorf(clientele.Invalid, "%s ends in the middle, near line %d: %w", in.path, line, err).WithHint("the file is cut off or damaged")
}

// flat makes columns of objects as they come: members of members have both names with a point between.
type flat struct {
	list   string
	names  []string
	at     map[string]int
	values []string
}

func (f *flat) put(name string, v any) error {
	switch x := v.(type) {
	case nil:
		return nil
	case map[string]any:
		for _, k := range sortedKeys(x) {
			inner := k
			if name != "" {
				inner = name + "." + k
			}
			if err := f.put(inner, x[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for _, e := range x {
			if err := f.put(name, e); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := appendAny(nil, v)
	if err != nil {
		return err
	}
	s := string(text)
	switch plain := v.(type) {
	case string:
		s = plain
	case time.Time:
		s = strings.Trim(s, `"`)
	}
	i, ok := f.at[name]
	if !ok {
		i = len(f.names)
		f.at[name] = i
		f.names = append(f.names, name)
	}
	for len(f.values) <= i {
		f.values = append(f.values, "")
	}
	if f.values[i] != "" {
		s = f.values[i] + f.list + s
	}
	f.values[i] = trim(s)
	return nil
}

func tableJSON(l *lineReader, in input, t Table) error {
	f := &flat{list: t.List, at: map[string]int{}}
	var r row
	for {
		switch err := l.next(&r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return tableError(in, r.line, err)
		}
		var m map[string]any
		if r.fault == "" {
			d := json.NewDecoder(strings.NewReader(string(r.raw)))
			d.UseNumber()
			if err := d.Decode(&m); err != nil {
				r.fault = "the row is not a JSON object"
			}
		}
		if r.fault != "" {
			if t.Bad != nil {
				t.Bad(r.line, r.fault)
			}
			continue
		}
		if err := f.row(t, func() error { return f.put("", m) }); err != nil {
			return err
		}
	}
}

// row hands on what put fills, its new columns first.
func (f *flat) row(t Table, put func() error) error {
	known := len(f.names)
	f.values = f.values[:0]
	if err := put(); err != nil {
		return err
	}
	if len(f.names) > known {
		if err := t.Columns(slices.Clone(f.names)); err != nil {
			return err
		}
	}
	return t.Row(f.values)
}

func (r *run) tableParquet(ctx context.Context, in input, t Table) error {
	if r.opt.Parquet == nil {
		return clientele.Errorf(clientele.Invalid, "%s: Parquet cannot be read here", filepath.Base(in.path))
	}
	path, remove, err := r.spool(ctx, in)
	if err != nil {
		return err
	}
	defer remove()
	f := &flat{list: t.List, at: map[string]int{}}
	var names []string
	return r.opt.Parquet.ReadParquet(ctx, path, func(n []string) error {
		names = n
		return nil
	}, func(values []any) error {
		return f.row(t, func() error {
			for i, v := range values {
				if err := f.put(names[i], v); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
