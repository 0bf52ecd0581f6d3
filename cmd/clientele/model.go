package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"clientele"
	"clientele/internal/app"

	"github.com/spf13/cobra"
)

// modelBackend is what the commands about models work with.
type modelBackend interface {
	Models(ctx context.Context) ([]clientele.ModelInForce, error)
	Model(ctx context.Context, name string) (*clientele.ModelInForce, error)
	SetModel(ctx context.Context, m clientele.Model) (*clientele.ModelInForce, error)
	DeleteModel(ctx context.Context, name string) error
	TrainModel(ctx context.Context, name string) (*clientele.ModelInForce, error)
	PromoteModel(ctx context.Context, name string, version int) (*clientele.ModelInForce, error)
	RollBackModel(ctx context.Context, name string) (*clientele.ModelInForce, error)
	ModelVersions(ctx context.Context, name string) ([]clientele.ModelVersion, error)
	ModelReport(ctx context.Context, name string, version int) (*clientele.ModelReport, error)
	ModelBaseline(ctx context.Context, name string, version int, since, by string) (*clientele.ModelBaseline, error)
}

func (p *platform) Models(ctx context.Context) ([]clientele.ModelInForce, error) {
	return p.app.Models(ctx)
}

func (p *platform) Model(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return p.app.Model(ctx, name)
}

func (p *platform) SetModel(ctx context.Context, m clientele.Model) (*clientele.ModelInForce, error) {
	v, err := p.app.SetModel(ctx, operator, m)
	return v, p.acted("set-model", m.Name, err)
}

func (p *platform) DeleteModel(ctx context.Context, name string) error {
	return p.acted("delete-model", name, p.app.DeleteModel(ctx, operator, name))
}

func (p *platform) TrainModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	v, err := p.app.TrainModel(ctx, operator, name)
	return v, p.acted("train-model", name, err)
}

func (p *platform) PromoteModel(ctx context.Context, name string, version int) (*clientele.ModelInForce, error) {
	v, err := p.app.PromoteModel(ctx, operator, name, version)
	return v, p.acted("promote-model", name, err)
}

func (p *platform) RollBackModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	v, err := p.app.RollBackModel(ctx, operator, name)
	return v, p.acted("roll-back-model", name, err)
}

func (p *platform) ModelVersions(ctx context.Context, name string) ([]clientele.ModelVersion, error) {
	return p.app.ModelVersions(ctx, name)
}

func (p *platform) ModelReport(ctx context.Context, name string, version int) (*clientele.ModelReport, error) {
	return p.app.ModelReport(ctx, name, version)
}

func (p *platform) ModelBaseline(ctx context.Context, name string, version int, since, by string) (*clientele.ModelBaseline, error) {
	return p.app.ModelBaseline(ctx, name, version, since, by)
}

func (c *cli) modelCommand() *cobra.Command {
	return c.group("model", "Models that predict: make, train, believe or not, promote, roll back", c.modelListCommand(), c.modelShowCommand(), c.modelCreateCommand(),
		c.modelTrainCommand(), c.modelBaselineCommand(), c.modelPromoteCommand(), c.modelRollbackCommand(),
		deleteCommand(c, "model", "model", "End a model, and what it predicts with it", "ltv", backend.DeleteModel))
}

func (c *cli) modelListCommand() *cobra.Command {
	return listCommand(c, "model", "List models, the versions that are promoted, and what is under way", backend.Models, []string{"model", "kind", "promoted", "scored", "people", "quality", "state"},
		func(m clientele.ModelInForce) []string {
			promoted, scored, people, quality := "", "", "", ""
			if m.Promoted != 0 {
				promoted = strconv.Itoa(m.Promoted)
			}
			if m.Scored != nil {
				scored, people = stamp(m.Scored.At), thousands(m.Scored.Profiles)
			}
			if m.Trained != nil {
				quality = m.Trained.Quality
			}
			return []string{m.Name, string(m.Kind), promoted, scored, people, quality, modelState(&m)}
		})
}

