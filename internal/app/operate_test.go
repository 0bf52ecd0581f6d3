package app_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"clientele"
)

// allQuarantined walks the quarantine in pages.
func (p *program) allQuarantined(size int) (out []clientele.Quarantined) {
	p.Helper()
	for cursor := ""; ; {
		items, next, err := p.client.Quarantine(context.Background(), size, cursor)
		if err != nil {
			p.Fatal(err)
		}
		if len(items) > size {
			p.Fatalf("a page of %d has %d", size, len(items))
		}
		if out = append(out, items...); next == "" {
			return out
		}
		cursor = next
	}
}

// What could not be used is listed with its reason and its text, the newest first, and leaves
// the quarantine when a replay accepts it, once.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	r := c.Identity.Namespaces[clientele.UserID]
	r.Blocked = []string{"/^desk-/"}
	c.Identity.Namespaces[clientele.UserID] = r
	p := run(t, c)
	row := func(i int) string {
		return fmt.Sprintf(`{"table":"profiles","id":"r%d","ts":"2026-01-01T00:00:00Z","ids":[{"ns":"user_id","v":"desk-%d"}],"traits":{"name":"N%d"}}`, i, i, i)
	}
	p.rows("crm", row(0), row(1), `{"table":"profiles","id":"ok","ids":[{"ns":"user_id","v":"ann"}],"traits":{"name":"Ann"}}`, row(2))
	p.batch(webKey, track("m1", "", "2026-02-01T00:00:00Z", `"userId":"ann"`, `{"secret":"visible to the operator"}`), `{"type":"nonsense"}`)
	all := p.allQuarantined(100)
	if len(all) != 5 || p.status().Counts["quarantined"] != 5 {
		t.Fatalf("%d in quarantine: %+v", len(all), all)
	}
	for _, size := range []int{1, 2, 4, 5} {
		if got := p.allQuarantined(size); !slices.Equal(got, all) {
			t.Errorf("pages of %d: %+v", size, got)
		}
	}
	if q := all[1]; q.Kind != "event" || q.Source != "web" || q.Code != "invalid" || !strings.Contains(q.Reason, "name of what happened") || !strings.Contains(q.Raw, "visible to the operator") {
		t.Errorf("the event: %+v", q)
	}
	if q := all[4]; q.Kind != "row" || q.Source != "crm" || q.Raw != row(0) || !strings.Contains(q.Reason, "identif") {
		t.Errorf("the row: %+v", q)
	}

	if n, err := p.client.Replay(ctx, []string{all[4].ID}); err != nil || n != 0 {
		t.Errorf("replayed %d, %v: nothing has changed", n, err)
	}
	if got := p.allQuarantined(100); len(got) != 5 || got[4].ReplayedAt == 0 || got[3].ReplayedAt != 0 {
		t.Errorf("after a replay in vain: %+v", got)
	}
	if n, err := p.client.Replay(ctx, []string{"no id"}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("replayed %d, %v", n, err)
	}
	p.stop()

	r.Blocked = nil
	c.Identity.Namespaces[clientele.UserID] = r
	p = run(t, c)
	p.settle()
	if n, err := p.client.Replay(ctx, []string{all[4].ID, all[4].ID}); err != nil || n != 1 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if got := p.profile("user_id", "desk-0").Traits["name"]; got != "N0" {
		t.Errorf("name %v", got)
	}
	if n, err := p.client.Replay(ctx, nil); err != nil || n != 2 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if n, err := p.client.Replay(ctx, nil); err != nil || n != 0 {
		t.Errorf("replayed %d again, %v", n, err)
	}
	p.tells(`select name from profiles order by name`, "Ann", "N0", "N1", "N2")
	s := p.status()
	if s.Counts["quarantined"] != 2 || s.Counts["replayed"] != 3 || len(p.allQuarantined(100)) != 2 {
		t.Errorf("counts %v", s.Counts)
	}
	// What a replay has taken in is known: the same import again changes nothing.
	before := p.digests()
	p.rows("crm", row(0), row(1), row(2))
	same(t, before, p.digests())
}

