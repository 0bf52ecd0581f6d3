package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"clientele"
	"clientele/client"
	"clientele/internal/app"
	"clientele/internal/config"
	"clientele/internal/exporter"
	"clientele/internal/store/duckstore"
	"clientele/internal/token"
)

// stocked is a program with some people, events and orders.
func stocked(t *testing.T, c config.Config) *program {
	t.Helper()
	p := run(t, c)
	var events, orders []string
	for i := range 60 {
		events = append(events, fmt.Sprintf(`{"type":"track","event":"Seen","messageId":"m%d","userId":"u%d","timestamp":"2026-02-%02dT10:00:00Z","properties":{"sku":"T-%d","price":%d.5}}`, i, i%20, i%28+1, i%7, i))
		orders = append(orders, fmt.Sprintf(`{"table":"orders","id":"o-%d","ids":[{"ns":"user_id","v":"u%d"}],"fields":{"order_id":"%d","status":"completed","revenue":"%d.25","currency":"USD","ts":"2026-02-%02dT10:00:00Z"}}`, i, i%20, i, i, i%28+1))
	}
	p.batch(serverKey, events...)
	p.rows("crm", orders...)
	p.settle()
	return p
}

// download is a table as one file.
func (p *program) download(req clientele.ExportRequest) []byte {
	p.Helper()
	var b bytes.Buffer
	if err := p.client.Download(context.Background(), req, &b); err != nil {
		p.Fatalf("%+v: %v", req, err)
	}
	return b.Bytes()
}

func want(table, format string) clientele.ExportRequest {
	return clientele.ExportRequest{Selection: clientele.Selection{Table: table}, Format: format}
}

