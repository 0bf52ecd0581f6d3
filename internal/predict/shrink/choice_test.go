package shrink_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"clientele/internal/predict/shrink"
)

func TestDays(t *testing.T) {
	days, own := shrink.Days([]shrink.Chosen{{2, 9}, {0, 7}, {2, 7}, {2, 9}, {-1, 8}, {0, 7}})
	if want := []shrink.Own{{0, 1}, {2, 2}}; days != 3 || !reflect.DeepEqual(own, want) {
		t.Errorf("%d days, %v", days, own)
	}
	if days, own := shrink.Days(nil); days != 0 || own != nil {
		t.Errorf("of nothing: %d, %v", days, own)
	}
}

// TestTally: priors of choices are those of counts that are spelled out, with any number of workers.
func TestTally(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tally, counts := shrink.NewTally(3), make([][]shrink.Count, 3)
	for range 2000 {
		days := 1 + r.IntN(8)
		var own []shrink.Own
		for c := range 3 {
			k := r.IntN(days + 1)
			if r.IntN(2+c) > 0 {
				k = 0
			}
			if k > 0 {
				own = append(own, shrink.Own{Choice: int32(c), Days: k})
			}
			counts[c] = append(counts[c], shrink.Count{K: k, N: days})
		}
		tally.Add(days, own)
	}
	got := tally.Learn(3)
	for c := range counts {
		if want := shrink.Learn(counts[c]); got[c] != want {
			t.Errorf("choice %d: %v, spelled out %v", c, got[c], want)
		}
	}
	if again := tally.Learn(1); !reflect.DeepEqual(again, got) {
		t.Errorf("with one worker %v, with three %v", again, got)
	}
}

// TestLikeliest: of who has chosen little the likeliest choice is everybody's, of who has chosen much their own.
func TestLikeliest(t *testing.T) {
	taste := shrink.NewTaste([]shrink.Prior{{A: 6, B: 4}, {A: 1, B: 9}, {A: 1, B: 19}}, 0.8)
	choices := func(days int, own []shrink.Own, n int) (out []int32) {
		for _, p := range taste.Likeliest(days, own, n) {
			out = append(out, p.Choice)
			if !(p.Low <= p.Mean && p.Mean <= p.High) || p.N != days {
				t.Errorf("%+v", p)
			}
		}
		return out
	}
	for _, c := range []struct {
		days int
		own  []shrink.Own
		n    int
		want []int32
	}{
		{0, nil, 3, []int32{0, 1, 2}},
		{1, []shrink.Own{{1, 1}}, 2, []int32{0, 1}},
		{20, []shrink.Own{{2, 18}}, 2, []int32{2, 0}},
		{20, []shrink.Own{{1, 19}, {2, 3}}, 3, []int32{1, 0, 2}},
		{3, nil, 9, []int32{0, 1, 2}},
	} {
		if got := choices(c.days, c.own, c.n); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d days with %v: %v, want %v", c.days, c.own, got, c.want)
		}
	}
	p := taste.Likeliest(20, []shrink.Own{{1, 19}}, 1)[0]
	near(t, "share", p.Mean, 20.0/30, 1e-12)
	near(t, "index", p.Index, 20.0/3, 1e-12)
}
