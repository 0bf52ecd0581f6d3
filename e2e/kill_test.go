package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
)

const (
	kills  = 60
	people = 300
)

// A small log, so that kills fall into archiving and trimming too.
const smallLog = "log: {max_size: 64MB, keep_size: 2MB, keep_age: 1d, reserve: 16MB}\n"

// TestKills: whenever the process is killed, what it had acknowledged by any of its endpoints is there, once.
func TestKills(t *testing.T) {
	whole(t)
	in := newInstall(t, "", hookSource+smallLog)
	l := newLedger()
	stop := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	in.start()
	halt := crowd(t, in, l, 4, sender{name: "k", people: people, typos: true, padding: 200, pause: 40 * time.Millisecond})
	end := tour(t, in, l, 3, people, 5*time.Millisecond)
	var wg sync.WaitGroup
	wg.Go(func() { l.importer(ctx, in, stop, people) })

	rnd := rand.New(rand.NewPCG(2026, 11))
	var starts []time.Duration
	early := 0
	for range kills {
		if rnd.IntN(4) == 0 { // while it starts
			wait(ctx, time.Duration(rnd.IntN(500))*time.Millisecond)
			early++
		} else {
			starts = append(starts, in.ready())
			wait(ctx, time.Duration(rnd.IntN(900))*time.Millisecond)
		}
		in.kill()
		in.spawn()
	}
	last := in.ready()
	starts = append(starts, last)
	halt()
	for name, n := range end() {
		if n < 5 {
			t.Errorf("%s was used %d times", name, n)
		}
	}
	close(stop)
	wg.Wait()
	link(in, l, people)
	in.compare(l)
	s, err := in.api().Status(t.Context())
	must(t, err)
	if len(s.Problems) > 0 {
		t.Errorf("the server tells of problems: %v", s.Problems)
	}
	slices.Sort(starts)
	t.Logf("%d kills, %d of them while it started; start after kill: median %s, slowest %s, the last %s; %d duplicates dropped, archived up to %d of %d",
		kills, early, starts[len(starts)/2].Round(time.Millisecond), starts[len(starts)-1].Round(time.Millisecond), last.Round(time.Millisecond),
		s.Counts["duplicates"], s.Log.Archived, s.Log.Last)

	in.stop()
	before := digests(t, "--config", in.config)
	start := time.Now()
	done(t, "rebuild", "--config", in.config)
	t.Logf("rebuilt in %s", time.Since(start).Round(time.Millisecond))
	sameDigests(t, "rebuild", before, digests(t, "--config", in.config))
	in.start()
	in.compare(l)
}

// TestStopUnderLoad: SIGTERM while events come in ends the program in order, and what it had
// acknowledged is there afterwards.
func TestStopUnderLoad(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	l := newLedger()
	in.start()
	halt := crowd(t, in, l, 4, sender{name: "t", people: 50, padding: 100, pause: 5 * time.Millisecond})
	var slowest time.Duration
	for range 3 {
		goal := l.size() + 2000
		within(t, time.Minute, "events are accepted", func() bool { return l.size() >= goal })
		slowest = max(slowest, in.stop())
		in.start()
	}
	halt()
	link(in, l, 50)
	in.compare(l)
	t.Logf("three stops under load, the slowest took %s", slowest.Round(time.Millisecond))
}

// TestSecondServer: two processes on one data directory would destroy it.
func TestSecondServer(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	in.start()
	pid := fmt.Sprintf("pid %d", in.process.cmd.Process.Pid)
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"rebuild"}} {
		code, _, errs := cli(t, nil, append(args, "--config", in.config)...)
		t.Logf("%s beside a server: exit %d, %s", args[0], code, strings.TrimSpace(errs))
		if code != 1 || !strings.Contains(errs, pid) && args[0] == "serve" || strings.Contains(errs, "panic") {
			t.Errorf("%s beside a server: exit %d, %s", args[0], code, errs)
		}
	}
	if a := in.post(t.Context(), "/v1/track", []byte(`{"event":"Still","userId":"u-0","messageId":"still"}`)); a.Status != 200 {
		t.Errorf("the first server answers %+v afterwards", a)
	}
	in.settle()
	if _, err := in.api().Profile(t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: "u-0"}, false); err != nil {
		t.Error(err)
	}
}
