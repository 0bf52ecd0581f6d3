package insight_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
)

// done is a row of a random history: an event (name) or an order (name "orders").
type done struct {
	person           int // 0 is nobody
	ts               time.Time
	source, id, name string
	sku              string
}

// history is a random past of a few people, with many rows of the same instant.
type history struct {
	*shop
	rnd     *rand.Rand
	rows    []done
	country map[int]string
}

var begin = time.Date(2026, 2, 20, 12, 0, 0, 0, time.UTC)

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{shop: newShop(t), rnd: rand.New(rand.NewPCG(seed, 9)), country: map[int]string{}}
	people := 3 + h.rnd.IntN(25)
	for p := 1; p <= people; p++ {
		h.country[p] = []string{"TH", "DE", ""}[h.rnd.IntN(3)]
		traits := "{}"
		if h.country[p] != "" {
			traits = fmt.Sprintf(`{"country":%q}`, h.country[p])
		}
		h.add("profiles", map[string]any{"profile_id": p, "first_seen": begin, "traits": traits})
	}
	span := []int{50, 2000, 60 * 24 * 90}[h.rnd.IntN(3)] // minutes
	for i := range 20 + h.rnd.IntN(300) {
		d := done{person: h.rnd.IntN(people + 1), ts: begin.Add(time.Duration(h.rnd.IntN(span)) * time.Minute), source: []string{"app", "web"}[h.rnd.IntN(2)], id: fmt.Sprintf("%03d", h.rnd.IntN(900)*1000+i),
			name: []string{"A", "B", "C", "orders"}[h.rnd.IntN(4)], sku: []string{"x", "y", "z", ""}[h.rnd.IntN(4)]}
		if d.name == "C" && h.rnd.IntN(2) == 0 {
			d.ts = d.ts.Add(time.Duration(h.rnd.IntN(1e6)) * time.Microsecond)
		}
		h.rows = append(h.rows, d)
		var who any
		if d.person > 0 {
			who = d.person
		}
		if d.name == "orders" {
			h.add("orders", map[string]any{"order_id": d.id, "profile_id": who, "ts": d.ts, "source": d.source, "currency": "USD", "revenue": int64(h.rnd.IntN(50)-5) * 10_000, "store": d.sku})
			for n := range 1 + h.rnd.IntN(4) {
				h.add("order_lines", map[string]any{"order_id": d.id, "line": fmt.Sprint(n), "profile_id": who, "ts": d.ts, "source": d.source, "sku": []string{"x", "y", "z", "v", "w"}[h.rnd.IntN(5)], "quantity": money("1"), "price": money("2")})
			}
			continue
		}
		props := "{}"
		if d.sku != "" {
			props = fmt.Sprintf(`{"sku":%q}`, d.sku)
		}
		h.add("events", map[string]any{"event_id": d.id, "profile_id": who, "ts": d.ts, "source": d.source, "name": d.name, "type": "track", "properties": props, "context": "{}"})
	}
	h.load(clientele.Promotion{Table: "profiles", JSON: "country", Column: "country", Type: clientele.TypeText}, clientele.Promotion{Table: "events", JSON: "sku", Column: "sku", Type: clientele.TypeText})
	slices.SortFunc(h.rows, func(a, b done) int {
		return cmp.Or(a.ts.Compare(b.ts), cmp.Compare(a.source, b.source), cmp.Compare(a.id, b.id))
	})
	return h
}

func (h *history) of(person int) (out []done) {
	for _, d := range h.rows {
		if d.person == person {
			out = append(out, d)
		}
	}
	return out
}

// histories runs a test on some random histories.
func histories(t *testing.T, n int, test func(h *history)) {
	for seed := range uint64(n) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { test(newHistory(t, seed)) })
	}
}

func matches(d done, st clientele.Step) bool {
	name := st.Event
	if st.Table != "" {
		name = st.Table
	}
	if d.name != name {
		return false
	}
	for _, f := range st.Where {
		if d.sku != f.Value {
			return false
		}
	}
	return true
}

func (h *history) steps(n int) (out []clientele.Step) {
	for range n {
		st := clientele.Step{Event: []string{"A", "B", "C"}[h.rnd.IntN(3)]}
		if h.rnd.IntN(4) == 0 {
			st = clientele.Step{Table: "orders"}
		} else if h.rnd.IntN(4) == 0 {
			st.Where = []clientele.Filter{{Field: "sku", Value: "x"}}
		}
		out = append(out, st)
	}
	return out
}

