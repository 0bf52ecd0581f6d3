package insight

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/sqlq"
)

// Leaks: where money is lost, by money a month (30 days), with the people behind each. Every leak is a query with one
// row for each loss: profile_id, at, money. What the money is differs by leak, and is said in the answer's "how".

// leak is one place where money is lost. ok is false where the data has not what it is read from.
type leak struct {
	name, how string
	query     func(a *asking) (query string, ok bool, err error)
}

var leaks = []leak{
	{"carts", "goods put into a cart, by the last price of each article, by people who ordered nothing in the 7 days after", cartLeak},
	{"out_of_stock", "articles looked at while they were sold out, by their price, times the share of viewers who buy something", stockLeak},
	{"returns", "amount of returns", returnLeak},
	{"cancelled", "revenue of cancelled orders", cancelLeak},
	{"repeat_contacts", "cost of talks within 7 days after one about the same topic", contactLeak},
	{"paid_visits", "visits from paid media, by the cost of a click, of people who ordered nothing in the 30 days after", visitLeak},
}

const month = 30 * 24 * time.Hour

func answerLeaks(a *asking) (*clientele.Answer, error) {
	if err := a.leakSpan(); err != nil {
		return nil, err
	}
	r := &clientele.Answer{Columns: []clientele.AnswerColumn{{Name: "leak", Role: "dimension"}, {Name: "money_a_month", Role: "measure", Unit: a.currency}, {Name: "people", Role: "measure"},
		{Name: "times", Role: "measure"}, {Name: "how", Role: "dimension"}}}
	months := float64(a.until-a.from) / float64(month/time.Microsecond)
	for _, l := range leaks {
		q, ok, err := l.query(a)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		res, err := a.query("select count(distinct profile_id) as people, count(*) as times, cast(sum(money) as double precision) as money\nfrom (\n"+q+"\n) loss", 1)
		if err != nil {
			return nil, err
		}
		row := res.Rows[0]
		if n, _ := row[1].(int64); n == 0 {
			continue
		}
		var money any
		if f, ok := row[2].(float64); ok {
			money = f / months
		}
		r.Rows = append(r.Rows, []any{l.name, money, row[0], row[1], l.how})
	}
	slices.SortStableFunc(r.Rows, func(x, y []any) int {
		return cmp.Or(compare(x[1], y[1], true), cmp.Compare(x[0].(string), y[0].(string)))
	})
	for _, row := range r.Rows {
		r.Cells = append(r.Cells, clientele.Cell{"leak": row[0]})
	}
	return r, nil
}

func peopleOfLeaks(a *asking, cell clientele.Cell) (string, error) {
	if err := a.leakSpan(); err != nil {
		return "", err
	}
	var names []string
	for _, l := range leaks {
		names = append(names, l.name)
		if l.name != cell["leak"] || len(cell) != 1 {
			continue
		}
		q, ok, err := l.query(a)
		if err == nil && !ok {
			err = clientele.Errorf(clientele.Invalid, "cell: there is no data about %s", l.name)
		}
		return "select distinct profile_id\nfrom (\n" + q + "\n) loss\nwhere profile_id is not null", err
	}
	return "", clientele.Errorf(clientele.Invalid, `cell: write {"leak":"carts"}`).WithHint("%s", list(names, "or"))
}

// leakSpan is the last 90 days where the question says nothing.
func (a *asking) leakSpan() error {
	if a.from == 0 {
		a.from = a.until - 3*clientele.Micros(month/time.Microsecond)
	}
	return nil
}

// viewed is the source of the events of a name, with their money by the currency they say.
func (a *asking) viewed(names ...string) (*source, error) {
	s, err := a.source("events")
	if err != nil {
		return nil, err
	}
	s.where("f.name in (" + quoted(names) + ")")
	s.restrict(a.from, a.until)
	e, err := s.column("events", "f", "currency")
	if err != nil {
		return nil, err
	}
	if e.sql != "" {
		own := *s.f
		own.money = e.sql
		s.f = &own
	}
	return s, s.all()
}

// priced are the columns of events that say what an article costs.
func (s *source) priced() (sku, price expr, ok bool, err error) {
	if !s.skuThere() {
		return expr{}, expr{}, false, nil
	}
	price, err = s.column("events", "f", "price")
	return expr{sql: s.f.sku}, price, price.kind == number && price.sql != "", err
}

func cartLeak(a *asking) (string, bool, error) {
	s, err := a.viewed("Product Added")
	if err != nil {
		return "", false, err
	}
	sku, price, ok, err := s.priced()
	if err != nil || !ok {
		return "", false, err
	}
	pieces := "1"
	if q, err := s.column("events", "f", "quantity"); err == nil && q.kind == number && q.sql != "" {
		pieces = "coalesce(" + q.sql + ", 1)"
	}
	rows := "select f.profile_id, f.ts, " + s.money(price.sql+" * "+pieces, "") + " as money, row_number() over (partition by f.profile_id, " + sku.sql + " order by f.ts desc, f.source, f.event_id) as nth\n" + s.from()
	return "select c.profile_id, c.ts, c.money\nfrom (\n" + rows + "\n) c\nwhere nth = 1 and " + a.noOrder("c", 7*24*time.Hour), true, nil
}

