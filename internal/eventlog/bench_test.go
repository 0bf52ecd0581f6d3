package eventlog_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/eventlog"
)

// event is about 800 bytes of JSON that shrinks as real events do.
func event(r *rand.Rand) []byte {
	return fmt.Appendf(nil, `{"type":"track","event":"Product Viewed","messageId":"%016x%016x","anonymousId":"%016x%016x","userId":"u%d",`+
		`"timestamp":"2026-11-21T%02d:%02d:%02d.%03dZ","properties":{"product_id":"sku-%d","name":"Merino Crew Neck Sweater","price":%d.%02d,"currency":"EUR","category":"Knitwear","position":%d,`+
		`"url":"https://shop.example.com/products/merino-crew-neck-%d","image_url":"https://cdn.example.com/images/%016x.jpg"},`+
		`"context":{"ip":"203.0.113.%d","locale":"en-GB","userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",`+
		`"page":{"path":"/products/merino-crew-neck-%d","referrer":"https://www.example.org/search?q=merino","title":"Merino Crew Neck Sweater"},"library":{"name":"analytics.js","version":"2.11.1"}}}`,
		r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.IntN(1e6), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(50000), r.IntN(300), r.IntN(100),
		r.IntN(40), r.IntN(50000), r.Uint64(), r.IntN(256), r.IntN(50000))
}

// BenchmarkAppend prints events a second as callers see them, beside what the disk's fsync
// alone takes.
func BenchmarkAppend(b *testing.B) {
	for _, shape := range []struct{ callers, records int }{{1, 1}, {64, 1}, {256, 1}, {64, 100}, {16, 1000}} {
		b.Run(fmt.Sprintf("%dcallers/%drecords", shape.callers, shape.records), func(b *testing.B) {
			l := open(b, eventlog.Options{Dir: b.TempDir()})
			r := rand.New(rand.NewPCG(1, 2))
			rs := make([]clientele.Record, 5000)
			for i := range rs {
				rs[i] = clientele.Record{Source: "web", ReceivedAt: clientele.MicrosOf(time.Now()), Raw: event(r)}
			}
			var wg sync.WaitGroup
			work := make(chan int)
			b.ResetTimer()
			for range shape.callers {
				wg.Go(func() {
					for i := range work {
						from := i * shape.records % (len(rs) - shape.records)
						if _, err := l.Append(b.Context(), clientele.KindEvent, rs[from:from+shape.records]); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for i := range b.N {
				work <- i
			}
			close(work)
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N*shape.records)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(b.N*shape.records)/float64(l.Last()), "records/frame")
			b.ReportMetric(float64(l.Size())/float64(b.N*shape.records), "bytes/event")
		})
	}
}

// BenchmarkRead prints events a second of a reader through the whole log.
func BenchmarkRead(b *testing.B) {
	for _, per := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%drecords", per), func(b *testing.B) {
			l := open(b, eventlog.Options{Dir: b.TempDir(), Linger: -1})
			r := rand.New(rand.NewPCG(1, 2))
			rs := make([]clientele.Record, per)
			for i := range rs {
				rs[i] = clientele.Record{Source: "web", Raw: event(r)}
			}
			for range 500 {
				appendTo(b, l, rs)
			}
			frames := 0
			for b.Loop() {
				r, err := l.Read(b.Context(), 0)
				if err != nil {
					b.Fatal(err)
				}
				for {
					_, f, err := r.TryNext(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					if f == nil {
						break
					}
					frames++
				}
				r.Close()
			}
			b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(float64(frames*per)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFsync is the probe: how long this disk takes for what one frame costs at least.
func BenchmarkFsync(b *testing.B) {
	for _, size := range []int{1 << 10, 150 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "probe"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			data := make([]byte, size)
			for b.Loop() {
				if _, err := f.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "fsyncs/s")
		})
	}
}

// BenchmarkOpen opens a log of half a gigabyte as a clean stop leaves it, and as a kill does,
// when every block is read.
func BenchmarkOpen(b *testing.B) {
	clean, killed := b.TempDir(), b.TempDir()
	l := open(b, eventlog.Options{Dir: clean})
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 7<<20)
	for l.Size() < 512<<20 {
		_, _ = random.Read(noise)
		rs := records("s", 0, 10)
		for i := range rs {
			rs[i].Raw = noise[i*700<<10 : (i+1)*700<<10]
		}
		appendTo(b, l, rs)
	}
	if err := os.CopyFS(killed, os.DirFS(clean)); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	for name, dir := range map[string]string{"clean": clean, "killed": killed} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l, err := eventlog.Open(b.Context(), eventlog.Options{Dir: dir, Reserve: -1})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				_ = l.Close()
				if name == "killed" { // the close has left an index
					if err := os.Remove(filepath.Join(dir, "jetstream", "$G", "streams", "EVENTS", "msgs", "index.db")); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
			}
		})
	}
}
