package app_test

import (
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
)

// TestRecent: the follower is handed changes in order and without a gap, again after a failure,
// and never one that it did not ask for; what no longer fits is left to the outbox.
func TestRecent(t *testing.T) {
	var r app.Recent
	change := func(number uint64, rows int) *clientele.Change {
		return &clientele.Change{Position: clientele.Position(number), Seen: make([]clientele.Seen, rows)}
	}
	expect := func(what string, first uint64, n int, want ...clientele.Position) {
		t.Helper()
		got := app.RecentTake(&r, first, n)
		ok := len(got) == len(want)
		for i := range want {
			ok = ok && got[i].Position == want[i]
		}
		if !ok {
			t.Errorf("%s: %d changes from %d on, want those of %v", what, len(got), first, want)
		}
	}
	expect("nothing held", 1, 10)
	for _, n := range []uint64{3, 4, 5, 7} { // 6 was not told: a command's own
		app.RecentAdd(&r, n, change(n, 10))
	}
	expect("older ones are in the outbox", 2, 10)
	expect("up to the gap", 3, 10, 3, 4, 5)
	expect("the same again, after a failure", 3, 2, 3, 4)
	expect("behind the gap it is the outbox's turn", 6, 10)
	expect("behind the gap", 7, 10, 7)
	expect("kept until it is applied", 3, 10, 3, 4, 5)
	app.RecentForget(&r, 4)
	expect("forgotten", 3, 10)
	expect("not yet forgotten", 5, 10, 5)
	app.RecentAdd(&r, 8, change(8, app.MaxRecent))
	expect("what comes first is kept", 7, 10, 7)
	expect("what does not fit beside it is in the outbox", 8, 10)
	app.RecentAdd(&r, 9, change(9, 1))
	expect("what fits is held", 9, 10, 9)
	if n := app.RecentUntil(&r, 8, 10); n != 1 {
		t.Errorf("the outbox is asked for %d changes, only one is not held", n)
	}
	app.RecentForget(&r, 9)
	app.RecentAdd(&r, 10, change(10, app.MaxRecent+1))
	expect("a large one is held alone", 10, 10, 10)
	if n := app.RecentUntil(&r, 11, 10); n != 10 {
		t.Errorf("the outbox is asked for %d changes, none of 10 is held", n)
	}
}

// Rows of many kilobytes are handed over a few at a time, for the column store has little memory; a
// change that is larger than that alone is still handed over.
func TestRecentBytes(t *testing.T) {
	var r app.Recent
	large := func(n int) *clientele.Change {
		return &clientele.Change{Tables: []clientele.TableRows{{Table: "events", Insert: [][]any{{int64(1), strings.Repeat("x", n)}}}}}
	}
	for i := range uint64(10) {
		app.RecentAdd(&r, i+1, large(3<<20))
	}
	app.RecentAdd(&r, 11, large(20<<20))
	for first := uint64(1); first <= 11; {
		got := app.RecentTake(&r, first, 64)
		want := min(2, int(11-first))
		if first == 11 {
			want = 1
		}
		if len(got) != want {
			t.Fatalf("from %d on: %d changes, want %d", first, len(got), want)
		}
		first += uint64(len(got))
	}
}
