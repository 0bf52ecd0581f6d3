package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele/internal/predict/early"
)

// shopFiles is two years of a made-up shop: lines of orders, visits and stock. Customers have a pace of their own and leave; those
// who visit the help pages leave soon. The product p9 is out of stock in the last months.
func shopFiles(t *testing.T, customers int) (orders, events, stock string) {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 1))
	var o, e strings.Builder
	o.WriteString("customer,date,received,amount,sku,category,channel,list_price,quantity\n")
	e.WriteString("customer,date,name\n")
	begin := time.Date(2024, 1, 1, 9, 0, 0, 0, time.UTC)
	when := func(day float64) string {
		return begin.Add(time.Duration(day * 24 * float64(time.Hour))).Format(time.RFC3339)
	}
	for i := range customers {
		pace := 10 + 30*r.ExpFloat64()
		for now := 700 * r.Float64(); now < 725; now += pace * r.ExpFloat64() {
			product := 1 + r.IntN(9)
			list := float64(10 * product)
			paid := list
			if r.IntN(4) == 0 {
				paid = list * 0.8
			}
			fmt.Fprintf(&o, "c%d,%s,%s,%.2f,p%d,%s,%s,%.2f,1\n", i, when(now), when(now+0.1), paid, product, []string{"tents", "boots"}[product%2], []string{"web", "store"}[r.IntN(2)], list)
			fmt.Fprintf(&e, "c%d,%s,Page Viewed\n", i, when(now-0.01))
			if r.Float64() < 0.1 {
				fmt.Fprintf(&e, "c%d,%s,Help Viewed\n", i, when(now+1))
				break
			}
		}
	}
	s := "sku,as_of,available\n"
	for p := range 9 {
		s += fmt.Sprintf("p%d,2023-12-01,5\n", p+1)
	}
	s += "p9,2025-06-01,0\n"
	dir := t.TempDir()
	orders, events, stock = filepath.Join(dir, "orders.csv"), filepath.Join(dir, "events.csv"), filepath.Join(dir, "stock.csv")
	for path, text := range map[string]string{orders: o.String(), events: e.String(), stock: s} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return orders, events, stock
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestPredictChurn(t *testing.T) {
	orders, events, stock := shopFiles(t, 600)
	dir := t.TempDir()
	scores, page := filepath.Join(dir, "churn.csv"), filepath.Join(dir, "churn.html")
	args := []string{"churn", "--orders", orders, "--customer", "customer", "--date", "date", "--received", "received", "--amount", "amount", "--product", "sku", "--category", "category",
		"--channel", "channel", "--list-price", "list_price", "--quantity", "quantity", "--events", events, "--event-name", "name", "--stock", stock}
	out, errs, code := predictRun(t, append(args, "--out", scores, "--report", page, "--json")...)
	if code != exitDone {
		t.Fatal(errs)
	}
	var got aheadOutput
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Split != "time" || got.Result.AUC < 0.8 || got.Within < 28 || got.Why == "" || got.Excused == 0 || len(got.Naive) < 4 || got.Gone == 0 {
		t.Errorf("split %s, AUC %.3f, within %d (%s), excused %d, gone %d, naive %d", got.Split, got.Result.AUC, got.Within, got.Why, got.Excused, got.Gone, len(got.Naive))
	}
	drives := ""
	for _, d := range got.Drivers[:3] {
		drives += d.Column + ";"
	}
	if !strings.Contains(drives, "Help Viewed") {
		t.Errorf("what drives churn is %s", drives)
	}
	rows := readCSV(t, scores)
	if strings.Join(rows[0], ",") != "customer,last_order,churn_probability,percentile,out_of_stock,reasons" || len(rows) != got.Scored+1 {
		t.Errorf("%d rows of %v, %d scored", len(rows), rows[0], got.Scored)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "What it was learned from") || !strings.Contains(string(html), "Are the times the same") {
		t.Error("the page lacks sections", err)
	}
	// The event itself as the target, in Parquet.
	out, errs, code = predictRun(t, "propensity", "--events", events, "--customer", "customer", "--date", "date", "--event-name", "name", "--target-event", "Page Viewed", "--within", "30d",
		"--out", filepath.Join(dir, "p.parquet"), "--json")
	if code != exitDone {
		t.Fatal(errs)
	}
	got = aheadOutput{}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Within != 30 || got.Result.AUC < 0.7 || got.Result.Rate > 0.9 {
		t.Errorf("%v, %+v", err, got.Result)
	}
}

func TestPredictEarly(t *testing.T) {
	orders, events, _ := shopFiles(t, 3000)
	scores := filepath.Join(t.TempDir(), "early.csv")
	out, errs, code := predictRun(t, "early", "--orders", orders, "--customer", "customer", "--date", "date", "--amount", "amount", "--category", "category", "--events", events, "--event-name", "name",
		"--horizon", "6m", "--out", scores, "--json")
	if code != exitDone {
		t.Fatal(errs)
	}
	var got struct {
		Horizon int           `json:"horizon_days"`
		Best    int           `json:"best"`
		Stages  []early.Stage `json:"stages"`
		Scored  int           `json:"scored"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Horizon != 183 || got.Best < 80 || len(got.Stages) != 4 || got.Stages[3].Days != 30 {
		t.Fatalf("%s", out)
	}
	if month := got.Stages[3]; len(month.Found) != 3 || month.Found[0].AUC < 0.75 || month.Found[0].Share < 0.25 {
		t.Errorf("%+v", month)
	}
	if rows := readCSV(t, scores); strings.Join(rows[0], ",") != "customer,first,stage,top_probability,percentile,reasons" || len(rows) != got.Scored+1 || got.Scored < 200 {
		t.Errorf("%d rows of %v", len(rows), rows[0])
	}
}

func TestPredictChurnRefuses(t *testing.T) {
	orders, events, _ := shopFiles(t, 6)
	base := []string{"churn", "--orders", orders, "--customer", "customer", "--date", "date", "--amount", "amount", "--json"}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{base, 1, "at least 50 of each"},
		{append(base, "--within", "300d"), 1, "days of orders are too few"},
		{append(base, "--model", "forest"), 2, "auto, logistic or trees"},
		{append(base, "--product", "scu"), 1, "did you mean sku"},
		{append(base, "--stock", orders), 2, "--stock needs --product"},
		{append(base, "--events", events), 2, "--event-name is missing"},
		{append(base, "--until", "2023-01-01"), 1, "nothing to learn from"},
		{[]string{"early", "--orders", orders, "--customer", "customer", "--date", "date", "--amount", "amount", "--json"}, 1, "at least 50 are needed"},
		{[]string{"propensity", "--target-event", "Page Viewed", "--customer", "customer", "--date", "date", "--json"}, 2, "needs --events"},
		{[]string{"propensity", "--target-event", "Page Vewed", "--customer", "customer", "--date", "date", "--events", events, "--event-name", "name", "--json"}, 1, "did you mean Page Viewed"},
		{[]string{"churn", "--customer", "customer", "--json"}, 2, "--orders is missing"},
	} {
		_, errs, code := predictRun(t, c.args...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d, %s", c.args, code, errs)
		}
	}
}
