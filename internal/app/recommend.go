package app

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/predict/recommend"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

var _ api.Recommender = (*App)(nil)

// recommending is the model of recommendations. It is a function of the stored orders, kept in memory alone: after a start it is learned anew.
type recommending struct {
	model    atomic.Pointer[recommend.Model]
	status   atomic.Pointer[clientele.RecommendStatus]
	training sync.Mutex
	active   atomic.Bool
}

// How often the model is learned anew, and looked at whether it is due.
const (
	recommendEvery = 6 * time.Hour
	recommendLook  = 30 * time.Second
)

// learnRecommendations is the stage that keeps the model near to the orders.
func (a *App) learnRecommendations(ctx context.Context) error {
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	for ctx.Err() == nil {
		if s := a.recommends.status.Load(); s == nil || s.Error != "" || a.o.Now().Sub(s.Trained.Time()) >= recommendEvery {
			if _, err := a.TrainRecommendations(ctx); err != nil && ctx.Err() == nil {
				a.o.Log.Debug("recommendations", "error", err.Error())
			}
		}
		if pause(ctx, recommendLook) != nil {
			return nil
		}
	}
	return nil
}

// sellable is the lines of orders that were not cancelled, with the product's name here.
const sellable = `select l.profile_id as profile_id, l.source as source, l.order_id as order_id, coalesce(nullif(l.sku, ''), l.product_id) as item,
	l.name as name, l.category as category, coalesce(l.ts, o.ts) as ts
	from order_lines l left join orders o on o.source = l.source and o.order_id = l.order_id
	where coalesce(nullif(l.sku, ''), l.product_id) <> '' and (l.quantity is null or l.quantity > 0) and coalesce(l.ts, o.ts) is not null and (o.status is null or o.status <> 'cancelled')`

// TrainRecommendations learns from the orders of this moment, tests the model against the end of their time, and puts it in the place of the one before.
func (a *App) TrainRecommendations(ctx context.Context) (*clientele.RecommendStatus, error) {
	r := &a.recommends
	r.training.Lock()
	defer r.training.Unlock()
	r.active.Store(true)
	defer r.active.Store(false)
	start := a.o.Now()
	status := &clientele.RecommendStatus{Trained: clientele.MicrosOf(start), Backtest: []clientele.RecommendTest{}}
	book, err := a.boughtBook(ctx)
	if err == nil {
		err = r.learn(book, status)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if status.Seconds = a.o.Now().Sub(start).Seconds(); err != nil {
		status.Error = err.Error()
		if old := r.status.Load(); old != nil && r.model.Load() != nil { // the model before stays, and so does when it was made
			status.Trained = old.Trained
		} else {
			status.Trained = 0
		}
	}
	r.status.Store(status)
	return status, err
}

// learn makes the model and what is told of it.
func (r *recommending) learn(book *recommend.Book, status *clientele.RecommendStatus) error {
	first, last := book.Days()
	how := recommend.Settings{Workers: max(1, runtime.GOMAXPROCS(0)/2)}
	if test, _, err := recommend.Test(book, last+1-(last-first)/5, last+1, how); err == nil {
		for i, m := range slices.Concat(test.New, test.Again) {
			list := "new"
			if i >= len(test.New) {
				list = "again"
			}
			status.Backtest = append(status.Backtest, clientele.RecommendTest{List: list, Name: m.Name, Precision: m.Precision, Hit: m.Hit, NDCG: m.NDCG, People: m.People})
		}
	}
	m, err := recommend.Learn(book, last+1, how)
	if err != nil {
		return err
	}
	status.Customers, status.Products, status.Lines = m.Report.Customers, m.Report.Products, book.Lines()
	m.Forget() // people's purchases are read when they are asked for
	r.model.Store(m)
	return nil
}

// boughtBook reads who bought what from the column store.
func (a *App) boughtBook(ctx context.Context) (*recommend.Book, error) {
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return nil, err
	}
	book := &recommend.Book{}
	items, err := a.columns.Query(ctx, `select s.item, max(coalesce(nullif(p.name, ''), s.name)), max(coalesce(nullif(p.category, ''), s.category)) from (`+sellable+`) s
		left join products p on p.sku = s.item group by s.item order by s.item`, nil, duckstore.Limits{Rows: 1 << 20, Bytes: 256 << 20, Time: 5 * time.Minute})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items.Rows))
	for i, row := range items.Rows {
		names[i], _ = row[0].(string)
		name, _ := row[1].(string)
		category, _ := row[2].(string)
		book.Describe(names[i], recommend.Item{Name: name, Category: category})
	}
	// Numbers alone cross: products by their place in that list, orders by a number of their own.
	err = a.columns.Numbers(ctx, `select coalesce(profile_id, 0), cast(dense_rank() over (order by source, order_id) as bigint), cast(dense_rank() over (order by item) as bigint), cast(floor(epoch(ts) / 86400) as bigint)
		from (`+sellable+`) s`, func(row []int64) error {
		customer := ""
		if row[0] != 0 {
			customer = strconv.FormatInt(row[0], 36)
		}
		if i := row[2] - 1; i < int64(len(names)) {
			book.Add(customer, strconv.FormatInt(row[1], 36), names[i], int32(row[3]))
		}
		return ctx.Err()
	})
	return book, err
}

