package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/identity"
	"clientele/internal/linkage"
	"clientele/internal/resolve"
)

// matchPlan is what a run of matching would put into the log.
type matchPlan struct {
	run               clientele.MatchRun
	learned           json.RawMessage // a matchLearned
	set, review       []clientele.MatchPair
	retract, withdraw [][2]clientele.Anchor
}

// matchData is what linkage compares: a record for each unit that says something of its person.
type matchData struct {
	table *linkage.Table
	units []identity.Unit // by record; of Members nothing is kept
}

// leastRetold is by how many bits a match has to weigh differently before it is told again.
const leastRetold = 1

// maxMatchColumns bounds the traits that are looked at, in the order in which they are met.
const maxMatchColumns = 200

// planMatch links the units of the moment and says what would change. Nothing is written.
func (a *App) planMatch(ctx context.Context) (*matchPlan, error) {
	start := a.o.Now()
	at, _, err := a.rows.Position() // of the view, or before it
	if err != nil {
		return nil, err
	}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	d, err := a.matchData(ctx, v, nil, math.MaxInt, int64(a.cfg.Matching.Memory))
	if err != nil {
		return nil, err
	}
	defer d.table.Close()
	labels, decided, open, err := matchLabels(v)
	if err != nil {
		return nil, err
	}
	m := a.cfg.Matching
	calibration := linkage.Calibrate(labels)
	p := &matchPlan{run: clientele.MatchRun{Records: int64(d.table.Rows()), MaxChurn: float64(m.MaxChurn), Merge: float64(m.Merge), ReviewMin: float64(m.Review), Labels: int64(len(labels)),
		Before: v.graph.Count().Profiles}}
	roles, ignore := a.matchRoles(d.table)
	res, err := linkage.Link(ctx, d.table, linkage.Options{Roles: roles, Ignore: ignore, Threshold: calibration.Weight(float64(m.Merge)), Workers: max(1, a.cfg.Columns.Threads)})
	if err != nil {
		return nil, err
	}
	defer res.Close()
	p.run.Pairs = res.Pairs
	p.describe(res, calibration)
	if p.learned, err = learnedOf(res, calibration, at, m); err != nil {
		return nil, err
	}
	w := weigher{d: d, res: res, explain: res.Explainer(), calibration: calibration, version: p.run.Model}
	if p.set, err = w.matches(); err != nil {
		return nil, err
	}
	if p.review, err = w.reviews(v.graph, float64(m.Review), m.MaxReviews, decided); err != nil {
		return nil, err
	}
	if err := p.compare(v, open); err != nil {
		return nil, err
	}
	p.run.TookMS = a.o.Now().Sub(start).Milliseconds()
	return p, nil
}

// matchData reads the units, and tells each to met, where that is set; what is over the memory, in bytes, goes to files, unless it
// is 0. TooLarge when there are over most. The table is to be closed.
func (a *App) matchData(ctx context.Context, v *view, met func(identity.Unit), most int, memory int64) (*matchData, error) {
	t, w := linkage.NewTable(1, memory)
	w.Source("profiles")
	d := &matchData{table: t}
	at := map[string]int{}
	var names, values []string
	err := v.graph.Units(func(u identity.Unit) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if u.First == 0 {
			return nil
		}
		says, err := v.says(u.Members)
		if err != nil || len(says) == 0 {
			return err
		}
		known := len(names)
		for _, name := range sortedKeys(says) {
			if _, ok := at[name]; !ok && len(names) < maxMatchColumns {
				at[name] = len(names)
				names = append(names, name)
			}
		}
		if len(names) > known {
			w.Columns(names)
			values = make([]string, len(names))
		}
		clear(values)
		for name, text := range says {
			if i, ok := at[name]; ok {
				values[i] = text
			}
		}
		if len(d.units) >= most {
			return clientele.Errorf(clientele.TooLarge, "there are over %d people to compare", most)
		}
		if met != nil {
			met(u)
		}
		u.Members = nil
		d.units = append(d.units, u)
		return w.Add(values)
	})
	w.Close()
	if err != nil {
		t.Close()
	}
	return d, err
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// says is what the anchors say of their person, as columns: traits, those of an object each for itself, and addresses and
// telephone numbers that are identifiers.
func (v *view) says(anchors []clientele.Anchor) (map[string]string, error) {
	traits, err := resolve.LoadTraits(v, v.traits, anchors)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, raw := range traits {
		flatten(out, name, raw, true)
	}
	for _, a := range anchors {
		id, err := v.graph.Identifier(a)
		if err != nil {
			return nil, err
		}
		if id.Namespace != clientele.Email && id.Namespace != clientele.Phone || id.Blocked {
			continue
		}
		name := string(id.Namespace)
		if have := out[name]; !slices.Contains(strings.Split(have, linkage.ValueSeparator), id.Value) {
			out[name] = strings.Trim(have+linkage.ValueSeparator+id.Value, linkage.ValueSeparator)
		}
	}
	return out, nil
}

