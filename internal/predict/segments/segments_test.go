package segments_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"clientele/internal/predict/segments"
)

var names = []string{"orders", "spend", "visits"}

// people are of three kinds, or of one cloud.
func people(n int, kinds bool, seed uint64) ([][]float64, []int) {
	r := rand.New(rand.NewPCG(seed, 5))
	rows, kind := make([][]float64, n), make([]int, n)
	for i := range rows {
		rows[i] = []float64{r.NormFloat64(), r.NormFloat64(), 40 + r.NormFloat64()}
		if kinds {
			kind[i] = []int{0, 0, 0, 1, 1, 2}[i%6]
			rows[i][0] += 12 * float64(kind[i])
			rows[i][1] += []float64{0, 14, 3}[kind[i]]
			rows[i][2] += 4 * float64(kind[i])
		}
	}
	return rows, kind
}

func TestKinds(t *testing.T) {
	rows, kind := people(1500, true, 1)
	m, labels, err := segments.Learn(rows, names, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Segments) != 3 || !m.Stable {
		t.Fatalf("%d groups, %+v", len(m.Segments), m.Stability)
	}
	wrong := 0
	for i := range labels {
		if labels[i] != kind[i] { // kinds are numbered by size
			wrong++
		}
	}
	if wrong > 5 {
		t.Errorf("%d of 1500 are in a wrong group", wrong)
	}
	if s := m.Segments[1]; s.Share < .32 || s.Share > .35 || !strings.HasPrefix(s.Name, "much more spend") {
		t.Errorf("%+v", s)
	}
	again, same, err := segments.Learn(rows, names, 0, 1)
	if err != nil || !reflect.DeepEqual(m, again) || !reflect.DeepEqual(labels, same) {
		t.Error("equal rows, different groups")
	}
}

// TestIDs stay when groups are learned again from other people of the same kinds, in other sizes.
func TestIDs(t *testing.T) {
	rows, _ := people(900, true, 1)
	before, _, err := segments.Learn(rows, names, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	rows, kind := people(1200, true, 9)
	var kept [][]float64
	for i, r := range rows {
		if kind[i] != 0 || i%9 == 0 { // the first kind is now the smallest
			kept = append(kept, r)
		}
	}
	after, _, err := segments.Learn(kept, names, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Keep(before); err != nil {
		t.Fatal(err)
	}
	for _, a := range after.Segments {
		for _, b := range before.Segments {
			if a.ID == b.ID && math.Abs(a.Means[0]-b.Means[0])+math.Abs(a.Means[1]-b.Means[1]) > 2 {
				t.Errorf("%d was %v and is %v", a.ID, b.Means, a.Means)
			}
		}
	}
	if err := after.Keep(&segments.Model{Columns: before.Columns[:1]}); err == nil {
		t.Error("other columns are kept")
	}
}

func TestEdges(t *testing.T) {
	rows, _ := people(200, false, 3)
	for i := range rows {
		rows[i][2] = 7 // does not vary
		if i%10 == 0 {
			rows[i][1] = math.NaN()
		}
	}
	rows[5][0] = 1e12
	m, labels, err := segments.Learn(rows, names, 4, 1)
	if err != nil || len(m.Columns) != 2 || len(labels) != 200 {
		t.Fatal(m, err)
	}
	for i := range rows {
		rows[i] = []float64{1, 1, 1}
	}
	if _, _, err := segments.Learn(rows, names, 0, 1); err == nil {
		t.Error("nothing varies, and there are groups")
	}
	if _, _, err := segments.Learn(rows[:10], names, 0, 1); err == nil {
		t.Error("ten people are enough")
	}
}
