package trainer_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/trainer"
	"clientele/internal/race"
)

// TestUpliftHillstrom: Hillstrom's experiment, told as what people did, comes to what is published of it: the women's mail is worth choosing for, the men's is
// not, and both raise visits.
func TestUpliftHillstrom(t *testing.T) {
	race.Skip(t)
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
	const seen = began + 400*feature.Day
	e := &trainer.Facts{Count: len(rows), Channels: []string{"Phone", "Web", "Multichannel"}, Events: []string{"mens", "womens", "newbie", "rural", "urban", "visit"}, Target: 6, First: began, End: seen + 15*feature.Day}
	e.People = func(yield func(int64, []feature.Fact) bool) {
		var facts []feature.Fact
		for i, r := range rows[1:] { // recency, history_segment, history, mens, womens, zip_code, newbie, channel, segment, visit
			months, _ := strconv.Atoi(r[0])
			history, _ := strconv.ParseFloat(r[2], 64)
			facts = append(facts[:0], feature.Fact{At: seen - clientele.Micros(30*months)*feature.Day, Amount: history, Channel: uint16(1 + slices.Index(e.Channels, r[7]))})
			for k, is := range []bool{r[3] == "1", r[4] == "1", r[6] == "1", r[5] == "Rural", r[5] == "Urban"} {
				if is {
					facts = append(facts, feature.Fact{At: seen - 6*feature.Day, Kind: feature.Event, Name: uint16(1 + k)})
				}
			}
			if r[9] == "1" {
				facts = append(facts, feature.Fact{At: seen + feature.Day, Kind: feature.Event, Name: 6})
			}
			slices.SortStableFunc(facts, func(a, b feature.Fact) int { return int((a.At - b.At) / 1_000_000) })
			if !yield(int64(i), facts) {
				return
			}
		}
	}
	for _, c := range []struct {
		mail      string
		benefit   bool
		low, high float64 // of the Qini
		effect    float64 // published
	}{{"Womens E-Mail", true, .03, .055, .045233}, {"Mens E-Mail", false, -.03, .035, .07659}} {
		x := &trainer.Experiment{Facts: e, Arms: [2]string{"No E-Mail", c.mail}}
		for i, r := range rows[1:] {
			if r[8] == c.mail || r[8] == "No E-Mail" {
				x.Seen = append(x.Seen, trainer.Exposure{Profile: int64(i), At: seen, Treated: r[8] == c.mail})
			}
		}
		v, err := trainer.TrainUplift(context.Background(), &clientele.Model{Name: "mail", Kind: clientele.ModelUplift, Experiment: "hillstrom", Horizon: "14d", Target: "visit", Method: "t"}, x, 2)
		if err != nil {
			t.Fatal(err)
		}
		if u := v.Report.Uplift; u.Benefit != c.benefit || (v.Hold == "") != c.benefit || u.Qini < c.low || u.Qini > c.high || math.Abs(u.Effect.Effect-c.effect) > 1e-6 {
			t.Errorf("%s: %+v %s", c.mail, u, v.Report.Summary)
		}
	}
}
