package quality_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/quality"
	"clientele/internal/store/storetest"
)

// book has the plans and transform rules, by commands as the log would bring them.
func book(t *testing.T, plans []clientele.Plan, rules []clientele.TransformRule) *quality.Book {
	t.Helper()
	b, err := quality.LoadBook(storetest.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	do := func(name clientele.CommandName, body any) {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if b, _, err = b.Do(&clientele.Command{Name: name, By: "op", Body: raw}, 1, 1); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	do(clientele.CommandTransformKey, quality.KeyBody{Key: []byte("0123456789abcdef")})
	for _, p := range plans {
		do(clientele.CommandTrackingPlan, quality.PlanBody{Name: p.Name, Plan: &p})
	}
	for _, r := range rules {
		do(clientele.CommandTransform, quality.TransformBody{Name: r.Name, Rule: &r})
	}
	return b
}

func plan(on clientele.PlanAction, schema string) clientele.Plan {
	return clientele.Plan{Name: "p", OnViolation: on, Events: map[string]clientele.PlanEvent{"Order": {Schema: clientele.RawJSON(schema)}, "Any": {}}}
}

// What an event breaks is named by its place in the schema, and no reason holds a value of it.
func TestCheck(t *testing.T) {
	order := `{"type":"object","required":["id","total"],"additionalProperties":false,"properties":{"id":{"type":"string","pattern":"^o[0-9]+$"},
		"total":{"type":"number","minimum":0},"currency":{"enum":["EUR","USD"]},"at":{"format":"date-time"},"mail":{"format":"email"},
		"lines":{"type":"array","items":{"$ref":"#/$defs/line"}},"either":{"anyOf":[{"type":"string"},{"type":"integer"}]},"not":{"not":{"type":"null"}}},
		"$defs":{"line":{"type":"object","required":["sku"],"properties":{"quantity":{"type":"integer"}}}}}`
	rules := book(t, []clientele.Plan{plan(clientele.PlanDrop, order)}, nil).Rules()
	for _, x := range []struct {
		object string
		want   []string
	}{
		{`{"id":"o1","total":5}`, nil},
		{`{"id":"o1","total":5.5,"currency":"EUR","at":"2026-01-01T00:00:00Z","mail":"ann@example.com","lines":[{"sku":"a","quantity":2}],"either":3}`, nil},
		{``, []string{"/required/id", "/required/total"}},
		{`{"total":5}`, []string{"/required/id"}},
		{`{"id":7,"total":"5"}`, []string{"/properties/id/type", "/properties/total/type"}},
		{`{"id":"secret","total":-1}`, []string{"/properties/id/pattern", "/properties/total/minimum"}},
		{`{"id":"o1","total":1,"secret@example.com":1}`, []string{"/additionalProperties"}},
		{`{"id":"o1","total":1,"currency":"secret"}`, []string{"/properties/currency/enum"}},
		{`{"id":"o1","total":1,"at":"secret"}`, []string{"/properties/at/format"}},
		{`{"id":"o1","total":1,"mail":"secret"}`, []string{"/properties/mail/format"}},
		{`{"id":"o1","total":1,"lines":[{"sku":"a"},{"quantity":"secret"},{"quantity":"secret"}]}`, []string{"/$defs/line/properties/quantity/type", "/$defs/line/required/sku"}},
		{`{"id":"o1","total":1,"either":true}`, []string{"/properties/either/anyOf"}},
		{`{"id":"o1","total":1,"not":null}`, []string{"/properties/not/not"}},
		{`{"id":"o1","total":123456789012345678901234567890}`, nil},
	} {
		f := rules.Check("web", "Order", []byte(x.object))
		var got []string
		if f != nil {
			for _, b := range f.Broken {
				got = append(got, b.Rule)
			}
			if text := f.Err().Error() + clientele.ErrorHint(f.Err()); strings.Contains(text, "secret") || clientele.ErrorCode(f.Err()) != clientele.Violated || f.Action != clientele.PlanDrop {
				t.Errorf("%s: %s %s", x.object, f.Action, text)
			}
		}
		if !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s breaks %q, want %q", x.object, got, x.want)
		}
	}
	if f := rules.Check("web", "Any", []byte(`{"x":1}`)); f != nil {
		t.Errorf("without a schema: %+v", f)
	}
}

// One plan speaks of a source: its own, else the one for all others.
func TestPlanOfSource(t *testing.T) {
	all := clientele.Plan{Name: "all", Unplanned: clientele.PlanDrop, Events: map[string]clientele.PlanEvent{"A": {}}}
	web := clientele.Plan{Name: "web", Sources: []string{"web", "app"}, Unplanned: clientele.PlanIgnore, Events: map[string]clientele.PlanEvent{}}
	quiet := clientele.Plan{Name: "till", Sources: []string{"till"}, Events: map[string]clientele.PlanEvent{}}
	b := book(t, []clientele.Plan{all, web, quiet}, nil)
	for _, x := range []struct{ source, event, want string }{
		{"web", "B", ""}, {"crm", "A", ""}, {"crm", "B", "all drop unplanned"}, {"crm", "$page", "all drop unplanned"}, {"till", "B", "till allow unplanned"},
	} {
		got := ""
		if f := b.Rules().Check(x.source, x.event, nil); f != nil {
			got = f.Plan + " " + string(f.Action) + " " + f.Broken[0].Rule
		}
		if got != x.want {
			t.Errorf("%s %s: %q, want %q", x.source, x.event, got, x.want)
		}
	}
	for _, p := range []clientele.Plan{{Name: "two"}, {Name: "two", Sources: []string{"app"}}} {
		if _, err := b.With(p); clientele.ErrorCode(err) != clientele.Conflict {
			t.Errorf("%v: %v", p, err)
		}
	}
	var none *quality.Rules
	if none.Check("web", "A", nil) != nil || none.Transform("web", []byte(`{}`)) != nil || none.Planned("web") {
		t.Error("no rules do something")
	}
	if b.Rules().Planned("crm") != true {
		t.Error("crm has no plan")
	}
}

// A plan that could hang the program, or reach out of it, never comes into force.
func TestPlansRefused(t *testing.T) {
	doubling := `{"allOf":[{"$ref":"#/$defs/a0"}],"$defs":{`
	for i := range 6 {
		doubling += fmt.Sprintf(`"a%d":{"allOf":[%s{}]},`, i, strings.Repeat(fmt.Sprintf(`{"$ref":"#/$defs/a%d"},`, i+1), 8))
	}
	doubling += `"a6":{}}}`
	for name, x := range map[string]struct{ schema, want string }{
		"no JSON":         {`{`, "not JSON"},
		"no schema":       {`7`, "neither an object"},
		"wrong type":      {`{"type":"text"}`, "not a JSON Schema"},
		"remote":          {`{"$ref":"https://example.com/a.json"}`, "another document"},
		"file":            {`{"properties":{"a":{"$ref":"file:///etc/passwd"}}}`, "another document"},
		"remote dialect":  {`{"$schema":"https://example.com/dialect"}`, "another document"},
		"dynamic":         {`{"$dynamicRef":"#a"}`, "$dynamicRef"},
		"circle":          {`{"properties":{"a":{"$ref":"#"}}}`, "circle"},
		"circle of two":   {`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`, "circle"},
		"nothing there":   {`{"$ref":"#/$defs/a"}`, "nothing at"},
		"doubling":        {doubling, "parts"},
		"deep":            {strings.Repeat(`{"not":`, 40) + `{}` + strings.Repeat(`}`, 40), "deeper"},
		"large":           {`{"description":"` + strings.Repeat("x", 70<<10) + `"}`, "over 64 KB"},
		"wrong pattern":   {`{"pattern":"("}`, "not a JSON Schema"},
		"pattern too big": {`{"pattern":"(a{1000}){1000}"}`, "not a JSON Schema"},
	} {
		_, err := (&quality.Book{}).With(plan("", x.schema))
		if clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
	for _, p := range []clientele.Plan{{Name: ""}, {Name: "A b"}, {Name: "p", OnViolation: "shout"}, {Name: "p", OnViolation: clientele.PlanIgnore}, {Name: "p", Unplanned: "shout"},
		{Name: "p", Sources: []string{""}}, {Name: "p", Events: map[string]clientele.PlanEvent{" ": {}}}, {Name: "p", Events: map[string]clientele.PlanEvent{"$track": {}}}} {
		if _, err := (&quality.Book{}).With(p); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
	// A property may well be called $ref.
	if _, err := (&quality.Book{}).With(plan("", `{"properties":{"$ref":{"type":"string"}}}`)); err != nil {
		t.Error(err)
	}
}

func rule(when string, steps ...clientele.TransformStep) clientele.TransformRule {
	return clientele.TransformRule{Name: "r", When: when, Steps: steps}
}

func step(op clientele.TransformOp, path, more string) clientele.TransformStep {
	s := clientele.TransformStep{Op: op, Path: path}
	if op == clientele.TransformRename {
		s.To = more
	} else {
		s.Value = more
	}
	return s
}

func TestTransform(t *testing.T) {
	const set, drop, rename, hash, filter = clientele.TransformSet, clientele.TransformDrop, clientele.TransformRename, clientele.TransformHash, clientele.TransformFilter
	in := `{"type":"track","event":"Order","userId":"u","properties":{"Price":10,"b.c":1,"list":[{"Sku":"a"},{"Sku":"b","x":1},7],"id":12345678901234567890,"deep":{"mail":"ann@example.com"}}}`
	for name, x := range map[string]struct {
		rule clientele.TransformRule
		want string // of properties; "" = nothing applied; "filtered"; else JSON
	}{
		"rename":             {rule("", step(rename, "properties.Price", "properties.price")), `{"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890,"list":[{"Sku":"a"},{"Sku":"b","x":1},7],"price":10}`},
		"rename elsewhere":   {rule("", step(rename, "properties.deep.mail", "traits.email")), `{"Price":10,"b.c":1,"deep":{},"id":12345678901234567890,"list":[{"Sku":"a"},{"Sku":"b","x":1},7]}`},
		"rename nothing":     {rule("", step(rename, "properties.none", "properties.price")), ``},
		"rename onto a wall": {rule("", step(rename, "properties.Price", "properties.id.x")), `failed`},
		"rename in a list":   {rule("", step(rename, "properties.list[].Sku", "properties.list[].sku")), `{"Price":10,"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890,"list":[{"sku":"a"},{"sku":"b","x":1},7]}`},
		"drop":               {rule("", step(drop, "properties.list", "")), `{"Price":10,"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890}`},
		"drop a dotted name": {rule("", step(drop, `properties.b\.c`, ""), step(drop, "properties.list", "")), `{"Price":10,"deep":{"mail":"ann@example.com"},"id":12345678901234567890}`},
		"set":                {rule("", step(set, "properties.list", `properties.Price * 1.5`)), `{"Price":10,"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890,"list":15}`},
		"set a text":         {rule("", step(set, "properties.list", `lower(event) + "-" + split(properties.deep.mail, "@")[1]`)), `{"Price":10,"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890,"list":"order-example.com"}`},
		"set below nothing":  {rule("", step(set, "properties.new.deep", `true`), step(drop, "properties.list", "")), `{"Price":10,"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890,"new":{"deep":true}}`},
		"set an object":      {rule("", step(set, "properties.copy", `properties`)), `failed`},
		"set no number":      {rule("", step(set, "properties.x", `properties.Price / 0`)), `failed`},
		"hash":               {rule("", step(hash, "properties.deep.mail", ""), step(drop, "properties.list", "")), `{"Price":10,"b.c":1,"deep":{"mail":"9f70eb4f1d9f0194d58bc08c41ce2b3b2e4e580a424a246ce2484484122343df"},"id":12345678901234567890}`},
		"hash nothing":       {rule("", step(hash, "properties.none", "")), ``},
		"filter":             {rule("", step(filter, "", "")), `filtered`},
		"when":               {rule(`properties.Price > 5 and type == "track" and userId in ["u", "v"]`, step(filter, "", "")), `filtered`},
		"when not":           {rule(`properties.Price > 50`, step(filter, "", "")), ``},
		"when undecided":     {rule(`properties.none > 50`, step(filter, "", "")), `failed`},
		"when missing":       {rule(`(properties.none ?? 0) > 50`, step(filter, "", "")), ``},
		"a later step sees":  {rule("", step(set, "properties.list", `1`), step(set, "properties.list", `properties.list + 1`)), `{"Price":10,"b.c":1,"deep":{"mail":"ann@example.com"},"id":12345678901234567890,"list":2}`},
	} {
		o := book(t, nil, []clientele.TransformRule{x.rule}).Rules().Transform("web", []byte(in))
		got := ""
		switch {
		case o == nil:
		case o.Filtered != "":
			got = "filtered"
		case len(o.Failed) > 0:
			got = "failed"
			if string(o.Raw) != in {
				t.Errorf("%s: failed and changed: %s", name, o.Raw)
			}
		default:
			var m struct {
				Properties map[string]json.RawMessage `json:"properties"`
			}
			if err := json.Unmarshal(o.Raw, &m); err != nil {
				t.Fatal(err)
			}
			b, _ := json.Marshal(m.Properties)
			got = string(b)
			if !strings.HasPrefix(string(o.Raw), "{") || strings.Contains(name, "elsewhere") != strings.Contains(string(o.Raw), `"traits":{"email":"ann@example.com"}`) {
				t.Errorf("%s: %s", name, o.Raw)
			}
		}
		if got != x.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, x.want)
		}
	}
}

// Equal values hash equally, under one key, and the text of a number is its JSON.
func TestHash(t *testing.T) {
	r := book(t, nil, []clientele.TransformRule{rule("", step(clientele.TransformHash, "traits.a", ""), step(clientele.TransformHash, "traits.b", ""))}).Rules()
	o := r.Transform("web", []byte(`{"type":"identify","traits":{"a":"12","b":12}}`))
	var m struct{ Traits map[string]string }
	if err := json.Unmarshal(o.Raw, &m); err != nil {
		t.Fatal(err)
	}
	// printf 12 | openssl dgst -sha256 -hmac 0123456789abcdef
	const want = "b89b0f489c11f6c8448450cea2594c6c3bc93b8b3c79d1d0f957e3277053eedf"
	if m.Traits["a"] != m.Traits["b"] || len(m.Traits["a"]) != 64 {
		t.Errorf("hashes %v", m.Traits)
	}
	if m.Traits["a"] != want {
		t.Errorf("hash %s, want %s", m.Traits["a"], want)
	}
}

// Rules apply by order, to the events they name as they are called by then.
func TestRulesInOrder(t *testing.T) {
	one := clientele.TransformRule{Name: "b-rename", Events: []string{"old"}, Steps: []clientele.TransformStep{step(clientele.TransformSet, "event", `"New"`)}}
	two := clientele.TransformRule{Name: "c-new", Events: []string{"New"}, Steps: []clientele.TransformStep{step(clientele.TransformSet, "properties.n", `1`)}}
	never := clientele.TransformRule{Name: "d-old", Events: []string{"old", "$page"}, Steps: []clientele.TransformStep{step(clientele.TransformFilter, "", "")}}
	other := clientele.TransformRule{Name: "a-other", Sources: []string{"app"}, Steps: []clientele.TransformStep{step(clientele.TransformFilter, "", "")}}
	late := clientele.TransformRule{Name: "a-late", Order: 9, Sources: []string{"web"}, Steps: []clientele.TransformStep{step(clientele.TransformDrop, "properties.n", "")}}
	r := book(t, nil, []clientele.TransformRule{one, two, never, other, late}).Rules()
	if o := r.Transform("web", []byte(`{"type":"TRACK","event":"old"}`)); fmt.Sprint(o.Applied) != "[b-rename c-new a-late]" || string(o.Raw) != `{"event":"New","properties":{},"type":"TRACK"}` {
		t.Errorf("web: %v %s", o.Applied, o.Raw)
	}
	if o := r.Transform("crm", []byte(`{"type":"track","event":"old","properties":{}}`)); fmt.Sprint(o.Applied) != "[b-rename c-new]" {
		t.Errorf("crm: %v", o.Applied)
	}
	if o := r.Transform("app", []byte(`{"type":"track","event":"x"}`)); o == nil || o.Filtered != "a-other" {
		t.Errorf("app: %+v", o)
	}
	if o := r.Transform("crm", []byte(`{"type":"page","name":"old"}`)); o == nil || o.Filtered != "d-old" {
		t.Errorf("page: %+v", o)
	}
	for _, raw := range []string{`{"type":"track","event":"other"}`, `[]`, `{`, ``, `"x"`, `{"type":7}`} {
		if o := r.Transform("crm", []byte(raw)); o != nil {
			t.Errorf("%s: %+v", raw, o)
		}
	}
}

// Whatever could loop, tell the time, grow without bound or differ from run to run is no expression.
func TestExpressionsRefused(t *testing.T) {
	for _, text := range []string{
		`now() > 1`, `date("2026-01-01") != nil`, `any(properties.list, # > 1)`, `all(properties.list, {.x})`, `map(1..10, #) == []`, `1..1000000000 == []`,
		`repeat("a", 1000000) == ""`, `let x = event; x == x`, `keys(properties) == []`, `toJSON(properties) == ""`, `replace(event, "", "x") == ""`, `join(properties.list, "x") == ""`,
		`event matches properties.pattern`, `event matches "("`, `2 ** 1000 > 1`, `$env == nil`, `unknown == 1`, `properties.f(1)`, `event.foo()`, `reduce([1], #acc + #)`, `1 + 1`, `"text"`,
		`sort([1]) == []`, `event; true`, `{"a": 1} == nil`, strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500), `true` + strings.Repeat(" and true", 60), `"` + strings.Repeat("x", 1100) + `" == event`, ``, `(`,
	} {
		if text == "" {
			continue // no condition
		}
		_, err := (&quality.Book{}).WithTransform(rule(text, step(clientele.TransformFilter, "", "")))
		if strings.HasPrefix(text, "(((") {
			continue // deep and short: it may pass, and must not crash
		}
		if clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestRulesRefused(t *testing.T) {
	many := make([]clientele.TransformStep, 21)
	for i := range many {
		many[i] = step(clientele.TransformDrop, "properties.x", "")
	}
	for name, r := range map[string]clientele.TransformRule{
		"no name":          {Steps: many[:1]},
		"no step":          {Name: "r"},
		"too many steps":   {Name: "r", Steps: many},
		"unknown op":       rule("", step("explode", "properties.x", "")),
		"the type":         rule("", step(clientele.TransformSet, "type", `"page"`)),
		"the message id":   rule("", step(clientele.TransformDrop, "messageId", "")),
		"an empty name":    rule("", step(clientele.TransformDrop, "properties..x", "")),
		"an open end":      rule("", step(clientele.TransformDrop, "properties.", "")),
		"a list as a name": rule("", step(clientele.TransformDrop, "properties.list[]", "")),
		"deep":             rule("", step(clientele.TransformDrop, "properties"+strings.Repeat(".a", 20), "")),
		"out of a list":    rule("", step(clientele.TransformRename, "properties.list[].a", "properties.a")),
		"no target":        rule("", step(clientele.TransformRename, "properties.a", "")),
		"no value":         rule("", step(clientele.TransformSet, "properties.a", "")),
		"a value too many": rule("", step(clientele.TransformDrop, "properties.a", "1")),
		"a path too many":  rule("", step(clientele.TransformFilter, "properties.a", "")),
	} {
		if _, err := (&quality.Book{}).WithTransform(r); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Members finds what encoding/json finds.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, ` {"a" : [1,{"b":"}"}] , "c\u0064":"\"" , "e":null,"f":-1.5e3 }`, `{"a":{"b":{"c":[]}},"d":true}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &want) != nil || want == nil || !jsontext.Value(s).IsValid(jsontext.AllowDuplicateNames(true)) {
			return // events are checked before
		}
		got := map[string]string{}
		for _, m := range quality.Members(nil, []byte(strings.TrimSpace(s))) {
			got[string(m.Name)] = string(m.Value)
		}
		if len(got) != len(want) {
			t.Fatalf("%d members of %d in %s", len(got), len(want), s)
		}
		for name, v := range want {
			if got[name] != string(v) {
				t.Fatalf("%q is %q, want %q in %s", name, got[name], v, s)
			}
		}
	})
}

// A rule from anywhere is refused or applies to any message; neither crashes or hangs.
func FuzzRules(f *testing.F) {
	f.Add("name: r\nwhen: properties.a > 1\nsteps: [{op: set, path: properties.b, value: event + 'x'}]", `{"type":"track","event":"x","properties":{"a":2}}`)
	f.Add(`{"name":"r","steps":[{"op":"rename","path":"properties.list[].a","to":"properties.list[].b"},{"op":"hash","path":"userId"}]}`, `{"type":"identify","userId":7,"properties":{"list":[{"a":1}]}}`)
	f.Add("name: r\nsteps:\n  - {op: filter}", `{"type":"page"}`)
	f.Add("&a [*a]", `[]`)
	f.Fuzz(func(t *testing.T, text, message string) {
		if _, err := quality.ParsePlan([]byte(text)); err != nil && clientele.ErrorCode(err) != clientele.Invalid {
			t.Fatal(err)
		}
		r, err := quality.ParseTransform([]byte(text))
		if err != nil {
			if clientele.ErrorCode(err) != clientele.Invalid {
				t.Fatal(err)
			}
			return
		}
		b, err := (&quality.Book{}).WithTransform(r)
		if err != nil {
			if clientele.ErrorCode(err) != clientele.Invalid {
				t.Fatal(err)
			}
			return
		}
		o, again := b.Rules().Transform("web", []byte(message)), b.Rules().Transform("web", []byte(message))
		if !reflect.DeepEqual(o, again) {
			t.Fatalf("two outcomes of one message: %+v, %+v", o, again)
		}
		if o != nil && o.Filtered == "" && !json.Valid(o.Raw) {
			t.Fatalf("no JSON comes of it: %s", o.Raw)
		}
	})
}

func TestParse(t *testing.T) {
	p, err := quality.ParsePlan([]byte("name: shop\nsources: [web]\non_violation: quarantine\nevents:\n  Order Completed:\n    schema:\n      type: object\n      required: [order_id]\n"))
	if err != nil || p.Name != "shop" || string(p.Events["Order Completed"].Schema) != `{"required":["order_id"],"type":"object"}` {
		t.Errorf("%+v %v", p, err)
	}
	for _, text := range []string{"name: [", "nme: shop", "name: &a x\nsources: [*a]", "name: a\n---\nname: b", strings.Repeat("[", 100), `{"name":"x","events":7}`, strings.Repeat(" ", 300<<10)} {
		if _, err := quality.ParsePlan([]byte(text)); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%.30q: %v", text, err)
		}
	}
}

func TestTrial(t *testing.T) {
	before := book(t, nil, []clientele.TransformRule{{Name: "first", Steps: []clientele.TransformStep{step(clientele.TransformSet, "properties.n", `1`)}}})
	then, err := before.WithTransform(rule(`properties.n == 1 and event != "keep"`, step(clientele.TransformFilter, "", "")))
	if err != nil {
		t.Fatal(err)
	}
	tr := quality.NewTrial(before, then, "", "r", 1)
	for i, raw := range []string{`{"type":"track","event":"a"}`, `{"type":"track","event":"keep"}`, `{"type":"track","event":"b"}`, `nonsense`} {
		tr.Add(fmt.Sprint(i), "web", []byte(raw))
	}
	if r := tr.Result(); r.Events != 4 || r.Matched != 2 || r.Filtered != 2 || r.Changed != 0 || len(r.Samples) != 1 ||
		string(r.Samples[0].Before) != `{"event":"a","properties":{"n":1},"type":"track"}` || r.Samples[0].After != nil || r.Samples[0].Event != "a" {
		t.Errorf("%+v", r)
	}
	withPlan, err := before.With(plan("", `{"properties":{"n":{"type":"string"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tr = quality.NewTrial(before, withPlan, "p", "", 5)
	tr.Add("7-1", "web", []byte(`{"type":"track","event":"Order"}`))
	tr.Add("7-2", "web", []byte(`{"type":"track","event":"Order"}`))
	tr.Add("7-3", "web", []byte(`{"type":"track","event":"Any"}`))
	tr.Add("7-4", "web", []byte(`{"type":"page"}`))
	r := tr.Result()
	if r.Matched != 4 || r.Violated != 3 || len(r.Rules) != 2 || r.Rules[0].Rule != "/properties/n/type" || r.Rules[0].Count != 2 || fmt.Sprint(r.Rules[0].Examples) != "[7-1 7-2]" || r.Rules[1].Rule != quality.Unplanned {
		t.Errorf("%+v", r)
	}
}

// A proposal has the types that were seen, requires what nearly all have, and lists values when they are few.
func TestProposal(t *testing.T) {
	b := book(t, nil, []clientele.TransformRule{rule("", step(clientele.TransformDrop, "properties.dropped", ""))})
	p := quality.NewProposal(b, "web")
	for i := range 60 {
		rare := ""
		if i%10 == 0 {
			rare = `,"rare":null`
		}
		if i == 30 {
			rare = `,"rare":"x"`
		}
		p.Add(fmt.Appendf(nil, `{"type":"track","event":"Order","properties":{"id":"o%d","currency":%q,"total":%d.5,"dropped":1%s}}`, i, []string{"EUR", "USD"}[i%2], i, rare))
	}
	p.Add([]byte(`{"type":"identify","traits":{"email":"ann@example.com"}}`))
	got, err := p.Plan("web")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"properties":{"currency":{"enum":["EUR","USD"],"type":"string"},"id":{"type":"string"},"rare":{"type":["null","string"]},"total":{"type":"number"}},"required":["currency","id","total"],"type":"object"}`
	if s := string(got.Events["Order"].Schema); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
	if s := string(got.Events["$identify"].Schema); s != `{"properties":{"email":{"type":"string"}},"type":"object"}` {
		t.Errorf("identify %s", s)
	}
	if _, err := quality.NewProposal(b, "web").Plan("web"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("of nothing: %v", err)
	}
}
