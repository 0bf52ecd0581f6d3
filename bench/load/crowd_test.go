package load_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/bench/load"
	"clientele/internal/collect"
	"clientele/internal/eventlog"
	"clientele/internal/identity"
	"clientele/internal/resolve"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func crowd(people int64) *load.Crowd {
	return &load.Crowd{Seed: 7, People: people, First: people, New: 0.2, Visit: 5, Skew: load.Recent}
}

// message is what the tests look at in an event.
type message struct {
	Type, Event, MessageID, AnonymousID, UserID, Timestamp string
	Context                                                struct {
		UserAgent string
		Page      struct{ URL string }
	}
	Properties map[string]any
	Traits     map[string]any
}

func events(t *testing.T, c *load.Crowd, first int64, n int) []message {
	t.Helper()
	_, body := c.Generator().Request(nil, first, n, noon)
	var batch struct{ Batch []message }
	if err := json.Unmarshal(body, &batch); err != nil || len(batch.Batch) != n {
		t.Fatalf("%d events of %d, %v", len(batch.Batch), n, err)
	}
	return batch.Batch
}

func TestDeterminism(t *testing.T) {
	c := crowd(5000)
	_, whole := c.Generator().Request(nil, 4900, 300, noon)
	again := c.Generator()
	again.Request(nil, 77, 50, noon) // what was made before does not matter
	if _, b := again.Request(nil, 4900, 300, noon); !bytes.Equal(b, whole) {
		t.Error("the same events differ")
	}
	for i := range int64(300) { // nor in which request an event is
		if _, one := c.Generator().Request(nil, 4900+i, 1, noon); !bytes.Contains(whole, one) {
			t.Fatalf("event %d differs when it is alone:\n%s", 4900+i, one)
		}
	}
	other := *c
	other.Seed++
	if _, b := other.Generator().Request(nil, 4900, 300, noon); bytes.Equal(b, whole) {
		t.Error("another seed makes the same events")
	}
}

func TestEvents(t *testing.T) {
	const n = 8000
	c := crowd(10_000)
	ids, agents, pages, kinds := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}
	size := 0
	for _, e := range events(t, c, c.First, n) {
		ids[e.MessageID] = true
		agents[e.Context.UserAgent] = true
		pages[e.Context.Page.URL] = true
		kinds[strings.TrimSpace(e.Type+" "+e.Event)]++
		at, err := time.Parse(time.RFC3339, e.Timestamp)
		if err != nil || at.After(noon) || at.Before(noon.Add(-3*time.Hour)) {
			t.Fatalf("timestamp %q, %v", e.Timestamp, err)
		}
		if e.AnonymousID == "" || e.Type == "identify" && (e.UserID == "" || e.Traits["email"] == nil) {
			t.Fatalf("nobody did %+v", e)
		}
	}
	_, body := c.Generator().Request(nil, c.First, n, noon)
	size = len(body) / n
	t.Logf("%d bytes an event; %v", size, kinds)
	if size < 740 || size > 820 {
		t.Errorf("an event has %d bytes, want about 780", size)
	}
	if len(ids) != n || len(agents) < 500 || len(pages) < n/2 {
		t.Errorf("%d message ids, %d user agents, %d pages of %d events", len(ids), len(agents), len(pages), n)
	}
	for _, kind := range []string{"page", "identify", "track Product Viewed", "track Product List Viewed", "track Product Added", "track Order Completed", "track Products Searched"} {
		if kinds[kind] < n/200 {
			t.Errorf("only %d of %d events are %s", kinds[kind], n, kind)
		}
	}
}

// TestIntroduction: the first events are those of everybody once.
func TestIntroduction(t *testing.T) {
	c := crowd(1000)
	seen := map[string]bool{}
	for i, e := range events(t, c, 0, 1000) {
		namespace, value := c.Identifier(int64(i))
		got := e.AnonymousID
		if namespace == "user_id" {
			got = e.UserID
		}
		if got != value || seen[value] {
			t.Fatalf("event %d is of %s, want of %s %s", i, got, namespace, value)
		}
		seen[value] = true
	}
}

