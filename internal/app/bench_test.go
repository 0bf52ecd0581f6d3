package app_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"testing"
	"time"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
	"clientele/internal/eventlog"
	"clientele/internal/identity"
	"clientele/internal/importer"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
	"clientele/internal/store/pebblestore"
)

var (
	benchProfiles = flag.Int("profiles", 100_000, "profiles that are there before BenchmarkResolver measures")
	benchEvents   = flag.Int("events", 100_000, "events that BenchmarkResolver measures")
	benchVisitors = flag.Int("visitors", 0, "people who are active at the same time, each for about ten events; 0 = every event is of anybody")
	benchProfile  = flag.String("cpu", "", "write a CPU profile of the measured part here")
)

// core is the part of the program behind the log, stage by stage, with the CPU time of each.
type core struct {
	b       *testing.B
	rows    *pebblestore.Store
	columns *duckstore.Store
	r       *resolve.Resolver
	rules   *identity.Rules
	at      clientele.Position
	now     time.Time
	changes []clientele.Change // committed, and not yet in the column store
	spent   map[string]time.Duration
	wall    map[string]time.Duration
}

func (c *core) stage(name string, do func()) {
	before, start := cpu(), time.Now()
	do()
	c.spent[name] += cpu() - before
	c.wall[name] += time.Since(start)
}

// cpu is what this process has used, user and system, C code and background work included.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (c *core) must(err error) {
	if err != nil {
		c.b.Helper()
		c.b.Fatal(err)
	}
}

