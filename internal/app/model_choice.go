package app

import (
	"context"
	"fmt"
	"math"
	"time"

	"clientele"
	"clientele/internal/predict/shrink"
	"clientele/internal/predict/trainer"
	"clientele/internal/store/duckstore"
)

// ofChoices are the kinds that tell what people prefer by what they chose on the days on which they did something.
var ofChoices = readings[*trainer.Choices]{
	read: func(ctx context.Context, a *App, m *clientele.Model, artefact []byte, only []int64) (*trainer.Choices, error) {
		c := &trainer.Choices{}
		if artefact != nil {
			known, err := trainer.ChoiceTermsBy(artefact)
			if err != nil {
				return nil, err
			}
			c.ChoiceTerms = *known
		}
		if m.Kind == clientele.ModelSendTime {
			return c, a.hours(ctx, m, c, artefact == nil, only)
		}
		return c, a.bought(ctx, m, c, artefact == nil, only)
	},
	notes: func(c *trainer.Choices) []string { return c.Notes },
	train: func(ctx context.Context, c *trainer.Choices, l *learning) (*trainer.Trained, error) {
		return trainer.TrainChoice(ctx, l.model, c, l.workers)
	},
	mark: func(_ context.Context, c *trainer.Choices, s *scoring) (*trainer.Scores, []string, error) {
		return trainer.ScoreChoice(s.artefact, c, s.ranks())
	},
	heeds: func(m *clientele.Model, artefact []byte) ([]duckstore.Followed, error) {
		known, err := trainer.ChoiceTermsBy(artefact)
		switch {
		case err != nil || !known.Hours:
			return nil, err
		case m.Target != "":
			return []duckstore.Followed{eventsCalled([]string{m.Target})}, nil
		case known.Told == toldByVisits:
			return []duckstore.Followed{{Table: "events", Where: "b.type in ('page', 'screen')"}}, nil
		}
		return []duckstore.Followed{{Table: "messages", Where: "b.status in ('opened', 'clicked')"}}, nil
	},
}

// mostBought is how many categories, brands, products or sales channels are told apart.
const mostBought = 500

// What is bought, from orders o or their lines l, by what an affinity is of.
var boughtBy = map[string]string{"category": "l.category", "brand": "pr.brand", "product": "coalesce(l.name, l.sku, l.product_id)", "channel": "o.sales_channel"}

// boughtFrom are the rows that tell of it, with the profile as p, the time as ts and the choice; "" of all profiles.
func boughtFrom(of string, only []int64) string {
	const counts = "coalesce(o.status, '') <> 'cancelled'"
	choice := boughtBy[of]
	if of == "channel" {
		return fmt.Sprintf("(select o.profile_id as p, o.ts, %[1]s as choice from orders o where o.profile_id is not null and o.ts is not null and %[1]s is not null and coalesce(o.revenue, 0) >= 0 and %[2]s%[3]s)",
			choice, counts, someOf("o.profile_id", only))
	}
	products := ""
	if of == "brand" {
		products = " join (select sku, max(brand) as brand from products where sku is not null and brand is not null group by 1) pr on pr.sku = l.sku"
	}
	return fmt.Sprintf("(select l.profile_id as p, coalesce(l.ts, o.ts) as ts, %[1]s as choice from order_lines l left join orders o on o.source = l.source and o.order_id = l.order_id%[2]s where l.profile_id is not null and coalesce(l.ts, o.ts) is not null and %[1]s is not null and coalesce(l.quantity, 1) > 0 and %[3]s%[4]s)",
		choice, products, counts, someOf("l.profile_id", only))
}

