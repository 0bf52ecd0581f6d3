package app

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"clientele"
	"clientele/internal/predict/trainer"
	"clientele/internal/resolve"
)

// Of how many categories or products the weight is told, and how long ago the older baseline is when no other version says it.
const (
	mostWeighed = 500
	baselineAgo = 90
)

// ModelBaseline holds an older baseline of value against the present one. version 0 is that which was promoted before, or where there is none the
// present one; since is the last day that the older baseline knows, "" its last, or 90 days ago; by is category (or "") or product.
func (a *App) ModelBaseline(ctx context.Context, name string, version int, since, by string) (*clientele.ModelBaseline, error) {
	m, err := resolve.LoadModel(a.rows, name)
	if err != nil {
		return nil, err
	}
	if m.Model.Kind != clientele.ModelLTV {
		return nil, clientele.Errorf(clientele.Invalid, "model %s is of the kind %s, and a baseline is of the value of people", name, m.Model.Kind).WithHint("take a model of the kind ltv")
	}
	if m.Promoted == 0 {
		return nil, clientele.Errorf(clientele.Conflict, "no version of model %s is promoted", name).WithHint("promote one")
	}
	now, err := m.Version(m.Promoted)
	if err != nil {
		return nil, err
	}
	was := now
	if version != 0 {
		was, err = m.Version(version)
	} else {
		for i := range m.Versions {
			if v := &m.Versions[i]; v.Version < now.Version && v.State == clientele.VersionRetired {
				was = v
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if was.Artefact == "" {
		return nil, clientele.Errorf(clientele.Invalid, "version %d of model %s learned nothing", was.Version, name).WithHint("take another version")
	}
	b := &trainer.Baselines{}
	if b.New, err = resolve.LoadArtefact(a.rows, now.Artefact); err != nil {
		return nil, err
	}
	if b.Old, err = resolve.LoadArtefact(a.rows, was.Artefact); err != nil {
		return nil, err
	}
	if _, err := a.readable(ctx); err != nil {
		return nil, err
	}
	if b.Orders, err = a.orders(ctx, &now.Settings, nil); err != nil {
		return nil, err
	}
	b.Then = b.Orders.Last - baselineAgo
	if last := int32(int64(was.Until) / 86_400_000_000); was != now && last < b.Orders.Last {
		b.Then = last
	}
	if since != "" {
		day, err := time.Parse(time.DateOnly, since)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "since: %q is no day", since).WithHint("as 2026-01-31")
		}
		b.Then = int32(day.Unix() / 86400)
	}
	if b.Then >= b.Orders.Last {
		return nil, clientele.Errorf(clientele.Invalid, "since: the last order is of %s, and the older baseline ends before", time.Unix(int64(b.Orders.Last)*86400, 0).UTC().Format(time.DateOnly)).WithHint("take an earlier day")
	}
	by = cmp.Or(by, "category")
	if err := a.spent(ctx, b, by); err != nil {
		return nil, err
	}
	out, err := b.Compare()
	if err != nil {
		return nil, err
	}
	out.Model, out.By, out.Old.Version, out.New.Version = name, by, was.Version, now.Version
	if o, n := was.Settings, now.Settings; o.Horizon != n.Horizon || o.Margin != n.Margin || o.Discount != n.Discount || o.Currency != n.Currency {
		out.Notes = append(out.Notes, fmt.Sprintf("Version %d predicts by other settings (horizon, margin, discount or currency): tiers compare, values do not.", was.Version))
	}
	return out, nil
}

// spent reads what everybody bought, by category or product.
func (a *App) spent(ctx context.Context, b *trainer.Baselines, by string) error {
	what, ok := map[string]string{"category": "l.category", "product": "coalesce(l.name, l.sku, l.product_id)"}[by]
	if !ok {
		return clientele.Errorf(clientele.Invalid, "by: there is no %q", by).WithHint("category or product")
	}
	const from = " from order_lines l left join orders o on o.source = l.source and o.order_id = l.order_id where coalesce(o.status, '') <> 'cancelled' and coalesce(l.ts, o.ts) is not null and l.quantity * l.price > 0"
	const amount = "cast(l.quantity * l.price - coalesce(l.discount, 0) as double) * case when o.revenue <> 0 and o.revenue_base is not null then cast(o.revenue_base as double) / cast(o.revenue as double) else 1 end"
	names, err := a.texts(ctx, fmt.Sprintf("select %[1]s%[2]s and %[1]s is not null group by 1 order by sum(%[3]s) desc, 1 limit %[4]d", what, from, amount, mostWeighed))
	if err != nil || len(names) == 0 {
		return err
	}
	b.Names = append([]string{"(other)"}, names...)
	return a.columns.Numbers(ctx, fmt.Sprintf("select * from (select coalesce(l.profile_id, o.profile_id) as p, cast(floor(epoch_us(coalesce(l.ts, o.ts)) / 86400000000.0) as bigint) as day, coalesce(list_position(%s, %s), 0) as place, cast(round(%s * 10000) as bigint) as amount%s) q where p is not null order by p, day, place, amount",
		listSQL(names), what, amount, from), func(row []int64) error {
		b.Spent = append(b.Spent, trainer.Spent{Profile: row[0], Day: int32(row[1]), On: int32(row[2]), Amount: float64(row[3]) / 10000})
		return nil
	})
}
