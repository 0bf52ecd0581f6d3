package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// hookSource is a source that another system calls; it goes into the configuration's list of sources.
const hookSource = "  - {name: hook, webhook: {scheme: token, secrets: [open-sesame], id_field: id}}\n"

// request is one request to the front door, and what its answer has to hold to be believed.
type request struct {
	method, path, contentType, body string
	key                             bool // the write key goes into the Authorization header
	answer                          string
}

const taken = `{"success":true}`

// endpoints are all the ways in which an event comes in. Each makes the call for one event of a person.
var endpoints = func() map[string]func(id string, person int) request {
	all := map[string]func(id string, person int) request{}
	who := func(person int) string { return fmt.Sprintf(`"userId":"u-%d","anonymousId":"a-%d"`, person, person) }
	event := func(typ, id string, person int) string {
		more := map[string]string{"track": `"event":"Load"`, "identify": `"traits":{"seen":true}`, "page": `"name":"Home"`, "screen": `"name":"Home"`,
			"group": `"groupId":"g-1"`, "alias": fmt.Sprintf(`"previousId":"a-%d"`, person)}[typ]
		return fmt.Sprintf(`{"type":%q,%s,%s,"messageId":%q}`, typ, more, who(person), id)
	}
	for _, typ := range []string{"track", "identify", "page", "screen", "group", "alias"} {
		for _, path := range []string{"/v1/" + typ, "/v1/" + typ[:1]} {
			all[path] = func(id string, person int) request {
				return request{"POST", path, "text/plain", event(typ, id, person), true, taken}
			}
		}
	}
	for _, path := range []string{"/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"} {
		all[path] = func(id string, person int) request {
			return request{"POST", path + "?writeKey=" + writeKey, "application/x-www-form-urlencoded", `{"batch":[` + event("track", id, person) + `]}`, false, taken}
		}
	}
	for _, path := range []string{"/v1/pixel/track", "/pixel/v1/track"} {
		all[path] = func(id string, person int) request {
			q := url.Values{"writeKey": {writeKey}, "event": {"Load"}, "messageId": {id}, "userId": {fmt.Sprintf("u-%d", person)}}
			return request{"GET", path + "?" + q.Encode(), "", "", false, "GIF89a"}
		}
	}
	all["/v1/pixel/page data"] = func(id string, person int) request {
		data := fmt.Sprintf(`{"writeKey":%q,%s,"messageId":%q,"name":"Mail"}`, writeKey, who(person), id)
		return request{"GET", "/v1/pixel/page?data=" + base64.RawURLEncoding.EncodeToString([]byte(data)), "", "", false, "GIF89a"}
	}
	captured := func(id string, person int) string {
		return fmt.Sprintf(`{"event":"Load","distinct_id":"u-%d","uuid":%q,"properties":{"$device_id":"a-%d"}}`, person, id, person)
	}
	const ok = `{"status":"Ok","success":true}`
	all["/batch/"] = func(id string, person int) request {
		return request{"POST", "/batch/", "application/json", fmt.Sprintf(`{"api_key":%q,"batch":[%s]}`, writeKey, captured(id, person)), false, ok}
	}
	for _, path := range []string{"/capture/", "/e/", "/i/v0/e/", "/track/", "/engage/"} {
		all[path] = func(id string, person int) request {
			one := fmt.Sprintf(`{"api_key":%q,%s`, writeKey, captured(id, person)[1:])
			if path == "/track/" || path == "/e/" {
				return request{"POST", path, "application/x-www-form-urlencoded", "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(one))), false, ok}
			}
			return request{"POST", path, "text/plain", one, false, ok}
		}
	}
	return all
}()

// hook is what the other system calls.
func hook(id string, _ int) request {
	return request{"POST", "/webhooks/hook?token=open-sesame", "application/json", fmt.Sprintf(`{"id":%q}`, id), false, taken}
}

// do is the call's status; 0 when there was no answer, or one that is not this program's.
func (in *install) do(ctx context.Context, c request) int {
	u := in.url.Load()
	if u == nil {
		return 0
	}
	req, err := http.NewRequestWithContext(ctx, c.method, *u+c.path, strings.NewReader(c.body))
	if err != nil {
		return 0
	}
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	if c.key {
		req.SetBasicAuth(writeKey, "")
	}
	resp, err := browser.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusOK && !strings.HasPrefix(string(b), c.answer) {
		return 0
	}
	return resp.StatusCode
}

// tour sends events through every endpoint in turn, n clients at once, each event again until it is answered
// 200. halt ends it once what was begun is accepted, and says how often each endpoint was used.
func tour(t *testing.T, in *install, l *ledger, n, people int, pause time.Duration) (halt func() map[string]int) {
	t.Helper()
	stop := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	used := map[string]int{}
	var wg sync.WaitGroup
	for w := range n {
		rnd := rand.New(rand.NewPCG(uint64(w), 17))
		wg.Go(func() {
			for round := 0; ; round++ {
				for name, make := range endpoints {
					select {
					case <-stop:
						return
					default:
					}
					id, person := fmt.Sprintf("tour-%d-%d-%s", w, round, name), rnd.IntN(people)
					if !l.through(ctx, in, name, make(id, person)) {
						return
					}
					l.mu.Lock()
					l.events[id] = person
					used[name]++
					l.mu.Unlock()
					wait(ctx, pause)
				}
				id := fmt.Sprintf("hook-%d-%d", w, round)
				if !l.through(ctx, in, "/webhooks/hook", hook(id, 0)) {
					return
				}
				l.mu.Lock()
				l.hooks[id] = true
				l.mu.Unlock()
			}
		})
	}
	return func() map[string]int {
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
		return used
	}
}

// through makes the call until it is answered 200; false when the context ended before.
func (l *ledger) through(ctx context.Context, in *install, name string, c request) bool {
	for {
		status := in.do(ctx, c)
		l.mu.Lock()
		l.answers[status]++
		if status != 0 && status != http.StatusOK && status < 500 {
			l.unclear[name] = fmt.Sprint(status)
		}
		l.mu.Unlock()
		if status == http.StatusOK {
			return true
		}
		if !wait(ctx, 20*time.Millisecond) {
			return false
		}
	}
}

// compareHooks: each call of the other system is there as one event, and nothing else is.
func (in *install) compareHooks(l *ledger) {
	in.t.Helper()
	missing := 0
	found := map[string]int{}
	for _, r := range in.query("SELECT event_id, count(*) FROM events WHERE source = 'hook' GROUP BY 1 LIMIT 9000") {
		found[r[0].(string)] = int(r[1].(int64))
	}
	for id := range l.hooks {
		if found[id] != 1 {
			missing++
		}
	}
	if missing > 0 || len(found) != len(l.hooks) {
		in.t.Errorf("%d of %d webhook calls are not there once, %d are there", missing, len(l.hooks), len(found))
	}
}

// TestEveryEndpoint: an event that comes in by any of the endpoints is there, once, on its person's profile.
func TestEveryEndpoint(t *testing.T) {
	whole(t)
	in := newInstall(t, "", hookSource)
	l := newLedger()
	in.start()
	halt := tour(t, in, l, 2, 5, 0)
	within(t, 10*time.Second, "every endpoint was used", func() bool { return l.size() >= 3*len(endpoints) })
	used := halt()
	for name := range endpoints {
		if used[name] == 0 {
			t.Errorf("%s was not used", name)
		}
	}
	link(in, l, 5)
	in.compare(l)
}
