package importer_test

import (
	"os"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/importer"
)

func TestMappingProblems(t *testing.T) {
	const ok = "records:\n  - table: orders\n    fields: {order_id: id}\n"
	for _, c := range []struct{ name, yaml, want, hint string }{
		{"empty", "", "empty", ""},
		{"no records", "format: csv\n", "records: must list", ""},
		{"unknown key", "fromat: csv\n" + ok, `line 1: unknown key "fromat"`, "did you mean format?"},
		{"unknown table", "records:\n  - table: order_line\n    fields: {a: b}\n", `line 2: unknown table "order_line"`, "did you mean order_lines?"},
		{"not an import table", "records:\n  - table: events\n    fields: {a: b}\n", `unknown table "events"`, ""},
		{"unknown column", "records:\n  - table: orders\n    fields: {order_id: id, curency: c}\n", `line 3: unknown column of orders "curency"`, "did you mean currency?"},
		{"hidden column", "records:\n  - table: orders\n    fields: {order_id: id, anchor_id: c}\n", `unknown column of orders "anchor_id"`, ""},
		{"computed column", "records:\n  - table: orders\n    fields: {order_id: id, revenue_base: c}\n", `unknown column of orders "revenue_base"`, ""},
		{"missing key column", "records:\n  - table: prices\n    fields: {sku: s, price: p}\n", "prices need valid_from", ""},
		{"line without order", "records:\n  - table: order_lines\n    fields: {sku: s}\n", "order_lines need order_id", ""},
		{"bad zone", "time_zone: Asia/Bankok\n" + ok, `line 1: no time zone "Asia/Bankok"`, ""},
		{"local zone", "time_zone: Local\n" + ok, "not a time zone", ""},
		{"bad encoding", "encoding: windows-1253x\n" + ok, `unknown encoding`, ""},
		{"bad format", "ts: {column: t, format: 'yyyy'}\n" + ok, `no time format "yyyy"`, ""},
		{"bad directive", "ts: {column: t, format: '%Q %Y'}\n" + ok, "unknown directive", ""},
		{"no year", "ts: {column: t, format: '%H:%M'}\n" + ok, "has no year", ""},
		{"bad currency", "currency: EURO\n" + ok, "ISO 4217", ""},
		{"bad regexp", "records:\n  - table: orders\n    when: {a: {matches: '('}}\n    fields: {order_id: id}\n", "regular expression", ""},
		{"bad condition", "records:\n  - table: orders\n    when: {a: {like: x}}\n    fields: {order_id: id}\n", `unknown key "like"`, ""},
		{"bad transform", "records:\n  - table: orders\n    fields: {order_id: {column: id, transform: [uper]}}\n", `unknown transform "uper"`, "did you mean upper?"},
		{"argument missing", "records:\n  - table: orders\n    fields: {order_id: {column: id, transform: [multiply]}}\n", "multiply needs an argument", ""},
		{"two sources", "records:\n  - table: orders\n    fields: {order_id: {column: id, const: 3}}\n", "one of column:, columns: and const:", ""},
		{"type of a field", "records:\n  - table: orders\n    fields: {order_id: id, revenue: {column: r, type: text}}\n", "the type is given", "leave type: out"},
		{"constant of the wrong type", "records:\n  - table: orders\n    fields: {order_id: id, revenue: {const: much}}\n", "constant: not a number", ""},
		{"traits of orders", "records:\n  - table: orders\n    fields: {order_id: id}\n    traits: {a: b}\n", "traits: belongs to profiles", ""},
		{"profiles of nobody", "records:\n  - table: profiles\n    traits: {a: b}\n", "profiles need identifiers", ""},
		{"identifiers of products", "records:\n  - table: products\n    identifiers: [a]\n    fields: {product_id: b}\n", "belong to nobody", ""},
		{"table and event", "records:\n  - table: orders\n    event: x\n", "either table: or event:", ""},
		{"changes without key", "records:\n  - table: orders\n    only_changes: true\n    fields: {order_id: id}\n", "needs key:", ""},
		{"key twice", "format: csv\nformat: tsv\n" + ok, "already defined", ""},
		{"anchors", "records: &a\n  - table: orders\n    fields: {order_id: id}\n", "anchors and aliases", ""},
		{"two documents", ok + "---\n" + ok, "one YAML document", ""},
		{"not yaml", "records: [}\n", "line 1", ""},
		{"column not listed", "header: false\ncolumns: [idx, b]\n" + ok, `unknown column "id"`, "did you mean idx?"},
		{"headerless", "header: false\n" + ok, "needs columns:", ""},
		{"consent without answer", "identifiers: [a]\nrecords:\n  - table: profiles\n    consents: [{purpose: p}]\n", "purpose: and granted:", ""},
		{"too large", ok + strings.Repeat("# x\n", 20000), "over 64 KB", ""},
		{"deep", "records: " + strings.Repeat("[", 5000), "brackets", ""},
	} {
		_, err := importer.ParseMapping([]byte(c.yaml))
		if clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.want) || !strings.Contains(clientele.ErrorHint(err), c.hint) {
			t.Errorf("%s: %v (hint %q); want %q (%q)", c.name, err, clientele.ErrorHint(err), c.want, c.hint)
		}
	}
	if _, err := importer.ParseMapping([]byte(ok)); err != nil {
		t.Errorf("the mapping that the others spoil: %v", err)
	}
	_, err := importer.ParseMapping([]byte("fromat: csv\nrecords:\n  - table: order_line\n"))
	if err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("not all problems at once: %v", err)
	}
}

