package feature_test

import (
	"iter"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
)

const day = feature.Day

// at is the start of a day of 2025; the first is a Wednesday.
func at(days float64) clientele.Micros {
	return 1_735_689_600_000_000 + clientele.Micros(days*float64(day))
}

func build(t testing.TB, how feature.Settings, people ...feature.Person) *feature.Table {
	t.Helper()
	table, err := feature.Build(slices.Values(people), how)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// value of a feature in a row.
func value(t testing.TB, table *feature.Table, row int, name string) float64 {
	t.Helper()
	for i, c := range table.Columns {
		if c.Name == name {
			return table.Values[i][row]
		}
	}
	t.Fatalf("no feature %q", name)
	return 0
}

// TestFeatures: one person's year, worked out by hand as of day 200.
func TestFeatures(t *testing.T) {
	stock := &feature.Stock{}
	stock.Add(7, at(0), 0, true)
	stock.Add(7, at(170), 0, false)
	stock.Add(7, at(190), 0, true)
	stock.Close()
	facts := []feature.Fact{
		{At: at(1), Kind: feature.Event, Name: 1},
		{At: at(3.8), Kind: feature.Order, Order: 1, Product: 5, Category: 1, Channel: 1, Quantity: 2, Amount: 80, Discount: 20, Reference: 50}, // Saturday evening
		{At: at(3.8), Kind: feature.Order, Order: 1, Product: 6, Category: 2, Channel: 1, Quantity: 1, Amount: 20},
		{At: at(10), Kind: feature.Return, Amount: 20},
		{At: at(100.4), Kind: feature.Order, Order: 2, Product: 5, Category: 1, Channel: 2, Quantity: 1, Amount: 55, Reference: 50},
		{At: at(160.5), Kind: feature.Order, Order: 3, Product: 7, Channel: 2, Quantity: 1, Amount: 45},
		{At: at(175), Kind: feature.Event, Name: 1, Product: 7}, // met a stock-out
		{At: at(180), Kind: feature.StockOut},
		{At: at(190), Kind: feature.Sent},
		{At: at(191), Kind: feature.Response},
	}
	table := build(t, feature.Settings{Categories: []string{"tents", "boots"}, Channels: []string{"web", "store"}, Events: []string{"visits"}, Stock: stock, TypicalGap: 40},
		feature.Person{Facts: facts, Moments: []clientele.Micros{at(200)}})
	for name, want := range map[string]float64{
		"days since the last order": 39.5, "days since the first order": 196.2,
		"orders in 30 days": 0, "orders in 90 days": 1, "orders in 365 days": 3, "spent in 365 days": 200, "orders ever": 3,
		"orders in 90 days against the 90 before": 0, "spent in 90 days against the 90 before": math.Log(46.0 / 56),
		"size of the last order against the mean": 45 / (200.0 / 3), "size of the first order": 100, "lines of the first order": 2,
		"usual days between orders": 96.6, "last days between orders": 60.1,
		"days since the last order against the usual gap":      39.5 / ((80 + 96.6 + 60.1) / 4),
		"share of orders at weekends":                          1.0 / 3, // days 3, 100 and 160: Saturday, Friday, Tuesday
		"share of orders in the evening":                       1.0 / 3,
		"share of money given back":                            0.1,
		"returns ever":                                         1,
		"share of lines with a discount":                       0.25,
		"share of orders at full price":                        2.0 / 3,
		"depth of discounts":                                   20.0 / 220,
		"discount of the first order":                          20.0 / 120,
		"price paid against the reference":                     (40.0/50 + 55.0/50) / 2,
		"share of spending on tents":                           135.0 / 200,
		"first order in tents":                                 1,
		"first order through store":                            0,
		"share of orders through store":                        2.0 / 3,
		"different products ever":                              3,
		"share of lines that buy a product again":              0.25,
		"stock-outs met in 30 days":                            2,
		"stock-outs met since the last order":                  2,
		"last product is to be had in its size":                1,
		"share of the time since the last order without stock": 20 / 39.5,
		"messages in 30 days":                                  1,
		"responses by message in 90 days":                      1,
		"days since the last response":                         9,
		"events before the first order":                        1,
		"visits in 30 days":                                    1,
		"visits in 90 days":                                    1,
		"days since the last visits":                           25,
		"days since anything but orders":                       9,
		"price now of the last product against what was paid":  math.NaN(),
		"price paid against the reference, last order":         math.NaN(),
	} {
		got := value(t, table, 0, name)
		if !(math.Abs(got-want) < 1e-9) && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
	for _, c := range table.Columns {
		if c.Group == "" || table.Group(c.Name) != c.Group {
			t.Errorf("%s has no group", c.Name)
		}
	}
}

// crowd is people whose label is a coin: they order twice before the moment, and again behind it or not.
func crowd(n int) (people []feature.Person, y []bool) {
	r := rand.New(rand.NewPCG(3, 4))
	for range n {
		p := feature.Person{Moments: []clientele.Micros{at(100)}}
		for range 2 {
			p.Facts = append(p.Facts, feature.Fact{At: at(99 * r.Float64()), Amount: 10 + 90*r.Float64(), Product: uint32(1 + r.IntN(5))})
		}
		again := r.IntN(2) == 1
		if again {
			p.Facts = append(p.Facts, feature.Fact{At: at(100 + 29*r.Float64()), Amount: 20})
		}
		people, y = append(people, p), append(y, again)
	}
	return people, y
}

// planted gives those whose label is yes one more fact.
func planted(people []feature.Person, y []bool, f feature.Fact) []feature.Person {
	out := slices.Clone(people)
	for i := range out {
		if y[i] {
			out[i].Facts = append(slices.Clone(out[i].Facts), f)
		}
	}
	return out
}

// best is the AUC of the feature that ranks the labels best.
func best(table *feature.Table, y []bool) (auc float64, name string) {
	for i, c := range table.Columns {
		if a := learn.AUC(table.Values[i], y); math.Abs(a-0.5) >= math.Abs(auc-0.5) || name == "" {
			auc, name = a, c.Name
		}
	}
	return auc, name
}

// same says whether two tables are equal to the last bit.
func same(a, b *feature.Table) bool {
	for i := range a.Values {
		for k, v := range a.Values[i] {
			if math.Float64bits(v) != math.Float64bits(b.Values[i][k]) {
				return false
			}
		}
	}
	return len(a.Values) == len(b.Values) && reflect.DeepEqual(a.Columns, b.Columns) && reflect.DeepEqual(a.Labels, b.Labels) && reflect.DeepEqual(a.Person, b.Person)
}

// TestNothingLeaks plants facts that equal the label: behind the moment, at it, and before it but received later. No feature
// moves. The same fact, known in time, is seen: the test can tell.
func TestNothingLeaks(t *testing.T) {
	people, y := crowd(4000)
	how := feature.Settings{Events: []string{"secret"}, Target: &feature.Target{Within: 30 * day, End: at(140)}, Workers: 2}
	clean := build(t, how, people...)
	for i, l := range clean.Labels {
		if (l == feature.Yes) != y[i] {
			t.Fatalf("label %d is %v", i, l)
		}
	}
	if auc, name := best(clean, y); math.Abs(auc-0.5) > 0.04 {
		t.Errorf("%q ranks coins with an AUC of %.3f", name, auc)
	}
	for what, f := range map[string]feature.Fact{
		"an event behind the moment":                {At: at(100.0001), Kind: feature.Event, Name: 1},
		"an event at the moment":                    {At: at(100), Kind: feature.Event, Name: 1},
		"an event of before, received behind":       {At: at(50), Known: at(101), Kind: feature.Event, Name: 1},
		"an event of before, received at it":        {At: at(50), Known: at(100), Kind: feature.Event, Name: 1},
		"a return that is booked behind the moment": {At: at(110), Kind: feature.Return, Amount: 30},
		"a line of an order that came late":         {At: at(40), Known: at(130), Amount: 1000, Order: 9, Product: 3},
	} {
		if got := build(t, how, planted(people, y, f)...); !same(clean, got) {
			auc, name := best(got, y)
			t.Errorf("%s changes features: %q has an AUC of %.3f", what, name, auc)
		}
	}
	seen := build(t, how, planted(people, y, feature.Fact{At: at(50), Known: at(60), Kind: feature.Event, Name: 1})...)
	if auc, _ := best(seen, y); auc < 0.99 {
		t.Errorf("an event that was known in time is not seen: AUC %.3f", auc)
	}
}

// TestPricesAndStockDoNotLeak: what the shop sells and stocks later changes nothing.
func TestPricesAndStockDoNotLeak(t *testing.T) {
	people, _ := crowd(50)
	table := func(later bool) *feature.Table {
		prices, stock := &feature.Prices{}, &feature.Stock{}
		for p := range uint32(6) {
			prices.Add(&feature.Fact{At: at(1), Product: p, Price: 10})
			stock.Add(p, at(1), 0, true)
			if later {
				prices.Add(&feature.Fact{At: at(100), Product: p, Price: 99})
				prices.Add(&feature.Fact{At: at(20), Known: at(101), Product: p, Price: 99})
				stock.Add(p, at(100), 0, false)
				stock.Add(p, at(20), at(150), false)
			}
		}
		prices.Close()
		stock.Close()
		return build(t, feature.Settings{Prices: prices, Stock: stock}, people...)
	}
	if !same(table(false), table(true)) {
		t.Error("prices or stock of later are in the features")
	}
}

// TestLabels: windows and what is left open.
func TestLabels(t *testing.T) {
	stock := &feature.Stock{}
	stock.Add(2, at(0), 0, true)
	stock.Add(2, at(60), 0, false)
	stock.Close()
	of := func(facts ...feature.Fact) feature.Person {
		return feature.Person{Facts: append([]feature.Fact{{At: at(10), Product: 2, Amount: 5}}, facts...), Moments: []clientele.Micros{at(50)}}
	}
	churn := feature.Target{Absent: true, Within: 30 * day, End: at(80), Excused: 0.6}
	for name, c := range map[string]struct {
		target feature.Target
		person feature.Person
		want   feature.Label
	}{
		"no order":               {churn, of(), feature.Excused},
		"no order, no excuse":    {feature.Target{Absent: true, Within: 30 * day, End: at(80)}, of(), feature.Yes},
		"short absence of stock": {feature.Target{Absent: true, Within: 30 * day, End: at(80), Excused: 0.7}, of(), feature.Yes},
		"an order":               {churn, of(feature.Fact{At: at(79)}), feature.No},
		"an order at the moment": {churn, of(feature.Fact{At: at(50)}), feature.No},
		"an order at the end":    {churn, of(feature.Fact{At: at(80)}), feature.Excused},
		"an event is no order":   {churn, of(feature.Fact{At: at(60), Kind: feature.Event}), feature.Excused},
		"a late order":           {churn, of(feature.Fact{At: at(60), Known: at(79)}), feature.No},
		"not over yet":           {feature.Target{Within: 31 * day, End: at(80)}, of(feature.Fact{At: at(60)}), feature.Open},
		"an event is the target": {feature.Target{Is: func(f *feature.Fact) bool { return f.Name == 3 }, Within: 30 * day, End: at(80)}, of(feature.Fact{At: at(60), Kind: feature.Event, Name: 3}), feature.Yes},
		"it did not come":        {feature.Target{Is: func(f *feature.Fact) bool { return f.Name == 3 }, Within: 30 * day, End: at(80)}, of(feature.Fact{At: at(60)}), feature.No},
	} {
		if got := build(t, feature.Settings{Stock: stock, Target: &c.target}, c.person).Labels[0]; got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
	}
}

// TestPrices: the median of thirteen weeks, from the week behind the sales.
func TestPrices(t *testing.T) {
	p := &feature.Prices{}
	for i, price := range []float32{10, 12, 11} {
		p.Add(&feature.Fact{At: at(float64(i)), Product: 3, Price: price})
	}
	p.Add(&feature.Fact{At: at(60), Product: 3, Quantity: 2, Amount: 40})
	p.Add(&feature.Fact{At: at(200), Product: 3, Price: 30})
	p.Add(&feature.Fact{At: at(60), Product: 4, Price: 1, Kind: feature.Return})
	p.Close()
	for _, c := range []struct {
		product uint32
		day     float64
		want    float64
	}{{3, 0, math.NaN()}, {3, 8, 11}, {3, 70, 12}, {3, 199, 12}, {3, 210, 30}, {4, 300, math.NaN()}, {9, 300, math.NaN()}} {
		if got := p.At(c.product, at(c.day)); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("product %d on day %v: %v, not %v", c.product, c.day, got, c.want)
		}
	}
}

// TestWorkersDoNotMatter: rows, bits and order are the same.
func TestWorkersDoNotMatter(t *testing.T) {
	one := stream(3000, 40_000, 1)
	many := stream(3000, 40_000, 5)
	if one.Rows() != 3000 || !same(one, many) {
		t.Errorf("%d and %d rows differ", one.Rows(), many.Rows())
	}
	// A person's facts may come in any order.
	people, _ := crowd(300)
	turned := slices.Clone(people)
	for i := range turned {
		turned[i].Facts = slices.Clone(turned[i].Facts)
		slices.Reverse(turned[i].Facts)
	}
	if !same(build(t, feature.Settings{}, people...), build(t, feature.Settings{}, turned...)) {
		t.Error("the order of facts changes features")
	}
}

func TestZone(t *testing.T) {
	if _, err := feature.Build(slices.Values([]feature.Person{}), feature.Settings{Zone: "Mars"}); err == nil {
		t.Error("there is a time zone Mars")
	}
	p := feature.Person{Facts: []feature.Fact{{At: at(3.99), Amount: 1}}, Moments: []clientele.Micros{at(9)}}
	if got := value(t, build(t, feature.Settings{Zone: "Asia/Bangkok"}, p), 0, "share of orders in the morning"); got != 1 {
		t.Error("Saturday before midnight in UTC is Sunday morning in Bangkok") // 06:45
	}
}

// stream makes features of made-up people without ever holding them.
func stream(people, facts, workers int) *feature.Table {
	prices := &feature.Prices{}
	for p := range uint32(5000) {
		prices.Add(&feature.Fact{At: at(1), Product: p, Price: float32(5 + p%90)})
	}
	prices.Close()
	how := feature.Settings{Categories: []string{"tents", "boots", "jackets", "bags"}, Channels: []string{"web", "app", "store"}, Events: []string{"visit", "search", "cart"},
		Prices: prices, Target: &feature.Target{Absent: true, Within: 90 * day, End: at(730)}, Workers: workers, Rows: people}
	table, err := feature.Build(made(people, facts), how)
	if err != nil {
		panic(err)
	}
	return table
}

func made(people, facts int) iter.Seq[feature.Person] {
	return func(yield func(feature.Person) bool) {
		r := rand.New(rand.NewPCG(1, 1))
		p := feature.Person{Moments: []clientele.Micros{at(600)}}
		for i := range people {
			n := (i+1)*facts/people - i*facts/people
			p.Facts = p.Facts[:0]
			now := 500 * r.Float64()
			for range n {
				now += 20 * r.Float64()
				f := feature.Fact{At: at(now), Kind: feature.Event, Name: uint16(1 + r.IntN(3)), Product: uint32(1 + r.IntN(5000))}
				switch r.IntN(8) {
				case 0, 1:
					f.Kind, f.Name, f.Quantity, f.Amount, f.Category, f.Channel = feature.Order, 0, 1, 5+95*r.Float64(), uint16(r.IntN(5)), uint16(1+r.IntN(3))
				case 2:
					f.Kind, f.Name = feature.Sent, 0
				case 3:
					f.Known = f.At + 10*day
				}
				p.Facts = append(p.Facts, f)
			}
			if !yield(p) {
				return
			}
		}
	}
}

// BenchmarkFeatures describes a million people with 20 million events as of one moment:
//
//	go test -run '^$' -bench Features -benchtime 1x ./internal/predict/feature
func BenchmarkFeatures(b *testing.B) {
	const people, facts = 1_000_000, 20_000_000
	for b.Loop() {
		if table := stream(people, facts, 2); table.Rows() != people {
			b.Fatal(table.Rows())
		}
	}
	b.ReportMetric(float64(facts)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	reportPeak(b)
}
