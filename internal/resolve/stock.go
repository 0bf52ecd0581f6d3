package resolve

import (
	"maps"
	"slices"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/rowcache"
)

// What is available of a SKU is the sum of what each place said last; inventory rows keep their history, this
// keeps the last of it at hand. A stock that changes the answer of a definition concerns those that want the SKU: a
// stage finds them in the column store and puts them into the log, some thousand a command, so that live traffic goes
// first; each command has them evaluated.

// stockRow is what is said of a SKU. Field numbers are on disk.
type stockRow struct {
	Places map[string]stockAt `cbor:"1,keyasint"` // by source and location
}

type stockAt struct {
	AsOf      clientele.Micros   `cbor:"1,keyasint"`
	Available *clientele.Decimal `cbor:"2,keyasint,omitempty"` // nil: it was not said
}

// available is the sum; nil when no place says anything.
func (s *stockRow) available() *float64 {
	if s == nil {
		return nil
	}
	sum, known := clientele.Decimal(0), false
	for _, p := range s.Places {
		if p.Available != nil {
			sum, known = sum+*p.Available, true
		}
	}
	if !known {
		return nil
	}
	f := float64(sum) / 1e4
	return &f
}

// stockNews are SKUs whose stock is another answer to some definition, since the position. Field numbers are on disk.
type stockNews struct {
	SKUs []string `cbor:"1,keyasint"`
}

// StockBody is of the command stock: people who may want SKUs whose stock has changed.
type StockBody struct {
	Profiles string             `json:"profiles,omitempty"` // PackIDs
	Done     clientele.Position `json:"done,omitempty"`     // all are told of the changes up to it
}

func loadStock(rows clientele.Rows, sku string) (*stockRow, error) {
	return rowcache.Load[stockRow](rows, clientele.StockKey(sku))
}

const cachedStock = 20_000

// with is the stock with what an inventory row says; the same when a later one has said it of the place.
func (s *stockRow) with(row commerce.Row) *stockRow {
	place := row.Text("source") + "\x00" + row.Text("location")
	now := stockAt{AsOf: row.Time("as_of")}
	if v, ok := row.Value("available").(int64); ok {
		d := clientele.Decimal(v)
		now.Available = &d
	}
	next := &stockRow{Places: map[string]stockAt{}}
	if s != nil {
		if was, ok := s.Places[place]; ok && was.AsOf > now.AsOf {
			return s
		}
		maps.Copy(next.Places, s.Places)
	}
	next.Places[place] = now
	return next
}

var stockIndexedKey = clientele.MetaKey("stock_indexed")

