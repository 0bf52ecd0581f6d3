package commerce_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/commerce"
)

var noon = clientele.Micros(1_772_366_400_000_000) // 2026-03-01T12:00:00Z

// told is what an event says of the tables, one fact a line; money in units, times as in the API.
func told(t *testing.T, name, properties string) []string {
	t.Helper()
	facts, err := commerce.Facts(&commerce.Event{Name: name, Properties: []byte(properties), Source: "web", ID: "m1",
		Stamp: clientele.Stamp{At: noon, Source: "web", ID: "m1"}, Anchor: 7})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	out := []string{}
	for _, f := range facts {
		if f.Fields["source"] != "web" || f.Row || f.Stamp.At != noon || (f.Anchor == 7) != f.Table.Person {
			t.Errorf("%s: fact %+v", name, f)
		}
		s := f.Table.Name
		for _, column := range slices.Sorted(maps.Keys(f.Fields)) {
			v := f.Fields[column]
			switch f.Table.Columns[f.Table.Column(column)].Type {
			case clientele.TypeDecimal:
				v = clientele.Decimal(v.(int64))
			case clientele.TypeTime:
				if v = clientele.Micros(v.(int64)); v == noon {
					v = "noon"
				}
			}
			if column != "source" {
				s += fmt.Sprintf(" %s=%v", column, v)
			}
		}
		out = append(out, s)
	}
	return out
}

