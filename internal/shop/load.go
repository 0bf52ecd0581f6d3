package shop

import (
	"context"

	"clientele"
)

// Sink is where the history is loaded to. Import returns when the records are durable; the same
// records again change nothing.
type Sink interface {
	Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error)
}

// Loaded is what a load has brought in so far.
type Loaded struct {
	Records int
}

// Limits of one import: of each source and kind of record, as much is gathered.
const (
	loadRecords = 2000
	loadBytes   = 1 << 20
	loading     = 3 // imports under way at once
)

type shelf struct {
	source string
	kind   clientele.Kind
}

type pile struct {
	records []clientele.Record
	bytes   int
}

// Load tells the history to the sink. watch, which may be nil, gets each record with its truth
// before it is sent; progress how far it is.
func (s *Shop) Load(ctx context.Context, sink Sink, watch func(*Record), progress func(Loaded)) (Totals, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &loader{ctx: ctx, fail: cancel, sink: sink, piles: map[shelf]*pile{}, slots: make(chan struct{}, loading)}
	var have Loaded
	totals, err := s.History(ctx, 2, func(records []Record) error {
		for i := range records {
			r := &records[i]
			if watch != nil {
				watch(r)
			}
			l.add(r)
		}
		have.Records += len(records)
		if progress != nil {
			progress(have)
		}
		return context.Cause(ctx)
	})
	for at := range l.piles {
		l.send(at)
	}
	for range loading { // all have come back
		l.slots <- struct{}{}
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return totals, err
}

type loader struct {
	ctx   context.Context
	fail  context.CancelCauseFunc
	sink  Sink
	piles map[shelf]*pile
	slots chan struct{}
}

func (l *loader) add(r *Record) {
	at := shelf{r.Source, r.Kind}
	p := l.piles[at]
	if p == nil {
		p = &pile{}
		l.piles[at] = p
	}
	p.records = append(p.records, clientele.Record{Raw: r.Raw})
	if p.bytes += len(r.Raw); len(p.records) >= loadRecords || p.bytes >= loadBytes {
		l.send(at)
	}
}

func (l *loader) send(at shelf) {
	p := l.piles[at]
	delete(l.piles, at)
	l.slots <- struct{}{}
	go func() {
		defer func() { <-l.slots }()
		if _, err := l.sink.Import(l.ctx, at.source, at.kind, p.records); err != nil {
			l.fail(err)
		}
	}()
}
