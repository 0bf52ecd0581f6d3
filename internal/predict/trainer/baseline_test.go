package trainer_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/predict/trainer"
)

// shifting are people of 720 days: a tenth orders for much and only skis, which nobody buys any more from day 540 on; from then on as many others, who
// bought little before, order bikes for as much; the rest orders socks for a while. Person 9999 comes at the end.
func shifting() (*trainer.Orders, []trainer.Spent, []string) {
	o := &trainer.Orders{Last: 20_720}
	var spent []trainer.Spent
	buy := func(p int64, day int32, on int32, amount float64) {
		o.Lines = append(o.Lines, trainer.Line{Profile: p, Day: 20_000 + day, Amount: amount})
		spent = append(spent, trainer.Spent{Profile: p, Day: 20_000 + day, On: on, Amount: amount})
	}
	for p := range int64(400) {
		first := int32(p*7%200) + 1
		switch p % 10 {
		case 0:
			for day := first; day < 540; day += 20 + int32(p%7) {
				buy(p, day, 0, 300+float64(p%13))
			}
		case 1:
			buy(p, first, 1, 20)
			for day := 541 + int32(p%20); day <= 720; day += 20 + int32(p%7) {
				buy(p, day, 2, 300+float64(p%13))
			}
		default:
			for day := first; day <= min(720, first+int32(p*37%600)); day += 20 + int32(p*11%80) {
				buy(p, day, 1, 20+float64(p%9))
			}
		}
	}
	buy(9999, 719, 1, 25)
	return o, spent, []string{"skis", "socks", "bikes"}
}

// TestBaseline: those whose value was made by what no longer weighs are told, and so are those who took their place.
func TestBaseline(t *testing.T) {
	o, spent, names := shifting()
	m := clientele.Model{Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"}
	early := &trainer.Orders{Last: 20_540, Lines: slices.DeleteFunc(slices.Clone(o.Lines), func(l trainer.Line) bool { return l.Day > 20_540 })}
	was, err := trainer.Train(context.Background(), &m, early, nil)
	if err != nil {
		t.Fatal(err)
	}
	is, err := trainer.Train(context.Background(), &m, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := trainer.Baselines{Old: was.Artefact, New: is.Artefact, Then: 20_540, Orders: o, Spent: spent, Names: names}
	r, err := b.Compare()
	if err != nil {
		t.Fatal(err)
	}
	if r.Old.People != 400 || r.New.People != 401 || r.Days != 90 || len(r.Mix) != 3 || r.Mix[0].Name != "skis" || r.Mix[0].Weight != "lost" || r.Mix[0].After != 0 || r.Mix[2].Name != "bikes" || r.Mix[2].Weight != "gained" {
		t.Fatalf("%+v", r)
	}
	why := map[string]int64{}
	for _, w := range r.Why {
		why[w.Direction+" "+w.Why] = w.People
	}
	if r.Faded < 36 || r.Faded > 40 || r.FadedOut < 30 || r.FadedOut > r.Faded || why["down bought what no longer weighs"] < r.FadedOut || why["up buys what weighs more now"] < 36 || why["new ordered for the first time"] != 1 {
		t.Errorf("%d faded, %d out, %v", r.Faded, r.FadedOut, why)
	}
	people := int64(0)
	for _, x := range r.Moves {
		people += x.People
	}
	if text := strings.Join(r.Summary, " "); people != 401 || !strings.Contains(text, "skis has only 0.0 %") || !strings.Contains(text, fmt.Sprintf("%d of the best tenth", r.Faded)) {
		t.Errorf("%d people, %s", people, text)
	}
	// Nobody moves between a baseline and itself, and nothing behind the older day enters it.
	b.Then, b.Old = o.Last, is.Artefact
	if same, err := b.Compare(); err != nil || len(same.Why) != 0 || same.Old.Value != same.New.Value {
		t.Errorf("%+v, %v", same, err)
	}
	b.Then, b.Old, b.New = 20_540, was.Artefact, was.Artefact
	cut := b
	cut.Orders, cut.Spent = early, nil
	whole, err := b.Compare()
	if err != nil {
		t.Fatal(err)
	}
	if part, err := cut.Compare(); err != nil || !reflect.DeepEqual(part.Old, whole.Old) || len(part.Notes) != 1 {
		t.Errorf("%+v and %+v, %v", part.Old, whole.Old, err)
	}
	b.Then = 19_000
	if _, err := b.Compare(); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("before the first order: %v", err)
	}
}
