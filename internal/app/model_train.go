package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"clientele"
	"clientele/internal/predict/trainer"
	"clientele/internal/resolve"
)

// This file trains models and scores by them, outside of the resolver: what they find enters by the log.

// modeling is what is under way with models.
type modeling struct {
	mu      sync.Mutex
	runs    map[string]*clientele.ModelRun
	cancels map[string]context.CancelFunc
	trouble map[string]string
	tried   map[string]time.Time // when the stage last began something by itself
	jobs    chan modelJob
	turn    sync.Mutex // one training, or scoring of everybody, at a time
	scoring sync.Mutex // held while scores are put into the log: a model ends when none are on their way
}

// modelJob is something to do with a model: to train it, or to score everybody by the promoted version.
type modelJob struct {
	name, by string
	train    bool
}

func newModeling() *modeling {
	return &modeling{runs: map[string]*clientele.ModelRun{}, cancels: map[string]context.CancelFunc{}, trouble: map[string]string{}, tried: map[string]time.Time{},
		jobs: make(chan modelJob, clientele.MaxModels)}
}

// state is what is under way with a model, and why the last run did not end well.
func (m *modeling) state(name string) (*clientele.ModelRun, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.runs[name]; r != nil {
		run := *r
		return &run, m.trouble[name]
	}
	return nil, m.trouble[name]
}

// begin notes that something is to be done. False when something is under way.
func (m *modeling) begin(name string, now clientele.Micros) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs[name] != nil {
		return false
	}
	m.runs[name] = &clientele.ModelRun{Doing: "waits", Since: now}
	return true
}

func (m *modeling) note(name string, fn func(*clientele.ModelRun)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.runs[name]; r != nil {
		fn(r)
	}
}

// cancel stops what is under way with the model. False when nothing is.
func (m *modeling) cancel(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	stop := m.cancels[name]
	if stop == nil {
		return false
	}
	stop()
	return true
}

// ask has a job done: at once in a command that has opened the directory itself, by the stage in a server.
func (a *App) ask(ctx context.Context, j modelJob) error {
	if !a.modeling.begin(j.name, clientele.MicrosOf(a.o.Now())) {
		return clientele.Errorf(clientele.Conflict, "model %s is being trained or scored", j.name).WithHint("wait until it is done, or cancel it")
	}
	if !a.o.Serves {
		return a.doModel(ctx, j)
	}
	a.modeling.jobs <- j // there is room for a job of each model
	return nil
}

// How often the stages look for what is due, and how long they wait after something did not end well.
const (
	modelLook  = time.Second
	modelAgain = time.Minute
)

