package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"clientele"
	"clientele/client"
	"clientele/internal/token"
)

// What follows is the product's exports: a table of three rows, and errors where the table says so.

func (p *product) StartExport(_ context.Context, by string, req clientele.ExportRequest) (*clientele.Export, error) {
	return &clientele.Export{ID: "x", By: by, ExportRequest: req, State: clientele.ExportWaiting}, nil
}

func (p *product) Exports(_ context.Context, limit int, _ string) ([]clientele.Export, string, error) {
	return []clientele.Export{{ID: "x", ExportRequest: clientele.ExportRequest{Selection: clientele.Selection{Table: "orders"}}}}, "x", nil
}

func (p *product) ScheduledExports() []clientele.ScheduledExport { return nil }

func (p *product) ExportStatus(_ context.Context, id string) (*clientele.Export, error) {
	if id != "x" {
		return nil, clientele.Errorf(clientele.NotFound, "there is no export of that id")
	}
	return &clientele.Export{ID: id, State: clientele.ExportDone}, nil
}

func (p *product) CancelExport(context.Context, string) (*clientele.Export, error) {
	return &clientele.Export{ID: "x", State: clientele.ExportCancelled}, nil
}

func (p *product) StreamExport(_ context.Context, by string, req clientele.ExportRequest, w io.Writer) error {
	switch req.Table {
	case "events": // before the first byte
		return clientele.Errorf(clientele.Invalid, "there is no column \"x\"").WithHint("there are ...")
	case "returns": // in the middle
		_, _ = io.WriteString(w, "order_id\n1\n")
		return errors.New("disk /dev/sda1 is gone")
	}
	_, err := io.WriteString(w, "order_id\n1\n2\n"+by+"\n")
	return err
}

func (p *product) ExportRows(_ context.Context, _ string, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	if err := head(clientele.ExportHead{Columns: []clientele.ExportColumn{{Name: "n", Type: clientele.TypeBigint}}, Commit: 3, Position: 4, Rows: 3}); err != nil {
		return err
	}
	if err := page(clientele.ExportPage{Rows: [][]any{{int64(7)}, {nil}, {"x"}}, First: []string{"a"}, Last: append([]string{"c"}, sel.After...)}); err != nil {
		return err
	}
	if sel.Table == "returns" {
		return errors.New("disk /dev/sda1 is gone")
	}
	return nil
}

// TestStream: an error is a status before the first byte and a cut connection behind it.
func TestStream(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s.handler)
	defer srv.Close()
	c, err := client.New(srv.URL, s.tokens[token.Read])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	var b bytes.Buffer
	req := func(table, format string) clientele.ExportRequest {
		return clientele.ExportRequest{Selection: clientele.Selection{Table: table}, Format: format}
	}
	if err := c.Download(ctx, req("orders", "csv"), &b); err != nil || b.String() != "order_id\n1\n2\nthe-read\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if err := c.Download(ctx, req("events", "csv"), &b); clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
		t.Errorf("before the first byte: %v", err)
	}
	if err := c.Download(ctx, req("returns", "csv"), &b); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("in the middle: %v", err)
	}
	var head clientele.ExportHead
	var pages []clientele.ExportPage
	read := func(sel clientele.Selection) error {
		pages = nil
		return c.Export(ctx, sel, func(h clientele.ExportHead) error { head = h; return nil }, func(p clientele.ExportPage) error { pages = append(pages, p); return nil })
	}
	if err := read(clientele.Selection{Table: "orders", After: []string{"k"}}); err != nil || head.Position != 4 || head.Columns[0].Type != clientele.TypeBigint || len(pages) != 1 ||
		pages[0].Rows[0][0] != int64(7) || pages[0].Rows[1][0] != nil || pages[0].Rows[2][0] != "x" || pages[0].Last[1] != "k" {
		t.Errorf("rows: %+v %+v %v", head, pages, err)
	}
	if err := read(clientele.Selection{Table: "returns"}); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("rows that break off: %v", err)
	}
	resp, err := http.Get(srv.URL + "/api/v1/export?what=orders")
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %v, %v", resp.Status, err)
	}
	resp.Body.Close()
	srv.Close() // its handlers have ended
	if !strings.Contains(s.log.String(), "sda1") {
		t.Error("the log does not say why it broke off")
	}
	for body, want := range map[string]int{`{"what":"orders","format":"csv","to":"x"}`: 400, `{"what":"orders"}`: 400, `{"what":"audience:","format":"csv"}`: 400,
		`{"what":"orders","format":"csv","by":"root"}`: 400, `{"what":"orders","format":"xml"}`: 400} {
		if w := s.do("POST", "/api/v1/export", s.tokens[token.Read], body); w.Code != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := s.do("GET", "/api/v1/export?what=audience:die+K%C3%A4ufer", s.tokens[token.Read], ""); w.Header().Get("Content-Disposition") != `attachment; filename*=utf-8''audience-die%20K%C3%A4ufer.csv` {
		t.Errorf("an audience's file is called %q", w.Header().Get("Content-Disposition"))
	}
	if w := s.do("POST", "/api/v1/exports", s.tokens[token.Admin], `{"what":"orders","format":"csv","to":"x","state":"done"}`); w.Code != 400 {
		t.Errorf("a state in the request: %d", w.Code)
	}
}
