package importer_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/importer"
)

// memorySink keeps what it gets, and checks what the importer promises of each call.
type memorySink struct {
	mu      sync.Mutex
	rows    []clientele.Record
	events  []clientele.Record
	calls   int
	fail    func(call int) error // may be nil
	tooMuch bool
}

func (s *memorySink) Append(_ context.Context, kind clientele.Kind, records []clientele.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail != nil {
		if err := s.fail(s.calls); err != nil {
			return err
		}
	}
	size := 0
	for _, r := range records {
		size += len(r.Raw)
		r.Raw = bytes.Clone(r.Raw)
		if kind == clientele.KindEvent {
			s.events = append(s.events, r)
		} else {
			s.rows = append(s.rows, r)
		}
	}
	s.tooMuch = s.tooMuch || len(records) > clientele.MaxFrameRecords || size > 640<<10 || len(records) == 0
	return nil
}

func (s *memorySink) all() []clientele.Record {
	return append(s.rows[:len(s.rows):len(s.rows)], s.events...)
}

// discard takes everything.
type discard struct{}

func (discard) Append(context.Context, clientele.Kind, []clientele.Record) error { return nil }

func BenchmarkOnlineRetail(b *testing.B) {
	path := shared(b, "data/commerce/online_retail/online_retail.csv.gz")
	m := exampleMapping(b, "online_retail.yaml")
	b.ReportAllocs()
	var rows int64
	for b.Loop() {
		res, err := importer.Run(context.Background(), importer.Options{Source: "retail", Mapping: m, Paths: []string{path}, Sink: discard{}})
		if err != nil {
			b.Fatal(err)
		}
		rows += res.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
