package main

import (
	"fmt"

	"clientele"
)

// upliftSheets are the tables of what an experiment showed: its arms, effects by score, and what choosing adds.
func upliftSheets(u *clientele.UpliftReport) []*textTable {
	if u == nil {
		return nil
	}
	points := func(x float64) string { return fmt.Sprintf("%+.1f", 100*x) }
	span := func(e clientele.UpliftEffect) string {
		if e.Low == nil || e.High == nil {
			return ""
		}
		return points(*e.Low) + " to " + points(*e.High)
	}
	arms := numbers(rows("arm", "people", "learned from or measured", "with the outcome"))
	for _, a := range u.Arms {
		name := a.Name
		if a.Treated {
			name += " (treated)"
		}
		arms.add(name, thousands(a.People), thousands(a.Learned), fmt.Sprintf("%.1f %%", 100*a.Rate))
	}
	effects := numbers(rows("effect, in points", "people", "said", "came", "95 %"))
	for _, g := range u.Groups {
		effects.add(g.Name, thousands(g.People), points(g.Said), points(g.Effect), span(g.UpliftEffect))
	}
	effects.add("all", "", "", points(u.Effect.Effect), span(u.Effect))
	curve := numbers(rows("treated", "adds for 1,000 people", "by lot"))
	for i, g := range u.Curve {
		if i > 0 && i%2 == 0 {
			curve.add(fmt.Sprintf("%.0f %%", 100*g.Share), fmt.Sprintf("%+.1f", 1000*g.Model), fmt.Sprintf("%+.1f", 1000*g.Lot))
		}
	}
	return []*textTable{arms, effects, curve}
}