// indexStock makes the stock of the inventory rows of a directory that an earlier version has written.
func indexStock(store clientele.RowStore) error {
	done, err := store.Get(stockIndexedKey)
	if err != nil || done != nil {
		return err
	}
	t, stock := clientele.TableNamed("inventory"), map[string]*stockRow{}
	err = store.Scan(clientele.Prefix(clientele.TableKey(t.Name)), func(_ clientele.Key, v []byte) (bool, error) {
		row, err := commerce.ReadRow(t, v)
		if err == nil {
			stock[row.Text("sku")] = stock[row.Text("sku")].with(row)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	position, _, err := store.Position()
	if err != nil {
		return err
	}
	set := &clientele.ChangeSet{After: position, Position: position, Rows: []clientele.RowChange{{Key: stockIndexedKey, Value: []byte{1}}}}
	for sku, s := range stock {
		b, err := rowcache.Encode(s)
		if err != nil {
			return err
		}
		set.Rows = append(set.Rows, clientele.RowChange{Key: clientele.StockKey(sku), Value: b})
	}
	return store.Apply(set)
}

// stocked takes down what an imported row has made of the inventory.
func (r *Resolver) stocked(f commerce.Fact) error {
	row, err := r.ledger.Standing(f)
	if err != nil {
		return err
	}
	sku, a := row.Text("sku"), r.audiences
	have, err := a.stock.Get(sku)
	if err != nil {
		return err
	}
	next := have.with(row)
	if next == have {
		return nil
	}
	a.stock.Put(sku, next)
	if a.plan != nil && a.plan.StockDecides(have.available(), next.available()) && !slices.Contains(a.stirredSKUs, sku) {
		a.stirredSKUs = append(a.stirredSKUs, sku)
	}
	return nil
}

// settleStock notes the SKUs of the frame whose people have to be found.
func (r *Resolver) settleStock(p clientele.Position) error {
	a := r.audiences
	if len(a.stirredSKUs) == 0 {
		return nil
	}
	slices.Sort(a.stirredSKUs)
	v, err := rowcache.Encode(&stockNews{a.stirredSKUs})
	a.stirredSKUs = nil
	r.put(clientele.StockNewsKey(p), v)
	return err
}

// StockNews are the SKUs whose people have to be found, and up to which position.
func StockNews(rows clientele.Rows) (skus []string, upTo clientele.Position, err error) {
	err = rows.Scan(clientele.Prefix(clientele.StockNewsKey(0)[:2]), func(k clientele.Key, v []byte) (bool, error) {
		news, err := rowcache.Decode[stockNews](v)
		if err != nil {
			return false, err
		}
		upTo = clientele.Position(clientele.Key(k[1:]).Read().Uint())
		skus = append(skus, news.SKUs...)
		return len(skus) < stockAtOnce, nil
	})
	slices.Sort(skus)
	return slices.Compact(skus), upTo, err
}

// stockAtOnce is how many SKUs are looked up together.
const stockAtOnce = 5000

// stockCommand has the people evaluated by what is available now.
func (r *Resolver) stockCommand(b StockBody) error {
	a := r.audiences
	ids, err := unpackIDs(b.Profiles)
	if err != nil {
		return err
	}
	anchors := make([]clientele.Anchor, len(ids))
	for i, id := range ids {
		anchors[i] = clientele.Anchor(id)
	}
	if err := r.graph.PreloadAnchors(anchors, r.o.Store.Load); err != nil {
		return err
	}
	for _, anchor := range anchors {
		there, err := r.graph.Exists(anchor)
		if err != nil {
			return err
		}
		if there && a.plan != nil {
			a.plan.Catalog(a.touch(anchor))
			a.byStock[anchor] = true
		}
	}
	if b.Done == 0 {
		return nil
	}
	return r.o.Store.Scan(clientele.Range{Start: clientele.StockNewsKey(0), End: clientele.StockNewsKey(b.Done + 1)}, func(k clientele.Key, _ []byte) (bool, error) {
		r.put(slices.Clone(k), nil)
		return true, nil
	})
}

// heardLines touches the audiences for which the usual size counts.
func (r *Resolver) heardLines(owners map[clientele.Anchor]map[string]bool) {
	a := r.audiences
	if a.plan == nil || !a.plan.AsksCatalog() {
		return
	}
	for anchor, tables := range owners {
		if tables["order_lines"] {
			a.plan.Catalog(a.touch(anchor))
		}
	}
}

// watch has the ledger note whose rows of tables change that computed traits or audiences ask for.
func (r *Resolver) watch() {
	tables := r.counting.book.tables
	if a := r.audiences; a.plan != nil && a.plan.AsksCatalog() {
		all := map[string]bool{"order_lines": true}
		for t := range tables {
			all[t] = true
		}
		tables = all
	}
	r.ledger.Watch(tables)
}

// Stock is what is available of the SKU.
func (f *facts) Stock(sku string) (float64, bool, error) {
	row, err := f.stock(sku)
	if n := row.available(); n != nil {
		return *n, true, err
	}
	return 0, false, err
}

// OrderLines are those of the profile's anchors.
func (f *facts) OrderLines(fn func(audience.OrderLine) error) error {
	for _, a := range f.members {
		err := f.ledger.OwnedBy(a, map[string]bool{"order_lines": true}, func(_ string, row commerce.Row) error {
			l := audience.OrderLine{Category: row.Text("category"), Size: row.Text("size"), At: clientele.MinTime}
			if at, ok := row.Value("ts").(int64); ok {
				l.At = clientele.Micros(at)
			}
			return fn(l)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
