package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The guides in docs/ are run. The word behind a block's language says what is done with it:
//
//	```sh run          its lines, in a folder of the guide's own; every one must succeed
//	```output          of the block before: these lines come in this order, ... stands for anything
//	```sql run         one SELECT; it must answer at least a row
//	```yaml file=NAME  (any language) is written to that file of the folder
//	```sh start        a command that goes on until it is stopped: it must come to serve, and end well
//	```sh norun        is not run: it needs a machine that a test has not
//
// A guide is every file of guides; all its blocks of sh and sql have to say one of these words. Commands
// find a server with the demo shop: clientele by its data directory, curl at 127.0.0.1:8080, which is
// put right, with CLIENTELE_TOKEN, API, AUTH and JSON in the environment as docs/api.md sets them.
var guides = []string{"README.md", "connect.md", "bi.md", "cookbook.md", "demo.md", "explore.md", "export.md", "identity-guide.md", "match.md", "predict.md", "predictions.md", "decide.md", "sizing.md", "computed.md", "api.md", "audiences.md", "lifecycle.md", "insight.md", "questions.md", "goals.md",
	"collect.md", "configuration.md", "identity.md", "matching.md", "import.md", "profiles.md", "enrichment.md", "quality.md", "sources.md", "security.md", "operate.md", "cli.md", "benchmarks.md", "privacy.md", "console.md", "users.md"}

// block is a code block of a guide.
type block struct {
	line           int
	language, word string
	text           string
}

var opening = regexp.MustCompile("^```([a-z]*) *([a-z]*(?:=[A-Za-z0-9_.-]+)?)$")

func blocksOf(t *testing.T, guide string) (out []block) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "docs", guide))
	must(t, err)
	var open *block
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		fence := strings.TrimRight(line, "\n")
		switch {
		case open == nil && strings.HasPrefix(fence, "```"):
			m := opening.FindStringSubmatch(fence)
			if m == nil {
				t.Fatalf("%s:%d: a block begins with %q", guide, number, fence)
			}
			open = &block{line: number, language: m[1], word: m[2]}
		case open != nil && fence == "```":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: a block does not end", guide, open.line)
	}
	return out
}

// TestGuidesAreMarked: no command of a guide is left out of the run by forgetting.
func TestGuidesAreMarked(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	must(t, err)
	for _, file := range files {
		if guide := filepath.Base(file); !slices.Contains(guides, guide) && len(blocksOf(t, guide)) > 0 {
			t.Errorf("docs/%s has code and is not among the guides that are run", guide)
		}
	}
	for _, guide := range guides {
		for _, b := range blocksOf(t, guide) {
			if (b.language == "sh" || b.language == "sql") && !slices.Contains([]string{"run", "start", "norun"}, b.word) {
				t.Errorf("docs/%s:%d: a block of %s says neither run nor start nor norun", guide, b.line, b.language)
			}
			if b.language == "" {
				t.Errorf("docs/%s:%d: a block has no language", guide, b.line)
			}
		}
	}
}

var linked = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestGuidesLink: what the documentation links to is there, headings too.
func TestGuidesLink(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	must(t, err)
	for _, file := range append(files, "../README.md", "../ARCHITECTURE.md") {
		b, err := os.ReadFile(file)
		must(t, err)
		for _, m := range linked.FindAllStringSubmatch(string(b), -1) {
			to, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			target := file
			if to != "" {
				target = filepath.Join(filepath.Dir(file), to)
			}
			info, err := os.Stat(target)
			if err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
				continue
			}
			if heading != "" && !info.IsDir() {
				text, err := os.ReadFile(target)
				must(t, err)
				if !slices.Contains(anchors(string(text)), heading) {
					t.Errorf("%s links to %s: there is no such heading", file, m[1])
				}
			}
		}
	}
}

// TestGuidesIndex: whoever looks for a page finds it in the index.
func TestGuidesIndex(t *testing.T) {
	whole(t)
	files, err := filepath.Glob("../docs/*.md")
	must(t, err)
	index, err := os.ReadFile("../docs/README.md")
	must(t, err)
	for _, file := range files {
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(string(index), "("+name) {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchors are those that a renderer makes of headings.
func anchors(text string) (out []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			h := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			out = append(out, strings.ReplaceAll(notInAnchor.ReplaceAllString(h, ""), " ", "-"))
		}
	}
	return out
}

// TestGuides runs every command of the guides against one server with the demo shop.
func TestGuides(t *testing.T) {
	whole(t)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not here, which the guides take for granted")
	}
	data := filepath.Join(t.TempDir(), "data")
	done(t, "demo", "--once", "--people", "1000", "--data", data, "--listen", "127.0.0.1:0")
	in := newInstall(t, data, "  - {name: app, write_key: APP_KEY, kind: mobile}\n  - {name: backend, write_key: BACKEND_KEY, kind: server, verified: true}\n"+
		"  - name: forms\n    webhook: {scheme: token, secrets: [open-sesame], event: Form Sent, id_field: id}\nbackup: {dir: "+t.TempDir()+"}\n")
	in.start()
	bin := t.TempDir()
	must(t, os.Symlink(program, filepath.Join(bin, "clientele")))
	var f struct{ Address, Token string }
	server, err := os.ReadFile(filepath.Join(data, "server.json"))
	must(t, err)
	must(t, json.Unmarshal(server, &f))
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CLIENTELE_DATA="+data, "CLIENTELE_TOKEN="+f.Token, "API="+f.Address+"/api/v1",
		"CLIENTELE_LISTEN=127.0.0.1:0", "AUTH=Authorization: Bearer "+f.Token, "JSON=Content-Type: application/json")
	for _, guide := range guides {
		t.Run(guide, func(t *testing.T) {
			g := &guideRun{T: t, in: in, dir: t.TempDir(), env: env, place: strings.NewReplacer("http://127.0.0.1:8080", f.Address, "bin/clientele", "clientele")}
			g.meet()
			must(t, os.CopyFS(filepath.Join(g.dir, "examples"), os.DirFS("../examples")))
			must(t, os.Chmod(filepath.Join(g.dir, "examples", "clientele.yaml"), 0o600)) // as check wants it
			start, n := time.Now(), 0
			for _, b := range blocksOf(t, guide) {
				if g.follow(guide, b) {
					n++
				}
			}
			t.Logf("%d blocks in %s", n, time.Since(start).Round(time.Millisecond))
		})
	}
}

