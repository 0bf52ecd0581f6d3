package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/trainer"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// How many channels and events get features of their own.
const (
	mostChannels = 8
	mostEvents   = 12
)

// answers says whether models of the kind answer yes or no: they learn from all facts, the others from orders.
func answers(kind clientele.ModelKind) bool {
	return kind == clientele.ModelChurn || kind == clientele.ModelPropensity
}

// learn makes a version of a model from what there is.
func (a *App) learn(ctx context.Context, m *resolve.ModelRow, reading func()) (t *trainer.Trained, notes []string, err error) {
	if answers(m.Model.Kind) {
		f, err := a.facts(ctx, &m.Model, nil)
		if err != nil {
			return nil, nil, err
		}
		reading()
		t, err = trainer.TrainAnswer(ctx, &m.Model, f, max(1, a.cfg.Columns.Threads))
		return t, f.Notes, err
	}
	orders, _, err := a.orders(ctx, &m.Model, nil)
	if err != nil {
		return nil, nil, err
	}
	before, err := a.promotedArtefact(m)
	if err != nil {
		return nil, nil, err
	}
	reading()
	t, err = trainer.Train(ctx, &m.Model, orders, before)
	return t, orders.Notes, err
}

// predict scores people by what a version has learned: everybody, or some; what has moved since is said of everybody.
func (a *App) predict(ctx context.Context, v *clientele.ModelVersion, artefact []byte, only []int64, ranks []float64) (s *trainer.Scores, moved []string, upTo clientele.Position, err error) {
	if !answers(v.Settings.Kind) {
		orders, upTo, err := a.orders(ctx, &v.Settings, only)
		if err != nil {
			return nil, nil, 0, err
		}
		s, err = trainer.Score(v.Settings.Kind, artefact, orders, ranks)
		return s, nil, upTo, err
	}
	err = a.columns.Numbers(ctx, "select log_position from base.position", func(row []int64) error { upTo = clientele.Position(row[0]); return nil })
	if err != nil {
		return nil, nil, 0, err
	}
	f, err := a.facts(ctx, &v.Settings, only)
	if err != nil {
		return nil, nil, 0, err
	}
	s, moved, err = trainer.ScoreAnswer(v.Settings.Kind, artefact, f, ranks, max(1, a.cfg.Columns.Threads))
	return s, moved, upTo, err
}

// names are the texts that a query answers.
func (a *App) texts(ctx context.Context, query string) (out []string, err error) {
	res, err := a.columns.Query(ctx, query, nil, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		if s, ok := row[0].(string); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// facts is what is known of people for models that answer yes or no.
func (a *App) facts(ctx context.Context, m *clientele.Model, only []int64) (*trainer.Facts, error) {
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return nil, err
	}
	f := &trainer.Facts{}
	var err error
	if f.Channels, err = a.texts(ctx, fmt.Sprintf("select sales_channel from orders where sales_channel is not null group by 1 order by count(*) desc, 1 limit %d", mostChannels)); err != nil {
		return nil, err
	}
	// What fills the tables of orders is known from them.
	if f.Events, err = a.texts(ctx, fmt.Sprintf("select coalesce(name, type) from events where profile_id is not null and coalesce(name, type) not like 'Order %%' group by 1 order by count(*) desc, 1 limit %d", mostEvents)); err != nil {
		return nil, err
	}
	if m.Target != "" && m.Target != clientele.TargetOrder {
		if !slices.Contains(f.Events, m.Target) {
			f.Events = append(f.Events, m.Target)
		}
		f.Target = uint16(1 + slices.Index(f.Events, m.Target))
	}
	const span = "select coalesce(min(moment), 0), coalesce(max(moment), 0) + 1, (select count(*) from profiles) from (select epoch_us(min(ts)) as moment from orders where profile_id is not null union all select epoch_us(max(ts)) from orders where profile_id is not null " +
		"union all select epoch_us(min(ts)) from events where profile_id is not null union all select epoch_us(max(ts)) from events where profile_id is not null) q"
	err = a.columns.Numbers(ctx, span, func(row []int64) error {
		f.First, f.End, f.Count = clientele.Micros(row[0]), clientele.Micros(row[1]), int(row[2])
		return nil
	})
	if err != nil {
		return nil, err
	}
	query := factsSQL(f, only)
	f.People = func(yield func(int64, []feature.Fact) bool) {
		if err := a.eachPerson(ctx, query, yield); err != nil && ctx.Err() == nil {
			a.trouble.add("train", "facts: "+err.Error())
		}
	}
	return f, nil
}

var errEnough = errors.New("enough")

// eachPerson calls yield with each person's facts, which come by profile and time.
func (a *App) eachPerson(ctx context.Context, query string, yield func(int64, []feature.Fact) bool) error {
	var facts []feature.Fact
	who := int64(0)
	err := a.columns.Numbers(ctx, query, func(row []int64) error {
		if row[0] != who && who != 0 {
			if !yield(who, facts) {
				return errEnough
			}
			facts = facts[:0]
		}
		who = row[0]
		facts = append(facts, feature.Fact{At: clientele.Micros(row[1]), Known: clientele.Micros(row[2]), Kind: feature.Kind(row[3]), Amount: float64(row[4]) / 10000, Discount: float64(row[5]) / 10000,
			Channel: uint16(row[6]), Name: uint16(row[7])})
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	if err == nil && who != 0 {
		yield(who, facts)
	}
	return err
}

// factsSQL is a row for each fact: profile, when it happened, when it was known (0: at once), kind, amount and discount in ten-thousandths,
// channel and name by their places.
func factsSQL(f *trainer.Facts, only []int64) string {
	list := func(names []string) string {
		quoted := make([]string, len(names))
		for i, n := range names {
			quoted[i] = "'" + strings.ReplaceAll(n, "'", "''") + "'"
		}
		if len(quoted) == 0 {
			return "cast([] as varchar[])"
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	some := ""
	if only != nil {
		some = " and profile_id in (" + strings.Trim(strings.ReplaceAll(fmt.Sprint(only), " ", ","), "[]") + ")"
	}
	money := func(x string) string {
		return "cast(round(cast(coalesce(" + x + ", 0) as double) * 10000) as bigint)"
	}
	// What was received a month after it happened was imported as history: it counts as known when it happened.
	const known = "case when epoch_us(received_at) - epoch_us(ts) > 2592000000000 then 0 else epoch_us(received_at) end"
	return fmt.Sprintf(`select profile_id, moment, known, kind, amount, discount, channel, name from (
		select profile_id, epoch_us(ts) as moment, 0 as known, %d as kind, %s as amount, %s as discount, coalesce(list_position(%s, sales_channel), 0) as channel, 0 as name
		from orders where profile_id is not null and ts is not null and coalesce(status, '') <> 'cancelled'%s
		union all select profile_id, epoch_us(ts), 0, %d, %s, 0, 0, 0 from returns where profile_id is not null and ts is not null%s
		union all select profile_id, epoch_us(ts), 0, case when status in ('opened', 'clicked') then %d else %d end, 0, 0, 0, 0 from messages
		where profile_id is not null and ts is not null and coalesce(direction, '') <> 'in'%s
		union all select profile_id, epoch_us(ts), %s, %d, 0, 0, 0, list_position(%s, coalesce(name, type)) from events
		where profile_id is not null and list_position(%[14]s, coalesce(name, type)) > 0%[5]s
	) q order by profile_id, moment, kind, amount, name`,
		feature.Order, money("revenue_base"), money("discount"), list(f.Channels), some,
		feature.Return, money("amount"), some, feature.Response, feature.Sent, some, known, feature.Event, list(f.Events))
}
