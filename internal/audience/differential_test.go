package audience_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/computed"
	"clientele/internal/identity"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
	"clientele/internal/store/pebblestore"
)

var (
	cases = flag.Int("cases", 10_000, "definitions that the differential test tries")
	seed  = flag.Uint64("seed", 0, "of the differential test; 0 = by the clock")
)

// TestBothExecutionsAgree is the proof that a definition has one meaning: random definitions over
// random histories, through the real resolver and the real stores, have the same members in SQL
// and in evaluation, and what evaluation says of time holds too.
func TestBothExecutionsAgree(t *testing.T) {
	n, s := *cases, *seed
	if testing.Short() {
		n /= 10
	}
	if v := os.Getenv("CLIENTELE_CASES"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d definitions", s, n)
	const worlds = 8
	for i := range uint64(worlds) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rand.New(rand.NewPCG(s, i)))
			for i := range n / worlds {
				if i%500 == 0 {
					w.fill()
				}
				switch {
				case i%12 == 0:
					w.compare(w.definition(0))
				case i%60 == 7:
					w.suppress()
				default:
					w.combine()
				}
				if t.Failed() {
					t.Fatalf("run it again with: go test ./internal/audience -run TestBothExecutionsAgree/%d -args -seed %d", i, s)
				}
			}
			t.Logf("%d profiles, %d members found, %d rechecks kept, %d kept by SQL", len(w.profiles), w.members, w.rechecks, w.ahead)
		})
	}
}

// world is a random history and what the two stores made of it.
type world struct {
	*testing.T
	rnd      *rand.Rand
	now      clientele.Micros
	rows     *pebblestore.Store
	columns  *duckstore.Store
	rules    *identity.Rules
	frames   []clientele.Frame
	graph    *identity.Graph
	schema   audience.Schema
	profiles []clientele.ProfileID
	stored   map[clientele.ProfileID]audience.Facts // as the row store has them
	facts    map[clientele.ProfileID]audience.Facts // the same, remembered

	pool []leaf
	at   audience.At // of the pool

	members, rechecks, ahead int
}

const (
	hour = 3600 * 1_000_000
	day  = 24 * hour
)

// computedTraits are those of every world; computedTypes their types.
var (
	computedTraits = map[string]string{
		"views": `{"event":"Viewed","count":true}`, "views_5d": `{"event":"Viewed","count":true,"within":"5d"}`, "spent": `{"event":"Order Completed","sum":"price"}`,
		"mean": `{"event":"Order Completed","avg":"price","within":"20d"}`, "least": `{"event":"Viewed","min":"n"}`, "last_sku": `{"event":"Viewed","last":"sku"}`,
		"skus": `{"event":"Viewed","list":"sku"}`, "often": `{"event":"Viewed","most_frequent":"mixed"}`, "since": `{"event":"page","days_since":true}`,
		"share":    `{"ratio":{"of":{"event":"Order Refunded","count":true},"by":{"event":"Order Completed","count":true}}}`,
		"messages": `{"table":"messages","count":true}`, "channel": `{"table":"messages","where":[{"property":"status","op":"eq","value":"sent"}],"most_frequent":"channel"}`,
	}
	computedTypes = func() map[string]clientele.ColumnType {
		out := map[string]clientele.ColumnType{}
		for name, definition := range computedTraits {
			t, err := computed.Parse(name, []byte(definition))
			if err != nil {
				panic(err)
			}
			out[name] = t.Type()
		}
		return out
	}()
)

var start = clientele.MicrosOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))

