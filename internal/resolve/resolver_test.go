package resolve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/resolve"
	"clientele/internal/rowcache"
	"clientele/internal/store/storetest"
)

const day = 24 * 3600 * 1_000_000

// stream is a log in memory and what a resolver makes of it.
type stream struct {
	t      *testing.T
	frames []clientele.Frame
	store  clientele.RowStore
	r      *resolve.Resolver
	rules  *identity.Rules
}

func source(name string) resolve.Source {
	return resolve.Source{Trusted: name != "web", Verified: name == "till"}
}

func newStream(t *testing.T) *stream {
	s := &stream{t: t, store: storetest.NewMemory()}
	var err error
	rules := clientele.DefaultIdentityRules()
	for _, ns := range []clientele.Namespace{clientele.AnonymousID, clientele.Email} {
		rule := rules.Namespaces[ns]
		rule.Generic = 1000 // what becomes blocked later is the one thing that depends on order
		rules.Namespaces[ns] = rule
	}
	s.rules, err = identity.NewRules(rules)
	s.must(err)
	told := func(number uint64, c *clientele.Change) {
		entries, err := s.store.Changes(number-1, 1)
		s.must(err)
		if len(entries) != 1 || entries[0].Number != number || !bytes.Equal(encoded(t, c), encoded(t, decoded(t, entries[0].Bytes))) {
			t.Errorf("change %d is told, which the outbox does not have: %v", number, err)
		}
	}
	s.r, err = resolve.New(resolve.Options{Store: s.store, Sources: source, Rules: s.rules, Told: told, Fetch: func(p clientele.Position) (*clientele.Frame, error) {
		return &s.frames[p-1], nil
	}})
	s.must(err)
	return s
}

