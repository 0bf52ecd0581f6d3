package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"clientele"
	"clientele/internal/importer"
)

func mapping(t testing.TB, text string) *importer.Mapping {
	t.Helper()
	m, err := importer.ParseMapping([]byte(text))
	if err != nil {
		t.Fatalf("%v (%s)", err, clientele.ErrorHint(err))
	}
	return m
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load imports one text and gives the records, quarantined ones too.
func load(t testing.TB, name, yaml, text string) ([]string, importer.Result) {
	t.Helper()
	sink := &memorySink{}
	res, err := importer.Run(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, yaml), Paths: []string{write(t, name, text)}, Sink: sink})
	if err != nil {
		t.Fatalf("%v (%s)", err, clientele.ErrorHint(err))
	}
	if sink.tooMuch {
		t.Error("an Append was larger than promised")
	}
	return raws(sink.all()), res
}

func raws(records []clientele.Record) (out []string) {
	for _, r := range records {
		out = append(out, fmt.Sprint(r.Verdict, " ", string(r.Raw)))
	}
	return out
}

// TestRecords fixes what rows become, to the byte: ids and lines must be the same for ever.
func TestRecords(t *testing.T) {
	for _, c := range []struct{ name, file, yaml, in, want string }{
		{"traits and consents", "a.csv", `
records:
  - table: profiles
    key: [id]
    identifiers: [id, email]
    ts: {column: at, format: unix}
    traits: {name: {columns: [first, last]}, tags: {column: tags, transform: [split: '|']}, age: {column: age, type: integer}, vip: {column: vip, type: boolean}}
    consents:
      - {purpose: {const: marketing}, channel: {const: email}, granted: mail_ok, legal_basis: {const: consent}}
      - {purpose: {const: marketing}, channel: {const: sms}, granted: sms_ok}
`, "id,email,at,first,last,tags,age,vip,mail_ok,sms_ok\n7,a@b.c,1323433800,Ann,Lee,x|y| ,31,yes,no,\n",
			`0 {"table":"profiles","id":"*","ts":"2011-12-09T12:30:00.000000Z","ids":[{"ns":"shop:id","v":"7"},{"ns":"shop:email","v":"a@b.c"}],"traits":{"age":31,"name":"Ann Lee","tags":["x","y"],"vip":true},"consents":[{"purpose":"marketing","channel":"email","granted":false,"legal_basis":"consent"}]}`},
		{"events", "a.jsonl", `
identifiers: {user_id: user.id, anonymous_id: anon, email: {column: user.mail, verified: true}, card: card}
ts: at
records:
  - {event: {column: what}, properties_from: props, properties: {n: {column: n, type: number}}}
`, `{"what":"Product Viewed","user":{"id":17,"mail":"a@b.c"},"anon":"x-1","card":null,"at":"2024-01-01T00:00:00Z","n":"1,5","props":{"sku":"A","n":9,"deep":{"b":1,"a":[true,null]}}}` + "\n",
			`0 {"type":"track","messageId":"*","event":"Product Viewed","timestamp":"2024-01-01T00:00:00.000000Z","userId":"17","anonymousId":"x-1","properties":{"n":1.5,"deep":{"a":[true,null],"b":1},"sku":"A"},"context":{"library":{"name":"clientele-import"},"externalIds":[{"type":"email","id":"a@b.c","verified":true,"collection":"users","encoding":"none"}]}}`},
		{"ids that the row does not give", "a.csv", `
records:
  - {table: payments, fields: {amount: amount}}
  - {table: loyalty_ledger, fields: {loyalty_id: card, points: points}}
  - {table: inventory, fields: {sku: sku, available: points, as_of: at}}
`, "amount,card,points,sku,at\n$1.50,c1,3,A,2024-05-01\n",
			`0 {"table":"payments","id":"*","fields":{"payment_id":"r_*","amount":"1.5"}}
0 {"table":"loyalty_ledger","id":"*","fields":{"row_id":"r_*","loyalty_id":"c1","points":"3"}}
0 {"table":"inventory","id":"*","ts":"2024-05-01T00:00:00.000000Z","fields":{"location":"","as_of":"2024-05-01T00:00:00.000000Z","available":"3","sku":"A"}}`},
	} {
		got, _ := load(t, c.file, c.yaml, c.in)
		if text := mask(strings.Join(got, "\n")); text != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, text, c.want)
		}
	}
}

