package commerce

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// Event is a track event that may say something of the tables.
type Event struct {
	Name       string
	Properties []byte // JSON object
	Source     string
	ID         string // message id
	Stamp      clientele.Stamp
	Anchor     clientele.Anchor
}

type handler func(e *Event, p props) ([]Fact, error)

// handlers are the events of Segment's e-commerce (v2), e-mail and live-chat specifications
// that fill tables, under the names the specifications give, and the older ones still in use.
var handlers = map[string]handler{
	"Order Completed": orderEvent("completed"), "Completed Order": orderEvent("completed"), "Order Updated": orderEvent(""),
	"Order Cancelled": orderEvent("cancelled"), "Order Refunded": refundEvent,
	"Product Viewed": productEvent, "Product Added": productEvent, "Product Clicked": productEvent,
	"Email Sent": messageEvent("email", "sent"), "Email Delivered": messageEvent("email", "delivered"), "Email Opened": messageEvent("email", "opened"),
	"Email Link Clicked": messageEvent("email", "clicked"), "Email Bounced": messageEvent("email", "bounced"),
	"Email Marked as Spam": messageEvent("email", "complained"), "Unsubscribed": messageEvent("email", "unsubscribed"),
	"Push Notification Sent": messageEvent("push", "sent"), "Push Notification Received": messageEvent("push", "delivered"),
	"Push Notification Tapped": messageEvent("push", "clicked"), "Push Notification Bounced": messageEvent("push", "bounced"),
	"SMS Sent": messageEvent("sms", "sent"), "SMS Delivered": messageEvent("sms", "delivered"), "SMS Failed": messageEvent("sms", "bounced"),
	"Live Chat Conversation Started": chatEvent("started_at"), "Live Chat Conversation Ended": chatEvent("ended_at"),
	"Live Chat Message Sent": chatEvent(""), "Live Chat Message Received": chatEvent(""),
}

// Touches says whether events of the name fill tables.
func Touches(name string) bool { return handlers[name] != nil }

// Facts is what the event says of the tables; nil for an event that says nothing. A property
// that cannot be what its column holds is left out of the table; it stays in the event.
func Facts(e *Event) ([]Fact, error) {
	h := handlers[e.Name]
	if h == nil {
		return nil, nil
	}
	p, err := readProps(e.Properties)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "properties of %s: %w", e.Name, err)
	}
	return h(e, p)
}

// readProps reads a JSON object, numbers as they are written; nothing is an empty one. Of equal names the last one counts.
func readProps(b []byte) (p props, err error) {
	if len(b) > 0 {
		err = jsonv2.Unmarshal(b, &p, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsonv2.WithUnmarshalers(numbers))
	}
	return p, err
}

var numbers = jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	n, err := dec.ReadValue()
	*v = json.Number(n)
	return err
})

// props are an event's properties.
type props map[string]any

