package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/rolling"

	"github.com/spf13/cobra"
)

// aheadFlags are what the commands that learn from moments in the past are told.
type aheadFlags struct {
	factFlags
	scoreFlags
	until, within, active, target string
	excuse                        float64
}

func (c *cli) predictChurnCommand() *cobra.Command {
	var f aheadFlags
	cmd := c.command("churn --orders PATH --customer COL --date COL --amount COL --out CHURN.csv", "Who will not order again, and why",
		"predict churn --orders orders.csv --customer customer_id --date created_at --amount total --out churn.csv --report churn.html", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if len(f.orders) == 0 {
				return usagef("for example --orders orders.csv", "--orders is missing")
			}
			return c.ahead(ctx, &f)
		})
	f.factFlags.add(cmd)
	f.addAhead(cmd)
	cmd.Flags().StringVar(&f.within, "within", "", "who does not order for that long has left: 90d; without it four in five orders that follow another come within it")
	cmd.Flags().Float64Var(&f.excuse, "excuse", 0.5, "share of that time for which the last product was out of stock, from which somebody's absence is not learned as churn; needs --stock")
	return cmd
}

// addAhead adds what churn and propensity share.
func (f *aheadFlags) addAhead(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.until, "until", "", "`DATE` up to which rows are used; without it the day of the last one")
	cmd.Flags().StringVar(&f.active, "active", "365d", "who has not been active for that long is gone: neither learned from nor scored")
	f.addScores(cmd, "customer")
}

// addEvents gives propensity what it needs to learn from events instead of rows; where the scores go it has.
func (f *aheadFlags) addEvents(cmd *cobra.Command) {
	f.factFlags.add(cmd)
	cmd.Flags().StringVar(&f.target, "target-event", "", "`NAME` of an event of --events that is foretold, instead of --target")
	cmd.Flags().StringVar(&f.within, "within", "30d", "time within which --target-event is to come")
	cmd.Flags().StringVar(&f.until, "until", "", "`DATE` up to which events are used; without it the day of the last one")
	cmd.Flags().StringVar(&f.active, "active", "365d", "who has done nothing for that long is neither learned from nor scored")
}

// propensityOfEvent learns who will do something, from what people did.
func (c *cli) propensityOfEvent(ctx context.Context, f *aheadFlags, rows *rowsFlags) error {
	f.scoreFlags = rows.scoreFlags
	if len(f.events) == 0 {
		return usagef("the files that hold the event", "--target-event needs --events")
	}
	return c.ahead(ctx, f)
}

func (f *aheadFlags) check() error {
	if err := f.factFlags.check(); err != nil {
		return err
	}
	if f.excuse < 0 || f.excuse > 1 || math.IsNaN(f.excuse) {
		return usagef("0 to 1", "--excuse %v is no share", f.excuse)
	}
	return f.checkScores("churn.csv")
}

// aheadRun is one run of churn, or of propensity on events.
type aheadRun struct {
	*cli
	f      *aheadFlags
	facts  *facts
	plan   rolling.Plan
	why    string // of the window
	study  *rolling.Study
	scores *rolling.Scores
	gone   int // customers who are not scored
	notes  []string
}

func (c *cli) ahead(ctx context.Context, f *aheadFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	v := &aheadRun{cli: c, f: f}
	var err error
	if v.facts, err = c.readFacts(ctx, &f.factFlags); err != nil {
		return err
	}
	v.notes = v.facts.notes
	if err := v.lay(); err != nil {
		return err
	}
	if err := v.learn(); err != nil {
		return err
	}
	if f.out != "" {
		if err := v.writeRows(f.out, v.columns(), v.table()); err != nil {
			return err
		}
	}
	if f.report != "" {
		if err := v.writeFile(f.report, v.page().Write); err != nil {
			return err
		}
	}
	return v.print()
}

// lay decides the window and the moments.
func (v *aheadRun) lay() error {
	now, err := v.facts.now(v.f.until, &v.f.factFlags)
	if err != nil {
		return err
	}
	active, err := parseSpan("active", v.f.active)
	if err != nil {
		return err
	}
	days := 0
	if v.f.within != "" {
		if days, err = parseSpan("within", v.f.within); err != nil {
			return err
		}
	} else {
		var gaps []float64
		for i := range v.facts.names {
			gaps = rolling.Gaps(gaps, v.facts.of(i), now, v.facts.zone)
		}
		var capped bool
		days, capped = rolling.Horizon(gaps, float64(now-v.facts.first)/float64(feature.Day))
		v.why = "four in five of the orders that followed another came within it"
		if capped {
			v.why = "a quarter of the time that the orders span; it takes longer until four in five order again"
		}
	}
	v.plan, err = rolling.PlanOf(v.facts.first, now, clientele.Micros(days)*feature.Day, clientele.Micros(active)*feature.Day)
	v.plan.Any = v.f.target != ""
	return err
}