// mask hides ids.
func mask(s string) string {
	for _, open := range []string{`"id":"`, `"messageId":"`, `"r_`} {
		parts := strings.Split(s, open)
		for i, p := range parts[1:] {
			n := 0
			for n < len(p) && strings.IndexByte("0123456789abcdef", p[n]) >= 0 {
				n++
			}
			if n >= 20 {
				parts[i+1] = "*" + p[n:]
			}
		}
		s = strings.Join(parts, open)
	}
	return s
}

const linesYAML = `
currency: EUR
decimal: ','
delimiter: ';'
time_zone: Europe/Berlin
ts: {column: when, format: '%d.%m.%Y %H:%M'}
identifiers: {customer: {column: customer, transform: [integer]}, email: {column: mail, verified: true}}
records:
  - {table: returns, when: {n: {lt: 0}}, fields: {amount: {column: n, transform: [negate, multiply: price]}}}
  - {table: order_lines, fields: {sku: sku, quantity: n, price: price}}
  - {table: orders, key: [order], fields: {order_id: order, status: {column: st, transform: [lower, {map: {ok: completed, '*': open}}]}}}
`

const linesCSV = "order;when;customer;mail;sku;n;price;st\n" +
	"1;09.12.2011 12:50;7,0;A@b.c;X;2;1.234,50;OK\n" +
	"1;09.12.2011 12:50;7,0;A@b.c;X;2;1.234,50;OK\n" +
	"2;10.12.2011 00:00;;;Y;-1;0,99;?\n"

// TestOrderLines fixes the ids, the line numbers and what is inherited, to the byte.
func TestOrderLines(t *testing.T) {
	got, res := load(t, "a.csv", linesYAML, linesCSV)
	if len(got) != 6 || res.Unchanged != 1 || res.Records != 6 || res.Tables["order_lines"] != 3 || res.Tables["orders"] != 2 {
		t.Fatalf("%d records, %+v\n%s", len(got), res, strings.Join(got, "\n"))
	}
	golden := "testdata/order_lines.golden"
	text := strings.Join(got, "\n") + "\n"
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(b) {
		t.Errorf("records changed: every import made before would be made again\n%s\nwant\n%s", text, b)
	}
	var recs []clientele.RowRecord
	for _, g := range got {
		var r clientele.RowRecord
		if err := json.Unmarshal([]byte(g[2:]), &r); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, r)
	}
	first, second, back := recs[1], recs[2], recs[5]
	if second.Fields["line"] != first.Fields["line"].(string)+"-2" || first.ID == second.ID || first.Fields["order_id"] != "1" {
		t.Errorf("lines %v and %v", first.Fields, second.Fields)
	}
	if back.Table != "returns" || back.Fields["line"] != recs[4].Fields["line"] || back.Fields["order_id"] != "2" || back.Fields["amount"] != "0.99" || len(back.Identifiers) != 0 {
		t.Errorf("return %+v of line %+v", back, recs[4])
	}
}

