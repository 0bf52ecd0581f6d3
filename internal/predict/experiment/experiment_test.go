package experiment_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"clientele/internal/predict/experiment"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.10g, not %.10g (within %g)", what, got, want, tolerance)
	}
}

// TestVectors: the figures that the tests of gbstats print, to 1e-5.
func TestVectors(t *testing.T) {
	a, b := experiment.Means(3407, 1396.87, 52377.9767), experiment.Means(3461, 2422.7, 134698.29)
	early := experiment.Means(3000, 1396.87, 52377.9767)
	for _, c := range []struct {
		name string
		got  experiment.Estimate
		want experiment.Estimate
	}{
		{"relative", experiment.Relative(a, b), experiment.Estimate{Value: .70732, Low: -.03526, High: 1.44989, Error: .37879, P: .06191}},
		{"absolute", experiment.Difference(a, b), experiment.Estimate{Value: .29, Low: .04538, High: .53462, Error: .12478, P: .02016}},
		{"proportions", experiment.Relative(experiment.Proportion(14, 28), experiment.Proportion(16, 30)), experiment.Estimate{Value: .06667, Low: -.47767, High: .61101, P: .80707}},
		{"always valid", experiment.Relative(early, b).AlwaysValid(6461, 1000), experiment.Estimate{Value: .50336, Low: -.55844, High: 1.56516, P: 1}},
		{"always valid proportions", experiment.Relative(experiment.Proportion(1396, 3000), experiment.Proportion(2422, 3461)).AlwaysValid(6461, 5000), experiment.Estimate{Value: .50386, Low: .40098, High: .60675}},
	} {
		near(t, c.name, c.got.Value, c.want.Value, 1e-5)
		near(t, c.name+" low", c.got.Low, c.want.Low, 1e-5)
		near(t, c.name+" high", c.got.High, c.want.High, 1e-5)
		near(t, c.name+" p", c.got.P, c.want.P, 1e-5)
		if c.want.Error > 0 {
			near(t, c.name+" error", c.got.Error, c.want.Error, 1e-5)
		}
	}
}

