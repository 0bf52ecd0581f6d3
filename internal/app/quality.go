package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/quality"
	"clientele/internal/resolve"
)

// This file puts tracking plans and transform rules into the log, and tells of those in force.

// plansAndRules are those of the configuration, and what orders changes to those in force.
type plansAndRules struct {
	mu      sync.Mutex // one change at a time: each is checked against what the others left
	refused bool       // some of what the last reload told: the next tells it again
	rulesOfFile
}

type rulesOfFile struct {
	plans      []clientele.Plan
	transforms []clientele.TransformRule
	retention  []clientele.RetentionRule
	computed   []clientele.ComputedTrait
	models     []clientele.Model
	identity   clientele.IdentityRules
	traits     profile.Rules
}

// CheckPlans says what is wrong with the configuration's plans and transform rules.
func CheckPlans(cfg config.Config) error {
	return (&App{cfg: cfg}).readRules()
}

// readRules reads all rules of the configuration and what it says of people: whatever the log is told at a start.
func (a *App) readRules() error {
	a.ruled.identity, a.ruled.traits = a.cfg.Identity, profile.Rules(a.cfg.Traits)
	if _, err := identity.NewRules(a.ruled.identity); err != nil {
		return err
	}
	if err := firstOf(a.ruled.traits.Check(), a.readPlans()); err != nil {
		return err
	}
	groups, err := readAudiences(a.cfg.Audiences)
	if err != nil {
		return err
	}
	way, err := readStages(a.cfg.Lifecycle)
	a.filed.Store(&segments{groups, way})
	return err
}

// readPlans reads the configuration's plans and transform rules, and checks that they go together.
func (a *App) readPlans() error {
	book := &quality.Book{}
	for _, name := range a.cfg.Plans {
		text, err := os.ReadFile(name)
		if err != nil {
			return clientele.Errorf(clientele.Invalid, "plans: %w", err).WithHint("name a readable file; a relative name begins where the server was started")
		}
		p, err := quality.ParsePlan(text)
		if err == nil {
			if _, twice := book.Plans[p.Name]; twice {
				err = clientele.Errorf(clientele.Invalid, "there are two tracking plans of that name")
			} else {
				book, err = book.With(p)
			}
		}
		if err != nil {
			return clientele.Errorf(clientele.ErrorCode(err), "plans: %s: %w", name, err).WithHint("%s", clientele.ErrorHint(err))
		}
		a.ruled.plans = append(a.ruled.plans, p)
	}
	for i, t := range a.cfg.Transforms {
		var err error
		if _, twice := book.Transforms[t.Name]; twice {
			err = clientele.Errorf(clientele.Invalid, "there are two transform rules of that name")
		} else {
			book, err = book.WithTransform(t)
		}
		if err != nil {
			return clientele.Errorf(clientele.ErrorCode(err), "transforms[%d]: %w", i, err).WithHint("%s", clientele.ErrorHint(err))
		}
		a.ruled.transforms = append(a.ruled.transforms, t)
	}
	a.ruled.retention = a.cfg.Retention
	var err error
	if a.ruled.computed, err = ReadComputed(a.cfg.ComputedTraits); err != nil {
		return err
	}
	a.ruled.models, err = ReadModels(a.cfg.Models)
	return err
}

