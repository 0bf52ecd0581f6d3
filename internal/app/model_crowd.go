package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/predict/trainer"
)

// By how many traits, and texts of a trait, people are told apart, and how many people have to have one.
const (
	mostTraits     = 60
	mostCategories = 20
	fewestWith     = 20
)

// unsaid stands for a number that nobody has said.
const unsaid = math.MinInt64 + 1

// ofCrowd is the kind that looks for people who are like those of an audience.
var ofCrowd = readings[*trainer.Crowd]{
	read: func(ctx context.Context, a *App, m *clientele.Model, artefact []byte, only []int64) (*trainer.Crowd, error) {
		known, err := knownBy(artefact)
		if err != nil {
			return nil, err
		}
		return a.crowd(ctx, m, known, only)
	},
	notes: func(c *trainer.Crowd) []string { return c.Notes },
	train: func(ctx context.Context, c *trainer.Crowd, l *learning) (*trainer.Trained, error) {
		return trainer.TrainAlike(ctx, l.model, c, l.workers)
	},
	mark: func(_ context.Context, c *trainer.Crowd, s *scoring) (*trainer.Scores, []string, error) {
		if s.only != nil {
			if c.Ladder = s.last.Ladder; c.Ladder == nil { // the last time was by an earlier program, which kept no places
				return &trainer.Scores{}, nil, nil
			}
		}
		scores, err := trainer.ScoreAlike(s.artefact, c, s.ranks(), s.workers)
		return scores, nil, err
	},
}

// crowd is everybody, or some, with what is known of them, and who of them are in the model's audience now; in the terms of a version, or, when known is nil, in
// those of what there is. Personal fields tell nobody apart.
func (a *App) crowd(ctx context.Context, m *clientele.Model, known *trainer.Known, only []int64) (*trainer.Crowd, error) {
	f, err := a.facts(ctx, m, known, only)
	if err != nil {
		return nil, err
	}
	c := &trainer.Crowd{Facts: f}
	columns, err := a.traitColumns(ctx)
	if err != nil {
		return nil, err
	}
	if known != nil {
		c.Traits = known.Traits
	} else if c.Traits, err = a.tellingTraits(ctx, columns); err != nil {
		return nil, err
	}
	listed := map[int64]bool{}
	err = a.columns.Numbers(ctx, "select profile_id from audience_members where audience = "+textSQL(m.Audience)+" and exited_at is null"+someSQL(only), func(row []int64) error {
		listed[row[0]] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(listed) == 0 && known == nil {
		c.Notes = append(c.Notes, "Nobody is in the audience "+m.Audience+".")
	}
	c.Values = make([][]float64, len(c.Traits))
	err = a.columns.Numbers(ctx, traitsSQL(c.Traits, columns, only), func(row []int64) error {
		c.Everybody, c.Listed = append(c.Everybody, row[0]), append(c.Listed, listed[row[0]])
		for i, v := range row[1:] {
			x := float64(v)
			switch {
			case v == unsaid:
				x = math.NaN()
			case len(c.Traits[i].Categories) == 0:
				x /= 10000
			}
			c.Values[i] = append(c.Values[i], x)
		}
		return nil
	})
	return c, err
}

// traitColumns are the columns of profiles that hold traits which are not personal, by the trait.
func (a *App) traitColumns(ctx context.Context) (map[string]clientele.Promotion, error) {
	all, err := a.columns.Promoted(ctx, "profiles")
	out := map[string]clientele.Promotion{}
	for _, p := range all {
		made := strings.HasPrefix(p.JSON, clientele.ComputedJSON("")) || strings.HasPrefix(p.JSON, clientele.PredictionJSON(""))
		if !made && !a.personal.Field("traits", p.JSON) {
			out[p.JSON] = p
		}
	}
	return out, err
}

// tellingTraits are numbers, yes or no, and texts that many people share, those most people have first.
func (a *App) tellingTraits(ctx context.Context, columns map[string]clientele.Promotion) (out []trainer.Trait, err error) {
	type filled struct {
		name   string
		people int64
	}
	var names []string
	var counts []string
	for name, p := range columns {
		switch p.Type {
		case clientele.TypeText, clientele.TypeBool, clientele.TypeBigint, clientele.TypeDouble, clientele.TypeDecimal:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		counts = append(counts, "count("+quoteSQL(columns[name].Column)+")")
	}
	if len(names) == 0 {
		return nil, nil
	}
	var by []filled
	err = a.columns.Numbers(ctx, "select "+strings.Join(counts, ", ")+" from profiles", func(row []int64) error {
		for i, n := range row {
			if n >= fewestWith {
				by = append(by, filled{names[i], n})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(by, func(x, y filled) int { return int(y.people - x.people) })
	for _, x := range by[:min(len(by), mostTraits)] {
		t := trainer.Trait{Name: x.name, Bought: strings.HasPrefix(x.name, clientele.EnrichmentPrefix)}
		if p := columns[x.name]; p.Type == clientele.TypeText {
			t.Categories, err = a.texts(ctx, fmt.Sprintf("select %[1]s from profiles where %[1]s is not null group by 1 having count(*) >= %d order by count(*) desc, 1 limit %d", quoteSQL(p.Column), fewestWith, mostCategories))
			if err != nil {
				return nil, err
			}
			if len(t.Categories) == 0 {
				continue
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// traitsSQL is a row for each profile: its id, and each trait as a whole number, ten-thousandths of numbers and places of texts.
func traitsSQL(traits []trainer.Trait, columns map[string]clientele.Promotion, only []int64) string {
	none := strconv.FormatInt(unsaid, 10)
	all := []string{"profile_id"}
	for _, t := range traits {
		p, there := columns[t.Name]
		column := quoteSQL(p.Column)
		switch {
		case !there, len(t.Categories) > 0 != (p.Type == clientele.TypeText): // it is no longer what it was
			all = append(all, "cast("+none+" as bigint)")
		case len(t.Categories) > 0:
			all = append(all, fmt.Sprintf("cast(case when %[1]s is null then %[2]s else coalesce(list_position(%[3]s, %[1]s), 0) end as bigint)", column, none, listSQL(t.Categories)))
		default:
			all = append(all, fmt.Sprintf("coalesce(cast(round(greatest(least(cast(%s as double), 1e13), -1e13) * 10000) as bigint), %s)", column, none))
		}
	}
	return "select " + strings.Join(all, ", ") + " from profiles where true" + someSQL(only) + " order by profile_id"
}

func quoteSQL(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
