package app

import (
	"context"

	"clientele"
	"clientele/internal/resolve"
)

// stockPeople is how many people one command has evaluated: some tenths of a second, between which live traffic goes.
const stockPeople = 4000

// tellStock finds those whom changes of stock may concern, in the column store, and puts them into the log. After a
// stop it begins anew with what was not told to the end.
func (a *App) tellStock(ctx context.Context) error {
	for {
		skus, upTo, err := resolve.StockNews(a.rows)
		if err != nil || len(skus) == 0 {
			return err
		}
		// What an event that is not in the columns yet says of a person was evaluated with the stock of its moment
		// or a later one.
		if err := a.applied.reach(ctx, a.committed.get()); err != nil {
			return err
		}
		schema, err := a.audienceSchema(ctx)
		if err != nil {
			return err
		}
		var people []int64
		err = a.columns.Numbers(ctx, "select profile_id from ("+schema.Wanting(skus)+") q order by profile_id", func(row []int64) error {
			people = append(people, row[0])
			return nil
		})
		if err != nil {
			return err
		}
		before := uint64(0) // the command before: the next is in the log while it is resolved
		for done := false; !done; {
			some := people[:min(stockPeople, len(people))]
			people = people[len(some):]
			b := resolve.StockBody{Profiles: resolve.PackIDs(some)}
			if done = len(people) == 0; done {
				b.Done = upTo
			}
			p, err := a.append(ctx, clientele.CommandStock, "clientele", b)
			if err != nil {
				return err
			}
			if err := a.resolved.reach(ctx, before); err != nil {
				return err
			}
			before = uint64(p)
		}
		if err := a.resolved.reach(ctx, before); err != nil {
			return err
		}
	}
}
