package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/client"
)

// ledger is what the clients were told: the truth that the server is compared with.
type ledger struct {
	mu      sync.Mutex
	events  map[string]int    // accepted events by message id: the number of their person
	bad     map[string]bool   // accepted in a batch, but no events: to be found in quarantine
	orders  map[string]int    // accepted orders: the number of their person
	hooks   map[string]bool   // accepted calls of a webhook, by the id of their document
	answers map[int]int       // how often each status was answered; 0 = no answer
	unclear map[string]string // a batch that was answered otherwise than 200 and 5xx
}

func newLedger() *ledger {
	return &ledger{events: map[string]int{}, bad: map[string]bool{}, hooks: map[string]bool{}, orders: map[string]int{}, answers: map[int]int{}, unclear: map[string]string{}}
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events)
}

// sender is one client of the collect API.
type sender struct {
	in      *install
	l       *ledger
	name    string
	rnd     *rand.Rand
	people  int
	typos   bool          // one event in 400 is of no use
	padding int           // bytes that do not compress, in each event
	pause   time.Duration // between two requests, at most
	n       int
}

// batch makes events that nobody has sent before, and the body that carries them.
func (s *sender) batch(size int) (path string, body []byte, events map[string]int, bad []string) {
	events = map[string]int{}
	var texts []string
	for range size {
		s.n++
		id := fmt.Sprintf("%s-%d", s.name, s.n)
		if s.typos && size > 1 && s.rnd.IntN(400) == 0 { // a typo in its type: accepted with its batch, of no use
			bad = append(bad, id)
			texts = append(texts, fmt.Sprintf(`{"type":"trak","event":"Load","userId":"u-1","messageId":%q}`, id))
			continue
		}
		person := s.rnd.IntN(s.people)
		events[id] = person
		texts = append(texts, s.event(id, person))
	}
	if size == 1 {
		return "/v1/track", []byte(texts[0]), events, bad
	}
	return "/v1/batch", []byte(`{"batch":[` + strings.Join(texts, ",") + `]}`), events, bad
}

func (s *sender) event(id string, person int) string {
	who := fmt.Sprintf(`"userId":"u-%d","anonymousId":"a-%d"`, person, person)
	switch s.rnd.IntN(5) {
	case 0:
		who = fmt.Sprintf(`"anonymousId":"a-%d"`, person)
	case 1:
		who = fmt.Sprintf(`"userId":"u-%d"`, person)
	}
	var pad strings.Builder
	for pad.Len() < s.padding {
		fmt.Fprintf(&pad, "%016x", s.rnd.Uint64())
	}
	return fmt.Sprintf(`{"type":"track","event":"Load",%s,"messageId":%q,"properties":{"n":%d,"pad":%q}}`, who, id, s.n, pad.String())
}

// run sends until stop is closed. What it has begun it sends again, with the same message
// ids, until it is accepted or the context ends.
func (s *sender) run(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		size := 1
		if s.rnd.IntN(5) > 0 {
			size = 1 + s.rnd.IntN(100)
		}
		if s.padding > 1000 {
			size = min(size, 400_000/s.padding)
		}
		path, body, events, bad := s.batch(max(size, 1))
		if !s.deliver(ctx, path, body) {
			return
		}
		s.l.mu.Lock()
		maps.Copy(s.l.events, events)
		for _, id := range bad {
			s.l.bad[id] = true
		}
		s.l.mu.Unlock()
		wait(ctx, time.Duration(s.rnd.Int64N(int64(s.pause)+1)))
	}
}