// noOrder is the condition that a person ordered nothing for so long after a row.
func (a *asking) noOrder(alias string, after time.Duration) string {
	return "not exists (select 1 from orders o where o.profile_id = " + alias + ".profile_id and coalesce(o.status, '') <> 'cancelled' and o.ts >= " + alias + ".ts and o.ts <= " + alias + ".ts + " + seconds(after) + ")"
}

func stockLeak(a *asking) (string, bool, error) {
	s, err := a.viewed("Product Viewed")
	if err != nil {
		return "", false, err
	}
	sku, price, ok, err := s.priced()
	if err != nil || !ok {
		return "", false, err
	}
	out, err := s.column("events", "f", "available") // what the shop said at the time
	switch {
	case err != nil:
		return "", false, err
	case out.kind == boolean && out.sql != "":
		s.where("not " + out.sql)
	default:
		if out, err = s.dimension("stock", "stock"); err != nil {
			return "", false, plainError(err)
		}
		s.where(out.sql + " = 'out'")
	}
	rows := "select f.profile_id, f.ts, " + s.money(price.sql, "") + " as money, row_number() over (partition by f.profile_id, " + sku.sql + " order by f.ts desc, f.source, f.event_id) as nth\n" + s.from()
	span := between("ts", a.from, a.until)
	share := "(select cast(count(distinct o.profile_id) as double precision) / nullif(count(distinct v.profile_id), 0) from (select profile_id from events where name = 'Product Viewed' and " + span +
		") v left join (select profile_id from orders where coalesce(status, '') <> 'cancelled' and " + span + ") o on o.profile_id = v.profile_id)"
	return "select profile_id, ts, cast(money as double precision) * " + share + " as money\nfrom (\n" + rows + "\n) c\nwhere nth = 1", true, nil
}

func returnLeak(a *asking) (string, bool, error) {
	return a.simple("returns", "{money: f.amount}", "", "order of any source")
}

func cancelLeak(a *asking) (string, bool, error) {
	return a.simple("orders", "{revenue}", "f.status = 'cancelled'", "")
}

// simple is a loss for each row of a table.
func (a *asking) simple(table, money, cond, join string) (string, bool, error) {
	s, err := a.source(table)
	if err != nil {
		return "", false, err
	}
	s.join(join)
	s.where(cond)
	s.restrict(a.from, a.until)
	if err := s.all(); err != nil {
		return "", false, err
	}
	s.wheres = slices.DeleteFunc(s.wheres, func(w string) bool { return w == "f.profile_id is not null" && a.q.Who == "" }) // what guests send back is lost too
	value, err := s.value(&leaf{}, money)
	return "select f.profile_id, " + s.f.ts + " as ts, " + value + " as money\n" + s.from(), true, err
}

func contactLeak(a *asking) (string, bool, error) {
	s, err := a.source("conversations")
	if err != nil {
		return "", false, err
	}
	s.restrict(a.from-clientele.Micros(7*24*time.Hour/time.Microsecond), a.until)
	if err := s.all(); err != nil {
		return "", false, err
	}
	rows := "select f.profile_id, f.started_at as ts, " + s.inCurrency("f.cost", "", "f.cost") + " as money, lag(f.started_at) over (partition by f.profile_id, f.topic order by f.started_at, f.source, f.conversation_id) as before\n" + s.from()
	return "select profile_id, ts, money\nfrom (\n" + rows + "\n) c\nwhere before >= ts - " + seconds(7*24*time.Hour) + " and ts >= " + sqlq.Instant(a.from), true, nil
}

// paidMedia are what campaigns call media that cost by the click.
var paidMedia = []string{"cpc", "ppc", "cpm", "paid", "paid_social", "paidsocial", "paid-social", "display", "ads", "paid_search", "affiliate"}

func visitLeak(a *asking) (string, bool, error) {
	s, err := a.source("events")
	if err != nil {
		return "", false, err
	}
	s.where("lower((f.context->'campaign'->>'medium')) in (" + quoted(paidMedia) + ")")
	s.restrict(a.from, a.until)
	if err := s.all(); err != nil {
		return "", false, err
	}
	ads, err := a.source("ad_spend")
	if err != nil {
		return "", false, err
	}
	ads.restrict(a.from, a.until)
	click := "cast(sum(" + ads.money("f.cost", "") + ") as double precision) / nullif(sum(f.clicks), 0)"
	cost := "(select " + click + "\n" + ads.from() + ")"
	// A visit is the first event of a day with the campaign.
	day := "cast((f.ts at time zone " + sqlq.Text(a.zone.String()) + ") as date)"
	rows := "select f.profile_id, min(f.ts) as ts\n" + s.from() + "\ngroup by f.profile_id, " + day + ", (f.context->'campaign'->>'name')"
	return "select v.profile_id, v.ts, " + cost + " as money\nfrom (\n" + rows + "\n) v\nwhere " + strings.TrimSpace(a.noOrder("v", month)), true, nil
}
