package app

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/audience"
	"clientele/internal/predict/decide"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

var _ api.Decider = (*App)(nil)

// decisionSource is the source of the decisions made here.
const decisionSource = "clientele"

// Caps says whether one more contact is too many. The reason is for people; "" means that there is room.
type Caps interface {
	Capped(ctx context.Context, p clientele.ProfileID, channel string) (reason string, err error)
}

// noCaps has no cap.
type noCaps struct{}

func (noCaps) Capped(context.Context, clientele.ProfileID, string) (string, error) { return "", nil }

// deciding is what choices use: what came of earlier ones, learned from the table decisions, and the decisions of a moment ago, which may not
// be in the rows yet.
type deciding struct {
	caps    Caps
	tallies atomic.Pointer[tallies]
	news    chan struct{}
	mu      sync.Mutex
	recent  map[string]made
	order   []string
}

// made is what an outcome has to know of a decision.
type made struct {
	person clientele.Identifier
	place  string
	at     clientele.Micros
}

const recentDecisions = 20_000

func newDeciding() deciding {
	return deciding{caps: noCaps{}, news: make(chan struct{}, 1), recent: map[string]made{}}
}

func (d *deciding) remember(id string, m made) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recent[id] = m
	if d.order = append(d.order, id); len(d.order) > recentDecisions {
		delete(d.recent, d.order[0])
		d.order = d.order[1:]
	}
}

// tallies are what came of offers, by action and, within it, by segment.
type tallies struct {
	all  map[string]decide.Tally
	here map[[2]string]decide.Tally
}

// learnDecisions is the stage that folds outcomes back: at the start, and whenever one came.
func (a *App) learnDecisions(ctx context.Context) error {
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	for ctx.Err() == nil {
		if err := a.LearnDecisions(ctx); err != nil && ctx.Err() == nil {
			a.o.Log.Warn("decisions", "error", err.Error())
		}
		select {
		case <-a.decides.news:
		case <-ctx.Done():
		}
	}
	return nil
}

// LearnDecisions reads what came of decisions up to now. An offer that was neither taken nor refused counts as not taken.
func (a *App) LearnDecisions(ctx context.Context) error {
	if last := max(uint64(a.log.Last()), a.resolved.get()); a.resolved.reach(ctx, last) != nil {
		return ctx.Err()
	}
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return err
	}
	res, err := a.columns.Query(ctx, `select action, coalesce(segment, ''), count(*) filter (where outcome = 'taken'), count(*) filter (where outcome <> 'taken')
		from decisions where outcome is not null and action is not null group by 1, 2 order by 1, 2`, nil, duckstore.Limits{Rows: -1})
	if err != nil {
		return err
	}
	t := &tallies{map[string]decide.Tally{}, map[[2]string]decide.Tally{}}
	for _, r := range res.Rows {
		action, _ := r[0].(string)
		segment, _ := r[1].(string)
		taken, not := amountOf(r[2]), amountOf(r[3])
		all := t.all[action]
		t.all[action] = decide.Tally{Taken: all.Taken + taken, Not: all.Not + not}
		t.here[[2]string{action, segment}] = decide.Tally{Taken: taken, Not: not}
	}
	a.decides.tallies.Store(t)
	return nil
}

// amountOf is a number of an answer of SQL.
func amountOf(v any) float64 {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	case string:
		f, _ := strconv.ParseFloat(x, 64)
		return f
	case fmt.Stringer:
		f, _ := strconv.ParseFloat(x.String(), 64)
		return f
	}
	return 0
}

// Actions are all of them.
func (a *App) Actions(context.Context) ([]clientele.Action, error) {
	return resolve.ListActions(a.rows)
}

// SetAction makes an action or changes it.
func (a *App) SetAction(ctx context.Context, by string, x clientele.Action) (*clientele.Action, error) {
	if err := resolve.CheckAction(a.rows, &x); err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandAction, by, resolve.ActionBody{Action: x}); err != nil {
		return nil, err
	}
	return a.action(x.Name)
}