func encoded(t *testing.T, c *clientele.Change) []byte {
	t.Helper()
	b, err := rowcache.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded(t *testing.T, b []byte) *clientele.Change {
	t.Helper()
	c, err := resolve.DecodeChange(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *stream) must(err error) {
	if err != nil {
		s.t.Helper()
		s.t.Fatal(err)
	}
}

// run resolves what has not been resolved, in one batch.
func (s *stream) run(upTo int) {
	s.t.Helper()
	var batch []resolve.Decoded
	for p := int(s.r.Position()) + 1; p <= min(upTo, len(s.frames)); p++ {
		batch = append(batch, resolve.Decode(clientele.Position(p), &s.frames[p-1], resolve.Rules{Identity: s.rules}, source))
	}
	s.must(s.r.Batch(batch))
}

func event(source string, received int64, raw string) clientele.Record {
	return clientele.Record{Source: source, ReceivedAt: clientele.Micros(received), Raw: []byte(raw)}
}

func (s *stream) events(records ...clientele.Record) {
	s.frames = append(s.frames, clientele.Frame{Kind: clientele.KindEvent, Records: records})
	s.run(len(s.frames))
}

func (s *stream) rows(records ...clientele.Record) {
	s.frames = append(s.frames, clientele.Frame{Kind: clientele.KindRow, Records: records})
	s.run(len(s.frames))
}

func (s *stream) command(name clientele.CommandName, body any) { s.commandAt(9*day, name, body) }

func (s *stream) commandAt(at int64, name clientele.CommandName, body any) {
	b, err := json.Marshal(body)
	s.must(err)
	raw, err := json.Marshal(clientele.Command{Name: name, By: "op", Body: b})
	s.must(err)
	s.frames = append(s.frames, clientele.Frame{Kind: clientele.KindCommand, Records: []clientele.Record{{Source: "operator", ReceivedAt: clientele.Micros(at), Raw: raw}}})
	s.run(len(s.frames))
}

// golden is the profile as text: its traits and how many records it has.
func (s *stream) golden(ns clientele.Namespace, value string) string {
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	a, err := g.Find(clientele.Identifier{Namespace: ns, Value: value})
	if err != nil {
		return string(clientele.ErrorCode(err))
	}
	p, err := g.Profile(a)
	s.must(err)
	got, err := resolve.LoadProfile(s.store, g, nil, p)
	s.must(err)
	consent := []string{}
	all, err := resolve.LoadConsents(s.store, g, p)
	s.must(err)
	for _, c := range all {
		consent = append(consent, fmt.Sprintf("{%s %s %v %v %s}", c.Purpose, c.Channel, c.Granted, c.At, c.Source))
	}
	return fmt.Sprintf("%s records=%d first=%d last=%d consent=%v", got.JSON(), got.Records, got.First.At, got.Last, consent)
}

// tables is every row that followers have been told of, the last telling of each, with the
// profile that its anchor has now.
func (s *stream) tables() map[string][]string {
	entries, err := s.store.Changes(0, 1<<20)
	s.must(err)
	rows, moved := map[string]map[string][]any{}, map[int64]int64{}
	for _, e := range entries {
		c, err := resolve.DecodeChange(e.Bytes)
		s.must(err)
		for _, m := range c.Moved {
			moved[int64(m.Anchor)] = int64(m.Profile)
		}
		for _, tr := range c.Tables {
			t := clientele.TableNamed(tr.Table)
			if rows[t.Name] == nil {
				rows[t.Name] = map[string][]any{}
			}
			key := func(row []any) string {
				var k []any
				for _, name := range t.Key {
					k = append(k, row[t.Column(name)])
				}
				return fmt.Sprint(k...)
			}
			for _, row := range slices.Concat(tr.Insert, tr.Upsert) {
				if len(row) != len(t.Columns) {
					s.t.Fatalf("%s: a row of %d values", t.Name, len(row))
				}
				rows[t.Name][key(row)] = row
			}
			for _, k := range tr.Delete {
				delete(rows[t.Name], fmt.Sprint(k...))
			}
		}
		for _, t := range clientele.Schema {
			i := t.Column("anchor_id")
			maps.DeleteFunc(rows[t.Name], func(_ string, row []any) bool {
				return i >= 0 && slices.Contains(c.Erased, clientele.Anchor(row[i].(int64)))
			})
		}
		last := clientele.TableNamed("profiles").Column("last_seen")
		for _, seen := range c.Seen {
			if row := rows["profiles"][fmt.Sprint(int64(seen.Profile))]; row != nil {
				row[last] = max(row[last].(int64), int64(seen.Last))
			}
		}
	}
	out := map[string][]string{}
	for name, byKey := range rows {
		t := clientele.TableNamed(name)
		for _, row := range byKey {
			if i := t.Column("anchor_id"); i >= 0 {
				if p, ok := moved[row[i].(int64)]; ok {
					row[t.Column("profile_id")] = p
				}
			}
			out[name] = append(out[name], fmt.Sprint(row))
		}
		slices.Sort(out[name])
	}
	return out
}

func TestAnonymousBecomesKnown(t *testing.T) {
	s := newStream(t)
	s.events(event("web", day, `{"type":"page","name":"Home","anonymousId":"a1","messageId":"1","timestamp":"1970-01-01T12:00:00Z"}`))
	s.events(event("web", day+1, `{"type":"identify","userId":"ann","anonymousId":"a1","messageId":"2","traits":{"email":"Ann@Example.com","city":"Hue","consent":{"marketing":{"email":true}}}}`),
		event("web", day+1, `{"type":"identify","userId":"ann","anonymousId":"a1","messageId":"2","traits":{"city":"twice"}}`))
	want := `{"city":"Hue","email":"Ann@Example.com"} records=2 first=43200000000 last=86400000001 consent=[{marketing email true 1970-01-02T00:00:00.000001Z web}]`
	for _, id := range []clientele.Identifier{{Namespace: "user_id", Value: "ann"}, {Namespace: "anonymous_id", Value: "a1"}, {Namespace: "email", Value: "ann@example.com"}} {
		if got := s.golden(id.Namespace, id.Value); got != want {
			t.Errorf("%s: %s\nwant %s", id.Namespace, got, want)
		}
	}
	tables := s.tables()
	if len(tables["events"]) != 2 || len(tables["profiles"]) != 1 || len(tables["identifiers"]) != 3 || len(tables["consents"]) != 1 {
		t.Errorf("tables %v", tables)
	}
	if got := s.r.Totals(); got.Duplicates != 1 || got.Events != 2 {
		t.Errorf("totals %+v", got)
	}
}

func TestQuarantine(t *testing.T) {
	s := newStream(t)
	bad := []string{
		`[]`, `{"type":"dance"}`, `{"type":"track"}`, `{"type":"track","event":"x","timestamp":"soon"}`, `{"type":"track","event":"x","timestamp":"9999-01-01T00:00:00Z"}`,
		`{"type":"track","event":"x","timestamp":1e300}`, `{"type":"alias","userId":"x"}`, `{"type":"group","userId":"x"}`, `{"type":"track","event":"\xff"}`,
		`{"type":"track","event":"x","properties":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, `{"type":"track","event":NaN}`,
		`{"type":"identify","userId":"u","traits":{"` + strings.Repeat("n", 200) + `":1}}`, `{"type":"track","event":"x","timestamp":"0001-01-01T00:00:00Z"}`,
	}
	for i, raw := range bad {
		s.events(event("web", day, raw))
		if q := s.r.Totals().Quarantined; q != int64(i+1) {
			t.Fatalf("%.80s was not quarantined: %d", raw, q)
		}
	}
	s.rows(event("crm", day, `{"table":"nowhere","id":"1"}`), event("crm", day, `{"table":"orders","id":"1","fields":{"order_id":"1","revenue":"NaN"}}`),
		event("crm", day, `{"table":"orders","id":"1","fields":{"revenue":"1"}}`), event("crm", day, `{"table":"orders","id":"1","fields":{"order_id":"1","sparkle":1}}`),
		event("crm", day, `{"table":"events","id":"1"}`), event("crm", day, `{"table":"profiles","id":"1","ids":[{"ns":"user_id","v":"null"}],"traits":{"a":1}}`))
	if q := s.r.Totals().Quarantined; q != int64(len(bad)+6) {
		t.Errorf("%d rows were quarantined", q-int64(len(bad)))
	}
	for _, null := range []string{`null`, `""`, `"null"`, `"undefined"`, `0`, `"00000000-0000-0000-0000-000000000000"`, `{}`, `[1]`, `true`} {
		s.events(event("web", day, `{"type":"track","event":"x","userId":`+null+`}`))
	}
	tables := s.tables()
	if len(tables["events"]) != 9 || len(tables["identifiers"]) != 0 || len(tables["profiles"]) != 0 {
		t.Errorf("null identifiers gave %v", tables)
	}
	n := 0
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowQuarantine)), func(k clientele.Key, v []byte) (bool, error) {
		q, _, _, err := resolve.ReadQuarantine(k, v)
		n++
		if q.Reason == "" || strings.Contains(q.Reason, "nnnnnnnnnn"+strings.Repeat("n", 190)) {
			t.Errorf("%+v", q)
		}
		return true, err
	}))
	if n != len(bad)+6 {
		t.Errorf("%d quarantine rows", n)
	}
}

// TestReplay: a record that could not be used because of a rule comes back when it can.
func TestReplay(t *testing.T) {
	s := newStream(t)
	s.frames = []clientele.Frame{{Kind: clientele.KindEvent, Records: []clientele.Record{event("web", day, `{"type":"dance","event":"x"}`), event("web", day, `{"type":"track","event":"fine","userId":"u"}`)}}}
	s.run(1)
	s.command(clientele.CommandReplay, resolve.ReplayBody{IDs: []string{"1-0"}})
	if got := s.r.Totals(); got.Quarantined != 1 || got.Replayed != 0 {
		t.Errorf("still bad: %+v", got)
	}
	s.frames[0].Records[0].Raw = []byte(`{"type":"track","event":"x","userId":"new"}`) // as a newer program would read it
	s.command(clientele.CommandReplay, resolve.ReplayBody{IDs: []string{"1-0", "7-7"}})
	s.command(clientele.CommandReplay, resolve.ReplayBody{IDs: []string{"1-0"}})
	if got := s.r.Totals(); got.Quarantined != 0 || got.Replayed != 1 || got.Events != 2 {
		t.Errorf("replayed: %+v", got)
	}
}

func TestClock(t *testing.T) {
	s := newStream(t)
	s.events(event("web", 10*day, `{"type":"track","event":"a","userId":"u","messageId":"1","timestamp":"1970-01-05T00:00:00Z","sentAt":"1970-01-05T01:00:00Z"}`)) // an hour before it was sent
	s.events(event("web", 10*day, `{"type":"track","event":"b","userId":"v","messageId":"2","timestamp":"1970-01-12T00:00:00Z"}`))                                 // a day ahead: clamped
	if got := s.golden("user_id", "u"); !strings.Contains(got, fmt.Sprint("first=", 10*day-3600_000_000)) {
		t.Error(got)
	}
	if got := s.golden("user_id", "v"); !strings.Contains(got, fmt.Sprint("first=", 10*day)) {
		t.Error(got)
	}
}

// TestDuplicateNames: the last of equal names holds, everywhere.
func TestDuplicateNames(t *testing.T) {
	s := newStream(t)
	s.events(event("web", day, `{"type":"dance","type":"track","event":"x","userId":"u","properties":{"a":1,"b":{"c":1,"c":12345678901234567890},"a":2.50}}`))
	if got := s.tables()["events"][0]; !strings.Contains(got, `{"a":2.50,"b":{"c":12345678901234567890}}`) {
		t.Error(got)
	}
}

// TestImportedAgain: the same rows again change nothing; another telling of a row replaces it
// and is not another row.
func TestImportedAgain(t *testing.T) {
	s := newStream(t)
	row := func(at int64, ts, city string) {
		s.rows(event("crm", at, fmt.Sprintf(`{"table":"profiles","id":"r1"%s,"ids":[{"ns":"user_id","v":"u"}],"traits":{"city":%q}}`, ts, city)))
	}
	has := func(city string) {
		t.Helper()
		if got := s.golden("user_id", "u"); !strings.Contains(got, city) || !strings.Contains(got, "records=1 ") {
			t.Error(got)
		}
	}
	timed := `,"ts":"1970-01-01T05:00:00Z"`
	row(day, timed, "Hue")
	row(day+1, `,"ts":"1970-01-01T06:00:00Z"`, "Hanoi")
	row(day+2, timed, "Hue") // again
	has("Hanoi")
	if d := s.r.Totals().Duplicates; d != 1 {
		t.Errorf("%d duplicates", d)
	}
	row(day+3, "", "Saigon")
	has("Saigon")
	row(day+4, "", "Can Tho")
	row(day+5, "", "Saigon") // without a time of its own it is as late as its receipt
	has("Saigon")
	row(day+6, "", "Saigon")
	if d := s.r.Totals().Duplicates; d != 2 {
		t.Errorf("%d duplicates", d)
	}
	bad := clientele.Record{Source: "crm", ReceivedAt: day, Verdict: clientele.Malformed, Raw: []byte(`{"file":"x.csv","line":7,"error":"no","id":"q1"}`)}
	s.rows(bad)
	s.rows(bad)
	if q := s.r.Totals().Quarantined; q != 1 {
		t.Errorf("%d in quarantine", q)
	}
}

// TestWindow: a message id is a repeat for 24 hours, an imported one for ever.
func TestWindow(t *testing.T) {
	s := newStream(t)
	raw := `{"type":"track","event":"a","userId":"u","messageId":"1"}`
	imported := `{"type":"track","event":"a","userId":"u","messageId":"i","context":{"library":{"name":"clientele-import"}}}`
	for i, at := range []int64{10 * day, 10*day + 1, 11 * day, 11*day + 1, 30 * day} {
		s.events(event("web", at, raw), event("web", at, imported))
		if want := []int64{2, 2, 2, 3, 4}[i]; s.r.Totals().Events != want {
			t.Errorf("at %d: %d events, want %d", at, s.r.Totals().Events, want)
		}
	}
}

func TestOrders(t *testing.T) {
	s := newStream(t)
	line := func(id, key string, more string) clientele.Record {
		return event("crm", day, fmt.Sprintf(`{"table":"order_lines","id":%q,"fields":{"order_id":"o1","line":%q%s}}`, id, key, more))
	}
	s.rows(line("l1", "1", `,"quantity":"2","price":"1.5","ts":"1970-01-03T00:00:00Z"`), line("l2", "2", `,"price":"0.0001","discount":"0.5","ts":"1970-01-02T00:00:00Z"`))
	s.rows(event("crm", day, `{"table":"orders","id":"o","ids":[{"ns":"crm:no","v":"7"}],"fields":{"order_id":"o1","currency":"EUR"}}`))
	s.rows(line("l1", "1", `,"quantity":"3","price":"1.5","ts":"1970-01-03T00:00:00Z"`), line("l1", "1", `,"quantity":"3","price":"1.5","ts":"1970-01-03T00:00:00Z"`))
	tables := s.tables()
	if len(tables["orders"]) != 1 || len(tables["order_lines"]) != 2 {
		t.Fatalf("tables %v", tables)
	}
	if o := tables["orders"][0]; !strings.Contains(o, " 86400000000 ") || !strings.Contains(o, fmt.Sprint(45_000+1-5000)) || !strings.Contains(o, "EUR") {
		t.Errorf("order %s", o)
	}
	for _, l := range tables["order_lines"] {
		if !strings.HasPrefix(l, fmt.Sprintf("[%d ", 2*8192)) {
			t.Errorf("a line did not take the order's customer: %s", l)
		}
	}
	s.events(event("web", 2*day, `{"type":"track","event":"Order Completed","userId":"u","messageId":"m","properties":{"order_id":"w1","revenue":10,"currency":"THB","payment_method":"card","total":12,
		"products":[{"product_id":"p","sku":"s","price":2,"quantity":5,"name":"Tent"},{"product_id":"p","sku":"s","price":2,"quantity":1}]}}`))
	s.events(event("web", 2*day+1, `{"type":"track","event":"Order Refunded","userId":"u","messageId":"m2","properties":{"order_id":"w1","products":[{"sku":"s","price":2,"quantity":1}]}}`))
	tables = s.tables()
	for table, want := range map[string]int{"orders": 2, "order_lines": 4, "returns": 1, "products": 1, "payments": 1} {
		if len(tables[table]) != want {
			t.Errorf("%s: %v", table, tables[table])
		}
	}
	if !strings.Contains(strings.Join(tables["orders"], "\n"), "partially_refunded") {
		t.Errorf("orders: %v", tables["orders"])
	}
}

func randomRecords(rnd *rand.Rand, n int) (out []clientele.Record) {
	names := []string{"Viewed", "Order Completed", "Order Cancelled", "Signed Up"}
	for i := range n {
		u, a := rnd.IntN(6), rnd.IntN(8)
		raw := fmt.Sprintf(`{"messageId":"m%d","anonymousId":"a%d","timestamp":"1970-01-02T00:00:%02dZ"`, i, a, rnd.IntN(50))
		if rnd.IntN(2) == 0 {
			raw += fmt.Sprintf(`,"userId":"u%d"`, u)
		}
		switch rnd.IntN(3) {
		case 0:
			raw += fmt.Sprintf(`,"type":"identify","traits":{"city":"c%d","email":"e%d@x.com","n":%d}`, rnd.IntN(4), rnd.IntN(4), i)
		default:
			raw += fmt.Sprintf(`,"type":"track","event":%q,"properties":{"order_id":"o%d","revenue":%d,"products":[{"sku":"s%d","price":%d}]}`, names[rnd.IntN(4)], rnd.IntN(5), rnd.IntN(90), rnd.IntN(3), rnd.IntN(9))
		}
		out = append(out, event([]string{"web", "till"}[rnd.IntN(2)], 3*day, raw+"}"))
	}
	return out
}

// TestBatchCutsChangeNothing: the same log in other batches, with restarts between, leaves the
// same rows, byte for byte, and tells followers the same in the end.
func TestBatchCutsChangeNothing(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		records := randomRecords(rnd, 120)
		var frames []clientele.Frame
		for len(records) > 0 {
			n := min(1+rnd.IntN(8), len(records))
			frames = append(frames, clientele.Frame{Kind: clientele.KindEvent, Records: records[:n]})
			records = records[n:]
		}
		var first map[string][]byte
		var told map[string][]string
		for cut := range 3 {
			s := newStream(t)
			s.frames = frames
			for int(s.r.Position()) < len(frames) {
				step := []int{1, len(frames), 1 + rnd.IntN(10)}[cut]
				s.run(int(s.r.Position()) + step)
				if cut == 2 && rnd.IntN(3) == 0 {
					s.must(s.r.Reset())
				}
			}
			rows := map[string][]byte{}
			s.must(s.store.Scan(clientele.Range{}, func(k clientele.Key, v []byte) (bool, error) {
				if k[0] != clientele.RowOutbox && k[0] != clientele.RowPosition && k[0] != clientele.RowSeen {
					rows[string(k)] = bytes.Clone(v)
				}
				return true, nil
			}))
			if cut == 0 {
				first, told = rows, s.tables()
				continue
			}
			for k, v := range first {
				if !bytes.Equal(rows[k], v) {
					t.Fatalf("seed %d: row %q differs\n%q\n%q", seed, k, v, rows[k])
				}
			}
			if len(rows) != len(first) {
				t.Fatalf("seed %d: %d rows against %d", seed, len(rows), len(first))
			}
			for table, want := range told {
				if got := s.tables()[table]; !slices.Equal(got, want) {
					t.Fatalf("seed %d: followers of %s hear\n%v\n%v", seed, table, got, want)
				}
			}
		}
	}
}

// TestAnyOrderGivesTheSameProfiles: late, repeated and shuffled events leave the same profiles
// and the same orders.
func TestAnyOrderGivesTheSameProfiles(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		records := randomRecords(rnd, 60)
		var first []string
		for range 3 {
			s := newStream(t)
			for _, r := range records {
				s.events(r)
				if rnd.IntN(4) == 0 {
					s.events(r)
				}
			}
			var got []string
			for i := range 8 {
				got = append(got, s.golden("user_id", fmt.Sprint("u", i)), s.golden("anonymous_id", fmt.Sprint("a", i)))
			}
			for _, o := range s.tables()["orders"] { // without anchor and profile, which depend on who came first
				fields := strings.Fields(o)
				got = append(got, fmt.Sprint(fields[1], fields[3:]))
			}
			slices.Sort(got[16:])
			if first == nil {
				first = got
			} else if !slices.Equal(got, first) {
				for i := range got {
					if got[i] != first[i] {
						t.Errorf("seed %d:\n%s\n%s", seed, got[i], first[i])
					}
				}
				t.FailNow()
			}
			rnd.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		}
	}
}

func TestMergeAndUnmergeMoveRows(t *testing.T) {
	s := newStream(t)
	s.events(event("web", day, `{"type":"track","event":"a","userId":"u","messageId":"1"}`))
	s.events(event("web", day, `{"type":"track","event":"b","userId":"v","messageId":"2"}`))
	before := s.tables()
	u, v := clientele.Anchor(8192), clientele.Anchor(2*8192)
	s.command(clientele.CommandMerge, resolve.MergeBody{Anchors: []clientele.Anchor{u, v}})
	merged := s.tables()
	if len(merged["profiles"]) != 1 || !strings.Contains(s.golden("user_id", "v"), "records=2") {
		t.Errorf("merged: %v, %s", merged["profiles"], s.golden("user_id", "v"))
	}
	s.command(clientele.CommandUnmerge, resolve.MergeBody{Anchors: []clientele.Anchor{v}})
	if after := s.tables(); !slices.Equal(after["profiles"], before["profiles"]) || !slices.Equal(after["events"], before["events"]) {
		t.Errorf("unmerged:\n%v\n%v", after, before)
	}
	s.command(clientele.CommandMerge, resolve.MergeBody{Anchors: []clientele.Anchor{u, 99}})
	s.command("dance", nil)
	if q := s.r.Totals().Quarantined; q != 2 {
		t.Errorf("%d commands were quarantined", q)
	}
	rules := clientele.DefaultIdentityRules()
	rules.Namespaces["user_id"] = clientele.NamespaceRule{Priority: 1, Limit: 2}
	var inForce resolve.RulesInForce
	if got, traits, err := inForce.Read(s.store, s.rules, nil); err != nil || got != s.rules || traits != nil {
		t.Errorf("rules before any are stored: %+v, %+v, %v", got, traits, err)
	}
	s.command(clientele.CommandIdentityRules, rules)
	s.command(clientele.CommandTraitRules, profile.Rules{"city": {Rule: clientele.RuleFirst}})
	for _, stored := range []func(clientele.Rows, *identity.Rules, profile.Rules) (*identity.Rules, profile.Rules, error){resolve.StoredRules, inForce.Read, inForce.Read} {
		got, traits, err := stored(s.store, s.rules, nil)
		if err != nil || got.Rule("user_id").Limit != 2 || traits["city"].Rule != clientele.RuleFirst {
			t.Errorf("stored rules %+v, %+v, %v", got, traits, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	rules, err := identity.NewRules(clientele.DefaultIdentityRules())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"type":"track","event":"x","userId":1,"properties":{"a":[1,{"b":null}]},"context":{"externalIds":[{"id":"1","type":"x"}],"consent":{"categoryPreferences":{"a":true}}}}`), false)
	f.Add([]byte(`{"type":"identify","traits":{"email":"a@b.co","consent":{"m":{"email":false}},"x":12345678901234567890}}`), false)
	f.Add([]byte(`{"table":"orders","id":"1","ids":[{"ns":"email","v":"a@b.co"}],"fields":{"order_id":"1","revenue":"1e3","ts":"2020-01-01"}}`), true)
	f.Fuzz(func(t *testing.T, raw []byte, row bool) {
		kind := clientele.KindEvent
		if row {
			kind = clientele.KindRow
		}
		s := newStream(t)
		s.frames = []clientele.Frame{{Kind: kind, Records: []clientele.Record{event("web", day, string(raw))}}}
		d := resolve.Decode(1, &s.frames[0], resolve.Rules{Identity: rules}, source)
		s.must(s.r.Batch([]resolve.Decoded{d}))
		if tot := s.r.Totals(); tot.Events+tot.Quarantined+int64(len(tot.Rows)) != 1 {
			t.Fatalf("one record became %+v", tot)
		}
		for name, rows := range s.tables() {
			for _, r := range rows {
				if strings.ContainsRune(r, 0) && name != "events" {
					t.Fatalf("%s holds a zero byte", name)
				}
			}
		}
	})
}
