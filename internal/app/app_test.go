package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele"
	"clientele/client"
	"clientele/internal/app"
	"clientele/internal/config"
	"clientele/internal/store/pebblestore"
)

// The write keys of the sources of settings.
const (
	webKey    = "WEB_KEY"
	serverKey = "SERVER_KEY"
)

// patience is how long a test waits for what must come, on a machine that is busy with other things too.
const patience = 2 * time.Minute

// settings are a configuration with a data directory of the test's own.
func settings(t *testing.T) config.Config {
	t.Helper()
	c := config.Default()
	c.Data = t.TempDir()
	c.Log.Reserve = 64 * config.MB
	c.Columns.Memory = 128 * config.MB
	c.Columns.Threads = 1
	c.Sources = []config.Source{
		{Name: "web", WriteKey: webKey, Kind: config.KindBrowser},
		{Name: "backend", WriteKey: serverKey, Kind: config.KindServer, Verified: true},
		{Name: "crm", Kind: config.KindFile},
	}
	return c
}

// clock moves on by a millisecond whenever it is read.
var ticks atomic.Int64

func clock() time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(ticks.Add(1)) * time.Millisecond)
}

func options() app.Options { return app.Options{Version: "test", Now: clock, Serves: true} }

// optionsAhead are options whose clock is ahead by what a test adds.
func optionsAhead() (app.Options, *atomic.Int64) {
	o, ahead := options(), new(atomic.Int64)
	o.Now = func() time.Time { return clock().Add(time.Duration(ahead.Load())) }
	return o, ahead
}

// program is the whole program, running, behind its HTTP surface.
type program struct {
	*testing.T
	app    *app.App
	client *client.Client
	url    string
	cancel context.CancelFunc
	ran    chan error
	server *httptest.Server
}

// run opens the program and waits until its stages run.
func run(t *testing.T, c config.Config) *program {
	t.Helper()
	return runWith(t, c, options())
}

func runWith(t *testing.T, c config.Config, o app.Options) *program {
	t.Helper()
	p := openWith(t, c, o)
	if err := p.ready(); err != nil {
		t.Fatal(err)
	}
	return p
}

func openWith(t *testing.T, c config.Config, o app.Options) *program {
	t.Helper()
	a, err := app.Open(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{T: t, app: a, ran: make(chan error, 1), server: httptest.NewServer(a.Handler())}
	p.url = p.server.URL
	if p.client, err = client.New(p.url, a.Tokens().Local()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() { p.ran <- a.Run(ctx) }()
	t.Cleanup(p.stop)
	return p
}

// ready waits until the stages run; the error with which they ended when they did.
func (p *program) ready() error {
	for deadline := time.Now().Add(patience); p.app.Ready() != nil; {
		select {
		case err := <-p.ran:
			p.ran <- err
			return fmt.Errorf("Run ended: %w", err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.New("the stages do not run")
		}
	}
	return nil
}

// stop ends the program as serve does; a second call does nothing.
func (p *program) stop() {
	p.Helper()
	if p.cancel == nil {
		return
	}
	p.server.Close()
	p.client.Close()
	p.cancel()
	p.cancel = nil
	if err := <-p.ran; err != nil {
		p.Errorf("Run: %v", err)
	}
	if err := p.app.Close(); err != nil {
		p.Errorf("Close: %v", err)
	}
}

// eventually polls a condition that nothing tells of.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func (p *program) settle() {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.app.Settle(ctx); err != nil {
		p.Fatal(err)
	}
}

// post sends a body with a write key and answers the status.
func (p *program) post(path, key, body string) (int, string) {
	p.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	req.SetBasicAuth(key, "")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// batch sends events and waits until they are resolved and queryable.
func (p *program) batch(key string, events ...string) {
	p.Helper()
	if status, body := p.post("/v1/batch", key, `{"batch":[`+strings.Join(events, ",")+`]}`); status != http.StatusOK {
		p.Fatalf("batch: %d %s", status, body)
	}
	p.settle()
}

// rows imports rows of the source over the API and waits until they are resolved.
func (p *program) rows(source string, rows ...string) {
	p.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/import/"+source, strings.NewReader(strings.Join(rows, "\n")))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.app.Tokens().Local())
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	var r clientele.ImportResult
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || resp.StatusCode != http.StatusOK || r.Accepted != len(rows) {
		p.Fatalf("import: %d, accepted %d of %d, %v", resp.StatusCode, r.Accepted, len(rows), err)
	}
	p.settle()
}

func id(ns, value string) clientele.Identifier {
	return clientele.Identifier{Namespace: clientele.Namespace(ns), Value: value}
}

func (p *program) profile(ns, value string) *clientele.Profile {
	p.Helper()
	got, err := p.client.Profile(context.Background(), id(ns, value), true)
	if err != nil {
		p.Fatalf("profile by %s: %v", ns, err)
	}
	return got
}

// sql answers the rows, each value as text, columns separated by a bar.
func (p *program) sql(text string, params ...any) []string {
	p.Helper()
	r, err := p.client.Query(context.Background(), text, params, 0)
	if err != nil {
		p.Fatalf("%s: %v %s", text, err, clientele.ErrorHint(err))
	}
	out := []string{}
	for _, row := range r.Rows {
		parts := make([]string, len(row))
		for i, v := range row {
			parts[i] = fmt.Sprint(v)
		}
		out = append(out, strings.Join(parts, "|"))
	}
	return out
}

// tells checks the answer to SQL.
func (p *program) tells(text string, want ...string) {
	p.Helper()
	if want == nil {
		want = []string{}
	}
	if got := p.sql(text); !slices.Equal(got, want) {
		p.Errorf("%s\n got %q\nwant %q", text, got, want)
	}
}

func (p *program) status() *clientele.Status {
	p.Helper()
	s, err := p.client.Status(context.Background())
	if err != nil {
		p.Fatal(err)
	}
	return s
}

func (p *program) digests() map[string]string {
	p.Helper()
	d, err := p.client.Digests(context.Background())
	if err != nil {
		p.Fatal(err)
	}
	if len(d) < len(clientele.Schema) {
		p.Fatalf("digests of %d tables", len(d))
	}
	return d
}

// same checks that all tables but some have equal digests.
func same(t *testing.T, before, after map[string]string, but ...string) {
	t.Helper()
	for table, want := range before {
		if got := after[table]; got != want && !slices.Contains(but, table) {
			t.Errorf("the digest of %s is %s, was %s", table, got, want)
		}
	}
}

// rowDigest is the checksum of the row store of a program that does not run, without what a
// rebuild may hold otherwise: ids that time forgets, the outbox and its numbers.
func rowDigest(t *testing.T, c config.Config) string {
	t.Helper()
	s := rowStore(t, c)
	defer s.Close()
	d, err := s.Digest(context.Background(), clientele.RowSeen, clientele.RowOutbox, clientele.RowPosition)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func rowStore(t *testing.T, c config.Config) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open(pebblestore.Options{Dir: filepath.Join(c.Data, "state", "rows"), MinFreeBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rebuild(t *testing.T, c config.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := app.Rebuild(ctx, c, options(), nil); err != nil {
		t.Fatal(err)
	}
}
