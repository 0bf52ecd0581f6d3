package app

import (
	"context"
	"fmt"

	"clientele"
	"clientele/internal/predict/trainer"
	"clientele/internal/store/duckstore"
)

// ofExperiments is the kind that learns whom a treatment helps.
var ofExperiments = readings[*trainer.Experiment]{
	read: func(ctx context.Context, a *App, m *clientele.Model, artefact []byte, only []int64) (*trainer.Experiment, error) {
		e := &trainer.Experiment{}
		var err error
		if artefact == nil {
			err = a.exposures(ctx, m, e)
		} else {
			err = a.columns.Numbers(ctx, "select profile_id from profiles where true"+someSQL(only)+" order by 1", func(row []int64) error {
				e.Everybody = append(e.Everybody, row[0])
				return nil
			})
		}
		if err != nil {
			return nil, err
		}
		known, err := knownBy(artefact)
		if err != nil {
			return nil, err
		}
		e.Facts, err = a.facts(ctx, m, known, only)
		return e, err
	},
	notes: func(e *trainer.Experiment) []string { return e.Notes },
	train: func(ctx context.Context, e *trainer.Experiment, l *learning) (*trainer.Trained, error) {
		return trainer.TrainUplift(ctx, l.model, e, l.workers)
	},
	mark: func(ctx context.Context, e *trainer.Experiment, s *scoring) (*trainer.Scores, []string, error) {
		scores, err := trainer.ScoreUplift(ctx, s.artefact, e, s.ranks(), s.workers)
		return scores, nil, err
	},
}

// exposures are who saw which arm of the model's experiment first.
func (a *App) exposures(ctx context.Context, m *clientele.Model, e *trainer.Experiment) error {
	views := fmt.Sprintf(`(select profile_id, ts, coalesce(nullif(properties->>'variation_name', ''), properties->>'variation_id') as arm, properties->>'variation_id' as id from events
		where name = %s and profile_id is not null and ts is not null and %s in (properties->>'experiment_name', properties->>'experiment_id')) v`, textSQL(clientele.ExperimentViewed), textSQL(m.Experiment))
	named := *m
	res, err := a.columns.Query(ctx, "select arm, count(distinct profile_id), min(id), max(id) from "+views+" where arm is not null group by 1", nil, duckstore.Limits{Rows: -1})
	if err != nil {
		return err
	}
	var sizes []trainer.ArmSize
	for _, row := range res.Rows {
		arm, _ := row[0].(string)
		sizes = append(sizes, trainer.ArmSize{Name: arm, People: int64(amountOf(row[1]))})
		for _, said := range []*string{&named.Treated, &named.Control} { // an arm may be said by its id
			if *said != "" && (*said == row[2] || *said == row[3]) {
				*said = arm
			}
		}
	}
	if e.Arms, err = trainer.ArmsOf(&named, sizes); err != nil {
		return err
	}
	// 1 is the untreated arm, 2 the treated one, 3 any other.
	return a.columns.Numbers(ctx, fmt.Sprintf("select profile_id, epoch_us(min(ts)), min(place), max(place) from (select profile_id, ts, coalesce(nullif(list_position(%s, arm), 0), 3) as place from %s where arm is not null) p "+
		"group by 1 having min(place) < 3 order by 1", listSQL(e.Arms[:]), views),
		func(row []int64) error {
			e.Seen = append(e.Seen, trainer.Exposure{Profile: row[0], At: clientele.Micros(row[1]), Treated: row[2] == 2, Both: row[2] != row[3]})
			return nil
		})
}
