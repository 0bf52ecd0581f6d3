// Package observe is what the program tells operators of itself while it runs: Prometheus
// metrics, OpenTelemetry traces and profiles. It is the one place that knows their libraries;
// the stages know nothing of it. What they already say (positions, counts of refusals, sizes)
// is read at the moment of a scrape, and internal/app tells the rest: once a request, once a
// micro-batch, never once an event.
//
// Labels have few values: routes as they are registered, sources that are configured, codes and
// names of the program's own. Nothing that a client sends becomes a label or an attribute.
package observe

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
)

// Options are what an Observer needs to know. The zero value has metrics and no traces.
type Options struct {
	Version string
	Sources []string     // the names that may be labels; others are counted as "other"
	Traces  Traces       // where spans go
	Log     *slog.Logger // nil = nothing is logged
}

// Observer gathers metrics and makes spans. Its methods may be called from any goroutine.
type Observer struct {
	registry *prometheus.Registry
	names    []string
	sources  sync.Map

	http   httpMetrics
	intake intakeMetrics
	stages stageMetrics
	traces *traces      // nil when they go nowhere
	tracer trace.Tracer // nil likewise
}

// KnowSource makes the name of a source a label.
func (o *Observer) KnowSource(name string) { o.sources.Store(name, true) }

// New makes an Observer. Invalid when the traces' endpoint cannot be used. Close must be called.
func New(o Options) (*Observer, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ob := &Observer{registry: prometheus.NewRegistry(), http: newHTTPMetrics(), intake: newIntakeMetrics(), stages: newStageMetrics()}
	for _, s := range o.Sources {
		ob.KnowSource(s)
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "clientele_build_info", Help: "1, with the version of the program and of Go as labels."}, []string{"version", "go_version"})
	build.WithLabelValues(o.Version, runtime.Version()).Set(1)
	ob.register(build)
	ob.register(ob.http.all()...)
	ob.register(ob.intake.all()...)
	ob.register(ob.stages.all()...)
	ob.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if o.Traces.Endpoint == "" {
		return ob, nil
	}
	t, err := newTraces(o.Traces, o.Version, o.Log)
	if err != nil {
		return nil, err
	}
	ob.traces, ob.tracer = t, t.tracer()
	ob.register(t.spans)
	return ob, nil
}

// register adds metrics of the program's own and remembers their names.
func (o *Observer) register(all ...prometheus.Collector) {
	for _, c := range all {
		o.registry.MustRegister(c)
		descs := make(chan *prometheus.Desc, 256)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			_, name, _ := strings.Cut(d.String(), `fqName: "`)
			name, _, _ = strings.Cut(name, `"`)
			o.names = append(o.names, name)
		}
	}
	slices.Sort(o.names)
}

// Names are the metrics of the program's own, sorted. Those of the Go runtime and of the process
// come on top.
func (o *Observer) Names() []string { return slices.Clone(o.names) }

// Read has read called at each scrape, for what other parts know already. It is called once.
func (o *Observer) Read(read func(context.Context) State) { o.register(&stateCollector{read: read}) }

// Metrics serves the metrics as Prometheus wants them.
func (o *Observer) Metrics() http.Handler {
	return promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Close sends the spans that wait. It gives up when the context ends.
func (o *Observer) Close(ctx context.Context) error {
	if o.traces == nil {
		return nil
	}
	return o.traces.close(ctx)
}

// source is the label for a source's name.
func (o *Observer) source(name string) string {
	if _, known := o.sources.Load(name); known {
		return name
	}
	return "other"
}

// Buckets of durations, in seconds: from what a memory read takes to what a client waits for.
func durations() []float64 {
	return []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
}
