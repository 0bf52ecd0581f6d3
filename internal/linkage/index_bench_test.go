package linkage

import (
	"flag"
	"runtime"
	"slices"
	"testing"
	"time"
)

var nearRecords = flag.Int("near", 1_000_000, "records of BenchmarkNear")

// BenchmarkNear looks further people up in an index of many, one by one, as they come: taken in, and what is near them found.
func BenchmarkNear(b *testing.B) {
	const more = 20_000
	tab, ids, says := madeUp(*nearRecords+more, 1)
	_, what := learn(b, tab)
	for _, c := range tab.columns {
		c.ids = c.ids[:*nearRecords]
	}
	tab.rows = *nearRecords
	later := says[*nearRecords:]
	clear(says[:*nearRecords])
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	x := open(b, what, tab, slices.Clone(ids[:*nearRecords]))
	built := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.Logf("built in %.1f s: %d records, %d MB by its own count, %d MB of the heap, %.0f bytes a record", built.Seconds(), x.Len(), x.Bytes()>>20,
		(after.HeapAlloc-before.HeapAlloc)>>20, float64(x.Bytes())/float64(x.Len()))
	took := make([]time.Duration, 0, more)
	near, looked := 0, 0
	for b.Loop() {
		for i, m := range later {
			start := time.Now()
			x.Put(ids[*nearRecords+i], m)
			near += len(x.Near(ids[*nearRecords+i], 0))
			took = append(took, time.Since(start))
			looked++
		}
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
	}
	b.Logf("%d look-ups at %d records, %.2f near each: p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, worst %.3f ms", looked, *nearRecords, float64(near)/float64(looked), at(.5), at(.99), at(.999), at(1))
	b.ReportMetric(at(.5), "p50-ms")
	b.ReportMetric(at(.99), "p99-ms")
}
