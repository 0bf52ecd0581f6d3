package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/privacy"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// Guards: the parts fit the interfaces that their users declare.
var (
	_ api.Privacy      = (*App)(nil)
	_ privacy.Consents = (*App)(nil)
)

// maxDecisions is how many decisions one call records.
const maxDecisions = 100

// RecordConsent notes decisions that an operator takes down for a person. Their proof is the
// command in the log: who took it down, when, under which text.
func (a *App) RecordConsent(ctx context.Context, by string, d clientele.ConsentDecision) ([]clientele.Consent, error) {
	if len(d.Consents) == 0 || len(d.Consents) > maxDecisions {
		return nil, clientele.Errorf(clientele.Invalid, "consents holds 1 to %d decisions", maxDecisions)
	}
	for i := range d.Consents {
		if err := d.Consents[i].Check(); err != nil {
			return nil, err
		}
	}
	now := clientele.MicrosOf(a.o.Now())
	switch {
	case d.At == 0:
		d.At = now
	case d.At < clientele.MinTime || d.At > now:
		return nil, clientele.Errorf(clientele.Invalid, "at is when the person decided: not before 1900 and not in the future")
	}
	id := clientele.Identifier{Namespace: d.Namespace, Value: d.Value}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	anchor, err := v.graph.Find(id)
	v.Close()
	if err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandConsent, by, resolve.ConsentBody{Anchor: anchor, At: d.At, Consents: d.Consents}); err != nil {
		return nil, err
	}
	p, err := a.Profile(ctx, id, false)
	if err != nil {
		return nil, err
	}
	return p.Consent, nil
}

// Consent is the decision of the profile that holds for the purpose on the channel; nil for none.
func (a *App) Consent(_ context.Context, p clientele.ProfileID, purpose, channel string) (*clientele.Consent, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	if p, err = v.find(clientele.Identifier{Namespace: "id", Value: p.String()}); err != nil {
		return nil, err
	}
	return resolve.LoadConsent(v, v.graph, p, purpose, channel)
}

// Gate says whether something may be done with a person's data; see package privacy.
func (a *App) Gate() *privacy.Gate {
	return &privacy.Gate{Consents: a, OptOut: a.cfg.Privacy.OptOutPurposes}
}

// said are what people decided, each with when they decided otherwise.
const said = `with said as (select purpose, coalesce(channel, '') as channel, granted, epoch_us(ts) as since,
	epoch_us(lead(ts) over (partition by purpose, coalesce(channel, ''), profile_id order by ts, event_id)) as until from consents where profile_id is not null) `

// ConsentFigures are how many people agree to what, and agreed at the end of each of the last twelve months.
func (a *App) ConsentFigures(ctx context.Context) (*clientele.ConsentFigures, error) {
	out := &clientele.ConsentFigures{Items: []clientele.ConsentCount{}, Months: []clientele.ConsentMonth{}}
	now, err := a.columns.Query(ctx, said+`select purpose, channel, cast(count(*) filter (where granted) as bigint), cast(count(*) filter (where not granted) as bigint)
		from said where until is null group by 1, 2 order by 3 desc, 1, 2`, nil, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	for _, row := range now.Rows {
		c := clientele.ConsentCount{}
		c.Purpose, c.Channel = row[0].(string), row[1].(string)
		if c.Granted, err = integer(row[2]); err == nil {
			c.Refused, err = integer(row[3])
		}
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, c)
	}
	var ends []string
	this := a.o.Now().UTC()
	for back := 11; back >= 0; back-- {
		first := time.Date(this.Year(), this.Month()-time.Month(back), 1, 0, 0, 0, 0, time.UTC)
		ends = append(ends, fmt.Sprintf("('%s', %d)", first.Format("2006-01"), first.AddDate(0, 1, 0).UnixMicro()))
	}
	then, err := a.columns.Query(ctx, said+`select month, purpose, channel, count(*) from said join (values `+strings.Join(ends, ", ")+`) as months(month, ends)
		on since < ends and (until is null or until >= ends) where granted group by 1, 2, 3 order by 1, 2, 3`, nil, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	for _, row := range then.Rows {
		n, err := integer(row[3])
		if err != nil {
			return nil, err
		}
		out.Months = append(out.Months, clientele.ConsentMonth{Month: row[0].(string), Purpose: row[1].(string), Channel: row[2].(string), Granted: n})
	}
	return out, nil
}
