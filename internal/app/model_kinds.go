package app

import (
	"context"

	"clientele"
	"clientele/internal/predict/trainer"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// families say of each kind of models what it reads, how it learns from it and how it scores by what it has learned.
var families = map[clientele.ModelKind]family{
	clientele.ModelLTV:        ofOrders,
	clientele.ModelDiscount:   ofOrders,
	clientele.ModelSegments:   ofOrders,
	clientele.ModelChurn:      ofFacts(trainer.TrainAnswer, scoreAnswer),
	clientele.ModelPropensity: ofFacts(trainer.TrainAnswer, scoreAnswer),
	clientele.ModelEarly:      ofFacts(trainer.TrainEarly, scoreEarly),
	clientele.ModelLookalike:  ofCrowd,
	clientele.ModelUplift:     ofExperiments,
	clientele.ModelOutside:    ofScores,
	clientele.ModelAffinity:   ofChoices,
	clientele.ModelSendTime:   ofChoices,
}

// family is kinds of models that read the same; what that is only readings knows.
type family interface {
	learn(ctx context.Context, a *App, l *learning) (*trainer.Trained, []string, error)
	score(ctx context.Context, a *App, s *scoring) (*trainer.Scores, []string, error)
	// heed are rows besides those that the kind follows, whose people are scored anew at a pace: there may be many.
	heed(m *clientele.Model, artefact []byte) ([]duckstore.Followed, error)
}

// learning is a version to be made.
type learning struct {
	model   *clientele.Model
	before  []byte // what the promoted version has learned; nil for none
	reading func() // called when all is read
	workers int
}

// scoring is people to be scored.
type scoring struct {
	version  *clientele.ModelVersion
	artefact []byte
	only     []int64                // nil: everybody
	last     *clientele.ModelScored // of some: when everybody was, with whose places they are placed; nil: this is everybody
	workers  int
}

// ranks are those of everybody, where it is some that are scored.
func (s *scoring) ranks() []float64 {
	if s.only == nil {
		return nil
	}
	return append([]float64{}, s.last.Ranks...)
}

// readings is a family by what it reads.
type readings[D any] struct {
	// read reads everybody, or some. artefact is what was learned, in whose terms it is read; nil: in those of what there is.
	read  func(ctx context.Context, a *App, m *clientele.Model, artefact []byte, only []int64) (D, error)
	notes func(D) []string
	train func(context.Context, D, *learning) (*trainer.Trained, error)
	// mark scores, and says of everybody what has moved since the training.
	mark  func(context.Context, D, *scoring) (*trainer.Scores, []string, error)
	heeds func(m *clientele.Model, artefact []byte) ([]duckstore.Followed, error) // nil: none
}

func (r readings[D]) learn(ctx context.Context, a *App, l *learning) (*trainer.Trained, []string, error) {
	d, err := r.read(ctx, a, l.model, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	l.reading()
	t, err := r.train(ctx, d, l)
	return t, r.notes(d), err
}

func (r readings[D]) score(ctx context.Context, a *App, s *scoring) (*trainer.Scores, []string, error) {
	d, err := r.read(ctx, a, &s.version.Settings, s.artefact, s.only)
	if err != nil {
		return nil, nil, err
	}
	return r.mark(ctx, d, s)
}

func (r readings[D]) heed(m *clientele.Model, artefact []byte) ([]duckstore.Followed, error) {
	if r.heeds == nil {
		return nil, nil
	}
	return r.heeds(m, artefact)
}

// learn makes a version of a model from what there is.
func (a *App) learn(ctx context.Context, m *resolve.ModelRow, reading func()) (*trainer.Trained, []string, error) {
	_, before, err := a.promoted(m)
	if err != nil {
		return nil, nil, err
	}
	if _, err := a.readable(ctx); err != nil {
		return nil, nil, err
	}
	return families[m.Model.Kind].learn(ctx, a, &learning{&m.Model, before, reading, max(1, a.cfg.Columns.Threads)})
}

// predict scores people by what a version has learned: everybody, or some, who are placed among all as last scored; what has moved since is said of
// everybody. All that is known up to the position counts.
func (a *App) predict(ctx context.Context, v *clientele.ModelVersion, artefact []byte, only []int64, last *clientele.ModelScored) (*trainer.Scores, []string, clientele.Position, error) {
	upTo, err := a.readable(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	s, moved, err := families[v.Settings.Kind].score(ctx, a, &scoring{v, artefact, only, last, max(1, a.cfg.Columns.Threads)})
	return s, moved, upTo, err
}

// readable waits until what is committed can be read, and answers up to which position.
func (a *App) readable(ctx context.Context) (upTo clientele.Position, err error) {
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return 0, err
	}
	err = a.columns.Numbers(ctx, "select log_position from base.position", func(row []int64) error { upTo = clientele.Position(row[0]); return nil })
	return upTo, err
}

// knownBy are the terms of what was learned; nil before.
func knownBy(artefact []byte) (*trainer.Known, error) {
	if artefact == nil {
		return nil, nil
	}
	return trainer.KnownBy(artefact)
}
