package e2e_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clone is a copy of the project as a newcomer has it: nothing built, nothing generated.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clientele")
	must(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		switch filepath.ToSlash(name) {
		case ".git", "bin", "clientele-data":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		to := filepath.Join(dir, name)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, info.Mode().Perm())
	}))
	return dir
}

// commands are those of a text's code blocks, or of its lines that begin with a command. A
// line that ends with a backslash goes on in the next.
func commands(text string) []string {
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		for _, word := range []string{"make ", "bin/clientele ", "curl "} {
			if strings.HasPrefix(line, word) {
				out = append(out, line)
			}
		}
	}
	return out
}

var fenced = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$")

func readmeCommands(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "README.md"))
	must(t, err)
	var out []string
	for _, block := range fenced.FindAllSubmatch(b, -1) {
		found := commands(string(block[1]))
		if len(found) == 0 {
			t.Errorf("a code block of the README holds no command:\n%s", block[1])
		}
		out = append(out, found...)
	}
	if len(out) < 10 {
		t.Fatalf("only %d commands are in the README", len(out))
	}
	return out
}

// guideCommands are those of a guide that ask or send something.
func guideCommands(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "docs", name))
	must(t, err)
	var out []string
	for _, block := range fenced.FindAllSubmatch(b, -1) {
		for _, c := range commands(string(block[1])) {
			if !strings.HasPrefix(c, "make ") && !strings.HasPrefix(c, "bin/clientele demo") {
				out = append(out, c)
			}
		}
	}
	if len(out) == 0 { // its SQL is run by TestGuides
		t.Errorf("%s has %d commands", name, len(out))
	}
	return out
}

// shell runs one command in the folder.
func shell(t *testing.T, dir, command string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestReadme follows the README, and what make run prints, on a fresh copy of the project.
func TestReadme(t *testing.T) {
	whole(t)
	for _, tool := range []string{"make", "go", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here, which the README takes for granted", tool)
		}
	}
	dir := clone(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())

	list := readmeCommands(t)
	if !strings.HasPrefix(list[0], "make run") || !strings.HasPrefix(list[1], "make test") {
		t.Fatalf("the README does not begin with make run and make test: %q", list[:2])
	}
	run := exec.Command("make", "run", "LISTEN="+address)
	run.Dir = dir
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a terminal does: Ctrl-C reaches all of it
	var said output
	run.Stdout, run.Stderr = &said, &said
	must(t, run.Start())
	ended := make(chan struct{})
	go func() { _ = run.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL) // the group that was started above
		<-ended
		if t.Failed() {
			t.Logf("make run said:\n%s", said.String())
		}
	})
	took := within(t, 10*time.Minute, "make run says what to try", func() bool {
		select {
		case <-ended:
			t.Fatal("make run has ended")
		default:
		}
		return strings.Contains(said.String(), "Ctrl-C stops")
	})
	t.Logf("make run is ready after %s", took.Round(time.Second))

	if equal := strings.Count(said.String(), "  equal\n"); equal < 20 || strings.Contains(said.String(), "DIFFERENT") {
		t.Errorf("%d numbers of the shop are equal in SQL", equal)
	}
	if !regexp.MustCompile(`precision 0\.\d{4}, recall 0\.\d{4}`).MatchString(said.String()) {
		t.Error("identity is not scored")
	}
	out, err := shell(t, dir, `bin/clientele sql --format csv "SELECT 'x' || namespace || ':' || value FROM identifiers LIMIT 1"`)
	must(t, err)
	_, who, _ := strings.Cut(strings.TrimSpace(out), "\n")
	who = strings.TrimPrefix(strings.Trim(who, "\r\""), "x")

	_, printed, _ := strings.Cut(said.String(), "In another terminal, try:")
	note := regexp.MustCompile(` {3,}.*`) // said behind the command
	for _, c := range commands(printed) {
		list = append(list, note.ReplaceAllString(c, ""))
	}
	list = append(list, guideCommands(t, "demo.md")...)
	place := strings.NewReplacer("127.0.0.1:8080", address, "NAMESPACE:VALUE", "'"+who+"'", "MAPPING.yaml", "examples/shop/orders.yaml", "FILE.csv", "examples/shop/orders.csv")
	for _, c := range list {
		follow(t, dir, place.Replace(c))
	}
	// The shop goes on; what some of its systems told stays as it is.
	moving := `bin/clientele sql --format csv "SELECT count(*) FROM events WHERE source IN ('web', 'app')"`
	then, err := shell(t, dir, moving)
	must(t, err)
	within(t, 30*time.Second, "live events come in", func() bool {
		now, err := shell(t, dir, moving)
		return err == nil && now != then
	})
	counts := `bin/clientele sql --format csv "SELECT (SELECT count(*) FROM loyalty_accounts), (SELECT count(*) FROM events WHERE source = 'email'), (SELECT count(*) FROM inventory)"`
	before, err := shell(t, dir, counts)
	must(t, err)

	must(t, syscall.Kill(-run.Process.Pid, syscall.SIGINT))
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("20 s after Ctrl-C make run has not ended")
	}
	t.Logf("Ctrl-C ends make run: %s", run.ProcessState)
	if err := syscall.Kill(-run.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("something of make run is still there: %v", err)
	}
	if resp, err := http.Get("http://" + address + "/healthz"); err == nil {
		resp.Body.Close()
		t.Errorf("something answers at %s after Ctrl-C", address)
	}
	after, err := shell(t, dir, counts)
	if err != nil || after != before {
		t.Errorf("the data has not stayed: %s before, %s after (%v)", before, after, err)
	}
	t.Logf("loyalty accounts, e-mail events, stock counts: %s", strings.Join(strings.Fields(after)[1:], " "))
}

// follow does what the README says.
func follow(t *testing.T, dir, command string) {
	t.Helper()
	switch {
	case strings.HasPrefix(command, "make run"):
		return
	case strings.HasPrefix(command, "make test"): // this test is a part of it
		command = strings.Replace(command, "make test", "make -n test", 1)
	case strings.HasPrefix(command, "curl "):
		if _, err := exec.LookPath("curl"); err != nil {
			t.Logf("not tried, as curl is not here: %s", command)
			return
		}
		command = strings.Replace(command, "curl ", "curl -sS ", 1)
	}
	out, err := shell(t, dir, command)
	if strings.Contains(command, " user_id:ann") {
		// What was sent a moment ago is on its way to the profile.
		deadline := time.Now().Add(5 * time.Second)
		for err != nil && time.Now().Before(deadline) {
			wait(t.Context(), 50*time.Millisecond)
			out, err = shell(t, dir, command)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	t.Logf("$ %s\n%s", command, first)
	if err != nil || strings.TrimSpace(out) == "" || strings.HasPrefix(command, "curl ") && out != `{"success":true}` {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}
