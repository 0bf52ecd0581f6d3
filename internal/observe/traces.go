package observe

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"clientele"
)

// Traces say where spans go: to a collector that speaks OTLP over HTTP.
type Traces struct {
	Endpoint string            // http(s)://host:port; without a path /v1/traces is added; "" = no traces
	Headers  map[string]string // sent with each request to it
	Service  string            // service.name; "" = clientele
	Sample   float64           // share of traces that are kept; a caller's own decision goes first
}

// How long sending may take. What cannot be sent in that time is dropped and counted.
const (
	sendTimeout = 10 * time.Second
	sendEvery   = 2 * time.Second
)

// traces is the way of spans out of the program.
type traces struct {
	provider *sdktrace.TracerProvider
	spans    *prometheus.CounterVec
}

func newTraces(o Traces, version string, log *slog.Logger) (*traces, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, clientele.Errorf(clientele.Invalid, "telemetry.traces.endpoint is not an address").WithHint("for example http://127.0.0.1:4318")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	if o.Service == "" {
		o.Service = "clientele"
	}
	// Everything is said here, so that nothing is left for the library to read from the environment.
	out, err := otlptrace.New(context.Background(), otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithHeaders(o.Headers),
		otlptracehttp.WithTimeout(sendTimeout), otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: sendTimeout, MaxElapsedTime: 3 * sendTimeout})))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "telemetry.traces: %w", err)
	}
	t := &traces{spans: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_traces_spans_total", Help: "Spans, by whether the collector took them."}, []string{"outcome"})}
	told := &exporter{SpanExporter: out, log: log, sent: t.spans.WithLabelValues("sent"), lost: t.spans.WithLabelValues("lost")}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(told, sdktrace.WithBatchTimeout(sendEvery), sdktrace.WithExportTimeout(3*sendTimeout)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(o.Sample))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", o.Service), attribute.String("service.version", version))))
	return t, nil
}

func (t *traces) tracer() trace.Tracer { return t.provider.Tracer("clientele") }

func (t *traces) close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return clientele.Errorf(clientele.Unavailable, "traces: %w", err)
	}
	return nil // what could not be sent in time is lost: the program ends all the same
}

// exporter logs that the collector takes nothing, once until it takes something again. The
// library would tell a global handler.
type exporter struct {
	sdktrace.SpanExporter
	log        *slog.Logger
	sent, lost prometheus.Counter
	failing    atomic.Bool
}

// ExportSpans is the library's, told and counted.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.lost.Add(float64(len(spans)))
		if e.failing.CompareAndSwap(false, true) {
			e.log.Warn("traces cannot be sent", "error", err.Error(), "hint", "check telemetry.traces.endpoint")
		}
		return nil
	}
	e.sent.Add(float64(len(spans)))
	if e.failing.CompareAndSwap(true, false) {
		e.log.Info("traces are sent again")
	}
	return nil
}

// requestSpan is the span of one HTTP request; nil is one that nobody wants.
type requestSpan struct {
	span   trace.Span
	answer http.ResponseWriter
}

// request begins the request's span, below the caller's when it names one. Of what the caller
// sends only the two ids and whether it keeps the trace are taken: tracestate and baggage may
// hold anything.
func (o *Observer) request(w http.ResponseWriter, r *http.Request) (*http.Request, *requestSpan) {
	ctx := r.Context()
	if r.Header.Get("Traceparent") != "" {
		caller := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(http.Header{"Traceparent": r.Header["Traceparent"]})))
		if caller.IsValid() {
			ctx = trace.ContextWithRemoteSpanContext(ctx, caller)
		}
	}
	ctx, span := o.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx), &requestSpan{span, w}
}

// end names the span. The path itself is no attribute: it may hold a person's address.
func (s *requestSpan) end(pattern, method string, status int) {
	if s == nil {
		return
	}
	if s.span.IsRecording() {
		route := routeOf(pattern)
		s.span.SetName(methodOf(method) + " " + route)
		s.span.SetAttributes(attribute.String("http.request.method", methodOf(method)), attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if id := s.answer.Header().Get("X-Request-Id"); id != "" { // as in the program's own log
			s.span.SetAttributes(attribute.String("clientele.request_id", id))
		}
		if status >= http.StatusInternalServerError {
			s.span.SetStatus(codes.Error, "")
		}
	}
	s.span.End()
}
