package importer

import (
	"regexp"
	"slices"
	"strconv"

	"clientele"
)

// argument reads what a transform works with.
func (p *mappingParser) argument(t *transform, n *node) {
	switch t.name {
	case "strip_prefix", "strip_suffix", "prefix", "split":
		if t.text = p.word(n); t.text == "" {
			p.add(n.line, "%s needs a text", t.name)
		}
	case "replace":
		if n.kind != nodeMap {
			p.add(n.line, "replace needs find: and with:")
			return
		}
		n.only(&p.problems, "find", "with")
		t.pattern = p.regexp(n.get("find"), n.line)
		t.text = p.word(n.get("with"))
	case "map":
		if n.kind != nodeMap || len(n.pairs) == 0 {
			p.add(n.line, "map needs pairs of words")
			return
		}
		t.words = map[string]string{}
		for _, kv := range n.pairs {
			if kv.value.kind == nodeNull {
				t.words[kv.key] = ""
				continue
			}
			t.words[kv.key] = p.word(kv.value)
		}
	case "multiply":
		if n.kind == nodeNumber {
			d, err := clientele.ParseDecimal(n.text)
			if err != nil {
				p.add(n.line, "%s", err)
			}
			t.factor = d
			return
		}
		if t.column = p.word(n); t.column == "" {
			p.add(n.line, "multiply needs a number or a column")
			return
		}
		t.byColumn, t.need = true, p.need(t.column)
	default:
		if slices.Contains(plainTransforms, t.name) {
			p.add(n.line, "%s has no argument", t.name)
			return
		}
		p.near(n.line, "transform", t.name, slices.Concat(plainTransforms, argumentTransforms))
	}
}

func (p *mappingParser) regexp(n *node, line int) *regexp.Regexp {
	if w := p.word(n); w != "" {
		re, err := regexp.Compile(w)
		if err == nil {
			return re
		}
		line = n.line
	}
	p.add(line, "a regular expression is wanted here").hint = "the syntax is RE2; put it in single quotes"
	return nil
}

// records reads the list of what rows become.
func (p *mappingParser) records(root *node) {
	n := root.get("records")
	if n == nil || n.kind != nodeList || len(n.list) == 0 {
		p.add(root.line, "records: must list what a row becomes").hint = "for example: records: [{table: profiles, identifiers: [customer_id]}]"
		return
	}
	if len(n.list) > maxRecordSpecs {
		p.add(n.line, "over %d records", maxRecordSpecs)
		return
	}
	for _, e := range n.list {
		if r := p.record(e); r != nil {
			p.m.records = append(p.m.records, r)
		}
	}
	orders, lines := 0, 0
	for _, r := range p.m.records {
		switch r.name() {
		case "orders":
			orders++
		case "order_lines":
			lines++
		}
	}
	for _, r := range p.m.records {
		p.ids(r, orders > 0, lines > 0)
	}
	// Orders come before what takes their id, lines before what takes their number.
	rank := map[string]int{"orders": -2, "order_lines": -1}
	slices.SortStableFunc(p.m.records, func(a, b *recordSpec) int { return rank[a.name()] - rank[b.name()] })
}

// importTables are the names of the tables that imports may write.
func importTables() (out []string) {
	for _, t := range clientele.Schema {
		if t.Import {
			out = append(out, t.Name)
		}
	}
	return out
}

func (p *mappingParser) record(n *node) *recordSpec {
	if n.kind != nodeMap {
		p.add(n.line, "a record has keys, table: or event: among them")
		return nil
	}
	n.only(&p.problems, recordKeys...)
	r := &recordSpec{line: n.line}
	table, event := n.get("table"), n.get("event")
	if (table == nil) == (event == nil) {
		p.add(n.line, "a record has either table: or event:")
		return nil
	}
	if event != nil {
		r.event = p.eventName(event)
	} else {
		name := p.word(table)
		if r.table = clientele.TableNamed(name); r.table == nil || !r.table.Import {
			p.near(table.line, "table", name, importTables())
			return nil
		}
	}
	r.when = p.when(n.get("when"))
	r.onlyChanges = p.flag(n.get("only_changes"), false)
	if k := n.get("key"); k != nil {
		list := k.list
		if k.kind != nodeList {
			list = []*node{k}
		}
		for _, e := range list {
			r.key = append(r.key, p.value(e, asText))
		}
	}
	if r.onlyChanges && len(r.key) == 0 {
		p.add(n.line, "only_changes: needs key:, which says what may change")
	}
	p.who(n, r)
	p.contents(n, r)
	return r
}

