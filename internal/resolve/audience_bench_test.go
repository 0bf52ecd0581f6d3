//go:build unix

package resolve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"clientele"
	"clientele/internal/computed"
	"clientele/internal/identity"
	"clientele/internal/resolve"
	"clientele/internal/store/storetest"
)

// benchAudience is the i-th of many audiences as people make them: most ask for a value of an event or a
// trait, some for any event of a name.
func benchAudience(i int) string {
	switch i % 10 {
	case 0, 1, 2, 3:
		return fmt.Sprintf(`{"event":"Product Viewed","where":[{"property":"category","op":"eq","value":"c%d"}],"count":{"op":"gte","value":2},"within":"14d"}`, i)
	case 4, 5:
		return fmt.Sprintf(`{"and":[{"event":"Order Completed","where":[{"property":"sku","op":"in","value":["s%d","s%d"]}],"within":"90d"},{"not":{"event":"Order Completed","older_than":"30d"}}]}`, i, i+1)
	case 6, 7:
		return fmt.Sprintf(`{"and":[{"trait":"city","op":"eq","value":"city%d"},{"event":"Product Viewed","within":"30d"}]}`, i)
	case 8:
		return fmt.Sprintf(`{"sequence":[{"event":"Product Viewed","where":[{"property":"category","op":"eq","value":"c%d"}]},{"not":{"event":"Order Completed"},"before":"24h"}],"within":"7d"}`, i)
	}
	return fmt.Sprintf(`{"and":[{"trait":"plan","op":"eq","value":"p%d"},{"event":"Order Completed","sum":{"property":"total","op":"gte","value":%d},"within":"90d"}]}`, i, 100+i)
}

// BenchmarkAudiences is what an event costs with so many audiences: 2,000 people who look at 1,000
// categories and buy; with nothing else, with the default lifecycle stages, with the commerce pack of computed traits,
// and with both. Run it once: go test -bench Audiences -benchtime 1x -run '^$' ./internal/resolve
func BenchmarkAudiences(b *testing.B) {
	for _, with := range []struct {
		name         string
		stages, pack bool
	}{{"alone", false, false}, {"stages", true, false}, {"pack", false, true}, {"both", true, true}} {
		for _, n := range []int{0, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", with.name, n), func(b *testing.B) {
				rules, err := identity.NewRules(clientele.DefaultIdentityRules())
				if err != nil {
					b.Fatal(err)
				}
				store := storetest.NewMemory()
				r, err := resolve.New(resolve.Options{Store: store, Sources: source, Rules: rules})
				if err != nil {
					b.Fatal(err)
				}
				s := &benchStream{B: b, r: r, rnd: rand.New(rand.NewPCG(1, 2)), now: 10 * day}
				for i := range n {
					s.command(clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: fmt.Sprint("a", i), Where: clientele.RawJSON(benchAudience(i))}})
					s.live(fmt.Sprint("a", i))
				}
				if with.stages {
					s.stages(store)
				}
				if with.pack {
					s.pack(store)
				}
				s.events(20_000)
				b.ResetTimer()
				const events = 20_000
				for b.Loop() {
					began := processorTime(b)
					s.events(events)
					b.ReportMetric(float64((processorTime(b)-began).Microseconds())/events, "CPU-us/event")
				}
			})
		}
	}
}

// processorTime is what the process has used: the machine may have other work.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type benchStream struct {
	*testing.B
	r   *resolve.Resolver
	rnd *rand.Rand
	now int64
	n   int
}

func (s *benchStream) frame(kind clientele.Kind, records []clientele.Record) {
	f := clientele.Frame{Kind: kind, Records: records}
	if err := s.r.Batch([]resolve.Decoded{resolve.Decode(s.r.Position()+1, &f, s.r.Rules(), source)}); err != nil {
		s.Fatal(err)
	}
}

func (s *benchStream) command(name clientele.CommandName, body any) {
	s.frame(clientele.KindCommand, []clientele.Record{{Source: "operator", ReceivedAt: clientele.Micros(s.now), Raw: commandRaw(s.B, name, body)}})
}

// live ends the filling of the first version: nobody is there yet.
func (s *benchStream) live(name string) {
	s.command(clientele.CommandAudienceFill, resolve.AudienceFillBody{Name: name, Version: 1, Live: true})
}

// stages brings the default lifecycle into force.
func (s *benchStream) stages(store clientele.RowStore) {
	s.command(clientele.CommandLifecycle, resolve.LifecycleBody{Stages: clientele.DefaultLifecycle()})
	waiting, err := resolve.LoadFilling(store)
	if err != nil || len(waiting) == 0 {
		s.Fatalf("%d stages wait, %v", len(waiting), err)
	}
	for _, w := range waiting {
		s.live(w.Name)
	}
}

// pack brings the commerce pack of computed traits into force.
func (s *benchStream) pack(store clientele.RowStore) {
	traits, err := computed.Pack("commerce")
	if err != nil {
		s.Fatal(err)
	}
	for _, t := range traits {
		s.command(clientele.CommandComputedTrait, resolve.ComputedBody{Name: t.Name, Definition: t.Definition})
	}
	for range 5 {
		s.now += 60_000_000
		s.frame(clientele.KindTick, []clientele.Record{{Source: "clock", ReceivedAt: clientele.Micros(s.now), Raw: []byte("{}")}})
	}
	book, err := resolve.LoadComputed(store)
	if err != nil || book.Phase != 0 {
		s.Fatalf("the pack is not filled, %v", err)
	}
}

func (s *benchStream) events(n int) {
	for range n / 500 {
		records := make([]clientele.Record, 500)
		for i := range records {
			s.n++
			s.now += 20_000_000
			who := s.rnd.IntN(2000)
			raw := fmt.Sprintf(`{"type":"track","event":"Product Viewed","userId":"u%d","messageId":"m%d","properties":{"category":"c%d","price":%d,"sku":"s%d"}}`, who, s.n, s.rnd.IntN(1000), s.rnd.IntN(90), s.rnd.IntN(1000))
			switch s.rnd.IntN(20) {
			case 0:
				raw = fmt.Sprintf(`{"type":"track","event":"Order Completed","userId":"u%d","messageId":"m%d","properties":{"order_id":"o%[2]d","sku":"s%[3]d","total":%[4]d,"revenue":%[4]d,"currency":"EUR","products":[{"sku":"s%[3]d","price":%[4]d,"quantity":1,"category":"c%[3]d"}]}}`,
					who, s.n, s.rnd.IntN(1000), s.rnd.IntN(200))
			case 1:
				raw = fmt.Sprintf(`{"type":"identify","userId":"u%d","messageId":"m%d","traits":{"city":"city%d","plan":"p%d"}}`, who, s.n, s.rnd.IntN(1000), s.rnd.IntN(1000))
			}
			records[i] = clientele.Record{Source: "web", ReceivedAt: clientele.Micros(s.now), Raw: []byte(raw)}
		}
		s.frame(clientele.KindEvent, records)
	}
}

func commandRaw(t testing.TB, name clientele.CommandName, body any) []byte {
	b, err := json.Marshal(body)
	if err == nil {
		b, err = json.Marshal(clientele.Command{Name: name, By: "op", Body: b})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
