package quality

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clientele"
)

func TestSQLWords(t *testing.T) {
	for _, x := range []struct {
		sql, want string
		whole     bool
	}{
		{`select price from events`, "events from price select", false},
		{`select * from events`, "events from select", true},
		{`select count(*) from events`, "count events from select", false},
		{`select a.*, 2 * b from x a`, "2 a b from select x", true},
		{`select properties->>'$.total.net' from events where name = 'Order Done'`, "$.total.net Order Done events from name net properties select total where", false},
		{`select properties from events -- price`, "events from properties select", true},
		{`select /* price */ "Total Price" from events`, "Total Price events from select", false},
		{`select 'it''s'`, "it's select", false},
	} {
		words, whole := sqlWords(x.sql)
		if got := strings.Join(slices.Sorted(maps.Keys(words)), " "); got != x.want || whole != x.whole {
			t.Errorf("%s: %q %v, want %q", x.sql, got, whole, x.want)
		}
	}
}

// What is written down are names of events and properties, never another word of a query.
func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reads.json")
	open := func(at clientele.Micros) *Ledger {
		l, err := OpenLedger(path, at)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	known := func() (*Names, error) {
		return &Names{Events: map[string]bool{"Order": true, "$page": true}, Properties: map[string][]string{"total_price": {"Total Price"}, "total price": {"Total Price"}, "sku": {"sku"}}}, nil
	}
	l := open(3 * dayLength)
	l.NoteSQL(`select total_price from events where name = 'Order' and type = 'page' and user_id = 'ann@example.com'`, 5*dayLength)
	l.NoteSQL(`select * from events`, 6*dayLength)
	if err := l.Flush(known); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); strings.Contains(string(b), "ann@") || strings.Contains(string(b), "user_id") {
		t.Errorf("the file holds %s", b)
	}
	kept := open(9 * dayLength).snapshot()
	if kept.Since != 3*dayLength || kept.Whole != 6 || !maps.Equal(kept.Events, map[string]int64{"Order": 5, "$page": 5}) || !maps.Equal(kept.Properties, map[string]int64{"Total Price": 5}) {
		t.Errorf("kept %+v", kept)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLedger(path, 1); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("a broken file: %v", err)
	}
}

func TestStopRule(t *testing.T) {
	for _, x := range []struct {
		what clientele.StopRequest
		op   clientele.TransformOp
		path string
	}{
		{clientele.StopRequest{Source: "web", Event: "Video Played"}, clientele.TransformFilter, ""},
		{clientele.StopRequest{Source: "web", Event: "Video Played", Property: "a.b"}, clientele.TransformDrop, `properties.a\.b`},
		{clientele.StopRequest{Source: "web", Event: "$identify", Property: "ssn"}, clientele.TransformDrop, `traits.ssn`},
		{clientele.StopRequest{Source: strings.Repeat("s", 60), Event: "日本", Property: strings.Repeat("p", 100)}, clientele.TransformDrop, `properties.` + strings.Repeat("p", 100)},
	} {
		r := StopRule(x.what)
		if r.Steps[0].Op != x.op || r.Steps[0].Path != x.path || len(r.Steps) != 1 {
			t.Errorf("%+v: %+v", x.what, r)
		}
		if _, err := compileRule(r); err != nil {
			t.Errorf("%+v: %v", x.what, err)
		}
	}
}
