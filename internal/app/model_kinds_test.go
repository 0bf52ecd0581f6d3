package app

import (
	"slices"
	"testing"
	"time"

	"clientele"
)

// Every kind of models has a family, and no family is of a kind that there is not.
func TestFamilies(t *testing.T) {
	for _, k := range clientele.ModelKinds {
		if families[k] == nil {
			t.Errorf("the kind %s has no family", k)
		}
	}
	if len(families) != len(clientele.ModelKinds) {
		t.Errorf("%d families of %d kinds", len(families), len(clientele.ModelKinds))
	}
}

// Who waits is scored in turn, so many at once, and not again within a minute.
func TestWaiting(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var w waiting
	w.add([]int64{5, 3, 9})
	w.add([]int64{3, 1})
	for _, c := range []struct {
		after time.Duration
		came  []int64
		most  int
		want  []int64
	}{
		{0, nil, 2, []int64{3, 5}},
		{time.Second, []int64{5, 7}, 9, []int64{1, 7, 9}}, // 5 was a second ago
		{59 * time.Second, nil, 9, nil},
		{time.Minute, []int64{3, 9}, 9, []int64{3, 5}},
		{61 * time.Second, nil, 9, []int64{9}},
		{10 * time.Minute, nil, 9, nil},
	} {
		w.add(c.came)
		if got := w.due(now.Add(c.after), c.most); !slices.Equal(got, c.want) {
			t.Errorf("after %v: %v, want %v", c.after, got, c.want)
		}
	}
	if len(w.scored) != 0 || len(w.queue) != 0 || len(w.in) != 0 {
		t.Errorf("kept: %+v", w)
	}
	w.again([]int64{4})
	if got := w.due(now, 9); !slices.Equal(got, []int64{4}) {
		t.Errorf("who could not be scored: %v", got)
	}
}