// guideRun is a guide that is being followed.
type guideRun struct {
	*testing.T
	in    *install
	dir   string
	env   []string
	place *strings.Replacer
	said  string // by the last block
}

// meet makes known whom the guides speak of: ann, a telephone of hers, and somebody else. A guide may erase them.
func (g *guideRun) meet() {
	g.Helper()
	for _, who := range []string{`{"userId":"ann","traits":{"email":"ann@example.com"}}`, `{"anonymousId":"ann's telephone","traits":{"phone":"+6621234567"}}`,
		`{"userId":"gone","traits":{"email":"gone@example.com"}}`} {
		if a := g.in.post(g.Context(), "/v1/identify", []byte(who)); a.Status != 200 {
			g.Fatalf("%+v", a)
		}
	}
}

// goesOn runs a command that ends when it is told to: it must come to serve, and end well.
func (g *guideRun) goesOn(command string) error {
	ctx, cancel := context.WithTimeout(g.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", "exec "+anywhere.ReplaceAllString(strings.TrimSpace(command), "127.0.0.1:0"))
	var out output
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = g.dir, g.env, &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tick := time.Tick(5 * time.Millisecond); ; {
		select {
		case err := <-ended:
			return fmt.Errorf("it ended by itself (%w)\n%s", err, out.String())
		case <-tick:
		}
		if servesAt.MatchString(out.String()) {
			break
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return fmt.Errorf("%w\n%s", err, out.String())
	}
	return nil
}

// anywhere is an address of a guide, where something else may listen on the machine of the test.
var anywhere = regexp.MustCompile(`127\.0\.0\.1:808\d`)

func (g *guideRun) follow(guide string, b block) bool {
	at := fmt.Sprintf("docs/%s:%d", guide, b.line)
	name, isFile := strings.CutPrefix(b.word, "file=")
	switch {
	case isFile:
		must(g.T, os.WriteFile(filepath.Join(g.dir, name), []byte(b.text), 0o600))
	case b.language == "output":
		if missing := missingLine(g.said, b.text); missing != "" {
			g.Errorf("%s: the line\n%s\nis not in, or not in this order\n%s", at, missing, g.said)
		}
	case b.language == "sql" && b.word == "run":
		g.in.settle()
		r, err := g.in.api().Query(g.Context(), b.text, nil, 0)
		if err != nil {
			g.Errorf("%s: %v", at, err)
		} else if len(r.Rows) == 0 {
			g.Errorf("%s: there is no row", at)
		}
	case b.word == "start":
		if err := g.goesOn(b.text); err != nil {
			g.Errorf("%s: %v\n%s", at, err, b.text)
		}
	case b.language == "sh" && b.word == "run":
		g.in.settle() // what the block before has sent can be read
		ctx, cancel := context.WithTimeout(g.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-e", "-c", "curl() { command curl -sS --fail-with-body \"$@\"; }\n"+g.place.Replace(b.text))
		cmd.Dir, cmd.Env = g.dir, g.env
		out, err := cmd.CombinedOutput()
		g.said = string(out)
		if err != nil {
			g.Errorf("%s: %v\n%s\n%s", at, err, b.text, out)
		}
	default:
		return false
	}
	return true
}

// missingLine is the first of the wanted lines that does not follow in what was said.
func missingLine(said, wanted string) string {
	lines := strings.Split(said, "\n")
	for want := range strings.Lines(wanted) {
		want = strings.TrimRight(want, "\n")
		if strings.TrimSpace(want) == "" || strings.TrimSpace(want) == "..." {
			continue
		}
		parts := strings.Split(want, "...")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		match := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		i := slices.IndexFunc(lines, func(l string) bool { return match.MatchString(strings.TrimRight(l, " \r")) })
		if i < 0 {
			return want
		}
		lines = lines[i+1:]
	}
	return ""
}

// TestMissingLine: the runner sees what is not there.
func TestMissingLine(t *testing.T) {
	for _, tt := range []struct{ said, wanted, missing string }{
		{"a\nb 12 c\nd\n", "a\nb ... c\n", ""}, {"a\nb\n", "b\na\n", "a"}, {"ab\n", "a\n", "a"}, {"a\n", "...\na\n...\n", ""}, {"a.c\n", "abc\n", "abc"}, {"abc\n", "a.c\n", "a.c"},
	} {
		if got := missingLine(tt.said, tt.wanted); got != tt.missing {
			t.Errorf("%q in %q: %q is missing, not %q", tt.wanted, tt.said, got, tt.missing)
		}
	}
}
