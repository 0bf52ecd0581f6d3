package importer_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/importer"
)

const webhookMapping = `
currency: EUR
each: line_items
identifiers:
  email: {column: customer.email, verified: true}
  customer: customer.id
ts: created_at
records:
  - table: orders
    fields: {order_id: id, status: financial_status}
  - table: order_lines
    when: {line_items.sku: {empty: false}}
    fields: {sku: line_items.sku, quantity: line_items.quantity, price: line_items.price}
  - event: {const: Coupon Seen}
    when: {coupon: {empty: false}}
    properties: {coupon: coupon}
`

func documents(t testing.TB, mapping string) *importer.Documents {
	t.Helper()
	m, err := importer.ParseMapping([]byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	d, err := importer.NewDocuments(m, "shop")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const order = `{"id":1001,"financial_status":"paid","created_at":"2026-11-20T10:00:00Z","coupon":"SPRING","customer":{"id":7,"email":"ann@example.com"},
 "line_items":[{"sku":"A","quantity":1,"price":"9.90"},{"sku":"A","quantity":1,"price":"9.90"},{"sku":"B","quantity":2,"price":3}]}`

func TestMapDocument(t *testing.T) {
	d := documents(t, webhookMapping)
	for _, c := range []struct {
		name, document string
		want           []string // table or event, and its fields or properties
	}{
		{"an order with lines", order, []string{
			`orders {"currency":"EUR","order_id":"1001","status":"paid","ts":"2026-11-20T10:00:00.000000Z"}`,
			`order_lines A 1 9.9`, `order_lines A 1 9.9`, `order_lines B 2 3`,
			`event Coupon Seen {"coupon":"SPRING"}`}},
		{"without lines", `{"id":"9","customer":{"id":7},"line_items":[]}`, []string{`orders {"currency":"EUR","order_id":"9"}`}},
		{"lines missing", `{"id":"9","customer":{"id":7}}`, []string{`orders {"currency":"EUR","order_id":"9"}`}},
		{"an element that is no object", `{"id":"9","line_items":[5]}`, []string{`orders {"currency":"EUR","order_id":"9"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, events, err := d.MapDocument([]byte(c.document))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			ids := map[string]bool{}
			for _, raw := range rows {
				var r struct {
					Table, ID string
					Fields    map[string]any
				}
				if err := json.Unmarshal(raw, &r); err != nil || ids[r.ID] {
					t.Fatalf("%s: %v, or an id twice", raw, err)
				}
				ids[r.ID] = true
				if r.Table == "order_lines" {
					if r.Fields["order_id"] != "1001" {
						t.Errorf("a line of another order: %s", raw)
					}
					got = append(got, strings.TrimSpace(strings.Join([]string{r.Table, r.Fields["sku"].(string), text(r.Fields["quantity"]), text(r.Fields["price"])}, " ")))
					continue
				}
				b, _ := json.Marshal(r.Fields)
				got = append(got, r.Table+" "+string(b))
			}
			for _, raw := range events {
				var e struct {
					Event      string
					Properties map[string]any
				}
				if err := json.Unmarshal(raw, &e); err != nil {
					t.Fatal(err)
				}
				b, _ := json.Marshal(e.Properties)
				got = append(got, "event "+e.Event+" "+string(b))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return strings.Trim(string(b), `"`)
}

// TestMapDocumentAgain: a delivery that is repeated makes the same records, whoever maps it.
func TestMapDocumentAgain(t *testing.T) {
	d := documents(t, webhookMapping)
	rows, events, err := d.MapDocument([]byte(order))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			r, e, err := d.MapDocument([]byte(order))
			if err != nil || !reflect.DeepEqual(r, rows) || !reflect.DeepEqual(e, events) {
				t.Errorf("other records the second time: %v", err)
			}
		})
	}
	wait.Wait()
}

func TestMapDocumentRefuses(t *testing.T) {
	d := documents(t, webhookMapping)
	for _, c := range []struct{ name, document, reason string }{
		{"not JSON", `{"id":`, "not a JSON object"},
		{"a list", `[1]`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"two", `{} {}`, "behind"},
		{"deep", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "deep"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "UTF-8"},
		{"a zero byte", `{"a":"\u0000"}`, "NUL"},
		{"the list is none", `{"line_items":{"sku":"A"}}`, "line_items: not a list"},
		{"a bad number", `{"id":1,"line_items":[{"sku":"A","quantity":"many"}]}`, "line_items.quantity"},
		{"a bad element spares nothing of the document", `{"id":1,"line_items":[{"sku":"A","quantity":1},{"sku":"B","quantity":"x"}]}`, "line_items.quantity"},
		{"too many elements", `{"line_items":[` + strings.Repeat("0,", importer.MaxDocumentRows) + `0]}`, "over 2500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, events, err := d.MapDocument([]byte(c.document))
			if err == nil || !strings.Contains(err.Error(), c.reason) || len(rows)+len(events) > 0 {
				t.Errorf("%v, %d rows, want %q", err, len(rows), c.reason)
			}
		})
	}
	if _, err := importer.Run(t.Context(), importer.Options{Source: "s", Mapping: must(t, webhookMapping), Sink: &memorySink{}}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("each: in an import of files: %v", err)
	}
}

func must(t testing.TB, mapping string) *importer.Mapping {
	t.Helper()
	m, err := importer.ParseMapping([]byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// FuzzMapDocument: whatever comes, there are records or a reason, and every record is JSON of
// the size that the log takes.
func FuzzMapDocument(f *testing.F) {
	f.Add([]byte(order))
	f.Add([]byte(`{"id":"\ud800","line_items":[null,{"sku":{"a":1}}]}`))
	d := documents(f, webhookMapping)
	f.Fuzz(func(t *testing.T, document []byte) {
		rows, events, err := d.MapDocument(document)
		if err != nil && len(rows)+len(events) > 0 {
			t.Fatal("records beside an error")
		}
		for _, raw := range append(rows, events...) {
			if !json.Valid(raw) || len(raw) > importer.MaxRecordBytes {
				t.Fatalf("record %q", raw)
			}
		}
	})
}
