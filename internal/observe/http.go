package observe

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// httpMetrics are what all HTTP requests have in common.
type httpMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	known    *sync.Map // answer -> *answered, so that a request costs one look-up
}

func newHTTPMetrics() httpMetrics {
	return httpMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_http_requests_total", Help: "Requests that were answered."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "clientele_http_request_duration_seconds", Help: "Time from the request's headers to the end of its answer.",
			Buckets: durations()}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "clientele_http_requests_in_flight", Help: "Requests under way."}),
		known:    new(sync.Map),
	}
}

func (m httpMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.duration, m.inFlight}
}

// answer is a way in which a request ends: all its members have few values.
type answer struct {
	pattern, method string
	status          int
}

type answered struct {
	count    prometheus.Counter
	duration prometheus.Observer
}

func (m httpMetrics) of(a answer) *answered {
	if v, ok := m.known.Load(a); ok {
		return v.(*answered)
	}
	route := routeOf(a.pattern)
	v, _ := m.known.LoadOrStore(a, &answered{m.requests.WithLabelValues(route, a.method, strconv.Itoa(a.status)), m.duration.WithLabelValues(route)})
	return v.(*answered)
}

// HTTP counts and times the requests of a handler and makes a span of each. It must see the
// request that a http.ServeMux inside sets the pattern of.
func (o *Observer) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		o.http.inFlight.Inc()
		sw := &statusWriter{ResponseWriter: w}
		inner := r
		var span *requestSpan
		if o.tracer != nil {
			inner, span = o.request(w, r)
		}
		finished := false
		defer func() { // a panic goes on to whoever answers it
			if !finished || sw.status == 0 {
				sw.status = impliedStatus(finished)
			}
			pattern := inner.Pattern
			if r.Method == http.MethodConnect {
				pattern = "" // the mux says the path itself
			}
			r.Pattern = pattern // whoever is outside logs it
			a := o.http.of(answer{pattern, methodOf(r.Method), sw.status})
			a.count.Inc()
			a.duration.Observe(time.Since(start).Seconds())
			o.http.inFlight.Dec()
			span.end(pattern, r.Method, sw.status)
		}()
		next.ServeHTTP(sw, inner)
		finished = true
	})
}

// impliedStatus is the status of a request whose handler has named none.
func impliedStatus(finished bool) int {
	if finished {
		return http.StatusOK // the server's own default
	}
	return http.StatusInternalServerError
}

// routeOf is the pattern without its method. What no pattern is made for is "other".
func routeOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	if pattern == "" || pattern == "/" {
		return "other"
	}
	return pattern
}

// methodOf is the method as a label: a client may send any word.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 { // an interim answer is none yet
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
