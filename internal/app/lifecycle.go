package app

import (
	"context"
	"encoding/json"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/audience"
	"clientele/internal/config"
	"clientele/internal/resolve"
)

var _ api.Lifecycle = (*App)(nil)

// Lifecycle are the stages, and how they stand.
func (a *App) Lifecycle(context.Context) (*clientele.LifecycleInForce, error) {
	return resolve.LoadLifecycle(a.rows)
}

// SetLifecycle brings stages into force. They are filled afterwards; those before stay live meanwhile.
func (a *App) SetLifecycle(ctx context.Context, by string, stages []clientele.LifecycleStage) (*clientele.LifecycleInForce, error) {
	if len(a.filed.Load().way) > 0 {
		return nil, clientele.Errorf(clientele.Conflict, "the lifecycle is in the configuration file").WithHint("change it there, and reload")
	}
	if err := resolve.CheckLifecycle(a.rows, stages); err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandLifecycle, by, resolve.LifecycleBody{Stages: stages}); err != nil {
		return nil, err
	}
	return a.Lifecycle(ctx)
}

// FillLifecycle fills the stages that wait for it, for a command that has opened the directory itself.
func (a *App) FillLifecycle(ctx context.Context) error {
	if a.o.Serves {
		return nil
	}
	list, err := resolve.LoadFilling(a.rows)
	for i := range list {
		if err == nil {
			err = a.fillVersion(ctx, &list[i])
		}
	}
	return err
}

// readStages reads the configuration's lifecycle.
func readStages(of config.Lifecycle) (way []clientele.LifecycleStage, err error) {
	if of.Default && len(of.Stages) > 0 {
		return nil, clientele.Errorf(clientele.Invalid, "lifecycle: default, and stages beside it").WithHint("leave one of them out")
	}
	if of.Default {
		way = clientele.DefaultLifecycle()
	}
	for i, s := range of.Stages {
		out := clientele.LifecycleStage{Name: s.Name, Description: s.Description, Lost: s.Lost}
		if s.Where != nil {
			where, err := json.Marshal(s.Where)
			var c audience.Condition
			if err == nil {
				c, err = audience.Parse(where)
			}
			if err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "lifecycle.stages[%d]: %w", i, err).WithHint("%s", clientele.ErrorHint(err))
			}
			out.Where = audience.JSON(c)
		}
		way = append(way, out)
	}
	return way, nil
}

// tellStages puts the configuration's lifecycle into the log when it is not the one in force, and ends
// one that the configuration no longer has.
func (a *App) tellStages(ctx context.Context) error {
	have, err := resolve.LoadLifecycle(a.rows)
	if err != nil {
		return err
	}
	way := a.filed.Load().way
	if len(way) == 0 && (have.By != ofFile || a.o.KeepRules) {
		return nil
	}
	if len(way) > 0 && have.By == ofFile && sameStages(have.Stages, way) {
		return nil
	}
	_, err = a.append(ctx, clientele.CommandLifecycle, ofFile, resolve.LifecycleBody{Stages: way})
	if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: those in force stay
		a.trouble.add("rules", "the configuration's lifecycle could not be put into the log: "+err.Error())
		return nil
	}
	return err
}

func sameStages(x, y []clientele.LifecycleStage) bool {
	a, errA := json.Marshal(x)
	b, errB := json.Marshal(y)
	return errA == nil && errB == nil && string(a) == string(b)
}
