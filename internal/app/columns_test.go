package app_test

import (
	"fmt"
	"testing"
)

// TestPromotedColumnsHoldAll: a property's column has what every event says of it, of those from before it was a column
// too, however it was said first.
func TestPromotedColumnsHoldAll(t *testing.T) {
	c := settings(t)
	p := run(t, c)
	for i, properties := range []string{`{"a":{"x":1},"b":null,"c":1}`, `{"other":1}`, `{"a":"text","b":2,"c":"two","d":[1]}`} {
		p.batch(webKey, track(fmt.Sprintf("first%d", i), "Seen", "2026-02-01T10:00:00Z", `"anonymousId":"a"`, properties))
	}
	for i := range 10 {
		p.batch(webKey, track(fmt.Sprintf("m%d", i), "Seen", "2026-02-02T10:00:00Z", `"anonymousId":"a"`, fmt.Sprintf(`{"a":"t%d","b":%d,"c":%d,"d":"x"}`, i, i, i)))
	}
	holds := func() {
		t.Helper()
		for _, column := range []string{"a", "c", "d"} {
			p.tells(fmt.Sprintf("SELECT event_id FROM events WHERE %[1]s IS DISTINCT FROM (properties->>'%[1]s')", column))
		}
		p.tells("SELECT event_id FROM events WHERE b IS DISTINCT FROM CAST(properties->>'b' AS double)")
		p.tells("SELECT count(a), count(b), count(c), count(d) FROM events", "12|11|12|11")
	}
	holds()
	before := p.digests()
	p.stop()
	rebuild(t, c)
	p = run(t, c)
	holds()
	same(t, before, p.digests())
}
