package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/predict/alike"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
)

// Trait is something that is known of profiles besides what they did: a number, or one of some texts.
type Trait struct {
	Name       string   `json:"name"`
	Categories []string `json:"categories,omitempty"` // none: it is a number
	Bought     bool     `json:"bought,omitempty"`     // a third party says it
}

// Known is what a version tells people apart by. Facts and traits to score have to be read in its terms: their places are what it knows.
type Known struct {
	Channels   []string `json:"channels"`
	Events     []string `json:"events"`
	Categories []string `json:"categories,omitempty"`
	Traits     []Trait  `json:"traits,omitempty"`
}

// KnownBy are the terms of what was learned.
func KnownBy(artefact []byte) (*Known, error) {
	var k Known
	return &k, decode(artefact, &k)
}

// Crowd is everybody, and who of them are in an audience.
type Crowd struct {
	*Facts
	Everybody []int64 // profiles, ascending
	Listed    []bool  // by place in Everybody
	Traits    []Trait
	Ladder    [][2]float64 // nil: this is everybody; otherwise the places of everybody outside, see Scores
	Values    [][]float64  // by trait, then by place in Everybody: the number, or the place of the text among the categories, from 1; NaN is unknown
}

// alikeArtefact is what was learned by the kind lookalike.
type alikeArtefact struct {
	alike.Saved
	Known
}

// mostOthers is how many people who are not in the audience are learned from.
const mostOthers = 200_000

// TrainAlike makes a version of a model that finds people who are like those of an audience.
func TrainAlike(ctx context.Context, m *clientele.Model, c *Crowd, workers int) (*Trained, error) {
	seeds := 0
	for _, is := range c.Listed {
		if is {
			seeds++
		}
	}
	part := max(1, (len(c.Everybody)-seeds)/mostOthers) // one person of so many
	var places []int
	for i, profile := range c.Everybody {
		if c.Listed[i] || part == 1 || int(uint64(profile)*2654435761>>7)%part == 0 {
			places = append(places, i)
		}
	}
	x, err := c.described(places, workers)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	listed := make([]bool, len(places))
	for k, i := range places {
		listed[k] = c.Listed[i]
	}
	fit, err := alike.Learn(x, listed, workers)
	if err != nil {
		if clientele.ErrorCode(err) == clientele.Invalid {
			err = clientele.Errorf(clientele.Invalid, "too little data: %d people are in the audience %s: %w", seeds, m.Audience, err).WithHint("%s", clientele.ErrorHint(err))
		}
		return nil, err
	}
	t := &Trained{Version: clientele.ModelVersion{From: c.First, Until: c.End, Customers: int64(len(places)), Method: fit.Quality.Model, Seed: seed, Settings: *m}}
	var plain *alike.Model
	var bought []string
	for _, trait := range c.Traits {
		if trait.Bought {
			bought = append(bought, trait.Name)
		}
	}
	if len(bought) > 0 {
		if plain, err = alike.Learn(x.Without(bought), listed, workers); err != nil {
			return nil, err
		}
	}
	t.alike(fit, plain, m, seeds, len(places)-seeds)
	t.Report.Notes = append(slices.Clone(c.Notes), t.Report.Notes...)
	if part > 1 {
		t.Report.Notes = append(t.Report.Notes, fmt.Sprintf("Of the others one of %d was learned from; everybody is scored.", part))
	}
	t.Version.Quality = t.Report.Quality
	t.Artefact, err = encode(alikeArtefact{fit.Save(), Known{Channels: c.Channels, Events: c.Events, Traits: c.Traits}})
	return t, err
}

// described are some people (places in Everybody, ascending) as of the end of the facts.
func (c *Crowd) described(places []int, workers int) (*learn.Matrix, error) {
	people := func(yield func(feature.Person) bool) {
		now := []clientele.Micros{c.End}
		for _, facts := range c.told(len(places), func(k int) int64 { return c.Everybody[places[k]] }) {
			if !yield(feature.Person{Facts: facts, Moments: now}) {
				return
			}
		}
	}
	table, err := feature.Build(people, feature.Settings{Channels: c.Channels, Events: c.Events, Workers: workers, Rows: len(places)})
	if err := cmp.Or(err, c.Failed); err != nil {
		return nil, err
	}
	x := &learn.Matrix{}
	for i, column := range table.Columns {
		x.Add(column.Name, "", table.Values[i])
	}
	for i, trait := range c.Traits {
		c.addTrait(x, trait, c.Values[i], places)
	}
	return x, nil
}

func (c *Crowd) addTrait(x *learn.Matrix, t Trait, values []float64, places []int) {
	if len(t.Categories) == 0 {
		column := make([]float64, len(places))
		for k, i := range places {
			column[k] = values[i]
		}
		x.Add(t.Name, t.Name, column)
		return
	}
	for place, category := range t.Categories {
		column := make([]float64, len(places))
		for k, i := range places {
			if values[i] == float64(place+1) {
				column[k] = 1
			}
		}
		x.Add(t.Name+" is "+category, t.Name, column)
	}
}

