package linkage

import (
	"math"
	"math/rand/v2"
	"testing"
)

// plainJaroWinkler and plainEdits are the definitions, written for reading.
func plainJaroWinkler(a, b string) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	window := max(0, len(b)/2-1)
	usedA, usedB := make([]bool, len(a)), make([]bool, len(b))
	m := 0.0
	for i := range a {
		for j := max(0, i-window); j <= min(len(b)-1, i+window); j++ {
			if !usedB[j] && a[i] == b[j] {
				usedA[i], usedB[j] = true, true
				m++
				break
			}
		}
	}
	if m == 0 {
		return 0
	}
	moved, j := 0, 0
	for i := range a {
		if !usedA[i] {
			continue
		}
		for !usedB[j] {
			j++
		}
		if a[i] != b[j] {
			moved++
		}
		j++
	}
	s := (m/float64(len(a)) + m/float64(len(b)) + (m-float64(moved/2))/m) / 3
	if s > 0.7 {
		p := 0
		for p < min(4, len(a)) && a[p] == b[p] {
			p++
		}
		s += float64(p) * 0.1 * (1 - s)
	}
	return s
}

func plainEdits(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func randomWord(rnd *rand.Rand, most int) string {
	const letters = "abcdef 1"
	b := make([]byte, rnd.IntN(most))
	for i := range b {
		b[i] = letters[rnd.IntN(len(letters))]
	}
	return string(b)
}

func TestMetricsAgainstDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 100_000 {
		most := 12
		if i%50 == 0 {
			most = 64
		}
		a, b := randomWord(rnd, most), randomWord(rnd, most)
		if got, want := jaroWinkler(a, b), plainJaroWinkler(a, b); math.Abs(got-want) > 1e-12 {
			t.Fatalf("jaroWinkler(%q, %q) = %v, want %v", a, b, got, want)
		}
		want := plainEdits(a, b)
		if got := edits(a, b); got != want {
			t.Fatalf("edits(%q, %q) = %v, want %v", a, b, got, want)
		}
		if got := oneEdit(a, b); got != (want == 1) {
			t.Fatalf("oneEdit(%q, %q) = %v, distance %d", a, b, got, want)
		}
	}
}

func BenchmarkJaroWinkler(b *testing.B) {
	for b.Loop() {
		jaroWinkler("cassandra", "casandra")
	}
}

func BenchmarkEdits(b *testing.B) {
	for b.Loop() {
		edits("cassandra", "casandra")
	}
}
