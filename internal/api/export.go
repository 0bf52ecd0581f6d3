package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/token"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/fxamacker/cbor/v2"
)

// RowsFormat is the format of a stream in which clients of this program read rows: a CBOR sequence
// of RowsMessage.
const RowsFormat = "rows"

// RowsMessage is an item of the stream: the head first, then pages, at the end Done. A stream that
// ends without it was cut off.
type RowsMessage struct {
	Head *clientele.ExportHead `cbor:"1,keyasint,omitempty"`
	Page *clientele.ExportPage `cbor:"2,keyasint,omitempty"`
	Done bool                  `cbor:"3,keyasint,omitempty"`
}

// mediaTypes are what streams are, by format and compression.
var mediaTypes = map[string]string{
	"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet", RowsFormat: "application/cbor-seq",
	"gzip": "application/gzip", "zstd": "application/zstd",
}

// ExportBody asks for an export.
type ExportBody struct {
	What        string   `json:"what" doc:"profiles, events, another table of the SQL schema, or audience:NAME: the profiles of its members, with when they entered."`
	Format      string   `json:"format" doc:"csv, jsonl or parquet."`
	Compression string   `json:"compression,omitempty" doc:"Of csv and jsonl: none, gzip or zstd."`
	Columns     []string `json:"columns,omitempty" maxItems:"400" doc:"Empty: all."`
	Source      string   `json:"source,omitempty" doc:"Rows of this source alone."`
	Since       string   `json:"since,omitempty" doc:"Of the table's time, of an audience that of entering, at it or later: 2026-03-01, or RFC 3339."`
	Until       string   `json:"until,omitempty" doc:"Before it."`
}

// ExportJobBody asks for an export to a place.
type ExportJobBody struct {
	ExportBody
	To string `json:"to" minLength:"1" maxLength:"1024" doc:"A folder below exports of the data directory, or a place below one of export_to."`
}

// ExportStreamBody asks for rows in the answer.
type ExportStreamBody struct {
	ExportBody
	After []string `json:"after,omitempty" maxItems:"8" doc:"Goes on behind the row with this key."`
}

func (b *ExportBody) request() (clientele.ExportRequest, error) {
	sel, err := clientele.ParseSelection(b.What)
	if err != nil {
		return clientele.ExportRequest{}, err
	}
	sel.Columns, sel.Source = b.Columns, b.Source
	if sel.Since, err = clientele.ParseInstant(b.Since); err != nil {
		return clientele.ExportRequest{}, clientele.Errorf(clientele.Invalid, "since: %w", err).WithHint("%s", clientele.ErrorHint(err))
	}
	if sel.Until, err = clientele.ParseInstant(b.Until); err != nil {
		return clientele.ExportRequest{}, clientele.Errorf(clientele.Invalid, "until: %w", err).WithHint("%s", clientele.ErrorHint(err))
	}
	if b.Compression == "none" {
		b.Compression = ""
	}
	return clientele.ExportRequest{Selection: sel, Format: b.Format, Compression: b.Compression}, sel.Check()
}

type exportList struct {
	Items     []clientele.Export          `json:"items"`
	Next      string                      `json:"next" doc:"Cursor of the next page; empty at the end."`
	Scheduled []clientele.ScheduledExport `json:"scheduled" doc:"What the configuration repeats."`
}

