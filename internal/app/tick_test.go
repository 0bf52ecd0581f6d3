package app_test

import (
	"testing"
	"time"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/eventlog"
)

// Time alone moves the domain's clock, and nothing else: a quiet minute is one record, and a rebuild
// comes to the same rows with them.
func TestTick(t *testing.T) {
	t.Parallel()
	o, ahead := optionsAhead()
	c := settings(t)
	p := runWith(t, c, o)
	p.batch(webKey, `{"type":"track","event":"Seen","anonymousId":"a"}`)
	p.settle()
	before := p.status()
	for range 2 {
		ahead.Add(int64(time.Minute))
		last := p.status().Log.Last
		eventually(t, "the clock ticks", func() bool { return p.status().Log.Last > last })
	}
	p.settle()
	after := p.status()
	if ticks := after.Log.Last - before.Log.Last; ticks != 2 {
		t.Errorf("two quiet minutes wrote %d frames", ticks)
	}
	for name, n := range before.Counts {
		if after.Counts[name] != n {
			t.Errorf("%s was %d, is %d after ticks alone", name, n, after.Counts[name])
		}
	}
	if lag := app.DomainLag(p.app); lag >= time.Minute {
		t.Errorf("the domain's clock is %s behind", lag)
	}
	was := p.digests()
	p.stop()
	rows := rowDigest(t, c)
	rebuild(t, c)
	if got := rowDigest(t, c); got != rows {
		t.Error("a rebuild of a log with ticks comes to other rows")
	}
	p = run(t, c)
	same(t, was, p.digests())
}

// The status says when a window next passes, and how late it is.
func TestMembershipsDue(t *testing.T) {
	t.Parallel()
	o, ahead := optionsAhead()
	p := runWith(t, settings(t), o)
	if s := p.status().Memberships; s.Due != 0 || s.LateMS != 0 {
		t.Errorf("without audiences: %+v", s)
	}
	if _, err := p.client.SetAudience(t.Context(), clientele.Audience{Name: "there", Where: clientele.RawJSON(`{"event":"Seen","within":"7d"}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("there")
	seen := o.Now().Add(-time.Hour).UTC()
	p.batch(webKey, track("m", "Seen", seen.Format(time.RFC3339), `"userId":"ann"`, `{}`))
	p.settle()
	passes := clientele.MicrosOf(seen.Truncate(time.Second).Add(7 * 24 * time.Hour))
	if s := p.status().Memberships; s.Due < passes || s.Due > passes+1 || s.LateMS != 0 {
		t.Errorf("%+v, the window passes at %s", s, passes)
	}
	ahead.Add(int64(8 * 24 * time.Hour))
	eventually(t, "the window has passed", func() bool {
		return p.membersOf("there") == "" && p.status().Memberships == clientele.MembershipStatus{}
	})
}

func TestTickDue(t *testing.T) {
	const at = clientele.Micros(1_700_000_000_000_000)
	for _, c := range []struct {
		what   string
		domain clientele.Micros
		passed time.Duration
		due    bool
	}{
		{"nothing was ever told", 0, 0, false},
		{"something was told a moment ago", at, time.Second, false},
		{"a minute without a record", at, time.Minute, true},
		{"the server was off", at, 90 * 24 * time.Hour, true},
		{"the machine's clock was set back", at, -time.Hour, false},
	} {
		if got := app.TickDue(at+clientele.Micros(c.passed.Microseconds()), c.domain); got != c.due {
			t.Errorf("%s: due is %t", c.what, got)
		}
	}
	b, err := eventlog.EncodeFrame(&clientele.Frame{Kind: clientele.KindTick, Records: []clientele.Record{{Source: "clock", ReceivedAt: at, Raw: []byte("{}")}}})
	if err != nil || len(b) > 64 {
		t.Errorf("a tick has %d bytes, which the guide tells as under 64 (%v)", len(b), err)
	}
}
