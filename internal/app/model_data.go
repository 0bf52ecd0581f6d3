package app

import (
	"context"
	"fmt"
	"time"

	"clientele"
	"clientele/internal/predict/trainer"
)

// ofOrders are the kinds that learn from days and amounts of orders alone.
var ofOrders = readings[*trainer.Orders]{
	read: func(ctx context.Context, a *App, m *clientele.Model, _ []byte, only []int64) (*trainer.Orders, error) {
		return a.orders(ctx, m, only)
	},
	notes: func(o *trainer.Orders) []string { return o.Notes },
	train: func(ctx context.Context, o *trainer.Orders, l *learning) (*trainer.Trained, error) {
		return trainer.Train(ctx, l.model, o, l.before)
	},
	mark: func(_ context.Context, o *trainer.Orders, s *scoring) (*trainer.Scores, []string, error) {
		scores, err := trainer.Score(s.version.Settings.Kind, s.artefact, o, s.ranks())
		if err != nil || s.only != nil {
			return scores, nil, err
		}
		moved, err := trainer.Moved(s.artefact, o)
		return scores, moved, err
	},
}

// ordersSQL is everybody's orders and returns in one currency, or those of some profiles: profile, day, amount in
// ten-thousandths, whether it had a discount; by profile and day.
func ordersSQL(currency, base string, only []int64) string {
	text := textSQL
	amount, returned, which := "o.revenue_base", "case when o.order_id is null or o.currency is null or o.currency = "+text(base)+
		" then r.amount when o.revenue <> 0 then cast(r.amount as double) * cast(o.revenue_base as double) / cast(o.revenue as double) end", ""
	if currency != "" {
		amount, returned = "o.revenue", "r.amount"
		which = fmt.Sprintf(" and coalesce(o.currency, %s) = %s", text(base), text(currency))
	}
	const day = "cast(floor(epoch_us(%s) / 86400000000.0) as bigint)"
	return fmt.Sprintf(`select profile_id, day, cast(round(cast(amount as double) * 10000) as bigint), discounted from (
		select o.profile_id, %[1]s as day, %[2]s as amount, case when o.discount > 0 or coalesce(o.coupon, '') <> '' then 1 else 0 end as discounted
		from orders o where o.profile_id is not null and o.ts is not null and coalesce(o.status, '') <> 'cancelled' and not %[9]s%[3]s%[4]s
		union all
		select r.profile_id, %[5]s, -(%[6]s), 0 from returns r left join orders o on o.source = r.source and o.order_id = r.order_id
		where r.profile_id is not null and coalesce(r.ts, o.ts) is not null and coalesce(o.status, '') <> 'cancelled'%[7]s%[8]s
	) q where amount is not null order by profile_id, day, amount desc`,
		fmt.Sprintf(day, "o.ts"), amount, which, someOf("o.profile_id", only), fmt.Sprintf(day, "coalesce(r.ts, o.ts)"), returned, which, someOf("r.profile_id", only), toldByReturns)
}

// toldByReturns says of an order o that it is a credit note whose returns are told: those count, and it does not count again.
const toldByReturns = "(coalesce(o.revenue, 0) < 0 and exists (select 1 from returns t where t.source = o.source and t.order_id = o.order_id))"

// orders reads what models learn from, of everybody or of some profiles, as of one commit.
func (a *App) orders(ctx context.Context, m *clientele.Model, only []int64) (*trainer.Orders, error) {
	out := &trainer.Orders{}
	base := a.cfg.Currency.Base
	err := a.columns.Snapshot(ctx, func(_ uint64, numbers func(string, func([]int64) error) error) error {
		const last = "select coalesce(max(cast(floor(epoch_us(ts) / 86400000000.0) as bigint)), 0), count(*) filter (where profile_id is not null and revenue is not null and revenue_base is null) " +
			"from orders where coalesce(status, '') <> 'cancelled'"
		err := numbers(last, func(row []int64) error {
			out.Last = int32(row[0])
			if row[1] > 0 && m.Currency == "" {
				out.Notes = append(out.Notes, fmt.Sprintf("%d orders are left out: there is no rate from their currency to %s. Import fx_rates.", row[1], base))
			}
			return nil
		})
		if err != nil {
			return err
		}
		return numbers(ordersSQL(m.Currency, base, only), func(row []int64) error {
			out.Lines = append(out.Lines, trainer.Line{Profile: row[0], Day: int32(row[1]), Amount: float64(row[2]) / 10000, Discounted: row[3] == 1})
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	if old := a.o.Now().Sub(time.Unix(int64(out.Last)*86400, 0)); out.Last > 0 && old > 8*24*time.Hour {
		out.Notes = append(out.Notes, fmt.Sprintf("The last order is of %s, %d days ago: scores are as of that day.", time.Unix(int64(out.Last)*86400, 0).UTC().Format(time.DateOnly), int(old.Hours()/24)))
	}
	return out, nil
}
