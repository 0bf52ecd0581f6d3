package shop

import (
	"strconv"
	"strings"
	"time"

	"clientele"
)

// object is a JSON object that is being written. Names and texts are the shop's own: nothing in
// them but quotation marks and backslashes needs care.
type object []byte

func (o *object) key(k string) {
	if n := len(*o); n > 0 && (*o)[n-1] != '{' && (*o)[n-1] != '[' {
		*o = append(*o, ',')
	}
	*o = append(append(append(*o, '"'), k...), '"', ':')
}

func (o *object) begin(k string) { // "" = an element, or the whole
	if k != "" {
		o.key(k)
	} else if n := len(*o); n > 0 && (*o)[n-1] == '}' {
		*o = append(*o, ',')
	}
	*o = append(*o, '{')
}

func (o *object) end() { *o = append(*o, '}') }

func (o *object) list(k string) { o.key(k); *o = append(*o, '[') }

func (o *object) endList() { *o = append(*o, ']') }

// text writes a text that is there.
func (o *object) text(k, v string) {
	if v == "" {
		return
	}
	o.key(k)
	o.quote(v)
}

func (o *object) quote(v string) {
	if strings.ContainsAny(v, `"\`) {
		v = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(v)
	}
	*o = append(append(append(*o, '"'), v...), '"')
}

func (o *object) int(k string, v int) {
	o.key(k)
	*o = strconv.AppendInt(*o, int64(v), 10)
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	*o = strconv.AppendBool(*o, v)
}

// money writes hundredths.
func (o *object) money(k string, cents int) {
	o.key(k)
	*o = appendCents(*o, cents)
}

func appendCents(b []byte, cents int) []byte {
	if cents < 0 {
		b, cents = append(b, '-'), -cents
	}
	b = strconv.AppendInt(b, int64(cents/100), 10)
	return append(b, '.', byte('0'+cents/10%10), byte('0'+cents%10))
}

func (o *object) time(k string, at clientele.Micros) {
	o.key(k)
	*o = append(at.Time().AppendFormat(append(*o, '"'), "2006-01-02T15:04:05.000Z"), '"')
}

func (o *object) date(k string, at clientele.Micros) {
	o.key(k)
	*o = append(at.Time().AppendFormat(append(*o, '"'), time.DateOnly), '"')
}

// identifiers of a record, and whether its system is sure of them.
type named struct {
	clientele.Identifier
	verified bool
}

func id(ns clientele.Namespace, value string) named {
	return named{Identifier: clientele.Identifier{Namespace: ns, Value: value}}
}

func sure(ns clientele.Namespace, value string) named {
	return named{clientele.Identifier{Namespace: ns, Value: value}, true}
}

// Namespaces beyond those that the product knows.
const (
	loyaltyID  clientele.Namespace = "loyalty_id"
	customerID clientele.Namespace = "crm:customer_id"
)

// row writes a row for a table; fields writes its columns. Names without a value are left out.
func (w *writer) row(source, table, rowID string, at clientele.Micros, p *person, who []named, fields func(*object)) {
	o := make(object, 0, 320)
	o.begin("")
	o.text("table", table)
	o.text("id", rowID)
	o.time("ts", at)
	ids := make([]clientele.Identifier, 0, len(who))
	if len(who) > 0 {
		o.list("ids")
		for _, n := range who {
			if n.Value == "" {
				continue
			}
			o.begin("")
			o.text("ns", string(n.Namespace))
			o.text("v", n.Value)
			if n.verified {
				o.bool("verified", true)
			}
			o.end()
			ids = append(ids, normal(n.Identifier))
		}
		o.endList()
	}
	if table != "profiles" {
		o.begin("fields")
		fields(&o)
		o.end()
	} else {
		fields(&o)
	}
	o.end()
	w.tell(Record{Source: source, Kind: clientele.KindRow, At: at, ID: rowID, Raw: o, Identifiers: ids}, p)
}

// normal is the identifier as the product keeps it.
func normal(i clientele.Identifier) clientele.Identifier {
	if i.Namespace == clientele.Email {
		i.Value = strings.ToLower(i.Value)
	}
	return i
}

// writer takes down what happens in a street, or at the head office.
type writer struct {
	shop    *Shop
	library string           // that events say they came through
	prefix  string           // of message and row ids
	until   clientele.Micros // what comes later is not told
	live    bool             // goes on behind the history
	records []Record
	totals  Totals
	number  int // of ids
}

func (w *writer) tell(r Record, p *person) {
	if r.At > w.until {
		return // it has not happened yet
	}
	if p != nil {
		r.Person = p.id
	}
	if r.Kind == clientele.KindEvent {
		w.totals.Events++
	}
	w.records = append(w.records, r)
}

// nextID is an id of its own among all of the shop.
func (w *writer) nextID() string {
	w.number++
	return w.prefix + strconv.Itoa(w.number)
}
