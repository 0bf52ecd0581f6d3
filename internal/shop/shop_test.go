package shop_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"clientele"
	"clientele/internal/race"
	"clientele/internal/shop"
)

var end = time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)

func plan(t testing.TB, seed uint64, people int) *shop.Shop {
	t.Helper()
	s, err := shop.New(seed, people, end)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// history is all records, and their totals.
func history(t testing.TB, s *shop.Shop, workers int) ([]shop.Record, shop.Totals) {
	t.Helper()
	var all []shop.Record
	totals, err := s.History(context.Background(), workers, func(rs []shop.Record) error {
		all = append(all, rs...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, totals
}

func digest(records []shop.Record) string {
	h := sha256.New()
	for _, r := range records {
		fmt.Fprintf(h, "%s %d %d %s %d %v ", r.Source, r.Kind, r.At, r.ID, r.Person, r.Identifiers)
		h.Write(r.Raw)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// TestSameBytes: seed, people and end decide every byte, on any machine; workers do not. A change
// of the simulator changes the golden value, and every figure that was published with it.
func TestSameBytes(t *testing.T) {
	const golden = "cba22edfd47bc250961efc37a631c398"
	for _, workers := range []int{1, 2, 7} {
		records, totals := history(t, plan(t, 1, 305), workers)
		if got := digest(records); got != golden {
			t.Errorf("with %d workers: digest %s, not %s", workers, got, golden)
		}
		if totals.People != 305 {
			t.Errorf("%d people", totals.People)
		}
	}
	other, _ := history(t, plan(t, 2, 305), 2)
	if digest(other) == golden {
		t.Error("another seed is the same shop")
	}
}

func TestLimits(t *testing.T) {
	for _, n := range []int{0, -1, shop.MaxPeople + 1} {
		if _, err := shop.New(1, n, end); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%d people: %v", n, err)
		}
	}
	stop := errors.New("enough")
	calls := 0
	_, err := plan(t, 1, 500).History(context.Background(), 3, func([]shop.Record) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("after an error: %v, %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = plan(t, 1, 500).History(ctx, 3, func([]shop.Record) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}

// TestBelievable: what a shop's year is made of is there, and in the proportions it was built for.
func TestBelievable(t *testing.T) {
	race.Skip(t)
	s := plan(t, 1, 2500)
	records, totals := history(t, s, 2)
	seen := map[string]int{}
	months := map[string]int{}
	perDay := map[int64]int{}
	first := map[int]clientele.Micros{}
	size := 0
	for i := range records {
		r := &records[i]
		what := r.Source + " " + describe(t, r)
		seen[what]++
		size += len(r.Raw)
		if r.Source == shop.Web {
			months[r.At.Time().Format("01")]++
			perDay[int64(r.At)/86_400_000_000]++
			if at, ok := first[r.Person]; !ok || r.At < at {
				first[r.Person] = r.At
			}
		}
	}
	for _, what := range []string{"web page", "web Product Viewed", "web Product Added", "web Order Completed", "web identify", "web Products Searched", "web Back In Stock Requested",
		"web Newsletter Subscribed", "app screen", "app Order Completed", "email Email Sent", "email Email Delivered", "email Email Opened", "email Email Link Clicked", "email Email Bounced",
		"email Email Marked as Spam", "email Unsubscribed", "email Push Notification Tapped", "email messages", "email consents", "store orders", "store order_lines", "store payments",
		"support conversations", "support Complaint Filed", "erp products", "erp prices", "erp inventory", "erp fx_rates", "erp returns", "erp payments", "loyalty loyalty_accounts",
		"loyalty loyalty_ledger", "crm profiles", "enrichment profiles", "ads ad_spend"} {
		if seen[what] == 0 {
			t.Errorf("there is no %s; there are %v", what, slices.Sorted(maps.Keys(seen)))
		}
	}
	if perPerson := float64(totals.Events) / 2500; perPerson < 12 || perPerson > 20 {
		t.Errorf("%.1f events a person: 20,000 people are to have about 300,000", perPerson)
	}
	if months["07"] < months["02"]*3/2 {
		t.Errorf("July has %d events, February %d: no season", months["07"], months["02"])
	}
	// The launch: the busiest day of the year, most of its visitors never seen before.
	busiest := slices.MaxFunc(slices.Collect(maps.Keys(perDay)), func(a, b int64) int { return perDay[a] - perDay[b] })
	counts := slices.Sorted(maps.Values(perDay))
	if at := time.Unix(busiest*86_400, 0).UTC(); at.Weekday() != time.Thursday || perDay[busiest] < 4*counts[len(counts)/2] {
		t.Errorf("the busiest day is %s with %d events, the median day has %d", at.Format(time.DateOnly), perDay[busiest], counts[len(counts)/2])
	}
	news, all := 0, map[int]bool{}
	for _, r := range records {
		if r.Source == shop.Web && int64(r.At)/86_400_000_000 == busiest && !all[r.Person] {
			all[r.Person] = true
			if int64(first[r.Person])/86_400_000_000 == busiest {
				news++
			}
		}
	}
	if news*100 < 60*len(all) {
		t.Errorf("%d of %d visitors on launch day are new", news, len(all))
	}
}

// describe checks that the record can be taken in and says what it is.
func describe(t *testing.T, r *shop.Record) string {
	t.Helper()
	var x struct {
		Type, Event, MessageID string
		Table, ID              string
		Context                struct{ Library struct{ Name string } }
	}
	if err := json.Unmarshal(r.Raw, &x); err != nil || len(r.Raw) > clientele.MaxEventBytes {
		t.Fatalf("%v, %d bytes: %s", err, len(r.Raw), r.Raw)
	}
	if r.Kind == clientele.KindRow {
		table := clientele.TableNamed(x.Table)
		if table == nil || !table.Import || x.ID != r.ID {
			t.Fatalf("no row to import: %s", r.Raw)
		}
		return x.Table
	}
	if x.MessageID != r.ID || x.Context.Library.Name == "" {
		t.Fatalf("no event: %s", r.Raw)
	}
	if x.Type == "track" {
		return x.Event
	}
	return x.Type
}

func TestTimesAndIDs(t *testing.T) {
	records, _ := history(t, plan(t, 3, 1000), 2)
	from, to := clientele.MicrosOf(end.AddDate(0, 0, -shop.HistoryDays)), clientele.MicrosOf(end)
	ids := map[string]bool{}
	for i := range records {
		r := &records[i]
		if r.At < from || r.At > to {
			t.Fatalf("outside the year: %s", r.Raw)
		}
		key := r.Source + r.Kind.String() + describe(t, r) + r.ID
		if r.Kind == clientele.KindEvent {
			key = r.Source + r.ID
		}
		if ids[key] {
			t.Fatalf("a second record has the id of %s", r.Raw)
		}
		ids[key] = true
		if r.Person == 0 && len(r.Identifiers) > 0 {
			t.Fatalf("nobody's record names somebody: %s", r.Raw)
		}
	}
}

// TestLive: without end, at the times asked for, with ids of their own.
func TestLive(t *testing.T) {
	s := plan(t, 1, 300)
	from := clientele.MicrosOf(end)
	ids := map[string]bool{}
	sources := map[string]int{}
	names := map[string]int{}
	for _, start := range []clientele.Micros{from, from + 3_600_000_000} {
		n := 0
		for r := range s.Live(start, 250_000) {
			told, what := start+clientele.Micros(n)*250_000, describe(t, &r)
			if r.At > told || r.At < told-60_000_000 || r.Source == shop.Web && r.At != told {
				t.Fatalf("record %d of %s is at %s, told at %s", n, r.Source, r.At, told)
			}
			if ids[r.Source+what+r.ID] {
				t.Fatalf("twice: %s", r.Raw)
			}
			ids[r.Source+what+r.ID] = true
			sources[r.Source]++
			names[what]++
			if n++; n == 2000 {
				break
			}
		}
	}
	if len(ids) != 4000 || len(sources) != 4 || names["Order Completed"] == 0 || names["identify"] == 0 || names["orders"] == 0 || names["conversations"] == 0 {
		t.Errorf("%d ids, %v, %v", len(ids), sources, names)
	}
	again := func() (out []byte) {
		n := 0
		for r := range s.Live(from, 1_000_000) {
			out = append(out, r.Raw...)
			if n++; n == 100 {
				return out
			}
		}
		return nil
	}
	if one, other := again(), again(); string(one) != string(other) {
		t.Error("the live shop is not the same twice")
	}
}

var people = flag.Int("people", 20_000, "of BenchmarkHistory: go test -bench History ./internal/shop -args -people 1000000")

// BenchmarkHistory tells a year without keeping it. MB is all the memory that the process took.
func BenchmarkHistory(b *testing.B) {
	s := plan(b, 1, *people)
	for b.Loop() {
		records := 0
		start := time.Now()
		totals, err := s.History(context.Background(), 2, func(rs []shop.Record) error { records += len(rs); return nil })
		if err != nil {
			b.Fatal(err)
		}
		took := time.Since(start).Seconds()
		b.ReportMetric(float64(totals.Events)/took, "events/s")
		b.ReportMetric(float64(records)/took, "records/s")
		b.ReportMetric(float64(totals.Events), "events")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys>>20), "MB")
	}
}