// deliver sends until it is told 200.
func (s *sender) deliver(ctx context.Context, path string, body []byte) bool {
	for {
		a := s.in.post(ctx, path, body)
		s.l.mu.Lock()
		s.l.answers[a.Status]++
		if a.Status != 0 && a.Status != 200 && a.Status < 500 {
			s.l.unclear[s.name] = fmt.Sprintf("%d %s", a.Status, a.Body)
		}
		s.l.mu.Unlock()
		if a.Status == 200 {
			return true
		}
		if !wait(ctx, 20*time.Millisecond) {
			return false
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// crowd starts n senders; halt ends them once what they have begun is accepted.
func crowd(t *testing.T, in *install, l *ledger, n int, shape sender) (halt func()) {
	t.Helper()
	stop := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var wg sync.WaitGroup
	for i := range n {
		s := shape
		s.in, s.l, s.rnd = in, l, rand.New(rand.NewPCG(uint64(i), uint64(len(shape.name))))
		s.name = fmt.Sprintf("%s%d", shape.name, i)
		wg.Go(func() { s.run(ctx, stop) })
	}
	return func() {
		t.Helper()
		close(stop)
		ended := make(chan struct{})
		go func() { wg.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			cancel()
			<-ended
			t.Fatalf("what was sent is not accepted after a minute: answers %v", l.answers)
		}
	}
}

// importer brings in orders through the API until stop is closed, each again until accepted.
func (l *ledger) importer(ctx context.Context, in *install, stop <-chan struct{}, people int) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for n := 0; ; {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		made := map[string]int{}
		var records []clientele.Record
		for range 1 + rnd.IntN(50) {
			n++
			id, person := fmt.Sprintf("o-%d", n), rnd.IntN(people)
			made[id] = person
			raw, _ := json.Marshal(clientele.RowRecord{Table: "orders", ID: id, TS: clientele.MicrosOf(time.Now()),
				Identifiers: []clientele.RecordIdentifier{{Namespace: clientele.UserID, Value: fmt.Sprintf("u-%d", person)}},
				Fields:      map[string]any{"order_id": id, "status": "completed", "revenue": "1.25", "currency": "EUR"}})
			records = append(records, clientele.Record{Raw: raw})
		}
		for {
			c, err := in.tryAPI()
			if err == nil {
				_, err = importOnce(ctx, c, records)
				c.Close()
			}
			if err == nil {
				break
			}
			if !wait(ctx, 20*time.Millisecond) {
				return
			}
		}
		l.mu.Lock()
		maps.Copy(l.orders, made)
		l.mu.Unlock()
		wait(ctx, 50*time.Millisecond)
	}
}

func importOnce(ctx context.Context, c *client.Client, records []clientele.Record) (*clientele.ImportResult, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return c.Import(ctx, "shop", clientele.KindRow, records)
}

// compare settles and holds what the server has against what it had accepted: each event and
// order once, nothing else, each on its person's profile, and the rest in quarantine.
func (in *install) compare(l *ledger) {
	t := in.t
	t.Helper()
	took := in.settle()
	if len(l.unclear) > 0 {
		t.Errorf("refused: %v", l.unclear)
	}
	found := map[string]int{}
	for after, rows := "", [][]any{nil}; len(rows) > 0; {
		rows = in.query("SELECT event_id FROM events WHERE source = 'web' AND event_id > $1 ORDER BY event_id LIMIT 5000", after)
		for _, r := range rows {
			after = r[0].(string)
			found[after]++
		}
	}
	var missing, extra, twice []string
	for id := range l.events {
		if found[id] == 0 {
			missing = append(missing, id)
		}
	}
	for id, n := range found {
		if _, ok := l.events[id]; !ok {
			extra = append(extra, id)
		}
		if n > 1 {
			twice = append(twice, id)
		}
	}
	for what, ids := range map[string][]string{"accepted and not there": missing, "there and never accepted": extra, "there more than once": twice} {
		if len(ids) > 0 {
			slices.Sort(ids)
			t.Errorf("%d events are %s: %.10v", len(ids), what, ids)
		}
	}
	if n := in.one("SELECT count(*) FROM events WHERE source = 'web'"); n != fmt.Sprint(len(l.events)) {
		t.Errorf("%s events in SQL, %d were accepted", n, len(l.events))
	}
	in.compareOrders(l)
	in.compareProfiles(l)
	in.compareQuarantine(l)
	in.compareHooks(l)
	t.Logf("settled in %s; %d events, %d orders accepted and there once; answers %v", took.Round(time.Millisecond), len(l.events), len(l.orders), l.answers)
}

func (in *install) compareOrders(l *ledger) {
	in.t.Helper()
	found := map[string]bool{}
	for after, rows := "", [][]any{nil}; len(rows) > 0; {
		rows = in.query("SELECT order_id FROM orders WHERE source = 'shop' AND order_id > $1 ORDER BY order_id LIMIT 5000", after)
		for _, r := range rows {
			after = r[0].(string)
			found[after] = true
		}
	}
	want := map[string]bool{}
	for id := range l.orders {
		want[id] = true
	}
	if !maps.Equal(found, want) {
		in.t.Errorf("%d orders are there, %d were accepted", len(found), len(want))
	}
	if n := in.one("SELECT count(*) FROM orders WHERE source = 'shop'"); n != fmt.Sprint(len(want)) {
		in.t.Errorf("%s orders in SQL, %d were accepted", n, len(want))
	}
}

// compareProfiles: what counts on a profile is what its person was sent, in SQL and the API.
func (in *install) compareProfiles(l *ledger) {
	in.t.Helper()
	events, records := map[string]int64{}, map[string]int64{}
	for _, person := range l.events {
		events[fmt.Sprintf("u-%d", person)]++
		records[fmt.Sprintf("u-%d", person)]++
	}
	for _, person := range l.orders {
		records[fmt.Sprintf("u-%d", person)]++
	}
	c := in.api()
	wrong := 0
	for user, n := range records {
		p, err := c.Profile(in.t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: user}, false)
		must(in.t, err)
		if p.Events != n {
			if wrong++; wrong < 5 {
				in.t.Errorf("the profile of %s counts %d events and records, %d were accepted", user, p.Events, n)
			}
		}
	}
	sql := map[string]int64{}
	for _, r := range in.query("SELECT i.value, count(*) FROM events e JOIN identifiers i ON i.profile_id = e.profile_id AND i.namespace = 'user_id' GROUP BY i.value") {
		sql[r[0].(string)] = r[1].(int64)
	}
	if !maps.Equal(sql, events) {
		in.t.Errorf("SQL counts events for %d people, or not as many as the %d were sent", len(sql), len(events))
	}
}

// compareQuarantine: what could not be used is there, with its reason. It may be there more
// than once: what is in quarantine has not been seen.
func (in *install) compareQuarantine(l *ledger) {
	in.t.Helper()
	c := in.api()
	found := map[string]bool{}
	for cursor := ""; ; {
		items, next, err := c.Quarantine(in.t.Context(), 500, cursor)
		must(in.t, err)
		for _, q := range items {
			var e struct{ MessageID string }
			if json.Unmarshal([]byte(q.Raw), &e) != nil || !l.bad[e.MessageID] || q.Reason == "" {
				in.t.Errorf("in quarantine is %.200s: %s", q.Raw, q.Reason)
			}
			found[e.MessageID] = true
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if !maps.Equal(found, l.bad) {
		in.t.Errorf("%d records are in quarantine, %d belong there", len(found), len(l.bad))
	}
}

// link joins the anonymous and the known half of everybody.
func link(in *install, l *ledger, people int) {
	in.t.Helper()
	s := &sender{in: in, l: l, name: "link"}
	var texts []string
	made := map[string]int{}
	for p := range people {
		id := fmt.Sprintf("link-%d", p)
		made[id] = p
		texts = append(texts, fmt.Sprintf(`{"type":"identify","userId":"u-%d","anonymousId":"a-%d","messageId":%q,"traits":{"email":"person%d@example.com"}}`, p, p, id, p))
	}
	ctx, cancel := context.WithTimeout(in.t.Context(), time.Minute)
	defer cancel()
	if !s.deliver(ctx, "/v1/batch", []byte(`{"batch":[`+strings.Join(texts, ",")+`]}`)) {
		in.t.Fatal("the identify events were not accepted within a minute")
	}
	maps.Copy(l.events, made)
}
