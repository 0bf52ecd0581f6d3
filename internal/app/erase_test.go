package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/archive"
	"clientele/internal/config"
	"clientele/internal/eventlog"
	"clientele/internal/privacy"
	"clientele/internal/resolve"
	"clientele/internal/store/pebblestore"
)

// needles are texts that are ann's alone.
var needles = []string{"ann@annsecret.example", "annsecretuser", "anon-annsecret", "annsecretcity", "ANNSECRET-1", "annsecretnote", "ANNSECRET-C1", "annsecretbad", "ANNSECRET-L1", "ANNSECRET-P1"}

var annRows = []string{
	`{"table":"profiles","id":"cp1","ids":[{"ns":"email","v":"ann@annsecret.example"}],"traits":{"note":"annsecretnote"}}`,
	`{"table":"orders","id":"co1","ids":[{"ns":"email","v":"ann@annsecret.example"}],"fields":{"order_id":"ANNSECRET-C1","ts":"2026-01-05T10:00:00Z","revenue":"7"}}`,
	`{"table":"order_lines","id":"cl1","fields":{"order_id":"ANNSECRET-C1","line":"1","sku":"S9","price":"7"}}`,
	`{"table":"payments","id":"cy1","fields":{"payment_id":"ANNSECRET-P1","order_id":"ANNSECRET-C1","amount":"7"}}`,
	`{"table":"loyalty_accounts","id":"ca1","ids":[{"ns":"email","v":"ann@annsecret.example"}],"fields":{"loyalty_id":"ANNSECRET-L1","tier":"gold"}}`,
	`{"table":"loyalty_ledger","id":"ce1","fields":{"loyalty_id":"ANNSECRET-L1","points":"5","reason":"annsecretnote"}}`,
}

func annEvents(at string) []string {
	return []string{
		identify("x1", at, `"userId":"annsecretuser","anonymousId":"anon-annsecret"`, `{"email":"ann@annsecret.example","city":"annsecretcity","consent":{"marketing":true}}`),
		track("x2", "Order Completed", at, `"userId":"annsecretuser"`, `{"order_id":"ANNSECRET-1","revenue":30,"products":[{"sku":"S1","name":"Boots","price":30}]}`),
		track("x3", "Looked", at, `"anonymousId":"anon-annsecret"`, `{"where":"annsecretcity`+strings.Repeat(" far away", 40)+`"}`),
		`{"type":"track","messageId":"annsecretbad","event":"","userId":"annsecretuser"}`,
	}
}

// together is two people of whom one will be erased.
func (p *program) together() {
	p.couple() // ann and bob of another example: both stay
	p.batch(webKey, annEvents("2026-02-10T10:00:00Z")...)
	p.rows("crm", annRows...)
	p.batch(webKey, track("b9", "Product Viewed", "2026-02-11T10:00:00Z", `"userId":"bob"`, `{"product_id":"S1","name":"Boots"}`))
	p.settle()
}

