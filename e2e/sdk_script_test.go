package e2e_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"clientele"
)

// wrongClock is how far the clocks of the drivers are behind, in milliseconds. The Go library
// has no clock that could be set.
const wrongClock = -3 * 3600 * 1000

// TestLibraries: what comes out for what every library was given, each call once.
func TestLibraries(t *testing.T) {
	chromium := installed(t)
	in := newInstall(t, "", sources())
	in.start()
	began := time.Now()
	var all []*driving
	want := map[string]int{}
	for _, l := range libraries {
		j := job{Mode: "script", Chromium: chromium, Runs: []sendTo{{Name: "script", Host: *in.url.Load()}}}
		if l.driver != "" {
			j.Skew = wrongClock
		}
		all = append(all, l.drive(t, j))
		want[l.name] = len(script(t, l)) + l.unasked()
	}
	in.arrive(want, 60*time.Second)
	for _, d := range all {
		d.finish(t)
	}
	in.settle()
	for _, d := range all {
		t.Run(d.l.name, func(t *testing.T) { compareScript(t, in, d, began) })
	}
	if items, _, err := in.api().Quarantine(t.Context(), 10, ""); err != nil || len(items) > 0 {
		t.Errorf("in quarantine: %v %v", items, err)
	}
	t.Logf("all libraries in %s", time.Since(began).Round(time.Millisecond))
}

// unasked is how many events the library sends by itself: the snippet a page, the test's page Early.
func (l library) unasked() int {
	if l.page == "hosted" {
		return 2
	}
	return 0
}

// arrive waits until so many events of each source can be queried.
func (in *install) arrive(want map[string]int, limit time.Duration) {
	in.t.Helper()
	deadline := time.Now().Add(limit)
	var missing []string
	for {
		found := map[string]int{}
		for _, r := range in.query("SELECT source, count(*) FROM events GROUP BY source") {
			found[r[0].(string)] = int(r[1].(int64))
		}
		missing = nil
		for source, n := range want {
			if found[source] < n {
				missing = append(missing, fmt.Sprintf("%s %d of %d", source, found[source], n))
			}
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			in.t.Errorf("not there after %s: %s", limit, strings.Join(missing, ", "))
			return
		}
		wait(in.t.Context(), 100*time.Millisecond)
	}
}

// timeline are all events of the person, the oldest first.
func timeline(t *testing.T, in *install, user string) []clientele.Event {
	t.Helper()
	c := in.api()
	var out []clientele.Event
	for cursor := ""; ; {
		page, next, err := c.Events(t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: user}, 25, cursor)
		must(t, err)
		for _, e := range page {
			out = append([]clientele.Event{e}, out...)
		}
		if cursor = next; cursor == "" {
			return out
		}
	}
}

// compareScript holds what is stored of a library's source against the script.
func compareScript(t *testing.T, in *install, d *driving, began time.Time) {
	calls := script(t, d.l)
	events := timeline(t, in, d.l.user())
	byID := map[string]clientele.Event{}
	for _, e := range events {
		if _, twice := byID[e.ID]; twice {
			t.Errorf("%s %s is there twice", e.Type, e.ID)
		}
		byID[e.ID] = e
	}
	if len(events) != len(calls)+d.l.unasked() {
		t.Errorf("%d events are on the timeline, %d calls were made", len(events), len(calls))
	}
	if n := in.query("SELECT count(*), count(DISTINCT event_id) FROM events WHERE source = $1", d.l.name)[0]; n[0] != int64(len(events)) || n[1] != n[0] {
		t.Errorf("SQL has %v events with %v ids, the timeline %d", n[0], n[1], len(events))
	}
	for _, r := range in.query("SELECT event_id, context FROM events WHERE source = $1", d.l.name) {
		e := byID[r[0].(string)]
		e.Context = clientele.RawJSON(fmt.Sprint(r[1]))
		byID[e.ID] = e
	}
	ids := map[int]string{}
	for _, r := range d.all() {
		if r.Error != "" {
			t.Errorf("the library says of call %d: %s", r.N, r.Error)
		}
		if _, twice := ids[r.N]; twice {
			t.Errorf("the library reports call %d twice", r.N)
		}
		ids[r.N] = r.ID
	}
	for n, c := range calls {
		e, found := byID[ids[n]]
		if ids[n] == "" { // PostHog's library tells no ids of these
			e, found = onlyOf(byID, c.Call)
		}
		if !found {
			t.Errorf("call %d (%s %s%s) is not there: %q", n, c.Call, c.Event, c.Name, ids[n])
			continue
		}
		compareCall(t, d.l, c, e, began)
	}
	compareIdentity(t, in, d.l, calls)
}

func onlyOf(events map[string]clientele.Event, typ string) (found clientele.Event, ok bool) {
	for _, e := range events {
		if e.Type == typ {
			if ok {
				return e, false
			}
			found, ok = e, true
		}
	}
	return found, ok
}

