package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"clientele"
	"clientele/internal/token"

	"github.com/klauspost/compress/gzip"
)

// Limits of one import request.
const (
	MaxImportBytes   = 2 << 20  // of the body as it is sent
	MaxImportText    = 16 << 20 // of the body when it is decompressed
	MaxImportRecords = 10_000
)

// Rejected is a line of an import that stands for what the client itself could not map: it goes
// to quarantine with its reason in Raw.
type Rejected struct {
	Verdict clientele.Verdict `json:"$rejected"` // Oversize or Malformed
	Raw     []byte            `json:"$raw"`      // base64
}

type importInput struct {
	Source   string `path:"source" maxLength:"32"`
	Kind     string `query:"kind" enum:"row,event" default:"row" doc:"row: rows for tables of the SQL schema. event: messages of the tracking API."`
	Encoding string `header:"Content-Encoding" doc:"gzip, or nothing."`
	RawBody  []byte `contentType:"application/x-ndjson" required:"true"`
}

func (a *API) importRoutes() {
	route(a, operation{id: "import", method: http.MethodPost, path: "/api/v1/import/{source}", scope: token.Write,
		tag: "import", summary: "Append records that are already mapped, one JSON object a line; durable when answered",
		body: MaxImportBytes, timeout: longTimeout},
		func(ctx context.Context, in *importInput) (*output[*clientele.ImportResult], error) {
			text, err := unpacked(in.Encoding, in.RawBody, MaxImportText)
			if err != nil {
				return nil, err
			}
			records, err := ParseImport(text, in.Source, clientele.MicrosOf(a.o.Now()))
			if err != nil {
				return nil, err
			}
			kind := clientele.KindRow
			if in.Kind == "event" {
				kind = clientele.KindEvent
			}
			r, err := a.o.Import.Import(ctx, in.Source, kind, records)
			if err != nil {
				return nil, err
			}
			return &output[*clientele.ImportResult]{r}, nil
		})
}

// unpacked is the body without its compression, of at most so many bytes.
func unpacked(encoding string, body []byte, most int64) ([]byte, error) {
	switch encoding {
	case "", "identity":
		// The library takes its buffer back after the handler, and the log may keep the bytes.
		return bytes.Clone(body), nil
	case "gzip":
	default:
		return nil, clientele.Errorf(clientele.Invalid, "the content encoding is not known").WithHint("gzip, or none")
	}
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not gzip")
	}
	text, err := io.ReadAll(io.LimitReader(zr, most+1))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not whole gzip")
	}
	if int64(len(text)) > most {
		return nil, clientele.Errorf(clientele.TooLarge, "the body is over %d MB when decompressed", most>>20).WithHint("send fewer lines at once")
	}
	return text, nil
}

// ParseImport makes records of lines. A line that is no JSON object or is too large becomes a
// record for quarantine, as on the collect API: what can be framed is not refused. Records
// share text.
func ParseImport(text []byte, source string, at clientele.Micros) ([]clientele.Record, error) {
	var records []clientele.Record
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i:i], text[i+1:]
		} else {
			text = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if len(records) == MaxImportRecords {
			return nil, clientele.Errorf(clientele.TooLarge, "more than %d lines", MaxImportRecords).WithHint("send fewer lines at once")
		}
		records = append(records, importRecord(line, source, at))
	}
	if len(records) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "there is no record").WithHint("send one JSON object a line")
	}
	return records, nil
}

func importRecord(line []byte, source string, at clientele.Micros) clientele.Record {
	r := clientele.Record{Source: source, ReceivedAt: at, Raw: line}
	switch {
	case bytes.HasPrefix(line, []byte(`{"$rejected":`)):
		var rejected Rejected
		if err := json.Unmarshal(line, &rejected); err != nil || rejected.Verdict != clientele.Oversize {
			r.Verdict = clientele.Malformed
		} else {
			r.Verdict = clientele.Oversize
		}
		if len(rejected.Raw) > 0 {
			r.Raw = rejected.Raw
		}
	case len(line) > clientele.MaxEventBytes:
		r.Verdict = clientele.Oversize
	case line[0] != '{' || !json.Valid(line):
		r.Verdict = clientele.Malformed
	}
	if r.Verdict != clientele.Accepted && len(r.Raw) > clientele.MaxEventBytes {
		r.Verdict = clientele.Oversize
	}
	if r.Verdict == clientele.Oversize && len(r.Raw) > clientele.OversizeKept {
		r.Raw = r.Raw[:clientele.OversizeKept:clientele.OversizeKept]
	}
	return r
}
