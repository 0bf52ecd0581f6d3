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

// ofFacts are the kinds that answer yes or no by all that people did.
func ofFacts(train func(context.Context, *clientele.Model, *trainer.Facts, int) (*trainer.Trained, error), mark func(context.Context, *trainer.Facts, *scoring) (*trainer.Scores, []string, error)) family {
	return readings[*trainer.Facts]{
		read: func(ctx context.Context, a *App, m *clientele.Model, artefact []byte, only []int64) (*trainer.Facts, error) {
			known, err := knownBy(artefact)
			if err != nil {
				return nil, err
			}
			return a.facts(ctx, m, known, only)
		},
		notes: func(f *trainer.Facts) []string { return f.Notes },
		train: func(ctx context.Context, f *trainer.Facts, l *learning) (*trainer.Trained, error) {
			return train(ctx, l.model, f, l.workers)
		},
		mark: mark,
		heeds: func(m *clientele.Model, artefact []byte) ([]duckstore.Followed, error) {
			known, err := knownBy(artefact)
			if err != nil {
				return nil, err
			}
			rows := []duckstore.Followed{{Table: "messages"}, eventsCalled(known.Events)}
			if m.Audience != "" {
				rows = append(rows, duckstore.Followed{Table: "audience_members", Where: "b.audience = " + textSQL(m.Audience)})
			}
			return rows, nil
		},
	}
}

// eventsCalled are the events of some names.
func eventsCalled(names []string) duckstore.Followed {
	return duckstore.Followed{Table: "events", Where: "list_contains(" + listSQL(names) + ", coalesce(b.name, b.type))"}
}

func scoreAnswer(_ context.Context, f *trainer.Facts, s *scoring) (*trainer.Scores, []string, error) {
	return trainer.ScoreAnswer(s.version.Settings.Kind, s.artefact, f, s.ranks(), s.workers)
}

func scoreEarly(_ context.Context, f *trainer.Facts, s *scoring) (*trainer.Scores, []string, error) {
	return trainer.ScoreEarly(s.artefact, f, s.ranks(), s.workers)
}

// heldScores are scores that were given elsewhere, and the facts to hold them against.
type heldScores struct {
	facts *trainer.Facts
	given []trainer.Given
}

// ofScores is the kind whose scores come from elsewhere.
var ofScores = readings[heldScores]{
	read: func(ctx context.Context, a *App, m *clientele.Model, _ []byte, only []int64) (h heldScores, err error) {
		h.facts, h.given, err = a.given(ctx, m, only)
		return h, err
	},
	notes: func(h heldScores) []string { return h.facts.Notes },
	train: func(ctx context.Context, h heldScores, l *learning) (*trainer.Trained, error) {
		return trainer.TestOutside(ctx, l.model, h.facts, h.given)
	},
	mark: func(_ context.Context, h heldScores, s *scoring) (*trainer.Scores, []string, error) {
		return trainer.ScoreOutside(h.given, s.ranks()), nil, nil
	},
	heeds: func(m *clientele.Model, _ []byte) ([]duckstore.Followed, error) {
		return []duckstore.Followed{eventsCalled([]string{clientele.ScoredEvent(m.Name)})}, nil
	},
}

// texts are those that a query answers.
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

// membership are the events of a model's audience: who entered it; who was put into it by a new definition, which is nothing that a person did; who left.
func membership(audience string) []string {
	return []string{"entered " + audience, "put into " + audience, "left " + audience}
}

