package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/quality"
	"clientele/internal/resolve"
)

var _ api.Models = (*App)(nil)

// ReadModels reads models from files, and checks them.
func ReadModels(names []string) (out []clientele.Model, err error) {
	for _, name := range names {
		wrong := func(err error) error {
			return clientele.Errorf(clientele.Invalid, "models: %s: %w", name, err).WithHint("%s", clientele.ErrorHint(err))
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "models: %w", err).WithHint("name a readable file; a relative name begins where the program was started")
		}
		var some []clientele.Model
		if err := quality.ReadYAML("models", text, &some); err != nil {
			return nil, wrong(err)
		}
		for _, m := range some {
			err := m.Check()
			if err == nil && slices.ContainsFunc(out, func(x clientele.Model) bool { return x.Name == m.Name }) {
				err = clientele.Errorf(clientele.Invalid, "there are two models %s", m.Name)
			}
			if err != nil {
				return nil, wrong(err)
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// tellModels puts the configuration's models into the log when they are not those in force.
func (a *App) tellModels(ctx context.Context) error {
	all, err := resolve.LoadModels(a.rows)
	if err != nil || a.o.KeepRules {
		return err
	}
	for _, m := range a.ruled.models {
		if have := all[m.Name]; have != nil && have.Origin.Config && have.Model == m {
			continue
		}
		if err := a.tellRule(ctx, clientele.CommandModel, resolve.ModelBody{Model: m, Config: true}); err != nil {
			return err
		}
	}
	return nil
}

// endModels ends the models that the configuration no longer has, once nothing is kept of what they predicted.
func (a *App) endModels(ctx context.Context) error {
	all, err := resolve.LoadModels(a.rows)
	if err != nil || a.o.KeepRules {
		return err
	}
	for _, name := range resolve.SortedModels(all) {
		if !all[name].Origin.Config || slices.ContainsFunc(a.ruled.models, func(m clientele.Model) bool { return m.Name == name }) {
			continue
		}
		// Nothing scores before the rules are told, and nobody resolves perhaps: none of this waits.
		_, err := a.tellGone(ctx, ofFile, name, nil)
		if err == nil {
			err = a.tellRule(ctx, clientele.CommandModel, resolve.ModelBody{Model: clientele.Model{Name: name}, Delete: true, Config: true})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellRule puts a rule of the configuration into the log; a full log leaves those in force.
func (a *App) tellRule(ctx context.Context, name clientele.CommandName, body any) error {
	_, err := a.append(ctx, name, ofFile, body)
	if clientele.ErrorCode(err) == clientele.Unavailable {
		a.trouble.add("rules", "the configuration's rules could not be put into the log: "+err.Error())
		return nil
	}
	return err
}

// Models are the models, by name.
func (a *App) Models(context.Context) ([]clientele.ModelInForce, error) {
	all, err := resolve.LoadModels(a.rows)
	if err != nil {
		return nil, err
	}
	out := []clientele.ModelInForce{}
	for _, name := range resolve.SortedModels(all) {
		out = append(out, *a.inForceModel(all[name]))
	}
	return out, nil
}

// Model is the named model.
func (a *App) Model(_ context.Context, name string) (*clientele.ModelInForce, error) {
	m, err := resolve.LoadModel(a.rows, name)
	if err != nil {
		return nil, err
	}
	return a.inForceModel(m), nil
}

func (a *App) inForceModel(m *resolve.ModelRow) *clientele.ModelInForce {
	out := &clientele.ModelInForce{Model: m.Model, RuleOrigin: m.Origin, Outputs: m.Model.Kind.Outputs(), Promoted: m.Promoted}
	if len(m.Versions) > 0 {
		out.Trained = &m.Versions[len(m.Versions)-1]
	}
	if m.Scored != nil {
		scored := *m.Scored
		scored.Ranks, scored.Ladder = nil, nil
		out.Scored = &scored
	}
	out.Running, out.Trouble = a.modeling.state(m.Model.Name)
	return out
}

// SetModel makes a model, or changes the settings of one: its next version is trained by them.
func (a *App) SetModel(ctx context.Context, by string, m clientele.Model) (*clientele.ModelInForce, error) {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	all, err := resolve.LoadModels(a.rows)
	if err != nil {
		return nil, err
	}
	if err := resolve.CheckModel(all, m); err != nil {
		return nil, err
	}
	if have := all[m.Name]; have != nil {
		if err := ofConfig("model", have.Origin); err != nil {
			return nil, err
		}
	}
	if m.Audience != "" {
		if _, err := resolve.LoadAudience(a.rows, m.Audience); err != nil {
			return nil, err
		}
	}
	if _, err := a.command(ctx, clientele.CommandModel, by, resolve.ModelBody{Model: m}); err != nil {
		return nil, err
	}
	return a.Model(ctx, m.Name)
}

// DeleteModel ends a model, and what it predicts with it. The column stays, and is empty.
func (a *App) DeleteModel(ctx context.Context, by, name string) error {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	m, err := resolve.LoadModel(a.rows, name)
	if err != nil {
		return err
	}
	if err := ofConfig("model", m.Origin); err != nil {
		return err
	}
	if err := resolve.ModelUnused(a.rows, name); err != nil {
		return err
	}
	a.modeling.cancel(name)
	a.modeling.scoring.Lock()
	defer a.modeling.scoring.Unlock()
	if err := a.unscore(ctx, by, name, nil); err != nil {
		return err
	}
	_, err = a.command(ctx, clientele.CommandModel, by, resolve.ModelBody{Model: clientele.Model{Name: name}, Delete: true})
	return err
}

// TrainModel trains a new version, in the background where a server runs. Conflict when one is under way.
func (a *App) TrainModel(ctx context.Context, by, name string) (*clientele.ModelInForce, error) {
	if _, err := resolve.LoadModel(a.rows, name); err != nil {
		return nil, err
	}
	if err := a.ask(ctx, modelJob{name: name, by: by, train: true}); err != nil {
		return nil, err
	}
	return a.Model(ctx, name)
}

// CancelModel stops what is under way. Conflict when nothing is.
func (a *App) CancelModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	if _, err := resolve.LoadModel(a.rows, name); err != nil {
		return nil, err
	}
	if !a.modeling.cancel(name) {
		return nil, clientele.Errorf(clientele.Conflict, "nothing is under way with model %s", name)
	}
	return a.Model(ctx, name)
}

// PromoteModel has everybody scored by the version, 0 for the latest; RollBackModel by the one that was promoted before.
func (a *App) PromoteModel(ctx context.Context, by, name string, version int) (*clientele.ModelInForce, error) {
	return a.choose(ctx, by, resolve.ModelStateBody{Model: name, Version: version, State: clientele.VersionPromoted})
}

// RollBackModel goes back to the version that was promoted before.
func (a *App) RollBackModel(ctx context.Context, by, name string) (*clientele.ModelInForce, error) {
	return a.choose(ctx, by, resolve.ModelStateBody{Model: name, State: clientele.VersionRolledBack})
}

func (a *App) choose(ctx context.Context, by string, b resolve.ModelStateBody) (*clientele.ModelInForce, error) {
	m, err := resolve.LoadModel(a.rows, b.Model)
	if err != nil {
		return nil, err
	}
	v, err := m.CheckState(b.Version, b.State)
	if err != nil {
		return nil, err
	}
	b.Version = v.Version
	if _, err := a.command(ctx, clientele.CommandModelState, by, b); err != nil {
		return nil, err
	}
	if err := a.ask(ctx, modelJob{name: b.Model, by: by}); err != nil && clientele.ErrorCode(err) != clientele.Conflict {
		return nil, err // the stage sees that it has not been scored by it
	}
	return a.Model(ctx, b.Model)
}

// ModelVersions are the versions of a model, the latest first.
func (a *App) ModelVersions(_ context.Context, name string) ([]clientele.ModelVersion, error) {
	m, err := resolve.LoadModel(a.rows, name)
	if err != nil {
		return nil, err
	}
	out := append([]clientele.ModelVersion{}, m.Versions...)
	slices.Reverse(out)
	return out, nil
}

// ModelReport says how far a version can be believed; version 0 is the promoted one, the latest when none is.
func (a *App) ModelReport(_ context.Context, name string, version int) (*clientele.ModelReport, error) {
	m, err := resolve.LoadModel(a.rows, name)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		version = m.Promoted
	}
	v, err := m.Version(version)
	if err != nil {
		return nil, err
	}
	text, err := resolve.LoadModelReport(a.rows, name, v.Version)
	if err != nil {
		return nil, err
	}
	r := &clientele.ModelReport{Summary: []string{}}
	if len(text) > 0 {
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(r); err != nil {
			return nil, clientele.Errorf(clientele.Corrupt, "stored report of a model: %w", err)
		}
	}
	r.Model, r.Version, r.State, r.Why, r.Quality = name, v.Version, v.State, v.Why, v.Quality
	if m.Scored != nil && m.Scored.Version == v.Version {
		r.Notes = append(r.Notes, m.Scored.Moved...)
	}
	return r, nil
}

// predictions is what models predict of the profile: by model, its outputs, as of when, and of which version.
func (v *view) predictions(p clientele.ProfileID) (map[string]any, error) {
	members, err := v.graph.Members(p)
	if err != nil {
		return nil, err
	}
	scores, err := resolve.LoadScores(v, members)
	out := map[string]any{}
	for name, s := range scores {
		out[name] = json.RawMessage(s.JSON())
	}
	return out, err
}

// predicted are the names of what models predict, MODEL.OUTPUT.
func (a *App) predicted() ([]string, error) {
	all, err := resolve.LoadModels(a.rows)
	out := []string{}
	for _, name := range resolve.SortedModels(all) {
		for _, o := range all[name].Model.Kind.Outputs() {
			out = append(out, name+"."+o.Name)
		}
		out = append(out, name+"."+clientele.PredictionAsOf, name+"."+clientele.PredictionVersion)
	}
	return out, err
}

// every is the span of a setting, otherwise the given; 0 for never.
func every(text, otherwise string) time.Duration {
	if text == "" {
		text = otherwise
	}
	days, err := clientele.Days(text)
	if err != nil {
		return 0
	}
	return time.Duration(days) * 24 * time.Hour
}
