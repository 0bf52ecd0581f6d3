package e2e_test

import (
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
)

// history makes n events of people who come anonymously, on several devices, sign in, share
// addresses, are renamed, and whose cookies fall to somebody else.
func history(n int) (bodies []string) {
	rnd := rand.New(rand.NewPCG(11, 13))
	at := time.Now().Add(-20 * 24 * time.Hour).UTC()
	for i := range n {
		at = at.Add(time.Duration(1+rnd.IntN(60_000)) * time.Millisecond)
		person := rnd.IntN(120)
		device := fmt.Sprintf("dev-%d-%d", person, rnd.IntN(3))
		e := map[string]any{"messageId": fmt.Sprintf("m-%04d", i), "timestamp": at.Format(time.RFC3339Nano), "anonymousId": device}
		switch k := rnd.IntN(20); {
		case k < 11:
			e["type"], e["event"] = "track", []string{"Product Viewed", "Product Added", "Article Read"}[rnd.IntN(3)]
			e["properties"] = map[string]any{"n": i, "sku": fmt.Sprintf("s-%d", rnd.IntN(50))}
		case k < 17:
			e["type"], e["userId"] = "identify", fmt.Sprintf("user-%d", person)
			e["traits"] = map[string]any{"email": fmt.Sprintf("p%d@example.com", person/2), "city": fmt.Sprintf("city %d", rnd.IntN(9)), "visits": i}
		case k == 17: // somebody else signs in on this device
			e["type"], e["userId"] = "identify", fmt.Sprintf("user-%d", (person+1)%120)
		case k == 18:
			e["type"], e["userId"], e["previousId"] = "alias", fmt.Sprintf("user-%d", person), fmt.Sprintf("old-%d", person)
		default:
			e["type"], e["event"], e["userId"] = "track", "Order Completed", fmt.Sprintf("old-%d", person)
			e["properties"] = map[string]any{"order_id": fmt.Sprintf("o-%d", i), "revenue": float64(rnd.IntN(10_000)) / 100, "currency": "EUR"}
		}
		b, _ := json.Marshal(e)
		bodies = append(bodies, string(b))
	}
	return bodies
}

// person is a profile without its ids, which depend on the order of arrival.
type person struct {
	Identifiers []string
	Traits      map[string]any
	Provenance  map[string]clientele.Provenance
	FirstSeen   clientele.Micros
	LastSeen    clientele.Micros
	Events      int64
	EventIDs    []string
}

// people are all profiles, each under the text of its identifiers.
func (in *install) people() map[string]string {
	in.t.Helper()
	c := in.api()
	events := map[string][]string{}
	for _, r := range in.query("SELECT CAST(profile_id AS VARCHAR), event_id FROM events WHERE profile_id IS NOT NULL ORDER BY event_id") {
		events[r[0].(string)] = append(events[r[0].(string)], r[1].(string))
	}
	ids := map[string]string{}
	for _, r := range in.query("SELECT min(namespace || ':' || value), CAST(profile_id AS VARCHAR) FROM identifiers GROUP BY profile_id") {
		ids[r[0].(string)] = r[1].(string)
	}
	all := map[string]string{}
	for text, id := range ids {
		namespace, value, _ := strings.Cut(text, ":")
		p, err := c.Profile(in.t.Context(), clientele.Identifier{Namespace: clientele.Namespace(namespace), Value: value}, true)
		must(in.t, err)
		one := person{Traits: p.Traits, Provenance: p.Provenance, FirstSeen: p.FirstSeen, LastSeen: p.LastSeen, Events: p.Events, EventIDs: events[id]}
		for _, i := range p.Identifiers {
			one.Identifiers = append(one.Identifiers, fmt.Sprintf("%s %d %d", i.Identifier, i.FirstSeen, i.LastSeen))
		}
		slices.Sort(one.Identifiers)
		b, err := json.Marshal(one)
		must(in.t, err)
		all[text] = string(b)
	}
	return all
}

// TestDuplicatesAndShuffle: the same events, each twice, in any order, give the same people.
func TestDuplicatesAndShuffle(t *testing.T) {
	whole(t)
	const events = 2000
	bodies := history(events)
	var first map[string]string
	for run := range 3 {
		in := newInstall(t, "", "")
		in.start()
		list := slices.Clone(bodies)
		if run > 0 { // the first time in order, and once
			list = append(list, bodies...)
			rnd := rand.New(rand.NewPCG(uint64(run), 99))
			rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		}
		const clients = 8
		l := newLedger()
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				s := &sender{in: in, l: l}
				for at := c * 25; at < len(list); at += clients * 25 {
					body := `{"batch":[` + strings.Join(list[at:min(at+25, len(list))], ",") + `]}`
					if !s.deliver(t.Context(), "/v1/batch", []byte(body)) {
						return
					}
				}
			})
		}
		wg.Wait()
		in.settle()
		if n := in.one("SELECT count(*) FROM events"); n != fmt.Sprint(events) {
			t.Errorf("run %d: %s events of %d", run, n, events)
		}
		if n := in.one("SELECT count(DISTINCT event_id) FROM events"); n != fmt.Sprint(events) {
			t.Errorf("run %d: %s event ids of %d", run, n, events)
		}
		all := in.people()
		h, err := in.api().IdentityHealth(t.Context())
		must(t, err)
		s, err := in.api().Status(t.Context())
		must(t, err)
		t.Logf("run %d: %d sent, %d duplicates dropped, %d profiles, %d blocked merges", run, len(list), s.Counts["duplicates"], h.Profiles, h.BlockedMerges)
		if int64(len(all)) != h.Profiles || h.BlockedMerges == 0 || h.BlockedValues != 0 {
			t.Errorf("run %d: %d profiles in SQL, %d of the identity graph, %d blocked merges, %d blocked values", run, len(all), h.Profiles, h.BlockedMerges, h.BlockedValues)
		}
		if first == nil {
			first = all
		} else if !maps.Equal(first, all) {
			wrong := 0
			for key, p := range first {
				if all[key] != p {
					if wrong++; wrong < 4 {
						t.Errorf("run %d: in order\n  %.1200s\nshuffled\n  %.1200s", run, p, all[key])
					}
				}
			}
			t.Errorf("run %d: %d people are others than those of the events in order", run, max(wrong, 1))
		}
		in.stop()
	}
}