// facts is what is known of people for models that answer yes or no, in the terms of a version, or, when known is nil, in those of what there is most of.
func (a *App) facts(ctx context.Context, m *clientele.Model, known *trainer.Known, only []int64) (*trainer.Facts, error) {
	f := &trainer.Facts{}
	if known != nil {
		f.Channels, f.Events, f.Categories = known.Channels, known.Events, known.Categories
	} else if err := a.terms(ctx, m.Kind, f); err != nil {
		return nil, err
	}
	audience, targets := "", []string(nil)
	switch {
	case m.Kind == clientele.ModelPropensity && m.Audience != "":
		audience, targets, f.Entered = m.Audience, membership(m.Audience), true
	case m.Target != "" && m.Target != clientele.TargetOrder && m.Target != clientele.TargetNoOrder:
		targets = []string{m.Target}
	}
	if len(targets) > 0 {
		if !slices.Contains(f.Events, targets[0]) {
			f.Events = append(slices.Clone(f.Events), targets...)
		}
		f.Target = uint16(1 + slices.Index(f.Events, targets[0]))
	}
	const span = "select coalesce(min(moment), 0), coalesce(max(moment), 0) + 1, (select count(*) from profiles) from (select epoch_us(min(ts)) as moment from orders where profile_id is not null union all select epoch_us(max(ts)) from orders where profile_id is not null " +
		"union all select epoch_us(min(ts)) from events where profile_id is not null union all select epoch_us(max(ts)) from events where profile_id is not null) q"
	err := a.columns.Numbers(ctx, span, func(row []int64) error {
		f.First, f.End, f.Count = clientele.Micros(row[0]), clientele.Micros(row[1]), int(row[2])
		return nil
	})
	if err != nil {
		return nil, err
	}
	query := factsSQL(f, audience, only)
	f.People = func(yield func(int64, []feature.Fact) bool) {
		f.Failed = a.eachPerson(ctx, query, func(profile int64, facts []feature.Fact) bool {
			for i := range facts { // what is read is known by the end, also when it came behind the last that happened
				facts[i].Known = min(facts[i].Known, f.End-1)
			}
			return yield(profile, facts)
		})
	}
	return f, nil
}

// terms are the channels and events, and where they tell, the categories, that there are most of.
func (a *App) terms(ctx context.Context, kind clientele.ModelKind, f *trainer.Facts) (err error) {
	if kind == clientele.ModelEarly {
		if f.Categories, err = a.texts(ctx, fmt.Sprintf("select category from order_lines where category is not null group by 1 order by count(*) desc, 1 limit %d", mostCategories)); err != nil {
			return err
		}
	}
	if f.Channels, err = a.texts(ctx, fmt.Sprintf("select sales_channel from orders where sales_channel is not null group by 1 order by count(*) desc, 1 limit %d", mostChannels)); err != nil {
		return err
	}
	all, err := resolve.LoadModels(a.rows)
	if err != nil {
		return err
	}
	given := []string{clientele.ExperimentViewed} // this and scores of models elsewhere are nothing that a person did
	for name, m := range all {
		if m.Model.Kind == clientele.ModelOutside {
			given = append(given, clientele.ScoredEvent(name))
		}
	}
	slices.Sort(given)
	// What fills the tables of orders is known from them.
	f.Events, err = a.texts(ctx, fmt.Sprintf("select coalesce(name, type) from events where profile_id is not null and coalesce(name, type) not like 'Order %%' and not list_contains(%s, coalesce(name, type)) group by 1 order by count(*) desc, 1 limit %d", listSQL(given), mostEvents))
	return err
}

