package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/importer"
)

// counter counts what it gets.
type counter struct {
	mu        sync.Mutex
	ids       map[string]bool
	malformed int
	events    int
}

func (c *counter) Append(_ context.Context, kind clientele.Kind, records []clientele.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		var id struct{ ID, MessageID, Table string }
		if r.Verdict != clientele.Accepted || json.Unmarshal(r.Raw, &id) != nil {
			c.malformed++
			continue
		}
		if kind == clientele.KindEvent {
			c.events++
		}
		c.ids[id.Table+id.ID+id.MessageID] = true
	}
	return nil
}

// TestShop: the files are the same every time, 2,000 rows in all, and the mappings beside this
// file take every row of them.
func TestShop(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, again} {
		if err := generate(d); err != nil {
			t.Fatal(err)
		}
	}
	var rows, events int64
	for _, c := range []struct{ file, mapping, source string }{{"customers.csv", "customers.yaml", "crm"}, {"products.csv", "products.yaml", "shop"},
		{"orders.csv", "orders.yaml", "shop"}, {"web_events.jsonl", "web_events.yaml", "web"}} {
		a, _ := os.ReadFile(filepath.Join(dir, c.file))
		b, _ := os.ReadFile(filepath.Join(again, c.file))
		if len(a) == 0 || string(a) != string(b) {
			t.Errorf("%s is not the same twice", c.file)
		}
		text, err := os.ReadFile(c.mapping)
		if err != nil {
			t.Fatal(err)
		}
		m, err := importer.ParseMapping(text)
		if err != nil {
			t.Fatalf("%s: %v", c.mapping, err)
		}
		sink := &counter{ids: map[string]bool{}}
		res, err := importer.Run(context.Background(), importer.Options{Source: c.source, Mapping: m, Paths: []string{filepath.Join(dir, c.file)}, Sink: sink})
		if err != nil || sink.malformed > 0 || int64(len(sink.ids)) != res.Records {
			t.Errorf("%s: %+v, %d malformed, %d ids, %v", c.file, res, sink.malformed, len(sink.ids), err)
		}
		rows += res.Rows
		events += res.Events
		if c.file == "orders.csv" && (res.Tables["order_lines"] != orderRows || res.Tables["returns"] < 20 || res.Tables["orders"] < 250) {
			t.Errorf("orders: %v", res.Tables)
		}
		if c.file == "customers.csv" && (res.Tables["profiles"] != customerRows || res.Tables["loyalty_accounts"] < 150) {
			t.Errorf("customers: %v", res.Tables)
		}
	}
	if rows != 2000 || events < 500 {
		t.Errorf("%d rows, %d events", rows, events)
	}
}
