package audience

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest are the candidates that the name may have been meant as, the nearest first, at most three.
func Nearest(name string, candidates []string) []string {
	type near struct {
		name string
		far  int
	}
	var found []near
	low := fold(name)
	for _, c := range candidates {
		if len(c) > 100 || len(name) > 100 {
			continue
		}
		other := fold(c)
		far := distance(low, other)
		if len(low) > 2 && (strings.HasPrefix(other, low) || strings.HasPrefix(low, other)) && len(other) > 2 {
			far = min(far, 2)
		}
		if far <= max(1, min(len(low), len(other))/3) {
			found = append(found, near{c, far})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, n := range found[:min(3, len(found))] {
		out = append(out, n.name)
	}
	return out
}

// fold is the name without what people write in different ways.
func fold(s string) string {
	return strings.NewReplacer("_", "", " ", "", "-", "").Replace(strings.ToLower(s))
}

// distance is how many letters have to be changed, left out, put in or exchanged with the next
// (the optimal string alignment distance).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
