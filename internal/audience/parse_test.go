package audience_test

import (
	"encoding/json"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/audience"
)

// contract holds every form of the contract, its canonical form and its line for people.
var contract = []struct{ in, canonical, line string }{
	{`{"trait":"country","op":"eq","value":"TH"}`, "", `country = "TH"`},
	{`{"trait":"computed.orders","op":"between","value":[1,5.5]}`, "", `computed.orders between 1 and 5.5`},
	{`{"trait":"predictions.ltv","op":"gte","value":250}`, "", `predictions.ltv at least 250`},
	{`{"and":[{"trait":"a","op":"exists"},{"or":[{"trait":"b","op":"not_exists"},{"not":{"trait":"c","op":"in","value":["x",2,true]}}]}]}`, "",
		`a is there and (b is missing or (not c in ("x", 2, true)))`},
	{`{"event":"Order Completed","where":[{"property":"revenue","op":"gt","value":100}],"count":{"op":"gte","value":2},"within":"30d"}`, "",
		`did Order Completed (revenue > 100) at least 2 times in the last 30d`},
	{`{"event":"Order Completed","count":{"op":"gte","value":1}}`, `{"event":"Order Completed"}`, `did Order Completed`},
	{`{"event":"Order Completed","sum":{"property":"revenue","op":"gte","value":1e3},"from":"2026-01-01","to":"2026-01-31"}`,
		`{"event":"Order Completed","sum":{"property":"revenue","op":"gte","value":1000},"from":"2026-01-01T00:00:00Z","to":"2026-01-31T23:59:59.999999Z"}`,
		`did Order Completed with sum of revenue at least 1000 from 2026-01-01T00:00:00Z to 2026-01-31T23:59:59.999999Z`},
	{`{"event":"Order Completed","last":{"property":"coupon","op":"starts_with","value":"SUMMER"},"older_than":"12w"}`,
		`{"event":"Order Completed","last":{"property":"coupon","op":"starts_with","value":"SUMMER"},"older_than":"84d"}`,
		`did Order Completed with last of coupon starts with "SUMMER" more than 84d ago`},
	{`{"event":"Product Viewed","unique":{"property":"sku","op":"gt","value":3}}`, "", `did Product Viewed with different sku > 3`},
	{`{"sequence":[{"event":"Product Viewed"},{"event":"Order Completed","after":"0s","before":"7d"}],"within":"90d"}`,
		`{"sequence":[{"event":"Product Viewed"},{"event":"Order Completed","before":"7d"}],"within":"90d"}`,
		`did Product Viewed then Order Completed within 7d in the last 90d`},
	{`{"event":"Order Completed","where":[{"each":"products","match":[{"property":"category","op":"eq","value":"tents"}]}]}`, "",
		`did Order Completed (one of products has (category = "tents"))`},
	{`{"event":"Product Viewed","by":"product_id","count":{"op":"gte","value":3},"within":"14d"}`,
		`{"event":"Product Viewed","count":{"op":"gte","value":3},"by":"product_id","within":"14d"}`,
		`did Product Viewed at least 3 times with one product_id in the last 14d`},
	{`{"sequence":[{"event":"Cart Updated"},{"not":{"event":"Order Completed","where":[{"property":"context.app.name","op":"eq","value":"shop"}]},"before":"24h"}],"within":"7d"}`,
		`{"sequence":[{"event":"Cart Updated"},{"not":{"event":"Order Completed","where":[{"property":"context.app.name","op":"eq","value":"shop"}]},"before":"1d"}],"within":"7d"}`,
		`did Cart Updated then not Order Completed (context.app.name = "shop") within 1d in the last 7d`},
	{`{"trait":"revenue_12m","percentile":{"op":"gte","value":95}}`, "", `revenue_12m at least its percentile 95`},
	{`{"message":{"status":"sent","channel":"email"},"count":{"op":"gte","value":3},"within":"7d"}`,
		`{"message":{"channel":"email","status":"sent"},"count":{"op":"gte","value":3},"within":"7d"}`,
		`has a message with channel email, status sent at least 3 times in the last 7d`},
	{`{"lifecycle":"intent","for":"3d"}`, "", `in lifecycle stage intent for 3d`},
	{`{"catalog":"wanted_skus","available":{"op":"gt","value":0}}`, "", `a wanted SKU has available > 0`},
	{`{"listed":"vip"}`, "", `on the list of vip`},
	{`{"of":{"event":"View"},"suppress":[{"name":"poor","when":{"trait":"value","op":"lt","value":10}}]}`, "", `did View unless poor: value < 10`},
	{`{"audience":"vip"}`, "", `in audience vip`},
	{`{"consent":"marketing","channel":"email"}`, `{"consent":"marketing","channel":"email","granted":true}`, `consent to marketing by email`},
	{`{"consent":"sale","granted":false}`, "", `refusal of sale`},
	{`{"identifier":"email","verified":true}`, `{"identifier":"email","exists":true,"verified":true}`, `has verified email`},
	{`{"identifier":"phone","exists":false}`, "", `has no phone`},
	{`{"trait":"a","trait":"b","op":"eq","value":1}`, `{"trait":"b","op":"eq","value":1}`, `b = 1`},
}