// train does what is asked for and what is due: trainings, and scorings of everybody.
func (a *App) train(ctx context.Context) error {
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	timer := time.NewTicker(modelLook)
	defer timer.Stop()
	for {
		select {
		case j := <-a.modeling.jobs:
			_ = a.doModel(ctx, j) // what went wrong stands beside the model
		case <-timer.C:
			if err := a.dueModels(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// dueModels asks for what time has brought about.
func (a *App) dueModels(ctx context.Context) error {
	all, err := resolve.LoadModels(a.rows)
	if err != nil {
		return err
	}
	now := a.o.Now()
	since := func(at clientele.Micros) time.Duration {
		return time.Duration(clientele.MicrosOf(now)-at) * time.Microsecond
	}
	for _, name := range resolve.SortedModels(all) {
		m := all[name]
		j := modelJob{name: name, by: "schedule"}
		if train := every(m.Model.TrainEvery, ""); train > 0 {
			last, _ := m.Version(0)
			if last != nil && last.State == clientele.VersionRefused {
				train = min(train, 24*time.Hour)
			}
			moved := last != nil && m.Scored != nil && len(m.Scored.Moved) > 0 && since(last.At) >= 24*time.Hour
			j.train = last == nil || since(last.At) >= train || moved
		}
		stale := m.Promoted != 0 && (m.Scored == nil || m.Scored.Version != m.Promoted || since(m.Scored.At) >= every(m.Model.ScoreEvery, "1d"))
		if !j.train && !stale || now.Sub(a.modeling.lastTry(name)) < modelAgain {
			continue
		}
		a.modeling.tries(name, now)
		if err := a.ask(ctx, j); err != nil && clientele.ErrorCode(err) != clientele.Conflict {
			return err
		}
	}
	return nil
}

func (m *modeling) lastTry(name string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tried[name]
}

func (m *modeling) tries(name string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tried[name] = now
}

// doModel does a job, and notes how it ended.
func (a *App) doModel(ctx context.Context, j modelJob) error {
	a.modeling.turn.Lock()
	defer a.modeling.turn.Unlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.modeling.mu.Lock()
	a.modeling.cancels[j.name] = stop
	a.modeling.mu.Unlock()
	var err error
	if j.train {
		err = a.trainModel(ctx, j)
	} else {
		err = a.scoreEverybody(ctx, j.name, j.by)
	}
	a.modeling.mu.Lock()
	defer a.modeling.mu.Unlock()
	delete(a.modeling.cancels, j.name)
	delete(a.modeling.runs, j.name)
	delete(a.modeling.trouble, j.name)
	if err != nil {
		a.modeling.trouble[j.name] = err.Error()
		if ctx.Err() != nil {
			a.modeling.trouble[j.name] = "it was stopped"
			err = clientele.Errorf(clientele.Unavailable, "model %s: it was stopped", j.name)
		} else {
			a.o.Log.Warn("model", "model", j.name, "error", err.Error())
		}
	}
	return err
}

// trainModel makes a version, promotes it when it may take over by itself, and scores everybody by it.
func (a *App) trainModel(ctx context.Context, j modelJob) error {
	m, err := resolve.LoadModel(a.rows, j.name)
	if err != nil {
		return err
	}
	began := a.o.Now()
	a.modeling.note(j.name, func(r *clientele.ModelRun) { r.Doing = "reads" })
	t, notes, err := a.learn(ctx, m, func() { a.modeling.note(j.name, func(r *clientele.ModelRun) { r.Doing = "trains" }) })
	switch {
	case clientele.ErrorCode(err) == clientele.Invalid: // too little data: that is what came of it
		t = &trainer.Trained{Version: clientele.ModelVersion{State: clientele.VersionRefused, Why: err.Error(), Quality: "unknown", Settings: m.Model}}
		t.Report = clientele.ModelReport{Quality: "unknown", Summary: []string{err.Error() + ".", "What helps: " + clientele.ErrorHint(err) + "."}, Notes: notes}
	case err != nil:
		return err
	}
	t.Version.Code, t.Version.TookMS = a.o.Version, a.o.Now().Sub(began).Milliseconds()
	byItself := m.Model.Promote != "manual" && t.Hold == "" && t.Version.State != clientele.VersionRefused
	switch {
	case t.Hold != "":
		t.Version.Why = "not promoted by itself: " + t.Hold
	case !byItself && t.Version.Why == "":
		t.Version.Why = "it waits for somebody to promote it"
	}
	version, err := a.keepVersion(ctx, j, t)
	if err != nil || !byItself {
		return err
	}
	if _, err := a.command(ctx, clientele.CommandModelState, j.by, resolve.ModelStateBody{Model: j.name, Version: version, State: clientele.VersionPromoted}); err != nil {
		return err
	}
	return a.scoreEverybody(ctx, j.name, j.by)
}

// promoted is the promoted version, and what it has learned; nil when there is none.
func (a *App) promoted(m *resolve.ModelRow) (*clientele.ModelVersion, []byte, error) {
	if m.Promoted == 0 {
		return nil, nil, nil
	}
	v, err := m.Version(m.Promoted)
	if err != nil {
		return nil, nil, err
	}
	artefact, err := resolve.LoadArtefact(a.rows, v.Artefact)
	return v, artefact, err
}

// artefactPart is how many bytes of what was learned one command holds.
const artefactPart = 256 << 10

// keepVersion puts what was learned into the log, and answers the version's number.
func (a *App) keepVersion(ctx context.Context, j modelJob, t *trainer.Trained) (int, error) {
	if len(t.Artefact) > 0 {
		sum := sha256.Sum256(t.Artefact)
		t.Version.Artefact, t.Version.Bytes = hex.EncodeToString(sum[:]), int64(len(t.Artefact))
		part := 0
		for data := range slices.Chunk(t.Artefact, artefactPart) {
			if _, err := a.append(ctx, clientele.CommandModelPart, j.by, resolve.ModelPartBody{Hash: t.Version.Artefact, Part: part, Data: data}); err != nil {
				return 0, err
			}
			part++
		}
	}
	report, err := json.Marshal(t.Report)
	if err != nil {
		return 0, clientele.Errorf(clientele.Internal, "report of a model: %w", err)
	}
	if _, err := a.command(ctx, clientele.CommandModelVersion, j.by, resolve.ModelVersionBody{Model: j.name, Version: t.Version, Report: report}); err != nil {
		return 0, err
	}
	m, err := resolve.LoadModel(a.rows, j.name)
	if err != nil {
		return 0, err
	}
	return m.Last, nil
}

// scoredAtOnce is how many people one command scores: a fraction of a second of the resolver, between which live traffic goes.
const scoredAtOnce = 4000

// scoreEverybody scores by the promoted version, and forgets what it no longer says anything of.
func (a *App) scoreEverybody(ctx context.Context, name, by string) error {
	m, err := resolve.LoadModel(a.rows, name)
	if err != nil {
		return err
	}
	v, artefact, err := a.promoted(m)
	if err != nil || v == nil {
		return err
	}
	a.modeling.note(name, func(r *clientele.ModelRun) { r.Doing, r.Version = "reads", v.Version })
	asOf := clientele.Micros(a.domain.Load())
	scores, moved, upTo, err := a.predict(ctx, v, artefact, nil, nil)
	if err != nil {
		return err
	}
	a.modeling.note(name, func(r *clientele.ModelRun) { r.Doing, r.Of = "scores", int64(len(scores.Profiles)) })
	if err := a.tellScores(ctx, name, by, v.Version, asOf, scores, false); err != nil {
		return err
	}
	a.modeling.scoring.Lock()
	defer a.modeling.scoring.Unlock()
	if err := a.unscore(ctx, by, name, scores.Profiles); err != nil {
		return err
	}
	done := &clientele.ModelScored{Version: v.Version, At: asOf, UpTo: upTo, Profiles: int64(len(scores.Profiles)), Moved: moved}
	done.Ladder = scores.Ladder
	done.Ranks = trainer.Ranks(scores.Ranked())
	p, err := a.append(ctx, clientele.CommandScores, by, resolve.ScoresBody{Model: name, Version: v.Version, AsOf: asOf, Done: done})
	if err != nil {
		return err
	}
	if err := a.reached(ctx, p); err != nil {
		return err
	}
	return a.computePercentiles(ctx, by) // of what is predicted, where audiences ask for them
}

// tellScores puts scores into the log; with anew only those that say something else than what is stored.
func (a *App) tellScores(ctx context.Context, name, by string, version int, asOf clientele.Micros, s *trainer.Scores, anew bool) error {
	for from := 0; from < len(s.Profiles); from += scoredAtOnce {
		to := min(from+scoredAtOnce, len(s.Profiles))
		b := resolve.ScoresBody{Model: name, Version: version, AsOf: asOf, Anchors: resolve.PackIDs(s.Profiles[from:to])}
		for _, c := range s.Columns {
			b.Outputs, b.Values = append(b.Outputs, c.Name), append(b.Values, jsonColumn(c, from, to))
		}
		if anew {
			if err := b.Anew(a.rows); err != nil {
				return err
			}
		}
		if b.Anchors != "" {
			if err := a.tellSome(ctx, by, b); err != nil {
				return err
			}
		}
		a.modeling.note(name, func(r *clientele.ModelRun) { r.Done = int64(to) })
	}
	return nil
}

func (a *App) tellSome(ctx context.Context, by string, b resolve.ScoresBody) error {
	a.modeling.scoring.Lock()
	defer a.modeling.scoring.Unlock()
	p, err := a.append(ctx, clientele.CommandScores, by, b)
	if err != nil {
		return err
	}
	return a.resolved.reach(ctx, uint64(p))
}

func jsonColumn(c trainer.Column, from, to int) []clientele.RawJSON {
	out := make([]clientele.RawJSON, 0, to-from)
	for i := from; i < to; i++ {
		switch {
		case c.Texts != nil:
			text, err := json.Marshal(c.Texts[i])
			if err != nil {
				text = nil
			}
			out = append(out, text)
		case c.Numbers[i] != c.Numbers[i]: // NaN
			out = append(out, nil)
		default:
			out = append(out, strconv.AppendFloat(nil, c.Numbers[i], 'f', -1, 64))
		}
	}
	return out
}

// goneAtOnce is of how many people one command forgets what is predicted.
const goneAtOnce = 4000

// unscore forgets what the model predicts of everybody but the given profiles, which are ascending.
func (a *App) unscore(ctx context.Context, by, name string, but []int64) error {
	last, err := a.tellGone(ctx, by, name, but)
	if err != nil || last == 0 {
		return err
	}
	return a.resolved.reach(ctx, uint64(last))
}

// tellGone does so without waiting, and answers the last position of it; 0 for nobody.
func (a *App) tellGone(ctx context.Context, by, name string, but []int64) (last clientele.Position, err error) {
	var gone []int64
	err = resolve.ScoredBy(a.rows, name, func(anchor clientele.Anchor, _ resolve.Score) error {
		if _, keep := slices.BinarySearch(but, int64(anchor)); !keep {
			gone = append(gone, int64(anchor))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(gone, goneAtOnce) {
		if last, err = a.append(ctx, clientele.CommandScores, by, resolve.ScoresBody{Model: name, AsOf: clientele.Micros(a.domain.Load()), Gone: resolve.PackIDs(some)}); err != nil {
			return 0, err
		}
	}
	return last, nil
}