// TestIDsIgnoreFiles: however the same rows are cut into files, and in whatever order, the ids
// are the same; a file named twice counts once.
func TestIDsIgnoreFiles(t *testing.T) {
	whole, _ := load(t, "a.csv", linesYAML, linesCSV)
	lines := strings.SplitAfter(linesCSV, "\n")
	dir := t.TempDir()
	for i, order := range []string{lines[3], lines[1], lines[2]} {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%d.csv", i)), []byte(lines[0]+order), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sink := &memorySink{}
	_, err := importer.Run(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, linesYAML), Sink: sink,
		Paths: []string{filepath.Join(dir, "*.csv"), filepath.Join(dir, "part0.csv"), filepath.Join(dir, ".", "part2.csv")}})
	if err != nil {
		t.Fatal(err)
	}
	got := raws(sink.all())
	slices.Sort(got)
	slices.Sort(whole)
	if !slices.Equal(got, whole) {
		t.Errorf("cut into files:\n%s\nwhole:\n%s", strings.Join(got, "\n"), strings.Join(whole, "\n"))
	}
	other := &memorySink{}
	if _, err := importer.Run(context.Background(), importer.Options{Source: "other", Mapping: mapping(t, linesYAML), Sink: other, Paths: []string{filepath.Join(dir, "*.csv")}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range fold(t, other).rows["order_lines"] {
		if _, ok := fold(t, sink).rows["order_lines"][r.ID]; ok {
			t.Error("another source made the same id")
		}
	}
}

func TestQuarantine(t *testing.T) {
	yaml := "records:\n  - {table: orders, fields: {order_id: id, revenue: r, ts: at}}\n"
	in := "id,r,at\n1,5,2024-01-01\n2,five,2024-01-01\n3,5\n,5,2024-01-01\n5,5,soon\n6,\"5\"x,2024-01-01\n7,caf\xe9,2024-01-01\n" +
		"8," + strings.Repeat("9", 2<<20) + ",2024-01-01\n2,five,2024-01-01\n9," + strings.Repeat("\u00e9", 5000) + ",2024-01-01\n10,6,2024-01-01\n"
	got, res := load(t, "bad.csv", yaml, in)
	if res.Rows != 11 || res.Quarantined != 9 || res.Records != 2 || len(got) != 11 {
		t.Fatalf("%+v, %d records", res, len(got))
	}
	var reasons []string
	ids := map[string]bool{}
	for _, g := range got {
		if g[0] == '0' {
			continue
		}
		var q struct {
			ID, File, Error, Row string
			Line                 int
		}
		if g[:2] != "2 " || json.Unmarshal([]byte(g[2:]), &q) != nil || q.File != "bad.csv" || len(q.Row) > 4<<10+8 || q.Row == "" {
			t.Fatalf("quarantined record %.300s", g)
		}
		ids[q.ID] = true
		reasons = append(reasons, fmt.Sprint(q.Line, " ", q.Error))
	}
	want := []string{"3 column r: not a number", "4 the row has 2 columns, not 3", "5 column id: order_id is empty", "6 column at: not a time of the format",
		"7 a quoted value goes on behind its closing quote", "8 the row is not UTF-8: say encoding: in the mapping", "9 the row is over 1 MB", "10 column r: not a number", "11 column r: not a number"}
	if !slices.Equal(reasons, want) || len(ids) != 9 {
		t.Errorf("%d ids, reasons\n%s\nwant\n%s", len(ids), strings.Join(reasons, "\n"), strings.Join(want, "\n"))
	}
	again, _ := load(t, "bad.csv", yaml, in)
	if !slices.Equal(got, again) {
		t.Error("the second import quarantines other records")
	}
}

func TestForms(t *testing.T) {
	yaml := "records:\n  - {table: products, fields: {product_id: id, name: name}}\n"
	plain, _ := load(t, "a.csv", yaml, "id,name\n1,café\n2,ชา\n")
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, _ := zstd.NewWriter(&zst)
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{g, z} {
		if _, err := w.Write([]byte("\ufeffid,name\n1,café\n2,ชา\n")); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
	}
	utf16 := "\xff\xfei\x00d\x00,\x00n\x00a\x00m\x00e\x00\n\x001\x00,\x00c\x00a\x00f\x00\xe9\x00\n\x002\x00,\x00\x0a\x0e\x32\x0e\n\x00"
	for _, c := range []struct{ file, yaml, in string }{
		{"a.csv.gz", yaml, gz.String()}, {"named wrongly.csv", yaml, zst.String()}, {"a.tsv", yaml, "id\tname\n1\tcafé\n2\tชา\n"},
		{"a.csv", yaml, utf16}, {"a.jsonl", yaml, "{\"id\":1,\"name\":\"café\"}\n\n{\"id\":\"2\",\"name\":\"ชา\",\"x\":[]}"},
		{"a.txt", "format: whitespace\n" + yaml, "  id  name\r\n 1   café \r\n\r\n 2 ชา"},
		{"a.csv", "header: false\ncolumns: [name, id]\ndelimiter: '|'\ncomment: '#'\nskip_rows: 1\n" + yaml, "exported today\n# a|b\ncafé|1\nชา|2\n"},
		{"a.csv", "columns: [id, name]\n" + yaml, "Nr,Bezeichnung\n1,café\n2,ชา\n"},
		{"a.csv", "encoding: tis-620\n" + yaml + "# \n", ""}, {"a.csv", "encoding: windows-1252\n" + yaml, ""},
	} {
		if c.in == "" {
			continue
		}
		got, res := load(t, c.file, c.yaml, c.in)
		if !slices.Equal(got, plain) || res.Quarantined != 0 {
			t.Errorf("%s %q gives\n%s\nwant\n%s", c.file, c.yaml[:20], strings.Join(got, "\n"), strings.Join(plain, "\n"))
		}
	}
	thai, _ := load(t, "a.csv", "encoding: tis-620\n"+yaml, "id,name\n2,\xaa\xd2\n")
	latin, _ := load(t, "a.csv", "encoding: windows-1252\n"+yaml, "id,name\n1,caf\xe9\n")
	if thai[0] != plain[1] || latin[0] != plain[0] {
		t.Errorf("%s %s", thai[0], latin[0])
	}
	sink := &memorySink{}
	if _, err := importer.Run(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, yaml), Paths: []string{"-"}, Stdin: strings.NewReader("id,name\n1,café\n2,ชา\n"), Sink: sink}); err != nil || !slices.Equal(raws(sink.all()), plain) {
		t.Errorf("standard input: %v", err)
	}
}

