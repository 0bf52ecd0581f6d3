package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"clientele"

	"github.com/danielgtaylor/huma/v2"
)

const problemType = "application/problem+json"

// retryAfter is what a client is told to wait, in seconds, when something is not available.
const retryAfter = 2

// Problem is an error on the wire: problem details (RFC 9457) with three members of our own.
type Problem struct {
	Title     string         `json:"title" doc:"The class of the error in words."`
	Status    int            `json:"status"`
	Detail    string         `json:"detail" doc:"What is wrong, for people."`
	Code      clientele.Code `json:"code" doc:"The class of the error, for machines: invalid, not_found, conflict, denied, rate_limited, unauthorized, too_large, unavailable, corrupt, internal."`
	Hint      string         `json:"hint,omitempty" doc:"What to do about it."`
	RequestID string         `json:"request_id,omitempty" doc:"Names the request in the server's log."`
}

// statusOf is the one table from error codes to statuses.
func statusOf(code clientele.Code) int {
	switch code {
	case clientele.Invalid, clientele.Violated:
		return http.StatusBadRequest
	case clientele.Unknown:
		return http.StatusUnauthorized
	case clientele.Denied:
		return http.StatusForbidden
	case clientele.NotFound:
		return http.StatusNotFound
	case clientele.Conflict:
		return http.StatusConflict
	case clientele.TooLarge:
		return http.StatusRequestEntityTooLarge
	case codeLimited:
		return http.StatusTooManyRequests
	case clientele.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError // corrupt, internal and whatever is not ours
}

// problemOf is the error as the client sees it. A fault of the program shows its code alone:
// its message may name files and hosts.
func problemOf(ctx context.Context, err error) *Problem {
	code, detail, hint := clientele.ErrorCode(err), err.Error(), clientele.ErrorHint(err)
	switch {
	case code == clientele.Internal && errors.Is(err, context.DeadlineExceeded):
		code, detail, hint = clientele.Unavailable, "the request took too long", "ask for less, or try again later"
	case code == clientele.Internal && errors.Is(err, context.Canceled):
		code, detail, hint = clientele.Unavailable, "the request was given up", ""
	}
	status := statusOf(code)
	if status == http.StatusInternalServerError {
		detail, hint = "a fault of the server; its log has the request id", ""
	}
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: code, Hint: hint, RequestID: requestOf(ctx).id}
}

// Error makes a Problem an error for the library.
func (p *Problem) Error() string { return p.Detail }

// GetStatus tells the library the status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells the library the media type.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders tells the library the headers that go with the status.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

// write sends the problem without the library.
func (p *Problem) write(w http.ResponseWriter) {
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // nobody is left to tell
}

// WriteProblem answers a request with an error, for handlers outside the API.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) { writeProblem(w, r, err) }

func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	problemOf(r.Context(), err).write(w)
}

// logFault logs what the client is not shown.
func (a *API) logFault(ctx context.Context, p *Problem, err error) {
	if p.Status == http.StatusInternalServerError {
		a.o.Log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request_id", p.RequestID),
			slog.String("code", string(p.Code)), slog.String("error", err.Error()))
	}
}

// problemTransformer makes problems of the errors the library finds by itself: parameters and
// bodies that do not fit the schema.
func problemTransformer(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Status: plainStatus(m.Status), Detail: m.Detail, RequestID: requestOf(ctx.Context()).id}
	overrideStatus(ctx, p.Status)
	p.Title = http.StatusText(p.Status)
	switch p.Status {
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Detail, p.Hint = clientele.TooLarge, "the body is too large", "send less in one request"
	case http.StatusRequestTimeout:
		p.Code, p.Detail = clientele.Unavailable, "the body did not arrive in time"
	case http.StatusUnsupportedMediaType:
		p.Code, p.Detail, p.Hint = clientele.Invalid, "the body is not JSON", "send Content-Type: application/json"
	default:
		p.Code = clientele.Invalid
		p.Hint = "GET /api/openapi.json describes every request"
	}
	if p.Code == clientele.Invalid && len(m.Errors) > 0 {
		texts := make([]string, 0, len(m.Errors))
		for _, e := range m.Errors {
			texts = append(texts, strings.TrimPrefix(e.Location+": "+e.Message, ": "))
		}
		p.Detail = strings.Join(texts, "; ")
	}
	return p, nil
}

// plainStatus knows one status for wrong input.
func plainStatus(status int) int {
	switch status {
	case http.StatusUnprocessableEntity, http.StatusInternalServerError:
		return http.StatusBadRequest
	}
	return status
}