// feed brings events through decode, resolve and follow, cut as behind a backlog: 1,000 to a
// frame, 10,000 to a batch, two batches to the column store at once.
func (c *core) feed(n int, next func() []byte) {
	const perFrame, perBatch = 1000, 10_000
	for done := 0; done < n; {
		var encoded [][]byte
		for len(encoded) < perBatch/perFrame && done < n {
			f := &clientele.Frame{Kind: clientele.KindEvent}
			for range perFrame {
				f.Records = append(f.Records, clientele.Record{Source: "web", ReceivedAt: clientele.MicrosOf(c.now), Raw: next()})
				c.now = c.now.Add(100 * time.Microsecond) // 10,000 events a second
				done++
			}
			b, err := eventlog.EncodeFrame(f)
			c.must(err)
			encoded = append(encoded, b)
		}
		var batch []resolve.Decoded
		c.stage("decode", func() {
			for _, b := range encoded {
				f, err := eventlog.DecodeFrame(b)
				c.must(err)
				c.at++
				batch = append(batch, resolve.Decode(c.at, f, resolve.Rules{Identity: c.rules}, func(string) resolve.Source { return resolve.Source{} }))
			}
		})
		c.stage("resolve", func() { c.must(c.r.Batch(batch)) })
		if done/perBatch%2 == 1 && done < n {
			continue
		}
		c.stage("follow", func() {
			applied, _, err := c.columns.Position(context.Background())
			c.must(err)
			c.must(c.columns.Apply(context.Background(), applied+1, c.changes))
			c.must(c.rows.TrimChanges(applied + uint64(len(c.changes))))
			c.changes = nil
		})
	}
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// BenchmarkResolver measures what stands behind the log: how many events a second one process
// resolves and makes queryable, and what each stage costs, at -profiles profiles. Run it once:
// go test -bench Resolver -benchtime 1x ./internal/app -args -profiles 1000000 -events 500000
func BenchmarkResolver(b *testing.B) {
	dir := b.TempDir()
	c := &core{b: b, now: start}
	var err error
	c.rows, err = pebblestore.Open(pebblestore.Options{Dir: filepath.Join(dir, "rows"), MinFreeBytes: -1})
	c.must(err)
	defer c.rows.Close()
	c.columns, err = duckstore.Open(context.Background(), duckstore.Options{Path: filepath.Join(dir, "columns.duckdb")})
	c.must(err)
	defer c.columns.Close()
	c.rules, err = identity.NewRules(clientele.DefaultIdentityRules())
	c.must(err)
	c.r, err = resolve.New(resolve.Options{Store: c.rows, Rules: c.rules,
		Told: func(_ uint64, ch *clientele.Change) { c.changes = append(c.changes, *ch) }, Sources: func(string) resolve.Source { return resolve.Source{} }})
	c.must(err)

	rnd := rand.New(rand.NewPCG(1, 1))
	c.spent, c.wall = map[string]time.Duration{}, map[string]time.Duration{}
	n := 0
	began := time.Now()
	c.feed(*benchProfiles, func() []byte { n++; return identifyEvent(n) })
	loading := time.Since(began)
	c.spent, c.wall = map[string]time.Duration{}, map[string]time.Duration{}
	if *benchProfile != "" {
		f, err := os.Create(*benchProfile)
		c.must(err)
		c.must(pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	who := crowd(rnd, *benchProfiles, *benchVisitors)
	for b.Loop() {
		c.feed(*benchEvents, func() []byte { n++; return trackEvent(rnd, n, who()) })
	}
	total := float64(*benchEvents * b.N)
	var cpuAll, wallAll time.Duration
	for name, d := range c.spent {
		b.ReportMetric(float64(d.Microseconds())/total, name+"-CPU-us/event")
		cpuAll, wallAll = cpuAll+d, wallAll+c.wall[name]
	}
	b.ReportMetric(total/wallAll.Seconds(), "events/s")
	b.ReportMetric(float64(cpuAll.Microseconds())/total, "CPU-us/event")
	b.ReportMetric(float64(*benchProfiles)/loading.Seconds(), "new-profiles/s")
	b.Logf("%d profiles, %d events measured, %d CPUs; rows %d MB, columns %d MB on disk", *benchProfiles, *benchEvents, runtime.NumCPU(), c.rows.Size()>>20, c.columns.Size()>>20)
}

func identifyEvent(n int) []byte {
	return fmt.Appendf(nil, `{"type":"identify","userId":"user-%d","anonymousId":"anon-%d","messageId":"identify-%d","traits":{"email":"user%d@example.com","firstName":"Name%d","city":"City%d","plan":"p%d"},%s}`,
		n, n, n, n, n%5000, n%300, n%4, eventContext)
}

// crowd says whose event is next: anybody's, or that of one of the visitors who are there now, of
// whom one in ten leaves after an event and makes room for somebody else.
func crowd(rnd *rand.Rand, profiles, visitors int) func() int {
	if visitors == 0 {
		return func() int { return 1 + rnd.IntN(profiles) }
	}
	there := make([]int, visitors)
	for i := range there {
		there[i] = 1 + rnd.IntN(profiles)
	}
	return func() int {
		i := rnd.IntN(visitors)
		p := there[i]
		if rnd.IntN(10) == 0 {
			there[i] = 1 + rnd.IntN(profiles)
		}
		return p
	}
}

// trackEvent is about 780 bytes, the size of a real page view or product view: half of them
// of known users, the rest anonymous, one in ten from a device not seen before.
func trackEvent(rnd *rand.Rand, n, p int) []byte {
	who := fmt.Sprintf(`"anonymousId":"anon-%d"`, p)
	switch {
	case n%10 == 0:
		who = fmt.Sprintf(`"anonymousId":"new-%d"`, n)
	case n%2 == 0:
		who += fmt.Sprintf(`,"userId":"user-%d"`, p)
	}
	name := []string{"Product Viewed", "Product List Viewed", "Product Added", "Article Read", "Video Played"}[rnd.IntN(5)]
	return fmt.Appendf(nil, `{"type":"track","event":%q,%s,"messageId":"track-%d","properties":{"product_id":"p%d","sku":"s%d","category":"c%d","price":%d.5,"currency":"EUR","position":%d},%s}`,
		name, who, n, rnd.IntN(5000), rnd.IntN(5000), rnd.IntN(40), rnd.IntN(200), rnd.IntN(30), eventContext)
}

const eventContext = `"context":{"ip":"203.0.113.7","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"locale":"en-US","page":{"path":"/shoes/hiking","referrer":"https://search.example/","search":"?q=boots","title":"Hiking boots","url":"https://shop.example/shoes/hiking?q=boots"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36","timezone":"Europe/Berlin"}`

// BenchmarkImport imports Online Retail (541,909 lines), where the shared data is, into an open
// platform: rows a second until durable, and until they can be queried.
func BenchmarkImport(b *testing.B) {
	dir := os.Getenv("CLIENTELE_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	file := filepath.Join(dir, "data/commerce/online_retail/online_retail.csv.gz")
	if _, err := os.Stat(file); err != nil {
		b.Skip("the shared data sets are not beside the project")
	}
	text, err := os.ReadFile("../../examples/online_retail.yaml")
	if err != nil {
		b.Fatal(err)
	}
	mapping, err := importer.ParseMapping(text)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cfg := config.Default()
		cfg.Data = b.TempDir()
		a, err := app.Open(context.Background(), cfg, app.Options{})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		began, before := time.Now(), cpu()
		r, err := importer.Run(ctx, importer.Options{Source: "online_retail", Mapping: mapping, Paths: []string{file}, Sink: sink{a}})
		if err != nil {
			b.Fatal(err)
		}
		durable := time.Since(began)
		if *benchProfile != "" {
			f, err := os.Create(*benchProfile)
			if err == nil {
				err = pprof.StartCPUProfile(f)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := a.Settle(ctx); err != nil {
			b.Fatal(err)
		}
		pprof.StopCPUProfile()
		total := time.Since(began)
		b.ReportMetric(float64(r.Rows)/durable.Seconds(), "rows/s-durable")
		b.ReportMetric(float64(r.Rows)/total.Seconds(), "rows/s-queryable")
		b.ReportMetric(float64((cpu()-before).Microseconds())/float64(r.Rows), "CPU-us/row")
		b.Logf("%d rows, %d records; durable in %v, queryable in %v", r.Rows, r.Records, durable.Round(time.Millisecond), total.Round(time.Millisecond))
		stop()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		if err := a.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

type sink struct{ a *app.App }

func (s sink) Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) error {
	_, err := s.a.Import(ctx, "online_retail", kind, records)
	return err
}