func newWorld(t *testing.T, rnd *rand.Rand) *world {
	w := &world{T: t, rnd: rnd, now: start, stored: map[clientele.ProfileID]audience.Facts{}, facts: map[clientele.ProfileID]audience.Facts{}}
	dir := t.TempDir()
	var err error
	w.rows, err = pebblestore.Open(pebblestore.Options{Dir: filepath.Join(dir, "rows"), MinFreeBytes: -1})
	w.must(err)
	t.Cleanup(func() { w.must(w.rows.Close()) })
	w.columns, err = duckstore.Open(context.Background(), duckstore.Options{Path: filepath.Join(dir, "columns.duckdb"), Threads: 1})
	w.must(err)
	t.Cleanup(func() { w.must(w.columns.Close()) })
	w.rules, err = identity.NewRules(clientele.DefaultIdentityRules())
	w.must(err)
	sources := func(string) resolve.Source { return resolve.Source{Trusted: true} }
	var changes []clientele.Change
	r, err := resolve.New(resolve.Options{Store: w.rows, Rules: w.rules, Sources: sources,
		Told: func(_ uint64, c *clientele.Change) { changes = append(changes, *c) }})
	w.must(err)
	w.lifecycle(r)
	resolved := func() {
		p := clientele.Position(len(w.frames))
		w.must(r.Batch([]resolve.Decoded{resolve.Decode(p, &w.frames[p-1], r.Rules(), sources)}))
	}
	w.model(resolved)
	early := rnd.IntN(2) == 0 // computed traits are counted as events come, or backfilled
	if early {
		w.define(resolved)
	}
	for range 12 + rnd.IntN(12) {
		w.frame()
		resolved()
		if rnd.IntN(4) == 0 {
			w.split(r)
		}
		if rnd.IntN(3) == 0 {
			w.score(resolved)
		}
		if rnd.IntN(3) == 0 {
			w.enlist(r)
		}
		if rnd.IntN(3) == 0 {
			w.tick(resolved)
		}
	}
	if !early {
		w.define(resolved)
	}
	for {
		w.tick(resolved)
		if due := r.Due(); due == 0 || due > w.now {
			break
		}
	}
	w.must(w.columns.Apply(context.Background(), 1, changes))
	w.schema = schemaOf(t, w.columns)
	w.graph, err = identity.NewGraph(w.rules, w.rows)
	w.must(err)
	w.must(w.columns.Numbers(context.Background(), "select profile_id from profiles order by 1", func(row []int64) error {
		w.profiles = append(w.profiles, clientele.ProfileID(row[0]))
		return nil
	}))
	for _, p := range w.profiles {
		w.stored[p], err = resolve.LoadFacts(w.rows, w.graph, nil, p)
		w.must(err)
		w.facts[p] = remember(w.stored[p])
	}
	return w
}

// define puts the computed traits into the log.
func (w *world) define(resolved func()) {
	for _, name := range slices.Sorted(maps.Keys(computedTraits)) {
		body, err := json.Marshal(resolve.ComputedBody{Name: name, Definition: clientele.RawJSON(computedTraits[name])})
		w.must(err)
		raw, err := json.Marshal(clientele.Command{Name: clientele.CommandComputedTrait, By: "op", Body: body})
		w.must(err)
		w.frames = append(w.frames, clientele.Frame{Kind: clientele.KindCommand, Records: []clientele.Record{{Source: resolve.OperatorSource, ReceivedAt: w.now, Raw: raw}}})
		resolved()
	}
}

// predictedNames are the outputs of the model of every world.
var predictedNames = []string{"worth.expected_value", "worth.p_alive", "worth.tier", "worth.as_of", "worth.version", "worth.none"}

// tell puts a command into the log.
func (w *world) tell(name clientele.CommandName, body any, resolved func()) {
	b, err := json.Marshal(body)
	w.must(err)
	raw, err := json.Marshal(clientele.Command{Name: name, By: "op", Body: b})
	w.must(err)
	w.frames = append(w.frames, clientele.Frame{Kind: clientele.KindCommand, Records: []clientele.Record{{Source: resolve.OperatorSource, ReceivedAt: w.now, Raw: raw}}})
	resolved()
}

// model brings a model into force that scores.
func (w *world) model(resolved func()) {
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte("{}")))
	w.tell(clientele.CommandModel, resolve.ModelBody{Model: clientele.Model{Name: "worth", Kind: clientele.ModelLTV, Horizon: "90d"}}, resolved)
	w.tell(clientele.CommandModelPart, resolve.ModelPartBody{Hash: hash, Data: []byte("{}")}, resolved)
	w.tell(clientele.CommandModelVersion, resolve.ModelVersionBody{Model: "worth", Version: clientele.ModelVersion{Artefact: hash}}, resolved)
	w.tell(clientele.CommandModelState, resolve.ModelStateBody{Model: "worth", State: clientele.VersionPromoted}, resolved)
}