// tellPlans puts the configuration's plans and transform rules into the log when they are not
// those in force, and ends those that it no longer has.
func (a *App) tellPlans(ctx context.Context) error {
	book, err := quality.LoadBook(a.rows)
	if err != nil {
		return err
	}
	tell := func(name clientele.CommandName, body any) error {
		_, err := a.append(ctx, name, "config", body)
		if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: the rules in force stay
			a.trouble.add("rules", "the configuration's rules could not be put into the log: "+err.Error())
			return nil
		}
		return err
	}
	same := func(have clientele.RuleOrigin, ok bool, old, new any) bool {
		if !ok || !have.Config {
			return ok && a.o.KeepRules
		}
		was, err1 := json.Marshal(old)
		is, err2 := json.Marshal(new)
		return a.o.KeepRules || errors.Join(err1, err2) == nil && bytes.Equal(was, is)
	}
	// First what ends, so that another plan may speak of its sources.
	for _, name := range slices.Sorted(maps.Keys(book.Plans)) {
		p := book.Plans[name]
		if p.Config && !a.o.KeepRules && !slices.ContainsFunc(a.ruled.plans, func(n clientele.Plan) bool { return n.Name == name }) {
			if err := tell(clientele.CommandTrackingPlan, quality.PlanBody{Name: name, Config: true}); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(book.Transforms)) {
		t := book.Transforms[name]
		if t.Config && !a.o.KeepRules && !slices.ContainsFunc(a.ruled.transforms, func(n clientele.TransformRule) bool { return n.Name == name }) {
			if err := tell(clientele.CommandTransform, quality.TransformBody{Name: name, Config: true}); err != nil {
				return err
			}
		}
	}
	for _, p := range a.ruled.plans {
		if have, ok := book.Plans[p.Name]; !same(have.RuleOrigin, ok, have.Plan, p) {
			if err := tell(clientele.CommandTrackingPlan, quality.PlanBody{Name: p.Name, Plan: &p, Config: true}); err != nil {
				return err
			}
		}
	}
	keyed := book.HasKey()
	for _, t := range a.ruled.transforms {
		if have, ok := book.Transforms[t.Name]; same(have.RuleOrigin, ok, have.TransformRule, t) {
			continue
		}
		if !keyed && book.Needs(&t) {
			if err := tell(clientele.CommandTransformKey, newHashKey()); err != nil {
				return err
			}
			keyed = true
		}
		if err := tell(clientele.CommandTransform, quality.TransformBody{Name: t.Name, Rule: &t, Config: true}); err != nil {
			return err
		}
	}
	return nil
}

func newHashKey() quality.KeyBody {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return quality.KeyBody{Key: key}
}

// book is what is in force, with what the rules have done.
func (a *App) book() (*quality.Book, error) {
	snap, err := a.rows.Snapshot()
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	book, err := quality.LoadBook(snap)
	if err != nil {
		return nil, err
	}
	return book, book.Effects(snap)
}

// Plans are the tracking plans in force, by name.
func (a *App) Plans(context.Context) ([]clientele.PlanInForce, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	out := []clientele.PlanInForce{}
	for _, name := range slices.Sorted(maps.Keys(book.Plans)) {
		out = append(out, book.Plans[name])
	}
	return out, nil
}

// Plan is the named tracking plan.
func (a *App) Plan(_ context.Context, name string) (*clientele.PlanInForce, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	p, ok := book.Plans[name]
	if !ok {
		return nil, clientele.Errorf(clientele.NotFound, "there is no tracking plan of that name")
	}
	return &p, nil
}

// SetPlan brings a plan into force, in the place of one of the same name.
func (a *App) SetPlan(ctx context.Context, by string, p clientele.Plan) (*clientele.PlanInForce, error) {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	if err := ofConfig("tracking plan", book.Plans[p.Name].RuleOrigin); err != nil {
		return nil, err
	}
	if _, err := book.With(p); err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandTrackingPlan, by, quality.PlanBody{Name: p.Name, Plan: &p}); err != nil {
		return nil, err
	}
	return a.Plan(ctx, p.Name)
}

// DeletePlan ends a plan.
func (a *App) DeletePlan(ctx context.Context, by, name string) error {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	p, err := a.Plan(ctx, name)
	if err != nil {
		return err
	}
	if err := ofConfig("tracking plan", p.RuleOrigin); err != nil {
		return err
	}
	_, err = a.command(ctx, clientele.CommandTrackingPlan, by, quality.PlanBody{Name: name})
	return err
}

// ofConfig refuses to change over the API what the configuration says.
func ofConfig(what string, o clientele.RuleOrigin) error {
	if !o.Config {
		return nil
	}
	return clientele.Errorf(clientele.Conflict, "the %s is in the configuration", what).WithHint("change it there, and reload")
}

// Transforms are the transform rules in force, in the order in which they apply.
func (a *App) Transforms(context.Context) ([]clientele.TransformInForce, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	return book.InOrder(), nil
}

