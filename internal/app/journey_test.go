package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele"
)

// track is a track event of somebody; who is JSON members such as "userId":"u".
func track(message, name, at, who, properties string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":%q,"timestamp":%q,%s,"properties":%s}`, message, name, at, who, properties)
}

func identify(message, at, who, traits string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"timestamp":%q,%s,"traits":%s}`, message, at, who, traits)
}

// What somebody did before they told who they are is theirs afterwards, in the profile, on the
// timeline and in SQL.
func TestAnonymousToKnown(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	long := `{"text":"` + strings.Repeat("what a long description ", 20) + `","n":7}`
	p.batch(webKey,
		track("m1", "Shoes Viewed", "2026-02-01T10:00:00Z", `"anonymousId":"anon-ann"`, `{"sku":"S1"}`),
		track("m2", "Shoes Viewed", "2026-02-01T10:05:00Z", `"anonymousId":"anon-ann"`, long),
		`{"type":"page","messageId":"m3","timestamp":"2026-02-01T10:06:00Z","anonymousId":"anon-ann","name":"Home"}`)
	anonymous := p.profile("anonymous_id", "anon-ann")
	if anonymous.Events != 3 || len(anonymous.Traits) != 0 {
		t.Errorf("the anonymous profile has %d events, traits %v", anonymous.Events, anonymous.Traits)
	}
	p.batch(webKey,
		identify("m4", "2026-02-01T10:10:00Z", `"anonymousId":"anon-ann","userId":"ann"`, `{"email":"Ann@Example.com","name":"Ann","age":41,"consent":{"marketing":{"email":true}}}`),
		track("m5", "Shoes Viewed", "2026-02-02T09:00:00Z", `"userId":"ann"`, `{"sku":"S2"}`),
		identify("m6", "2026-01-01T00:00:00Z", `"userId":"ann"`, `{"name":"Annie (told earlier, came later)","city":"Hanoi"}`),
		track("m7", "Shoes Viewed", "2026-02-02T08:00:00Z", `"anonymousId":"anon-bob"`, `{"sku":"S9"}`))
	ann := p.profile("user_id", "ann")
	if ann.ID != anonymous.ID {
		t.Errorf("the profile's id changed from %s to %s", anonymous.ID, ann.ID)
	}
	for _, by := range []clientele.Identifier{id("email", "ann@example.com"), id("email", "ANN@example.COM"), id("anonymous_id", "anon-ann"), id("id", ann.ID.String())} {
		if got := p.profile(string(by.Namespace), by.Value); got.ID != ann.ID || got.Events != 6 {
			t.Errorf("by %s: %s with %d events", by.Namespace, got.ID, got.Events)
		}
	}
	if ann.Traits["name"] != "Ann" || ann.Traits["city"] != "Hanoi" || ann.Traits["age"] != float64(41) {
		t.Errorf("traits %v", ann.Traits)
	}
	if got := ann.Provenance["city"]; got.Event != "m6" || got.Source != "web" {
		t.Errorf("provenance of city: %+v", got)
	}
	if ann.FirstSeen.String() != "2026-01-01T00:00:00.000000Z" || ann.LastSeen.String() != "2026-02-02T09:00:00.000000Z" {
		t.Errorf("seen from %s to %s", ann.FirstSeen, ann.LastSeen)
	}
	if len(ann.Consent) != 1 || !ann.Consent[0].Granted || ann.Consent[0].Channel != "email" {
		t.Errorf("consent %+v", ann.Consent)
	}
	p.tells(`select count(*) from profiles`, "2")
	p.tells(fmt.Sprintf(`select event_id from events where profile_id = %d order by ts`, int64(ann.ID)), "m6", "m1", "m2", "m3", "m4", "m5")
	p.tells(fmt.Sprintf(`select name, city, age, first_seen, last_seen from profiles where profile_id = %d`, int64(ann.ID)),
		"Ann|Hanoi|41|"+ann.FirstSeen.String()+"|"+ann.LastSeen.String())
	p.tells(`select i.namespace, i.value from identifiers i join profiles p on i.profile_id = p.profile_id where p.name = 'Ann' order by 1`,
		"anonymous_id|anon-ann", "email|ann@example.com", "user_id|ann")
	p.tells(`select purpose, channel, granted from consents`, "marketing|email|true")

	events, next, err := p.client.Events(context.Background(), id("email", "ann@example.com"), 100, "")
	if err != nil || next != "" || len(events) != 6 {
		t.Fatalf("%d events, next %q, %v", len(events), next, err)
	}
	if got := string(events[3].Properties); !jsonEqual(t, got, long) {
		t.Errorf("long properties came back as %.80s", got)
	}
	if got := string(events[0].Properties); !jsonEqual(t, got, `{"sku":"S2"}`) {
		t.Errorf("short properties came back as %s", got)
	}
	found, _, err := p.client.Search(context.Background(), "nn@exam", 10, "")
	if err != nil || len(found) != 1 || found[0].ID != ann.ID {
		t.Errorf("search: %v, %v", found, err)
	}
}

func jsonEqual(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Errorf("%v in %.80s", err, a)
		return false
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

// The cursor walks the whole timeline, whatever the size of its pages: no event twice and none
// left out, across anchors, names, and events of the same instant.
func TestTimelinePages(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	var events []string
	for i := range 60 {
		who := []string{`"anonymousId":"a1"`, `"anonymousId":"a2"`, `"userId":"u"`}[i%3]
		at := fmt.Sprintf("2026-02-01T10:%02d:00Z", i/7) // seven at a time
		events = append(events, track(fmt.Sprintf("m%02d", i), fmt.Sprintf("Name %d", i%4), at, who, `{"i":`+fmt.Sprint(i)+`}`))
	}
	p.batch(webKey, append(events, identify("id1", "2026-02-02T00:00:00Z", `"userId":"u","anonymousId":"a1"`, `{}`))...)
	p.batch(serverKey, track("m00", "Name 0", "2026-02-01T10:00:00Z", `"userId":"u"`, `{}`), // the same id, another source
		identify("id2", "2026-02-02T00:00:00Z", `"userId":"u","anonymousId":"a2"`, `{}`))
	want := p.sql(`select source || '/' || event_id from events order by ts desc, source desc, event_id desc`)
	if len(want) != 63 {
		t.Fatalf("SQL knows %d events", len(want))
	}
	for _, size := range []int{1, 2, 7, 62, 63, 100} {
		var got []string
		for cursor := ""; ; {
			page, next, err := p.client.Events(context.Background(), id("user_id", "u"), size, cursor)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > size || next != "" && len(page) < size {
				t.Fatalf("a page of %d has %d events, next %q", size, len(page), next)
			}
			for _, e := range page {
				got = append(got, e.Source+"/"+e.ID)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d:\n got %v\nwant %v", size, got, want)
		}
	}
	if _, _, err := p.client.Events(context.Background(), id("user_id", "u"), 10, "no cursor of ours"); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a wrong cursor: %v", err)
	}
}

// The same batch twice, as a client sends it that missed the answer, is there once.
func TestTwiceIsOnce(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	send := func() {
		p.batch(webKey, track("m1", "Order Completed", "2026-02-01T10:00:00Z", `"userId":"u"`, `{"order_id":"O1","revenue":10,"products":[{"sku":"S","price":10}]}`),
			track("m2", "Product Viewed", "2026-02-01T09:00:00Z", `"userId":"u"`, `{"sku":"S"}`))
	}
	send()
	before := p.digests()
	send()
	same(t, before, p.digests())
	if got := p.profile("user_id", "u").Events; got != 2 {
		t.Errorf("%d events", got)
	}
	if s := p.status(); s.Counts["events"] != 2 || s.Counts["duplicates"] != 2 {
		t.Errorf("counts %v", s.Counts)
	}
}