// score scores some people, some of them as of a moment that others were not.
func (w *world) score(resolved func()) {
	b := resolve.ScoresBody{Model: "worth", Version: 1, AsOf: w.now - clientele.Micros(w.rnd.Int64N(3*day)), Outputs: []string{"expected_value", "p_alive", "tier"}, Values: make([][]clientele.RawJSON, 3)}
	var ids, gone []int64
	w.must(w.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		switch id := int64(k.Read().Uint()); w.rnd.IntN(5) {
		case 0:
			gone = append(gone, id)
		case 1, 2:
			ids = append(ids, id)
			for i, v := range []string{pick(w.rnd, "0", "1", "2.5", "10", "-3", "null"), pick(w.rnd, "0", "0.1", "0.30000000000000004", "1", "null"), pick(w.rnd, `"top_1"`, `"rest"`, `"a"`)} {
				b.Values[i] = append(b.Values[i], clientele.RawJSON(v))
			}
		}
		return true, nil
	}))
	b.Anchors, b.Gone = resolve.PackIDs(ids), resolve.PackIDs(gone)
	w.tell(clientele.CommandScores, b, resolved)
}

// tick tells the time.
func (w *world) tick(resolved func()) {
	w.frames = append(w.frames, clientele.Frame{Kind: clientele.KindTick, Records: []clientele.Record{{Source: "clock", ReceivedAt: w.now, Raw: []byte("{}")}}})
	resolved()
}

func (w *world) must(err error) {
	if err != nil {
		w.Helper()
		w.Fatal(err)
	}
}

