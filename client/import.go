package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"clientele"
)

// What the server takes in one import request; the bytes leave room for the longest record.
const (
	importBytes   = 1_900_000
	importRecords = 10_000
)

// Import appends records of a source that are already mapped: rows for tables of the SQL schema
// (each Raw a clientele.RowRecord in JSON) or messages of the tracking API. A record with a
// Verdict goes to quarantine. They are durable when it returns; after an error some may be: the
// same call again adds nothing twice.
func (c *Client) Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	if kind != clientele.KindRow && kind != clientele.KindEvent {
		return nil, clientele.Errorf(clientele.Invalid, "only rows and events can be imported")
	}
	total := &clientele.ImportResult{}
	var buf bytes.Buffer
	count := 0
	send := func() error {
		if count == 0 {
			return nil
		}
		var r clientele.ImportResult
		err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/import/" + url.PathEscape(source),
			query: url.Values{"kind": {kind.String()}}, raw: bytes.NewReader(buf.Bytes()), contentType: "application/x-ndjson"}, &r)
		total.Accepted += r.Accepted
		buf.Reset()
		count = 0
		return err
	}
	for _, rec := range records {
		line, err := importLine(rec)
		if err != nil {
			return total, err
		}
		if count == importRecords || buf.Len()+len(line)+1 > importBytes {
			if err := send(); err != nil {
				return total, err
			}
		}
		buf.Write(line)
		buf.WriteByte('\n')
		count++
	}
	return total, send()
}

// importLine is the record in one line.
func importLine(r clientele.Record) ([]byte, error) {
	if r.Verdict != clientele.Accepted {
		return json.Marshal(struct {
			Verdict clientele.Verdict `json:"$rejected"`
			Raw     []byte            `json:"$raw"`
		}{r.Verdict, r.Raw})
	}
	if !bytes.ContainsAny(r.Raw, "\r\n") {
		return r.Raw, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, r.Raw); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "record: %w", err)
	}
	return b.Bytes(), nil
}