// inFiles is where under dir the bytes stand.
func inFiles(t *testing.T, dir string, needle []byte) (where []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if bytes.Contains(b, needle) {
			rel, _ := filepath.Rel(dir, path)
			where = append(where, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// frames are all frames of log and archive, as they are stored.
func frames(t *testing.T, c config.Config) map[clientele.Position][]byte {
	t.Helper()
	out := map[clientele.Position][]byte{}
	ar, err := archive.Open(filepath.Join(c.Data, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer ar.Close()
	r := ar.Read(0)
	defer r.Close()
	for {
		p, b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out[p] = b
	}
	log, err := eventlog.Open(context.Background(), eventlog.Options{Dir: filepath.Join(c.Data, "log"), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for p := log.First(); p <= log.Last(); p++ {
		if b, err := log.Frame(context.Background(), p); err == nil {
			out[p] = b
		}
	}
	return out
}

// decoded is where in the decoded stores one of the needles stands.
func decoded(t *testing.T, c config.Config) (where []string) {
	t.Helper()
	find := func(place, text string) {
		for _, n := range needles {
			if strings.Contains(strings.ToLower(text), strings.ToLower(n)) {
				where = append(where, place+" "+n)
			}
		}
	}
	for p, b := range frames(t, c) {
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			find(fmt.Sprint("log ", p), string(r.Raw))
		}
	}
	rows, err := pebblestore.Open(pebblestore.Options{Dir: filepath.Join(c.Data, "state", "rows"), MinFreeBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	err = rows.Scan(clientele.Range{}, func(k clientele.Key, v []byte) (bool, error) {
		find(fmt.Sprintf("row %c", k[0]), string(k)+string(v))
		if k[0] == clientele.RowOutbox {
			c, err := resolve.DecodeChange(v)
			if err != nil {
				return false, err
			}
			find("outbox", fmt.Sprint(c))
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

func (p *program) everyTable() (where []string) {
	p.Helper()
	for _, t := range clientele.Schema {
		for _, row := range p.sql("select * from " + t.Name) {
			for _, n := range needles {
				if strings.Contains(row, n) {
					where = append(where, t.Name+" "+n)
				}
			}
		}
	}
	return where
}

// whole is everything that is known of the person.
func (p *program) whole(ns, value string) string {
	p.Helper()
	d, err := p.client.Access(context.Background(), id(ns, value))
	if err != nil {
		p.Fatal(err)
	}
	d.MadeAt = 0
	b, err := json.Marshal(d)
	if err != nil {
		p.Fatal(err)
	}
	return string(b)
}

func (p *program) gone() {
	p.Helper()
	for _, who := range []clientele.Identifier{id("email", "ann@annsecret.example"), id("user_id", "annsecretuser"), id("anonymous_id", "anon-annsecret")} {
		if _, err := p.client.Profile(context.Background(), who, false); clientele.ErrorCode(err) != clientele.NotFound {
			p.Errorf("%s: %v", who.Namespace, err)
		}
	}
	if where := p.everyTable(); len(where) > 0 {
		p.Errorf("SQL has %v", where)
	}
	for _, q := range p.allQuarantined(100) {
		if strings.Contains(q.Raw, "annsecret") {
			p.Errorf("quarantine has %s", q.ID)
		}
	}
}

// Erase, then look everywhere: in every file byte by byte, in every store decoded, in every answer.
// Before, the same search finds the person.
// With compression, what the stores hold is looked for decoded as well; without it the bytes of
// every store have to tell of the person before.
func TestEraseLooksEverywhere(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{"compressed": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eraseLooksEverywhere(t, plain)
		})
	}
}

func eraseLooksEverywhere(t *testing.T, plain bool) {
	ctx := context.Background()
	c := settings(t)
	o := options()
	o.Plain = plain
	run := func(t *testing.T, c config.Config) *program {
		t.Helper()
		p := runWith(t, c, o)
		return p
	}
	rebuild := func(t *testing.T, c config.Config) {
		t.Helper()
		if err := app.Rebuild(ctx, c, o, nil); err != nil {
			t.Fatal(err)
		}
	}
	p := run(t, c)
	p.together()
	p.stop()
	// Part of the history has left the log.
	c.Log.KeepSize = 1
	p = run(t, c)
	eventually(t, "the log was archived", func() bool { return p.status().Log.Archived > 3 })
	p.stop()
	c.Log.KeepSize = config.GB
	p = run(t, c)
	p.batch(webKey, track("x4", "Looked", "2026-02-12T10:00:00Z", `"userId":"annsecretuser"`, `{"where":"annsecretcity"}`))
	p.settle()
	bob := p.whole("user_id", "bob")
	if len(p.everyTable()) == 0 {
		t.Fatal("SQL does not find the person before")
	}
	p.stop()

	var pieces [][]byte // of stored frames: what compression made of the person
	for _, b := range frames(t, c) {
		if f, err := eventlog.DecodeFrame(b); err == nil && slices.ContainsFunc(f.Records, func(r clientele.Record) bool { return bytes.Contains(bytes.ToLower(r.Raw), []byte("annsecret")) }) {
			pieces = append(pieces, b[len(b)/2:min(len(b), len(b)/2+32)])
		}
	}
	if len(pieces) < 3 || len(decoded(t, c)) == 0 {
		t.Fatal("the stores do not hold the person before")
	}
	for _, piece := range pieces {
		if len(inFiles(t, c.Data, piece)) == 0 {
			t.Fatal("the files do not hold a stored frame before")
		}
	}
	before := map[string]int{} // by store, how many of the needles it shows
	for _, n := range needles {
		in := map[string]bool{}
		for _, where := range inFiles(t, c.Data, []byte(n)) {
			store, rest, _ := strings.Cut(filepath.ToSlash(where), "/")
			if store == "state" {
				store, _, _ = strings.Cut(rest, "/")
			}
			in[store] = true
		}
		if plain && len(in) < 2 { // the log or the archive, and what was made of it but for bad records
			if n != "annsecretbad" || len(in) == 0 {
				t.Fatalf("%q is only in %v before", n, in)
			}
		}
		for store := range in {
			before[store]++
		}
	}
	stores := []string{"rows", "columns.duckdb"}
	if plain {
		stores = append(stores, "log", "archive")
	}
	for _, store := range stores {
		if before[store] == 0 {
			t.Fatalf("the search finds the person only in %v before", before)
		}
	}
	t.Logf("of %d texts each store shows before %v", len(needles), before)

	p = run(t, c)
	dry, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "email", Value: "Ann@AnnSecret.example", DryRun: true})
	if err != nil || dry.Counts["events"] != 4 || dry.Counts["orders"] != 2 || dry.Counts["quarantined"] != 1 || dry.Counts["payments"] != 1 || dry.Counts["loyalty_ledger"] != 1 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	r, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "email", Value: "Ann@AnnSecret.example", Purge: true})
	if err != nil || r.PurgedAt == 0 || fmt.Sprint(r.Counts) != fmt.Sprint(dry.Counts) {
		t.Fatalf("erase: %+v, %v; the dry run said %v", r, err, dry.Counts)
	}
	p.gone()
	if got := p.whole("user_id", "bob"); got != bob {
		t.Errorf("bob is\n%s\nwas\n%s", got, bob)
	}
	certificate, err := p.client.Certificate(ctx, r.ID)
	if err != nil || len(certificate) != 2 || !strings.Contains(string(certificate[1]), `"purged"`) || strings.Contains(string(certificate[0]), "annsecret") {
		t.Errorf("certificate %s, %v", certificate, err)
	}
	look := func(when string) {
		t.Helper()
		p.stop()
		for _, n := range needles {
			if where := inFiles(t, c.Data, []byte(n)); len(where) > 0 {
				t.Errorf("%s: %q is still in %v", when, n, where)
			}
		}
		for _, piece := range pieces {
			if where := inFiles(t, c.Data, piece); len(where) > 0 {
				t.Errorf("%s: a stored frame is still in %v", when, where)
			}
		}
		if where := decoded(t, c); len(where) > 0 {
			t.Errorf("%s: decoded, it is still in %v", when, where)
		}
	}
	look("erased")
	p = run(t, c)
	digests := p.digests()
	p.stop()
	rebuild(t, c)
	p = run(t, c)
	same(t, digests, p.digests())
	p.gone()
	if got := p.whole("user_id", "bob"); got != bob {
		t.Errorf("after a rebuild bob is\n%s\nwas\n%s", got, bob)
	}
	// The same files and events again, and a newer file without times: nobody comes back.
	p.rows("crm", annRows...)
	p.rows("crm", strings.ReplaceAll(annRows[0], "annsecretnote", "annsecretnote, again"), strings.ReplaceAll(annRows[2], `"price":"7"`, `"price":"8"`))
	p.batch(webKey, annEvents("2026-02-10T10:00:00Z")[:3]...)
	p.settle()
	p.gone()
	if err := p.app.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	look("imported again")
	p = run(t, c)
	digests = p.digests()
	p.stop()
	rebuild(t, c)
	p = run(t, c)
	same(t, digests, p.digests())
	// Who comes later is somebody new.
	p.batch(webKey, `{"type":"identify","messageId":"x9","userId":"annsecretuser","traits":{"city":"Hue"}}`)
	p.settle()
	if one := p.profile("user_id", "annsecretuser"); one.Events != 1 || one.Traits["city"] != "Hue" || len(one.Identifiers) != 1 {
		t.Errorf("the new person is %+v", one)
	}
}

// Access has everything of the person, from every place, and nothing of anybody else; the page says
// the same, and what people typed is no markup in it.
func TestAccess(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	p.together()
	p.batch(webKey, track("x5", "Wrote", "2026-02-12T11:00:00Z", `"userId":"annsecretuser"`, `{"text":"<script>alert(1)</script>"}`))
	p.settle()
	who := id("user_id", "annsecretuser")
	text := p.whole("user_id", "annsecretuser")
	page, err := p.client.AccessPage(context.Background(), who)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range needles {
		if !strings.Contains(text, n) {
			t.Errorf("the data lack %s", n)
		}
		if !strings.Contains(string(page), n) {
			t.Errorf("the page lacks %s", n)
		}
	}
	for _, other := range []string{"bob@example.com", "ann@example.com", "O2"} {
		if strings.Contains(text, other) || strings.Contains(string(page), other) {
			t.Errorf("%s is somebody else's", other)
		}
	}
	if strings.Contains(string(page), "<script>") || !strings.Contains(string(page), "&lt;script&gt;") {
		t.Error("the page takes what people typed for markup")
	}
	d, err := p.client.Access(context.Background(), who)
	if err != nil || len(d.Events) != 5 || d.Events[0].TS > d.Events[4].TS || len(d.Consents) != 1 || len(d.Quarantined) != 1 || d.Profile.Provenance["city"].Source != "web" {
		t.Errorf("%+v, %v", d, err)
	}
	for i, e := range d.Events { // the whole record, also what no property holds
		if e.Position != 0 && !strings.Contains(string(e.Raw), `"messageId":"`+e.ID+`"`) {
			t.Errorf("event %d has the record %s", i, e.Raw)
		}
	}
	if d.RawLeftOut != 0 || d.Events[1].Raw == nil {
		t.Errorf("%d records are left out", d.RawLeftOut)
	}
	if _, err := p.client.Access(context.Background(), id("email", "nobody@example.com")); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("nobody: %v", err)
	}
}

// A backup brings an erased person back, and the restored directory erases them again before
// anything else happens.
func TestEraseAfterRestore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	p.together()
	to, _ := p.backup("b")
	r, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "user_id", Value: "annsecretuser", Purge: true})
	if err != nil {
		t.Fatal(err)
	}
	bob := p.whole("user_id", "bob")
	p.stop()
	if _, err := app.Restore(ctx, c, to, options(), app.RestoreOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if len(decoded(t, c)) == 0 {
		t.Fatal("the backup does not have the person")
	}
	c.Erase.PurgeWithin = 0
	p = run(t, c)
	eventually(t, "the erasure was repeated and purged", func() bool {
		cert, err := p.app.Erasures(ctx)
		return err == nil && len(cert) == 2
	})
	p.gone()
	p.rows("crm", annRows...)
	p.settle()
	p.gone()
	if got := p.whole("user_id", "bob"); got != bob {
		t.Errorf("bob is\n%s\nwas\n%s", got, bob)
	}
	digests := p.digests()
	p.stop()
	if where := decoded(t, c); len(where) > 0 {
		// what was imported again waits for the next purge
		for _, w := range where {
			if !strings.HasPrefix(w, "log") {
				t.Errorf("%s, of %s", w, r.ID)
			}
		}
	}
	rebuild(t, c)
	p = run(t, c)
	same(t, digests, p.digests())
	p.gone()
}

// An erasure that a crash has interrupted is carried through: the book is written from the rows,
// and the purge is done by whoever opens the directory next.
func TestEraseAfterCrash(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	p.together()
	r, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "user_id", Value: "annsecretuser"})
	if err != nil || r.PurgedAt != 0 || r.PurgeBy == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	p.gone()
	if err := p.app.PurgeLogOnly(ctx); err != nil { // and here it crashed
		t.Fatal(err)
	}
	digests := p.digests()
	p.stop()
	if err := os.Remove(filepath.Join(c.Data, privacy.BookFile)); err != nil { // before it was written
		t.Fatal(err)
	}
	c.Erase.PurgeWithin = 0
	p = run(t, c)
	eventually(t, "the purge was complete", func() bool {
		cert, err := p.client.Certificate(ctx, r.ID)
		return err == nil && len(cert) == 2
	})
	same(t, digests, p.digests())
	p.stop()
	for _, n := range needles {
		if where := inFiles(t, c.Data, []byte(n)); len(where) > 0 {
			t.Errorf("%q is still in %v", n, where)
		}
	}
	rebuild(t, c)
	p = run(t, c)
	same(t, digests, p.digests())
	p.gone()
	p.stop()
	// A register that was tampered with is noticed.
	path := filepath.Join(c.Data, privacy.BookFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(b, []byte(`"events":3`), []byte(`"events":2`), 1)
	if err := os.WriteFile(path, forged, 0o600); err != nil || bytes.Equal(forged, b) {
		t.Fatal(err, "nothing was forged")
	}
	if _, err := privacy.OpenBook(c.Data, nil); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("a forged register: %v", err)
	}
}