// RecommendStatus is how the model is.
func (a *App) RecommendStatus(context.Context) (*clientele.RecommendStatus, error) {
	s := clientele.RecommendStatus{Backtest: []clientele.RecommendTest{}}
	if now := a.recommends.status.Load(); now != nil {
		s = *now
	}
	s.Training = a.recommends.active.Load()
	return &s, nil
}

func (a *App) recommender() (*recommend.Model, clientele.Micros, error) {
	m, s := a.recommends.model.Load(), a.recommends.status.Load()
	if m == nil {
		e := clientele.Errorf(clientele.Unavailable, "there is no model of recommendations yet")
		if s != nil && s.Error != "" {
			return nil, 0, e.WithHint("%s", s.Error)
		}
		return nil, 0, e.WithHint("it is made within a minute after the start, or by POST /api/v1/recommendations/train")
	}
	return m, s.Trained, nil
}

// rulesOf are the query's rules, with stock as of the rows. Each SKU is looked up once.
func rulesOf(rows clientele.Rows, q clientele.RecommendQuery) (recommend.Rules, func(string) *float64) {
	known := map[string]*float64{}
	stock := func(sku string) *float64 {
		n, asked := known[sku]
		if !asked {
			n, _ = resolve.Available(rows, sku) // what cannot be read is not known
			known[sku] = n
		}
		return n
	}
	r := recommend.Rules{Include: q.Include, Exclude: q.Exclude, PerCategory: q.PerCategory}
	if !q.SoldOut {
		r.Allow = func(item string) bool { n := stock(item); return n == nil || *n > 0 }
	}
	return r, stock
}

func shownPicks(list []recommend.Pick, stock func(string) *float64) []clientele.Recommendation {
	out := make([]clientele.Recommendation, len(list))
	for i, p := range list {
		out[i] = clientele.Recommendation{Item: p.Item, Name: p.Name, Category: p.Category, Kind: string(p.Kind), Score: p.Score, Reason: p.Reason, Because: p.Because, Available: stock(p.Item)}
	}
	return out
}

// RecommendFor recommends to a person, by all that the person bought up to now.
func (a *App) RecommendFor(_ context.Context, id clientele.Identifier, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	v, p, err := a.viewOf(id)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return a.recommendTo(v, p, q)
}

func (a *App) recommendTo(v *view, p clientele.ProfileID, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	m, trained, err := a.recommender()
	if err != nil {
		return nil, err
	}
	purchases, err := resolve.Purchases(v, v.graph, p)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	days := map[[2]int32]bool{}
	var bought []recommend.Bought
	for _, x := range purchases {
		day := int32(x.At / clientele.Micros((24 * time.Hour).Microseconds()))
		i, ok := at[x.Item]
		if !ok {
			i = len(bought)
			at[x.Item] = i
			bought = append(bought, recommend.Bought{Item: x.Item})
		}
		if k := [2]int32{int32(i), day}; !days[k] {
			days[k] = true
			bought[i].Times++
		}
		bought[i].Last = max(bought[i].Last, day)
	}
	rules, stock := rulesOf(v, q)
	now := int32(a.domain.Load() / (24 * time.Hour).Microseconds())
	fresh, again := m.For(bought, now, limitOf(q), rules)
	return &clientele.Recommendations{New: shownPicks(fresh, stock), Again: shownPicks(again, stock), Trained: trained}, nil
}

func limitOf(q clientele.RecommendQuery) int {
	if q.Limit <= 0 {
		return 10
	}
	return min(q.Limit, 100)
}

// RecommendWith recommends what goes with a product. NotFound when nobody has bought it.
func (a *App) RecommendWith(_ context.Context, item string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	m, trained, err := a.recommender()
	if err != nil {
		return nil, err
	}
	if !m.Has(item) {
		return nil, clientele.Errorf(clientele.NotFound, "nobody has bought that product").WithHint("name a SKU of an order; the product id where orders have no SKU")
	}
	rules, stock := rulesOf(a.rows, q)
	return &clientele.Recommendations{New: shownPicks(m.With(item, limitOf(q), rules), stock), Again: []clientele.Recommendation{}, Trained: trained}, nil
}

// RecommendSession recommends to a visitor by the products looked at, the last one last.
func (a *App) RecommendSession(_ context.Context, items []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	m, trained, err := a.recommender()
	if err != nil {
		return nil, err
	}
	rules, stock := rulesOf(a.rows, q)
	return &clientele.Recommendations{New: shownPicks(m.Session(items, "", limitOf(q), rules), stock), Again: []clientele.Recommendation{}, Trained: trained}, nil
}
