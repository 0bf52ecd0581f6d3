package people_test

import (
	"bytes"
	"testing"

	"clientele/internal/linkage/people"
)

func TestSameSeedSameBytes(t *testing.T) {
	var a, b, c bytes.Buffer
	for _, w := range []struct {
		to   *bytes.Buffer
		seed uint64
	}{{&a, 1}, {&b, 1}, {&c, 2}} {
		if err := people.Write(w.to, 3000, w.seed); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("records must depend on the seed, and on nothing else")
	}
	if n := bytes.Count(a.Bytes(), []byte("\n")); n != 3001 {
		t.Errorf("%d lines", n)
	}
}

func TestWhatRecordsAreLike(t *testing.T) {
	persons, missing, rows := map[string]int{}, [8]int{}, 0
	people.Each(20_000, 7, func(r people.Row) bool {
		rows++
		persons[r[1]]++
		for i, v := range r {
			if v == "" {
				missing[i]++
			}
		}
		return true
	})
	pairs := 0
	for _, n := range persons {
		pairs += n * (n - 1) / 2
	}
	if rows != 20_000 || pairs < 15_000 || pairs > 30_000 || missing[6] < 5000 || missing[6] > 7500 || missing[1] > 0 {
		t.Errorf("%d rows, %d people, %d pairs, missing %v", rows, len(persons), pairs, missing)
	}
}