// TestVisits: the visits of people never seen before are as many as wanted, each visit has its
// number of events, and new neighbours are different people.
func TestVisits(t *testing.T) {
	const n = 100_000
	for _, share := range []float64{0, 0.2, 0.8, 1} {
		c := crowd(5000)
		c.New = share
		times := map[int64]int{}
		fresh := 0
		last := int64(-1)
		for i := c.First; i < c.First+n; i++ {
			p, isNew := c.Who(i)
			if isNew != (p >= c.People) || isNew && p == last {
				t.Fatalf("event %d is of person %d, new: %v, behind one of %d", i, p, isNew, last)
			}
			if last = p; isNew {
				fresh++
				times[p]++
			}
		}
		if got := float64(fresh) / n; math.Abs(got-share) > 0.02 {
			t.Errorf("%.3f of the events are of new people, want %.2f", got, share)
		}
		for p, k := range times {
			if k != int(c.Visit) {
				t.Fatalf("the new person %d has %d events, a visit has %d", p, k, c.Visit)
			}
		}
	}
	c := crowd(5000)
	for i, e := range events(t, c, c.First, 2000) {
		p, isNew := c.Who(c.First + int64(i))
		namespace, value := c.Identifier(p)
		if namespace == "anonymous_id" && (e.AnonymousID != value || e.UserID != "") || namespace == "user_id" && e.UserID != "" && e.UserID != value {
			t.Fatalf("event %d of person %d (new: %v) is by %s %s", i, p, isNew, e.AnonymousID, e.UserID)
		}
	}
}

// TestSkews: what docs/benchmarks.md says of the two ways in which activity spreads.
func TestSkews(t *testing.T) {
	const people, picks = 1_000_000, 100_000
	for _, want := range []struct {
		skew     load.Skew
		one, ten float64
	}{{load.Recent, .51, .80}, {load.Uniform, .01, .10}} {
		c := crowd(people)
		c.Skew = want.skew
		recent := map[string]int64{}
		for p := int64(people - people/10); p < people; p++ {
			_, value := c.Identifier(p)
			recent[value] = p
		}
		pick := c.Reader(0)
		one, ten := 0, 0
		for range picks {
			_, value := pick()
			if p, ok := recent[value]; ok {
				if ten++; p >= people-people/100 {
					one++
				}
			}
		}
		t.Logf("%s: the most recent 1 %% make %.3f of the visits, the most recent 10 %% %.3f", want.skew, float64(one)/picks, float64(ten)/picks)
		if math.Abs(float64(one)/picks-want.one) > .02 || math.Abs(float64(ten)/picks-want.ten) > .02 {
			t.Errorf("%s: %.3f and %.3f, want %.2f and %.2f", want.skew, float64(one)/picks, float64(ten)/picks, want.one, want.ten)
		}
	}
}

// TestMessageIDs: no two numbers have one id, those of probes far behind included.
func TestMessageIDs(t *testing.T) {
	seen := map[string]bool{}
	for i := range int64(20_000) {
		for _, n := range []int64{i, 1<<40 + i} {
			id := string(load.MessageID(nil, 3, n))
			if seen[id[:18]] || len(id) != 36 {
				t.Fatalf("event %d has the id %s", n, id)
			}
			seen[id[:18]] = true
		}
	}
}

// TestAccepted: the collect handler and the resolver's parser take every kind of event, alone and
// in a batch, and nothing ends in quarantine.
func TestAccepted(t *testing.T) {
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: t.TempDir(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h := collect.New(collect.Options{Log: log, Sources: func(key string) (collect.Source, bool) {
		return collect.Source{Name: "bench", WriteKey: key}, key == "KEY"
	}})
	c := crowd(500)
	g := c.Generator()
	sent := 0
	post := func(first int64, n int) {
		path, body := g.Request(nil, first, n, time.Now())
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
		r.SetBasicAuth("KEY", "")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		sent += n
	}
	for first := int64(0); first < 3000; first += 100 {
		post(first, 100)
	}
	for i := range int64(60) {
		post(3000+i, 1)
	}
	rules, err := identity.NewRules(clientele.DefaultIdentityRules())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for p := log.First(); p <= log.Last(); p++ {
		encoded, err := log.Frame(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := eventlog.DecodeFrame(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resolve.Decode(p, f, resolve.Rules{Identity: rules}, func(string) resolve.Source { return resolve.Source{} }).Records {
			if found++; r.Err != nil || r.Verdict != 0 {
				t.Fatalf("to quarantine, verdict %v: %v\n%s", r.Verdict, r.Err, r.Raw)
			}
		}
	}
	if found != sent {
		t.Errorf("%d of %d events are in the log", found, sent)
	}
}
