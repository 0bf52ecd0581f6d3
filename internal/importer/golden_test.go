package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/race"
)

// shared is a file beside the project, or the test is skipped.
func shared(t testing.TB, path string) string {
	t.Helper()
	dir := os.Getenv("CLIENTELE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	file := filepath.Join(dir, path)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is not here: put the real data sets into a folder named shared beside the project, or name it by CLIENTELE_SHARED", path)
	}
	return file
}

func exampleMapping(t testing.TB, name string) *importer.Mapping {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := importer.ParseMapping(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// folded is what the tables would hold: the records by id, the last content of each.
type folded struct {
	rows      map[string]map[string]clientele.RowRecord // by table and id
	malformed int
}

func fold(t testing.TB, s *memorySink) folded {
	t.Helper()
	f := folded{rows: map[string]map[string]clientele.RowRecord{}}
	for _, r := range s.all() {
		if r.Verdict != clientele.Accepted {
			f.malformed++
			continue
		}
		var rec clientele.RowRecord
		if err := json.Unmarshal(r.Raw, &rec); err != nil {
			t.Fatalf("record is not a RowRecord: %v", err)
		}
		if f.rows[rec.Table] == nil {
			f.rows[rec.Table] = map[string]clientele.RowRecord{}
		}
		f.rows[rec.Table][rec.ID] = rec
	}
	return f
}

func number(t testing.TB, s string) clientele.Decimal {
	t.Helper()
	d, err := clientele.ParseDecimal(s)
	if err != nil {
		t.Fatalf("%q is not a decimal in text: %v", s, err)
	}
	return d
}

func product(t testing.TB, a, b string) clientele.Decimal {
	t.Helper()
	d, err := number(t, a).Mul(number(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// retailCounter counts the records of Online Retail as they come: decoding half a million of
// them as JSON would take longer than the import.
type retailCounter struct {
	t   *testing.T
	mu  sync.Mutex
	ids map[string]map[string]bool // by table

	customers, lines, status, broken map[string]int
	sum, back, quantity              clientele.Decimal
	guests, repeated, malformed      int
	returned                         []string // order and line
}

// part is the text behind a piece of a record, up to the next quote.
func part(raw []byte, piece string) string {
	_, after, ok := bytes.Cut(raw, []byte(piece))
	if !ok {
		return ""
	}
	return string(after[:bytes.IndexByte(after, '"')])
}

func (c *retailCounter) Append(_ context.Context, _ clientele.Kind, records []clientele.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		if r.Verdict != clientele.Accepted {
			c.malformed++
			continue
		}
		table := part(r.Raw, `"table":"`)
		if c.ids[table] == nil {
			c.ids[table] = map[string]bool{}
		}
		c.ids[table][part(r.Raw, `"id":"`)] = true
		place := part(r.Raw, `"order_id":"`) + " " + part(r.Raw, `"line":"`)
		switch table {
		case "profiles":
			c.customers[part(r.Raw, `"ids":[{"ns":"retail:CustomerID","v":"`)]++
			if part(r.Raw, `"traits":{"country":"`) == "" {
				c.broken["profile without country"]++
			}
		case "orders":
			c.status[part(r.Raw, `"order_id":"`)+" "+part(r.Raw, `"status":"`)]++
			if part(r.Raw, `"currency":"`) != "GBP" || part(r.Raw, `"ts":"`) == "" {
				c.broken["order without currency or time"]++
			}
		case "order_lines":
			q := part(r.Raw, `"quantity":"`)
			c.sum += product(c.t, q, part(r.Raw, `"price":"`))
			c.quantity += number(c.t, q)
			c.lines[place]++
			if strings.Contains(place[len(place)-5:], "-") {
				c.repeated++
			}
			if !bytes.Contains(r.Raw, []byte(`"ids":`)) {
				c.guests++
			}
		case "returns":
			c.back += number(c.t, part(r.Raw, `"amount":"`))
			c.returned = append(c.returned, place)
		}
	}
	return nil
}

func TestOnlineRetail(t *testing.T) {
	race.Skip(t)
	if testing.Short() {
		t.Skip("541,909 rows take some seconds")
	}
	path := shared(t, "data/commerce/online_retail/online_retail.csv.gz")
	c := &retailCounter{t: t, ids: map[string]map[string]bool{}, customers: map[string]int{}, lines: map[string]int{}, status: map[string]int{}, broken: map[string]int{}}
	res, err := importer.Run(context.Background(), importer.Options{Source: "retail", Mapping: exampleMapping(t, "online_retail.yaml"), Paths: []string{path}, Sink: c})
	if err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{"profiles": 4372, "orders": 25900, "order_lines": 541909, "returns": 9288, "products": 3958} {
		if got := len(c.ids[table]); got != want {
			t.Errorf("%d distinct records of %s, want %d", got, table, want)
		}
	}
	if res.Rows != 541909 || res.Quarantined != 0 || c.malformed != 0 || res.Tables["order_lines"] != 541909 {
		t.Errorf("%d rows, %d quarantined, %d order lines sent", res.Rows, res.Quarantined, res.Tables["order_lines"])
	}
	if len(c.customers) != 4372 || c.customers["17850"] == 0 || len(c.broken) != 0 {
		t.Errorf("%d customers, broken: %v", len(c.customers), c.broken)
	}
	refunded := 0
	for s := range c.status {
		if refund := strings.HasSuffix(s, " refunded"); refund != strings.HasPrefix(s, "C") {
			t.Errorf("order %s", s)
		} else if refund {
			refunded++
		}
	}
	if refunded != 3836 || len(c.status) != 25900 {
		t.Errorf("%d orders, %d of them refunded", len(c.status), refunded)
	}
	if c.sum.String() != "9747747.934" { // the set's 9,747,747.93, with the half-pence of its prices
		t.Errorf("sum of quantity x price is %s", c.sum)
	}
	if c.quantity.String() != "5176450" || c.guests != 135080 || c.repeated != 5268 || len(c.lines) != 541909 {
		t.Errorf("quantity %s, %d guests, %d repeated lines, %d distinct (order, line)", c.quantity, c.guests, c.repeated, len(c.lines))
	}
	for _, place := range c.returned {
		if c.lines[place] != 1 || place[0] != 'C' {
			t.Fatalf("a return of a line that is not there: %s", place)
		}
	}
	if c.back.String() != "896812.49" {
		t.Errorf("returns are worth %s", c.back)
	}
	t.Logf("%d records sent, %d left out as sent before", res.Records, res.Unchanged)
}

func TestCDNOW(t *testing.T) {
	race.Skip(t)
	path := shared(t, "data/commerce/cdnow/CDNOW_master.txt")
	m := exampleMapping(t, "cdnow.yaml")
	var sinks [2]memorySink
	for i := range sinks {
		if _, err := importer.Run(context.Background(), importer.Options{Source: "cdnow", Mapping: m, Paths: []string{path}, Sink: &sinks[i]}); err != nil {
			t.Fatal(err)
		}
	}
	ids := [2]map[string]bool{{}, {}}
	var sum, cds clientele.Decimal
	customers, days, orders, lines := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range sinks {
		for _, r := range sinks[i].rows {
			ids[i][string(r.Raw)] = true
			who, order := part(r.Raw, `"ids":[{"ns":"cdnow:customer_id","v":"`), part(r.Raw, `"order_id":"`)
			if i == 1 {
				continue
			}
			switch part(r.Raw, `"table":"`) {
			case "profiles":
				customers[who] = true
			case "orders":
				sum += number(t, part(r.Raw, `"revenue":"`))
				orders[order] = true
				days[who+part(r.Raw, `,"ts":"`)] = true
			case "order_lines":
				cds += number(t, part(r.Raw, `"quantity":"`))
				lines[order] = true
			}
		}
	}
	if !maps.Equal(ids[0], ids[1]) || len(ids[0]) != len(sinks[0].rows) {
		t.Error("the second import made other records, or two records are the same")
	}
	if len(orders) != 69659 || !maps.Equal(orders, lines) || len(customers) != 23570 || len(days) != 67591 {
		t.Errorf("%d orders, %d with a line, %d customers, %d customer-days", len(orders), len(lines), len(customers), len(days))
	}
	if sum.String() != "2500315.63" || cds.String() != "167881" {
		t.Errorf("revenue %s, %s CDs", sum, cds)
	}
}
