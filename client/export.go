package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/fxamacker/cbor/v2"

	"clientele"
)

// exportBody is a request for an export on the wire.
func exportBody(req clientele.ExportRequest) map[string]any {
	body := map[string]any{"what": req.Table, "format": req.Format}
	for name, v := range map[string]string{"compression": req.Compression, "source": req.Source, "since": req.Since.String(), "until": req.Until.String(), "to": req.To} {
		if v != "" {
			body[name] = v
		}
	}
	if len(req.Columns) > 0 {
		body["columns"] = req.Columns
	}
	if len(req.After) > 0 {
		body["after"] = req.After
	}
	return body
}

// StartExport has the server export to one of its own places, and answers at once. req.Behind and
// req.After are not asked for.
func (c *Client) StartExport(ctx context.Context, req clientele.ExportRequest) (*clientele.Export, error) {
	req.After = nil
	var e clientele.Export
	return result(&e, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/exports", body: exportBody(req)}, &e))
}

// Exports lists what was exported, the newest first, and what the server's configuration repeats.
func (c *Client) Exports(ctx context.Context, limit int, cursor string) (items []clientele.Export, scheduled []clientele.ScheduledExport, next string, err error) {
	var p struct {
		page[clientele.Export]
		Scheduled []clientele.ScheduledExport `json:"scheduled"`
	}
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/exports", query: paging(limit, cursor)}, &p)
	return p.Items, p.Scheduled, p.Next, err
}

// ExportStatus is how an export is doing.
func (c *Client) ExportStatus(ctx context.Context, id string) (*clientele.Export, error) {
	var e clientele.Export
	return result(&e, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/exports/" + url.PathEscape(id)}, &e))
}

// CancelExport ends an export; what it has written stays.
func (c *Client) CancelExport(ctx context.Context, id string) (*clientele.Export, error) {
	var e clientele.Export
	return result(&e, c.call(ctx, request{method: http.MethodDelete, path: "/api/v1/exports/" + url.PathEscape(id)}, &e))
}

// Download writes a table as one file. What was written before an error is no whole file.
func (c *Client) Download(ctx context.Context, req clientele.ExportRequest, w io.Writer) error {
	req.To = ""
	resp, err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/export", body: exportBody(req)})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return clientele.Errorf(clientele.Unavailable, "download: %w", err).WithHint("the server's log may say why it broke off")
	}
	return nil
}

// rowsMessage is an item of the stream of rows.
type rowsMessage struct {
	Head *clientele.ExportHead `cbor:"1,keyasint,omitempty"`
	Page *clientele.ExportPage `cbor:"2,keyasint,omitempty"`
	Done bool                  `cbor:"3,keyasint,omitempty"`
}

// Export reads the rows themselves: head once, then page for each page, in the order of the table's
// key and as of one commit. An error of theirs ends the reading and is returned as it is.
func (c *Client) Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	mode, err := cbor.DecOptions{IntDec: cbor.IntDecConvertSignedOrFail, MaxArrayElements: 10_000_000}.DecMode()
	if err != nil {
		return clientele.Errorf(clientele.Internal, "cbor: %w", err)
	}
	resp, err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/export", body: exportBody(clientele.ExportRequest{Selection: sel, Format: "rows"})})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := mode.NewDecoder(resp.Body)
	for {
		var m rowsMessage
		if err := d.Decode(&m); err != nil {
			if ctx.Err() != nil || errors.Is(err, context.Canceled) {
				return clientele.Errorf(clientele.Unavailable, "export: %w", context.Canceled)
			}
			return clientele.Errorf(clientele.Unavailable, "the server broke off").WithHint("its log may say why; the same command goes on where it was")
		}
		switch {
		case m.Done:
			return nil
		case m.Head != nil:
			err = head(*m.Head)
		case m.Page != nil:
			err = page(*m.Page)
		}
		if err != nil {
			return err
		}
	}
}
