package api

import (
	"context"
	"encoding/json"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// ReplayRequest names what to try again.
type ReplayRequest struct {
	IDs []string `json:"ids,omitempty" maxItems:"1000"`
	All bool     `json:"all,omitempty" doc:"Everything in quarantine; then ids stays empty."`
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
	type listInput struct{ Paging }
	route(a, operation{id: "list-quarantine", method: http.MethodGet, path: "/api/v1/quarantine", scope: token.Read,
		tag: "operate", summary: "Records that were accepted but could not be used, the newest first"},
		func(ctx context.Context, in *listInput) (*pageOutput[clientele.Quarantined], error) {
			items, next, err := a.o.Quarantine.Quarantine(ctx, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return pageOf(items, next), nil
		})
	route(a, operation{id: "replay-quarantine", method: http.MethodPost, path: "/api/v1/quarantine/replay", scope: token.Write,
		tag: "operate", summary: "Try quarantined records again", timeout: longTimeout},
		func(ctx context.Context, in *struct{ Body ReplayRequest }) (*output[ReplayResult], error) {
			if in.Body.All == (len(in.Body.IDs) > 0) {
				return nil, clientele.Errorf(clientele.Invalid, "ids or all is needed, and not both").WithHint(`{"ids":["..."]} or {"all":true}`)
			}
			n, err := a.o.Quarantine.Replay(ctx, principalOf(ctx).Name, in.Body.IDs)
			if err != nil {
				return nil, err
			}
			return &output[ReplayResult]{ReplayResult{n}}, nil
		})
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
