package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program is the path of the built program, made once for all tests.
var program string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	if os.Getenv("CLIENTELE_E2E") == "" {
		return m.Run(), nil // every test is skipped
	}
	if program = os.Getenv("CLIENTELE_BIN"); program != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "clientele-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "clientele")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./cmd/clientele")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// whole skips the test unless the tests of the whole program are wanted.
func whole(t *testing.T) {
	t.Helper()
	if testing.Short() || os.Getenv("CLIENTELE_E2E") == "" {
		t.Skip("tests of the whole program take minutes: make e2e runs them")
	}
}

// cli calls the program and answers its exit code and what it printed.
func cli(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("clientele %v: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// done is cli for a call that must succeed; it answers what was printed.
func done(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := cli(t, nil, args...)
	if code != 0 {
		t.Fatalf("clientele %v: exit %d\n%s%s", args, code, out, errs)
	}
	return out
}

// within calls ok every few milliseconds until it says yes, and fails the test after the limit.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(start) > limit {
			t.Fatalf("not within %s: %s", limit, what)
		}
		<-tick.C
	}
	return time.Since(start)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