func (a *App) action(name string) (*clientele.Action, error) {
	all, err := resolve.ListActions(a.rows)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(x clientele.Action) bool { return x.Name == name }); i >= 0 {
		return &all[i], nil
	}
	return nil, clientele.Errorf(clientele.NotFound, "there is no action of that name")
}

// DeleteAction ends it. What came of it stays.
func (a *App) DeleteAction(ctx context.Context, by, name string) error {
	if _, err := a.action(name); err != nil {
		return err
	}
	_, err := a.command(ctx, clientele.CommandAction, by, resolve.ActionBody{Action: clientele.Action{Name: name}, Delete: true})
	return err
}

// considering is one person before a choice.
type considering struct {
	a       *App
	v       *view
	p       clientele.ProfileID // 0: a visitor whom nobody knows
	facts   audience.Facts
	in      map[string]bool                  // audiences asked for
	agreed  map[[2]string]*clientele.Consent // purposes and channels asked for
	picks   *clientele.Recommendations
	tallies *tallies
	items   []string
}

func (a *App) consider(v *view, p clientele.ProfileID, items []string) (*considering, error) {
	c := &considering{a: a, v: v, p: p, in: map[string]bool{}, agreed: map[[2]string]*clientele.Consent{}, tallies: a.decides.tallies.Load(), items: items}
	if c.tallies == nil {
		c.tallies = &tallies{}
	}
	if p == 0 {
		return c, nil
	}
	var err error
	c.facts, err = resolve.LoadFacts(v, v.graph, v.traits, p)
	return c, err
}

// Consent is the person's as of the rows that all of the choice is made from, read once.
func (c *considering) Consent(_ context.Context, p clientele.ProfileID, purpose, channel string) (*clientele.Consent, error) {
	key := [2]string{purpose, channel}
	if said, asked := c.agreed[key]; asked {
		return said, nil
	}
	said, err := resolve.LoadConsent(c.v, c.v.graph, p, purpose, channel)
	c.agreed[key] = said
	return said, err
}

func (c *considering) member(name string) (bool, error) {
	if c.p == 0 {
		return false, nil
	}
	is, asked := c.in[name]
	if asked {
		return is, nil
	}
	is, err := c.facts.InAudience(name)
	c.in[name] = is
	return is, err
}

// option is an action that is for the person.
type option struct {
	action    *clientele.Action
	product   *clientele.Recommendation
	sku       string
	segment   string
	candidate decide.Candidate
}

// fit makes the action an option, or says why it is not for the person.
func (c *considering) fit(ctx context.Context, x *clientele.Action, place string) (o *option, why string, err error) {
	if x.Off {
		return nil, "it is switched off", nil
	}
	if len(x.Places) > 0 && !slices.Contains(x.Places, place) {
		return nil, "it is not for this place", nil
	}
	if why, err = c.meant(x); err != nil || why != "" {
		return nil, why, err
	}
	o = &option{action: x}
	if why, err = c.stocked(x, o); err != nil || why != "" {
		return nil, why, err
	}
	if x.Purpose != "" {
		if c.p == 0 {
			return nil, "nobody has agreed to " + x.Purpose, nil
		}
		gate := c.a.Gate()
		gate.Consents = c
		verdict, err := gate.Allowed(ctx, c.p, x.Purpose, x.Channel, clientele.Micros(c.a.domain.Load()))
		if err != nil {
			return nil, "", err
		}
		if !verdict.Allowed {
			return nil, fmt.Sprintf("consent to %s: %s", x.Purpose, verdict.Reason), nil
		}
	}
	if reason, err := c.a.decides.caps.Capped(ctx, c.p, x.Channel); err != nil || reason != "" {
		return nil, reason, err
	}
	for _, s := range x.Segments {
		is, err := c.member(s)
		if err != nil {
			return nil, "", err
		}
		if is {
			o.segment = s
			break
		}
	}
	o.candidate = decide.Candidate{Action: x.Name, Worth: x.Value, Cost: x.Cost, Prior: cmp.Or(x.Rate, 0.05), All: c.tallies.all[x.Name], Here: c.tallies.here[[2]string{x.Name, o.segment}]}
	if x.Prediction != "" && c.p != 0 {
		raw, err := c.facts.Trait("predictions." + x.Prediction)
		if err != nil {
			return nil, "", err
		}
		var p float64
		if len(raw) > 0 && json.Unmarshal(raw, &p) == nil && p <= 1 {
			p = max(p, 0) // an uplift below 0: the action harms
			o.candidate.Predicted = &p
		}
	}
	return o, "", nil
}

