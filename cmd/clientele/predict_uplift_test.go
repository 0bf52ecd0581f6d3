package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/predict/uplift"
	"clientele/internal/race"
)

// hillstromFile is the whole of Hillstrom's experiment.
func hillstromFile(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../../../shared/data/commerce/hillstrom/hillstrom.csv.gz")
	if err != nil {
		t.Skip("the Hillstrom data is not beside the project")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hillstrom.csv")
	to, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, z); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPredictUpliftHillstrom: the published arm means, and what choosing is worth in each arm. Columns that came after the outcome are found.
func TestPredictUpliftHillstrom(t *testing.T) {
	race.Skip(t)
	path, dir := hillstromFile(t), t.TempDir()
	for _, c := range []struct {
		mail      string
		benefit   bool
		low, high float64
		want      [8]float64 // visit: control, treated, difference, error; spend likewise
	}{
		{"Womens E-Mail", true, .037, .047, [8]float64{.106167, .151400, .045233, .003234, .652789, 1.077202, .424412, .130333}},
		{"Mens E-Mail", false, -.03, .03, [8]float64{.106167, .182757, .076590, .003386, .652789, 1.422617, .769827, .145247}},
	} {
		out := filepath.Join(dir, "u.csv")
		stdout, stderr, code := predictRun(t, "uplift", "--rows", path, "--treatment", "segment", "--treated", c.mail, "--control", "No E-Mail", "--outcome", "visit", "--value", "spend", "--out", out, "--report", filepath.Join(dir, "u.html"), "--json")
		if code != exitDone {
			t.Fatal(stdout, stderr)
		}
		var o struct {
			uplift.Trial
			LeftOut []struct{ Column string } `json:"left_out"`
		}
		if err := json.Unmarshal([]byte(stdout), &o); err != nil {
			t.Fatal(err)
		}
		for k, got := range []float64{o.Effect.Untreated, o.Effect.Treated, o.Effect.Difference, o.Effect.Error, o.Worth.Untreated, o.Worth.Treated, o.Worth.Difference, o.Worth.Error} {
			if math.Abs(got-c.want[k]) > 1e-6 {
				t.Errorf("%s: figure %d is %.7f, published %.6f", c.mail, k, got, c.want[k])
			}
		}
		if o.Verdict.Benefit != c.benefit || o.Verdict.Qini < c.low || o.Verdict.Qini > c.high || o.Assignment.Chosen || o.Assignment.Suspect {
			t.Errorf("%s: %+v %+v", c.mail, o.Verdict, o.Assignment)
		}
		if !c.benefit && (o.Advice != "all" || o.Others[uplift.S].Benefit || o.Others[uplift.X].Benefit) || c.benefit && (o.Advice != "some" || math.Abs(o.Others[uplift.X].Qini-.043) > .005) {
			t.Errorf("%s: %s, %+v", c.mail, o.Advice, o.Others)
		}
		if len(o.LeftOut) == 0 || o.LeftOut[0].Column != "conversion" {
			t.Errorf("left out: %v", o.LeftOut)
		}
		if o.Policies[10].Mean-o.Policies[0].Mean < .03 || len(o.Groups) != 10 {
			t.Errorf("%+v", o.Policies)
		}
	}
}

// TestPredictUpliftChosen: where old customers were treated, the difference is that of age; the command will not learn from it.
func TestPredictUpliftChosen(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,age,bought,mail\n")
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 4000 {
		age := r.IntN(60)
		fmt.Fprintf(&b, "%d,%d,%d,%d\n", i, age, b2i(r.IntN(60) < age), b2i(r.IntN(80) < age))
	}
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"uplift", "--rows", path, "--treatment", "mail", "--outcome", "bought", "--id", "id", "--json"}
	if _, stderr, code := predictRun(t, args...); code != exitFailed || !strings.Contains(stderr, "not drawn by lot") {
		t.Error(code, stderr)
	}
	if _, stderr, code := predictRun(t, append(args, "--randomised")...); code != exitDone {
		t.Error(code, stderr)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