func (v *aheadRun) learn() (err error) {
	target := &feature.Target{Absent: true}
	how := v.facts.settings(v.f.zone, v.plan.Choose, v.f.target)
	if v.f.target != "" {
		k := slices.Index(how.Events, printable(v.f.target))
		if k < 0 {
			e := clientele.Errorf(clientele.Invalid, "no event is called %q", v.f.target)
			if near := config.Nearest(v.f.target, v.facts.events.names); near != "" {
				return e.WithHint("did you mean %s?", near)
			}
			return e.WithHint("the most common are %s", strings.Join(how.Events, ", "))
		}
		name := uint16(k + 1)
		target = &feature.Target{Is: func(f *feature.Fact) bool { return f.Name == name }}
	} else if v.facts.stock != nil {
		target.Excused = v.f.excuse
	}
	how.Target = target
	if v.study, err = rolling.Learn(v.facts.source(), v.plan, how, learn.Settings{Algorithm: v.f.model, Workers: runtime.GOMAXPROCS(0)}); err != nil {
		return err
	}
	if v.scores, err = v.study.Score(v.facts.source()); err != nil {
		return err
	}
	v.gone = len(v.facts.names) - len(v.scores.Person)
	v.notes = append(v.notes, v.study.Model.Report.Warnings...)
	if v.gone > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%s customers have not been active for %s (--active): they are gone, and are not scored.", thousands(int64(v.gone)), v.f.active))
	}
	if v.study.Excused > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%s times somebody stayed away while their last product was out of stock for %.0f %% of the time and more: that was not learned as churn.", thousands(int64(v.study.Excused)), 100*v.f.excuse))
	}
	if s := v.scores.Drift.Sentence; s != "" {
		v.notes = append(v.notes, s)
	}
	if r := v.study.Model.Report; slices.ContainsFunc(r.Naive, func(s learn.Score) bool { return s.LogLoss < r.Result.LogLoss }) {
		v.notes = append(v.notes, "In the backtest a guess without this model was nearer: do not build on these scores yet.")
	}
	return nil
}

func (v *aheadRun) columns() []clientele.ExportColumn {
	out := []clientele.ExportColumn{{Name: "customer", Type: clientele.TypeText}}
	if v.f.target == "" {
		out = append(out, clientele.ExportColumn{Name: "last_order", Type: clientele.TypeText}, clientele.ExportColumn{Name: "churn_probability", Type: clientele.TypeDouble})
	} else {
		out = append(out, clientele.ExportColumn{Name: "probability", Type: clientele.TypeDouble})
	}
	out = append(out, clientele.ExportColumn{Name: "percentile", Type: clientele.TypeDouble})
	if v.outOfStock() {
		out = append(out, clientele.ExportColumn{Name: "out_of_stock", Type: clientele.TypeDouble})
	}
	if v.f.reasons > 0 {
		out = append(out, clientele.ExportColumn{Name: "reasons", Type: clientele.TypeText})
	}
	return out
}

func (v *aheadRun) outOfStock() bool { return v.facts.stock != nil && v.f.target == "" }

// table is a row for each customer who is scored, in the order of the files.
func (v *aheadRun) table() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i, who := range v.scores.Person {
			row := []any{v.facts.names[who]}
			if v.f.target == "" {
				row = append(row, v.facts.day(lastOrder(v.facts.of(int(who)), v.plan.Now)))
			}
			row = append(row, v.scores.Probability[i], v.scores.Percentile[i])
			if v.outOfStock() {
				var share any
				if s := v.scores.Value(i, "share of the time since the last order without stock"); !math.IsNaN(s) {
					share = s
				}
				row = append(row, share)
			}
			if v.f.reasons > 0 {
				row = append(row, reasonsText(v.scores.Reasons(i), v.f.reasons))
			}
			if !yield(row) {
				return
			}
		}
	}
}

func lastOrder(facts []feature.Fact, now clientele.Micros) (last clientele.Micros) {
	for i := range facts {
		if f := &facts[i]; f.Kind == feature.Order && f.Before(now) {
			last = max(last, f.At)
		}
	}
	return last
}
