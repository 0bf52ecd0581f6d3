package attribution_test

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/predict/attribution"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.10g, not %.10g (within %g)", what, got, want, tolerance)
	}
}

// TestPathData: 10,000 paths over 12 channels, with the table of the published simulation beside the exact chain.
func TestPathData(t *testing.T) {
	f, err := os.Open("../../../../shared/data/commerce/channel_attribution/PathData.csv")
	if err != nil {
		t.Skip("the paths of ChannelAttribution are not beside the project")
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var paths []attribution.Path
	for _, r := range rows[1:] {
		paths = append(paths, attribution.Path{Channels: strings.Split(r[0], " > "), Conversions: number(r[1]), Value: number(r[2]), Nulls: number(r[3])})
	}
	r, err := attribution.Share(paths)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "conversions", r.Conversions, 19785, 0)
	near(t, "value", r.Value, 74802.9716, 1e-4)
	near(t, "without", r.Nulls, 68602, 0)
	near(t, "rate", r.Rate, .223845, 1e-6)
	want := map[string][9]float64{ // first, last, linear, U, decay, Shapley, Markov, removal effect, simulated by CRAN's ChannelAttribution
		"alpha":   {6308, 8447, 7574.719, 7444.824, 8046.628, 7627.944, 5344.948, .558399, 5342.39},
		"iota":    {4606, 3355, 3857.096, 3944.948, 3522.451, 3505.044, 3884.615, .405835, 3891.87},
		"eta":     {3164, 4167, 3539.951, 3618.796, 3796.252, 3613.656, 3340.847, .349026, 3334.36},
		"beta":    {2831, 989, 2083.500, 1969.766, 1599.388, 1982.739, 2527.352, .264039, 2526.36},
		"theta":   {1606, 653, 1022.801, 1092.744, 864.872, 1190.963, 1971.913, .206010, 1976.04},
		"lambda":  {902, 1207, 1035.258, 1046.904, 1126.505, 987.782, 1282.847, .134022, 1281.19},
		"epsilon": {99, 531, 272.170, 301.050, 402.683, 374.677, 599.571, .062639, 601.82},
		"zeta":    {27, 107, 136.552, 88.623, 128.450, 199.992, 381.063, .039811, 380.59},
		"kappa":   {74, 230, 137.964, 147.460, 186.428, 159.057, 274.363, .028663, 270.83},
		"gamma":   {165, 92, 121.042, 125.241, 105.886, 138.186, 171.145, .017880, 173.13},
		"delta":   {1, 5, 1.725, 2.587, 2.956, 2.293, 4.614, .000482, 4.31},
		"mi":      {2, 2, 2.222, 2.057, 2.501, 2.667, 1.722, .000180, 2.10},
	}
	if len(r.Channels) != len(want) || r.Channels[0].Name != "alpha" {
		t.Fatalf("%d channels, the first %s", len(r.Channels), r.Channels[0].Name)
	}
	sums := map[attribution.Method]attribution.Credit{}
	for _, c := range r.Channels {
		w := want[c.Name]
		for i, m := range attribution.Methods {
			near(t, c.Name+" "+string(m), c.By[m].Conversions, w[i], 1e-3)
			sums[m] = attribution.Credit{Conversions: sums[m].Conversions + c.By[m].Conversions, Value: sums[m].Value + c.By[m].Value}
		}
		near(t, c.Name+" removal effect", c.Removal, w[7], 1e-6)
		near(t, c.Name+" simulated", c.By[attribution.Markov].Conversions, w[8], max(.005*19785*.04, .006*w[8])) // the simulation stops at half a percent
	}
	for m, s := range sums {
		near(t, string(m)+" in all", s.Conversions, 19785, 1e-6)
		near(t, string(m)+" value in all", s.Value, r.Value, 1e-6*r.Value)
	}
	alpha := r.Channels[0].By
	near(t, "alpha first value", alpha[attribution.First].Value, 19121.27, .01)
	near(t, "alpha last value", alpha[attribution.Last].Value, 28414.21, .01)
	near(t, "alpha linear value", alpha[attribution.Linear].Value, 24524.71, .01)
}

// TestRemoval: what is known by hand. Half of those who begin at a go on to b, where everybody buys; nobody buys otherwise.
func TestRemoval(t *testing.T) {
	r, err := attribution.Share([]attribution.Path{{Channels: []string{"a", "b"}, Conversions: 5}, {Channels: []string{"a"}, Nulls: 5}, {Channels: []string{"c", "c", "c"}, Nulls: 10}, {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Channels {
		near(t, c.Name, c.Removal, map[string]float64{"a": 1, "b": 1, "c": 0}[c.Name], 1e-12)
		near(t, c.Name, c.By[attribution.Markov].Conversions, map[string]float64{"a": 2.5, "b": 2.5, "c": 0}[c.Name], 1e-12)
	}
	if _, err := attribution.Share([]attribution.Path{{Channels: []string{"a"}, Nulls: 1}}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("no conversion: %v", err)
	}
}
