package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"clientele"
	"clientele/internal/token"
)

// ReplayRequest names what to try again.
type ReplayRequest struct {
	IDs   []string                   `json:"ids,omitempty" maxItems:"1000"`
	All   bool                       `json:"all,omitempty" doc:"Everything in quarantine; then ids stays empty."`
	Where *clientele.QuarantineQuery `json:"where,omitempty" doc:"What such a search finds; then ids stays empty."`
}

// ReplayResult says how many records are tried again.
type ReplayResult struct {
	Replayed int `json:"replayed"`
}

func (a *API) operatingRoutes() {
	route(a, operation{id: "get-status", method: http.MethodGet, path: "/api/v1/status", scope: token.Read,
		tag: "operate", summary: "Counts, positions and lag of every stage, sizes, version", quiet: true},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.Status], error) {
			s, err := a.o.Status.Status(ctx)
			if err != nil {
				return nil, err
			}
			return &output[*clientele.Status]{s}, nil
		})
	route(a, operation{id: "get-digests", method: http.MethodGet, path: "/api/v1/status/digests", scope: token.Read,
		tag: "operate", summary: "A checksum of every table's content", timeout: longTimeout, quiet: true},
		func(ctx context.Context, _ *struct{}) (*output[map[string]string], error) {
			d, err := a.o.Status.Digests(ctx)
			if err != nil {
				return nil, err
			}
			return &output[map[string]string]{d}, nil
		})
	type listInput struct {
		Paging
		Source  string    `query:"source" maxLength:"128"`
		Code    string    `query:"code" maxLength:"32" doc:"For example invalid or violation."`
		Text    string    `query:"text" maxLength:"256" doc:"A part of the reason, in any letter case."`
		From    time.Time `query:"from" doc:"Received at or after, RFC 3339."`
		To      time.Time `query:"to" doc:"Received before, RFC 3339."`
		Dropped bool      `query:"dropped" doc:"Those that a tracking plan dropped, not those in quarantine."`
	}
	route(a, operation{id: "list-quarantine", method: http.MethodGet, path: "/api/v1/quarantine", scope: token.Read,
		tag: "operate", summary: "Records that were accepted but could not be used, the newest first"},
		func(ctx context.Context, in *listInput) (*pageOutput[clientele.Quarantined], error) {
			q := clientele.QuarantineQuery{Source: in.Source, Code: in.Code, Text: in.Text, From: clientele.MicrosOf(in.From), To: clientele.MicrosOf(in.To), Dropped: in.Dropped}
			items, next, err := a.o.Quarantine.Quarantine(ctx, q, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return pageOf(items, next), nil
		})
	route(a, operation{id: "replay-quarantine", method: http.MethodPost, path: "/api/v1/quarantine/replay", scope: token.Write,
		tag: "operate", summary: "Try quarantined records again", timeout: longTimeout},
		func(ctx context.Context, in *struct{ Body ReplayRequest }) (*output[ReplayResult], error) {
			n, err := a.replay(ctx, &in.Body)
			if err != nil {
				return nil, err
			}
			return &output[ReplayResult]{ReplayResult{n}}, nil
		})
}

func (a *API) replay(ctx context.Context, r *ReplayRequest) (int, error) {
	by, ways := principalOf(ctx).Name, 0
	for _, named := range []bool{len(r.IDs) > 0, r.All, r.Where != nil} {
		if named {
			ways++
		}
	}
	switch {
	case ways != 1:
		return 0, clientele.Errorf(clientele.Invalid, "one of ids, all and where is needed").WithHint(`{"ids":["..."]}, {"all":true} or {"where":{"source":"web"}}`)
	case r.Where != nil:
		return a.o.Quarantine.ReplayFound(ctx, by, *r.Where)
	}
	return a.o.Quarantine.Replay(ctx, by, r.IDs)
}

// healthz says that the process answers, and which one it is.
func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"status": "ok", "instance": a.o.Tokens.Instance()})
}

// readyz says whether requests can be served: 503 while starting or degraded.
func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	if err := a.o.Status.Ready(); err != nil {
		if code := clientele.ErrorCode(err); code != clientele.Unavailable {
			a.logFault(r.Context(), problemOf(r.Context(), err), err)
			err = clientele.Errorf(clientele.Unavailable, "not ready")
		}
		writeProblem(w, r, err)
		return
	}
	writeJSON(w, map[string]string{"status": "ready"})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // nobody is left to tell
}
