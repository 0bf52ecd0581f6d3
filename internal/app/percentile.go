package app

import (
	"context"
	"time"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// percentilesEvery is how often the thresholds of percentiles are computed anew.
const percentilesEvery = 24 * time.Hour

// Percentiles are the thresholds that audiences compare with, as of their last computation.
func (a *App) Percentiles(context.Context) ([]clientele.PercentileThreshold, error) {
	list, err := resolve.PercentilesWanted(a.rows)
	if list == nil {
		list = []clientele.PercentileThreshold{}
	}
	return list, err
}

// RefreshPercentiles computes them now. Audiences whose threshold is another then are filled anew.
func (a *App) RefreshPercentiles(ctx context.Context, by string) ([]clientele.PercentileThreshold, error) {
	if err := a.computePercentiles(ctx, by); err != nil {
		return nil, err
	}
	return a.Percentiles(ctx)
}

// duePercentiles computes the thresholds when one is not known yet, or the last computation is too old.
func (a *App) duePercentiles(ctx context.Context) error {
	wanted, err := resolve.PercentilesWanted(a.rows)
	if err != nil {
		return err
	}
	now := clientele.Micros(a.domain.Load())
	for _, t := range wanted {
		if t.At == 0 || now-t.At >= clientele.Micros(percentilesEvery.Microseconds()) {
			return a.computePercentiles(ctx, "clientele")
		}
	}
	return nil
}

// computePercentiles puts what SQL finds into the log, and waits until it is resolved.
func (a *App) computePercentiles(ctx context.Context, by string) error {
	a.percentiles.Lock()
	defer a.percentiles.Unlock()
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return err
	}
	wanted, err := resolve.PercentilesWanted(a.rows)
	if err != nil || len(wanted) == 0 {
		return err
	}
	schema, err := a.audienceSchema(ctx)
	if err != nil {
		return err
	}
	for i := range wanted {
		if err := a.threshold(ctx, schema, &wanted[i]); err != nil {
			return err
		}
	}
	p, err := a.append(ctx, clientele.CommandPercentiles, by, resolve.PercentilesBody{Thresholds: wanted})
	if err != nil {
		return err
	}
	return a.resolved.reach(ctx, uint64(p))
}

// threshold asks SQL for one.
func (a *App) threshold(ctx context.Context, schema audience.Schema, t *clientele.PercentileThreshold) error {
	res, err := a.columns.Query(ctx, schema.PercentileOf(t.Trait, t.Percentile), nil, duckstore.Limits{})
	if err != nil {
		return err
	}
	t.Value, t.Profiles = nil, 0
	if len(res.Rows) == 1 {
		if v, ok := res.Rows[0][0].(float64); ok {
			t.Value = &v
		}
		t.Profiles, _ = res.Rows[0][1].(int64)
	}
	return nil
}

// momentOf is now by the domain's clock, with what the definitions compare with: thresholds that no audience has
// asked for yet are computed for this question alone.
func (a *App) momentOf(ctx context.Context, schema audience.Schema, list ...audience.Condition) (audience.At, []clientele.PercentileThreshold, error) {
	at := audience.At{Now: clientele.Micros(a.domain.Load())}
	known, err := resolve.LoadPercentiles(a.rows)
	if err != nil {
		return at, nil, err
	}
	asked := resolve.AskedThresholds(audience.And(list), known)
	for i := range asked {
		if t := &asked[i]; t.At == 0 {
			if err := a.threshold(ctx, schema, t); err != nil {
				return at, nil, err
			}
			t.At = at.Now
		}
	}
	at.Percentiles = resolve.PercentilesOf(asked)
	return at, asked, nil
}
