package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"clientele"
)

// maxAside is the longest record in quarantine that keeps its document whole: what surely fits into
// a frame of the log.
const maxAside = 600 << 10

// aside is a document in quarantine, in the shape that bad rows of imports have. It is kept
// whole, so that it can be mapped again once its mapping is mended.
type aside struct {
	ID    string `json:"id"`
	File  string `json:"file"`
	Line  int    `json:"line"` // its place in the call
	Error string `json:"error"`
	Row   string `json:"row"`
	Cut   bool   `json:"cut,omitempty"` // row is but its beginning
}

// asideFile stands where an import has the name of its file.
const asideFile = "webhook"

// quarantine keeps a document that cannot be used, with the reason.
func (b *batch) quarantine(i int, document []byte, cause error) {
	id := b.hash("quarantine\x00", document)
	a := aside{ID: id, File: asideFile, Line: i + 1, Error: cause.Error(), Row: strings.ToValidUTF8(string(document), "\uFFFD")}
	raw, err := json.Marshal(a)
	if err == nil && len(raw) > maxAside {
		a.Row, a.Cut = strings.ToValidUTF8(string(document[:min(len(document), clientele.OversizeKept)]), "\uFFFD"), true
		raw, err = json.Marshal(a)
	}
	if err != nil { // a struct of text has always a JSON form
		raw = document[:min(len(document), clientele.OversizeKept)]
	}
	b.rows = append(b.rows, b.record(clientele.Malformed, raw))
}

// IsDocument says whether a quarantined record is a document that a webhook brought: those alone
// can be mapped again.
func IsDocument(r *clientele.Record) bool {
	_, ok := documentOf(r)
	return ok
}

func documentOf(r *clientele.Record) (*aside, bool) {
	if r.Verdict != clientele.Malformed {
		return nil, false
	}
	var a aside
	err := json.Unmarshal(r.Raw, &a)
	return &a, err == nil && a.File == asideFile && a.ID != "" && a.Error != ""
}

// Replay maps a quarantined document again, as if it came now, and appends what it becomes. Invalid,
// NotFound or TooLarge when it still cannot be used, with the reason of today; then nothing was appended. What
// came with it in headers is not known any more. It is safe to repeat: ids stay the same.
func (h *Handler) Replay(ctx context.Context, r *clientele.Record) error {
	a, ok := documentOf(r)
	if !ok {
		return clientele.Errorf(clientele.Invalid, "the record is not a webhook's document")
	}
	if a.Cut {
		return clientele.Errorf(clientele.TooLarge, "only the beginning of the document was kept").WithHint("have it sent again")
	}
	s, ok := (*h.sources.Load())[r.Source]
	if !ok {
		return clientele.Errorf(clientele.NotFound, "there is no source %s that takes webhooks any more", r.Source)
	}
	list, err := documents("", []byte(a.Row))
	if err != nil {
		return err
	}
	b := batch{source: s, header: http.Header{}, at: clientele.MicrosOf(h.now()), seen: map[string]int{}}
	for i, document := range list {
		if err := b.use(i, document); err != nil {
			return err
		}
	}
	err = h.keep(ctx, &b)
	var fromLog *appendError
	if errors.As(err, &fromLog) {
		return fromLog.err
	}
	return err
}
