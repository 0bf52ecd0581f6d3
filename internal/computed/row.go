package computed

import (
	"encoding/json"

	"clientele"
	"clientele/internal/audience"
)

// Row is a row of a table of the SQL schema as it stands; commerce.Row is one.
type Row interface {
	Value(column string) any
}

// Occurrence is the row as something that is counted: its columns are its properties, of order lines with what
// Derived names. Rows without a time are of the time 0.
func Occurrence(t *clientele.Table, id string, r Row) *audience.Occurrence {
	o := &audience.Occurrence{Stamp: clientele.Stamp{ID: id}}
	o.Source, _ = r.Value("source").(string)
	if at, ok := r.Value(Tables[t.Name]).(int64); ok {
		o.At = clientele.Micros(at)
	}
	properties := map[string]any{}
	for _, c := range t.Columns {
		if c.Hidden || c.Name == "profile_id" {
			continue
		}
		switch v := r.Value(c.Name).(type) {
		case nil:
		case int64:
			switch c.Type {
			case clientele.TypeDecimal:
				properties[c.Name] = json.Number(clientele.Decimal(v).String())
			case clientele.TypeTime:
				properties[c.Name] = clientele.Micros(v).String()
			default:
				properties[c.Name] = v
			}
		default:
			properties[c.Name] = v
		}
	}
	if t.Name == "order_lines" {
		derive(r, properties)
	}
	b, err := json.Marshal(properties)
	if err == nil { // otherwise a number is not finite: there is nothing to count it by
		o.Properties = b
	}
	return o
}

// derive adds what is known of an order line beside its columns: net is quantity x price - discount, margin is net
// less quantity x unit_cost, list_total is quantity x list_price, saved is list_total less net; full_price says whether
// nothing was saved, discounted whether something was. A missing quantity is 1.
func derive(r Row, into map[string]any) {
	amount := func(column string) (clientele.Decimal, bool) {
		v, ok := r.Value(column).(int64)
		return clientele.Decimal(v), ok
	}
	quantity, ok := amount("quantity")
	if !ok {
		quantity = 1_0000
	}
	price, ok := amount("price")
	if !ok {
		return
	}
	discount, _ := amount("discount")
	net, err := quantity.Mul(price)
	if err != nil {
		return
	}
	net -= discount
	put := func(name string, d clientele.Decimal) { into[name] = json.Number(d.String()) }
	put("net", net)
	if cost, ok := amount("unit_cost"); ok {
		if c, err := quantity.Mul(cost); err == nil {
			put("margin", net-c)
		}
	}
	if list, ok := amount("list_price"); ok {
		if total, err := quantity.Mul(list); err == nil {
			put("list_total", total)
			put("saved", total-net)
			into["full_price"], into["discounted"] = net >= total, net < total
		}
	}
}