// flatten enters a trait as text; what an object holds as name.key, one level deep.
func flatten(out map[string]string, name string, raw json.RawMessage, deeper bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return
	}
	switch x := v.(type) {
	case string:
		if x = strings.TrimSpace(x); x != "" {
			out[name] = x
		}
	case json.Number:
		out[name] = x.String()
	case []any:
		var parts []string
		for _, e := range x {
			if s, ok := e.(string); ok && s != "" {
				parts = append(parts, s)
			}
		}
		if len(parts) > 0 {
			out[name] = strings.Join(parts, linkage.ValueSeparator)
		}
	case map[string]any:
		if !deeper {
			return
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) == nil {
			for key, value := range fields {
				flatten(out, name+"."+key, value, false)
			}
		}
	}
}

// matchRoles are the columns' roles. Those that nobody named and whose name says nothing are left out: traits hold much that
// is not about who somebody is.
func (a *App) matchRoles(t *linkage.Table) (roles map[string]linkage.Role, ignore map[string]bool) {
	roles, ignore = map[string]linkage.Role{}, map[string]bool{}
	columns := t.Columns()
	for name, role := range a.cfg.Matching.Roles {
		if slices.Contains(columns, name) {
			roles[name] = linkage.Role(role)
		}
	}
	for _, c := range linkage.Guess(t, roles, nil) {
		if _, named := roles[c.Column]; !named && !c.Named() {
			ignore[c.Column] = true
		}
	}
	return roles, ignore
}

// matchLabels are the pairs that somebody decided: as labels, and which they are; and those that wait.
func matchLabels(v *view) (labels []linkage.Label, decided, open map[[2]clientele.Anchor]bool, err error) {
	decided, open = map[[2]clientele.Anchor]bool{}, map[[2]clientele.Anchor]bool{}
	err = resolve.LoadMatchReviews(v, [2]clientele.Anchor{}, func(e [2]clientele.Anchor, row *resolve.MatchReviewRow) (bool, error) {
		switch row.State {
		case clientele.MatchOpen:
			open[e] = true
			return true, nil
		case clientele.MatchSame, clientele.MatchDifferent:
			labels = append(labels, linkage.Label{Weight: row.Match.Weight, Same: row.State == clientele.MatchSame})
		}
		decided[e] = true
		return true, nil
	})
	return labels, decided, open, err
}

// describe names the model and what the columns were taken for.
func (p *matchPlan) describe(res *linkage.Result, c linkage.Calibration) {
	p.run.Roles, p.run.Fields = map[string]string{}, map[string][]string{}
	for _, choice := range res.Choices {
		if choice.Role != linkage.Ignored {
			p.run.Roles[choice.Column] = string(choice.Role)
		}
	}
	for _, f := range res.Model.Fields {
		p.run.Fields[f.Name] = f.Columns
	}
	b, err := json.Marshal(struct {
		Model       *linkage.Model
		Calibration linkage.Calibration
	}{res.Model, c})
	if err == nil {
		p.run.Model = fmt.Sprintf("m%012x", xxh3.Hash(b)>>16)
	}
}

// weigher makes matches of linked records.
type weigher struct {
	d           *matchData
	res         *linkage.Result
	explain     func(a, b int) linkage.Explanation
	calibration linkage.Calibration
	version     string
}

// matches are for each cluster the heaviest pairs that hold it together, one fewer than it has records.
func (w *weigher) matches() ([]clientele.MatchPair, error) {
	parent := make([]int, len(w.d.units))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	var out []clientele.MatchPair
	take := func(a, b int) {
		if x, y := find(a), find(b); x != y && w.res.Clusters[a] == w.res.Clusters[b] {
			parent[y] = x
			out = append(out, w.pair(a, b))
		}
	}
	w.res.EachGroup(func(records []uint32, _ float64) {
		for _, r := range records[1:] {
			take(int(records[0]), int(r))
		}
	})
	err := w.res.EachEdge(func(a, b int, weight float64) bool {
		if weight < w.res.Threshold {
			return false
		}
		take(a, b)
		return true
	})
	slices.SortFunc(out, identity.ByPair)
	return out, err
}

// reviews are pairs of different clusters that may be one person, the likeliest first up to most: of two clusters the
// heaviest pair, and none that somebody has decided.
func (w *weigher) reviews(g *identity.Graph, least float64, most int, decided map[[2]clientele.Anchor]bool) ([]clientele.MatchPair, error) {
	floor := math.Max(w.calibration.Weight(least), linkage.Weakest)
	seen := map[[2]uint32]bool{}
	var out []clientele.MatchPair
	var failed error
	take := func(a, b int) bool {
		x, y := w.res.Clusters[a], w.res.Clusters[b]
		between := [2]uint32{min(x, y), max(x, y)}
		if x == y || seen[between] {
			return true
		}
		seen[between] = true
		pair := w.pair(a, b)
		apart, err := g.Apart(pair.A, pair.B)
		failed = err
		if !apart && !decided[[2]clientele.Anchor{pair.A, pair.B}] {
			out = append(out, pair)
		}
		return err == nil && len(out) < most
	}
	w.res.EachGroup(func(records []uint32, weight float64) {
		for _, r := range records[1:] {
			if weight >= floor && failed == nil && len(out) < most {
				take(int(records[0]), int(r))
			}
		}
	})
	err := w.res.EachEdge(func(a, b int, weight float64) bool {
		return weight >= floor && len(out) < most && take(a, b)
	})
	if err == nil {
		err = failed
	}
	slices.SortFunc(out, identity.ByPair)
	return out, err
}