// meant says why the person is not meant by the action's audiences.
func (c *considering) meant(x *clientele.Action) (string, error) {
	for _, name := range x.Not {
		if is, err := c.member(name); err != nil || is {
			return "in the audience " + name, err
		}
	}
	for _, name := range x.Audiences {
		if is, err := c.member(name); err != nil || is {
			return "", err
		}
	}
	if len(x.Audiences) > 0 {
		return "in none of the audiences " + strings.Join(x.Audiences, ", "), nil
	}
	return "", nil
}

// stocked finds the product that goes with the action.
func (c *considering) stocked(x *clientele.Action, o *option) (why string, err error) {
	for _, sku := range x.SKUs {
		n, err := resolve.Available(c.v, sku)
		if err != nil {
			return "", err
		}
		if n != nil && *n > 0 {
			o.sku = sku
			break
		}
	}
	if len(x.SKUs) > 0 && o.sku == "" {
		return "none of its products is in stock", nil
	}
	if x.Recommend == "" {
		return "", nil
	}
	if c.picks == nil {
		c.picks = &clientele.Recommendations{}
		var r *clientele.Recommendations
		switch q := (clientele.RecommendQuery{Limit: 1}); {
		case c.p != 0 && len(c.items) == 0:
			r, err = c.a.recommendTo(c.v, c.p, q)
		default:
			r, err = c.a.RecommendSession(context.Background(), c.items, q)
		}
		if err != nil && clientele.ErrorCode(err) != clientele.Unavailable {
			return "", err
		}
		if err == nil {
			c.picks = r
		}
	}
	list := c.picks.New
	if x.Recommend == "again" {
		list = c.picks.Again
	}
	if len(list) == 0 {
		return "there is no product to recommend", nil
	}
	o.product, o.sku = &list[0], list[0].Item
	return "", nil
}

// Decide chooses an action for the person, and returns when the choice is on disk.
func (a *App) Decide(ctx context.Context, req clientele.DecideRequest) (*clientele.Decision, error) {
	id := clientele.Identifier{Namespace: clientele.Namespace(req.Namespace), Value: req.Value}
	return a.decide(ctx, id, req, false)
}

// decide chooses. Visitors may be unknown; others are NotFound.
func (a *App) decide(ctx context.Context, id clientele.Identifier, req clientele.DecideRequest, visitor bool) (*clientele.Decision, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	p, err := v.find(id)
	if err != nil && !(visitor && clientele.ErrorCode(err) == clientele.NotFound) {
		return nil, err
	}
	if id.Namespace == "id" { // the decision is kept under an identifier of the person
		ids, err := v.graph.Identifiers(p)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, clientele.Errorf(clientele.NotFound, "the profile has no identifier")
		}
		id = ids[0].Identifier
	}
	c, err := a.consider(v, p, req.Items)
	if err != nil {
		return nil, err
	}
	actions, err := resolve.ListActions(v)
	if err != nil {
		return nil, err
	}
	d := &clientele.Decision{Profile: p, At: clientele.MicrosOf(a.o.Now()), Reasons: []string{}}
	var options []*option
	for i := range actions {
		x := &actions[i]
		if len(req.Actions) > 0 && !slices.Contains(req.Actions, x.Name) || visitor && !x.Public {
			continue
		}
		o, why, err := c.fit(ctx, x, req.Place)
		if err != nil {
			return nil, err
		}
		if o != nil {
			options = append(options, o)
		} else if req.Explain {
			d.LeftOut = append(d.LeftOut, clientele.ActionLeftOut{Action: x.Name, Reason: why})
		}
	}
	ranked, chosen := a.chooseAction(d, options, c.tallies)
	return d, a.keepDecision(ctx, d, id, req, options, ranked, chosen)
}

