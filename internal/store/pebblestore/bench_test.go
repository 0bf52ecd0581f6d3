package pebblestore_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"clientele"
	"clientele/internal/store/pebblestore"
)

// benchRows is how many rows lie in the store before reads are measured. The store is made
// once for all read benchmarks of a run, which takes a minute:
//
//	go test -run '^$' -bench . ./internal/store/pebblestore
const benchRows = 5_000_000

// eventRows is about what one event writes: rows of several tables, keys of 10 to 60 bytes,
// values of 150 bytes of which half is noise.
func eventRows(rows []clientele.RowChange, rng *rand.Rand, profiles uint64, n uint64) []clientele.RowChange {
	a := clientele.Anchor(rng.Uint64N(profiles) * 8192)
	id := fmt.Sprintf("message-%016x", mix(n))
	var hash [16]byte
	binary.BigEndian.PutUint64(hash[:], mix(n))
	at := clientele.Micros(1_700_000_000_000_000 + n*1000)
	keys := []clientele.Key{
		clientele.HeadKey(a), clientele.AnchorKey(a), clientele.GroupKey(clientele.ProfileID(a)),
		clientele.IdentifierKey(clientele.Identifier{Namespace: "anonymous_id", Value: fmt.Sprintf("%016x", mix(uint64(a)))}),
		clientele.EdgeKey(a, a+1), clientele.SeenKey(n/1_000_000, hash),
		clientele.TimelineKey(a, "Product Viewed", at, "web", id),
		clientele.TableKey("events", "web", id),
	}
	for _, k := range keys {
		v := make([]byte, 150)
		for i := 0; i < 80; i += 8 {
			binary.BigEndian.PutUint64(v[i:], rng.Uint64())
		}
		rows = append(rows, clientele.RowChange{Key: k, Value: v})
	}
	return rows
}

// mix makes a hash of a number.
func mix(n uint64) uint64 {
	n = (n ^ n>>31) * 0x9e3779b97f4a7c15
	n = (n ^ n>>29) * 0xbf58476d1ce4e5b9
	return n ^ n>>32
}

func benchOpen(b *testing.B, o pebblestore.Options) *pebblestore.Store {
	b.Helper()
	s, err := pebblestore.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// fsyncProbe is what a sync of 4 KB takes on the same disk: without it the figures of two
// machines cannot be compared.
func fsyncProbe(b *testing.B, dir string) {
	f, err := os.CreateTemp(dir, "probe")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const n = 50
	start := time.Now()
	for range n {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/n, "µs-fsync")
}

// BenchmarkApply writes batches of 500 events, the steady work of the resolver.
func BenchmarkApply(b *testing.B) {
	const events, profiles = 500, 1_000_000
	for _, noSync := range []bool{false, true} {
		b.Run(fmt.Sprintf("nosync=%v", noSync), func(b *testing.B) {
			dir := b.TempDir()
			s := benchOpen(b, pebblestore.Options{Dir: dir, NoSync: noSync})
			rng := rand.New(rand.NewPCG(1, 1))
			var n uint64
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				set := &clientele.ChangeSet{After: clientele.Position(n), Outbox: make([]byte, 100*events)}
				for range events {
					n++
					set.Rows = eventRows(set.Rows, rng, profiles, n)
				}
				set.Position = clientele.Position(n)
				b.StartTimer()
				start := time.Now()
				if err := s.Apply(set); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			b.ReportMetric(float64(len(took)*events)/b.Elapsed().Seconds(), "events/s")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
			b.ReportMetric(float64(s.Size())/float64(n), "bytes/event")
			fsyncProbe(b, dir)
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRead reads a store of 5 M rows that does not fit into the cache.
func BenchmarkRead(b *testing.B) {
	s := benchOpen(b, pebblestore.Options{Dir: b.TempDir(), NoSync: true})
	defer s.Close()
	value := make([]byte, 150)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := uint64(0); i < benchRows; {
		set := &clientele.ChangeSet{After: clientele.Position(i)}
		for range 10_000 {
			for j := 0; j < 80; j += 8 {
				binary.BigEndian.PutUint64(value[j:], rng.Uint64())
			}
			set.Rows = append(set.Rows, clientele.RowChange{Key: presentKey(i), Value: slices.Clone(value)})
			i++
		}
		set.Position = clientele.Position(i)
		if err := s.Apply(set); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d rows, %d MB on disk", benchRows, s.Size()>>20)
	b.Run("present", func(b *testing.B) { benchGet(b, s, presentKey, true, benchRows) })
	b.Run("present, of 10000 hot ones", func(b *testing.B) { benchGet(b, s, presentKey, true, 10_000) })
	b.Run("absent", func(b *testing.B) { benchGet(b, s, absentKey, false, benchRows) })
	b.Run("absent behind all", func(b *testing.B) {
		benchGet(b, s, func(n uint64) clientele.Key { return clientele.NewKey('z').Uint(n) }, false, benchRows)
	})
	for _, batch := range []int{100, 4000} {
		b.Run(fmt.Sprintf("load of %d, half absent", batch), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(2, 2))
			keys := make([]clientele.Key, batch)
			for b.Loop() {
				for i := range keys {
					if n := rng.Uint64N(benchRows); i%2 == 0 {
						keys[i] = presentKey(n)
					} else {
						keys[i] = absentKey(n)
					}
				}
				if _, err := s.Load(keys); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*batch), "µs/row")
		})
	}
	b.Run("scan of 100", func(b *testing.B) {
		for b.Loop() {
			n := 0
			err := s.Scan(clientele.Range{Start: presentKey(rng.Uint64N(benchRows))}, func(clientele.Key, []byte) (bool, error) {
				n++
				return n < 100, nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.Logf("Go heap %d MB (the cache and the memtables are beside it)", m.HeapAlloc>>20)
}

func presentKey(n uint64) clientele.Key {
	return clientele.IdentifierKey(clientele.Identifier{Namespace: "anonymous_id", Value: fmt.Sprintf("%016x", mix(n))})
}

func absentKey(n uint64) clientele.Key { return presentKey(n + 1<<40) }

func benchGet(b *testing.B, s *pebblestore.Store, key func(uint64) clientele.Key, present bool, among uint64) {
	rng := rand.New(rand.NewPCG(3, 3))
	for b.Loop() {
		v, err := s.Get(key(rng.Uint64N(among)))
		if err != nil || v != nil != present {
			b.Fatalf("%v, %v", v != nil, err)
		}
	}
}
