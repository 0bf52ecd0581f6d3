package exporter_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/exporter"
	"clientele/internal/store/duckstore"
)

var benchRows = flag.Int("rows", 1_000_000, "rows of BenchmarkExport")

// BenchmarkExport prints what an export of events and of profiles takes in each format, from a
// column store to a folder: time, size, and how much more of the machine's memory the process held
// behind any page than before.
//
//	go test -run '^$' -bench 'Export$' -benchtime 1x ./internal/exporter -args -rows 1000000
func BenchmarkExport(b *testing.B) {
	ctx := context.Background()
	s, err := duckstore.Open(ctx, duckstore.Options{Path: filepath.Join(b.TempDir(), "columns.duckdb"), Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const batch = 20_000
	for from, n := 0, uint64(1); from < *benchRows; from, n = from+batch, n+1 {
		ev, pr := clientele.TableRows{Table: "events"}, clientele.TableRows{Table: "profiles"}
		for i := from; i < min(*benchRows, from+batch); i++ {
			id, at := int64(i)*7919%int64(*benchRows)+1, int64(1_700_000_000_000_000+i*1_000_000)
			ev.Insert = append(ev.Insert, []any{id, fmt.Sprintf("event-%09d-%08x", i, uint32(i)*2654435761), id, at, at + 500_000, "web", "track",
				[]string{"Page Viewed", "Product Viewed", "Order Completed"}[i%3], fmt.Sprintf("anon-%d", id), nil,
				fmt.Sprintf(`{"product_id":"p%d","category":"c%d","price":%d.5,"quantity":%d,"url":"https://shop.example/p/%d"}`, i%5000, i%40, i%300, i%4, i),
				`{"locale":"en","page":{"path":"/p"},"library":{"name":"analytics.js","version":"2.1"}}`})
			pr.Insert = append(pr.Insert, []any{int64(i + 1), at, at, fmt.Sprintf(`{"name":"Person %d","city":"City %d","plan":"pro","score":%d}`, i, i%500, i%100), nil, nil, nil})
		}
		if err := s.Apply(ctx, n, []clientele.Change{{Position: clientele.Position(n), Tables: []clientele.TableRows{ev, pr}}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Maintain(ctx); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%-10s %-8s %-6s %10s %12s %10s %12s\n", "table", "format", "packed", "seconds", "rows/s", "MB", "RSS + MB")
	for _, table := range []string{"events", "profiles"} {
		for _, f := range [][2]string{{"csv", ""}, {"csv", "zstd"}, {"jsonl", ""}, {"jsonl", "gzip"}, {"parquet", ""}} {
			dir := filepath.Join(b.TempDir(), table+f[0]+f[1])
			debug.FreeOSMemory()
			before, peak := resident(), int64(0)
			begin := time.Now()
			p, err := exporter.Run(ctx, exporter.Options{Request: clientele.ExportRequest{Selection: clientele.Selection{Table: table}, Format: f[0], Compression: f[1]},
				Source: s, Place: exporter.NewFolder(dir), Now: time.Now, Progress: func(exporter.Progress) { peak = max(peak, resident()) }})
			if err != nil || p.Rows != int64(*benchRows) {
				b.Fatal(p, err)
			}
			took := time.Since(begin).Seconds()
			fmt.Printf("%-10s %-8s %-6s %10.1f %12.0f %10.1f %12d\n", table, f[0], f[1], took, float64(p.Rows)/took, float64(p.Bytes)/1e6, (peak-before)>>20)
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// resident is the memory that the process holds, in bytes; 0 where the system does not say.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kb int64
	_, _ = fmt.Sscan(rest, &kb)
	return kb << 10
}