// schemaOf are the typed columns of the store.
func schemaOf(t testing.TB, store *duckstore.Store) audience.Schema {
	columns := func(table string) []clientele.Promotion {
		all, err := store.Promoted(context.Background(), table)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	return audience.SchemaOf(columns("events"), columns("profiles"), computedTypes)
}

func pick[T any](rnd *rand.Rand, from ...T) T { return from[rnd.IntN(len(from))] }

var (
	eventNames    = []string{"Viewed", "Order Completed", "Order Refunded", "Cart Updated", "page", "it's \"odd\""}
	wantNames     = []string{"Product Viewed", "Product Viewed", "Product Viewed", "Product Added", "Product Removed", "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Order Completed"}
	skus          = []string{"T-1", "T-2", "B-1", "B-2", "it's"}
	propertyNames = []string{"price", "sku", "n", "flag", "when", "list", "products", "a.b", `q"'`, "mixed", "rare"}
	traitNames    = []string{"country", "age", "vip", "born", "tags", "address.city", "mixed", "ext_third_mark"}
	purposes      = []string{"marketing", "ads & more"}
)

// value is a JSON value of any kind, often one of few so that comparisons meet them.
func (w *world) value() string {
	switch w.rnd.IntN(12) {
	case 0, 1, 2:
		return pick(w.rnd, "0", "1", "2", "2.5", "10", "-3", "100.10", "0.1", "1e2", "1E3", "-0", "12345678901234567890123", "1e400", "9007199254740993", "0.30000000000000004", "1.5e-9")
	case 3, 4, 5:
		return strconv.Quote(pick(w.rnd, "TH", "DE", "th", "tents", "a", "ab", "Ünï", "", " ", "it's", "[1]", "{}", "null"))
	case 6:
		return strconv.Quote(pick(w.rnd, "1", "2.5", " 10 ", "1_000", ".5", "5.", "+5", "1e2", "0x1F", "inf", "NaN", "-", "true", "TRUE", "yes", "no", "t", "+-1"))
	case 7:
		return strconv.Quote(pick(w.rnd, "2026-03-05", "2026-03-05T10:00:00Z", "2026-03-05 10:00:00.1234567+07:00", "2026-03-05T10:00", "2026-02-30", "0001-01-01", "2026-03-10T23:59:59.999999Z"))
	case 8:
		return pick(w.rnd, "true", "false")
	case 9:
		return "null"
	case 10:
		return pick(w.rnd, `[]`, `["TH","a"]`, `[1,2.5,"1",null,true]`, `[["TH"]]`, `[{"a":1}]`)
	}
	return fmt.Sprintf(`[{"sku":%s,"price":%s},{"sku":%s,"n":{"x":1}},7]`, w.scalar(), w.scalar(), w.scalar())
}

func (w *world) scalar() string {
	for {
		if v := w.value(); v[0] != '[' {
			return v
		}
	}
}

// object is a JSON object of some of the names; a.b is the member b of a.
func (w *world) object(names []string, most int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, n := range w.rnd.Perm(len(names))[:w.rnd.IntN(most+1)] {
		if i > 0 {
			b.WriteByte(',')
		}
		outer, inner, nested := strings.Cut(names[n], ".")
		name, _ := json.Marshal(outer)
		if nested {
			fmt.Fprintf(&b, `%s:{%q:%s}`, name, inner, w.value())
		} else {
			fmt.Fprintf(&b, `%s:%s`, name, w.value())
		}
	}
	b.WriteByte('}')
	return b.String()
}

// frame adds one of events, rows or a merge, a while later.
func (w *world) frame() {
	w.now += clientele.Micros(w.rnd.Int64N(4 * day))
	f := clientele.Frame{Kind: clientele.KindEvent}
	if w.rnd.IntN(5) == 0 {
		f.Kind = clientele.KindRow
	}
	for range 2 + w.rnd.IntN(14) {
		w.now += clientele.Micros(w.rnd.Int64N(hour))
		ts := w.now
		if w.rnd.IntN(3) == 0 { // late
			ts -= clientele.Micros(w.rnd.Int64N(30 * day))
		}
		if w.rnd.IntN(4) == 0 { // at the same moment as others
			ts -= ts % day
		}
		raw := w.event(ts)
		if f.Kind == clientele.KindRow {
			raw = w.message(ts)
		}
		f.Records = append(f.Records, clientele.Record{Source: pick(w.rnd, "web", "shop"), ReceivedAt: w.now, Raw: []byte(raw)})
	}
	w.frames = append(w.frames, f)
}

func (w *world) who() string {
	s := fmt.Sprintf(`"anonymousId":"anon-%d"`, w.rnd.IntN(30))
	if w.rnd.IntN(3) == 0 {
		s += fmt.Sprintf(`,"userId":"user-%d"`, w.rnd.IntN(15))
	}
	return s
}

func (w *world) event(ts clientele.Micros) string {
	id := fmt.Sprintf(`"messageId":"m%d","timestamp":%q`, w.rnd.Int64(), ts)
	context := fmt.Sprintf(`"context":%s`, w.object([]string{"locale", "page.path", "mixed", "ip"}, 3))
	if w.rnd.IntN(3) == 0 {
		context = fmt.Sprintf(`"context":{"consent":{"categoryPreferences":{%q:%t}}}`, pick(w.rnd, purposes...), w.rnd.IntN(2) == 0)
	}
	switch w.rnd.IntN(6) {
	case 0:
		traits := w.object(traitNames, 4)
		if w.rnd.IntN(4) == 0 {
			traits = fmt.Sprintf(`{"email":"e%d@example.com","consent":{"marketing":{"email":%t}}}`, w.rnd.IntN(12), w.rnd.IntN(2) == 0)
		}
		return fmt.Sprintf(`{"type":"identify",%s,%s,"traits":%s,%s}`, w.who(), id, traits, context)
	case 1:
		return fmt.Sprintf(`{"type":"page",%s,%s,"properties":%s,%s}`, w.who(), id, w.object(propertyNames, 4), context)
	}
	if w.rnd.IntN(3) == 0 {
		size, _ := json.Marshal(pick(w.rnd, "S", "M", ""))
		return fmt.Sprintf(`{"type":"track","event":%q,%s,%s,"properties":{%q:%q,"category":%s,"size":%s}}`, pick(w.rnd, wantNames...), w.who(), id,
			pick(w.rnd, "sku", "sku", "product_id"), pick(w.rnd, skus...), pick(w.rnd, `"tents"`, `"boots"`, "7", "null"), size)
	}
	name, _ := json.Marshal(pick(w.rnd, eventNames...))
	return fmt.Sprintf(`{"type":"track","event":%s,%s,%s,"properties":%s,%s}`, name, w.who(), id, w.object(propertyNames, 6), context)
}

// message is a row about a message, or a decision about consent that ends one day.
func (w *world) message(ts clientele.Micros) string {
	row := clientele.RowRecord{Table: "messages", ID: fmt.Sprint(w.rnd.Int64()),
		Identifiers: []clientele.RecordIdentifier{{Namespace: clientele.UserID, Value: fmt.Sprintf("user-%d", w.rnd.IntN(15))}},
		Fields: map[string]any{"message_id": fmt.Sprintf("msg%d", w.rnd.IntN(200)), "channel": pick(w.rnd, "email", "sms"), "status": pick(w.rnd, "sent", "opened"),
			"platform": "mailer", "ts": (ts + clientele.Micros(w.rnd.Int64N(2*day))).String()}}
	switch w.rnd.IntN(5) {
	case 0:
		row.Table, row.Fields = "order_lines", map[string]any{"order_id": fmt.Sprintf("o%d", w.rnd.IntN(60)), "line": fmt.Sprint(w.rnd.IntN(2)), "sku": pick(w.rnd, skus...),
			"category": pick(w.rnd, "tents", "boots"), "size": pick(w.rnd, "S", "M", "L"), "ts": ts.String()}
	case 1:
		row.Table, row.Identifiers = "inventory", nil
		row.Fields = map[string]any{"sku": pick(w.rnd, skus...), "location": pick(w.rnd, "", "Hue"), "as_of": ts.String(), "available": fmt.Sprint(w.rnd.IntN(3) * w.rnd.IntN(2))}
	}
	if row.Table == "messages" && w.rnd.IntN(3) == 0 {
		row = clientele.RowRecord{Table: "profiles", ID: row.ID, Identifiers: row.Identifiers,
			Consents: []clientele.ConsentRequest{{Purpose: pick(w.rnd, purposes...), Channel: pick(w.rnd, "", "email"), Granted: w.rnd.IntN(3) > 0, ExpiresAt: ts + clientele.Micros(w.rnd.Int64N(40*day))}}}
	}
	if row.Table == "messages" && w.rnd.IntN(3) == 0 { // what a third party says, of people there are or of those to come
		row = clientele.RowRecord{Table: clientele.EnrichmentRows, ID: row.ID, Identifiers: row.Identifiers, Expires: w.now + clientele.Micros(w.rnd.Int64N(30*day)),
			Traits: map[string]any{"ext_third_mark": json.RawMessage(w.value()), "ext_third_more": w.rnd.IntN(3)}}
		if w.rnd.IntN(2) == 0 {
			hashed := clientele.Identifier{Namespace: clientele.Email, Value: fmt.Sprintf("e%d@example.com", w.rnd.IntN(12))}.Hashed()[0]
			row.Identifiers, row.Hold = []clientele.RecordIdentifier{{Namespace: hashed.Namespace, Value: hashed.Value}}, true
		}
	}
	b, err := json.Marshal(row)
	w.must(err)
	return string(b)
}

// split takes an identifier out of its profile, or puts two together, by command.
func (w *world) split(r *resolve.Resolver) {
	g, err := identity.NewGraph(w.rules, w.rows)
	w.must(err)
	var anchors []clientele.Anchor
	for range 2 {
		a, err := g.Find(clientele.Identifier{Namespace: clientele.AnonymousID, Value: fmt.Sprintf("anon-%d", w.rnd.IntN(30))})
		if err == nil && !slices.Contains(anchors, a) {
			anchors = append(anchors, a)
		}
	}
	name := clientele.CommandUnmerge
	if len(anchors) == 2 && w.rnd.IntN(2) == 0 {
		name = clientele.CommandMerge
	} else {
		anchors = anchors[:min(1, len(anchors))]
	}
	if len(anchors) == 0 {
		return
	}
	body, err := json.Marshal(resolve.MergeBody{Anchors: anchors})
	w.must(err)
	raw, err := json.Marshal(clientele.Command{Name: name, By: "op", Body: body})
	w.must(err)
	w.frames = append(w.frames, clientele.Frame{Kind: clientele.KindCommand, Records: []clientele.Record{{Source: resolve.OperatorSource, ReceivedAt: w.now, Raw: raw}}})
	p := clientele.Position(len(w.frames))
	w.must(r.Batch([]resolve.Decoded{resolve.Decode(p, &w.frames[p-1], r.Rules(), func(string) resolve.Source { return resolve.Source{} })}))
}

// stageNames are the stages of the worlds.
var stageNames = []string{"awareness", "interest", "purchase"}

// lifecycle brings stages into force before there is anybody, so that they are kept by the resolver alone.
func (w *world) lifecycle(r *resolve.Resolver) {
	stages := []clientele.LifecycleStage{{Name: stageNames[0]},
		{Name: stageNames[1], Where: clientele.RawJSON(`{"event":"Viewed","within":"6d"}`)},
		{Name: stageNames[2], Where: clientele.RawJSON(`{"event":"Order Completed","count":{"op":"gte","value":2}}`)}}
	w.command(r, clientele.CommandLifecycle, resolve.LifecycleBody{Stages: stages})
	for _, s := range stages {
		w.command(r, clientele.CommandAudienceFill, resolve.AudienceFillBody{Name: audience.StageName(1, s.Name), Version: 1, Live: true})
	}
	w.command(r, clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: listName, Kind: clientele.AudienceStatic}})
}

