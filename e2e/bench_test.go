package e2e_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBench: the load generator runs through at a tiny size and prints every row that the design asks
// for. What the figures are is not looked at, but for the counts: nothing may be lost.
func TestBench(t *testing.T) {
	whole(t)
	dir := t.TempDir()
	tool := filepath.Join(dir, "bench")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", tool, "./bench")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "-size", "quick", "-program", program, "-data", filepath.Join(dir, "data"),
		"-profiles", "300", "-growth", "3", "-window", "3s", "-half", "2s", "-flood", "1s", "-flood-events", "5000", "-backlog", "2000", "-surge", "1s")
	var errs output
	cmd.Stderr = &errs
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errs.String())
	}
	table := string(out)
	for _, row := range []string{"durable ingest, batches of 100", "durable ingest, single events", "the same at half load", "end to end sustained", "end to end sustained, everybody as often",
		"accepted -> on the profile API", "accepted -> queryable by SQL", "profile read by identifier", "resident memory", "accepted -> audience entered, at half load", "audience preview at half load", "audience preview over", "start, clean", "start after kill -9",
		"surge from 500", "surge: profile reads", "nothing accepted lost, nothing twice | exact"} {
		_, line, found := strings.Cut(table, "\n| "+row)
		line, _, _ = strings.Cut(line, "\n")
		if !found || strings.Contains(line, "not measured") || strings.Contains(line, "failed") {
			t.Errorf("the row %q: %s", row, line)
		}
	}
	for _, want := range []string{"fsync probe: ", "| resolve | ", "| collect | ", "| all, as the kernel counts | ", "## Growth: the same at 3 times the data", "| 100 profiles, ", "| profile read at half load, p99 | "} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in the tables", want)
		}
	}
	if _, line, _ := strings.Cut(table, "\n| nothing accepted lost"); !strings.Contains(line, "| yes |") {
		t.Errorf("the counts: %.300s", line)
	}
	if t.Failed() {
		t.Logf("%s\n%s", table, errs.String())
	}
	t.Logf("took %s", time.Since(start).Round(time.Second))
}