// Every event of Segment's e-commerce, e-mail and live-chat specifications that fills tables
// says what the specification means.
func TestFacts(t *testing.T) {
	const order = `{"order_id":"O1","affiliation":"Main Street","total":30.5,"subtotal":22.5,"revenue":25,"shipping":3,"tax":2,"discount":2.5,"coupon":"HI","currency":"EUR","payment_method":"card",
		"products":[{"product_id":"P1","sku":"S1","name":"Boots","category":"Shoes","brand":"B","variant":"L","color":"red","price":10.25,"quantity":2,"list_price":12},"junk",{"product_id":"P2","price":2},{"product_id":"P2","price":2}]}`
	lines := []string{
		"products brand=B category=Shoes colour=red list_price=12 name=Boots product_id=P1 sku=S1",
		"order_lines category=Shoes colour=red line=S1 list_price=12 name=Boots order_id=O1 price=10.25 product_id=P1 quantity=2 size=L sku=S1 ts=noon",
		"products product_id=P2 sku=P2",
		"order_lines line=P2 order_id=O1 price=2 product_id=P2 quantity=1 sku=P2 ts=noon",
		"products product_id=P2 sku=P2",
		"order_lines line=P2-2 order_id=O1 price=2 product_id=P2 quantity=1 sku=P2 ts=noon",
	}
	head := "orders coupon=HI currency=EUR discount=2.5 order_id=O1 revenue=25 shipping=3%s store=Main Street tax=2 ts=noon"
	payment := "payments amount=30.5 method=card order_id=O1 payment_id=O1 status=paid ts=noon"
	const product = `{"product_id":"P1","sku":"S1","name":"Boots","brand":"B","category":"Shoes","price":10,"color":"red","size":"L"}`
	productRow := []string{"products brand=B category=Shoes colour=red name=Boots product_id=P1 size=L sku=S1"}
	const mail = `{"email_id":"E1","campaign_name":"Spring","email_subject":"Hello","journey":"J","step":"2","platform":"mailer","reason":"full"}`
	message := func(channel, status string) []string {
		return []string{"messages campaign=Spring channel=" + channel + " direction=outbound journey=J message_id=E1 platform=mailer reason=full status=" + status + " step=2 template=Hello ts=noon"}
	}
	const chat = `{"conversation_id":"C1","agent_name":"Ken","topic":"Size","page":"/boots","order_id":"O1","queue":"q","resolved":true,"csat":4.5}`
	conversation := func(when string) []string {
		return []string{"conversations agent=Ken channel=chat conversation_id=C1 csat=4.5" + strings.TrimSuffix(" "+when, " ") + " order_id=O1 page=/boots queue=q resolved=true topic=Size"}
	}
	covered := map[string]bool{}
	for _, x := range []struct {
		name, properties string
		want             []string
	}{
		{"Order Completed", order, slices.Concat([]string{fmt.Sprintf(head, " status=completed")}, lines, []string{payment})},
		{"Completed Order", order, slices.Concat([]string{fmt.Sprintf(head, " status=completed")}, lines, []string{payment})},
		{"Order Updated", order, slices.Concat([]string{fmt.Sprintf(head, "")}, lines)},
		{"Order Cancelled", order, []string{fmt.Sprintf(head, " status=cancelled")}},
		{"Order Completed", `{"order_id":12,"total":"30.50","tax":2,"shipping":"3","status":"paid"}`, []string{"orders order_id=12 revenue=25.5 shipping=3 status=paid tax=2 ts=noon"}},
		{"Order Completed", `{"order_id":"O1","total":10}`, []string{"orders order_id=O1 revenue=10 status=completed ts=noon"}},
		{"Order Completed", `{"order_id":"O1","revenue":0,"total":10}`, []string{"orders order_id=O1 revenue=0 status=completed ts=noon"}},
		{"Order Completed", `{"order_id":"O1","revenue":"a lot","currency":""}`, []string{"orders order_id=O1 status=completed ts=noon"}},
		{"Order Completed", `{"revenue":5}`, nil},
		{"Order Completed", `{"order_id":{"a":1},"products":7}`, nil},
		{"Order Completed", ``, nil},
		{"Order Refunded", `{"order_id":"O1","total":30,"reason":"late"}`, []string{"orders order_id=O1 status=refunded", "returns amount=30 order_id=O1 reason=late return_id=m1 ts=noon"}},
		{"Order Refunded", `{"order_id":"O1","return_id":"R1","products":[{"sku":"S1","price":2.5,"quantity":2},{"sku":"S1"}]}`, []string{"orders order_id=O1 status=partially_refunded",
			"returns amount=5 line=S1 order_id=O1 quantity=2 return_id=R1-S1 sku=S1 ts=noon", "returns line=S1-2 order_id=O1 quantity=1 return_id=R1-S1-2 sku=S1 ts=noon"}},
		{"Product Viewed", product, productRow}, {"Product Added", product, productRow}, {"Product Clicked", product, productRow},
		{"Product Viewed", `{"name":"nameless"}`, nil},
		{"Email Sent", mail, message("email", "sent")}, {"Email Delivered", mail, message("email", "delivered")}, {"Email Opened", mail, message("email", "opened")},
		{"Email Link Clicked", mail, message("email", "clicked")}, {"Email Bounced", mail, message("email", "bounced")},
		{"Email Marked as Spam", mail, message("email", "complained")}, {"Unsubscribed", mail, message("email", "unsubscribed")},
		{"Email Opened", `{}`, []string{"messages channel=email direction=outbound message_id=m1 platform=web status=opened ts=noon"}},
		{"Push Notification Sent", mail, message("push", "sent")}, {"Push Notification Received", mail, message("push", "delivered")},
		{"Push Notification Tapped", mail, message("push", "clicked")}, {"Push Notification Bounced", mail, message("push", "bounced")},
		{"SMS Sent", mail, message("sms", "sent")}, {"SMS Delivered", mail, message("sms", "delivered")}, {"SMS Failed", mail, message("sms", "bounced")},
		{"Live Chat Conversation Started", chat, []string{strings.Replace(conversation("")[0], " topic=Size", " started_at=noon topic=Size", 1)}},
		{"Live Chat Conversation Ended", chat, conversation("ended_at=noon")},
		{"Live Chat Message Sent", chat, conversation("")}, {"Live Chat Message Received", chat, conversation("")},
		{"Live Chat Message Received", `{"agent_id":"x"}`, nil},
		{"Something Else", order, nil},
	} {
		if got := told(t, x.name, x.properties); !slices.Equal(got, x.want) {
			t.Errorf("%s %.60s\n got %s\nwant %s", x.name, x.properties, strings.Join(got, "\n     "), strings.Join(x.want, "\n     "))
		}
		if commerce.Touches(x.name) {
			covered[x.name] = true
		}
	}
	if len(covered) != 26 {
		t.Errorf("%d names are covered", len(covered))
	}
}