// chooseAction fills the decision, and answers what it was chosen from.
func (a *App) chooseAction(d *clientele.Decision, options []*option, t *tallies) (ranked []decide.Option, chosen int) {
	candidates := make([]decide.Candidate, len(options))
	for i, o := range options {
		candidates[i] = o.candidate
	}
	ranked, chosen = decide.Choose(candidates, decide.Usual, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	shown := func(o decide.Option) *clientele.DecidedAction {
		i := slices.IndexFunc(options, func(x *option) bool { return x.action.Name == o.Action })
		if i < 0 {
			return nil
		}
		x := options[i]
		return &clientele.DecidedAction{Name: o.Action, Say: x.action.Say, Offer: x.action.Offer, Product: x.product, Chance: o.Chance, Expected: o.Expected, Propensity: o.Propensity}
	}
	d.Action = shown(ranked[chosen])
	for i, o := range ranked {
		if i != chosen && o.Action != decide.Nothing {
			d.RunnerUp = shown(o)
			break
		}
	}
	if d.Action == nil {
		d.Reasons = append(d.Reasons, "nothing that may be done for the person is worth its cost")
		if len(options) == 0 {
			d.Reasons[0] = "no action is for the person"
		}
		return ranked, chosen
	}
	o := options[slices.IndexFunc(options, func(x *option) bool { return x.action.Name == d.Action.Name })]
	d.Segment = o.segment
	d.Reasons = append(d.Reasons, reasonsOf(o, d.Action, t)...)
	if best := ranked[0]; chosen > 0 && best.Action != decide.Nothing {
		d.Reasons = append(d.Reasons, fmt.Sprintf("chosen to learn more, with a chance of %.0f %%; %s is chosen more often", 100*d.Action.Propensity, best.Action))
	}
	return ranked, chosen
}

func reasonsOf(o *option, d *clientele.DecidedAction, t *tallies) (out []string) {
	all, here := t.all[d.Name], o.candidate.Here
	switch {
	case o.candidate.Predicted != nil:
		out = append(out, fmt.Sprintf("the prediction %s says %.1f %% for this person", o.action.Prediction, 100**o.candidate.Predicted))
	case all.Taken+all.Not == 0:
		out = append(out, fmt.Sprintf("nobody was offered it yet: %.1f %% are thought to take it", 100*d.Chance))
	case o.segment != "":
		out = append(out, fmt.Sprintf("%.0f of %.0f in the segment %s took it, %.0f of %.0f of all: %.1f %% are expected", here.Taken, here.Taken+here.Not, o.segment, all.Taken, all.Taken+all.Not, 100*d.Chance))
	default:
		out = append(out, fmt.Sprintf("%.0f of %.0f took it: %.1f %% are expected", all.Taken, all.Taken+all.Not, 100*d.Chance))
	}
	out = append(out, fmt.Sprintf("worth %.2f when taken, %.2f to offer: %.2f expected", o.action.Value, o.action.Cost, d.Expected))
	if d.Product != nil {
		out = append(out, d.Product.Item+": "+d.Product.Reason)
	}
	return out
}

// keepDecision appends the decision to the log, as a row of the table decisions of its person.
func (a *App) keepDecision(ctx context.Context, d *clientele.Decision, id clientele.Identifier, req clientele.DecideRequest, options []*option, ranked []decide.Option, chosen int) error {
	d.ID = "d_" + strings.ToLower(crand.Text())
	fields := map[string]any{"decision_id": d.ID, "ts": d.At, "segment": d.Segment, "place": req.Place, "agent": req.Agent, "propensity": ranked[chosen].Propensity}
	if d.Action != nil {
		fields["action"], fields["chance"] = d.Action.Name, d.Action.Chance
		o := options[slices.IndexFunc(options, func(x *option) bool { return x.action.Name == d.Action.Name })]
		fields["value"], fields["cost"] = o.action.Value, o.action.Cost
	}
	if d.RunnerUp != nil {
		fields["runner_up"] = d.RunnerUp.Name
	}
	propensities := map[string]float64{}
	for _, o := range ranked {
		propensities[o.Action] = math.Round(1e6*o.Propensity) / 1e6
	}
	text, err := json.Marshal(propensities)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "decision: %w", err)
	}
	fields["options"] = string(text)
	if err := a.appendDecision(ctx, d.ID, d.At, id, fields); err != nil {
		return err
	}
	a.decides.remember(d.ID, made{id, req.Place, d.At})
	return nil
}