// eventName reads event: a name, or keys that say where the name comes from.
func (p *mappingParser) eventName(n *node) *valueSpec {
	if n.kind == nodeMap {
		return p.value(n, asText)
	}
	name := p.word(n)
	if name == "" {
		p.add(n.line, "event: has no name")
	}
	c := textCell(name)
	return &valueSpec{line: n.line, typ: asText, constant: &c}
}

// who reads identifiers and ts, those of the file where the record has none.
func (p *mappingParser) who(n *node, r *recordSpec) {
	person := r.table == nil || r.table.Person || r.table.Name == "profiles"
	ids := n.get("identifiers")
	if ids != nil && !person {
		p.add(ids.line, "rows of %s belong to nobody", r.name()).hint = "leave identifiers: out"
	}
	switch {
	case ids != nil && person:
		r.identifiers = p.identifierList(ids)
	case person:
		r.identifiers, r.sharedIDs = p.identifiers, true
	}
	if r.name() == "profiles" && len(r.identifiers) == 0 {
		p.add(n.line, "profiles need identifiers:")
	}
	switch ts := n.get("ts"); {
	case ts == nil:
		r.ts, r.sharedTS = p.ts, p.ts != nil
	case ts.kind != nodeNull:
		r.ts = p.value(ts, asTime)
	}
}

// identifierList reads namespaces and where their values come from; a list of columns gives
// each its own undeclared namespace.
func (p *mappingParser) identifierList(n *node) (out []identifierSpec) {
	switch n.kind {
	case nodeNull:
	case nodeList:
		for _, e := range n.list {
			out = append(out, identifierSpec{name: p.word(e), value: p.value(e, asText)})
		}
	case nodeMap:
		for _, kv := range n.pairs {
			id := identifierSpec{name: kv.key, declared: p.m.namespaces[kv.key], value: p.value(kv.value, asText, "verified")}
			if v := kv.value.get("verified"); v != nil {
				if v.kind == nodeBool {
					id.verified = v.text == "true"
				} else {
					id.verifiedC = p.value(v, asBool)
				}
			}
			if kv.key == "" {
				p.add(kv.line, "a namespace has a name")
			}
			out = append(out, id)
		}
	default:
		p.add(n.line, "identifiers are a list of columns, or namespaces with columns")
	}
	if len(out) > clientele.MaxRecordIdentities {
		p.add(n.line, "over %d identifiers", clientele.MaxRecordIdentities)
	}
	return out
}

// contents reads fields, traits, properties and consents.
func (p *mappingParser) contents(n *node, r *recordSpec) {
	isEvent, isProfile := r.table == nil, r.name() == "profiles"
	for _, k := range []struct {
		key string
		ok  bool
		to  string
	}{{"fields", !isEvent && !isProfile, "tables"}, {"traits", isProfile, "profiles"}, {"traits_from", isProfile, "profiles"}, {"consents", isProfile, "profiles"},
		{"properties", isEvent, "events"}, {"properties_from", isEvent, "events"}} {
		if x := n.get(k.key); x != nil && !k.ok {
			p.add(x.line, "%s: belongs to %s", k.key, k.to)
		}
	}
	if isEvent || isProfile {
		names := map[bool]string{true: "properties", false: "traits"}
		r.traits = p.named(n.get(names[isEvent]))
		if from := n.get(names[isEvent] + "_from"); from != nil {
			r.traitsFrom = p.value(from, asJSON)
		}
		p.consents(n.get("consents"), r)
		return
	}
	fields := n.get("fields")
	if fields == nil || fields.kind != nodeMap {
		p.add(n.line, "%s need fields:", r.name())
		return
	}
	var known []string
	for _, c := range r.table.Columns {
		if !c.Hidden && c.Name != "profile_id" && c.Name != "source" && c.Name != "revenue_base" { // the store fills these
			known = append(known, c.Name)
		}
	}
	for _, kv := range fields.pairs {
		if !slices.Contains(known, kv.key) {
			p.near(kv.line, "column of "+r.name(), kv.key, known)
			continue
		}
		typ := typeOfColumn(r.table.Columns[r.table.Column(kv.key)].Type)
		r.fields = append(r.fields, newField(kv.key, p.value(kv.value, typ)))
	}
	if p.m.currency != "" && slices.Contains(known, "currency") && fields.get("currency") == nil && r.name() != "fx_rates" {
		c := textCell(p.m.currency)
		r.fields = append(r.fields, newField("currency", &valueSpec{typ: asText, constant: &c}))
	}
	sortFields(r.fields)
}

