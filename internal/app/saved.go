package app

import (
	"context"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/resolve"
)

var _ api.Saver = (*App)(nil)

// SavedAll are those of the kind that the token may read, of every kind for "".
func (a *App) SavedAll(_ context.Context, who api.Reader, kind clientele.SavedKind) ([]clientele.Saved, error) {
	all, err := resolve.ListSaved(a.rows, kind)
	out := []clientele.Saved{}
	for i := range all {
		if all[i].ReadBy(who.Name, who.Role, who.Admin) {
			out = append(out, all[i])
		}
	}
	return out, err
}

// Saved is the one of that kind and name. NotFound too when it is not for the token.
func (a *App) Saved(_ context.Context, who api.Reader, kind clientele.SavedKind, name string) (*clientele.Saved, error) {
	s, err := resolve.LoadSaved(a.rows, kind, name)
	if err == nil && !s.ReadBy(who.Name, who.Role, who.Admin) {
		return nil, clientele.Errorf(clientele.NotFound, "there is no %s of that name", kind)
	}
	return s, err
}

// mine refuses to change what another has made.
func (a *App) mine(who api.Reader, kind clientele.SavedKind, name string) error {
	s, err := resolve.LoadSaved(a.rows, kind, name)
	if clientele.ErrorCode(err) == clientele.NotFound {
		return nil
	}
	if err == nil && s.By != who.Name && !who.Admin {
		return clientele.Errorf(clientele.Denied, "another has made the %s of that name", kind).WithHint("take another name, or an admin token")
	}
	return err
}

// Save keeps it. A question, and what a goal measures, has to be one that can be answered.
func (a *App) Save(ctx context.Context, who api.Reader, s clientele.Saved) (*clientele.Saved, error) {
	if err := a.mine(who, s.Kind, s.Name); err != nil {
		return nil, err
	}
	if err := resolve.CheckSaved(a.rows, &s); err != nil {
		return nil, err
	}
	if _, err := a.answerSaved(ctx, &s, false); err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandSaved, who.Name, resolve.SavedBody{Saved: s}); err != nil {
		return nil, err
	}
	return resolve.LoadSaved(a.rows, s.Kind, s.Name)
}

// DeleteSaved ends it.
func (a *App) DeleteSaved(ctx context.Context, who api.Reader, kind clientele.SavedKind, name string) error {
	if _, err := a.Saved(ctx, who, kind, name); err != nil {
		return err
	}
	if err := a.mine(who, kind, name); err != nil {
		return err
	}
	_, err := a.command(ctx, clientele.CommandSaved, who.Name, resolve.SavedBody{Saved: clientele.Saved{Kind: kind, Name: name}, Delete: true})
	return err
}

// AnswerSaved answers it now. Who may read a dashboard may read the questions on it.
func (a *App) AnswerSaved(ctx context.Context, who api.Reader, kind clientele.SavedKind, name string) (*clientele.SavedAnswer, error) {
	s, err := a.Saved(ctx, who, kind, name)
	if err != nil {
		return nil, err
	}
	return a.answerSaved(ctx, s, true)
}

// answerSaved answers a question, each of a dashboard, or a goal. Dashboards are answered where they are asked for,
// not when they are saved.
func (a *App) answerSaved(ctx context.Context, s *clientele.Saved, dashboards bool) (*clientele.SavedAnswer, error) {
	switch s.Kind {
	case clientele.SavedGoal:
		p, err := a.progress(ctx, s.Goal)
		return &clientele.SavedAnswer{Progress: p}, err
	case clientele.SavedQuestion:
		r, err := a.Explore(ctx, *s.Question)
		return &clientele.SavedAnswer{Answers: []clientele.NamedAnswer{{Name: s.Name, Answer: r}}}, err
	}
	out := &clientele.SavedAnswer{}
	if !dashboards {
		return out, nil
	}
	for _, name := range s.Questions {
		x := clientele.NamedAnswer{Name: name}
		q, err := resolve.LoadSaved(a.rows, clientele.SavedQuestion, name)
		if err == nil {
			x.Answer, err = a.Explore(ctx, *q.Question)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			x.Error = err.Error()
		}
		out.Answers = append(out.Answers, x)
	}
	return out, nil
}

// progress measures a goal, and the part of each audience that works for it.
func (a *App) progress(ctx context.Context, g *clientele.Goal) (*clientele.GoalProgress, error) {
	var in []string
	if g.Audience != "" {
		in = []string{g.Audience}
	}
	value, unit, err := a.measured(ctx, g, in)
	if err != nil {
		return nil, err
	}
	p := &clientele.GoalProgress{Value: value, Target: g.Target, Unit: unit}
	if value != nil {
		p.Reached = *value >= g.Target && !g.AtMost || *value <= g.Target && g.AtMost
		if g.Target != 0 {
			percent := 100 * *value / g.Target
			p.Percent = &percent
		}
	}
	for _, name := range g.Audiences {
		part := clientele.GoalPart{Audience: name}
		if part.Value, _, err = a.measured(ctx, g, append(in[:len(in):len(in)], name)); err != nil {
			part.Error = err.Error()
		}
		p.Parts = append(p.Parts, part)
	}
	return p, nil
}

func (a *App) measured(ctx context.Context, g *clientele.Goal, in []string) (*float64, string, error) {
	r, err := a.Explore(ctx, clientele.Question{Kind: "metric", Measures: []string{g.Measure}, Audiences: in, From: g.From, Until: g.Until, Last: g.Last, Currency: g.Currency})
	if err != nil || len(r.Rows) == 0 {
		return nil, "", err
	}
	unit := r.Columns[len(r.Columns)-1].Unit
	switch v := r.Rows[0][len(r.Columns)-1].(type) {
	case float64:
		return &v, unit, nil
	case int64:
		f := float64(v)
		return &f, unit, nil
	}
	return nil, unit, nil
}
