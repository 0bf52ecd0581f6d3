package importer

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"clientele"
)

// streamOf is standard input, or an object; a file is opened by who reads it. done ends it.
func (r *run) streamOf(ctx context.Context, in input) (from io.Reader, done func(), err error) {
	if !isObject(in.path) {
		return r.opt.Stdin, func() {}, nil
	}
	o, err := r.opt.Objects.Open(ctx, in.path)
	if err != nil {
		return nil, nil, err
	}
	return o, func() { _ = o.Close() }, nil // read only: nothing can be lost
}

// spool copies what is no file of this machine into one: Parquet is read from its end.
func (r *run) spool(ctx context.Context, in input) (path string, remove func(), err error) {
	if in.path != stdinPath && !isObject(in.path) {
		return in.path, func() {}, nil
	}
	from, done, err := r.streamOf(ctx, in)
	if err != nil {
		return "", nil, err
	}
	defer done()
	if from == nil {
		return "", nil, clientele.Errorf(clientele.Invalid, "there is no standard input")
	}
	f, err := os.CreateTemp("", "clientele-import-*.parquet")
	if err != nil {
		return "", nil, clientele.Errorf(clientele.Unavailable, "copy of %s: %w", in.path, err).WithHint("make room in the folder for temporary files, or name another in TMPDIR")
	}
	remove = func() { _ = os.Remove(f.Name()) }
	_, err = io.Copy(f, countingReader{from, &r.read})
	if err = errors.Join(err, f.Close()); err == nil {
		err = ctx.Err()
	}
	if err != nil {
		remove()
		return "", nil, clientele.Errorf(clientele.Unavailable, "copy of %s: %w", in.path, err).WithHint("make room in the folder for temporary files, or name another in TMPDIR")
	}
	return f.Name(), remove, nil
}

// eachParquet reads a Parquet file through the reader of the options. A row's line is its
// number in the file.
func (r *run) eachParquet(ctx context.Context, in input, fn func() error) error {
	if r.opt.Parquet == nil {
		return clientele.Errorf(clientele.Invalid, "%s: Parquet cannot be read here", in.path)
	}
	path, remove, err := r.spool(ctx, in)
	if err != nil {
		return err
	}
	defer remove()
	var places []place
	columns := func(names []string) (err error) {
		places, err = r.opt.Mapping.bindTyped(names, in.path)
		return err
	}
	r.row.typed, r.row.values = true, make([]any, len(r.opt.Mapping.needs))
	line := int64(0)
	err = r.opt.Parquet.ReadParquet(ctx, path, columns, func(values []any) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line++
		r.row.start(line, nil)
		r.row.all = values
		for i, p := range places {
			r.row.values[i] = member(values[p.column], p.path)
		}
		return fn()
	})
	r.row.all = nil
	if path == in.path { // otherwise it was counted as it came
		r.read.Add(in.size)
	}
	return err
}

// place is a column of a typed file, and the path inside it when it holds objects.
type place struct {
	column int
	path   []string
}

// bindTyped finds the mapping's columns: by their whole name, or as a member of an object.
func (m *Mapping) bindTyped(names []string, path string) ([]place, error) {
	var out []place
	for _, n := range m.needs {
		if i := slices.Index(names, n); i >= 0 {
			out = append(out, place{column: i})
			continue
		}
		parts := strings.Split(n, ".")
		i := slices.Index(names, parts[0])
		if i < 0 || len(parts) == 1 {
			return nil, noColumn(path, n, names)
		}
		out = append(out, place{i, parts[1:]})
	}
	return out, nil
}

// member follows a path into objects.
func member(v any, path []string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}
