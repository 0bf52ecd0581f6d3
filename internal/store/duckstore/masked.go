package duckstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele"
)

// QueryMasked is Query for who may not see everything: columns that hides names, and all documents, are null. Whatever
// the text does with them, it does with nulls: the tables' names stand for queries that do not read them, and the gate
// lets tables be read by their bare names alone.
func (s *Store) QueryMasked(ctx context.Context, text string, params []any, limits Limits, hides func(table, column string) bool) (*clientele.QueryResult, error) {
	begin := time.Now()
	res := &clientele.QueryResult{Rows: [][]any{}}
	cut, err := s.stream(ctx, text, params, limits, s.masked(hides),
		func(columns []clientele.QueryColumn) error { res.Columns = columns; return nil },
		func(row []any) error { res.Rows = append(res.Rows, row); return nil })
	if err != nil {
		return nil, err
	}
	res.Cut, res.TookMS = cut, time.Since(begin).Milliseconds()
	return res, nil
}

// masked is the WITH that puts queries in the place of tables, on one line. It names every table: one that has nothing
// to hide stands for itself.
func (s *Store) masked(hides func(table, column string) bool) string {
	var tables []string
	for _, t := range s.Tables() {
		var nulls []string
		for _, c := range t.Columns {
			if strings.HasPrefix(c.Type, "json") || hides(t.Name, c.Name) {
				nulls = append(nulls, fmt.Sprintf("cast(null as %s) as %s", c.Type, quote(c.Name)))
			}
		}
		replaced := ""
		if len(nulls) > 0 {
			replaced = " replace (" + strings.Join(nulls, ", ") + ")"
		}
		tables = append(tables, fmt.Sprintf("%s as not materialized (select *%s from main.%s)", quote(t.Name), replaced, quote(t.Name)))
	}
	return "with " + strings.Join(tables, ", ") + " "
}
