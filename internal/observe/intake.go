package observe

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"clientele"
)

// intakeMetrics are what comes in, by the door that it comes through.
type intakeMetrics struct {
	records  *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	size     *prometheus.HistogramVec
	failures *prometheus.CounterVec
}

func newIntakeMetrics() intakeMetrics {
	return intakeMetrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_intake_records_total",
			Help: "Records that the log has taken; verdict is accepted, or why the record goes to quarantine."}, []string{"intake", "source", "verdict"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_intake_bytes_total",
			Help: "Bytes of these records, as they are before the log packs them."}, []string{"intake", "source"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "clientele_log_append_duration_seconds",
			Help: "Time from handing records to the log until they are on disk, or refused.", Buckets: durations()}, []string{"intake"}),
		size: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "clientele_intake_request_records",
			Help: "Records in one append.", Buckets: counts(1000)}, []string{"intake"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_log_append_failures_total",
			Help: "Appends that the log did not take: the client is told to send again."}, []string{"intake"}),
	}
}

func (m intakeMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.records, m.bytes, m.duration, m.size, m.failures}
}

// counts are buckets of numbers of things, up to most.
func counts(most float64) []float64 {
	var out []float64
	for _, n := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000} {
		if n <= most {
			out = append(out, n)
		}
	}
	return out
}

// Appender is the log. Append returns nil only when every record is on disk.
type Appender interface {
	Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error)
}

// Intake is a log that counts what goes in through one door: collect, webhook, import.
type Intake struct {
	o        *Observer
	known    sync.Map // counted -> *counters, so that a run of records costs one look-up
	name     string
	log      Appender
	duration prometheus.Observer
	size     prometheus.Observer
	failures prometheus.Counter
}

// Intake makes the door's log. The name is a label.
func (o *Observer) Intake(name string, log Appender) *Intake {
	return &Intake{o: o, name: name, log: log, duration: o.intake.duration.WithLabelValues(name), size: o.intake.size.WithLabelValues(name), failures: o.intake.failures.WithLabelValues(name)}
}

// Append is the log's, counted.
func (in *Intake) Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error) {
	start := time.Now()
	p, err := in.log.Append(ctx, kind, records)
	in.duration.Observe(time.Since(start).Seconds())
	if err != nil {
		in.failures.Inc()
		return p, err
	}
	in.size.Observe(float64(len(records)))
	in.count(records)
	if in.o.tracer != nil {
		if span := trace.SpanFromContext(ctx); span.IsRecording() {
			span.SetAttributes(attribute.Int("clientele.records", len(records)), attribute.Int64("clientele.log.position", int64(p)))
		}
	}
	return p, nil
}

// count adds up runs of one source and verdict: mostly the whole request is one.
func (in *Intake) count(records []clientele.Record) {
	for len(records) > 0 {
		first, bytes, n := &records[0], 0, 0
		for n < len(records) && records[n].Source == first.Source && records[n].Verdict == first.Verdict {
			bytes += len(records[n].Raw)
			n++
		}
		c := in.of(counted{in.o.source(first.Source), first.Verdict})
		c.records.Add(float64(n))
		c.bytes.Add(float64(bytes))
		records = records[n:]
	}
}

// counted are records of one kind: both members have few values.
type counted struct {
	source  string // as a label
	verdict clientele.Verdict
}

type counters struct{ records, bytes prometheus.Counter }

func (in *Intake) of(k counted) *counters {
	if v, ok := in.known.Load(k); ok {
		return v.(*counters)
	}
	m := in.o.intake
	v, _ := in.known.LoadOrStore(k, &counters{m.records.WithLabelValues(in.name, k.source, verdictOf(k.verdict)), m.bytes.WithLabelValues(in.name, k.source)})
	return v.(*counters)
}

func verdictOf(v clientele.Verdict) string {
	switch v {
	case clientele.Accepted:
		return "accepted"
	case clientele.Oversize:
		return "oversize"
	}
	return "malformed"
}
