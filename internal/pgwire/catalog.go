package pgwire

import (
	_ "embed"
	"fmt"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// catalogDDL makes PostgreSQL's catalogue in a database of its own.
//
//go:embed catalog.sql
var catalogDDL string

// Catalog is what makes the database of the catalogue, and what queries may read and call in it.
func Catalog() (ddl string, rules sqlq.Rules) {
	rules = sqlq.Rules{Views: sqlq.Views{}, Functions: map[string]bool{}}
	for line := range strings.Lines(catalogDDL) {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '(' || r == '"' })
		if len(words) < 3 || words[0] != "create" {
			continue
		}
		switch words[1] {
		case "macro":
			rules.Functions[words[2]] = true
		case "table", "view":
			rules.Views[words[2]] = 64 // columns at most
		}
	}
	delete(rules.Views, "rel")
	delete(rules.Views, "col")
	return catalogDDL, rules
}

// firstOID is the number of the first table; PostgreSQL's own are below.
const firstOID = 16384

// entries are the statements that put the tables into the catalogue.
func entries(tables []clientele.QueryTable) string {
	var b strings.Builder
	b.WriteString("delete from rel; delete from col")
	for i, t := range tables {
		fmt.Fprintf(&b, "; insert into rel values (%d, %s); insert into col values ", firstOID+i, quote(t.Name))
		for j, c := range t.Columns {
			if j > 0 {
				b.WriteString(", ")
			}
			typ := typeOf(c.Type)
			fmt.Fprintf(&b, "(%d, %d, %s, %d, %d, null)", firstOID+i, j+1, quote(c.Name), typ.oid, typ.mod)
		}
	}
	return b.String()
}