// TestMappingExamples reads every mapping under examples and every one in the guide.
func TestMappingExamples(t *testing.T) {
	texts := map[string]string{}
	for _, f := range []string{"online_retail", "cdnow", "shop/customers", "shop/products", "shop/orders", "shop/web_events"} {
		b, err := os.ReadFile("../../examples/" + f + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(b)
	}
	guide, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range guideBlocks(string(guide)) {
		texts["docs/import.md block "+string(rune('1'+i))] = block
	}
	for name, text := range texts {
		if _, err := importer.ParseMapping([]byte(text)); err != nil {
			t.Errorf("%s: %v (%s)", name, err, clientele.ErrorHint(err))
		}
	}
}

func FuzzParseMapping(f *testing.F) {
	files := []string{"../../examples/online_retail.yaml", "../../examples/cdnow.yaml"}
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(string(b))
		}
	}
	f.Add("records: [{table: orders, when: [{a: {gt: 1}}, {b: [x, y]}], fields: {order_id: {columns: [a, b], join: '-', transform: [trim, {map: {A: B}}]}}}]")
	f.Add("identifiers: {email: {column: e, verified: v}}\nrecords: [{event: {column: e}, properties_from: p}]")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := importer.ParseMapping([]byte(text))
		if err == nil && m == nil {
			t.Fatal("neither a mapping nor an error")
		}
		if err != nil && clientele.ErrorCode(err) != clientele.Invalid {
			t.Fatalf("%v is not Invalid", err)
		}
	})
}

func guideBlocks(guide string) (out []string) {
	for _, block := range strings.Split(guide, "```yaml")[1:] {
		_, block, _ = strings.Cut(block, "\n") // behind what the guides' test is to do with it
		block, _, _ = strings.Cut(block, "```")
		out = append(out, block)
	}
	return out
}

// TestGuide runs the mappings of the guide on what they are about.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(string(guide), "one line of an order:\n\n```csv file=lines.csv\n")
	file, _, _ = strings.Cut(file, "```")
	blocks := guideBlocks(string(guide))
	for i, c := range []struct {
		name, in string
		want     []string // pieces that some record must have
	}{
		{"a.csv", file, []string{`"order_id":"1001","status":"completed"`, `"price":"1234.5"`, `"2025-12-09T11:50:00.000000Z"`, `{"ns":"shop:Kunde","v":"7"}`}},
		{"a.jsonl", `{"type":"login","user":{"id":4},"card":"77-1","at":1700000000000,"first":"Ann","last":"Lee","tags":"a, b","newsletter":"yes"}` + "\n" +
			`{"type":"track","name":"Viewed","cookie":"c","at":1700000000000,"props":{"a":1},"price":"2,50"}`,
			[]string{`{"ns":"loyalty_card","v":"771"}`, `"children":0,"interests":["a","b"],"name":"Ann Lee"`, `"granted":true`, `"properties":{"price":2.5,"a":1}`}},
		{"a.csv", "paid_on,bill,baht,how,day,clock,card,points\n29/02/2567,B1,\"1,234.50\",\xaa\xd2,28/02/2024,09:30,c,5\n",
			[]string{`"method":"ชา"`, `"ts":"2024-02-28T17:00:00.000000Z"`, `"ts":"2024-02-28T02:30:00.000000Z"`, `"amount":"1234.5"`}},
	} {
		got, res := load(t, c.name, blocks[i], c.in)
		all := strings.Join(got, "\n")
		for _, w := range c.want {
			if !strings.Contains(all, w) {
				t.Errorf("block %d lacks %s in\n%s", i+1, w, all)
			}
		}
		if res.Quarantined != 0 {
			t.Errorf("block %d: %s", i+1, all)
		}
	}
}
