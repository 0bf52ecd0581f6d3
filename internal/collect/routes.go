package collect

import (
	"io"
	"net/http"
	"sync"

	"clientele"
)

// endpoint is where events are sent. A batch carries many, anything else is one event whose
// type is in the path.
type endpoint struct {
	typ   string // "" for batches
	paths []string
}

var endpoints = []endpoint{
	{"track", []string{"/v1/track", "/v1/t"}},
	{"identify", []string{"/v1/identify", "/v1/i"}},
	{"page", []string{"/v1/page", "/v1/p"}},
	{"screen", []string{"/v1/screen", "/v1/s"}},
	{"group", []string{"/v1/group", "/v1/g"}},
	{"alias", []string{"/v1/alias", "/v1/a"}},
	{"", []string{"/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"}},
}

// Register adds the routes to a mux.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, e := range endpoints {
		for _, path := range e.paths {
			mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, e.typ) })
		}
		if e.typ != "" { // pictures that send an event: Segment's path and RudderStack's
			pixel := func(w http.ResponseWriter, r *http.Request) { h.pixel(w, r, e.typ) }
			mux.HandleFunc("/v1/pixel/"+e.typ, pixel)
			mux.HandleFunc("/pixel/v1/"+e.typ, pixel)
		}
	}
	if h.personal != nil {
		mux.HandleFunc("/v1/personalize", h.personalize)
		mux.HandleFunc("/v1/personalize/outcome", h.personalOutcome)
	}
	// What libraries ask before they send.
	mux.HandleFunc("/v1/projects/{key}/settings", h.settings)
	mux.HandleFunc("/sourceConfig", h.sourceConfig)
	mux.HandleFunc("/sourceConfig/{$}", h.sourceConfig)
	mux.HandleFunc("/cluster-info", h.clusterInfo)
	// What they say of themselves.
	mux.HandleFunc("/v1/m", h.metrics)
	mux.HandleFunc("/rsaMetrics", h.metrics)
	mux.HandleFunc("/rsaRequest", h.cookies)
	// The browser library itself.
	mux.HandleFunc("/analytics.js/v1/{key}/analytics.min.js", h.library)
	mux.HandleFunc("/analytics-next/bundles/{file}", h.bundle)
	// PostHog's libraries.
	for path, serve := range map[string]http.HandlerFunc{"/batch": h.capture, "/capture": h.capture, "/e": h.capture, "/i/v0/e": h.capture,
		"/track": h.capture, "/engage": h.capture, "/flags": h.flags, "/decide": h.flags, "/s": h.metrics, "/array/{key}/config": h.captureConfig} {
		mux.HandleFunc(path, serve)
		mux.HandleFunc(path+"/{$}", serve)
	}
	mux.HandleFunc("/array/{key}/config.js", h.captureScript)
	// What those who run RudderStack's server ask it.
	mux.HandleFunc("/{$}", said("text/plain; charset=utf-8", "Clientele takes events here.\n"))
	mux.HandleFunc("/health", said("application/json", `{"server":"UP"}`))
	mux.HandleFunc("/robots.txt", said("text/plain; charset=utf-8", "User-agent: *\nDisallow: /\n"))
	mux.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) {
		if begin(w, r, http.MethodGet) {
			told(w, map[string]string{"Version": h.version})
		}
	})
}

// said answers with a text.
func said(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if begin(w, r, http.MethodGet) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, text)
		}
	}
}

// begin answers a preflight and refuses other methods; false when the request is answered.
// HEAD is allowed with GET.
func begin(w http.ResponseWriter, r *http.Request, method string) bool {
	if allowOrigin(w.Header(), r) {
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	if r.Method == method || method == http.MethodGet && r.Method == http.MethodHead {
		return true
	}
	what := "this address is read with GET"
	if method == http.MethodPost {
		what = "events are sent with POST"
	}
	w.Header().Set("Allow", method+", OPTIONS")
	refuse(w, http.StatusMethodNotAllowed, clientele.Errorf(clientele.Invalid, "%s", what))
	return false
}

// metrics takes what libraries count about themselves and keeps none of it. It has no key, and a
// refusal would only make the library give up counting.
func (h *Handler) metrics(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodPost) {
		return
	}
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, clientele.MaxBatchBytes))
	accepted(w)
}

// Refusal is a way in which requests are not taken.
type Refusal struct {
	Endpoint string // events, pixel, settings, sdk
	Code     clientele.Code
}

// refusals counts by endpoint and code, pictures included whose answer shows nothing.
type refusals struct {
	mu sync.Mutex
	n  map[Refusal]uint64
}

func (c *refusals) count(endpoint string, err error) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[Refusal]uint64{}
	}
	k := Refusal{endpoint, clientele.ErrorCode(err)}
	c.n[k]++
	return c.n[k]
}

// Refusals are how many requests were not taken since the start.
func (h *Handler) Refusals() map[Refusal]uint64 {
	h.refusals.mu.Lock()
	defer h.refusals.mu.Unlock()
	out := make(map[Refusal]uint64, len(h.refusals.n))
	for k, n := range h.refusals.n {
		out[k] = n
	}
	return out
}