// bought reads what people bought on which days; anew: in terms of what there is most of.
func (a *App) bought(ctx context.Context, m *clientele.Model, c *trainer.Choices, anew bool, only []int64) (err error) {
	if anew {
		c.Of, c.Behind = map[string]string{"category": "category", "brand": "brand", "product": "product", "channel": "sales channel"}[m.Of], "orders"
		if c.Names, err = a.texts(ctx, fmt.Sprintf("select choice from %s q group by 1 order by count(*) desc, 1 limit %d", boughtFrom(m.Of, nil), mostBought)); err != nil {
			return err
		}
	}
	const last = "select coalesce(max(cast(floor(epoch_us(ts) / 86400000000.0) as bigint)), 0) from orders where profile_id is not null"
	if err := a.columns.Numbers(ctx, last, func(row []int64) error { c.Last = int32(row[0]); return nil }); err != nil {
		return err
	}
	query := fmt.Sprintf("select distinct p, cast(floor(epoch_us(ts) / 86400000000.0) as bigint) as day, coalesce(k.place, 0) as place from %s q left join (select unnest(%s) as choice, unnest(range(1, %d)) as place) k using (choice) order by p, day, place",
		boughtFrom(m.Of, only), listSQL(c.Names), len(c.Names)+1)
	return a.columns.Numbers(ctx, query, func(row []int64) error {
		c.Chosen = append(c.Chosen, trainer.Chosen{Profile: row[0], Chosen: shrink.Chosen{Day: int32(row[1]), Choice: int32(row[2]) - 1}})
		return nil
	})
}

// What tells when people respond, where it is no event that the model names.
const (
	toldByMessages = "messages"
	toldByVisits   = "visits"
)

// enoughOpened is how many people have to have opened or clicked messages on two days, so that hours are those of messages.
const enoughOpened = 200

// hoursFrom are the rows that tell of responses.
func hoursFrom(m *clientele.Model, told string, only []int64) string {
	who := "profile_id is not null and ts is not null" + someOf("profile_id", only)
	switch {
	case m.Target != "":
		return "events where " + who + " and coalesce(name, type) = " + textSQL(m.Target)
	case told == toldByVisits:
		return "events where " + who + " and type in ('page', 'screen')"
	}
	return "messages where " + who + " and status in ('opened', 'clicked') and coalesce(direction, '') <> 'in'"
}

// hours reads at which hours of which days people responded; anew: it finds out what tells of it.
func (a *App) hours(ctx context.Context, m *clientele.Model, c *trainer.Choices, anew bool, only []int64) error {
	if anew {
		c.Of, c.Behind, c.Told, c.Hours = "hour", "events "+m.Target, m.Target, true
		for hour := range 24 {
			c.Names = append(c.Names, fmt.Sprintf("%02d", hour))
		}
		if m.Target == "" {
			c.Told, c.Behind = toldByMessages, "opens and clicks"
			people := int64(0)
			err := a.columns.Numbers(ctx, "select count(*) from (select profile_id from "+hoursFrom(m, c.Told, nil)+" group by 1 having count(distinct cast(ts as date)) > 1) q", func(row []int64) error { people = row[0]; return nil })
			if err != nil {
				return err
			}
			if people < enoughOpened {
				c.Told, c.Behind = toldByVisits, "visits"
				c.Notes = append(c.Notes, fmt.Sprintf("The hours are of visits: %d people have opened or clicked messages on two days or more, and %d are enough.", people, enoughOpened))
			}
		}
	}
	zone, err := m.Location()
	if err != nil {
		return err
	}
	// By quarters of an hour there are fewer rows, and the hours of all zones begin with one.
	const quarter = 15 * 60 * 1_000_000
	last := int64(0)
	err = a.columns.Numbers(ctx, "select coalesce(max(epoch_us(ts)), 0) from "+hoursFrom(m, c.Told, nil), func(row []int64) error { last = row[0]; return nil })
	if err != nil {
		return err
	}
	c.Last, _ = dayAndHour(last, zone)
	return a.columns.Numbers(ctx, fmt.Sprintf("select distinct profile_id as p, epoch_us(ts) // %d as q from %s order by p, q", quarter, hoursFrom(m, c.Told, only)), func(row []int64) error {
		day, hour := dayAndHour(row[1]*quarter, zone)
		x := trainer.Chosen{Profile: row[0], Chosen: shrink.Chosen{Day: day, Choice: hour}}
		if n := len(c.Chosen); n == 0 || c.Chosen[n-1] != x {
			c.Chosen = append(c.Chosen, x)
		}
		return nil
	})
}

// dayAndHour are those of a moment in a zone, the day since 1970-01-01.
func dayAndHour(micros int64, zone *time.Location) (day, hour int32) {
	at := time.UnixMicro(micros).In(zone)
	_, offset := at.Zone()
	return int32(math.Floor(float64(at.Unix()+int64(offset)) / 86400)), int32(at.Hour())
}