// An event with a value that names nobody is an event of nobody, or waits in quarantine: it
// never makes or joins people.
func TestBadIdentifiers(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	var events []string
	n := 0
	send := func(format string, args ...any) {
		n++
		events = append(events, strings.Replace(fmt.Sprintf(format, args...), `{`, fmt.Sprintf(`{"messageId":"bad-%d","type":"track","event":"Ping",`, n), 1))
	}
	values := []string{`null`, `""`, `" "`, `"null"`, `"NULL"`, `"(null)"`, `"nil"`, `"none"`, `"undefined"`, `"unknown"`, `"anonymous"`, `"guest"`, `"NaN"`, `"N/A"`, `"-1"`, `-1`, `0`, `"0"`,
		`"00000000-0000-0000-0000-000000000000"`, `"0000"`, `"[object Object]"`, `{}`, `[]`, `["a"]`, `true`, `false`, `"(not set)"`, `"\u0000"`, `"a\u0000b"`, `"\n"`, `"` + strings.Repeat("x", 600) + `"`}
	for _, v := range values {
		send(`{"userId":%s}`, v)
		send(`{"anonymousId":%s}`, v)
		send(`{"context":{"device":{"id":%s}}}`, v)
		send(`{"context":{"traits":{"email":%s}}}`, v)
		send(`{"context":{"traits":{"phone":%s}}}`, v)
		send(`{"context":{"externalIds":[{"type":"loyalty_id","id":%s}]}}`, v)
	}
	for _, mail := range []string{"not-an-address", "@example.com", "a@", "a b@example.com"} {
		send(`{"context":{"traits":{"email":%q}}}`, mail)
	}
	for start := 0; start < len(events); start += 50 {
		p.batch(webKey, events[start:min(start+50, len(events))]...)
	}
	p.tells(`select namespace, value from identifiers`)
	p.tells(`select count(*) from profiles`, "0")
	p.tells(`select count(*) from events where profile_id is not null`, "0")
	s := p.status()
	if got := s.Counts["events"] + s.Counts["quarantined"]; got != int64(n) {
		t.Errorf("%d events and quarantined of %d", got, n)
	}
	// Two real people who share all of these stay two.
	for _, u := range []string{"ann", "bob"} {
		var more []string
		for i, v := range values {
			if v != `{}` {
				more = append(more, fmt.Sprintf(`{"type":"track","event":"Ping","messageId":"%s-%d","userId":%q,"anonymousId":%s,"context":{"device":{"id":%s}}}`, u, i, u, v, v))
			}
		}
		p.batch(webKey, more...)
	}
	p.tells(`select namespace, value from identifiers order by 2`, "user_id|ann", "user_id|bob")
	p.tells(`select count(*) from profiles`, "2")
}