// pair is the match of two records, with its reasons.
func (w *weigher) pair(a, b int) clientele.MatchPair {
	return matchOf(w.d.units[a].First, w.d.units[b].First, w.explain(a, b), w.version, w.calibration)
}

// matchOf is the match of two anchors that weigh as explained.
func matchOf(x, y clientele.Anchor, e linkage.Explanation, model string, c linkage.Calibration) clientele.MatchPair {
	m := clientele.Match{Model: model, Weight: hundredth(e.Weight), Probability: math.Round(c.Probability(e.Weight)*1e4) / 1e4}
	for _, t := range e.Terms {
		if t.Level != "" {
			m.Reasons = append(m.Reasons, clientele.MatchReason{Field: t.Field, Level: t.Level, Weight: hundredth(t.Weight)})
		}
	}
	if e.Household != 0 {
		m.Reasons = append(m.Reasons, clientele.MatchReason{Field: "household", Level: "may be one household", Weight: -hundredth(e.Household)})
	}
	return clientele.MatchPair{A: min(x, y), B: max(x, y), Match: m}
}

// matchLearned is what a run leaves to match further people by, in the log for ever.
type matchLearned struct {
	At          clientele.Position  `json:"at"` // up to which people were compared
	Linkage     json.RawMessage     `json:"linkage"`
	Calibration linkage.Calibration `json:"calibration"`
	Merge       float64             `json:"merge"`  // weight from which two are one
	Review      float64             `json:"review"` // weight from which somebody looks
}

func learnedOf(res *linkage.Result, c linkage.Calibration, at clientele.Position, m config.Matching) (json.RawMessage, error) {
	what, err := res.Learned()
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(matchLearned{at, what, c, res.Threshold, math.Max(c.Weight(float64(m.Review)), linkage.Weakest)})
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "what matching learned: %w", err)
	}
	return b, nil
}

func hundredth(x float64) float64 { return math.Round(x*100) / 100 }

// compare puts the plan beside what there is: what is new, what no longer holds, and what that does to profiles.
func (p *matchPlan) compare(v *view, open map[[2]clientele.Anchor]bool) error {
	have := map[[2]clientele.Anchor]float64{}
	if err := v.graph.Matches(func(m clientele.MatchPair, _ string) error {
		have[[2]clientele.Anchor{m.A, m.B}] = m.Match.Weight
		return nil
	}); err != nil {
		return err
	}
	p.run.Matched, p.run.Review = int64(len(p.set)), int64(len(p.review))
	all := p.set
	p.set = nil
	for _, m := range all {
		e := [2]clientele.Anchor{m.A, m.B}
		weight, there := have[e]
		delete(have, e)
		if !there {
			p.run.New++
		}
		if !there || math.Abs(weight-m.Match.Weight) >= leastRetold {
			p.set = append(p.set, m)
		}
	}
	p.retract = sortedPairs(have)
	p.run.Retracted = int64(len(p.retract))
	waits := map[[2]clientele.Anchor]float64{}
	for e := range open {
		waits[e] = 0
	}
	for _, m := range p.review {
		delete(waits, [2]clientele.Anchor{m.A, m.B})
	}
	p.withdraw = sortedPairs(waits)
	return p.simulate(v, all)
}

func sortedPairs(m map[[2]clientele.Anchor]float64) [][2]clientele.Anchor {
	out := make([][2]clientele.Anchor, 0, len(m))
	for e := range m {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b [2]clientele.Anchor) int { return slices.Compare(a[:], b[:]) })
	return out
}

// simulate does to the view's graph, which nobody stores, what the resolver will do.
func (p *matchPlan) simulate(v *view, all []clientele.MatchPair) error {
	for _, e := range p.retract {
		if err := v.graph.Unmatch(e[0], e[1]); err != nil {
			return err
		}
	}
	for _, m := range p.set {
		if err := v.graph.Match(m, clientele.Stamp{}); err != nil {
			return err
		}
	}
	for _, m := range all {
		x, err := v.graph.Profile(m.A)
		if err != nil {
			return err
		}
		if y, err := v.graph.Profile(m.B); err != nil {
			return err
		} else if x != y {
			p.run.Blocked++
		}
	}
	did, err := v.graph.Regrouped()
	if err != nil {
		return err
	}
	p.run.Merged, p.run.Split, p.run.After = did.Merged, did.Split, v.graph.Count().Profiles
	p.run.Unchanged = p.run.Before - did.Touched
	if p.run.Records > 0 {
		p.run.Churn = math.Round(1e4*float64(did.Merged+did.Split)/float64(p.run.Records)) / 1e4
	}
	return nil
}

// matchEvery is how often the stage looks whether a run is due.
const matchEvery = time.Minute
