package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/identity"
	"clientele/internal/resolve"
)

// scans counts how often ranges are looked for.
type scans struct {
	clientele.Rows
	n int
}

func (s *scans) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	s.n++
	return s.Rows.Scan(r, fn)
}

// TestTimelineIsReadOnce: whatever was read of a timeline before, and in which order, an answer is that of the store; and what
// lies inside of what was read costs no look into it.
func TestTimelineIsReadOnce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 9))
	s := replay(t, randomLife(rnd, 60), func(int) int { return 20 })
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	now := s.r.Totals().Now
	ask := func(f audience.Facts, name string, from, to clientele.Micros) (out []string) {
		s.must(f.Events(name, from, to, func(o *audience.Occurrence) error {
			out = append(out, fmt.Sprint(o.Stamp, string(o.Properties)))
			return nil
		}))
		return out
	}
	found := 0
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		p := clientele.ProfileID(k.Read().Uint())
		counted := &scans{Rows: s.store}
		f, err := resolve.LoadFacts(counted, g, nil, p)
		s.must(err)
		for range 40 {
			name := []string{"Order", "View"}[rnd.IntN(2)]
			from := now - clientele.Micros(rnd.Int64N(100*86_400_000_000))
			to := from + clientele.Micros(rnd.Int64N(int64(now-from)+1))
			anew, err := resolve.LoadFacts(s.store, g, nil, p)
			s.must(err)
			want := ask(anew, name, from, to)
			if got := ask(f, name, from, to); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s of %s between %d and %d: %v, want %v", name, p, from, to, got, want)
			}
			found += len(want)
			counted.n = 0
			if inner := ask(f, name, from+1, to-1); len(inner) > len(want) || counted.n > 0 {
				t.Fatalf("%s of %s: %d entries inside of %d, %d looks into the store", name, p, len(inner), len(want), counted.n)
			}
		}
		return true, nil
	}))
	if found < 100 {
		t.Errorf("%d entries found", found)
	}
}
