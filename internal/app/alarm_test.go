package app_test

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/config"
)

// What outgrows its limit is told with what to do, and counted in the metric; what does not is not.
func TestAlarms(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Disk = config.Disk{Free: 1 << 60, Rows: 1, Columns: 1, Quarantine: 1}
	c.Backup.MaxAge = config.Duration(time.Nanosecond)
	p := run(t, c)
	p.batch(webKey, `{"type":"track","messageId":"a","event":"","userId":"u"}`, `{"type":"track","messageId":"b","event":"","userId":"u"}`, track("c", "E", "2026-01-01T00:00:00Z", `"userId":"u"`, `{}`))
	problems := strings.Join(p.status().Problems, "\n")
	for _, want := range []string{"rows: it takes", "columns: it takes", "disk: ", "quarantine: 2 records", "backup: there is none; clientele backup makes one"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no %q in\n%s", want, problems)
		}
	}
	if got := p.scrape().values["clientele_problems"]; got != float64(len(p.status().Problems)) {
		t.Errorf("the metric says %v, status\n%s", got, problems)
	}
	p.stop()
	c = settings(t)
	p = run(t, c)
	if s := p.status(); len(s.Problems) > 0 || s.State != "ready" {
		t.Errorf("%+v", s)
	}
}