// TestBeliefs: likewise.
func TestBeliefs(t *testing.T) {
	coin := experiment.Relative(experiment.Proportion(49, 100), experiment.Proportion(51, 100))
	sizes := experiment.Relative(experiment.Means(10, 100, 1002.25), experiment.Means(10, 105, 1111.5))
	for _, c := range []struct {
		name string
		got  experiment.Belief
		want [6]float64 // mean, low, high, chance, missed, risk
	}{
		{"49 and 51 of 100", coin.Believe(0, 0), [6]float64{.04082, -.24779, .32943, .60918, .0814, .04058}},
		{"means", sizes.Believe(0, 0), [6]float64{.05, -.02, .12, .91923, .05131, .00131}},
		{"means, with a prior", sizes.Believe(.1, .1), [6]float64{.05063, -.01893, .12019, .92315, math.NaN(), math.NaN()}},
	} {
		for i, got := range []float64{c.got.Mean, c.got.Low, c.got.High, c.got.Chance, c.got.Missed, c.got.Risk} {
			if !math.IsNaN(c.want[i]) {
				near(t, c.name, got, c.want[i], 1.1e-5)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		sizes   []float64
		chi2, p float64
	}{
		{[]float64{1000, 1100}, 4.761905, .029096}, {[]float64{5000, 5200}, 3.921569, .047670}, {[]float64{10000, 10300}, 4.433498, .035240}, {[]float64{21306, 21307, 21387}, .202531, .903693},
	} {
		shares := []float64{1, 1, 1}[:len(c.sizes)]
		chi2, p := experiment.Split(c.sizes, shares)
		near(t, "chi-square", chi2, c.chi2, 1e-6)
		near(t, "p", p, c.p, 1e-6)
	}
	if _, p := experiment.Split([]float64{90, 10, 300, 1}, []float64{1, 1, 1, 1}); !(p < 1e-9) {
		t.Errorf("four arms out of all proportion: p %v", p)
	}
}

// TestHillstrom: what two e-mails did to visits, purchases and spending; published means, and the rest to all the digits that are printed.
func TestHillstrom(t *testing.T) {
	f, err := os.Open("../../../../shared/data/commerce/hillstrom/hillstrom.csv.gz")
	if err != nil {
		t.Skip("the Hillstrom data is not beside the project")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	outcome := map[string][][]float64{}
	for _, r := range rows[1:] {
		arm := outcome[r[8]]
		if arm == nil {
			arm = make([][]float64, 3)
			outcome[r[8]] = arm
		}
		for i, text := range r[9:12] {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			arm[i] = append(arm[i], v)
		}
	}
	for _, c := range []struct {
		mail            string
		metric          int // visit, conversion, spend
		control, mean   float64
		value, err      float64
		p, low, high    float64
		relative, error float64
		from, to        float64 // at every look
	}{
		{"Mens", 0, .106167, .182757, .076590, .003386, 1.4e-112, .069953, .083226, .7214, .0423, .065685, .087494},
		{"Mens", 1, .005726, .012531, .006805, .000921, 1.5e-13, .005000, .008610, 1.1884, .2382, .003839, .009771},
		{"Mens", 2, .652789, 1.422617, .769827, .145247, 1.2e-7, .485149, 1.054505, 1.1793, .3240, .302066, 1.237589},
		{"Womens", 0, .106167, .151400, .045233, .003234, 2.4e-44, .038894, .051573, .4261, .0366, .034816, .055650},
		{"Womens", 1, .005726, .008837, .003111, .000823, 1.6e-4, .001499, .004723, .5433, .1786, .000461, .005761},
		{"Womens", 2, .652789, 1.077202, .424412, .130333, 1.1e-3, .168965, .679860, .6502, .2556, .004648, .844177},
	} {
		none, treated := experiment.Of(outcome["No E-Mail"][c.metric]), experiment.Of(outcome[c.mail+" E-Mail"][c.metric])
		name := c.mail + " " + rows[0][9+c.metric]
		e := experiment.Difference(none, treated)
		near(t, name+" untreated", none.Mean, c.control, 1e-6)
		near(t, name+" treated", treated.Mean, c.mean, 1e-6)
		near(t, name, e.Value, c.value, 1e-6)
		near(t, name+" error", e.Error, c.err, 1e-6)
		near(t, name+" p", e.P, c.p, .05*c.p)
		near(t, name+" low", e.Low, c.low, 1e-6)
		near(t, name+" high", e.High, c.high, 1e-6)
		r := experiment.Relative(none, treated)
		near(t, name+" relative", r.Value, c.relative, 1e-4)
		near(t, name+" error of the relative", r.Error, c.error, 1e-4)
		always := e.AlwaysValid(none.N+treated.N, experiment.Usual)
		near(t, name+" low at every look", always.Low, c.from, 1e-6)
		near(t, name+" high at every look", always.High, c.to, 1e-6)
	}
}

// TestLooking: where nothing was done, an interval of one look is wrong in one of three experiments that are looked at fifty times, one that holds at
// every look in one of twenty at the most; and where something was done it is found.
func TestLooking(t *testing.T) {
	const runs, looks, step = 1000, 50, 100
	false1, falseAll, found := 0, 0, 0
	for run := range runs {
		random := rand.New(rand.NewPCG(uint64(run), 13))
		var yes [3]float64 // untreated, treated alike, treated to two points more
		once, always, better := false, false, false
		for look := 1; look <= looks; look++ {
			for i, p := range []float64{.1, .1, .12} {
				for range step {
					if random.Float64() < p {
						yes[i]++
					}
				}
			}
			n := float64(look * step)
			none := experiment.Proportion(yes[0], n)
			if none.Mean == 0 {
				continue
			}
			e := experiment.Difference(none, experiment.Proportion(yes[1], n))
			once = once || e.P < .05
			held := e.AlwaysValid(2*n, experiment.Usual)
			always = always || held.Low > 0 || held.High < 0
			if (held.P < .05) != (held.Low > 0 || held.High < 0) {
				t.Fatalf("p and interval disagree: %+v", held)
			}
			more := experiment.Difference(none, experiment.Proportion(yes[2], n)).AlwaysValid(2*n, experiment.Usual)
			better = better || more.Low > 0
		}
		if once {
			false1++
		}
		if always {
			falseAll++
		}
		if better {
			found++
		}
	}
	t.Logf("of %d experiments without effect %d seem to have one at some look, %d by intervals that always hold; those find %d of %d effects", runs, false1, falseAll, found, runs)
	if falseAll > runs/20 || false1 < runs/4 || found < runs/2 {
		t.Errorf("%d, %d and %d of %d", falseAll, false1, found, runs)
	}
}

func TestEdges(t *testing.T) {
	for freedom, want := range map[float64]float64{2: 4.3026527, 5: 2.5705818, 30: 2.0422725} { // tables of Student's distribution
		n := freedom/2 + 1
		e := experiment.Difference(experiment.Arm{N: n, Variance: n / 2}, experiment.Arm{N: n, Mean: 1, Variance: n / 2})
		near(t, "quantile", e.High-1, want, 1e-6)
	}
	one := experiment.Of([]float64{1})
	if e := experiment.Difference(one, one); e.P != 1 || !math.IsInf(e.High, 1) || e.AlwaysValid(2, 10) != e {
		t.Errorf("one person in each arm: %+v", e)
	}
	same := experiment.Of([]float64{1, 1, 1})
	if e := experiment.Difference(same, same); e.P != 1 || e.Low != 0 || e.High != 0 {
		t.Errorf("everybody the same: %+v", e)
	}
	if e := experiment.Relative(experiment.Proportion(0, 10), experiment.Proportion(1, 10)); !math.IsNaN(e.Value) || e.P != 1 {
		t.Errorf("relative to nothing: %+v", e)
	}
}
