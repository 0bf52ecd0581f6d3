package collect

import (
	"encoding/json"
	"errors"
	"net/http"

	"clientele"
)

// retryAfter is what a client is told to wait, in seconds, when events cannot be stored now.
const retryAfter = "5"

// statuses are the answers to errors. Libraries retry 429 and 5xx and give up on the rest, so
// a fault of this program is never answered 4xx and a fault of the request never 5xx.
var statuses = map[clientele.Code]int{
	clientele.Invalid:     http.StatusBadRequest,
	clientele.Unknown:     http.StatusUnauthorized,
	clientele.NotFound:    http.StatusNotFound,
	clientele.Denied:      http.StatusForbidden,
	clientele.TooLarge:    http.StatusRequestEntityTooLarge,
	clientele.Unavailable: http.StatusServiceUnavailable,
}

var success = []byte(`{"success":true}`)

// accepted is always exactly 200: some libraries take 202 and 204 for errors.
func accepted(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = successLength
	w.Write(success) // a client that is gone will send again
}

var (
	jsonType      = []string{"application/json"}
	successLength = []string{"16"}
)

// refuse answers {"code","message"}: a library of Segment's breaks on a JSON error without
// either. Status 0 means the one of the error's code.
func refuse(w http.ResponseWriter, status int, err error) {
	code := clientele.ErrorCode(err)
	if status == 0 {
		var ok bool
		if status, ok = statuses[code]; !ok {
			status = http.StatusInternalServerError
		}
	}
	message := err.Error()
	var limited *limitedError
	if errors.As(err, &limited) {
		status = http.StatusTooManyRequests
		limited.setHeaders(w.Header())
	}
	if hint := clientele.ErrorHint(err); hint != "" {
		message += ": " + hint
	}
	body, jsonErr := json.Marshal(struct {
		Code    clientele.Code `json:"code"`
		Message string         `json:"message"`
	}{code, message})
	if jsonErr != nil {
		body = []byte(`{"code":"internal","message":"the error cannot be shown"}`)
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	w.WriteHeader(status)
	w.Write(body)
}

// allowOrigin lets pages of any origin send: a write key is public in a browser, and it is
// all that a request can use. It says whether the request was a preflight, which wants no more.
func allowOrigin(h http.Header, r *http.Request) (preflight bool) {
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Retry-After") // hidden from the library otherwise
		h.Add("Vary", "Origin")
	}
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	// Libraries add headers with every release: a fixed list breaks them, so it is reflected.
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		h.Set("Access-Control-Allow-Headers", wanted)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", "86400")
	return true
}
