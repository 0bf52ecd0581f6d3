package ratelimit_test

import (
	"fmt"
	"testing"
	"time"

	"clientele/internal/ratelimit"
)

func TestTake(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var l ratelimit.Limiter
	for range 1000 {
		if l.Take("a", at) != 0 {
			t.Fatal("the zero value limits")
		}
	}
	l.SetRate(10)
	for n := range 10 {
		if l.Take("a", at) != 0 {
			t.Errorf("request %d of a second's worth waits", n+1)
		}
	}
	if wait := l.Take("a", at); wait != 100*time.Millisecond {
		t.Errorf("the next waits %s", wait)
	}
	if l.Take("b", at) != 0 {
		t.Error("another key waits")
	}
	through := 0
	for n := range 1000 { // a hundred a second for ten seconds
		if l.Take("a", at.Add(time.Duration(n)*10*time.Millisecond)) == 0 {
			through++
		}
	}
	if through < 99 || through > 101 {
		t.Errorf("%d of 1000 in ten seconds, at 10 a second", through)
	}
	l.SetRate(0)
	if l.Take("a", at) != 0 {
		t.Error("no limit limits")
	}
}

// A flood of addresses takes no more than its share of memory, and who comes all the time stays limited.
func TestBounded(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var l ratelimit.Limiter
	l.SetRate(1)
	through := 0
	for n := range 200_000 {
		l.Take(fmt.Sprint(n), at)
		if n%1000 == 0 && l.Take("busy", at) == 0 {
			through++
		}
	}
	if n := l.Keys(); n > 1<<16 {
		t.Errorf("%d keys are remembered", n)
	}
	if through > 4 {
		t.Errorf("a busy client came through %d times in one moment", through)
	}
}

func TestClient(t *testing.T) {
	for address, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9%eth0": "2001:db8:1:2::/64",
		"::ffff:192.0.2.1": "::ffff:192.0.2.1", "": ""} {
		if got := ratelimit.Client(address); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}