// modelState says in a few words how it stands.
func modelState(m *clientele.ModelInForce) string {
	switch r := m.Running; {
	case r != nil && r.Of > 0:
		return fmt.Sprintf("%s, %s of %s", r.Doing, thousands(r.Done), thousands(r.Of))
	case r != nil:
		return r.Doing
	case m.Trouble != "":
		return m.Trouble
	case m.Trained == nil:
		return "never trained"
	}
	return m.Trained.State
}

func (c *cli) modelShowCommand() *cobra.Command {
	var asJSON bool
	var version int
	cmd := jsonFlag(c.talks(c.command("show NAME [--version N] [--json]", "Show how far a model can be believed: backtest, calibration, lift, drivers, versions", "model show ltv", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				m, err := b.Model(ctx, args[0])
				if err != nil {
					return err
				}
				versions, err := b.ModelVersions(ctx, args[0])
				if err != nil {
					return err
				}
				var report *clientele.ModelReport
				if len(versions) > 0 {
					if report, err = b.ModelReport(ctx, args[0], version); err != nil {
						return err
					}
				}
				if asJSON {
					return writeJSON(c.out, map[string]any{"model": m, "versions": versions, "report": report})
				}
				return c.printModel(m, versions, report)
			})
		})), &asJSON)
	cmd.Flags().IntVar(&version, "version", 0, "report of `N`; without it of the promoted version, or the latest when none is")
	return cmd
}

func (c *cli) printModel(m *clientele.ModelInForce, versions []clientele.ModelVersion, r *clientele.ModelReport) error {
	c.printf("%s predicts %s: %s\n", m.Name, m.Kind, modelState(m))
	for _, o := range m.Outputs {
		c.printf("  predictions.%s.%-16s %s\n", m.Name, o.Name, o.Doc)
	}
	if r == nil {
		c.printf("it was never trained: clientele model train %s\n", m.Name)
		return nil
	}
	c.printf("\nversion %d is %s, quality %s\n", r.Version, r.State, r.Quality)
	if r.Why != "" {
		c.printf("%s\n", printable(r.Why))
	}
	for _, s := range r.Summary {
		c.printf("%s\n", printable(s))
	}
	for _, s := range r.Notes {
		c.printf("note: %s\n", printable(s))
	}
	if err := c.printReport(r); err != nil {
		return err
	}
	t := rows("version", "state", "at", "until", "customers", "method", "quality", "by")
	for _, v := range versions {
		t.add(strconv.Itoa(v.Version), v.State, stamp(v.At), time.UnixMicro(int64(v.Until)).UTC().Format(time.DateOnly), thousands(v.Customers), v.Method, v.Quality, v.By)
	}
	c.printf("\n")
	return c.sheet(t)
}

// printReport prints the tables of a report.
func (c *cli) printReport(r *clientele.ModelReport) error {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
	calibration := numbers(rows("who", "people", "said", "came"))
	for _, b := range r.Calibration {
		calibration.add(b.Name, thousands(b.People), number(b.Said), number(b.Came))
	}
	lift := numbers(rows("share of people", "holds by the model", "by a naive guess", "by hindsight"))
	for _, l := range r.Lift {
		lift.add(fmt.Sprintf("%.0f %%", 100*l.Share), fmt.Sprintf("%.1f %%", 100*l.Model), fmt.Sprintf("%.1f %%", 100*l.Naive), fmt.Sprintf("%.1f %%", 100*l.Best))
	}
	drivers := numbers(rows("what moves it", "weight", "direction"))
	for _, d := range r.Drivers {
		drivers.add(d.Name, number(d.Weight), number(d.Direction))
	}
	groups := numbers(rows("group", "people", "share"))
	for _, g := range r.Groups {
		groups.add(g.Name, thousands(g.People), fmt.Sprintf("%.1f %%", 100*g.Share))
	}
	return c.sheets(append(upliftSheets(r.Uplift), calibration, lift, drivers, groups)...)
}

