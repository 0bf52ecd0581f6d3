package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// answersFile is n made-up people: visits and country say who buys; refund is known only afterwards. It has two
// columns of one name, a constant and gaps. Its second result is a list of half the buyers.
func answersFile(t *testing.T, n int) (people, seeds string) {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 2))
	var b, s strings.Builder
	b.WriteString("customer,bought,visits,country,visits,same,refund,seen\n")
	s.WriteString("customer\n")
	for i := range n {
		visits, country := r.IntN(20), []string{"TH", "VN"}[r.IntN(2)]
		z := float64(visits)/4 - 4
		if country == "VN" {
			z++
		}
		bought := 0
		if r.Float64() < 1/(1+math.Exp(-z)) {
			bought = 1
			if r.IntN(2) == 0 {
				fmt.Fprintf(&s, "c%d\n", i)
			}
		}
		shown := strconv.Itoa(visits)
		if r.IntN(10) == 0 {
			shown = ""
		}
		fmt.Fprintf(&b, "c%d,%d,%s,%s,%d,x,%d,2026-%02d-%02d\n", i, bought, shown, country, r.IntN(9), bought*7, 1+i*12/n, 1+i%28)
	}
	dir := t.TempDir()
	people, seeds = filepath.Join(dir, "people.csv"), filepath.Join(dir, "seeds.csv")
	for path, text := range map[string]string{people: b.String(), seeds: s.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return people, seeds
}

func TestPredictPropensity(t *testing.T) {
	people, _ := answersFile(t, 4000)
	dir := t.TempDir()
	scores, page := filepath.Join(dir, "scores.csv"), filepath.Join(dir, "report.html")
	out, errs, code := predictRun(t, "propensity", "--rows", people, "--target", "bought", "--id", "customer", "--time", "seen", "--out", scores, "--report", page, "--json")
	if code != 0 {
		t.Fatal(errs)
	}
	var got rowsOutput
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Split != "time" || got.Result.AUC < 0.75 || got.Result.AUC > 0.95 || got.Drivers[0].Column != "visits" {
		t.Errorf("%s, AUC %v, drivers %v", got.Split, got.Result.AUC, got.Drivers)
	}
	left := map[string]bool{}
	for _, n := range got.LeftOut {
		left[n.Column] = true
	}
	if !left["refund"] || !left["same"] || len(left) != 2 {
		t.Errorf("left out %v", got.LeftOut)
	}
	f, err := os.Open(scores)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 4001 || strings.Join(rows[0], ",") != "customer,probability,percentile,reasons" || rows[1][0] != "c0" || rows[1][3] == "" {
		t.Errorf("%v, %d rows, %v", err, len(rows), rows[:2])
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "What moves it") {
		t.Error("the page does not say what moves it", err)
	}
}

func TestPredictLookalike(t *testing.T) {
	people, seeds := answersFile(t, 4000)
	out, errs, code := predictRun(t, "lookalike", "--rows", people, "--id", "customer", "--seeds", seeds, "--ignore", "bought,refund,seen", "--enrich", "visits", "--size", "300", "--out", filepath.Join(t.TempDir(), "a.csv"), "--json")
	if code != 0 {
		t.Fatal(errs)
	}
	var got rowsOutput
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Result.AUC < 0.65 || got.Without == nil || got.Without.AUC > got.Result.AUC-0.05 || got.Result.Lift10 < 1.5 {
		t.Errorf("with %+v, without enrichment %+v", got.Result, got.Without)
	}
	out, errs, code = predictRun(t, "lookalike", "--rows", people, "--id", "customer", "--seeds", seeds, "--ignore", "bought,refund", "--size", "300", "--out", "-")
	if lines := strings.Count(out, "\n"); code != 0 || lines != 301 || strings.Contains(out, ",true,") {
		t.Errorf("%d lines, want the header and 300 who are not on the list: %s", lines, errs)
	}
}

func TestPredictRowsRefuses(t *testing.T) {
	people, _ := answersFile(t, 4000)
	few, _ := answersFile(t, 10)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--rows", few, "--target", "bought"}, 1, "at least 50 of each"},
		{[]string{"--rows", people, "--target", "bougt"}, 1, "did you mean bought"},
		{[]string{"--rows", people, "--target", "visits"}, 2, "--yes"},
		{[]string{"--rows", people, "--target", "bought", "--yes", "9"}, 1, "no row has"},
		{[]string{"--rows", people, "--target", "bought", "--model", "forest"}, 2, "auto, logistic or trees"},
		{[]string{"--rows", people}, 2, "--target is missing"},
	} {
		_, errs, code := predictRun(t, append(append([]string{"propensity"}, c.args...), "--out", "-")...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d, %s", c.args, code, errs)
		}
	}
}
