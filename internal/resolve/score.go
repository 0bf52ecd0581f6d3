package resolve

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// ScoresBody is of the command scores, in the log for ever: what a version predicts of some people, by the anchor that
// their profile is named after. It says nothing of who they are.
type ScoresBody struct {
	Model   string                `json:"model"`
	Version int                   `json:"version"`
	AsOf    clientele.Micros      `json:"as_of"`
	Anchors string                `json:"anchors,omitempty"` // PackIDs, ascending
	Outputs []string              `json:"outputs,omitempty"`
	Values  [][]clientele.RawJSON `json:"values,omitempty"` // by output, of each anchor; null where there is none
	Gone    string                `json:"gone,omitempty"`   // PackIDs of those of whom nothing is predicted any more, whatever the version
	// Done ends the scoring of everybody.
	Done *clientele.ModelScored `json:"done,omitempty"`
}

// Anew leaves of the body those of whom the version says something else than what is stored.
func (b *ScoresBody) Anew(rows clientele.Rows) error {
	ids, err := unpackIDs(b.Anchors)
	if err != nil {
		return err
	}
	var keep []int64
	values := make([][]clientele.RawJSON, len(b.Values))
	for i, id := range ids {
		row, err := rowcache.Load[ScoreRow](rows, clientele.ScoreKey(clientele.Anchor(id)))
		if err != nil {
			return err
		}
		if row != nil {
			if was, ok := row.Models[b.Model]; ok && was.Version == b.Version && !b.news(i, was) {
				continue
			}
		}
		keep = append(keep, id)
		for k := range values {
			values[k] = append(values[k], b.Values[k][i])
		}
	}
	b.Anchors, b.Values = PackIDs(keep), values
	return nil
}

// news says whether the body says something else of the person than was said. A place among all alone is none: of some people it is told by what is kept of the
// places of all, and a little off.
func (b *ScoresBody) news(i int, was Score) bool {
	for k, name := range b.Outputs {
		now, then := b.Values[k][i], was.output(name)
		if string(now) == "null" {
			now = nil
		}
		switch name {
		case "percentile", "tier":
			continue
		case "rank":
			x, err := strconv.ParseFloat(string(now), 64)
			y, err2 := strconv.ParseFloat(string(then), 64)
			if err == nil && err2 == nil && math.Abs(x-y) <= 1+y/20 {
				continue
			}
		}
		if !bytes.Equal(now, then) {
			return true
		}
	}
	return false
}

// ScoreRow is what models predict of an anchor's person. Field numbers are on disk.
type ScoreRow struct {
	Models map[string]Score `cbor:"1,keyasint"`
}

// Score is what one model predicts.
type Score struct {
	Version int              `cbor:"1,keyasint"`
	At      clientele.Micros `cbor:"2,keyasint"`
	Outputs []byte           `cbor:"3,keyasint"` // a JSON object
}

const cachedScores = 6_000

func newScores(rows clientele.Rows) *rowcache.Cache[clientele.Anchor, ScoreRow] {
	return rowcache.New(cachedScores, func(a clientele.Anchor) (*ScoreRow, error) {
		return rowcache.Load[ScoreRow](rows, clientele.ScoreKey(a))
	})
}

// scoredRow is a row of predictions that is to be told.
type scoredRow struct {
	anchor clientele.Anchor
	model  string
	at     clientele.Micros
	score  Score
	again  bool // followers were told of one of that moment
}

func (r *Resolver) scoresCommand(b ScoresBody) error {
	m := r.models[b.Model]
	if m == nil {
		return nil
	}
	gone, err := unpackIDs(b.Gone)
	if err != nil {
		return err
	}
	for _, id := range gone {
		if err := r.unscore(b, clientele.Anchor(id)); err != nil {
			return err
		}
	}
	if b.Version != m.Promoted { // another has taken its place since
		return nil
	}
	anchors, err := unpackIDs(b.Anchors)
	if err != nil {
		return err
	}
	for _, column := range b.Values {
		if len(column) != len(anchors) || len(b.Values) != len(b.Outputs) {
			return invalid("command scores: its lists are not of one length")
		}
	}
	if err := r.preloadScored(anchors); err != nil {
		return err
	}
	for i, id := range anchors {
		if err := r.score(b, clientele.Anchor(id), i); err != nil {
			return err
		}
	}
	if b.Done != nil {
		m.Scored = b.Done
		return r.putModel(m)
	}
	return nil
}