type exportID struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) exportRoutes() {
	one := func(e *clientele.Export, err error) (*output[*clientele.Export], error) {
		if err != nil {
			return nil, err
		}
		return &output[*clientele.Export]{e}, nil
	}
	route(a, operation{id: "start-export", method: http.MethodPost, path: "/api/v1/exports", scope: token.Admin,
		tag: "export", summary: "Export a table to a place that the configuration allows"},
		func(ctx context.Context, in *struct{ Body ExportJobBody }) (*output[*clientele.Export], error) {
			req, err := in.Body.request()
			if err != nil {
				return nil, err
			}
			req.To = in.Body.To
			return one(a.o.Exports.StartExport(ctx, principalOf(ctx).Name, req))
		})
	type listInput struct{ Paging }
	route(a, operation{id: "list-exports", method: http.MethodGet, path: "/api/v1/exports", scope: token.Read,
		tag: "export", summary: "What was exported, the newest first, and what the configuration repeats"},
		func(ctx context.Context, in *listInput) (*output[exportList], error) {
			items, next, err := a.o.Exports.Exports(ctx, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return &output[exportList]{exportList{list(items), next, list(a.o.Exports.ScheduledExports())}}, nil
		})
	route(a, operation{id: "get-export", method: http.MethodGet, path: "/api/v1/exports/{id}", scope: token.Read,
		tag: "export", summary: "How an export is doing"},
		func(ctx context.Context, in *exportID) (*output[*clientele.Export], error) {
			return one(a.o.Exports.ExportStatus(ctx, in.ID))
		})
	route(a, operation{id: "cancel-export", method: http.MethodDelete, path: "/api/v1/exports/{id}", scope: token.Admin,
		tag: "export", summary: "End an export; what it has written stays"},
		func(ctx context.Context, in *exportID) (*output[*clientele.Export], error) {
			return one(a.o.Exports.CancelExport(ctx, in.ID))
		})
	a.exportStreams()
}

// How long a stream may take, and how long its reader may take for one write: a reader that stands
// still holds the column store's log.
const (
	streamTimeout = 12 * time.Hour
	writeTimeout  = time.Minute
)

func (a *API) exportStreams() {
	binary := map[string]*huma.MediaType{}
	for _, m := range mediaTypes {
		binary[m] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	describe := func() map[string]*huma.Response {
		return map[string]*huma.Response{"200": {Description: "All rows as one file, in the order of the table's key and as of one commit. The connection is cut when it cannot be whole.", Content: binary}}
	}
	type getInput struct {
		What        string   `query:"what" required:"true" doc:"profiles, events, another table of the SQL schema, or audience:NAME: the profiles of its members, with when they entered."`
		Format      string   `query:"format" default:"csv" doc:"csv, jsonl or parquet."`
		Compression string   `query:"compression" doc:"Of csv and jsonl: none, gzip or zstd."`
		Columns     []string `query:"columns" maxItems:"400" doc:"By commas; empty: all."`
		Source      string   `query:"source" doc:"Rows of this source alone."`
		Since       string   `query:"since" doc:"Of the table's time, of an audience that of entering, at it or later: 2026-03-01, or RFC 3339."`
		Until       string   `query:"until" doc:"Before it."`
	}
	route(a, operation{id: "export", method: http.MethodGet, path: "/api/v1/export", scope: token.Read,
		tag: "export", summary: "Download a table", timeout: streamTimeout, responses: describe()},
		func(ctx context.Context, in *getInput) (*huma.StreamResponse, error) {
			return a.stream(ctx, ExportStreamBody{ExportBody: ExportBody{in.What, in.Format, in.Compression, in.Columns, in.Source, in.Since, in.Until}})
		})
	route(a, operation{id: "export-with-body", method: http.MethodPost, path: "/api/v1/export", scope: token.Read,
		tag: "export", summary: "Download a table, the request in the body", timeout: streamTimeout, responses: describe()},
		func(ctx context.Context, in *struct{ Body ExportStreamBody }) (*huma.StreamResponse, error) {
			return a.stream(ctx, in.Body)
		})
}

func (a *API) stream(_ context.Context, body ExportStreamBody) (*huma.StreamResponse, error) {
	req, err := body.request()
	if err != nil {
		return nil, err
	}
	req.After = body.After
	if !slices.Contains([]string{"csv", "jsonl", "parquet", RowsFormat}, req.Format) {
		return nil, clientele.Errorf(clientele.Invalid, "there is no format %q", req.Format).WithHint("csv, jsonl or parquet")
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		out := &streamWriter{w: w, control: http.NewResponseController(w), media: mediaTypes[req.Format], name: strings.ReplaceAll(req.Table, ":", "-") + "." + req.Format}
		if z := mediaTypes[req.Compression]; req.Compression != "" && z != "" {
			out.media, out.name = z, out.name+map[string]string{"gzip": ".gz", "zstd": ".zst"}[req.Compression]
		}
		// hc's context has the deadline and ends with the client.
		err := a.writeStream(hc.Context(), req, out)
		switch {
		case err == nil:
		case !out.begun:
			p := problemOf(r.Context(), err)
			a.logFault(r.Context(), p, err)
			p.write(w)
		default: // no status can be taken back: a body that breaks off is the sign
			if hc.Context().Err() == nil {
				a.logFault(r.Context(), problemOf(r.Context(), err), err)
			}
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

func (a *API) writeStream(ctx context.Context, req clientele.ExportRequest, out *streamWriter) error {
	by := principalOf(ctx).Name
	if req.Format != RowsFormat {
		return a.o.Exports.StreamExport(ctx, by, req, out)
	}
	e := cbor.NewEncoder(out)
	err := a.o.Exports.ExportRows(ctx, by, req.Selection,
		func(h clientele.ExportHead) error { return e.Encode(RowsMessage{Head: &h}) },
		func(p clientele.ExportPage) error { return e.Encode(RowsMessage{Page: &p}) })
	if err == nil {
		err = e.Encode(RowsMessage{Done: true})
	}
	return err
}

// streamWriter writes the headers with the first byte.
type streamWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	media   string
	name    string
	begun   bool
}

var _ io.Writer = (*streamWriter)(nil)

func (s *streamWriter) Write(b []byte) (int, error) {
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", s.media)
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.name}))
		h.Set("X-Content-Type-Options", "nosniff")
		s.w.WriteHeader(http.StatusOK)
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's recorder has none
	n, err := s.w.Write(b)
	if err != nil {
		err = clientele.Errorf(clientele.Unavailable, "the client has gone")
	}
	return n, err
}
