package privacy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"clientele"
)

//go:embed access.html
var accessHTML string

var accessPage = template.Must(template.New("access").Funcs(template.FuncMap{
	"time":    stamp,
	"text":    text,
	"columns": columns,
	"heading": heading,
	"title":   title,
	"value":   func(row map[string]any, column string) string { return readable(text(row[column])) },
}).Parse(accessHTML))

// Page is the answer to a data subject request as one HTML file that needs no other.
func Page(a *clientele.Access) ([]byte, error) {
	var b bytes.Buffer
	if err := accessPage.Execute(&b, a); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "access page: %w", err)
	}
	return b.Bytes(), nil
}

// stamp is a time as people read it, to the second.
func stamp(m clientele.Micros) string {
	if m == 0 {
		return ""
	}
	return m.Time().UTC().Format(time.DateTime)
}

// readable is stamp for a text that is a time, as tables give them.
func readable(s string) string {
	if len(s) < len("2006-01-02T15:04:05Z") || s[len(s)-1] != 'Z' {
		return s
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.Format(time.DateTime)
}

// heading is a column's name in words.
func heading(column string) string {
	if column == "ts" {
		return "time"
	}
	return strings.ReplaceAll(column, "_", " ")
}

// title is a table's name in words.
func title(table string) string {
	words := strings.ReplaceAll(table, "_", " ")
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
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

// columns are the columns that some of the rows have, by name, the time first.
func columns(rows []map[string]any) []string {
	all := map[string]bool{}
	for _, r := range rows {
		for c := range r {
			all[c] = true
		}
	}
	names := slices.Sorted(maps.Keys(all))
	if i := slices.Index(names, "ts"); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "ts")
	}
	return names
}
