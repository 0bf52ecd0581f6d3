package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// campFile is lines of 400 customers: the even ones buy of six tents, the odd ones of six boots, three each, and gas every month.
func campFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("customer,order,date,sku,kind,qty\n")
	for p := range 400 {
		kind := []string{"tent", "boot"}[p%2]
		for k := range 4 {
			fmt.Fprintf(&b, "u%d,o%d-%d,2025-%02d-%02d,%s%d,%s,1\n", p, p, k, 3*k+1, 1+p%28, kind, (p/2+k*k)%6, kind)
			fmt.Fprintf(&b, "u%d,o%d-%d,2025-%02d-%02d,gas,fuel,2\n", p, p, k, 3*k+1, 1+p%28)
		}
		fmt.Fprintf(&b, "u%d,o%d-r,2025-11-05,never,%s,-1\n", p, p, kind)
	}
	path := filepath.Join(t.TempDir(), "lines.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPredictRecommend(t *testing.T) {
	dir := t.TempDir()
	out, beside, page, catalog := filepath.Join(dir, "p.csv"), filepath.Join(dir, "b.csv"), filepath.Join(dir, "r.html"), filepath.Join(dir, "c.csv")
	text := "sku,title,kind,stock\ngas,Gas,fuel,9\n"
	for i := range 6 {
		text += fmt.Sprintf("tent%d,Tent %d,tent,%d\nboot%d,Boot %d,boot,5\n", i, i, i, i, i) // tent0 is sold out
	}
	if err := os.WriteFile(catalog, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := predictRun(t, "recommend", "--orders", campFile(t), "--customer", "customer", "--date", "date", "--item", "sku", "--order", "order", "--quantity", "qty",
		"--catalog", catalog, "--name", "title", "--category", "kind", "--available", "stock", "--exclude", "fuel", "--top", "2", "--out", out, "--beside", beside, "--report", page, "--json")
	if code != exitDone {
		t.Fatal(stdout, stderr)
	}
	var o recommendOutput
	if err := json.Unmarshal([]byte(stdout), &o); err != nil {
		t.Fatal(err)
	}
	if o.Customers != 400 || o.Products != 13 || o.Backtest == nil || !o.Backtest.Better || !strings.Contains(strings.Join(o.Warnings, " "), "400 rows are left out") {
		t.Errorf("%+v", o)
	}
	fresh, again := 0, 0
	for _, r := range tableOf(t, out) {
		kind := "tent"
		if n := number(t, r["customer"][1:]); int(n)%2 == 1 {
			kind = "boot"
		}
		switch {
		case r["list"] == "new" && r["rank"] == "1":
			if fresh++; !strings.HasPrefix(r["item"], kind) || !strings.HasPrefix(r["reason"], "often bought with ") || !strings.HasPrefix(strings.ToLower(r["name"]), kind) {
				t.Fatalf("%v", r)
			}
		case r["list"] == "again":
			again++
		}
		if r["item"] == "tent0" || r["item"] == "gas" || r["item"] == "never" {
			t.Fatalf("offered against the rules: %v", r)
		}
	}
	if fresh != 400 || again < 700 {
		t.Errorf("%d customers have new products, %d are bought again", fresh, again)
	}
	if b := tableOf(t, beside); len(b) < 13 || !strings.HasSuffix(b[0]["reason"], "orders have both") {
		t.Errorf("%v", b)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "How good it is") {
		t.Error(err)
	}
}

// TestPredictRecommendVisitors: of people without a past the products they looked at are enough.
func TestPredictRecommendVisitors(t *testing.T) {
	dir := t.TempDir()
	sessions, out := filepath.Join(dir, "s.csv"), filepath.Join(dir, "p.csv")
	if err := os.WriteFile(sessions, []byte("session,sku\na,tent1\nb,boot2\na,tent2\nc,unheard\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := predictRun(t, "recommend", "--orders", campFile(t), "--customer", "customer", "--date", "date", "--item", "sku", "--quantity", "qty", "--category", "kind", "--exclude", "fuel", "--sessions", sessions, "--top", "1", "--out", out)
	if code != exitDone {
		t.Fatal(stdout, stderr)
	}
	got := ""
	for _, r := range tableOf(t, out) {
		got += r["session"] + ":" + r["item"][:4] + ":" + r["kind"] + " "
	}
	if !strings.HasPrefix(got, "a:tent:together b:boot:together c:") || !strings.Contains(got, ":popular") {
		t.Error(got)
	}
	if _, stderr, code := predictRun(t, "recommend", "--orders", campFile(t), "--customer", "customer", "--date", "date", "--out", out); code != exitUsage || !strings.Contains(stderr, "--item is missing") {
		t.Error(code, stderr)
	}
}
