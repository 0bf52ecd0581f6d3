package insight_test

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"clientele"
	"clientele/internal/race"
	"clientele/internal/sqlq"
)

// retail is the Online Retail set as orders: an invoice is one, its revenue the sum of its lines. How the set is
// imported is tested with the example mapping; here it has to be quick.
func retail(t *testing.T) *shop {
	dir := os.Getenv("CLIENTELE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	file, err := os.Open(filepath.Join(dir, "data/commerce/online_retail/online_retail.csv.gz"))
	if err != nil {
		t.Skip("the set is not here: put the real data sets into a folder named shared beside the project, or name it by CLIENTELE_SHARED")
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	type invoice struct {
		customer int
		ts       time.Time
		sum      clientele.Decimal
	}
	invoices := map[string]*invoice{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id := row[at["InvoiceNo"]]
		v := invoices[id]
		if v == nil {
			v = &invoice{}
			if c, err := strconv.ParseFloat(row[at["CustomerID"]], 64); err == nil {
				v.customer = int(c)
			}
			for _, layout := range []string{"2006-01-02 15:04:05", "1/2/2006 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
				if v.ts, err = time.ParseInLocation(layout, row[at["InvoiceDate"]], london); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			invoices[id] = v
		}
		quantity, err1 := clientele.ParseDecimal(row[at["Quantity"]])
		price, err2 := clientele.ParseDecimal(row[at["UnitPrice"]])
		amount, err3 := quantity.Mul(price)
		if v.sum, err = v.sum.Add(amount); errors.Join(err1, err2, err3, err) != nil {
			t.Fatal(err1, err2, err3, err)
		}
	}
	s := newShop(t)
	known := map[int]bool{}
	for id, v := range invoices {
		var who any
		if v.customer > 0 {
			who = 1_000_000 - v.customer // ids are in another order than the customers' numbers
			if !known[v.customer] {
				known[v.customer] = true
				s.add("identifiers", map[string]any{"namespace": "retail:CustomerID", "value": strconv.Itoa(v.customer), "profile_id": who, "anchor_id": int64(1_000_000 - v.customer)})
			}
		}
		status := "completed"
		if id[0] == 'C' {
			status = "refunded"
		}
		s.add("orders", map[string]any{"order_id": id, "profile_id": who, "ts": v.ts, "status": status, "revenue": int64(v.sum), "currency": "USD"})
	}
	s.load()
	return s
}

// Figures of research over the set, made by other means: RFM at 2011-12-10 and the value of the best fifth.
func TestOnlineRetail(t *testing.T) {
	race.Skip(t)
	if testing.Short() {
		t.Skip("541,909 rows take some seconds")
	}
	s := retail(t)
	q := clientele.Question{Kind: "rfm", By: []string{"score"}, Until: "2011-12-10", TimeZone: "Europe/London", Ties: "retail:CustomerID"}
	r := s.ask(q)
	people, revenue := int64(0), 0.0
	for i, row := range r.Rows {
		people += row[1].(int64)
		revenue += row[2].(float64)
		switch row[0] {
		case "555":
			if row[1] != int64(348) || math.Abs(row[3].(float64)-43.8) > 0.05 {
				t.Errorf("555: %v", row)
			}
			if b := s.behind(q, r.Cells[i]); b.Count != 348 {
				t.Errorf("%d people behind 555", b.Count)
			}
		case "111":
			if row[1] != int64(184) {
				t.Errorf("111: %v", row)
			}
		}
	}
	if people != 4338 || math.Abs(revenue-8_911_407.90) > 0.01 {
		t.Errorf("%d customers with %f", people, revenue)
	}
	q.By = []string{}
	s.same("all", lines(s.ask(q)), "4338|8911407.9|100|50.6|2|674.49\n")
	q.By = nil
	t.Logf("\n%s", lines(s.ask(q)))
	best := s.ask(clientele.Question{Kind: "concentration", Until: "2011-12-10", Points: []float64{20}, Where: []clientele.Filter{{Field: "revenue", Op: "gt", Value: 0.0}}})
	if got := best.Rows[0]; got[1] != int64(868) || sqlq.Number(math.Round(got[3].(float64)*10)/10) != "74.6" {
		t.Errorf("the best fifth: %v", got)
	}
	// Orders of a customer, net of what was taken back: those are orders too here.
	if got := s.ask(metric([]string{"buyers", "orders", "revenue"})); lines(got) != "4372|25900|9747747.93\n" {
		t.Errorf("%s", lines(got))
	}
}
