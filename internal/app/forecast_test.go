package app_test

import (
	"context"
	"testing"

	"clientele"
)

// What is to come of buyers, orders and revenue, of all and by a trait: with an interval, and the errors of the method beside those of the naive guess.
func TestForecast(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	p.buyers(300)
	r, err := p.client.Explore(context.Background(), clientele.Question{Kind: "metric", Measures: []string{"buyers", "orders", "revenue"}, By: []string{"week"}, Ahead: 4})
	if err != nil || len(r.Ahead) != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	for _, f := range r.Ahead {
		if f.Method == "" || f.Naive == "" || f.Error > f.NaiveErr || f.Trials < 4 || f.HeldOf == 0 || len(f.Periods) != 4 || f.Until != f.Periods[0].From {
			t.Errorf("%+v", f)
		}
		for _, x := range f.Periods {
			if !(x.Low <= x.Expected && x.Expected <= x.High && x.High > 0) {
				t.Errorf("%s: %+v", f.Measure, x)
			}
		}
	}
	if _, err := p.client.Explore(context.Background(), clientele.Question{Kind: "metric", Measures: []string{"orders"}, By: []string{"month"}, From: "2025-11-01", Ahead: 3}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("four months are too few: %v", err)
	}
}
