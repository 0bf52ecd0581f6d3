package privacy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"

	"clientele"
)

//go:embed access.html
var accessHTML string

var accessPage = template.Must(template.New("access").Funcs(template.FuncMap{
	"time":    func(m clientele.Micros) string { return m.String() },
	"text":    text,
	"columns": columns,
	"value":   func(row map[string]any, column string) string { return text(row[column]) },
}).Parse(accessHTML))

// Page is the answer to a data subject request as one HTML file that needs no other.
func Page(a *clientele.Access) ([]byte, error) {
	var b bytes.Buffer
	if err := accessPage.Execute(&b, a); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "access page: %w", err)
	}
	return b.Bytes(), nil
}

// text is a value as people read it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case clientele.RawJSON:
		return string(v)
	case json.RawMessage:
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
		return string(v)
	case fmt.Stringer:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// columns are the columns that some of the rows have, by name.
func columns(rows []map[string]any) []string {
	all := map[string]bool{}
	for _, r := range rows {
		for c := range r {
			all[c] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