// Transform is the named transform rule.
func (a *App) Transform(_ context.Context, name string) (*clientele.TransformInForce, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	t, ok := book.Transforms[name]
	if !ok {
		return nil, clientele.Errorf(clientele.NotFound, "there is no transform rule of that name")
	}
	return &t, nil
}

// SetTransform brings a transform rule into force, in the place of one of the same name.
func (a *App) SetTransform(ctx context.Context, by string, t clientele.TransformRule) (*clientele.TransformInForce, error) {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	if err := ofConfig("transform rule", book.Transforms[t.Name].RuleOrigin); err != nil {
		return nil, err
	}
	if _, err := book.WithTransform(t); err != nil {
		return nil, err
	}
	if book.Needs(&t) {
		if _, err := a.command(ctx, clientele.CommandTransformKey, by, newHashKey()); err != nil {
			return nil, err
		}
	}
	if _, err := a.command(ctx, clientele.CommandTransform, by, quality.TransformBody{Name: t.Name, Rule: &t}); err != nil {
		return nil, err
	}
	return a.Transform(ctx, t.Name)
}

// DeleteTransform ends a transform rule.
func (a *App) DeleteTransform(ctx context.Context, by, name string) error {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	t, err := a.Transform(ctx, name)
	if err != nil {
		return err
	}
	if err := ofConfig("transform rule", t.RuleOrigin); err != nil {
		return err
	}
	_, err = a.command(ctx, clientele.CommandTransform, by, quality.TransformBody{Name: name})
	return err
}

// TestPlan says what a plan that is not in force would do. Nothing is changed.
func (a *App) TestPlan(ctx context.Context, p clientele.Plan, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	then, err := book.With(p)
	if err != nil {
		return nil, err
	}
	return a.try(ctx, quality.NewTrial(book, then, p.Name, "", samples(by)), by)
}

// TestTransform says what a transform rule that is not in force would do. Nothing is changed.
func (a *App) TestTransform(ctx context.Context, t clientele.TransformRule, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	then, err := book.WithTransform(t)
	if err != nil {
		return nil, err
	}
	return a.try(ctx, quality.NewTrial(book, then, "", t.Name, samples(by)), by)
}

func samples(by clientele.RuleTrial) int {
	if by.Samples > 0 {
		return by.Samples
	}
	return 5
}

func (a *App) try(ctx context.Context, t *quality.Trial, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	for _, e := range by.Events {
		t.Add("", e.Source, e.Message)
	}
	if len(by.Events) > 0 {
		return t.Result(), nil
	}
	n := by.Recent
	if n == 0 {
		n = 1000
	}
	err := a.latestEvents(ctx, func(id string, rec *clientele.Record) bool {
		t.Add(id, rec.Source, rec.Raw)
		n--
		return n > 0
	})
	return t.Result(), err
}

// maxLookBack is how many frames of the log are read for its latest events.
const maxLookBack = 5000

// latestEvents gives the events of the log, the newest first, until fn has enough. What has left
// the log for the archive is not read.
func (a *App) latestEvents(ctx context.Context, fn func(id string, rec *clientele.Record) bool) error {
	last := clientele.Position(a.resolved.get())
	first := max(a.log.First(), 1)
	for p := last; p >= first && p > 0 && last-p < maxLookBack; p-- {
		f, err := a.frame(ctx, p)
		if clientele.ErrorCode(err) == clientele.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		if f.Kind != clientele.KindEvent {
			continue
		}
		for i := len(f.Records) - 1; i >= 0; i-- {
			if rec := &f.Records[i]; rec.Verdict == clientele.Accepted && !fn(resolve.QuarantineID(p, i), rec) {
				return nil
			}
		}
	}
	return nil
}

// Violations are how often events have broken plans, the most frequent first.
func (a *App) Violations(_ context.Context, source, event string) ([]clientele.Violation, error) {
	return quality.Violations(a.rows, source, event)
}

// Acts are what operators did for the quality of data, the newest first.
func (a *App) Acts(_ context.Context, before clientele.Position, limit int) ([]clientele.QualityAct, error) {
	return resolve.Acts(a.rows, before, limit)
}