// given are the scores that were given elsewhere, to everybody or some, by profile and time, and the facts to hold them against.
func (a *App) given(ctx context.Context, m *clientele.Model, only []int64) (*trainer.Facts, []trainer.Given, error) {
	f, err := a.facts(ctx, m, &trainer.Known{}, only)
	if err != nil {
		return nil, nil, err
	}
	var out []trainer.Given
	const score = "try_cast(properties->>'score' as double)"
	err = a.columns.Numbers(ctx, "select profile_id, epoch_us(ts), cast(round("+score+" * 1e6) as bigint) from events where profile_id is not null"+someSQL(only)+" and ts is not null and name = "+
		textSQL(clientele.ScoredEvent(m.Name))+" and isfinite("+score+") and abs("+score+") < 1e12 order by 1, 2, 3", func(row []int64) error {
		out = append(out, trainer.Given{Profile: row[0], At: clientele.Micros(row[1]), Score: float64(row[2]) / 1e6})
		return nil
	})
	return f, out, err
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
			Channel: uint16(row[6]), Name: uint16(row[7]), Category: uint16(row[8])})
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
// channel, name and category (of the order's largest line) by their places. Entering and leaving the audience, where one is named, are events.
func factsSQL(f *trainer.Facts, audience string, only []int64) string {
	list := listSQL
	some := someSQL(only)
	money := func(x string) string {
		return "cast(round(cast(coalesce(" + x + ", 0) as double) * 10000) as bigint)"
	}
	entries := ""
	if audience != "" {
		entries = fmt.Sprintf(` union all select profile_id, epoch_us(entered_at), 0, %[1]d, 0, 0, 0, case when entered_reason = %[4]s then %[2]d + 1 else %[2]d end, 0 from audience_members where audience = %[3]s%[5]s
			union all select profile_id, epoch_us(exited_at), 0, %[1]d, 0, 0, 0, %[2]d + 2, 0 from audience_members where audience = %[3]s and exited_at is not null%[5]s`,
			feature.Event, f.Target, textSQL(audience), textSQL(clientele.ReasonDefinition), some)
	}
	// What was received a month after it happened was imported as history: it counts as known when it happened.
	const known = "case when epoch_us(received_at) - epoch_us(ts) > 2592000000000 then 0 else epoch_us(received_at) end"
	category, lines := "0", ""
	if len(f.Categories) > 0 {
		which := ""
		if only != nil {
			which = " and (source, order_id) in (select source, order_id from orders where true" + some + ")"
		}
		category = fmt.Sprintf("coalesce(list_position(%s, category), 0)", list(f.Categories))
		lines = "left join (select source, order_id, arg_max(category, row(cast(coalesce(quantity * price, 0) as double), category)) as category from order_lines where category is not null" + which + " group by 1, 2) l using (source, order_id) "
	}
	return fmt.Sprintf(`select profile_id, moment, known, kind, amount, discount, channel, name, category from (
		select profile_id, epoch_us(ts) as moment, 0 as known, case when revenue < 0 then %[6]d else %[1]d end as kind, abs(%[2]s) as amount, %[3]s as discount, coalesce(list_position(%[4]s, sales_channel), 0) as channel, 0 as name, %[17]s as category
		from orders o %[18]swhere profile_id is not null and ts is not null and coalesce(status, '') <> 'cancelled' and not %[16]s%[5]s
		union all select profile_id, epoch_us(ts), 0, %[6]d, %[7]s, 0, 0, 0, 0 from returns where profile_id is not null and ts is not null%[8]s
		union all select profile_id, epoch_us(ts), 0, case when status in ('opened', 'clicked') then %[9]d else %[10]d end, 0, 0, 0, 0, 0 from messages
		where profile_id is not null and ts is not null and coalesce(direction, '') <> 'in'%[11]s
		union all select profile_id, epoch_us(ts), %[12]s, %[13]d, 0, 0, 0, list_position(%[14]s, coalesce(name, type)), 0 from events
		where profile_id is not null and list_position(%[14]s, coalesce(name, type)) > 0%[5]s%[15]s
	) q order by profile_id, moment, kind, amount, name`,
		feature.Order, money("revenue_base"), money("discount"), list(f.Channels), some,
		feature.Return, money("amount"), some, feature.Response, feature.Sent, some, known, feature.Event, list(f.Events), entries, toldByReturns, category, lines)
}

// someSQL keeps rows of some profiles; nil: of all.
func someSQL(only []int64) string { return someOf("profile_id", only) }

func someOf(column string, only []int64) string {
	if only == nil {
		return ""
	}
	return " and " + column + " in (" + strings.Trim(strings.ReplaceAll(fmt.Sprint(only), " ", ","), "[]") + ")"
}

func textSQL(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func listSQL(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = textSQL(n)
	}
	if len(quoted) == 0 {
		return "cast([] as varchar[])"
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
