package shop_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/shop"
)

// counter is a sink that counts, and fails from some call on.
type counter struct {
	mu      sync.Mutex
	calls   int
	fails   int // 0 = never
	records map[string]int
	largest int
}

var errFull = errors.New("full")

func (c *counter) Import(_ context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.fails > 0 && c.calls >= c.fails {
		return nil, errFull
	}
	c.largest = max(c.largest, len(records))
	if c.records == nil {
		c.records = map[string]int{}
	}
	c.records[source+" "+kind.String()] += len(records)
	return &clientele.ImportResult{Accepted: len(records)}, nil
}

// TestLoad: the sink gets each record once, by source and kind, in pieces.
func TestLoad(t *testing.T) {
	s := plan(t, 1, 600)
	records, totals := history(t, s, 1)
	want := map[string]int{}
	for _, r := range records {
		want[r.Source+" "+r.Kind.String()]++
	}
	var sink counter
	watched, last := 0, shop.Loaded{}
	got, err := s.Load(context.Background(), &sink, func(*shop.Record) { watched++ }, func(l shop.Loaded) { last = l })
	if err != nil || got.Events != totals.Events || watched != len(records) || last.Records != len(records) || sink.largest > 2000 {
		t.Errorf("%v, %d events of %d, %d watched of %d, %+v, %d at once", err, got.Events, totals.Events, watched, len(records), last, sink.largest)
	}
	for key, n := range want {
		if sink.records[key] != n {
			t.Errorf("%s: %d of %d", key, sink.records[key], n)
		}
	}
}

func TestLoadFails(t *testing.T) {
	s := plan(t, 1, 600)
	for _, at := range []int{1, 5} {
		if _, err := s.Load(context.Background(), &counter{fails: at}, nil, nil); !errors.Is(err, errFull) {
			t.Errorf("from import %d on: %v", at, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Load(ctx, &counter{}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
