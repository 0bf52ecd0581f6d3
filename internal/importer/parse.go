package importer

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"clientele"
)

// Limits of a mapping.
const (
	maxRecordSpecs = 64
	maxColumns     = 2000
)

// fileKeys are the keys at the top of a mapping; valueKeys those of a value.
var (
	fileKeys = []string{"format", "delimiter", "quote", "comment", "header", "columns", "encoding", "skip_rows", "lenient", "lazy_quotes",
		"null_values", "time_zone", "date_order", "calendar", "decimal", "currency", "each", "namespaces", "identifiers", "ts", "records"}
	recordKeys = []string{"table", "event", "when", "key", "only_changes", "identifiers", "ts", "fields", "traits", "traits_from",
		"properties", "properties_from", "consents"}
	valueKeys = []string{"column", "columns", "join", "const", "type", "format", "time_zone", "date_order", "calendar", "time", "decimal",
		"transform", "default"}
)

// mappingParser carries what one ParseMapping needs.
type mappingParser struct {
	problems
	m     *Mapping
	needs map[string]int
	// defaults of the file, which a value can replace
	numbers     numberSpec
	times       timeSpec
	identifiers []identifierSpec
	ts          *valueSpec
}

// ParseMapping reads a mapping file and checks all that can be checked without a file to
// import: keys, tables, columns, types, formats, zones. The error is Invalid and names the
// lines; the hint names what was probably meant.
func ParseMapping(text []byte) (*Mapping, error) {
	p := &mappingParser{m: &Mapping{digest: hashOf(text)}, needs: map[string]int{}}
	root := parseYAML(text, &p.problems)
	if err := p.err(); err != nil {
		return nil, err
	}
	if root.kind != nodeMap {
		p.add(root.line, "a mapping file has keys, records: among them")
		return nil, p.err()
	}
	p.file(root)
	p.records(root)
	if len(p.m.needs) > maxColumns {
		p.add(1, "over %d columns", maxColumns)
	}
	if cols := p.m.file.columns; len(cols) > 0 && !p.m.file.header {
		for _, n := range p.m.needs {
			if !slices.Contains(cols, n) {
				p.near(root.get("columns").line, "column", n, cols)
			}
		}
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return p.m, nil
}

// file reads the keys that say how files are read.
func (p *mappingParser) file(root *node) {
	root.only(&p.problems, fileKeys...)
	f := &p.m.file
	f.format = format(p.oneOf(root.get("format"), "", "csv", "tsv", "jsonl", "parquet", "whitespace"))
	f.delimiter = p.char(root.get("delimiter"), 0)
	f.quote = p.char(root.get("quote"), '"')
	f.comment = p.char(root.get("comment"), 0)
	f.columns = p.words(root.get("columns"))
	f.header = p.flag(root.get("header"), true)
	f.lenient = p.flag(root.get("lenient"), false)
	f.lazy = p.flag(root.get("lazy_quotes"), false)
	if n := root.get("skip_rows"); n != nil {
		f.skipRows = p.integer(n)
	}
	if !f.header && len(f.columns) == 0 {
		p.add(root.get("header").line, "header: false needs columns: with their names")
	}
	if f.delimiter != 0 && (f.delimiter == f.quote || f.delimiter == '\n' || f.delimiter == '\r') {
		p.add(root.get("delimiter").line, "the delimiter cannot be the quote or a line end")
	}
	for i, c := range f.columns {
		if slices.Contains(f.columns[:i], c) {
			p.add(root.get("columns").line, "column %q comes twice", c)
		}
	}
	if n := root.get("encoding"); n != nil {
		f.encoding = strings.ToLower(p.word(n))
		if _, err := htmlindex.Get(f.encoding); err != nil {
			p.near(n.line, "encoding", f.encoding, []string{"utf-8", "utf-16", "utf-16be", "utf-16le", "windows-1250", "windows-1251",
				"windows-1252", "windows-1256", "windows-1258", "windows-874", "tis-620", "iso-8859-1", "iso-8859-15", "koi8-r", "gb18030", "big5", "shift_jis", "euc-kr"})
		}
	}
	for _, w := range p.words(root.get("null_values")) {
		if f.nulls == nil {
			f.nulls = map[string]bool{}
		}
		f.nulls[w] = true
	}
	p.m.namespaces = map[string]bool{}
	for _, ns := range []clientele.Namespace{clientele.UserID, clientele.AnonymousID, clientele.Email, clientele.Phone, clientele.DeviceID} {
		p.m.namespaces[string(ns)] = true
	}
	for _, w := range p.words(root.get("namespaces")) {
		if w == string(clientele.PreviousID) || len(w) > clientele.MaxNamespaceBytes {
			p.add(root.get("namespaces").line, "%q cannot be a namespace", w)
		}
		p.m.namespaces[w] = true
	}
	if n := root.get("currency"); n != nil {
		p.m.currency = p.word(n)
		if !isCurrency(p.m.currency) {
			p.add(n.line, "%q is not an ISO 4217 currency code", p.m.currency).hint = "for example EUR"
		}
	}
	p.numbers = numberSpec{decimal: p.decimalMark(root.get("decimal"), 0), currency: p.m.currency}
	p.times = p.timeKeys(root, timeSpec{})
	if n := root.get("each"); n != nil {
		if p.m.each = p.word(n); p.m.each == "" {
			p.add(n.line, "each: names the list whose elements are rows")
		}
	}
	if n := root.get("identifiers"); n != nil {
		p.identifiers = p.identifierList(n)
	}
	if n := root.get("ts"); n != nil {
		p.ts = p.value(n, asTime)
	}
}

// timeKeys reads time_zone, date_order and calendar of a mapping node.
func (p *mappingParser) timeKeys(n *node, t timeSpec) timeSpec {
	if z := n.get("time_zone"); z != nil {
		zone, err := loadZone(p.word(z))
		if err != nil {
			p.add(z.line, "%s", err).hint = clientele.ErrorHint(err)
		}
		t.zone = zone
	}
	if o := n.get("date_order"); o != nil {
		t.order = p.oneOf(o, "", "dmy", "mdy", "ymd")
	}
	if c := n.get("calendar"); c != nil {
		t.calendar = p.oneOf(c, "", "gregorian", "buddhist", "jalali")
	}
	return t
}

func (p *mappingParser) decimalMark(n *node, def byte) byte {
	switch p.oneOf(n, "", ".", ",", "auto") {
	case ".":
		return '.'
	case ",":
		return ','
	case "auto":
		return 0
	}
	return def
}

// word is the text of a scalar.
func (p *mappingParser) word(n *node) string {
	if n == nil {
		return ""
	}
	if !n.scalar() {
		p.add(n.line, "a word is wanted here")
		return ""
	}
	return n.text
}

func (p *mappingParser) words(n *node) []string {
	if n == nil {
		return nil
	}
	if n.scalar() {
		return []string{n.text}
	}
	if n.kind != nodeList {
		p.add(n.line, "a list of words is wanted here")
		return nil
	}
	var out []string
	for _, e := range n.list {
		if w := p.word(e); w != "" || e.quoted {
			out = append(out, w)
		}
	}
	return out
}

func (p *mappingParser) oneOf(n *node, def string, known ...string) string {
	if n == nil {
		return def
	}
	w := p.word(n)
	if w != "" && !slices.Contains(known, w) {
		p.near(n.line, "word", w, known)
		return def
	}
	return w
}

func (p *mappingParser) flag(n *node, def bool) bool {
	if n == nil {
		return def
	}
	if n.kind != nodeBool {
		p.add(n.line, "true or false is wanted here")
		return def
	}
	return n.text == "true"
}

func (p *mappingParser) integer(n *node) int {
	v, err := strconv.Atoi(p.word(n))
	if err != nil || v < 0 || v > 1_000_000 {
		p.add(n.line, "a whole number from 0 to 1,000,000 is wanted here")
		return 0
	}
	return v
}

// char reads one ASCII character, or a name of one.
func (p *mappingParser) char(n *node, def byte) byte {
	if n == nil {
		return def
	}
	w := p.word(n)
	switch w {
	case "tab", `\t`:
		return '\t'
	case "none", "":
		return 0
	case "space":
		return ' '
	}
	if len(w) != 1 || w[0] >= 0x80 {
		p.add(n.line, "one ASCII character, tab, space or none is wanted here")
		return def
	}
	return w[0]
}

// need is the number of a column the mapping reads.
func (p *mappingParser) need(column string) int {
	if i, ok := p.needs[column]; ok {
		return i
	}
	i := len(p.m.needs)
	p.needs[column] = i
	p.m.needs = append(p.m.needs, column)
	return i
}

// value reads where a value comes from: the name of a column, or a mapping with valueKeys and
// the extra ones.
func (p *mappingParser) value(n *node, typ valueType, extra ...string) *valueSpec {
	v := &valueSpec{line: n.line, typ: typ, join: " ", numbers: p.numbers, times: p.times, memoAt: p.m.memos}
	p.m.memos++
	switch {
	case n.scalar() && n.text != "":
		v.columns = []string{n.text}
	case n.kind == nodeMap:
		n.only(&p.problems, append(slices.Clone(valueKeys), extra...)...)
		p.sourceKeys(n, v)
		v.numbers.decimal = p.decimalMark(n.get("decimal"), v.numbers.decimal)
		v.times = p.timeKeys(n, v.times)
		p.typeKeys(n, v)
		v.transforms = p.transforms(n.get("transform"), v.numbers)
		if d := n.get("default"); d != nil {
			v.fallback = p.constant(d)
		}
	default:
		p.add(n.line, "a column's name, or keys such as column: and transform:, are wanted here")
	}
	for _, c := range v.columns {
		v.needs = append(v.needs, p.need(c))
	}
	if v.constant != nil {
		p.checkConstant(v, v.constant)
	}
	if v.fallback != nil {
		p.checkConstant(v, v.fallback)
	}
	return v
}

// checkConstant finds out now what every row would trip over.
func (p *mappingParser) checkConstant(v *valueSpec, c *cell) {
	if len(v.transforms) > 0 && c == v.constant {
		return
	}
	if _, err := v.appendJSON(nil, *c, &row{memos: make([]memo, p.m.memos)}); err != nil {
		p.add(v.line, "constant: %s", err)
	}
}

func (p *mappingParser) sourceKeys(n *node, v *valueSpec) {
	given := 0
	if c := n.get("column"); c != nil {
		given++
		if w := p.word(c); w != "" {
			v.columns = []string{w}
		} else {
			p.add(c.line, "column: has no name")
		}
	}
	if c := n.get("columns"); c != nil {
		given++
		if v.columns = p.words(c); len(v.columns) == 0 {
			p.add(c.line, "columns: has no names")
		}
	}
	if j := n.get("join"); j != nil {
		v.join = p.word(j)
	}
	if c := n.get("const"); c != nil {
		given++
		v.constant = p.constant(c)
	}
	if given != 1 {
		p.add(n.line, "one of column:, columns: and const: is wanted here")
	}
}

// constant is a fixed value, typed as YAML has it.
func (p *mappingParser) constant(n *node) *cell {
	w := p.word(n)
	c := textCell(w)
	switch {
	case n.kind == nodeBool:
		c.kind = cellBool
	case n.kind == nodeNumber:
		c.kind = cellNumber
		if !plainNumber(w) {
			p.add(n.line, "write the number in plain digits or in quotes")
		} else if t, err := (&numberSpec{}).normalise(w); err == nil {
			c.text = t
		}
	case w == "":
		p.add(n.line, "an empty constant says nothing")
	}
	return &c
}

// typeKeys reads type, format and time.
func (p *mappingParser) typeKeys(n *node, v *valueSpec) {
	types := map[string]valueType{"text": asText, "number": asNumber, "integer": asInteger, "decimal": asDecimal, "boolean": asBool,
		"timestamp": asTime, "date": asDate, "list": asList, "json": asJSON}
	if t := n.get("type"); t != nil {
		w := p.word(t)
		typ, ok := types[w]
		switch {
		case !ok:
			p.near(t.line, "type", w, sortedKeys(types))
		case v.typ != asFound && v.typ != typ:
			p.add(t.line, "the type is given by the place the value goes to").hint = "leave type: out"
		default:
			v.typ = typ
		}
	}
	isTime := v.typ == asTime || v.typ == asDate
	if f := n.get("format"); f != nil {
		format, err := parseTimeFormat(p.word(f))
		if err != nil {
			p.add(f.line, "%s", err).hint = clientele.ErrorHint(err)
		}
		v.times.format = format
	}
	if c := n.get("time"); c != nil {
		s := scanner{s: " " + p.word(c)}
		var at civil
		if !s.clock(&at) || s.i != len(s.s) || at.zoned {
			p.add(c.line, "a time of day such as 12:00 is wanted here")
		}
		v.times.clock = at.micros
	}
	for _, k := range []string{"format", "time", "time_zone", "calendar", "date_order"} {
		if k := n.get(k); k != nil && !isTime {
			p.add(k.line, "only timestamps and dates have this key").hint = "add type: timestamp"
		}
	}
}

// transforms reads a chain.
func (p *mappingParser) transforms(n *node, numbers numberSpec) (out []transform) {
	if n == nil {
		return nil
	}
	list := n.list
	if n.kind != nodeList {
		list = []*node{n}
	}
	for _, e := range list {
		t := transform{numbers: numbers}
		switch {
		case e.scalar():
			t.name = e.text
			if slices.Contains(argumentTransforms, t.name) {
				p.add(e.line, "%s needs an argument", t.name).hint = "write - " + t.name + ": ..."
			} else if !slices.Contains(plainTransforms, t.name) {
				p.near(e.line, "transform", t.name, slices.Concat(plainTransforms, argumentTransforms))
			}
		case e.kind == nodeMap && len(e.pairs) == 1:
			t.name = e.pairs[0].key
			p.argument(&t, e.pairs[0].value)
		default:
			p.add(e.line, "a transform is a word, or a word with an argument")
		}
		out = append(out, t)
	}
	return out
}
