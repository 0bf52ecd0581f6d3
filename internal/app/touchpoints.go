package app

import (
	"context"
	"fmt"
	"time"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/store/duckstore"
)

// met is every time that a person was met: whom, by which source, through which channel. An event's
// channel is the kind of its source, so that what a site tells of visits and of orders is one channel;
// %s is where SQL finds that.
const met = `select profile_id, source, %s as channel, ts from events where profile_id is not null
	union all select profile_id, source, coalesce(nullif(sales_channel, ''), 'orders'), ts from orders where profile_id is not null
	union all select profile_id, source, coalesce(nullif(method, ''), 'returns'), ts from returns where profile_id is not null
	union all select profile_id, source, coalesce(nullif(channel, ''), 'messages'), ts from messages where profile_id is not null
	union all select profile_id, source, coalesce(nullif(channel, ''), 'service'), started_at from conversations where profile_id is not null
	union all select profile_id, source, 'loyalty', null from loyalty_accounts where profile_id is not null`

// Below this share of profiles a touchpoint is told as a gap, and likewise one that has been silent so long.
const (
	thinShare  = 0.05
	silentDays = 30
)

// Touchpoints is where people were met.
func (a *App) Touchpoints(ctx context.Context) (*clientele.TouchpointMap, error) {
	channel, names := a.channels()
	met := fmt.Sprintf(met, channel)
	r, err := a.columns.Query(ctx, `select source, channel, count(distinct profile_id), count(*), min(ts), max(ts) from (`+met+`) as met
		group by source, channel order by 3 desc, 1, 2`, names, duckstore.Limits{Rows: 1000})
	if err != nil {
		return nil, err
	}
	counts, err := a.columns.Query(ctx, `select (select count(*) from profiles), count(*), cast(coalesce(sum(case when n = 1 then 1 else 0 end), 0) as bigint) from (
		select profile_id, count(distinct concat(source, chr(1), channel)) as n from (`+met+`) as met group by profile_id) as people`, names, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	m := &clientele.TouchpointMap{Items: []clientele.Touchpoint{}, Gaps: []string{}}
	if len(counts.Rows) == 1 {
		m.Profiles, m.Met, m.Once = whole(counts.Rows[0][0]), whole(counts.Rows[0][1]), whole(counts.Rows[0][2])
	}
	heard := map[string]bool{}
	for _, row := range r.Rows {
		t := clientele.Touchpoint{Source: word(row[0]), Channel: word(row[1]), Profiles: whole(row[2]), Records: whole(row[3])}
		for into, v := range map[*clientele.Micros]any{&t.First: row[4], &t.Last: row[5]} {
			if err := into.UnmarshalText([]byte(word(v))); err != nil {
				return nil, err
			}
		}
		if m.Profiles > 0 {
			t.Share = float64(t.Profiles) / float64(m.Profiles)
		}
		heard[t.Source] = true
		m.Items = append(m.Items, t)
	}
	a.gaps(m, heard)
	return m, nil
}

// channels is an expression of SQL, and its parameters, that says through what the events of a source come.
func (a *App) channels() (sql string, params []any) {
	for _, s := range a.live.Load().sources {
		channel := string(s.Kind)
		switch s.Kind {
		case config.KindBrowser:
			channel = "web"
		case config.KindMobile:
			channel = "app"
		}
		params = append(params, s.Name, channel)
		sql += fmt.Sprintf(" when $%d then $%d", len(params)-1, len(params))
	}
	if sql == "" {
		return "'import'", nil
	}
	return "case source" + sql + " else 'import' end", params
}

func (a *App) gaps(m *clientele.TouchpointMap, heard map[string]bool) {
	gap := func(format string, args ...any) { m.Gaps = append(m.Gaps, fmt.Sprintf(format, args...)) }
	for _, s := range a.live.Load().sources {
		if !heard[s.Name] {
			gap("source %s has met nobody", s.Name)
		}
	}
	for _, t := range m.Items {
		at := t.Source + ", " + t.Channel
		if t.Share < thinShare {
			gap("%s has met %.1f %% of the profiles", at, 100*t.Share)
		}
		if t.Last != 0 && a.o.Now().Sub(t.Last.Time()) > silentDays*24*time.Hour {
			gap("%s has met nobody since %s", at, t.Last.Time().Format("2006-01-02"))
		}
	}
	if n := m.Profiles - m.Met; n > 0 {
		gap("%d profiles have no touchpoint: identifiers or traits alone", n)
	}
	if m.Profiles > 0 && float64(m.Once) > 0.5*float64(m.Profiles) {
		gap("%.0f %% of the profiles were met through one channel alone", 100*float64(m.Once)/float64(m.Profiles))
	}
}