// appendDecision says something of a decision.
func (a *App) appendDecision(ctx context.Context, record string, at clientele.Micros, id clientele.Identifier, fields map[string]any) error {
	for k, v := range fields {
		if v == "" {
			delete(fields, k)
		}
	}
	raw, err := json.Marshal(clientele.RowRecord{Table: "decisions", ID: record, TS: at, Identifiers: []clientele.RecordIdentifier{{Namespace: id.Namespace, Value: id.Value}}, Fields: fields})
	if err != nil {
		return clientele.Errorf(clientele.Internal, "decision: %w", err)
	}
	_, err = a.log.Append(ctx, clientele.KindRow, []clientele.Record{{Source: decisionSource, ReceivedAt: clientele.MicrosOf(a.o.Now()), Raw: raw}})
	return err
}

// DecisionOutcome takes down what came of a decision. NotFound when there is none of that id.
func (a *App) DecisionOutcome(ctx context.Context, id string, o clientele.Outcome) error {
	m, err := a.madeBefore(id)
	if err != nil {
		return err
	}
	return a.outcome(ctx, id, m, o)
}

func (a *App) outcome(ctx context.Context, id string, m made, o clientele.Outcome) error {
	now := clientele.MicrosOf(a.o.Now())
	at := max(now, m.at+1) // behind the decision, so that nothing of it is older
	fields := map[string]any{"decision_id": id, "outcome": o.Outcome, "outcome_at": cmp.Or(o.At, now), "reason": o.Reason, "agent": o.Agent}
	if o.Revenue != nil {
		fields["revenue"] = *o.Revenue
	}
	if err := a.appendDecision(ctx, fmt.Sprintf("%s:%d", id, at), at, m.person, fields); err != nil {
		return err
	}
	select {
	case a.decides.news <- struct{}{}:
	default:
	}
	return nil
}

// madeBefore is the decision, from memory or from the rows.
func (a *App) madeBefore(id string) (made, error) {
	a.decides.mu.Lock()
	m, ok := a.decides.recent[id]
	a.decides.mu.Unlock()
	if ok {
		return m, nil
	}
	v, err := a.view()
	if err != nil {
		return made{}, err
	}
	defer v.Close()
	row, err := resolve.DecisionRow(v, decisionSource, id)
	if err != nil {
		return made{}, err
	}
	if !row.Told() || row.Anchor == 0 {
		return made{}, clientele.Errorf(clientele.NotFound, "there is no decision of that id").WithHint("POST /api/v1/decide answers with the id")
	}
	person, err := v.graph.Identifier(row.Anchor)
	if err != nil {
		return made{}, err
	}
	return made{person.Identifier, row.Text("place"), row.Time("ts")}, nil
}
