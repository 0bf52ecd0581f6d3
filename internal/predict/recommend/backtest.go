package recommend

import "math"

// Measure is how good a list of ten was.
type Measure struct {
	Name      string  `json:"name"`
	Precision float64 `json:"precision_at_10"` // share of the ten that were bought
	Hit       float64 `json:"hit_rate_at_10"`  // share of people who bought one of the ten
	NDCG      float64 `json:"ndcg_at_10"`      // the same with weight to the places further up; 1 is the best possible
	Coverage  float64 `json:"coverage"`        // share of the products that came into any list
	People    int     `json:"people"`
}

// Backtest is what was recommended at an earlier day, held against what was bought behind it.
type Backtest struct {
	From      int32     `json:"-"` // learned from days before it
	To        int32     `json:"-"` // held against days up to before this
	New       []Measure `json:"new"`
	Again     []Measure `json:"again"`
	Better    bool      `json:"better"`       // the model's new products have a higher NDCG than the popular ones
	Returning bool      `json:"again_better"` // so has what the person had bought
	Share     float64   `json:"again_share"`  // of what was bought by known people, what they had bought before
}

const depth = 10

// measuring sums over people.
type measuring struct {
	Measure
	shown map[string]bool
}

func (s *measuring) add(list []Pick, bought func(item string) bool, truth int) {
	hits, gain, ideal := 0, 0.0, 0.0
	for k, p := range list {
		s.shown[p.Item] = true
		if bought(p.Item) {
			hits++
			gain += 1 / math.Log2(float64(k)+2)
		}
	}
	for k := range min(truth, depth) {
		ideal += 1 / math.Log2(float64(k)+2)
	}
	s.People++
	s.Precision += float64(hits) / depth
	if hits > 0 {
		s.Hit++
	}
	s.NDCG += gain / ideal
}

func (s *measuring) done(products int) Measure {
	n := float64(max(1, s.People))
	s.Precision, s.Hit, s.NDCG = s.Precision/n, s.Hit/n, s.NDCG/n
	s.Coverage = float64(len(s.shown)) / float64(max(1, products))
	return s.Measure
}

// Test learns from days before from and holds lists of ten against days from to before to, for the people who are known and buy
// in that time; products that nobody had bought before are not counted.
func Test(b *Book, from, to int32, how Settings) (*Backtest, *Model, error) {
	m, err := Learn(b, from, how)
	if err != nil {
		return nil, nil, err
	}
	t := &Backtest{From: from, To: to}
	fresh, again := newMeasures("recommended", "nearest products", "popular"), newMeasures("bought before", "recommended, with what was bought before", "popular")
	old, all := 0, 0
	for c, later := range b.histories(from, to) {
		mine := m.histories[c]
		if len(mine) == 0 {
			continue
		}
		truth, had := map[string]bool{}, 0
		for _, o := range later {
			if name := b.items.of[o.item]; m.Has(name) {
				truth[name] = true
				if has(mine, m.index[name]) {
					had++
				}
			}
		}
		if len(truth) == 0 {
			continue
		}
		old += had
		all += len(truth)
		bought := func(item string) bool { return truth[item] }
		given, name, everybody := m.given(mine), b.customers.of[c], len(m.popular)-1
		again[0].add(m.Again(name, depth, Rules{}), bought, len(truth))
		again[1].add(m.New(name, depth, Rules{Owned: true}), bought, len(truth))
		again[2].add(m.beyond(nil, nil, everybody, depth, &Rules{}), bought, len(truth))
		if n := len(truth) - had; n > 0 {
			fresh[0].add(m.New(name, depth, Rules{}), bought, n)
			fresh[1].add(m.named(m.closest(given, mine, depth, &Rules{})), bought, n)
			fresh[2].add(m.beyond(nil, mine, everybody, depth, &Rules{}), bought, n)
		}
	}
	for i := range fresh {
		t.New = append(t.New, fresh[i].done(len(m.items)))
	}
	for i := range again {
		t.Again = append(t.Again, again[i].done(len(m.items)))
	}
	t.Better = t.New[0].NDCG > t.New[2].NDCG
	t.Returning = t.Again[0].NDCG > t.Again[2].NDCG
	t.Share = float64(old) / float64(max(1, all))
	return t, m, nil
}

func (m *Model) named(list []ranked) []Pick {
	out := make([]Pick, len(list))
	for i, r := range list {
		out[i] = Pick{Item: m.items[r.item]}
	}
	return out
}

func newMeasures(of ...string) []*measuring {
	out := make([]*measuring, len(of))
	for i, name := range of {
		out[i] = &measuring{Measure: Measure{Name: name}, shown: map[string]bool{}}
	}
	return out
}

// Tune tries strengths of drawing weights to nothing and answers the one whose new products were bought most, at a day before
// that of the test. Products must be few: each try learns once.
func Tune(b *Book, from, to int32, how Settings) float64 {
	best, found := 0.0, 0.0
	for _, lambda := range []float64{300, 100, 1000, 30, 10} {
		how.Lambda = lambda
		t, _, err := Test(b, from, to, how)
		if err != nil {
			break
		}
		if p := t.New[0].NDCG; p > best {
			best, found = p, lambda
		}
	}
	return found
}