// TestDownload: every table in every format holds what SQL holds.
func TestDownload(t *testing.T) {
	p := stocked(t, settings(t))
	for _, table := range clientele.Schema {
		n := p.sql("SELECT count(*) FROM " + table.Name)[0]
		rows, err := csv.NewReader(bytes.NewReader(p.download(want(table.Name, "csv")))).ReadAll()
		if err != nil || fmt.Sprint(len(rows)-1) != n {
			t.Errorf("%s: %d lines of CSV for %s rows: %v", table.Name, len(rows), n, err)
		}
		lines := bytes.Count(p.download(want(table.Name, "jsonl")), []byte("\n"))
		if fmt.Sprint(lines) != n {
			t.Errorf("%s: %d lines for %s rows", table.Name, lines, n)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(p.download(clientele.ExportRequest{Selection: clientele.Selection{Table: "orders", Columns: []string{"order_id", "revenue", "ts", "profile_id"}}, Format: "csv"}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows[1:] {
		got = append(got, strings.Join(r, "|"))
	}
	sqlRows := p.sql("SELECT order_id, revenue, ts, profile_id FROM orders ORDER BY source, order_id")
	if !slices.Equal(got, sqlRows) {
		t.Errorf("CSV is\n%q\nSQL is\n%q", got[:3], sqlRows[:3])
	}
	path := filepath.Join(t.TempDir(), "events.parquet")
	if err := os.WriteFile(path, p.download(want("events", "parquet")), 0o600); err != nil {
		t.Fatal(err)
	}
	var sum float64
	var price int
	err = duckstore.ParquetFiles{}.ReadParquet(t.Context(), path, func(names []string) error { price = slices.Index(names, "price"); return nil },
		func(v []any) error { f, _ := v[price].(float64); sum += f; return nil })
	if got := p.sql("SELECT sum(price) FROM events")[0]; err != nil || fmt.Sprint(sum) != got {
		t.Errorf("Parquet has %v, SQL %v: %v", sum, got, err)
	}
	// What is wrong is said with a status, before the first byte.
	for _, bad := range []clientele.ExportRequest{want("nothing", "csv"), want("audience:vip", "csv"), want("events", "xml"), {Selection: clientele.Selection{Table: "events", Columns: []string{"nope"}}, Format: "csv"},
		{Selection: clientele.Selection{Table: "events"}, Format: "parquet", Compression: "gzip"}} {
		err := p.client.Download(t.Context(), bad, io.Discard)
		if code := clientele.ErrorCode(err); code != clientele.Invalid && code != clientele.NotFound || clientele.ErrorHint(err) == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestExportAudience: an audience's export are the profiles of its members, with when they entered; those who entered
// since, and those who have left do not come.
func TestExportAudience(t *testing.T) {
	p := stocked(t, settings(t))
	if _, err := p.client.SetAudience(t.Context(), clientele.Audience{Name: "saw T-3", Where: clientele.RawJSON(`{"event":"Seen","where":[{"property":"sku","op":"eq","value":"T-3"}],"count":{"op":"between","value":[1,3]}}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("saw T-3")
	p.settle()
	const members = "FROM profiles p JOIN audience_members m USING (profile_id) WHERE m.audience = 'saw T-3' AND m.exited_at IS NULL"
	rows := func(req clientele.ExportRequest) []string {
		t.Helper()
		all, err := csv.NewReader(bytes.NewReader(p.download(req))).ReadAll()
		if err != nil || len(all) == 0 || all[0][len(all[0])-1] != clientele.EnteredColumn {
			t.Fatalf("%v, %v", all, err)
		}
		var out []string
		for _, r := range all[1:] {
			out = append(out, r[0]+"|"+r[len(r)-1])
		}
		return out
	}
	held := func(more string) []string {
		return p.sql("SELECT p.profile_id, m.entered_at " + members + more + " ORDER BY 1")
	}
	all := rows(want("audience:saw T-3", "csv"))
	if len(all) == 0 || !slices.Equal(all, held("")) {
		t.Errorf("the export has %q, SQL %q", all, held(""))
	}
	for _, format := range []string{"jsonl", "parquet"} {
		if b := p.download(want("audience:saw T-3", format)); format == "jsonl" && bytes.Count(b, []byte("\n")) != len(all) || len(b) == 0 {
			t.Errorf("%s: %d bytes for %d members", format, len(b), len(all))
		}
	}
	entered, err := time.Parse(time.RFC3339Nano, strings.Split(all[0], "|")[1])
	if err != nil {
		t.Fatal(err)
	}
	// One more enters, one leaves.
	leaver := p.sql("SELECT profile_id FROM events WHERE name = 'Seen' AND sku = 'T-3' ORDER BY 1 LIMIT 1")[0]
	who := p.sql("SELECT value FROM identifiers WHERE namespace = 'user_id' AND profile_id = " + leaver)[0]
	for i := range 3 {
		p.batch(serverKey, track(fmt.Sprint("again", i), "Seen", "2026-02-28T11:00:00Z", `"userId":"`+who+`"`, `{"sku":"T-3"}`))
	}
	p.batch(serverKey, track("first", "Seen", "2026-02-28T11:00:00Z", `"userId":"somebody else"`, `{"sku":"T-3"}`))
	p.settle()
	now := rows(want("audience:saw T-3", "csv"))
	if !slices.Equal(now, held("")) || slices.ContainsFunc(now, func(r string) bool { return strings.HasPrefix(r, leaver+"|") }) {
		t.Errorf("then the export has %q, SQL %q, and %s has left", now, held(""), leaver)
	}
	later := want("audience:saw T-3", "csv")
	later.Since = clientele.MicrosOf(entered) + 1
	if got := rows(later); len(got) == 0 || len(got) == len(now) || !slices.Equal(got, held(" AND m.entered_at > '"+entered.Format("2006-01-02 15:04:05.999999")+"+00'")) {
		t.Errorf("since then entered %q of %q", got, now)
	}
	if items, _, _, err := p.client.Exports(t.Context(), 1, ""); err != nil || items[0].Table != "audience:saw T-3" {
		t.Errorf("the ledger has %+v, %v", items, err)
	}
	if _, err := p.client.StartExport(t.Context(), clientele.ExportRequest{Selection: clientele.Selection{Table: "audience:nobody's"}, Format: "csv", To: "x"}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("an audience that is not there: %v", err)
	}
}

// TestExportRows: a client reads the same rows, goes on behind a key, and the ledger knows it.
func TestExportRows(t *testing.T) {
	p := stocked(t, settings(t))
	dir := filepath.Join(t.TempDir(), "out")
	done, err := exporter.Run(t.Context(), exporter.Options{Request: want("orders", "csv"), Source: p.client, Place: exporter.NewFolder(dir), Now: time.Now})
	if err != nil || done.Rows != 60 {
		t.Fatalf("%+v: %v", done, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "part-000001.csv"))
	if err != nil || !bytes.Equal(b, p.download(want("orders", "csv"))) {
		t.Errorf("the client's file is another than the server's: %v", err)
	}
	n := 0
	sel := clientele.Selection{Table: "orders", After: []string{"crm", "30"}}
	err = p.client.Export(t.Context(), sel, func(clientele.ExportHead) error { return nil }, func(p clientele.ExportPage) error { n += len(p.Rows); return nil })
	if want := p.sql("SELECT count(*) FROM orders WHERE order_id > '30'")[0]; err != nil || fmt.Sprint(n) != want {
		t.Errorf("behind a key come %d rows, not %s: %v", n, want, err)
	}
	items, _, _, err := p.client.Exports(t.Context(), 10, "")
	if err != nil || len(items) != 3 || items[0].Rows != int64(n) || items[2].Rows != 60 || items[2].State != clientele.ExportDone || items[2].To != "stream" || items[2].By == "" || items[2].Position == 0 {
		t.Errorf("the ledger: %+v, %v", items, err)
	}
}

// waited is the export when it has ended.
func (p *program) waited(id string) *clientele.Export {
	p.Helper()
	var e *clientele.Export
	eventually(p.T, "the export ends", func() bool {
		var err error
		if e, err = p.client.ExportStatus(context.Background(), id); err != nil {
			p.Fatal(err)
		}
		return e.State.Ended()
	})
	return e
}

// TestExportJob: the server exports to its own places, and to no others.
func TestExportJob(t *testing.T) {
	c := settings(t)
	elsewhere := t.TempDir()
	c.ExportTo = []string{elsewhere, "s3://lake/api/"}
	p := stocked(t, c)
	req := want("profiles", "jsonl")
	req.Compression, req.To = "gzip", "reports/march"
	e, err := p.client.StartExport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if e = p.waited(e.ID); e.State != clientele.ExportDone || e.Rows != 20 || e.Parts != 1 {
		t.Fatalf("%+v", e)
	}
	if _, err := os.Stat(filepath.Join(c.Data, "exports", "reports", "march", "part-000001.jsonl.gz")); err != nil {
		t.Error(err)
	}
	if e, err = p.client.StartExport(t.Context(), req); err == nil { // into the same place
		e = p.waited(e.ID)
	}
	if err != nil || e.State != clientele.ExportFailed || e.Tries != 1 || e.Error == "" || e.Hint == "" {
		t.Errorf("a second export into the place: %+v, %v", e, err)
	}
	req.To = filepath.Join(elsewhere, "x")
	if e, err = p.client.StartExport(t.Context(), req); err != nil || p.waited(e.ID).State != clientele.ExportDone {
		t.Errorf("to a place of export_to: %+v, %v", e, err)
	}
	link := filepath.Join(c.Data, "exports", "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	req.To = "link/x"
	if e, err = p.client.StartExport(t.Context(), req); err != nil || p.waited(e.ID).State != clientele.ExportFailed {
		t.Errorf("a link led out of the folder: %+v, %v", e, err)
	}
	for _, to := range []string{"../x", "a/../../x", "/etc/cron.d", "/", ".", filepath.Join(elsewhere, "..", "y"), elsewhere + "2", "s3://other/x", "s3://lake/apis", "s3://lake/api/../x", "s3://lake", "http://169.254.169.254/latest",
		"file:///etc", "s3://lake@evil/api", `..\x`, "a\x00b", "gs://lake/api", c.Data} {
		req.To = to
		if e, err := p.client.StartExport(t.Context(), req); clientele.ErrorCode(err) != clientele.Denied && clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%q: %+v, %v", to, e, err)
		}
	}
	if _, err := p.client.CancelExport(t.Context(), e.ID); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("an export that has ended was cancelled: %v", err)
	}
	if _, err := p.client.CancelExport(t.Context(), "nobody"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("one that is not there was cancelled: %v", err)
	}
	// Who may only read may download, and neither start nor cancel.
	secret, _, err := p.app.Tokens().CreateToken(t.Context(), "reader", []token.Scope{token.Read})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := client.New(p.url, secret)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.StartExport(t.Context(), req); clientele.ErrorCode(err) != clientele.Denied {
		t.Errorf("a reader started one: %v", err)
	}
	if _, err := reader.CancelExport(t.Context(), e.ID); clientele.ErrorCode(err) != clientele.Denied {
		t.Errorf("a reader cancelled one: %v", err)
	}
	if err := reader.Download(t.Context(), want("orders", "csv"), io.Discard); err != nil {
		t.Errorf("a reader's download: %v", err)
	}
	nobody, err := client.New(p.url, "nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	if err := nobody.Download(t.Context(), want("orders", "csv"), io.Discard); clientele.ErrorCode(err) != clientele.Unknown {
		t.Errorf("nobody's download: %v", err)
	}
}

// TestScheduledExport: to an object store, again and again, each time what has changed since; it goes
// on when the program was stopped, and a store that is down is tried again.
func TestScheduledExport(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	s3 := httptest.NewServer(gofakes3.New(backend).Server())
	defer s3.Close()
	c := settings(t)
	c.S3 = config.S3{Endpoint: s3.URL, Region: "eu-west-1", AccessKey: "a", SecretKey: "hush-hush", PathStyle: true}
	c.Exports = []config.Export{{Name: "orders", What: "orders", Format: "jsonl", To: "s3://lake/out", Every: config.Duration(time.Millisecond), SinceLast: true}}
	p := stocked(t, c)
	rows := func() (n int) {
		p.Helper()
		list, err := backend.ListBucket("lake", nil, gofakes3.ListBucketPage{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Contents {
			if strings.HasSuffix(o.Key, ".jsonl") {
				obj, err := backend.GetObject("lake", o.Key, nil)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(obj.Contents)
				if err != nil || !strings.HasPrefix(o.Key, "out/orders/20260301T12") {
					t.Errorf("%s: %v", o.Key, err)
				}
				n += bytes.Count(b, []byte("\n"))
			}
		}
		return n
	}
	eventually(t, "all orders are in the store", func() bool { return rows() >= 60 })
	p.rows("crm", `{"table":"orders","id":"late","ids":[{"ns":"user_id","v":"u1"}],"fields":{"order_id":"late","status":"completed","revenue":"1","currency":"USD","ts":"2026-02-01T10:00:00Z"}}`)
	p.settle()
	before := rows()
	eventually(t, "the late order is there too", func() bool { return rows() > before })
	_, scheduled, _, err := p.client.Exports(t.Context(), 1, "")
	if err != nil || len(scheduled) != 1 || scheduled[0].Last == nil || scheduled[0].Next == 0 {
		t.Errorf("%+v, %v", scheduled, err)
	}
	if n := p.scrape().sum("clientele_export_last_done_timestamp_seconds"); n < 1.7e9 {
		t.Errorf("last done at %v", n)
	}
	p.stop()
	if b, err := os.ReadFile(filepath.Join(c.Data, "exports.jsonl")); err != nil || bytes.Contains(b, []byte("hush")) {
		t.Errorf("the ledger holds a secret: %v", err)
	}
	total := rows()
	if total > 75 { // 60, those of a first export that began in the middle of the loading, and the late one
		t.Errorf("%d rows were exported in all: what had not changed came again", total)
	}
	s3.Close()
	p = run(t, c)
	eventually(t, "the store that is down is a problem", func() bool {
		s := p.status()
		return slices.ContainsFunc(s.Problems, func(s string) bool { return strings.HasPrefix(s, "export orders: waiting") })
	})
}

// TestExportInterrupted: an export that was under way when the program stopped goes on.
func TestExportInterrupted(t *testing.T) {
	c := settings(t)
	p := stocked(t, c)
	p.stop()
	ledger, err := exporter.OpenLedger(filepath.Join(c.Data, "exports.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	req := want("orders", "csv")
	req.To = filepath.Join(c.Data, "exports", "left")
	for _, e := range []clientele.Export{{ID: "left", By: "ann", ExportRequest: req, State: clientele.ExportRunning, Asked: 1},
		{ID: "gone", By: "ann", ExportRequest: clientele.ExportRequest{Selection: req.Selection, Format: "csv", To: "stream"}, State: clientele.ExportRunning, Asked: 2}} {
		if err := ledger.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	// A command that opens the directory for a moment leaves it alone.
	a, err := app.Open(t.Context(), c, app.Options{Now: clock, KeepRules: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	if err := a.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if e, err := a.ExportStatus(ctx, "left"); err != nil || e.State != clientele.ExportRunning {
		t.Errorf("%+v, %v", e, err)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	p = run(t, c)
	if e := p.waited("left"); e.State != clientele.ExportDone || e.Rows != 60 {
		t.Errorf("%+v", e)
	}
	if e := p.waited("gone"); e.State != clientele.ExportFailed || e.Error == "" {
		t.Errorf("a stream: %+v", e)
	}
}

// TestExportQuery: a plain GET, as curl does it.
func TestExportQuery(t *testing.T) {
	p := stocked(t, settings(t))
	get := func(query string) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, p.url+"/api/v1/export?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+p.app.Tokens().Local())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, b
	}
	resp, b := get("what=orders&format=jsonl&columns=order_id,ts&since=2026-02-03&until=2026-02-04T00:00:00Z&source=crm")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/x-ndjson" || !strings.Contains(resp.Header.Get("Content-Disposition"), "orders.jsonl") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	var ids []string
	for line := range bytes.Lines(b) {
		var row struct {
			ID string `json:"order_id"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row.ID)
	}
	if !slices.Equal(ids, []string{"2", "30", "58"}) {
		t.Errorf("orders %v", ids)
	}
	for _, bad := range []string{"", "what=orders&format=xml", "what=orders&since=yesterday", "what=orders&odd=1", "what=orders&since=2026-02-03&until=2026-02-03"} {
		if resp, b := get(bad); resp.StatusCode != 400 || !bytes.Contains(b, []byte(`"code":"invalid"`)) {
			t.Errorf("%s: %d %s", bad, resp.StatusCode, b)
		}
	}
}