// An imported row is refused with the column's name, and its key is completed where the schema
// lets it be.
func TestRowFact(t *testing.T) {
	for _, x := range []struct {
		table, fields, want string // want: the error, or column=value
	}{
		{"orders", `{"order_id":"O1","revenue":"12.5"}`, "map[order_id:O1 revenue:125000 source:shop]"},
		{"orders", `{"revenue":1}`, "orders: order_id is missing, and it identifies the row"},
		{"orders", `{"order_id":"O1","revenue":"many"}`, "orders.revenue: not a number"},
		{"orders", `{"order_id":"O1","colour":"red"}`, `table orders has no column "colour" to import`},
		{"orders", `{"order_id":"O1","profile_id":7}`, `table orders has no column "profile_id" to import`},
		{"orders", `{"order_id":"O1","source":"other"}`, `table orders has no column "source" to import`},
		{"orders", `{"order_id":"O1","revenue_base":7}`, `table orders has no column "revenue_base" to import`},
		{"ad_spend", `{"date":"2026-03-01","cost":1}`, "map[campaign: cost:10000 country: date:20513 platform: source:shop]"},
		{"loyalty_ledger", `{"loyalty_id":"L1","points":-3}`, "map[loyalty_id:L1 points:-30000 row_id:r1 source:shop]"},
		{"consents", `{"purpose":"marketing","granted":"no"}`, "map[channel: event_id:r1 granted:false purpose:marketing source:shop]"},
		{"consents", `{"granted":true}`, "consents: purpose is missing, and it identifies the row"},
		{"prices", `{"sku":"S1","price":1,"valid_from":"9999-01-01"}`, "prices.valid_from: the year 9999 is not between 1900 and 2200"},
	} {
		rec := &clientele.RowRecord{Table: x.table, ID: "r1"}
		dec := json.NewDecoder(strings.NewReader(x.fields))
		dec.UseNumber()
		if err := dec.Decode(&rec.Fields); err != nil {
			t.Fatal(err)
		}
		f, err := commerce.RowFact(clientele.TableNamed(x.table), "shop", rec)
		got := fmt.Sprint(f.Fields)
		if err != nil {
			if got = err.Error(); clientele.ErrorCode(err) != clientele.Invalid {
				t.Errorf("%s %s: %v is not Invalid", x.table, x.fields, err)
			}
		}
		if got != x.want {
			t.Errorf("%s %s:\n got %s\nwant %s", x.table, x.fields, got, x.want)
		}
	}
}

// Whatever an event's properties are: no panic, and every fact can be recorded or is Invalid.
func FuzzFacts(f *testing.F) {
	for _, s := range []string{`{}`, `{"order_id":"O","products":[{}]}`, `{"order_id":"O","total":1e14,"tax":-1e14,"products":[{"price":1e13,"quantity":1e13}]}`,
		`{"conversation_id":"c","csat":"x"}`, `[]`, `{"order_id":"\u0000"}`, `{"product_id":1e400}`} {
		f.Add(s)
	}
	names := []string{"Order Completed", "Order Refunded", "Order Cancelled", "Product Viewed", "Email Opened", "Live Chat Conversation Ended"}
	f.Fuzz(func(t *testing.T, properties string) {
		b := newBook(t)
		for _, name := range names {
			facts, err := commerce.Facts(&commerce.Event{Name: name, Properties: []byte(properties), Source: "web", ID: "m", Stamp: clientele.Stamp{At: noon}, Anchor: 7})
			if err != nil && clientele.ErrorCode(err) != clientele.Invalid {
				t.Fatalf("%s: %v", name, err)
			}
			for _, fact := range facts {
				if err := b.ledger.Record(fact); err != nil && clientele.ErrorCode(err) != clientele.Invalid {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
		b.reopen()
	})
}
