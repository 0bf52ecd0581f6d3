package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/predict/segments"
)

func TestPredictSegments(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("id,orders,spend\n")
	for i := range 300 {
		orders, spend := 1+i%3, 10+i%7
		if i%5 == 0 {
			orders, spend = 30+i%3, 900+i%7
		}
		fmt.Fprintf(&b, "u%d,%d,$%d.00\n", i, orders, spend)
	}
	table, out, model := filepath.Join(dir, "table.csv"), filepath.Join(dir, "s.csv"), filepath.Join(dir, "m.json")
	if err := os.WriteFile(table, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"segments", "--table", table, "--key", "id", "--columns", "orders,spend", "--k", "2", "--out", out, "--model", model, "--report", filepath.Join(dir, "r.html")}
	stdout, stderr, code := predictRun(t, args...)
	if code != exitDone || !strings.Contains(stdout, "much more spend") && !strings.Contains(stdout, "much more orders") {
		t.Fatal(stdout, stderr)
	}
	rows := tableOf(t, out)
	if len(rows) != 300 || rows[0]["segment_id"] != "2" || rows[1]["segment_id"] != "1" || rows[5]["segment_id"] != "2" {
		t.Errorf("%v %v", rows[0], rows[1])
	}
	// Learned again with the ids of before turned round, they are kept.
	var m segments.Model
	text, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	m.Segments[0].ID, m.Segments[1].ID = 7, 4
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(model, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := predictRun(t, append(args, "--previous", model)...); code != exitDone {
		t.Fatal(stderr)
	}
	if rows := tableOf(t, out); rows[0]["segment_id"] != "4" || rows[1]["segment_id"] != "7" {
		t.Errorf("%v %v", rows[0], rows[1])
	}
}