func compareCall(t *testing.T, l library, c call, e clientele.Event, began time.Time) {
	t.Helper()
	typ, name := c.Call, c.Event+c.Name
	if name == "" {
		name = c.Call
	}
	if typ == "screen" && l.page == "rudder" {
		typ = "page" // RudderStack's browser library has no screen
	}
	if e.Type != typ || e.Name != name || e.Source != l.name {
		t.Errorf("%s %q has become %s %q of %s", c.Call, name, e.Type, e.Name, e.Source)
	}
	if diff := differs(l, c, e.Properties); diff != "" {
		t.Errorf("%s %q: %s", c.Call, name, diff)
	}
	// The time is the one of a right clock, however wrong the library's is.
	ago := time.Duration(c.Ago) * time.Millisecond
	if ts := e.TS.Time(); ts.Before(began.Add(-ago-time.Second)) || ts.After(e.ReceivedAt.Time().Add(-ago+time.Second)) {
		t.Errorf("%s %q: its time is %s, it was received %s, sent not before %s", c.Call, name, e.TS, e.ReceivedAt, began.UTC())
	}
	var context struct {
		IP      string
		Library struct{ Name, Version string }
		Page    struct{ URL, Title string }
	}
	if err := json.Unmarshal(e.Context, &context); err != nil {
		t.Fatalf("%s: context %s: %v", c.Call, e.Context, err)
	}
	if context.Library.Name != l.says || context.Library.Version == "" {
		t.Errorf("%s: the library calls itself %q %q", c.Call, context.Library.Name, context.Library.Version)
	}
	ip := ""
	if l.page != "" {
		ip = "127.0.0.1"
		if !strings.Contains(context.Page.URL, "/shop?run=script&colour=%C4%91%E1%BB%8F") || context.Page.Title != "Cửa hàng" {
			t.Errorf("%s: the page is %+v", c.Call, context.Page)
		}
	}
	if context.IP != ip {
		t.Errorf("%s: the address is %q, want %q", c.Call, context.IP, ip)
	}
}

// differs says how the properties are not those of the call. A library may add its own.
func differs(l library, c call, got clientele.RawJSON) string {
	if len(c.Properties) == 0 {
		return ""
	}
	var have, want map[string]any
	if err := json.Unmarshal(got, &have); err != nil {
		return err.Error()
	}
	b, err := json.Marshal(c.Properties)
	if err != nil {
		return err.Error()
	}
	if err := json.Unmarshal(b, &want); err != nil {
		return err.Error()
	}
	for name, v := range want {
		if !reflect.DeepEqual(v, have[name]) {
			return fmt.Sprintf("%q was %#v and is %#v", name, v, have[name])
		}
	}
	for name := range have {
		_, asked := want[name]
		if !asked && (c.Call == "track" && l.says != "posthog-node" || !added[name] && !strings.HasPrefix(name, "$")) {
			return fmt.Sprintf("there is %q, which nobody has sent", name)
		}
	}
	return ""
}

// added are properties that libraries add to pages, all but PostHog's, whose names begin with $.
var added = map[string]bool{"name": true, "category": true, "path": true, "referrer": true, "search": true, "title": true, "url": true,
	"tab_url": true, "initial_referrer": true, "initial_referring_domain": true, "referring_domain": true}

// compareIdentity: one profile holds the traits, the anonymous and the known half, and what was
// said of its group and its former id.
func compareIdentity(t *testing.T, in *install, l library, calls []call) {
	p, err := in.api().Profile(t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: l.user()}, false)
	must(t, err)
	if p.Events != int64(len(calls)+l.unasked()) {
		t.Errorf("the profile counts %d events, %d calls were made", p.Events, len(calls))
	}
	ids := map[clientele.Namespace]string{}
	for _, x := range p.Identifiers {
		ids[x.Namespace] += x.Value
	}
	anonymous := ids[clientele.AnonymousID]
	if l.page == "" && anonymous != "anon-"+l.name || anonymous == "" {
		t.Errorf("the profile's anonymous id is %q", anonymous)
	}
	if ids[clientele.UserID] != l.user() || ids[clientele.PreviousID] != "old-"+l.name || ids[clientele.Email] != "ann@"+l.name+".example" {
		t.Errorf("the profile's identifiers are %v", ids)
	}
	for _, c := range calls {
		if c.Call == "group" && p.Traits["group_id"] != c.GroupID {
			t.Errorf("the profile's group is %v", p.Traits["group_id"])
		}
		for name, want := range c.Traits {
			if c.Call == "identify" && !reflect.DeepEqual(p.Traits[name], want) {
				t.Errorf("the trait %s was %#v and is %#v", name, want, p.Traits[name])
			}
		}
	}
}
