// Package race is for tests: it knows whether the race detector looks on, with which arithmetic takes ten times as long.
// What computes alone and long runs without it, in make e2e; whatever runs at the same time has a smaller test with it.
package race

import "testing"

// Skip skips a test that takes long with the race detector. A target of make e2e runs it without.
func Skip(t testing.TB) {
	t.Helper()
	if enabled {
		t.Skip("takes long with the race detector; make e2e runs it without")
	}
}

// Cases are how many of n random cases of one goroutine are tried: an eighth with the race detector, which finds nothing in them;
// a target of make e2e tries all.
func Cases(n uint64) uint64 {
	if enabled {
		return (n + 7) / 8
	}
	return n
}