// preloadScored reads at once the rows that scoring will ask for.
func (r *Resolver) preloadScored(ids []int64) error {
	anchors, all := make([]clientele.Anchor, len(ids)), make(map[clientele.Anchor]bool, len(ids))
	var fresh []clientele.Anchor
	for i, id := range ids {
		anchors[i] = clientele.Anchor(id)
		all[anchors[i]] = true
		if !r.scores.Known(anchors[i]) {
			fresh = append(fresh, anchors[i])
		}
	}
	if err := rowcache.Fetch(fresh, clientele.ScoreKey, r.o.Store.Load, r.scores.Fill); err != nil {
		return err
	}
	return r.preloadHeads(anchors, all)
}

// score takes down what is predicted of one anchor's person. What is as of a later moment stays, unless it is another version's.
func (r *Resolver) score(b ScoresBody, a clientele.Anchor, i int) error {
	there, err := r.graph.Exists(a)
	if err != nil || !there { // erased since
		return err
	}
	row, err := r.scores.Get(a)
	if err != nil {
		return err
	}
	if row == nil {
		row = &ScoreRow{}
	}
	if row.Models == nil {
		row.Models = map[string]Score{}
	}
	was, scored := row.Models[b.Model]
	if scored && was.Version == b.Version && was.At > b.AsOf {
		return nil
	}
	now := Score{Version: b.Version, At: b.AsOf, Outputs: b.outputs(i)}
	row.Models[b.Model] = now
	r.scores.Put(a, row)
	r.batch.scored = append(r.batch.scored, scoredRow{a, b.Model, b.AsOf, now, scored && was.At == b.AsOf})
	r.scoredAnew(a, b.Model, b.Outputs)
	return nil
}

// unscore forgets what the model predicts of the anchor's person.
func (r *Resolver) unscore(b ScoresBody, a clientele.Anchor) error {
	row, err := r.scores.Get(a)
	if err != nil || row == nil {
		return err
	}
	was, scored := row.Models[b.Model]
	if !scored {
		return nil
	}
	var outputs []string
	for _, o := range r.models[b.Model].Model.Kind.Outputs() {
		outputs = append(outputs, o.Name)
	}
	delete(row.Models, b.Model)
	r.scores.Put(a, row)
	at := max(b.AsOf, was.At)
	r.batch.scored = append(r.batch.scored, scoredRow{a, b.Model, at, Score{Version: was.Version}, at == was.At})
	r.scoredAnew(a, b.Model, outputs)
	return nil
}

// scoredAnew has followers told of the profile, and its audiences evaluated that ask for what is predicted.
func (r *Resolver) scoredAnew(a clientele.Anchor, model string, outputs []string) {
	r.batch.touched[a] = true
	au := r.audiences
	if au.plan == nil {
		return
	}
	t := au.touch(a)
	for _, o := range append(outputs, clientele.PredictionAsOf, clientele.PredictionVersion) {
		au.plan.Trait(t, clientele.PredictionsPrefix+model+"."+o)
	}
	au.scored[a] = true
}

// outputs are those of the i-th anchor as a JSON object, without those that are missing.
func (b *ScoresBody) outputs(i int) []byte {
	out := []byte{'{'}
	for k, name := range b.Outputs {
		v := b.Values[k][i]
		if len(v) == 0 || string(v) == "null" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, name), ':')
		out = append(out, v...)
	}
	return append(out, '}')
}

// latest is what the models predict of a person of these rows: of each the one as of the latest moment, of equal ones
// that of the oldest anchor, whose row comes first.
func latestScores(rows []*ScoreRow) map[string]Score {
	var out map[string]Score
	for _, row := range rows {
		if row == nil {
			continue
		}
		for model, s := range row.Models {
			if have, ok := out[model]; ok && have.At >= s.At {
				continue
			}
			if out == nil {
				out = map[string]Score{}
			}
			out[model] = s
		}
	}
	return out
}

