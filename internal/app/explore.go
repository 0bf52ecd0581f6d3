package app

import (
	"cmp"
	"context"

	"clientele"
	"clientele/internal/insight"
	"clientele/internal/predict/forecast"
	"clientele/internal/resolve"
)

// explorer asks over the same way as users' SQL, with its limits.
func (a *App) explorer() *insight.Explorer {
	return insight.New(insight.Options{Query: a, Currency: a.cfg.Currency.Base, Now: a.o.Now, Stages: a.stageList, Members: a.membersQuery, Promoted: a.columns.Promoted, Forecast: ahead})
}

// ahead carries a series on.
func ahead(series []float64, season, periods int, level float64) (*clientele.Forecast, error) {
	r, err := forecast.Make(series, season, periods, level)
	if err != nil {
		return nil, err
	}
	out := &clientele.Forecast{Method: r.Method, Naive: r.Naive.Method, NaiveErr: r.Naive.MAE, Trials: r.Origins, Held: r.Coverage, HeldOf: r.Covered}
	for _, t := range r.Trials {
		if t.Method == r.Method {
			out.Error = t.MAE
		}
	}
	for _, p := range r.Points {
		out.Periods = append(out.Periods, clientele.ForecastPeriod{Expected: p.Expected, Low: p.Low, High: p.High})
	}
	return out, nil
}

// stageList are the lifecycle's stages that are live or will be.
func (a *App) stageList() ([]clientele.LifecycleStage, error) {
	l, err := a.Lifecycle(context.Background())
	if err != nil {
		return nil, err
	}
	return l.Stages, nil
}

// membersQuery is the query of a definition's members, as of now.
func (a *App) membersQuery(ctx context.Context, where clientele.RawJSON) (string, error) {
	c, err := resolve.CheckAudience(a.rows, clientele.Audience{Name: "people of a question", Where: where})
	if err != nil {
		return "", err
	}
	schema, err := a.audienceSchema(ctx)
	if err != nil {
		return "", err
	}
	at, _, err := a.momentOf(ctx, schema, c)
	if err != nil {
		return "", err
	}
	return schema.Members(c, at), nil
}

// ExploreAudience makes an audience of the people behind a cell: of a definition where one says the same, otherwise of
// the query.
func (a *App) ExploreAudience(ctx context.Context, by string, req clientele.SegmentRequest) (*clientele.AudienceInForce, error) {
	if _, err := resolve.LoadAudience(a.rows, req.Name); err == nil {
		return nil, clientele.Errorf(clientele.Conflict, "there is an audience of that name").WithHint("take another name, or delete that one first")
	}
	where, query, reason, err := a.explorer().Segment(ctx, clientele.BehindRequest{Question: req.Question, Cell: req.Cell})
	if err != nil {
		return nil, err
	}
	set := a.SetAudience
	if req.Draft {
		set = a.DraftAudience
	}
	if where == nil {
		about := cmp.Or(req.Description, "kept by a query: "+reason)
		return set(ctx, by, clientele.Audience{Name: req.Name, Kind: clientele.AudienceSQL, Description: about, Query: query})
	}
	return set(ctx, by, clientele.Audience{Name: req.Name, Description: req.Description, Where: where})
}

// Explore answers a question.
func (a *App) Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error) {
	return a.explorer().Ask(ctx, q)
}

// Behind are the people behind a cell of an answer.
func (a *App) Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	return a.explorer().People(ctx, req)
}

// ExploreFields are what questions can name.
func (a *App) ExploreFields(ctx context.Context) (*clientele.ExploreFields, error) {
	return a.explorer().Fields(ctx)
}
