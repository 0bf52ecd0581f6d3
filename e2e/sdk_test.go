package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// library is one library that people send with, as it is published, and what drives it.
type library struct {
	name   string // of its source, and in its people's ids
	driver string // the script in sdk that drives it; "" for the Go library, which is driven here
	page   string // which library browser.mjs puts into its pages; "" for servers
	option string // of the run: batching, beacon
	says   string // what its events call it: context.library.name
}

var libraries = []library{
	{name: "next", driver: "browser.mjs", page: "next", says: "analytics.js"},
	{name: "next-batching", driver: "browser.mjs", page: "next", option: "batching", says: "analytics.js"},
	{name: "hosted", driver: "browser.mjs", page: "hosted", says: "analytics.js"},
	{name: "rudder-js", driver: "browser.mjs", page: "rudder", says: "RudderLabs JavaScript SDK"},
	{name: "rudder-beacon", driver: "browser.mjs", page: "rudder", option: "beacon", says: "RudderLabs JavaScript SDK"},
	{name: "analytics-node", driver: "analytics-node.mjs", says: "@segment/analytics-node"},
	{name: "analytics-node-6", driver: "analytics-node-6.mjs", says: "analytics-node"},
	{name: "rudder-node", driver: "rudder-sdk-node.mjs", says: "analytics-node"},
	{name: "posthog-node", driver: "posthog-node.mjs", says: "posthog-node"},
	{name: "analytics-go", says: "analytics-go"},
}

func libraryNamed(t *testing.T, name string) library {
	t.Helper()
	for _, l := range libraries {
		if l.name == name {
			return l
		}
	}
	t.Fatalf("no library is called %s", name)
	return library{}
}

func (l library) key() string  { return strings.ToUpper(l.name) + "_KEY" }
func (l library) user() string { return "ann-" + l.name }

// sources are the lines of the configuration for a source of each library.
func sources() string {
	var b strings.Builder
	for _, l := range libraries {
		kind := "server"
		if l.page != "" {
			kind = "browser"
		}
		fmt.Fprintf(&b, "  - {name: %s, write_key: %s, kind: %s}\n", l.name, l.key(), kind)
	}
	fmt.Fprintf(&b, "collect: {sdk_dir: %q}\n", abs(filepath.Join("..", "web-sdk")))
	return b.String()
}

func abs(path string) string {
	a, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return a
}

// absent skips the test, or fails it in CI, where everything must be installed.
func absent(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// installed is the path of the browser, once all that the drivers need is there.
func installed(t *testing.T) (chromium string) {
	t.Helper()
	whole(t)
	if _, err := exec.LookPath("node"); err != nil {
		absent(t, "node is not here: install Node 20 or later")
	}
	for _, dir := range []string{filepath.Join("sdk", "node_modules"), filepath.Join("..", "web-sdk", "node_modules")} {
		if _, err := os.Stat(dir); err != nil {
			absent(t, "the libraries are not installed: run npm ci in e2e/sdk and in web-sdk")
		}
	}
	return chromiumHere(t)
}

// chromiumHere is the path of the browser.
func chromiumHere(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	absent(t, "no Chromium is here: install the package chromium")
	return ""
}

// sendTo is one client of a library: where it sends, and by what name the test knows it.
type sendTo struct {
	Name     string `json:"name"`
	Host     string `json:"host"`
	Key      string `json:"key"`
	Batching bool   `json:"batching,omitempty"`
	Beacon   bool   `json:"beacon,omitempty"`
	Loads    int    `json:"loads"`
	Page     string `json:"page,omitempty"`
}

// job is what a driver is told; see sdk/drive.mjs.
type job struct {
	SDK      string   `json:"sdk"`
	Mode     string   `json:"mode"`
	Skew     int64    `json:"skew,omitempty"` // milliseconds by which its clock is wrong
	Library  string   `json:"library,omitempty"`
	Chromium string   `json:"chromium,omitempty"`
	Runs     []sendTo `json:"runs"`
}

// report is what the library said of one call: the message id of what it has sent, or why it gave up.
type report struct {
	Run   string `json:"run"`
	N     int    `json:"n"`
	ID    string `json:"id"`
	Error string `json:"error"`
}

// driving is a driver at work.
type driving struct {
	l       library
	stop    func()        // ends a stream of calls
	release func()        // lets it end
	ended   chan struct{} // closed when it has
	err     error         // then: why it failed

	mu      sync.Mutex
	reports []report
}

func (d *driving) told(r report) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reports = append(d.reports, r)
}

// all are the reports so far.
func (d *driving) all() []report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]report(nil), d.reports...)
}

// finish lets the driver end and waits for it.
func (d *driving) finish(t *testing.T) {
	t.Helper()
	d.release()
	select {
	case <-d.ended:
	case <-time.After(90 * time.Second):
		t.Fatalf("the driver of %s does not end", d.l.name)
	}
	if d.err != nil {
		t.Errorf("%s: %v", d.l.name, d.err)
	}
}

// drive starts the library's driver.
func (l library) drive(t *testing.T, j job) *driving {
	t.Helper()
	for i := range j.Runs {
		r := &j.Runs[i]
		r.Key, r.Batching, r.Beacon, r.Loads = l.key(), l.option == "batching", l.option == "beacon", l.loads()
		if l.page == "hosted" {
			r.Page = snippet(t, r.Host, r.Key)
		}
	}
	j.SDK, j.Library = l.name, l.page
	d := &driving{l: l, ended: make(chan struct{})}
	if l.driver == "" {
		d.goLibrary(t, j)
		return d
	}
	d.node(t, j)
	return d
}

// node starts a driver that is a script.
func (d *driving) node(t *testing.T, j job) {
	t.Helper()
	text, err := json.Marshal(j)
	must(t, err)
	cmd := exec.Command("node", d.l.driver, string(text))
	cmd.Dir = "sdk"
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	in, err := cmd.StdinPipe()
	must(t, err)
	r, w, err := os.Pipe()
	must(t, err)
	cmd.ExtraFiles = []*os.File{w}
	must(t, cmd.Start())
	must(t, w.Close())
	d.stop = func() { _, _ = io.WriteString(in, "stop\n") }
	d.release = func() { _ = in.Close() }
	go func() {
		defer close(d.ended)
		readErr := d.read(r)
		if err := cmd.Wait(); err != nil || readErr != nil {
			d.err = fmt.Errorf("%w\n%s", errors.Join(err, readErr), tail(said.String()))
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // only when the test has failed it is still there
		<-d.ended
	})
}

func (d *driving) read(r io.ReadCloser) error {
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var x report
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			return fmt.Errorf("a driver's line is %q", lines.Text())
		}
		d.told(x)
	}
	return lines.Err()
}

func tail(s string) string { return s[max(0, len(s)-3000):] }

var snippetBlock = regexp.MustCompile("(?s)```html\n(.*?)```")

// snippet is the one of docs/sources.md, with the host and the key put in as it says there, and a
// call behind it that is made before the library can be there.
func snippet(t *testing.T, host, key string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "docs", "sources.md"))
	must(t, err)
	m := snippetBlock.FindSubmatch(b)
	last := []byte(`})("https://data.shop.example", "WEB_KEY");`)
	if m == nil || !bytes.Contains(m[1], last) {
		t.Fatal("docs/sources.md has no snippet that ends with the host and the key")
	}
	mine := bytes.Replace(m[1], last, fmt.Appendf(nil, "})(%q, %q);", host, key), 1)
	return string(mine) + `<script>analytics.track("Early", { early: true });</script>`
}