func TestForms(t *testing.T) {
	for _, c := range contract {
		if c.canonical == "" {
			c.canonical = c.in
		}
		parsed, err := audience.Parse([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v (%s)", c.in, err, clientele.ErrorHint(err))
			continue
		}
		if got := string(audience.JSON(parsed)); got != c.canonical {
			t.Errorf("%s\nbecame %s\nnot    %s", c.in, got, c.canonical)
		}
		if got := audience.String(parsed); got != c.line {
			t.Errorf("%s reads\n    %s\nnot %s", c.in, got, c.line)
		}
	}
}

func TestErrorsNamePlaceAndFix(t *testing.T) {
	for _, c := range []struct{ in, message, hint string }{
		{`{`, "not JSON", "a condition is an object"},
		{`[]`, "/: a condition is an object, not an empty list", "has one of and"},
		{`{"trait":"a","op":"gtt","value":1}`, `/op: "gtt" is no comparison`, "did you mean gt"},
		{`{"trait":"a","op":">=","value":1}`, `/op: ">=" is no comparison`, "write gte"},
		{`{"and":[{"trait":"a","op":"eq","value":1},{"trait":"b","op":"eq","valeu":1}]}`, `/and/1/valeu: there is no "valeu" here`, "did you mean value"},
		{`{"not":{"of":{"event":"a"},"suppress":[{"name":"x","when":{"event":"b"}}]}}`, "/not: suppress stands at the top of a definition only", "beside the whole"},
		{`{"of":{"event":"a"},"suppress":[]}`, "/suppress: a list of 1 to 16 rules is needed", "when"},
		{`{"of":{"event":"a"},"suppress":[{"name":"x","when":{"evnt":"b"}}]}`, `/suppress/0/when: no condition: "evnt"`, "has one of"},
		{`{"of":{"event":"a"},"suppress":[{"name":"x","when":{"event":"b"}},{"name":"x","when":{"event":"c"}}]}`, `/suppress/1/name: two rules are called "x"`, "of its own"},
		{`{"and":[]}`, "/and: a list of at least one condition is needed, not an empty list", "write"},
		{`{"evnet":"x"}`, `/: no condition: "evnet" may be meant as event`, "has one of"},
		{`{"trait":"a","audience":"b","op":"exists"}`, "/: trait and audience in one condition", "and"},
		{`{"trait":"a","op":"gt","value":true}`, "/value: true and false have no order", "eq"},
		{`{"trait":"a","op":"between","value":[5,1]}`, "/value: nothing lies between the two", "least first"},
		{`{"trait":"a","op":"between","value":[1,"b"]}`, "/value: the two ends are not of one kind", "least first"},
		{`{"trait":"a","op":"before","value":"yesterday"}`, "/value: before compares with a time", "2026-11-21"},
		{`{"trait":"a","op":"exists","value":1}`, "/value: exists compares with nothing", "leave"},
		{`{"trait":"a","op":"eq","value":null}`, "/value: a text, a number, or true or false is needed, not nothing", "exists"},
		{`{"trait":"a","op":"in","value":"x"}`, "/value: in needs a list, not a text", `["a","b"]`},
		{`{"trait":"computed.","op":"exists"}`, "/trait: \"computed.\" has no name between two dots", "inward"},
		{`{"trait":"a","percentile":{"op":"eq","value":5}}`, "/percentile/op: a percentile is not compared with eq", "gte"},
		{`{"trait":"a","percentile":{"op":"gt","value":500}}`, "/percentile/value: a percentile is between 0 and 100", "95"},
		{`{"event":"a","within":"1 month"}`, `/within: "1 month" is no duration`, `a month is "30d"`},
		{`{"event":"a","within":"90d","older_than":"100d"}`, "/older_than: nothing is older than 100d and within 90d", "longer"},
		{`{"event":"a","from":"2026-02-01","to":"2026-01-01"}`, "/to: to lies before from", "exchange"},
		{`{"event":"a","count":{"op":"gte","value":1.5}}`, "/count/value: a whole number up to 10^9 is needed", "0, 1, 2"},
		{`{"event":"a","count":{"op":"contains","value":1}}`, "/count/op: numbers are not compared with contains", "gte"},
		{`{"event":"a","count":{"op":"gte","value":1},"sum":{"property":"b","op":"gt","value":1}}`, "/sum: sum beside count", "condition for each"},
		{`{"event":"a","sum":{"property":"b","op":"gt","value":"12"}}`, "/sum/value: a number is needed", "without quotes"},
		{`{"event":"a","by":"x","count":{"op":"lt","value":3}}`, "/by: by needs a count", "gte"},
		{`{"event":"a","where":[{"property":"p","op":"eq"}]}`, "/where/0/value: a text, a number, or true or false is needed", "exists"},
		{`{"event":"a","where":[{"each":"l","match":[{"each":"m","match":[]}]}]}`, `/where/0/match/0/each: there is no "each" here`, "property"},
		{`{"sequence":[{"event":"a"}]}`, "/sequence: a list of 2 to 10 steps is needed", "write"},
		{`{"sequence":[{"not":{"event":"a"}},{"event":"b"}]}`, "/sequence/0: the first step is a not", "never did"},
		{`{"sequence":[{"event":"a"},{"event":"b","after":"2d","before":"1d"}]}`, "/sequence/1/before: before is shorter than after", "exchange"},
		{`{"message":{"chanel":"email"}}`, `/message/chanel: there is no "chanel" here`, "did you mean channel"},
		{`{"lifecycle":"a","for":"3"}`, `/for: "3" is no duration`, "whole number"},
		{`{"catalog":"stock","available":{"op":"gt","value":0}}`, `/catalog: there is no list "stock"`, "wanted_skus"},
		{`{"consent":"m","granted":"yes"}`, "/granted: true or false is needed, not a text", "without quotes"},
		{`{"identifier":""}`, "/identifier: a name is needed", "quotes"},
		{`{"trait":"a\u0000","op":"exists"}`, "/trait: the name holds a zero byte", "take it out"},
		{`{"event":"a","where":[{"property":"x/y~","op":"exists","v/":1}]}`, `/where/0/v~1: there is no "v/" here`, "it has property"},
		{strings.Repeat(`{"not":`, 17) + `{"trait":"a","op":"exists"}` + strings.Repeat("}", 17), "nested deeper than 16 conditions", "and and or"},
		{strings.Repeat(`[`, 100000), "nested deeper than 64 levels", "and and or"},
		{`{"or":[` + strings.Repeat(`{"trait":"a","op":"exists"},`, 200) + `{"trait":"a","op":"exists"}]}`, "over 200 conditions", "audience of its own"},
	} {
		_, err := audience.Parse([]byte(c.in))
		if err == nil {
			t.Errorf("%.100s was taken", c.in)
			continue
		}
		if !strings.Contains(err.Error(), c.message) || !strings.Contains(clientele.ErrorHint(err), c.hint) {
			t.Errorf("%.100s\nsays    %v (%s)\nand not %s (%s)", c.in, err, clientele.ErrorHint(err), c.message, c.hint)
		}
	}
}

// known is a catalogue for tests.
type known map[audience.Naming][]string

func (k known) Names(kind audience.Naming, of string) ([]string, bool) {
	if of != "" {
		kind = audience.Naming(of)
	}
	names, ok := k[kind]
	return names, ok
}

func TestCheckSuggestsTheNearest(t *testing.T) {
	data := known{audience.NameTrait: {"country", "city", "first_name"}, audience.NameEvent: {"Order Completed", "Product Viewed"}, "Order Completed": {"revenue", "products"},
		audience.NameAudience: {}}
	for _, c := range []struct{ in, want string }{
		{`{"trait":"country","op":"exists"}`, ""},
		{`{"trait":"city.name","op":"exists"}`, ""},
		{`{"trait":"computed.anything","op":"exists"}`, ""},
		{`{"and":[{"trait":"contry","op":"exists"}]}`, `/and/0/trait: there is no trait "contry" (did you mean country?)`},
		{`{"trait":"firstName","op":"exists"}`, `/trait: there is no trait "firstName" (did you mean first_name?)`},
		{`{"trait":"shoe_size","op":"exists"}`, `/trait: there is no trait "shoe_size" (there are city, country, first_name)`},
		{`{"event":"order completed"}`, `/event: there is no event "order completed" (did you mean Order Completed?)`},
		{`{"event":"Order Completed","where":[{"property":"context.x","op":"exists"},{"property":"revenu","op":"exists"}]}`, `/where/1/property: "Order Completed" has no property "revenu" (did you mean revenue?)`},
		{`{"event":"Order Completed","where":[{"each":"product","match":[{"property":"sku","op":"exists"}]}]}`, `/where/0/each: "Order Completed" has no property "product" (did you mean products?)`},
		{`{"sequence":[{"event":"Product Viewed"},{"not":{"event":"Ordr Completed"}}]}`, `/sequence/1/not/event: there is no event "Ordr Completed" (did you mean Order Completed?)`},
		{`{"audience":"vip"}`, `/audience: there is no audience "vip" (no audience is known yet)`},
	} {
		parsed, err := audience.Parse([]byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range audience.Check(parsed, data) {
			got = append(got, p.At+": "+p.What+" ("+p.Hint+")")
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s\nsays %q\nnot  %q", c.in, got, c.want)
		}
	}
}

func TestOrderRefusesCircles(t *testing.T) {
	parse := func(s string) audience.Condition {
		c, err := audience.Parse([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ref := func(names ...string) audience.Condition {
		and := audience.And{parse(`{"trait":"a","op":"exists"}`)}
		for _, n := range names {
			and = append(and, audience.Not{Of: &audience.Ref{Audience: n}})
		}
		return and
	}
	order, err := audience.Order(map[string]audience.Condition{"a": ref("c"), "b": ref(), "c": ref("b", "elsewhere"), "d": ref("a", "b")})
	if got := strings.Join(order, " "); err != nil || got != "b c a d" {
		t.Errorf("order is %s, %v", got, err)
	}
	_, err = audience.Order(map[string]audience.Condition{"a": ref("b"), "b": ref("c"), "c": ref("b")})
	if err == nil || !strings.Contains(err.Error(), "b → c → b") || clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a circle gives %v", err)
	}
	if _, err = audience.Order(map[string]audience.Condition{"a": ref("a")}); err == nil {
		t.Error("an audience may refer to itself")
	}
}

// FuzzParse: nothing breaks the parser, and what it takes it writes in a form that it takes again
// as the same.
func FuzzParse(f *testing.F) {
	for _, c := range contract {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := audience.Parse(text)
		if err != nil {
			if clientele.ErrorHint(err) == "" {
				t.Errorf("no fix is named: %v", err)
			}
			return
		}
		canonical := audience.JSON(c)
		if !json.Valid(canonical) {
			t.Fatalf("%s is not JSON", canonical)
		}
		again, err := audience.Parse(canonical)
		if err != nil {
			t.Fatalf("%s: %v", canonical, err)
		}
		if second := audience.JSON(again); string(second) != string(canonical) {
			t.Fatalf("%s became %s", canonical, second)
		}
		if audience.String(c) == "" {
			t.Error("no line for people")
		}
	})
}