// chain is where step k-1 is reached at the earliest when the way begins at row i; -1 when it is not.
func chain(rows []done, steps []clientele.Step, i int, within time.Duration) []int {
	reached := []int{i}
	for _, st := range steps[1:] {
		last, next := reached[len(reached)-1], -1
		for j := last + 1; j < len(rows); j++ {
			if matches(rows[j], st) && !rows[j].ts.After(rows[i].ts.Add(within)) {
				next = j
				break
			}
		}
		if next < 0 {
			break
		}
		reached = append(reached, next)
	}
	return reached
}

// times are the seconds that a person took to each step, the first time that it was reached, from the latest
// beginning of a way there; NaN when never.
func timesTo(rows []done, steps []clientele.Step, within time.Duration) []float64 {
	out := make([]float64, len(steps))
	for k := range steps {
		out[k] = math.NaN()
		for j, d := range rows {
			if !matches(d, steps[k]) {
				continue
			}
			for i := j; i >= 0 && math.IsNaN(out[k]); i-- {
				if !matches(rows[i], steps[0]) || k == 0 && i != j || k > 0 && i == j {
					continue
				}
				way := chain(rows[:j], steps[:max(k, 1)], i, within)
				if k == 0 || len(way) == k && !d.ts.After(rows[i].ts.Add(within)) {
					out[k] = d.ts.Sub(rows[i].ts).Seconds()
				}
			}
			if !math.IsNaN(out[k]) {
				break
			}
		}
	}
	return out
}

// quantile interpolates as percentile_cont does.
func quantile(values []float64, p float64) any {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	at := p * float64(len(values)-1)
	lo := int(at)
	hi := min(lo+1, len(values)-1)
	return values[lo] + (values[hi]-values[lo])*(at-float64(lo))
}

func TestFunnelEqualsModel(t *testing.T) {
	histories(t, 2, func(h *history) {
		for range 4 {
			q := clientele.Question{Kind: "funnel", Steps: h.steps(2 + h.rnd.IntN(3)), Within: []string{"10m", "600m", "20d"}[h.rnd.IntN(3)]}
			by := h.rnd.IntN(3)
			if by > 0 {
				q.By = []string{[]string{"", "country", "source"}[by]}
			}
			within, _ := time.ParseDuration(strings.Replace(q.Within, "20d", "480h", 1))
			// people by the dimension's value, step by step
			found := map[any][][]float64{}
			for p := range h.country {
				groups := map[any][]done{}
				for _, d := range h.of(p) {
					var g any
					if by == 1 && h.country[p] != "" {
						g = h.country[p]
					} else if by == 2 {
						g = d.source
					}
					groups[g] = append(groups[g], d)
				}
				for g, rows := range groups {
					if found[g] == nil {
						found[g] = make([][]float64, len(q.Steps))
					}
					for k, s := range timesTo(rows, q.Steps, within) {
						if !math.IsNaN(s) {
							found[g][k] = append(found[g][k], s)
						}
					}
				}
			}
			r, n := h.ask(q), 0
			for i, row := range r.Rows {
				var g any
				if by > 0 {
					g, row = row[0], row[1:]
				}
				k := row[0].(int) - 1
				people := int64(0)
				var median any
				if found[g] != nil {
					people = int64(len(found[g][k]))
					if k > 0 {
						median = quantile(found[g][k], 0.5)
					}
				}
				m, _ := median.(float64)
				got, _ := row[6].(float64)
				if row[2] != people || (median == nil) != (row[6] == nil) || math.Abs(m-got) > 1e-6 {
					h.Fatalf("%+v: %v %v has %v people, median %v; want %d, %v", q, g, k, row[2], row[6], people, median)
				}
				n++
				if h.rnd.IntN(3) > 0 {
					continue
				}
				if b := h.behind(q, r.Cells[i]); b.Count != people {
					h.Fatalf("%+v: %v: %d people behind %d", q, r.Cells[i], b.Count, people)
				}
				if k > 0 {
					cell := clientele.Cell{"outcome": "dropped"}
					for name, v := range r.Cells[i] {
						cell[name] = v
					}
					if b := h.behind(q, cell); b.Count != row[5] {
						h.Fatalf("%+v: %v: %d people behind %v dropped", q, cell, b.Count, row[5])
					}
				}
			}
			for g, steps := range found {
				if len(steps[0]) > 0 && !slices.ContainsFunc(r.Rows, func(row []any) bool { return by == 0 || row[0] == g }) {
					h.Fatalf("%+v: %v is missing", q, g)
				}
			}
		}
	})
}

