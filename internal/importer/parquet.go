package importer

import (
	"context"
	"slices"
	"strings"

	"clientele"
)

// eachParquet reads a Parquet file through the reader of the options. A row's line is its
// number in the file.
func (r *run) eachParquet(ctx context.Context, in input, fn func() error) error {
	if r.opt.Parquet == nil || in.path == stdinPath {
		return clientele.Errorf(clientele.Invalid, "%s: Parquet is read from files only", in.path)
	}
	var places []place
	columns := func(names []string) (err error) {
		places, err = r.opt.Mapping.bindTyped(names, in.path)
		return err
	}
	r.row.typed, r.row.values = true, make([]any, len(r.opt.Mapping.needs))
	line := int64(0)
	err := r.opt.Parquet.ReadParquet(ctx, in.path, columns, func(values []any) error {
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
	r.read.Add(in.size)
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
