package duckstore

import "clientele"

// GoldenDDL is every generated text, for the golden test.
func GoldenDDL(promoted map[string][]clientele.Promotion, currency string) string {
	out := metaDDL + prelude
	for _, t := range clientele.Schema {
		out += "\n" + tableDDL(t) + viewDDL(t, promoted[t.Name], currency)
	}
	for _, list := range promoted {
		for _, p := range list {
			json, _ := jsonColumn(p.Table)
			out += "\n-- " + p.Table + "." + p.Column + "\n" + promotedExpr(json, p) + "\n"
		}
	}
	return out
}

// Break makes the store believe that the database died.
func (s *Store) Break() { s.broken.Store(true) }

// FixSurrogates is fixSurrogates.
var FixSurrogates = fixSurrogates

// CutExports makes pages of a few rows.
func (s *Store) CutExports(rows, block int64) { s.pages = pages{rows, block} }
