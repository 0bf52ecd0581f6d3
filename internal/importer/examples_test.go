package importer_test

import (
	"context"
	"testing"

	"clientele/internal/importer"
)

// TestExampleFiles: the mappings of examples/shop take every row of the files beside them.
func TestExampleFiles(t *testing.T) {
	for _, c := range []struct{ file, mapping, source, table string }{{"customers.csv", "customers", "crm", "profiles"}, {"products.csv", "products", "shop", "products"},
		{"orders.csv", "orders", "shop", "order_lines"}, {"web_events.jsonl", "web_events", "web", ""}} {
		sink := &memorySink{}
		res, err := importer.Run(context.Background(), importer.Options{Source: c.source, Mapping: exampleMapping(t, "shop/"+c.mapping+".yaml"),
			Paths: []string{"../../examples/shop/" + c.file}, Sink: sink})
		if err != nil || res.Quarantined > 0 || res.Rows < 20 || c.table != "" && res.Tables[c.table] != res.Rows || c.table == "" && res.Events == 0 {
			t.Errorf("%s: %+v, %v", c.file, res, err)
		}
	}
}
