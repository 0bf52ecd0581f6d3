package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"clientele"
	"clientele/internal/token"
)

// codeLimited is the code of answers with status 429.
const codeLimited clientele.Code = "rate_limited"

// Reloader reads the configuration again. Invalid, and nothing changed, when it is wrong.
type Reloader interface {
	Reload(ctx context.Context) (*clientele.ReloadResult, error)
}

func (a *API) reloadRoutes() {
	route(a, operation{id: "reload", method: http.MethodPost, path: "/api/v1/reload", scope: token.Admin,
		tag: "operate", summary: "Read the configuration again: sources, their keys, origins and webhooks, and rate limits"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.ReloadResult], error) {
			r, err := a.o.Reload.Reload(ctx)
			if err != nil {
				return nil, err
			}
			return &output[*clientele.ReloadResult]{r}, nil
		})
}

// TooMany answers 429 as the API answers.
func TooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	writeProblem(w, r, clientele.Errorf(codeLimited, "too many requests in this second").WithHint("wait as Retry-After says and send the same again"))
}