func (p *mappingParser) named(n *node) (out []fieldSpec) {
	if n == nil {
		return nil
	}
	if n.kind != nodeMap {
		p.add(n.line, "names with columns are wanted here")
		return nil
	}
	for _, kv := range n.pairs {
		if kv.key == "" || len(kv.key) > 128 {
			p.add(kv.line, "a name has 1 to 128 bytes")
		}
		out = append(out, newField(kv.key, p.value(kv.value, asFound)))
	}
	sortFields(out)
	return out
}

func newField(name string, v *valueSpec) fieldSpec {
	return fieldSpec{name: name, json: append(appendText(nil, name), ':'), value: v}
}

func sortFields(f []fieldSpec) {
	slices.SortFunc(f, func(a, b fieldSpec) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
}

func typeOfColumn(t clientele.ColumnType) valueType {
	switch t {
	case clientele.TypeBigint:
		return asInteger
	case clientele.TypeDouble:
		return asDouble
	case clientele.TypeBool:
		return asBool
	case clientele.TypeTime:
		return asTime
	case clientele.TypeDate:
		return asDate
	case clientele.TypeDecimal:
		return asDecimal
	case clientele.TypeJSON:
		return asJSON
	}
	return asText
}

func (p *mappingParser) consents(n *node, r *recordSpec) {
	if n == nil {
		return
	}
	if n.kind != nodeList {
		p.add(n.line, "consents: is a list")
		return
	}
	for _, e := range n.list {
		if e.kind != nodeMap {
			p.add(e.line, "a consent has purpose: and granted:")
			continue
		}
		e.only(&p.problems, "purpose", "channel", "granted", "legal_basis", "jurisdiction", "text_version", "expires_at")
		var c consentSpec
		for _, k := range []struct {
			key string
			to  **valueSpec
			typ valueType
		}{{"purpose", &c.purpose, asText}, {"channel", &c.channel, asText}, {"granted", &c.granted, asBool}, {"legal_basis", &c.basis, asText},
			{"jurisdiction", &c.jurisdiction, asText}, {"text_version", &c.text, asText}, {"expires_at", &c.expires, asTime}} {
			if v := e.get(k.key); v != nil {
				*k.to = p.value(v, k.typ)
			}
		}
		if c.purpose == nil || c.granted == nil {
			p.add(e.line, "a consent has purpose: and granted:")
		}
		r.consents = append(r.consents, c)
	}
}

// autoIDs are the columns that take an id made from the record id when they are not mapped.
var autoIDs = map[string]string{"orders": "order_id", "returns": "return_id", "payments": "payment_id", "messages": "message_id",
	"conversations": "conversation_id", "loyalty_ledger": "row_id", "consents": "event_id"}

// ids settles where the key columns of a record come from.
func (p *mappingParser) ids(r *recordSpec, orders, lines bool) {
	if r.table == nil || r.name() == "profiles" {
		return
	}
	has := func(column string) bool {
		return slices.ContainsFunc(r.fields, func(f fieldSpec) bool { return f.name == column })
	}
	if id := autoIDs[r.name()]; id != "" && !has(id) {
		r.autoID = id
	}
	hasOrder := r.table.Column("order_id") >= 0
	r.takesOrder = hasOrder && orders && r.name() != "orders" && !has("order_id")
	r.autoLine = r.name() == "order_lines" && !has("line")
	r.takesLine = r.name() == "returns" && lines && !has("line") && (r.takesOrder || has("order_id"))
	if r.name() == "products" && !has("product_id") && has("sku") {
		sku := r.fields[slices.IndexFunc(r.fields, func(f fieldSpec) bool { return f.name == "sku" })]
		r.fields = append(r.fields, newField("product_id", sku.value))
		sortFields(r.fields)
	}
	optional := map[string]bool{"source": true, "location": true, "campaign": true, "country": true, "channel": true, "line": true, r.autoID: true}
	for _, k := range r.table.Key {
		if optional[k] || k == "order_id" && r.takesOrder {
			if k != "source" && k != "line" && k != "order_id" && k != r.autoID && !has(k) {
				r.emptyKeys = append(r.emptyKeys, k)
			}
			continue
		}
		if !has(k) {
			p.add(r.line, "%s need %s", r.name(), k)
		}
		r.required = append(r.required, k)
	}
	for i := range r.fields {
		name := r.fields[i].name
		r.fields[i].must = slices.Contains(r.required, name) || name == r.name()[:len(r.name())-1]+"_id"
		r.fields[i].empty = !r.fields[i].must && slices.Contains(r.table.Key, name) && name != "line"
	}
	for _, name := range []string{"ts", "as_of", "valid_from", "started_at"} {
		i := slices.IndexFunc(r.fields, func(f fieldSpec) bool { return f.name == name })
		if r.ts == nil && i >= 0 {
			r.ts = r.fields[i].value
		}
	}
	r.fillTS = r.ts != nil && r.table.Column("ts") >= 0 && !has("ts")
}

// when reads conditions: columns with what must hold of them; a list of such holds when one does.
func (p *mappingParser) when(n *node) (out []conditions) {
	if n == nil {
		return nil
	}
	list := n.list
	if n.kind != nodeList {
		list = []*node{n}
	}
	for _, e := range list {
		if e.kind != nodeMap || len(e.pairs) == 0 {
			p.add(e.line, "when: has columns with conditions")
			continue
		}
		var cs conditions
		for _, kv := range e.pairs {
			cs = p.condition(cs, kv)
		}
		out = append(out, cs)
	}
	return out
}

var conditionKeys = []string{"in", "not", "not_in", "matches", "not_matches", "empty", "gt", "gte", "lt", "lte"}

func (p *mappingParser) condition(cs conditions, kv pair) conditions {
	base := condition{column: kv.key, need: p.need(kv.key), numbers: p.numbers}
	add := func(op string) *condition {
		c := base
		c.op = op
		cs = append(cs, c)
		return &cs[len(cs)-1]
	}
	v := kv.value
	if v.scalar() || v.kind == nodeList {
		add("in").texts = set(p.words(v))
		return cs
	}
	if v.kind != nodeMap || len(v.pairs) == 0 {
		p.add(kv.line, "a value, a list of values, or a condition is wanted here").hint = "for example {empty: true}"
		return cs
	}
	v.only(&p.problems, conditionKeys...)
	for _, c := range v.pairs {
		switch c.key {
		case "in":
			add("in").texts = set(p.words(c.value))
		case "not", "not_in":
			add("not_in").texts = set(p.words(c.value))
		case "matches", "not_matches":
			add(c.key).pattern = p.regexp(c.value, c.line)
		case "empty":
			if p.flag(c.value, true) {
				add("empty")
			} else {
				add("not_empty")
			}
		case "gt", "gte", "lt", "lte":
			f, err := strconv.ParseFloat(p.word(c.value), 64)
			if err != nil {
				p.add(c.line, "a number is wanted here")
			}
			add(c.key).number = f
		}
	}
	return cs
}

func set(words []string) map[string]bool {
	out := make(map[string]bool, len(words))
	for _, w := range words {
		out[w] = true
	}
	return out
}