// JSON is the score as profile and column store show it: its outputs, as of when, and of which version.
func (s Score) JSON() []byte {
	out := bytes.Clone(bytes.TrimSuffix(s.Outputs, []byte{'}'}))
	if len(out) > 1 {
		out = append(out, ',')
	}
	out = append(out, `"as_of":"`...)
	out = append(out, s.At.String()...)
	out = append(out, `","version":`...)
	return append(strconv.AppendInt(out, int64(s.Version), 10), '}')
}

// output is one of them; nil when it is missing.
func (s Score) output(name string) jsontext.Value {
	if s.Outputs == nil {
		return nil
	}
	return audience.Member(s.JSON(), name)
}

// LoadScores is what the models predict of a person of these anchors.
func LoadScores(rows clientele.Rows, members []clientele.Anchor) (map[string]Score, error) {
	return scoresOf(members, func(a clientele.Anchor) (*ScoreRow, error) {
		return rowcache.Load[ScoreRow](rows, clientele.ScoreKey(a))
	})
}

func scoresOf(members []clientele.Anchor, get func(clientele.Anchor) (*ScoreRow, error)) (map[string]Score, error) {
	rows := make([]*ScoreRow, len(members))
	for i, a := range members {
		var err error
		if rows[i], err = get(a); err != nil {
			return nil, err
		}
	}
	return latestScores(rows), nil
}

// ScoredBy calls fn for each anchor of which the model predicts something, ascending.
func ScoredBy(rows clientele.Rows, model string, fn func(clientele.Anchor, Score) error) error {
	return rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowScore)), func(k clientele.Key, v []byte) (bool, error) {
		row, err := rowcache.Decode[ScoreRow](v)
		if err != nil {
			return false, err
		}
		s, ok := row.Models[model]
		if !ok {
			return true, nil
		}
		rd := k.Read()
		a := rd.Anchor()
		if rd.Err() != nil {
			return false, rd.Err()
		}
		return true, fn(a, s)
	})
}

// predictedTrait is MODEL.OUTPUT.
func (f *facts) predictedTrait(name string) (jsontext.Value, error) {
	if !f.asked.scores {
		var err error
		if f.predicted, err = scoresOf(f.members, f.scores); err != nil {
			return nil, err
		}
		f.asked.scores = true
	}
	model, output, _ := strings.Cut(name, ".")
	return f.predicted[model].output(output), nil
}

// predictionsRow is what is predicted of the profile as a JSON object; nil for nothing.
func (r *Resolver) predictionsRow(members []clientele.Anchor) (any, error) {
	if len(r.models) == 0 {
		return nil, nil
	}
	scores, err := scoresOf(members, r.scores.Get)
	if err != nil || len(scores) == 0 {
		return nil, err
	}
	all := make(map[string]json.RawMessage, len(scores))
	for model, s := range scores {
		all[model] = s.JSON()
	}
	b, err := json.Marshal(all)
	return string(b), err
}

// scoreRows are the rows of predictions that the batch tells of.
func (r *Resolver) scoreRows() (clientele.TableRows, error) {
	rows := clientele.TableRows{Table: "predictions"}
	for _, s := range r.batch.scored {
		p, err := r.profileOf(s.anchor)
		if err != nil {
			return rows, err
		}
		kind := clientele.ModelKind("")
		if m := r.models[s.model]; m != nil {
			kind = m.Model.Kind
		}
		var score any
		if first := kind.Outputs(); len(first) > 0 {
			if f, err := strconv.ParseFloat(string(s.score.output(first[0].Name)), 64); err == nil {
				score = f
			}
		}
		row := []any{int64(s.anchor), p, s.model, int64(s.score.Version), int64(s.at), score, text(string(s.score.Outputs)), string(kind)}
		if s.again {
			rows.Upsert = append(rows.Upsert, row)
		} else {
			rows.Insert = append(rows.Insert, row)
		}
	}
	return rows, nil
}

// storeScores writes the rows that the batch has changed.
func (r *Resolver) storeScores(put func(clientele.Key, []byte)) error {
	return r.scores.Changed(func(a clientele.Anchor, row *ScoreRow) error {
		if row == nil || len(row.Models) == 0 {
			put(clientele.ScoreKey(a), nil)
			return nil
		}
		b, err := rowcache.Encode(row)
		put(clientele.ScoreKey(a), b)
		return err
	})
}

// SortedModels are the names of the models.
func SortedModels(all map[string]*ModelRow) []string { return slices.Sorted(maps.Keys(all)) }