// retentions is how many questions a history is asked: each of their cells is asked for its people,
// which takes seconds.
const retentions = 2

func TestRetentionEqualsModel(t *testing.T) {
	histories(t, 1, func(h *history) {
		for range retentions {
			steps := h.steps(1 + h.rnd.IntN(2))
			q := clientele.Question{Kind: "retention", Steps: steps, Grain: []string{"day", "week", "month", "quarter"}[h.rnd.IntN(4)], TimeZone: []string{"UTC", "Asia/Bangkok", "America/New_York"}[h.rnd.IntN(3)]}
			if h.rnd.IntN(2) == 0 {
				q.By = []string{"source"}
			}
			if h.rnd.IntN(2) == 0 {
				q.From = "2026-02-22"
			}
			zone, _ := time.LoadLocation(q.TimeZone)
			from, _ := time.ParseInLocation(time.DateOnly, q.From, zone)
			type cell struct {
				cohort string
				source any
				n      int
			}
			want := map[cell]int64{}
			for p := range h.country {
				var first *done
				seen := map[cell]bool{}
				for _, d := range h.of(p) {
					if first == nil && matches(d, steps[0]) {
						first = &d
						if first.ts.Before(from) {
							break
						}
						var by any
						if q.By != nil {
							by = d.source
						}
						seen[cell{period(d.ts, q.Grain, zone).Format(time.DateOnly), by, 0}] = true
					}
				}
				if first == nil || first.ts.Before(from) {
					continue
				}
				var by any
				if q.By != nil {
					by = first.source
				}
				start := period(first.ts, q.Grain, zone)
				for _, d := range h.of(p) {
					if !matches(d, steps[len(steps)-1]) || d.ts.Before(from) {
						continue
					}
					n := 0
					for x := start; x.Before(period(d.ts, q.Grain, zone)); x = after(x, q.Grain) {
						n++
					}
					if n > 0 {
						seen[cell{start.Format(time.DateOnly), by, n}] = true
					}
				}
				for c := range seen {
					want[c]++
				}
			}
			r := h.ask(q)
			got := map[cell]int64{}
			for i, row := range r.Rows {
				c := cell{cohort: row[0].(string)}
				if q.By != nil {
					c.source = row[1]
				}
				c.n = row[h.column(r, "period")].(int)
				people := row[h.column(r, "people")].(int64)
				if people > 0 {
					got[c] = people
				}
				if h.rnd.IntN(4) == 0 {
					if b := h.behind(q, r.Cells[i]); b.Count != people {
						h.Fatalf("%+v: %v: %d people behind %d", q, r.Cells[i], b.Count, people)
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				h.Fatalf("%+v:\n%v\nwant\n%v", q, got, want)
			}
		}
	})
}

// period is the beginning of a time's day, week, month or quarter.
func period(t time.Time, grain string, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	switch day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); grain {
	case "day":
		return day
	case "week":
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case "quarter":
		return time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

func after(t time.Time, grain string) time.Time {
	switch grain {
	case "day":
		return t.AddDate(0, 0, 1)
	case "week":
		return t.AddDate(0, 0, 7)
	case "quarter":
		return t.AddDate(0, 3, 0)
	}
	return t.AddDate(0, 1, 0)
}

func TestAffinityEqualsModel(t *testing.T) {
	histories(t, 2, func(h *history) {
		lines, err := h.Query(t.Context(), "select source || ' ' || order_id, sku, profile_id from order_lines", nil, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, basket := range []string{"order", "customer", "viewed"} {
			q := clientele.Question{Kind: "affinity", Basket: basket, MinSupport: 1 + h.rnd.IntN(3), Limit: 1000}
			baskets := map[any]map[string]bool{}
			put := func(basket any, item string) {
				if baskets[basket] == nil {
					baskets[basket] = map[string]bool{}
				}
				baskets[basket][item] = true
			}
			switch basket {
			case "viewed":
				q.Basket, q.Steps, q.Item = "", []clientele.Step{{Event: "A"}}, "sku"
				for _, d := range h.rows {
					if d.name == "A" && d.person > 0 && d.sku != "" {
						put(d.person, d.sku)
					}
				}
			default:
				for _, row := range lines.Rows {
					of := row[0]
					if basket == "customer" {
						of = row[2]
					}
					if of != nil {
						put(of, row[1].(string))
					}
				}
			}
			n, count := float64(len(baskets)), map[string]float64{}
			for _, items := range baskets {
				for a := range items {
					count[a]++
					for b := range items {
						if a < b {
							count[a+b]++
						}
					}
				}
			}
			r, pairs := h.ask(q), 0
			for i, row := range r.Rows {
				a, b := row[0].(string), row[1].(string)
				both := count[a+b]
				if float64(row[2].(int64)) != both || !near(row[3], 100*both/n) || !near(row[4], 100*both/count[a]) || !near(row[5], 100*both/count[b]) || !near(row[6], both*n/count[a]/count[b]) {
					h.Fatalf("%+v: %v of %v, %v, %v, %v", q, row, both, n, count[a], count[b])
				}
				if basket != "order" {
					if behind := h.behind(q, r.Cells[i]); behind.Count != row[2] {
						h.Fatalf("%+v: %v: %d people behind", q, row, behind.Count)
					}
				}
			}
			for pair, c := range count {
				if len(pair) == 2 && c >= float64(q.MinSupport) {
					pairs++
				}
			}
			if len(r.Rows) != pairs {
				h.Fatalf("%+v: %d pairs, want %d", q, len(r.Rows), pairs)
			}
			if pairs > 0 {
				q.Focus = r.Rows[0][0].(string)
				for _, row := range h.ask(q).Rows {
					if row[0] != q.Focus || !near(row[2], count[min(q.Focus, row[1].(string))+max(q.Focus, row[1].(string))]) {
						h.Fatalf("%+v: %v", q, row)
					}
				}
			}
		}
	})
}

func near(v any, want float64) bool {
	f, ok := v.(float64)
	if i, is := v.(int64); is {
		f, ok = float64(i), true
	}
	return ok && math.Abs(f-want) < 1e-9*math.Max(1, math.Abs(want))
}

func TestPathsEqualModel(t *testing.T) {
	histories(t, 2, func(h *history) {
		for range 4 {
			q := clientele.Question{Kind: "paths", Depth: 1 + h.rnd.IntN(4), Within: []string{"30m", "20d"}[h.rnd.IntN(2)], Limit: 10_000, Nodes: 2}
			switch h.rnd.IntN(3) {
			case 0:
				q.Start = "A"
			case 1:
				q.End = "B"
			}
			within, _ := time.ParseDuration(strings.Replace(q.Within, "20d", "480h", 1))
			want := map[string]int64{}
			for p := range h.country {
				var way []done
				for _, d := range h.of(p) {
					if d.name != "orders" && (len(way) == 0 || way[len(way)-1].name != d.name) {
						way = append(way, d)
					}
				}
				at := 0
				if mark := q.Start + q.End; mark != "" {
					at = slices.IndexFunc(way, func(d done) bool { return d.name == mark })
				}
				if at < 0 || len(way) == 0 {
					continue
				}
				var labels []string
				for k := 0; k <= q.Depth; k++ {
					i := at + k
					if q.End != "" {
						i = at - k
					}
					if i < 0 || i >= len(way) || way[i].ts.Sub(way[at].ts).Abs() > within {
						break
					}
					labels = append(labels, way[i].name)
				}
				want[strings.Join(labels, ">")]++
			}
			r := h.ask(q)
			got := map[string]int64{}
			for i, row := range r.Rows {
				var labels []string
				for _, v := range row[:q.Depth+1] {
					if v != nil {
						labels = append(labels, v.(string))
					}
				}
				people := row[q.Depth+1].(int64)
				got[strings.Join(labels, ">")] = people
				if b := h.behind(q, r.Cells[i]); b.Count != people {
					h.Fatalf("%+v: %v: %d people behind %d", q, r.Cells[i], b.Count, people)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				h.Fatalf("%+v:\n%v\nwant\n%v", q, got, want)
			}
			in, out := map[string]int64{}, map[string]int64{}
			for _, l := range r.Links {
				out[fmt.Sprint(l.Step, l.From)] += l.People
				in[fmt.Sprint(l.Step+1, l.To)] += l.People
				if l.Cell != nil {
					if b := h.behind(q, l.Cell); b.Count != l.People {
						h.Fatalf("%+v: link %+v: %d people behind", q, l, b.Count)
					}
				}
			}
			for _, n := range r.Nodes { // what comes in goes out
				name := fmt.Sprint(n.Step, n.Label)
				if n.Step > 0 && in[name] != n.People || n.Step < q.Depth && out[name] != n.People {
					h.Fatalf("%+v: node %+v has %d in and %d out", q, n, in[name], out[name])
				}
				if n.Cell != nil {
					if b := h.behind(q, n.Cell); b.Count != n.People {
						h.Fatalf("%+v: node %+v: %d people behind", q, n, b.Count)
					}
				}
			}
		}
	})
}

// The people behind any cell of a count of people are as many as it says; those behind the shares are, too.
func TestPeopleAreTheCell(t *testing.T) {
	histories(t, 2, func(h *history) {
		counts := []string{"customers", "buyers", "active", "people(events)", "people(events)[A|B]", "buyers[revenue>=10]", "active[sku exists]", "people(order_lines)", "unique(orders.profile_id)"}
		dims := []string{"country", "source", "day", "week", "hour", "weekday", "sku", "store", "event", "month", "product", "stock", "category"}
		asked := 0
		for range 20 {
			q := clientele.Question{Kind: "metric", Measures: []string{counts[h.rnd.IntN(len(counts))]}, TimeZone: []string{"", "Asia/Bangkok", "Europe/Paris"}[h.rnd.IntN(3)], Limit: 10_000}
			for range h.rnd.IntN(4) {
				if d := dims[h.rnd.IntN(len(dims))]; !slices.Contains(q.By, d) {
					q.By = append(q.By, d)
				}
			}
			switch h.rnd.IntN(4) {
			case 0:
				q.Where = []clientele.Filter{{Field: "country", Op: []string{"eq", "ne"}[h.rnd.IntN(2)], Value: "TH"}}
			case 1:
				q.From = "2026-02-21"
			}
			r, err := h.Ask(t.Context(), q)
			if clientele.ErrorCode(err) == clientele.Invalid {
				continue // a measure that has not the dimension
			}
			if err != nil {
				h.Fatalf("%+v: %v", q, err)
			}
			asked++
			for i, row := range r.Rows {
				if i > 4 {
					break
				}
				if b := h.behind(q, r.Cells[i]); b.Count != row[len(q.By)] {
					h.Fatalf("%+v: %v: %d people behind %v\n%s", q, r.Cells[i], b.Count, row, b.SQL)
				}
			}
		}
		if asked < 5 {
			t.Errorf("only %d questions could be asked", asked)
		}
		q := clientele.Question{Kind: "rfm", By: []string{"segment", "country"}}
		r := h.ask(q)
		share := 0.0
		for i, row := range r.Rows {
			share += row[4].(float64)
			if b := h.behind(q, r.Cells[i]); b.Count != row[2] {
				h.Fatalf("%+v: %v: %d people behind %v", q, r.Cells[i], b.Count, row)
			}
		}
		if len(r.Rows) > 0 && math.Abs(share-100) > 1e-9 {
			h.Errorf("the segments hold %v percent", share)
		}
		q = clientele.Question{Kind: "concentration", Measures: []string{"orders"}}
		r = h.ask(q)
		for i, row := range r.Rows {
			if b := h.behind(q, r.Cells[i]); b.Count != row[1] {
				h.Fatalf("%+v: %v: %d people behind %v", q, r.Cells[i], b.Count, row)
			}
		}
		if n := len(r.Rows); n > 0 && r.Rows[n-1][3] != 100.0 {
			h.Errorf("all hold %v percent", r.Rows[n-1])
		}
	})
}

// Pages hold everybody once, in order.
func TestPagesOfPeople(t *testing.T) {
	h := newHistory(t, 1)
	req := clientele.BehindRequest{Question: clientele.Question{Kind: "metric", Measures: []string{"customers"}}, Limit: 2}
	var all []clientele.ProfileID
	for {
		r, err := h.People(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Items...)
		if req.Cursor = r.Next; r.Next == "" {
			break
		}
	}
	if len(all) != len(h.country) || !slices.IsSorted(all) || len(slices.Compact(all)) != len(h.country) {
		t.Errorf("%v of %d people", all, len(h.country))
	}
}
