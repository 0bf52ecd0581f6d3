package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tableOf reads a CSV file with a header.
func tableOf(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, v := range r {
			row[all[0][i]] = v
		}
		rows = append(rows, row)
	}
	return rows
}

// choicesFile: of 300 customers every third buys tents alone, with a discount each time; the others buy both, at full price but once in ten.
// rookie has one order, of a tent, with a discount; steady ten of them.
func choicesFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("customer,date,category,off\n")
	for i := range 300 {
		for k := range 6 {
			category, off := []string{"tents", "boots"}[k%2], "0"
			if i%3 == 0 {
				category, off = "tents", "5.00"
			} else if (i+k)%10 == 0 {
				off = "1"
			}
			fmt.Fprintf(&b, "u%d,2024-%02d-11 %02d:00:00,%s,%s\n", i, k+1, 8+i%3, category, off)
		}
	}
	b.WriteString("rookie,2024-01-01,tents,5\n")
	for k := range 10 {
		fmt.Fprintf(&b, "steady,2024-01-%02d,tents,5\nsteady,2024-01-%02d,tents,5\n", k+1, k+1) // a day is one order
	}
	path := filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPredictDiscount: one order says little, ten say much.
func TestPredictDiscount(t *testing.T) {
	out := filepath.Join(t.TempDir(), "d.csv")
	stdout, stderr, code := predictRun(t, "discount", "--orders", choicesFile(t), "--customer", "customer", "--date", "date", "--discount", "off", "--out", out)
	if code != exitDone {
		t.Fatal(stdout, stderr)
	}
	by := map[string]map[string]string{}
	for _, r := range tableOf(t, out) {
		by[r["customer"]] = r
	}
	if len(by) != 302 || by["u0"]["tier"] != waits || by["u1"]["tier"] != pays || by["steady"]["tier"] != waits || by["steady"]["orders"] != "10" {
		t.Errorf("%d, %v, %v, %v", len(by), by["u0"], by["u1"], by["steady"])
	}
	rookie, steady := by["rookie"], by["steady"]
	if number(t, rookie["share"]) >= number(t, steady["share"]) || number(t, rookie["low"]) >= number(t, steady["low"]) {
		t.Errorf("one order weighs as much as ten: %v, %v", rookie, steady)
	}
}

func TestPredictAffinity(t *testing.T) {
	path, out := choicesFile(t), filepath.Join(t.TempDir(), "a.csv")
	if stdout, stderr, code := predictRun(t, "affinity", "--orders", path, "--customer", "customer", "--date", "date", "--choice", "category", "--top", "1", "--out", out); code != exitDone {
		t.Fatal(stdout, stderr)
	}
	rows := tableOf(t, out)
	if len(rows) != 302 || rows[0]["customer"] != "u0" || rows[0]["choice"] != "tents" || number(t, rows[0]["index"]) < 1.2 {
		t.Errorf("%d, %v", len(rows), rows[0])
	}
	if stdout, stderr, code := predictRun(t, "affinity", "--orders", path, "--customer", "customer", "--date", "date", "--send-time", "--out", out); code != exitDone {
		t.Fatal(stdout, stderr)
	}
	if r := tableOf(t, out)[1]; r["customer"] != "u1" || r["choice"] != "09" || r["with_it"] != "6" {
		t.Errorf("%v", r)
	}
	if _, stderr, code := predictRun(t, "affinity", "--orders", path, "--customer", "customer", "--date", "date", "--out", out); code != exitUsage || !strings.Contains(stderr, "--choice") {
		t.Error(code, stderr)
	}
}