// command has a command resolved.
func (w *world) command(r *resolve.Resolver, name clientele.CommandName, body any) {
	b, err := json.Marshal(body)
	w.must(err)
	raw, err := json.Marshal(clientele.Command{Name: name, By: "op", Body: b})
	w.must(err)
	w.frames = append(w.frames, clientele.Frame{Kind: clientele.KindCommand, Records: []clientele.Record{{Source: resolve.OperatorSource, ReceivedAt: w.now, Raw: raw}}})
	p := clientele.Position(len(w.frames))
	w.must(r.Batch([]resolve.Decoded{resolve.Decode(p, &w.frames[p-1], r.Rules(), func(string) resolve.Source { return resolve.Source{} })}))
}

// listName is the static audience of the worlds.
const listName = "a list"

// enlist puts somebody on the list or takes him off, and has an address that nobody may have yet awaited.
func (w *world) enlist(r *resolve.Resolver) {
	g, err := identity.NewGraph(w.rules, w.rows)
	w.must(err)
	var anchors []int64
	for range 4 {
		a, err := g.Find(clientele.Identifier{Namespace: clientele.AnonymousID, Value: fmt.Sprintf("anon-%d", w.rnd.IntN(30))})
		if err == nil && !slices.Contains(anchors, int64(a)) {
			anchors = append(anchors, int64(a))
		}
	}
	slices.Sort(anchors)
	body := resolve.AudienceListBody{Name: listName, Revision: 1}
	if w.rnd.IntN(3) == 0 {
		body.Remove = resolve.PackIDs(anchors)
	} else {
		waits := clientele.Identifier{Namespace: clientele.Email, Value: fmt.Sprintf("e%d@example.com", w.rnd.IntN(12))}
		body.Add = resolve.PackIDs(anchors)
		body.Await = resolve.PackSeals([]clientele.Seal{resolve.SealIdentifier(resolve.NewSeal(nil), waits.Hashed()[0])})
	}
	w.command(r, clientele.CommandAudienceList, body)
}

