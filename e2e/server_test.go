package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clientele"
	"clientele/client"
)

// writeKey is that of the source web in every configuration here.
const writeKey = "WEB_KEY"

// install is a data directory, its configuration, and the server that holds it at the moment.
type install struct {
	t       *testing.T
	data    string
	config  string
	log     *os.File // what the servers said on standard error
	url     atomic.Pointer[string]
	process *process
	wrap    []string // a command that is to run the server; none: it runs by itself
}

// process is one run of the server.
type process struct {
	cmd     *exec.Cmd
	started time.Time
	out     output
	exited  chan struct{}
}

// output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// newInstall makes a configuration of the source web and the lines of more. data may be "".
func newInstall(t *testing.T, data, more string) *install {
	t.Helper()
	dir := t.TempDir()
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	in := &install{t: t, data: data, config: filepath.Join(dir, "clientele.yaml")}
	in.configure(more)
	var err error
	in.log, err = os.Create(filepath.Join(dir, "server.log"))
	must(t, err)
	t.Cleanup(func() {
		in.kill()
		if t.Failed() {
			b, _ := os.ReadFile(in.log.Name())
			t.Logf("the end of what the servers said:\n%s", b[max(0, len(b)-6000):])
		}
		in.log.Close()
	})
	return in
}

func (in *install) configure(more string) {
	in.t.Helper()
	text := "data: " + in.data + "\nsources:\n  - {name: web, write_key: " + writeKey + "}\n" + more
	must(in.t, os.WriteFile(in.config, []byte(text), 0o600))
}

// spawn starts the server and does not wait for it.
func (in *install) spawn() *process {
	in.t.Helper()
	p := &process{exited: make(chan struct{}), started: time.Now()}
	args := append(slices.Clone(in.wrap), program, "serve", "--config", in.config, "--listen", "127.0.0.1:0")
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, in.log
	must(in.t, p.cmd.Start())
	in.process = p
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p
}

var servesAt = regexp.MustCompile(`serves (?:the shop )?at (http://\S+)`)

// up says whether the server of now has said where it serves; it must not have ended.
func (in *install) up() bool {
	in.t.Helper()
	p := in.process
	select {
	case <-p.exited:
		in.t.Fatalf("the server ended by itself: %s\n%s", p.cmd.ProcessState, in.said())
	default:
	}
	m := servesAt.FindStringSubmatch(p.out.String())
	if m != nil {
		in.url.Store(&m[1])
	}
	return m != nil
}

func (in *install) said() string {
	b, _ := os.ReadFile(in.log.Name())
	return string(b[max(0, len(b)-3000):])
}

// start starts the server, waits until it is ready, and answers how long that took.
func (in *install) start() time.Duration {
	in.t.Helper()
	in.spawn()
	return in.ready()
}

func (in *install) ready() time.Duration {
	in.t.Helper()
	within(in.t, time.Minute, "the server is ready", func() bool { return in.up() && in.get("/readyz") == http.StatusOK })
	return time.Since(in.process.started)
}

// kill ends the server as kill -9 does.
func (in *install) kill() {
	if in.process == nil {
		return
	}
	_ = in.process.cmd.Process.Kill()
	<-in.process.exited
	in.process = nil
}

// stop ends the server in order; it must end with exit code 0.
func (in *install) stop() time.Duration {
	in.t.Helper()
	start := time.Now()
	must(in.t, in.process.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-in.process.exited:
	case <-time.After(15 * time.Second):
		in.t.Fatalf("the server has not stopped 15 s after SIGTERM\n%s", in.said())
	}
	if code := in.process.cmd.ProcessState.ExitCode(); code != 0 {
		in.t.Errorf("after SIGTERM the server ends with %d\n%s", code, in.said())
	}
	in.process = nil
	return time.Since(start)
}

var browser = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

// get is the status of a GET without a token; 0 when there is no answer.
func (in *install) get(path string) int {
	u := in.url.Load()
	if u == nil {
		return 0
	}
	resp, err := browser.Get(*u + path)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// answer is that of the collect API; Status 0 when there was none.
type answer struct {
	Status     int
	RetryAfter string
	Body       string
}

// post sends to the collect API as a library does.
func (in *install) post(ctx context.Context, path string, body []byte) answer {
	u := in.url.Load()
	if u == nil {
		return answer{}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *u+path, bytes.NewReader(body))
	if err != nil {
		return answer{Body: err.Error()}
	}
	req.SetBasicAuth(writeKey, "")
	resp, err := browser.Do(req)
	if err != nil {
		return answer{Body: err.Error()}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{Body: err.Error()}
	}
	if resp.StatusCode == http.StatusOK && string(b) != `{"success":true}` {
		return answer{Body: "another server answers: " + string(b)}
	}
	return answer{resp.StatusCode, resp.Header.Get("Retry-After"), string(b)}
}

// api is a client with the local token of the server that runs.
func (in *install) api() *client.Client {
	in.t.Helper()
	c, err := in.tryAPI()
	must(in.t, err)
	in.t.Cleanup(c.Close)
	return c
}

func (in *install) tryAPI() (*client.Client, error) {
	b, err := os.ReadFile(filepath.Join(in.data, "server.json"))
	if err != nil {
		return nil, err
	}
	var f struct{ Address, Token string }
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	return client.New(f.Address, f.Token)
}

// settle waits until all that is in the log can be queried.
func (in *install) settle() time.Duration {
	in.t.Helper()
	c := in.api()
	var goal clientele.Position
	return within(in.t, 3*time.Minute, "everything is resolved", func() bool {
		s, err := c.Status(in.t.Context())
		must(in.t, err)
		if goal == 0 {
			goal = s.Log.Last
		}
		return s.Resolver.Position >= goal && s.Columns.Lag == 0
	})
}

// query is the rows of one SELECT.
func (in *install) query(sql string, params ...any) [][]any {
	in.t.Helper()
	r, err := in.api().Query(in.t.Context(), sql, params, 0)
	if err != nil {
		in.t.Fatalf("%s: %v (%s)", sql, err, clientele.ErrorHint(err))
	}
	if r.Cut {
		in.t.Fatalf("%s: the answer was cut", sql)
	}
	return r.Rows
}

// one is the only value of a query, as text.
func (in *install) one(sql string) string {
	in.t.Helper()
	rows := in.query(sql)
	if len(rows) != 1 || len(rows[0]) != 1 {
		in.t.Fatalf("%s: %d rows", sql, len(rows))
	}
	return fmt.Sprint(rows[0][0])
}

// digests are the lines of clientele check --digests, by table.
func digests(t *testing.T, flags ...string) map[string]string {
	t.Helper()
	_, out, _ := cli(t, nil, append([]string{"check", "--digests"}, flags...)...)
	_, list, found := strings.Cut(out, "\ndigests\n")
	if !found {
		t.Fatalf("check printed no digests:\n%s", out)
	}
	sums := map[string]string{}
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) == 2 && strings.HasPrefix(line, "  ") {
			sums[f[0]] = f[1]
		}
	}
	if len(sums) < 10 {
		t.Fatalf("check printed %d digests:\n%s", len(sums), out)
	}
	return sums
}

// sameDigests fails when a table's content has changed.
func sameDigests(t *testing.T, when string, before, after map[string]string) {
	t.Helper()
	if len(before) != len(after) {
		t.Errorf("%s: %d digests became %d", when, len(before), len(after))
	}
	for table, sum := range before {
		if after[table] != sum {
			t.Errorf("%s: the digest of %s was %s and is %s", when, table, sum, after[table])
		}
	}
}
