package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	analytics "github.com/segmentio/analytics-go/v3"
)

// Of the calls that every driver makes; see sdk/drive.mjs, where these are too.
const (
	padding = 12_000 // bytes of each call after the script
	burst   = 12
)

// loads is how many calls come after the script: together more than one request may hold, but
// no more than the 64 KB of beacons that a browser lets be under way.
func (l library) loads() int {
	if l.option == "beacon" {
		return 2
	}
	return 40
}

// call is one call of sdk/script.json.
type call struct {
	Call        string         `json:"call"`
	UserID      string         `json:"userId"`
	AnonymousID string         `json:"anonymousId"`
	PreviousID  string         `json:"previousId"`
	GroupID     string         `json:"groupId"`
	Event       string         `json:"event"`
	Name        string         `json:"name"`
	Ago         int64          `json:"ago"` // milliseconds
	Properties  map[string]any `json:"properties"`
	Traits      map[string]any `json:"traits"`
}

// script is what every library is to send, dates as their text.
func script(t *testing.T, l library) []call {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("sdk", "script.json"))
	must(t, err)
	var calls []call
	must(t, json.Unmarshal([]byte(strings.ReplaceAll(string(b), "{sdk}", l.name)), &calls))
	for i := range calls {
		calls[i].Properties, _ = dates(calls[i].Properties).(map[string]any)
		calls[i].Traits, _ = dates(calls[i].Traits).(map[string]any)
	}
	for range l.loads() {
		calls = append(calls, load(l, map[string]any{"run": "script", "n": float64(len(calls)), "pad": strings.Repeat("x", padding)}))
	}
	return calls
}

func load(l library, properties map[string]any) call {
	return call{Call: "track", UserID: l.user(), Event: "Load", Properties: properties}
}

func dates(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = dates(v[i])
		}
	case map[string]any:
		if d, ok := v["$date"]; ok {
			return d
		}
		for name := range v {
			v[name] = dates(v[name])
		}
	}
	return v
}

// goLibrary drives Segment's Go library as drive.mjs drives those of Node.
func (d *driving) goLibrary(t *testing.T, j job) {
	t.Helper()
	stop := make(chan struct{})
	d.stop = sync.OnceFunc(func() { close(stop) })
	d.release = d.stop
	t.Cleanup(d.release)
	var calls []call
	if j.Mode == "script" {
		calls = script(t, d.l)
	}
	var wg sync.WaitGroup
	for _, run := range j.Runs {
		wg.Go(func() {
			if err := d.goRun(j.Mode, run, calls, stop); err != nil {
				d.told(report{Run: run.Name, N: -1, Error: err.Error()})
			}
		})
	}
	go func() {
		wg.Wait()
		<-stop
		close(d.ended)
	}()
}

func (d *driving) goRun(mode string, run sendTo, calls []call, stop <-chan struct{}) error {
	client, err := analytics.NewWithConfig(run.Key, analytics.Config{
		Endpoint: run.Host, BatchSize: 10, Interval: 100 * time.Millisecond, Logger: silent{},
		Callback: &callback{d: d, run: run.Name},
		// The library waits 10 s for an answer, and begins to wait at 100 ms before it tries again.
		Transport: &http.Transport{ResponseHeaderTimeout: 3 * time.Second},
	})
	if err != nil {
		return err
	}
	send := func(n int, c call) {
		if err == nil {
			err = client.Enqueue(message(c, fmt.Sprintf("%s-%s-%d", d.l.name, run.Name, n)))
		}
	}
	n := 0
	for mode == "stream" && err == nil {
		select {
		case <-stop:
			mode = ""
		case <-time.After(4 * time.Millisecond):
			send(n, load(d.l, map[string]any{"run": run.Name, "n": n}))
			n++
		}
	}
	for ; mode == "burst" && n < burst; n++ {
		send(n, load(d.l, map[string]any{"run": run.Name, "n": n}))
	}
	for ; n < len(calls); n++ {
		send(n, calls[n])
	}
	// Close drops what waits to be sent again, so it has to wait until all is reported.
	for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if d.reported(run.Name) >= n {
			break
		}
	}
	if closed := client.Close(); err == nil {
		err = closed
	}
	return err
}

func (d *driving) reported(run string) (n int) {
	for _, r := range d.all() {
		if r.Run == run {
			n++
		}
	}
	return n
}

func message(c call, id string) analytics.Message {
	at := time.Time{}
	if c.Ago > 0 {
		at = time.Now().Add(-time.Duration(c.Ago) * time.Millisecond)
	}
	switch c.Call {
	case "page":
		return analytics.Page{MessageId: id, UserId: c.UserID, AnonymousId: c.AnonymousID, Name: c.Name, Properties: c.Properties}
	case "screen":
		return analytics.Screen{MessageId: id, UserId: c.UserID, AnonymousId: c.AnonymousID, Name: c.Name, Properties: c.Properties}
	case "identify":
		return analytics.Identify{MessageId: id, UserId: c.UserID, AnonymousId: c.AnonymousID, Traits: c.Traits}
	case "group":
		return analytics.Group{MessageId: id, UserId: c.UserID, AnonymousId: c.AnonymousID, GroupId: c.GroupID, Traits: c.Traits}
	case "alias":
		return analytics.Alias{MessageId: id, UserId: c.UserID, PreviousId: c.PreviousID}
	}
	return analytics.Track{MessageId: id, UserId: c.UserID, AnonymousId: c.AnonymousID, Event: c.Event, Properties: c.Properties, Timestamp: at}
}

// callback takes what the Go library says of its messages.
type callback struct {
	d   *driving
	run string
}

func (c *callback) Success(m analytics.Message) { c.d.told(c.of(m, nil)) }

func (c *callback) Failure(m analytics.Message, err error) { c.d.told(c.of(m, err)) }

func (c *callback) of(m analytics.Message, err error) report {
	var id string
	switch m := m.(type) {
	case analytics.Track:
		id = m.MessageId
	case analytics.Page:
		id = m.MessageId
	case analytics.Screen:
		id = m.MessageId
	case analytics.Identify:
		id = m.MessageId
	case analytics.Group:
		id = m.MessageId
	case analytics.Alias:
		id = m.MessageId
	}
	r := report{Run: c.run, ID: id}
	if _, scanErr := fmt.Sscanf(id[strings.LastIndexByte(id, '-')+1:], "%d", &r.N); scanErr != nil {
		r.Error = scanErr.Error()
	}
	if err != nil {
		r.ID, r.Error = "", err.Error()
	}
	return r
}

type silent struct{}

func (silent) Logf(string, ...any)   {}
func (silent) Errorf(string, ...any) {}