func TestFiles(t *testing.T) {
	yaml := "records:\n  - {table: products, fields: {product_id: id, name: nmae}}\n"
	dir := t.TempDir()
	path := write(t, "a.csv", "id,name\n1,x\n")
	for _, c := range []struct {
		paths      []string
		code       clientele.Code
		want, hint string
	}{
		{nil, clientele.Invalid, "no file", ""}, {[]string{filepath.Join(dir, "none.csv")}, clientele.NotFound, "no file", ""},
		{[]string{filepath.Join(dir, "*.csv")}, clientele.NotFound, "no file matches", ""}, {[]string{dir}, clientele.Invalid, "is a folder", "*.csv"},
		{[]string{path}, clientele.Invalid, `no column "nmae"`, "did you mean name?"}, {[]string{"-"}, clientele.Invalid, "no standard input", ""},
		{[]string{write(t, "a.parquet", "x")}, clientele.Invalid, "Parquet", ""},
		{[]string{write(t, "cut.csv.gz", "\x1f\x8b\x08\x00")}, clientele.Invalid, "gzip", ""},
	} {
		_, err := importer.Run(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, yaml), Paths: c.paths, Sink: discard{}})
		if clientele.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.want) || !strings.Contains(clientele.ErrorHint(err), c.hint) {
			t.Errorf("%v: %v (%s)", c.paths, err, clientele.ErrorHint(err))
		}
	}
}

// TestCutFile: what stands before a damaged end is imported, and the damage is told.
func TestCutFile(t *testing.T) {
	var gz bytes.Buffer
	g := gzip.NewWriter(&gz)
	rnd := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(g, "id,name")
	for i := range 20000 {
		fmt.Fprintf(g, "%d,%x\n", i, rnd.Uint64())
	}
	g.Close()
	sink := &memorySink{}
	res, err := importer.Run(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, "records:\n  - {table: products, fields: {product_id: id, name: name}}\n"),
		Paths: []string{write(t, "a.csv.gz", gz.String()[:gz.Len()/2])}, Sink: sink})
	if clientele.ErrorCode(err) != clientele.Invalid || res.Rows < 5000 || int64(len(sink.rows)) != res.Rows {
		t.Errorf("%d rows, %d records, %v", res.Rows, len(sink.rows), err)
	}
}

// memoryCheckpoints is a store that a test can look into.
type memoryCheckpoints struct {
	mu   sync.Mutex
	rows map[string]int64
}

func (c *memoryCheckpoints) Load(key string) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rows[key], nil
}

func (c *memoryCheckpoints) Save(key string, rows int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[key] = rows
	return nil
}

// manyRows has repeated and bad rows, and profiles that only now and then change.
func manyRows(n int) string {
	rnd := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("customer,city,amount\n")
	for range n {
		amount := fmt.Sprint(rnd.IntN(20))
		if rnd.IntN(50) == 0 {
			amount = "x"
		}
		fmt.Fprintf(&b, "%d,city %d,%s\n", rnd.IntN(300), rnd.IntN(3), amount)
	}
	return b.String()
}