// suppress holds the two executions of a definition with suppress rules against each other, those whom each rule leaves out too. Now
// and then the definition is a list.
func (w *world) suppress() {
	w.Helper()
	parse := func() audience.Condition {
		c, err := audience.Parse([]byte(w.definition(1)))
		w.must(err)
		return c
	}
	s := &audience.Suppressed{Of: &audience.Listed{Audience: listName}}
	if w.rnd.IntN(3) > 0 {
		s.Of = parse()
	}
	for i := range 1 + w.rnd.IntN(3) {
		s.Rules = append(s.Rules, audience.SuppressRule{Name: fmt.Sprint("rule ", i), When: parse()})
	}
	w.both(s.String(), s)
	at := w.moment()
	for i := range s.Rules {
		var got, want []clientele.ProfileID
		query := w.schema.Members(s.By(i), at)
		w.must(w.columns.Numbers(context.Background(), query, func(row []int64) error { got = append(got, clientele.ProfileID(row[0])); return nil }))
		for _, p := range w.profiles {
			_, by, _, err := audience.Decide(s, w.facts[p], at)
			w.must(err)
			if by&(1<<i) != 0 {
				want = append(want, p)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			w.Fatalf("%s\nrule %d leaves out in SQL %v\nand by evaluation %v\n%s", s, i, got, want, query)
		}
	}
}

// compare holds the two executions against each other at a moment after the history, and
// evaluation against itself at the moment it names and right before.
func (w *world) compare(text string) {
	w.Helper()
	c, err := audience.Parse([]byte(text))
	if err != nil {
		w.Fatalf("%s: %v (%s)", text, err, clientele.ErrorHint(err))
	}
	w.both(text, c)
}

func (w *world) both(text string, c audience.Condition) {
	w.Helper()
	at := w.moment()
	var got []clientele.ProfileID
	query := w.schema.Members(c, at)
	if err := w.columns.Numbers(context.Background(), query, func(row []int64) error { got = append(got, clientele.ProfileID(row[0])); return nil }); err != nil {
		w.Fatalf("%s\n%s\n%v", text, query, err)
	}
	slices.Sort(got)
	first := map[clientele.ProfileID]clientele.Micros{}
	var want []clientele.ProfileID
	for _, p := range w.profiles {
		facts := w.facts[p]
		if w.rnd.IntN(8) == 0 {
			facts = w.stored[p]
		}
		member, recheck, err := audience.Evaluate(c, facts, at)
		w.must(err)
		if recheck <= at.Now {
			w.Fatalf("%s\nis to be checked again at %s, which is not after %s", text, recheck, at.Now)
		}
		if first[p] = recheck; member {
			want = append(want, p)
		}
		w.later(text, c, p, at, member, recheck)
	}
	w.members += len(want)
	if !slices.Equal(got, want) {
		w.Fatalf("%s\nat %s has in SQL    %v\nand by evaluation %v\n%s", text, at.Now, got, want, query)
	}
	if w.rnd.IntN(2) == 0 {
		w.ahead += w.recheckedBySQL(text, c, at, first)
	}
}

// later looks right before the moment that evaluation names, and somewhere before it.
func (w *world) later(text string, c audience.Condition, p clientele.ProfileID, at audience.At, member bool, recheck clientele.Micros) {
	if w.rnd.IntN(4) > 0 {
		return
	}
	if recheck == audience.Never {
		recheck = w.now + 200*day
	}
	before := at.Now + clientele.Micros(w.rnd.Int64N(int64(max(1, recheck-at.Now))))
	for _, now := range []clientele.Micros{recheck - 1, before} {
		then, _, err := audience.Evaluate(c, w.facts[p], audience.At{Now: now, Percentiles: at.Percentiles})
		w.must(err)
		if then != member {
			w.Fatalf("%s\nof %d is %t at %s, and was to be so until %s, and is not at %s", text, p, member, at.Now, recheck, now)
		}
		w.rechecks++
	}
}

// recheckedBySQL says whether SQL names a moment for everybody for whom evaluation does, and none
// that is too late: membership holds until then.
func (w *world) recheckedBySQL(text string, c audience.Condition, at audience.At, first map[clientele.ProfileID]clientele.Micros) int {
	moments := map[clientele.ProfileID]clientele.Micros{}
	if query := w.schema.Rechecks(c, at); query != "" {
		if err := w.columns.Numbers(context.Background(), query, func(row []int64) error { moments[clientele.ProfileID(row[0])] = clientele.Micros(row[1]); return nil }); err != nil {
			w.Fatalf("%s\n%s\n%v", text, query, err)
		}
	}
	for _, p := range w.profiles {
		until, ok := moments[p]
		if !ok {
			until = w.now + 200*day
		} else if until <= at.Now {
			w.Fatalf("%s\nSQL names %s, which is not after %s", text, until, at.Now)
		}
		is, _, err := audience.Evaluate(c, w.facts[p], at)
		w.must(err)
		then, _, err := audience.Evaluate(c, w.facts[p], audience.At{Now: until - 1, Percentiles: at.Percentiles})
		w.must(err)
		if is != then {
			w.Fatalf("%s\nof %d changes between %s and %s, which SQL does not know (evaluation: %s)", text, p, at.Now, until, first[p])
		}
	}
	return len(moments)
}