func (c *cli) modelCreateCommand() *cobra.Command {
	var m clientele.Model
	var kind, file string
	cmd := c.talks(c.command("create NAME --kind KIND | create --file FILE.yaml", "Make a model, or change the settings of the one of that name", "model create ltv --kind ltv --horizon 90d", cobra.MaximumNArgs(1),
		func(ctx context.Context, args []string) error {
			var models []clientele.Model
			switch {
			case file != "" && len(args) == 0:
				var err error
				if models, err = app.ReadModels([]string{file}); err != nil {
					return err
				}
			case file == "" && len(args) == 1:
				m.Name, m.Kind = args[0], clientele.ModelKind(kind)
				if err := m.Check(); err != nil {
					return usagef(clientele.ErrorHint(err), "%w", err)
				}
				models = []clientele.Model{m}
			default:
				return usagef("clientele model create ltv --kind ltv --horizon 90d, or --file models.yaml", "a name or --file is needed, and not both")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				for _, m := range models {
					in, err := b.SetModel(ctx, m)
					if err != nil {
						return err
					}
					c.printf("model %s is there since log position %d; train it: clientele model train %s\n", in.Name, in.Position, in.Name)
				}
				return nil
			})
		}))
	f := cmd.Flags()
	f.StringVar(&kind, "kind", "", "ltv, early, churn, propensity, discount, segments, lookalike, uplift, outside, affinity or send_time")
	f.StringVar(&file, "file", "", "YAML or JSON `FILE` with a list of models")
	f.StringVar(&m.Description, "description", "", "`TEXT` for people")
	f.StringVar(&m.Target, "target", "", "propensity, uplift, outside: order (default), or the name of an event; outside also: no order; send_time: an event whose hours count, without it opens and clicks, or visits")
	f.StringVar(&m.Audience, "audience", "", "lookalike: the audience whose like are looked for; propensity, in the place of --target: who enters the audience")
	f.StringVar(&m.Of, "of", "", "affinity: what is preferred: category, brand, product or channel")
	f.StringVar(&m.Zone, "zone", "", "send_time: time `ZONE` of its hours, as Asia/Bangkok; UTC without it")
	f.StringVar(&m.Horizon, "horizon", "", "ltv, churn, propensity, outside: how far to predict: 39w, 90d, 12m, 1y; uplift: from when somebody saw the experiment; early: how long value counts from the first order on")
	f.StringVar(&m.Method, "method", "", "ltv: pareto (default), mbg, bg, nbd, or auto: the one that is nearest in the backtest; churn, propensity, early: logistic or trees, without it the better one; uplift: t, s or x, without it the one with the best Qini")
	f.StringVar(&m.Unit, "unit", "", "ltv: unit of time of its parameters: week (default) or day")
	f.StringVar(&m.Window, "window", "", "ltv: learn from customers alone whose first order is at most that long ago: 2y")
	f.StringVar(&m.Returns, "returns", "", "net (default): a return is taken off the orders before it; ignore: it is left out")
	f.StringVar(&m.Currency, "currency", "", "only orders in `CODE`; without it all, in the base currency")
	f.Float64Var(&m.Margin, "margin", 0, "share of an order's revenue that counts as value; 1 without it")
	f.Float64Var(&m.Discount, "discount-rate", 0, "yearly rate by which money to come is worth less: 0.1 is ten in a hundred")
	f.Float64Var(&m.Top, "top", 0, "early: share of customers that are the best; 0.05 without it")
	f.StringVar(&m.Experiment, "experiment", "", "uplift: experiment_name or experiment_id of the events \"Experiment Viewed\"")
	f.StringVar(&m.Treated, "treated", "", "uplift: variation of the treated; without it the one that most people saw besides the control")
	f.StringVar(&m.Control, "control", "", "uplift: variation of those who were not treated; without it the one whose name tells")
	f.Float64Var(&m.Share, "treated-share", 0, "uplift: share of both arms that was meant to be treated; 0.5 without it")
	f.IntVar(&m.Groups, "groups", 0, "segments: how many; without it stability decides")
	f.StringVar(&m.TrainEvery, "train-every", "", "how often it is trained by itself, as 30d; without it when somebody asks")
	f.StringVar(&m.ScoreEvery, "score-every", "", "how often everybody is scored again; 1d without it")
	f.StringVar(&m.Promote, "promote", "", "auto (default): a version that beats naive guesses takes over by itself; manual: somebody promotes it")
	return cmd
}

