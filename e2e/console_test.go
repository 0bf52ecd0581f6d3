package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConsole: people's journeys through the console in a real browser, against the program with a small demo shop.
// What they do is in console/journeys.
func TestConsole(t *testing.T) {
	whole(t)
	chromium := chromiumHere(t)
	runner := filepath.Join("..", "console", "node_modules", ".bin", "playwright")
	if _, err := os.Stat(runner); err != nil {
		absent(t, "the console's libraries are not installed: run make console")
	}
	if _, err := os.Stat(filepath.Join("..", "internal", "console", "built", "dist", "index.html")); err != nil {
		absent(t, "the console is not built into the program: run make console")
	}
	data := filepath.Join(t.TempDir(), "data")
	// What failed is said once more at the very end: of long outputs often only that is kept.
	var failed string
	demo := &process{exited: make(chan struct{}), started: time.Now()}
	demo.cmd = exec.Command(program, "demo", "--people", "3000", "--match", "--listen", "127.0.0.1:0", "--data", data)
	demo.cmd.Stdout, demo.cmd.Stderr = &demo.out, &demo.out
	must(t, demo.cmd.Start())
	go func() {
		_ = demo.cmd.Wait()
		close(demo.exited)
	}()
	t.Cleanup(func() {
		_ = demo.cmd.Process.Signal(os.Interrupt)
		select {
		case <-demo.exited:
		case <-time.After(20 * time.Second):
			_ = demo.cmd.Process.Kill()
			t.Error("the demo does not end")
		}
		if t.Failed() {
			t.Logf("the end of what the demo said:\n%s\nand what failed:\n%s", tail(demo.out.String()), failed)
		}
	})
	within(t, 3*time.Minute, "the shop is loaded and served", func() bool {
		select {
		case <-demo.exited:
			t.Fatal("the demo ended by itself")
		default:
		}
		return strings.Contains(demo.out.String(), "serves the shop at")
	})
	var at struct{ Address, Token string }
	text, err := os.ReadFile(filepath.Join(data, "server.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &at))
	journeys := exec.Command(filepath.Join("node_modules", ".bin", "playwright"), "test", "-c", "journeys/config.ts")
	journeys.Dir = filepath.Join("..", "console")
	journeys.Env = append(os.Environ(), "URL="+at.Address, "TOKEN="+at.Token, "CHROMIUM="+chromium, "OUT="+t.TempDir())
	said, err := journeys.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		failed = failures(string(said))
		t.Error(err)
	}
}

// failures are the lines that name the journeys which failed, and what was seen instead.
func failures(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		for _, mark := range []string{"✘", "Error: ", "> ", "- ", "+ "} {
			if strings.HasPrefix(line, mark) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n")
}