// Broken input is refused or waits in quarantine; the stages go on.
func TestBadInput(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	deep := func(levels int) string {
		return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
	}
	for name, x := range map[string]struct {
		body   string
		status int // of the answer; 200: it waits in quarantine, or is an event of nobody
	}{
		"year 9999":               {`{"batch":[{"type":"track","event":"E","userId":"x1","timestamp":"9999-12-31T23:59:59Z"}]}`, 200},
		"year 0":                  {`{"batch":[{"type":"track","event":"E","userId":"x2","timestamp":"0001-01-01T00:00:00Z"}]}`, 200},
		"next month":              {`{"batch":[{"type":"track","event":"E","userId":"x3","timestamp":"2026-04-01T00:00:00Z"}]}`, 200},
		"no time":                 {`{"batch":[{"type":"track","event":"E","userId":"x4","timestamp":"soon"}]}`, 200},
		"NaN":                     {`{"batch":[{"type":"track","event":"E","userId":"x5","properties":{"price":NaN}}]}`, 400},
		"infinity":                {`{"batch":[{"type":"track","event":"E","userId":"x6","properties":{"price":Infinity}}]}`, 400},
		"deep":                    {`{"batch":[{"type":"track","event":"E","userId":"x7","properties":` + deep(200) + `}]}`, 200},
		"very deep":               {`{"batch":[{"type":"track","event":"E","userId":"x8","properties":` + deep(30_000) + `}]}`, 400},
		"not UTF-8":               {"{\"batch\":[{\"type\":\"track\",\"event\":\"E\",\"userId\":\"x9\",\"properties\":{\"a\":\"\xff\xfe\"}}]}", 400},
		"not JSON":                {`{"batch":[{"type":"track"`, 400},
		"no object":               {`[1,2,3]`, 400},
		"no batch":                {`{"batch":7}`, 400},
		"no event":                {`{"batch":[7,null,"x"]}`, 200},
		"oversized":               {`{"batch":[{"type":"track","event":"E","userId":"x10","properties":{"a":"` + strings.Repeat("x", clientele.MaxEventBytes) + `"}}]}`, 200},
		"over the request's size": {`{"batch":[{"type":"track","event":"E","userId":"x11","properties":{"a":"` + strings.Repeat("x", clientele.MaxBatchBytes) + `"}}]}`, 413},
		"another type":            {`{"batch":[{"type":"delete","userId":"x12"}]}`, 200},
		"an alias of nobody":      {`{"batch":[{"type":"alias","userId":"x13"}]}`, 200},
		"a group of nobody":       {`{"batch":[{"type":"group","userId":"x14"}]}`, 200},
	} {
		before := p.status().Counts
		status, body := p.post("/v1/batch", webKey, x.body)
		p.settle()
		after := p.status().Counts
		refused, quarantined := status/100 == 4, after["quarantined"] > before["quarantined"]
		if refused == quarantined || after["profiles"] != 0 || after["events"] != 0 {
			t.Errorf("%s: %d %.100s, %v", name, status, body, after)
		}
		if x.status != status && !(x.status == 400 && status == http.StatusOK && quarantined) {
			t.Errorf("%s: %d %.100s, want %d", name, status, body, x.status)
		}
	}
	for name, key := range map[string]string{"a wrong key": "NOBODY", "no key": ""} {
		if status, body := p.post("/v1/batch", key, `{"batch":[{"type":"track","event":"E","userId":"u"}]}`); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	p.batch(webKey, track("m1", "Ping", "2026-02-01T00:00:00Z", `"userId":"ann"`, `{}`))
	if got := p.profile("user_id", "ann").Events; got != 1 {
		t.Errorf("%d events", got)
	}
	if s := p.status(); s.State != "ready" {
		t.Errorf("status %+v", s)
	}
}

// TestStatusIsOfOneCommit: what is counted is never ahead of the commit that it is told with, so that who waits for that
// commit in the column store finds all of it there.
func TestStatusIsOfOneCommit(t *testing.T) {
	p := run(t, settings(t))
	done := make(chan map[uint64]int64)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		most := map[uint64]int64{} // events by commit, at most
		defer func() { done <- most }()
		for ctx.Err() == nil {
			s, err := p.app.Status(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			most[s.Resolver.Commit] = max(most[s.Resolver.Commit], s.Counts["events"])
		}
	}()
	events := map[uint64]int64{}
	for i := range 150 {
		p.batch(webKey, track(fmt.Sprintf("m%d", i), "Seen", "2026-02-01T10:00:00Z", `"anonymousId":"a"`, "{}"))
		s := p.status()
		events[s.Resolver.Commit] = s.Counts["events"]
	}
	stop()
	for commit, n := range <-done {
		if want, ok := events[commit]; ok && n > want {
			t.Errorf("commit %d is told with %d events, it has %d", commit, n, want)
		}
	}
}
