package observe

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"clientele"
)

// stageMetrics are what the stages behind the log do, by micro-batch.
type stageMetrics struct {
	duration *prometheus.HistogramVec
	parts    *prometheus.HistogramVec
	size     *prometheus.HistogramVec
	retries  *prometheus.CounterVec
	frame    prometheus.Histogram
	outcomes *prometheus.CounterVec
	broken   prometheus.Counter
}

// outcomes are what becomes of records.
func outcomes() []string {
	return []string{"event", "row", "command", "duplicate", "quarantined", "replayed", "filtered", "dropped"}
}

func newStageMetrics() stageMetrics {
	m := stageMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "clientele_stage_batch_duration_seconds", Help: "Time of one micro-batch.",
			Buckets: durations()}, []string{"stage"}),
		parts: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "clientele_stage_part_duration_seconds", Help: "Time of one part of a micro-batch.",
			Buckets: durations()}, []string{"stage", "part"}),
		size: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "clientele_stage_batch_size",
			Help: "Size of a micro-batch: records in resolve, rows of tables in follow.", Buckets: counts(100_000)}, []string{"stage"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_stage_retries_total", Help: "Micro-batches that failed and are tried again."}, []string{"stage"}),
		frame: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "clientele_log_frame_records", Help: "Records in a frame of the log, as it is read.",
			Buckets: counts(1000)}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clientele_resolve_records_total", Help: "What became of records."}, []string{"outcome"}),
		broken:   prometheus.NewCounter(prometheus.CounterOpts{Name: "clientele_plan_violations_total", Help: "Events that broke a tracking plan, whatever became of them."}),
	}
	for _, name := range outcomes() {
		m.outcomes.WithLabelValues(name)
	}
	return m
}

func (m stageMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.duration, m.parts, m.size, m.retries, m.frame, m.outcomes, m.broken}
}

// Stage tells of one stage behind the log. It is for one goroutine, but for Took.
type Stage struct {
	o        *Observer
	name     string
	duration prometheus.Observer
	retries  prometheus.Counter
	now      *batch
}

// Stage makes the stage's. The name is a label.
func (o *Observer) Stage(name string) *Stage {
	return &Stage{o: o, name: name, duration: o.stages.duration.WithLabelValues(name), retries: o.stages.retries.WithLabelValues(name)}
}

// batch is the micro-batch at hand.
type batch struct {
	ctx   context.Context
	span  trace.Span // nil without traces
	start time.Time
}

// Begin begins a micro-batch, and the trace that it is. End must follow.
func (s *Stage) Begin(ctx context.Context) {
	s.now = &batch{ctx: ctx, start: time.Now()}
	if s.o.tracer != nil {
		s.now.ctx, s.now.span = s.o.tracer.Start(ctx, s.name, trace.WithNewRoot())
	}
}

// Part begins a part of the micro-batch at hand and answers what ends it. Parts may hold others.
func (s *Stage) Part(name string) (ended func()) {
	start, outer := time.Now(), s.now
	var span trace.Span
	if outer != nil && outer.span != nil {
		inner := *outer
		inner.ctx, span = s.o.tracer.Start(outer.ctx, s.name+" "+name)
		s.now = &inner
	}
	return func() {
		s.Took(name, time.Since(start))
		s.now = outer
		if span != nil {
			span.End()
		}
	}
}

// Took tells of a part that belongs to no micro-batch. Any goroutine may call it.
func (s *Stage) Took(part string, d time.Duration) {
	s.o.stages.parts.WithLabelValues(s.name, part).Observe(d.Seconds())
}

// Round is what a micro-batch was.
type Round struct {
	Size     int    // records in resolve, rows of tables in follow; 0 = it has none
	From, To uint64 // log positions in resolve, commits in follow; both inclusive
	Err      error  // it is tried again
}

// End ends the micro-batch. Of an error the span shows the code alone: its text may name files.
func (s *Stage) End(d Round) {
	b := s.now
	s.now = nil
	if d.Err != nil {
		s.retries.Inc()
	} else {
		s.duration.Observe(time.Since(b.start).Seconds())
		if d.Size > 0 {
			s.o.stages.size.WithLabelValues(s.name).Observe(float64(d.Size))
		}
	}
	if b.span == nil {
		return
	}
	b.span.SetAttributes(attribute.Int("clientele.batch.size", d.Size), attribute.Int64("clientele.batch.from", int64(d.From)), attribute.Int64("clientele.batch.to", int64(d.To)))
	if d.Err != nil {
		b.span.SetStatus(codes.Error, string(clientele.ErrorCode(d.Err)))
	}
	b.span.End()
}

// Frame tells of a frame that was read and decoded.
func (o *Observer) Frame(records int) { o.stages.frame.Observe(float64(records)) }

// Outcomes adds what became of the records of a micro-batch.
type Outcomes struct {
	Events, Rows, Commands, Duplicates, Quarantined, Replayed, Filtered, Dropped int64

	Violations int64 // events that broke a tracking plan: they are among the others too
}

// Resolved adds the outcomes. Negative numbers add nothing.
func (o *Observer) Resolved(n Outcomes) {
	for i, v := range []int64{n.Events, n.Rows, n.Commands, n.Duplicates, n.Quarantined, n.Replayed, n.Filtered, n.Dropped} {
		if v > 0 {
			o.stages.outcomes.WithLabelValues(outcomes()[i]).Add(float64(v))
		}
	}
	o.stages.broken.Add(float64(max(0, n.Violations)))
}

// Since are the outcomes that came on top of before.
func (n Outcomes) Since(before Outcomes) Outcomes {
	return Outcomes{n.Events - before.Events, n.Rows - before.Rows, n.Commands - before.Commands, n.Duplicates - before.Duplicates,
		n.Quarantined - before.Quarantined, n.Replayed - before.Replayed, n.Filtered - before.Filtered, n.Dropped - before.Dropped, n.Violations - before.Violations}
}