// text is the first of the properties that is there, as text.
func (p props) text(names ...string) string {
	for _, n := range names {
		switch v := p[n].(type) {
		case string:
			if v != "" && len(v) <= MaxText {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

// field is the value of a column before it is typed.
type field struct {
	column string
	value  any
}

// fact starts a fact of the table; fields whose value cannot be typed are left out.
func (e *Event) fact(table string, fields []field) Fact {
	t := clientele.TableNamed(table)
	f := Fact{Table: t, Fields: map[string]any{"source": e.Source}, Anchor: e.Anchor, Stamp: e.Stamp}
	for _, c := range fields {
		if c.value == nil || c.value == "" {
			continue
		}
		typed, err := Typed(t.Columns[t.Column(c.column)], c.value)
		if err == nil && typed != nil {
			f.Fields[c.column] = typed
		}
	}
	if !t.Person {
		f.Anchor = 0
	}
	return f
}

func orderEvent(status string) handler {
	return func(e *Event, p props) ([]Fact, error) {
		id := p.text("order_id", "orderId", "checkout_id")
		if id == "" {
			return nil, nil
		}
		at := e.Stamp.At.String()
		fields := []field{{"order_id", id}, {"ts", at}, {"status", first(p.text("status"), status)}, {"revenue", revenue(p)},
			{"discount", p["discount"]}, {"shipping", p["shipping"]}, {"tax", p["tax"]}, {"currency", p["currency"]}, {"coupon", p["coupon"]},
			{"sales_channel", first(p.text("sales_channel", "channel"))}, {"store", p.text("store", "affiliation")}, {"shipping_method", p["shipping_method"]}}
		facts := []Fact{e.fact("orders", fields)}
		if status == "cancelled" {
			return facts, nil // its products are what was cancelled, not new lines
		}
		products := p.products()
		for i, q := range products {
			facts = append(facts, e.productFacts(q)...)
			facts = append(facts, e.fact("order_lines", []field{{"order_id", id}, {"line", line(products, i)}, {"ts", at},
				{"product_id", q.text("product_id", "id")}, {"sku", q.text("sku", "product_id", "id")}, {"name", q["name"]}, {"category", q["category"]},
				{"size", q.text("size", "variant")}, {"colour", q.text("colour", "color")}, {"quantity", firstOf(q["quantity"], json.Number("1"))}, {"price", q["price"]},
				{"list_price", q["list_price"]}, {"unit_cost", q["unit_cost"]}, {"discount", q["discount"]}}))
		}
		if method := p.text("payment_method"); method != "" && status == "completed" {
			facts = append(facts, e.fact("payments", []field{{"payment_id", id}, {"order_id", id}, {"ts", at}, {"method", method},
				{"amount", firstOf(p["total"], p["value"], p["revenue"])}, {"status", "paid"}}))
		}
		return facts, nil
	}
}

// revenue is goods after discount without tax and shipping: revenue or subtotal of the
// specification, or the total less both; nil when only the lines tell.
func revenue(p props) any {
	if v := firstOf(p["revenue"], p["subtotal"]); v != nil {
		return v
	}
	total, err := asDecimal(p["total"])
	if err != nil {
		return nil
	}
	sum := total.(int64)
	for _, name := range []string{"tax", "shipping"} {
		if d, err := asDecimal(p[name]); err == nil {
			sum -= d.(int64)
		}
	}
	return clientele.Decimal(sum).String()
}

func refundEvent(e *Event, p props) ([]Fact, error) {
	id := p.text("order_id", "orderId")
	if id == "" {
		return nil, nil
	}
	at := e.Stamp.At.String()
	status := "refunded"
	products := p.products()
	if len(products) > 0 {
		status = "partially_refunded"
	}
	facts := []Fact{e.fact("orders", []field{{"order_id", id}, {"status", status}})}
	if len(products) == 0 {
		amount := firstOf(p["total"], p["revenue"], p["value"], p["amount"])
		return append(facts, e.fact("returns", []field{{"return_id", first(p.text("return_id"), e.ID)}, {"order_id", id}, {"ts", at},
			{"amount", amount}, {"method", p["method"]}, {"reason", p["reason"]}})), nil
	}
	for i, q := range products {
		line := line(products, i)
		quantity := firstOf(q["quantity"], json.Number("1"))
		var amount any
		if price, err := asDecimal(q["price"]); err == nil {
			if n, err := asDecimal(quantity); err == nil {
				if sum, err := clientele.Decimal(price.(int64)).Mul(clientele.Decimal(n.(int64))); err == nil {
					amount = sum.String()
				}
			}
		}
		facts = append(facts, e.fact("returns", []field{{"return_id", first(p.text("return_id"), e.ID) + "-" + line}, {"order_id", id}, {"line", line}, {"ts", at},
			{"sku", q.text("sku", "product_id", "id")}, {"quantity", quantity}, {"amount", amount},
			{"method", firstOf(q["method"], p["method"])}, {"reason", firstOf(q["reason"], p["reason"])}}))
	}
	return facts, nil
}

func productEvent(e *Event, p props) ([]Fact, error) { return e.productFacts(p), nil }

func (e *Event) productFacts(p props) []Fact {
	id := p.text("product_id", "id", "sku")
	if id == "" {
		return nil
	}
	f := e.fact("products", []field{{"product_id", id}, {"sku", p.text("sku", "product_id", "id")}, {"name", p["name"]}, {"brand", p["brand"]}, {"category", p["category"]},
		{"size", p.text("size")}, {"colour", p.text("colour", "color")}, {"list_price", p["list_price"]}, {"unit_cost", p["unit_cost"]}})
	return []Fact{f}
}

func messageEvent(channel, status string) handler {
	return func(e *Event, p props) ([]Fact, error) {
		return []Fact{e.fact("messages", []field{{"message_id", first(p.text("message_id", "email_id", "push_id"), e.ID)}, {"platform", first(p.text("platform"), e.Source)},
			{"channel", channel}, {"direction", "outbound"}, {"campaign", p.text("campaign_name", "campaign", "campaign_id")}, {"journey", p["journey"]}, {"step", p["step"]},
			{"template", p.text("template", "email_subject")}, {"ts", e.Stamp.At.String()}, {"status", status}, {"reason", p["reason"]}})}, nil
	}
}

func chatEvent(timeColumn string) handler {
	return func(e *Event, p props) ([]Fact, error) {
		id := p.text("conversation_id")
		if id == "" {
			return nil, nil
		}
		fields := []field{{"conversation_id", id}, {"channel", "chat"}, {"agent", p.text("agent_name", "agent_username", "agent_id")},
			{"topic", p.text("topic", "subject")}, {"page", p.text("page", "url")}, {"order_id", p["order_id"]}, {"queue", p["queue"]}, {"resolved", p["resolved"]}, {"csat", p["csat"]}}
		if timeColumn != "" {
			fields = append(fields, field{timeColumn, e.Stamp.At.String()})
		}
		return []Fact{e.fact("conversations", fields)}, nil
	}
}

// products is the list of products; what is not an object is passed over.
func (p props) products() (out []props) {
	list, _ := p["products"].([]any)
	for _, v := range list[:min(len(list), 1000)] {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// line names product i within its order: its own line id, otherwise its SKU, with the ordinal
// among the same from the second on.
func line(list []props, i int) string {
	name := func(q props) string {
		return first(q.text("line", "line_id"), q.text("sku", "product_id", "id"), q.text("name"))
	}
	own, n := name(list[i]), 1
	for _, q := range list[:i] {
		if name(q) == own {
			n++
		}
	}
	if own == "" {
		own = "line"
	}
	if n > 1 {
		return own + "-" + strconv.Itoa(n)
	}
	return own
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func firstOf(values ...any) any {
	for _, v := range values {
		if v != nil && v != "" {
			return v
		}
	}
	return nil
}

// RowFact is an imported row as a fact. Invalid names the column and what it should hold.
// Its anchor and stamp are for the caller to fill in.
func RowFact(t *clientele.Table, source string, rec *clientele.RowRecord) (Fact, error) {
	f := Fact{Table: t, Fields: make(map[string]any, len(rec.Fields)+2), Row: true}
	f.Fields["source"] = source
	for name, v := range rec.Fields {
		i := t.Column(name)
		if i < 0 || name == "anchor_id" || name == "profile_id" || name == "source" || name == "revenue_base" {
			return f, clientele.Errorf(clientele.Invalid, "table %s has no column %q to import", t.Name, clip(name))
		}
		typed, err := Typed(t.Columns[i], v)
		if err != nil {
			return f, fmt.Errorf("%s.%w", t.Name, err)
		}
		f.Fields[name] = typed
	}
	if t.Column("row_id") >= 0 && f.Fields["row_id"] == nil {
		f.Fields["row_id"] = rec.ID
	}
	if t.Name == "consents" && f.Fields["event_id"] == nil {
		f.Fields["event_id"] = rec.ID
	}
	for _, k := range t.Key {
		if f.Fields[k] == nil && optional(t.Name, k) {
			f.Fields[k] = ""
		}
	}
	_, err := placeOf(t, f.Fields)
	return f, err
}

func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), 64)], "?")
}