// alike writes the report.
func (t *Trained) alike(fit, plain *alike.Model, m *clientele.Model, seeds, others int) {
	q, of := &fit.Quality, &t.Report
	naive := 0.5
	for _, n := range fit.Naive {
		naive = max(naive, n.AUC)
	}
	better := q.AUC > 0.5 && q.AUC+0.005 >= naive // one column may be all that there is to the audience
	switch {
	case !better:
		of.Quality, t.Hold = poor, fmt.Sprintf("one column alone finds the audience's people as well: AUC %.3f against %.3f", q.AUC, naive)
	case q.AUC >= 0.75:
		of.Quality = good
	case q.AUC >= 0.65:
		of.Quality = fair
	default:
		of.Quality = poor
	}
	of.Tested = &clientele.ModelTested{From: t.Version.From, To: t.Version.Until, Customers: int64(q.People), Better: better}
	tenth, fifth := foundIn(q, 0.1), foundIn(q, 0.2)
	of.Summary = append(of.Summary,
		fmt.Sprintf("%d people of the audience %s were set against %d others; a fifth of all, %d of the audience among them, was kept from the learning.", seeds, m.Audience, others, q.Seeds),
		fmt.Sprintf("Of these, the most alike tenth holds %s, %.1f times as many as chance would, and the most alike fifth %s.", percent(tenth.Found), tenth.Lift, percent(fifth.Found)),
		fmt.Sprintf("Of two people, one of whom is in the audience, it ranks that one higher in %s (a coin: 50 %%; the best column alone: %s).", percent(q.AUC), percent(naive)))
	of.Measures = []clientele.ModelMeasure{{Name: q.Model, Values: likened(q)}}
	if plain != nil {
		of.Summary = append(of.Summary, fmt.Sprintf("Without what third parties say it is %s, and the tenth holds %s.", percent(plain.Quality.AUC), percent(foundIn(&plain.Quality, 0.1).Found)))
		of.Measures = append(of.Measures, clientele.ModelMeasure{Name: "without enrichment", Values: likened(&plain.Quality)})
	}
	for _, n := range fit.Naive {
		of.Measures = append(of.Measures, clientele.ModelMeasure{Name: n.Name, Naive: true, Values: map[string]float64{"auc": Rounded(n.AUC), "lift_10": Rounded(n.Lift10), "captured_by_20": Rounded(n.Capture20)}})
	}
	for _, f := range q.Found {
		of.Lift = append(of.Lift, clientele.ModelLift{Share: f.Share, Model: Rounded(f.Found), Naive: f.Share, Best: Rounded(min(1, f.Share*float64(q.People)/float64(q.Seeds)))})
	}
	for _, d := range fit.Drivers[:min(len(fit.Drivers), 15)] {
		of.Drivers = append(of.Drivers, clientele.ModelDriver{Name: d.Column, Weight: Rounded(d.Weight), Direction: Rounded(d.Direction)})
	}
	t.Version.Metrics = likened(q)
	t.Version.Metrics["naive_auc"] = Rounded(naive)
}

func foundIn(q *alike.Quality, share float64) alike.Found {
	return q.Found[slices.IndexFunc(q.Found, func(f alike.Found) bool { return f.Share == share })]
}

func likened(q *alike.Quality) map[string]float64 {
	return map[string]float64{"auc": Rounded(q.AUC), "lift_10": Rounded(foundIn(q, 0.1).Lift), "captured_by_20": Rounded(foundIn(q, 0.2).Found)}
}

// ScoreAlike ranks people by what was learned, in whose terms the crowd is: everybody, or some, among the ranks and on the ladder of everybody.
func ScoreAlike(artefact []byte, c *Crowd, ranks []float64, workers int) (*Scores, error) {
	var a alikeArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, err
	}
	fit := a.Restore(workers)
	places := make([]int, len(c.Everybody))
	for i := range places {
		places[i] = i
	}
	x, err := c.described(places, workers)
	if err != nil {
		return nil, err
	}
	n := len(places)
	similarity, place, reasons, score := make([]float64, n), make([]float64, n), make([]string, n), make([]float64, n)
	var outside []float64 // scores, the highest first
	for _, p := range fit.Rank(x) {
		similarity[p.Row], place[p.Row], score[p.Row] = Rounded(p.Similarity), math.NaN(), p.Score
		switch {
		case c.Listed[p.Row]:
		case c.Ladder != nil:
			place[p.Row] = placeOn(c.Ladder, p.Score)
		default:
			outside = append(outside, p.Score)
			place[p.Row] = float64(len(outside))
		}
	}
	for i := range reasons {
		reasons[i] = said(fit.Explain(x, i))
	}
	order := percentiles(score, ranks)
	for i := range order {
		order[i] = Rounded(order[i])
	}
	return &Scores{Profiles: c.Everybody, By: score, Ladder: ladderOf(outside),
		Columns: []Column{{Name: "similarity", Numbers: similarity}, {Name: "rank", Numbers: place}, {Name: "percentile", Numbers: order}, {Name: "reasons", Texts: reasons}}}, nil
}

// ladderOf are places 5 % apart, the first and the last among them, with the score of who has it; scores are the highest first.
func ladderOf(scores []float64) (out [][2]float64) {
	for place := 1; place <= len(scores); place += max(1, place/20) {
		out = append(out, [2]float64{float64(place), scores[place-1]})
	}
	if n := len(scores); n > 0 && out[len(out)-1][0] < float64(n) {
		out = append(out, [2]float64{float64(n), scores[n-1]})
	}
	return out
}

// placeOn is the place that a score has among those of a ladder.
func placeOn(ladder [][2]float64, score float64) float64 {
	i, _ := slices.BinarySearchFunc(ladder, score, func(rung [2]float64, s float64) int { return cmp.Compare(s, rung[1]) })
	switch {
	case len(ladder) == 0 || i == 0:
		return 1
	case i == len(ladder):
		return ladder[i-1][0] + 1
	}
	above, below := ladder[i-1], ladder[i]
	return math.Ceil(above[0] + (below[0]-above[0])*(above[1]-score)/(above[1]-below[1]))
}

// said are the three contributions that are largest, with where to.
func said(all []learn.Contribution) string {
	var out []string
	for _, c := range all[:min(3, len(all))] {
		if math.Abs(c.Adds) < 0.01 {
			break
		}
		out = append(out, map[bool]string{true: "+ ", false: "- "}[c.Adds > 0]+c.Column)
	}
	return strings.Join(out, "; ")
}
