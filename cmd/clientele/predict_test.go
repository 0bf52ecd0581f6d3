package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// predictRun calls the program.
func predictRun(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.Background(), append([]string{"predict"}, args...), streams{in: strings.NewReader(""), out: &out, err: &err, env: func(string) (string, bool) { return "1", false }})
	return out.String(), err.String(), code
}

// boughtFile is orders of n made-up customers of two years: rates and drop-out rates are gamma (.553, 10.58) and (.606, 11.67) weeks.
func boughtFile(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orders.csv")
	var b bytes.Buffer
	b.WriteString("customer,date,amount\n")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		rate, leave, size := gamma(r, .553)/10.58, gamma(r, .606)/11.67, 20+40*gamma(r, 2)
		at := float64(r.IntN(540))
		end := math.Min(728, at+7*r.ExpFloat64()/leave)
		for ; at <= end; at += 7 * r.ExpFloat64() / rate {
			day := int(at)
			fmt.Fprintf(&b, "c%07d,%04d-%02d-%02d,%.2f\n", i, 2023+day/364, day%364/31+1, day%364%31%28+1, size*gamma(r, 6)/6)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// gamma is a random number of that shape and rate 1 (Marsaglia and Tsang 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(r, shape+1) * math.Pow(r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		z := r.NormFloat64()
		v := math.Pow(1+z/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(1-r.Float64()) < z*z/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

func ltvArgs(path string, more ...string) []string {
	return append([]string{"ltv", "--orders", path, "--customer", "customer", "--date", "date", "--amount", "amount", "--horizon", "26w"}, more...)
}

func TestPredictLTV(t *testing.T) {
	orders := boughtFile(t, 3000)
	dir := t.TempDir()
	scores, page := filepath.Join(dir, "scores.csv"), filepath.Join(dir, "report.html")
	stdout, stderr, code := predictRun(t, ltvArgs(orders, "--out", scores, "--report", page, "--json", "--currency", "EUR")...)
	if code != exitDone {
		t.Fatalf("%d: %s", code, stderr)
	}
	var out ltvOutput
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatal(err)
	}
	if out.Model != "pareto" || !out.Dropout || out.Customers != 3000 || out.Backtest == nil || !out.Backtest.Better || out.Errors["s"] <= 0 || len(out.Tiers) != 5 {
		t.Errorf("%s", stdout)
	}
	text, err := os.ReadFile(scores)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != "customer,frequency,recency,age,monetary,p_alive,expected_orders,expected_value" || len(rows) != 3001 {
		t.Errorf("%d rows of %s", len(rows), got)
	}
	sum := 0.0
	for _, r := range rows[1:] {
		v, err := strconv.ParseFloat(r[7], 64)
		if err != nil || v < 0 {
			t.Fatalf("%q: %v", r, err)
		}
		sum += v
	}
	if math.Abs(sum-out.Value) > 1e-6*sum {
		t.Errorf("scores add up to %v, not %v", sum, out.Value)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"What customers will be worth", "How near it was", "own pace goes on", "top_5", "EUR"} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("%q is not on the page", want)
		}
	}
	// Parquet and half the margin: the same customers, worth half.
	stdout, stderr, code = predictRun(t, ltvArgs(orders, "--out", filepath.Join(dir, "scores.parquet"), "--margin", "0.5", "--json", "--unit", "day")...)
	var half ltvOutput
	if err := json.Unmarshal([]byte(stdout), &half); err != nil || code != exitDone {
		t.Fatal(err, stderr)
	}
	if math.Abs(half.Value-out.Value/2) > 1e-3*half.Value {
		t.Errorf("half of %v is %v: the unit changed the value, or the margin did not", out.Value, half.Value)
	}
	if head, err := os.ReadFile(filepath.Join(dir, "scores.parquet")); err != nil || string(head[:4]) != "PAR1" {
		t.Errorf("no Parquet: %v", err)
	}
}

func TestPredictLTVFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var once, same, american strings.Builder
	for i := range 60 {
		fmt.Fprintf(&once, "u%d,2024-01-%02d,9\n", i, i%28+1)
		fmt.Fprintf(&same, "u%d,2024-01-01,9\n", i%20)
		fmt.Fprintf(&american, "u%d,1/%d/2024,9\n", i%20, i%28+1)
	}
	const head = "customer,date,amount\n"
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"empty", ltvArgs(write("empty.csv", head), "--json"), exitFailed, "no row of the files is an order"},
		{"one order", ltvArgs(write("one.csv", head+"a,2024-01-01,5\n"), "--json"), exitFailed, "too few to learn from"},
		{"one order each", ltvArgs(write("once.csv", head+once.String()), "--json"), exitFailed, "too few to learn from"},
		{"all on one day", ltvArgs(write("same.csv", head+same.String()), "--json"), exitFailed, "too few to learn from"},
		{"nobody", ltvArgs(write("nobody.csv", head+",2024-01-01,5\n"), "--json"), exitFailed, "no customer"},
		{"no number", ltvArgs(write("number.csv", head+"a,2024-01-01,much\n"), "--json"), exitFailed, "amount is no number"},
		{"all returned", ltvArgs(write("back.csv", head+"a,2024-01-01,-5\n"), "--json"), exitFailed, "was not returned"},
		{"day or month first", ltvArgs(write("us.csv", head+american.String()), "--json"), exitFailed, "--date-order"},
		{"column", []string{"ltv", "--orders", write("c.csv", head), "--customer", "custoner", "--date", "date", "--amount", "amount", "--horizon", "8w", "--json"}, exitFailed, "did you mean customer"},
		{"horizon", append(ltvArgs(write("h.csv", head))[:9], "--horizon", "8", "--json"), exitUsage, "no length of time"},
		{"model", ltvArgs(write("m.csv", head), "--model", "paretto", "--json"), exitUsage, "did you mean pareto"},
		{"no output", ltvArgs(write("o.csv", head)), exitUsage, "--out is missing"},
		{"margin", ltvArgs(write("g.csv", head), "--margin", "40", "--json"), exitUsage, "no share"},
	} {
		stdout, stderr, code := predictRun(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d, %q%q", c.name, code, stdout, stderr)
		}
	}
}

// TestPredictLTVReturns: what was returned is gone, customers and orders too.
func TestPredictLTVReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.csv")
	var b strings.Builder
	b.WriteString("customer,date,amount\n")
	for i := range 200 {
		fmt.Fprintf(&b, "u%d,2024-%02d-%02d,10\n", i%40, i%12+1, (i*7)%28+1)
	}
	b.WriteString("gone,2024-03-01,50\ngone,2024-03-09,-50\nhalf,2024-01-01,30\nhalf,2024-02-01,30\nhalf,2024-03-01,30\nhalf,2024-03-02,-45\n")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "s.csv")
	_, stderr, code := predictRun(t, ltvArgs(path, "--out", out)...)
	if code != exitDone {
		t.Fatal(stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "gone,") {
		t.Error("who returned everything is a customer")
	}
	if !strings.Contains(string(text), "\nhalf,1,") || !strings.Contains(string(text), ",15,") {
		t.Errorf("of three orders one was returned whole and one by half:\n%s", text)
	}
}

// TestPredictForecast: three years of months with a season; the fourth is known and held against it.
func TestPredictForecast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.csv")
	var b strings.Builder
	b.WriteString("customer,date,amount,channel\n")
	b.WriteString("u0,2024-12-31,0,web\n") // the last month is whole
	for m := range 36 {
		for i := range 20 + 10*(m%12) {
			fmt.Fprintf(&b, "u%d,%d-%02d-%02d,10,%s\n", i, 2022+m/12, m%12+1, i%28+1, []string{"web", "store"}[i%2])
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, page := filepath.Join(t.TempDir(), "f.csv"), filepath.Join(t.TempDir(), "f.html")
	stdout, stderr, code := predictRun(t, "forecast", "--orders", path, "--customer", "customer", "--date", "date", "--amount", "amount", "--by", "channel", "--ahead", "12", "--out", out, "--report", page)
	if code != exitDone || !strings.Contains(stdout, "season before") {
		t.Fatal(stdout, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"|revenue|2025-01-01|200|season before": true, "|customers|2025-12-01|130|season before": true, "web|orders|2025-03-01|20|season before": true}
	for _, r := range rows {
		delete(want, strings.Join([]string{r[0], r[1], r[2], r[4], r[7]}, "|"))
	}
	if len(want) > 0 || len(rows) != 1+9*48 {
		t.Errorf("%d rows, missing %v", len(rows), want)
	}
}

var predictCustomers = flag.Int("customers", 1_000_000, "customers of BenchmarkPredictLTV")

// BenchmarkPredictLTV is the command from file to file, once, backtest included:
//
//	go test -run '^$' -bench PredictLTV -benchtime 1x ./cmd/clientele -args -customers 1000000
func BenchmarkPredictLTV(b *testing.B) {
	orders := boughtFile(b, *predictCustomers)
	out := filepath.Join(b.TempDir(), "scores.csv")
	for b.Loop() {
		stdout, stderr, code := predictRun(b, ltvArgs(orders, "--out", out, "--report", filepath.Join(b.TempDir(), "r.html"), "--json")...)
		if code != exitDone {
			b.Fatal(stderr)
		}
		_, took, _ := strings.Cut(stdout, `"seconds"`)
		b.Logf("%s\n%s", took, peakMemory())
	}
	b.ReportMetric(float64(*predictCustomers)*float64(b.N)/b.Elapsed().Seconds(), "customers/s")
}
