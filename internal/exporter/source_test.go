package exporter_test

import (
	"context"
	"fmt"
	"strconv"

	"clientele"
)

// numbered is a source of n rows whose key is their number.
type numbered struct {
	n        int
	page     int
	position clientele.Position
	columns  []clientele.ExportColumn
	value    func(i int) []any
	before   func(i int) error // asked before the page that begins with row i
}

func (s *numbered) Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	from := 0
	if len(sel.After) > 0 {
		n, err := strconv.Atoi(sel.After[0])
		if err != nil {
			return err
		}
		from = n + 1
	}
	if err := head(clientele.ExportHead{Columns: s.columns, Commit: uint64(s.position), Position: s.position, Rows: int64(s.n - from)}); err != nil {
		return err
	}
	for i := from; i < s.n; i += s.page {
		if err := ctx.Err(); err != nil {
			return clientele.Errorf(clientele.Unavailable, "source: %w", err)
		}
		if s.before != nil {
			if err := s.before(i); err != nil {
				return err
			}
		}
		end := min(s.n, i+s.page)
		p := clientele.ExportPage{First: []string{fmt.Sprint(i)}, Last: []string{fmt.Sprint(end - 1)}}
		for n := i; n < end; n++ {
			p.Rows = append(p.Rows, s.value(n))
		}
		if err := page(p); err != nil {
			return err
		}
	}
	return nil
}

func plain(n int) *numbered {
	return &numbered{n: n, page: 10, position: 7, columns: []clientele.ExportColumn{{Name: "profile_id", Type: clientele.TypeBigint}, {Name: "source", Type: clientele.TypeText}},
		value: func(i int) []any { return []any{int64(i), fmt.Sprintf("row %d", i)} }}
}
