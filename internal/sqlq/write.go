package sqlq

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// Text is the literal of a text. A text with a NUL cannot be written: CheckText refuses it.
func Text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Ident is a quoted identifier.
func Ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Number is the literal of a finite number.
func Number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Instant is the literal of an instant.
func Instant(m clientele.Micros) string {
	return "timestamptz '" + time.UnixMicro(int64(m)).UTC().Format("2006-01-02 15:04:05.000000+00") + "'"
}

// NearestNames are up to n of the candidates that a misspelt name may mean, the likeliest first: few edits
// away, or one within the other.
func NearestNames(name string, candidates []string, n int) []string {
	name = strings.ToLower(name)
	type near struct {
		name string
		far  int
	}
	var found []near
	for _, c := range candidates {
		lower := strings.ToLower(c)
		switch d := distance(name, lower); {
		case len(name) > 64:
		case d <= len(name)/3+1:
			found = append(found, near{c, d})
		case len(name) >= 3 && (strings.Contains(lower, name) || len(lower) >= 3 && strings.Contains(name, lower)):
			found = append(found, near{c, len(name) + d})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, f := range found[:min(n, len(found))] {
		if !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
	}
	return out
}