const manyYAML = `
identifiers: [customer]
records:
  - {table: profiles, key: [customer], only_changes: true, traits: {city: city}}
  - {table: orders, fields: {revenue: amount}}
  - {event: Paid, properties: {amount: {column: amount, type: number}}}
`

// TestResume fails the sink at random calls, again and again, and demands that the records of
// all tries together are those of one that went through.
func TestResume(t *testing.T) {
	path := write(t, "many.csv", manyRows(5000))
	m := mapping(t, manyYAML)
	whole := &memorySink{}
	if _, err := importer.Run(context.Background(), importer.Options{Source: "s", Mapping: m, Paths: []string{path}, Sink: whole}); err != nil {
		t.Fatal(err)
	}
	want := raws(whole.all())
	slices.Sort(want)
	want = slices.Compact(want)
	rnd := rand.New(rand.NewPCG(5, 6))
	for round := range 4 {
		points := importer.CheckpointStore(&memoryCheckpoints{rows: map[string]int64{}})
		if round%2 == 1 {
			points = importer.DirCheckpoints{Dir: filepath.Join(t.TempDir(), "a", "b")}
		}
		var got []string
		skipped, tries := int64(0), 0
		for {
			tries++
			at := 1 + rnd.IntN(16)
			sink := &memorySink{fail: func(call int) error {
				if call == at {
					return clientele.Errorf(clientele.Internal, "power cut")
				}
				return nil
			}}
			res, err := importer.Run(context.Background(), importer.Options{Source: "s", Mapping: m, Paths: []string{path}, Sink: sink, Checkpoint: points})
			got = append(got, raws(sink.all())...)
			if res.Skipped < skipped {
				t.Fatalf("try %d starts behind row %d, the one before behind %d", tries, res.Skipped, skipped)
			}
			skipped = res.Skipped
			if err == nil {
				break
			}
			if err.Error() != "power cut" || tries > 200 {
				t.Fatalf("try %d: %v", tries, err)
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("round %d: %d distinct records in %d tries, want %d", round, len(got), tries, len(want))
		}
		if tries < 2 || skipped == 0 {
			t.Errorf("round %d needed %d tries and skipped %d rows: nothing was shown", round, tries, skipped)
		}
		again, err := importer.Run(context.Background(), importer.Options{Source: "s", Mapping: m, Paths: []string{path}, Sink: discard{}, Checkpoint: points})
		if err != nil || again.Skipped != 0 {
			t.Errorf("a finished import left its checkpoint: %+v, %v", again, err)
		}
	}
}

// TestRetry: a sink that is full for a while gets everything, in time that is only imagined.
func TestRetry(t *testing.T) {
	path := write(t, "many.csv", manyRows(3000))
	m := mapping(t, manyYAML)
	synctest.Test(t, func(t *testing.T) {
		open := time.Now().Add(time.Minute)
		sink := &memorySink{fail: func(int) error {
			if time.Now().Before(open) {
				return clientele.Errorf(clientele.Unavailable, "log is full")
			}
			return nil
		}}
		res, err := importer.Run(context.Background(), importer.Options{Source: "s", Mapping: m, Paths: []string{path}, Sink: sink})
		if err != nil || res.Rows != 3000 || int64(len(sink.all())) != res.Records+res.Quarantined {
			t.Errorf("%+v, %v", res, err)
		}
		if time.Now().Before(open) || sink.calls > 90 {
			t.Errorf("%d calls", sink.calls)
		}
		never := &memorySink{fail: func(int) error { return clientele.Errorf(clientele.Unavailable, "log is full") }}
		_, err = importer.Run(context.Background(), importer.Options{Source: "s", Mapping: m, Paths: []string{path}, Sink: never})
		if clientele.ErrorCode(err) != clientele.Unavailable {
			t.Errorf("a sink that stays full: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if _, err = importer.Run(ctx, importer.Options{Source: "s", Mapping: m, Paths: []string{path}, Sink: never}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopped: %v", err)
		}
	})
}

// pages is a Parquet file that was read before.
type pages struct {
	names []string
	rows  [][]any
}

func (p pages) ReadParquet(_ context.Context, _ string, columns func([]string) error, row func([]any) error) error {
	if err := columns(p.names); err != nil {
		return err
	}
	for _, r := range p.rows {
		if err := row(r); err != nil {
			return err
		}
	}
	return nil
}

func TestParquetRows(t *testing.T) {
	yaml := "records:\n  - {table: orders, identifiers: [who.id], fields: {order_id: id, revenue: r, ts: at}}\n"
	file := pages{[]string{"at", "id", "r", "who"}, [][]any{
		{time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), 17850.0, "12.5000", map[string]any{"id": json.Number("5")}},
		{"2024-01-01 10:00:00", int64(2), nil, nil},
		{nil, "x", []any{"no"}, nil},
	}}
	sink := &memorySink{}
	res, err := importer.Run(context.Background(), importer.Options{Source: "s", Mapping: mapping(t, yaml), Paths: []string{write(t, "a.parquet", "")}, Parquet: file, Sink: sink})
	want := `0 {"table":"orders","id":"*","ts":"2024-01-01T00:00:00.000000Z","ids":[{"ns":"s:who.id","v":"5"}],"fields":{"order_id":"17850","revenue":"12.5","ts":"2024-01-01T00:00:00.000000Z"}}
0 {"table":"orders","id":"*","ts":"2024-01-01T10:00:00.000000Z","fields":{"order_id":"2","ts":"2024-01-01T10:00:00.000000Z"}}
2 {"id":"*","file":"a.parquet","line":3,"error":"column r: a list or an object does not go into this place","row":"[null,\"x\",[\"no\"],null]"}`
	if got := mask(strings.Join(raws(sink.all()), "\n")); err != nil || got != want || res.Quarantined != 1 {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

func TestPreview(t *testing.T) {
	in := linesCSV + "3;10.12.2011 00:00;x;;Y;1;0,99;?\n"
	rep, err := importer.Preview(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, linesYAML), Paths: []string{write(t, "a.csv", in)}})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Rows != 4 || !rep.Whole || rep.Bad != 1 || rep.Records["orders"] != 2 || rep.Records["order_lines"] != 3 || rep.Unchanged != 1 || len(rep.Samples) != 6 {
		t.Errorf("%+v", rep)
	}
	if len(rep.Problems) != 1 || rep.Problems[0].Reason != "column customer: not a number" || rep.Problems[0].Examples[0].Line != 5 {
		t.Errorf("problems %+v", rep.Problems)
	}
	if len(rep.Identifiers) != 2 || rep.Identifiers[1].Name != "shop:customer" || rep.Identifiers[1].Examples[0] != "7" {
		t.Errorf("identifiers %+v", rep.Identifiers)
	}
	few, err := importer.Preview(context.Background(), importer.Options{Source: "shop", Mapping: mapping(t, linesYAML), Check: 2, Paths: []string{write(t, "a.csv", in)}})
	if err != nil || few.Rows != 2 || few.Whole {
		t.Errorf("%d rows, %v", few.Rows, err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add("a.csv", "customer,city,amount\n1,x,2\n")
	f.Add("a.jsonl", `{"customer":"1","city":{"a":[1,2]},"amount":1e400}`+"\n{\"customer\":[1]}\n")
	f.Add("a.tsv", "customer\tcity\tamount\n\"1\t\x00\t2\n")
	m := mapping(f, manyYAML)
	f.Fuzz(func(t *testing.T, name, text string) {
		if !slices.Contains([]string{"a.csv", "a.jsonl", "a.tsv"}, name) {
			name = "a.jsonl"
		}
		sink := &memorySink{}
		res, err := importer.Run(context.Background(), importer.Options{Source: "s", Mapping: m, Paths: []string{write(t, name, text)}, Sink: sink})
		if err != nil && clientele.ErrorCode(err) != clientele.Invalid {
			t.Fatal(err)
		}
		for _, r := range sink.all() {
			if !json.Valid(r.Raw) || len(r.Raw) > importer.MaxRecordBytes {
				t.Fatalf("record %.200q", r.Raw)
			}
		}
		if err == nil && res.Records+res.Quarantined != int64(len(sink.all())) {
			t.Fatalf("%+v, %d records", res, len(sink.all()))
		}
	})
}