func (c *cli) modelTrainCommand() *cobra.Command {
	return c.talks(c.command("train NAME", "Train a new version, and wait until it is there and everybody is scored", "model train ltv", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				before, err := b.ModelVersions(ctx, args[0])
				if err != nil {
					return err
				}
				m, err := b.TrainModel(ctx, args[0])
				if err == nil {
					m, err = c.modelDone(ctx, b, m)
				}
				if err != nil {
					return err
				}
				v := m.Trained
				if v == nil || len(before) > 0 && before[0].Version == v.Version {
					return clientele.Errorf(clientele.Unavailable, "there is no new version: %s", m.Trouble)
				}
				c.printf("version %d is %s, quality %s\n", v.Version, v.State, v.Quality)
				if v.Why != "" {
					c.printf("%s\n", printable(v.Why))
				}
				return c.modelScored(m)
			})
		}))
}

// modelLook is how often the command asks how far a training is.
const modelLook = 300 * time.Millisecond

// modelDone waits until nothing is under way with the model.
func (c *cli) modelDone(ctx context.Context, b backend, m *clientele.ModelInForce) (*clientele.ModelInForce, error) {
	said := ""
	for m.Running != nil {
		if now := m.Running.Doing; now != said {
			said = now
			fmt.Fprintf(c.err, "%s: %s\n", m.Name, now)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(modelLook):
		}
		var err error
		if m, err = b.Model(ctx, m.Name); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (c *cli) modelScored(m *clientele.ModelInForce) error {
	if m.Trouble != "" {
		return clientele.Errorf(clientele.Unavailable, "model %s: %s", m.Name, m.Trouble)
	}
	if m.Scored != nil && m.Scored.Version == m.Promoted {
		c.printf("%s people are scored by version %d\n", thousands(m.Scored.Profiles), m.Promoted)
	}
	return nil
}

func (c *cli) modelPromoteCommand() *cobra.Command {
	return c.talks(c.command("promote NAME [VERSION]", "Have everybody scored by a version, the latest without one", "model promote ltv 2", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) error {
			version := 0
			if len(args) == 2 {
				var err error
				if version, err = strconv.Atoi(args[1]); err != nil || version < 1 {
					return usagef("a number, as clientele model show lists them", "%q is no version", args[1])
				}
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				m, err := b.PromoteModel(ctx, args[0], version)
				if err == nil {
					m, err = c.modelDone(ctx, b, m)
				}
				if err != nil {
					return err
				}
				c.printf("version %d of model %s is promoted\n", m.Promoted, m.Name)
				return c.modelScored(m)
			})
		}))
}

func (c *cli) modelRollbackCommand() *cobra.Command {
	return c.talks(c.command("rollback NAME", "Have everybody scored by the version that was promoted before", "model rollback ltv", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				m, err := b.RollBackModel(ctx, args[0])
				if err == nil {
					m, err = c.modelDone(ctx, b, m)
				}
				if err != nil {
					return err
				}
				c.printf("version %d of model %s is promoted again\n", m.Promoted, m.Name)
				return c.modelScored(m)
			})
		}))
}
