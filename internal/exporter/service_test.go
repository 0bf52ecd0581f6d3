package exporter_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clientele"
	"clientele/internal/exporter"
)

// serviceOf is a service whose exports go below dir, with a ledger in it.
func serviceOf(t *testing.T, dir string, source exporter.Source, place func(exporter.Place) exporter.Place, jobs ...exporter.Job) (*exporter.Service, *exporter.Ledger) {
	t.Helper()
	ledger, err := exporter.OpenLedger(filepath.Join(dir, "exports.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := exporter.NewService(exporter.ServiceOptions{Source: source, Ledger: ledger, Jobs: jobs, Now: time.Now, Carries: true, Log: slog.New(slog.DiscardHandler),
		Place: func(to string) (exporter.Place, error) {
			f := exporter.Place(exporter.NewFolder(filepath.Join(dir, to)))
			if place != nil {
				f = place(f)
			}
			return f, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return s, ledger
}

// during runs the service while do does.
func during(t *testing.T, s *exporter.Service, do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	do()
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func to(place string) clientele.ExportRequest {
	r := request("csv", "")
	r.To = place
	return r
}

// TestRetry: what may pass is tried again ever more rarely, and goes on; what is wrong is not.
func TestRetry(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		begin := time.Now()
		source := plain(95)
		source.before = func(i int) error {
			if i == 0 || i == 50 {
				tries = append(tries, time.Since(begin))
			}
			if i == 50 && len(tries) < 6 {
				return errShaky
			}
			return nil
		}
		s, ledger := serviceOf(t, dir, source, nil)
		during(t, s, func() {
			e, err := s.Ask("ann", to("a"))
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if e, _ = ledger.Get(e.ID); e.State != clientele.ExportWaiting || e.Error == "" || e.Tries != 1 {
				t.Errorf("after the first try: %+v", e)
			}
			if _, running, waiting := s.Totals(); running != 0 || waiting != 1 {
				t.Errorf("%d run, %d wait", running, waiting)
			}
			time.Sleep(time.Hour)
			if e, _ = ledger.Get(e.ID); e.State != clientele.ExportDone || e.Rows != 95 || e.Error != "" {
				t.Errorf("at the end: %+v", e)
			}
			bad := to("b")
			bad.Columns = []string{"x"}
			source.before = func(int) error {
				return clientele.Errorf(clientele.Invalid, "there is no column").WithHint("there are others")
			}
			if e, err = s.Ask("ann", bad); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if e, _ = ledger.Get(e.ID); e.State != clientele.ExportFailed || e.Tries != 1 || e.Hint == "" {
				t.Errorf("what is wrong: %+v", e)
			}
			for _, wrong := range []clientele.ExportRequest{{Selection: clientele.Selection{Table: "x"}, Format: "csv", To: "c"}, {Selection: clientele.Selection{Table: "orders"}, Format: "x", To: "c"}} {
				if _, err := s.Ask("ann", wrong); err == nil {
					t.Errorf("%+v was taken", wrong)
				}
			}
		})
		want := []time.Duration{0, 0, 30 * time.Second, 30 * time.Second, 90 * time.Second, 90 * time.Second}
		if len(tries) < 6 || !slices.Equal(tries[:6], want) {
			t.Errorf("tried at %v, not %v", tries, want)
		}
		totals, _, _ := s.Totals()
		if totals.Ended[clientele.ExportDone] != 1 || totals.Ended[clientele.ExportFailed] != 1 || totals.Rows != 95 || totals.Retries == 0 {
			t.Errorf("%+v", totals)
		}
	})
}

// TestSchedule: each day at its time, once for what was missed, and by the interval.
func TestSchedule(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // it begins at midnight of 2000-01-01 UTC
		nightly := exporter.Job{Name: "nightly", Request: to("lake/"), At: 2*time.Hour + 30*time.Minute}
		often := exporter.Job{Name: "often", Request: to("lake"), Every: 8 * time.Hour, SinceLast: true}
		source := plain(3)
		s, ledger := serviceOf(t, dir, source, nil, nightly, often)
		runs := func(name string) (out []string) {
			for _, e := range slices.Backward(ledger.List(100, "")) {
				if e.Name == name {
					out = append(out, fmt.Sprintf("%s %s %s %d", e.Asked.Time().Format("02 15:04"), e.To, e.State, e.Behind))
				}
			}
			return out
		}
		during(t, s, func() { time.Sleep(49 * time.Hour) })
		want := []string{"01 02:30 lake/nightly/20000101T023000Z done 0", "02 02:30 lake/nightly/20000102T023000Z done 0"}
		if got := runs("nightly"); !slices.Equal(got, want) {
			t.Errorf("nightly: %q", got)
		}
		got := runs("often")
		if len(got) != 7 || got[0] != "01 00:00 lake/often/20000101T000000Z done 0" || got[1] != "01 08:00 lake/often/20000101T080000Z done 7" {
			t.Errorf("often: %q", got)
		}
		time.Sleep(72 * time.Hour) // the server is down
		s, ledger2 := serviceOf(t, dir, source, nil, nightly, often)
		ledger = ledger2
		during(t, s, func() { time.Sleep(time.Minute) })
		if got := runs("nightly"); len(got) != 3 || !strings.HasPrefix(got[2], "06 01:00") {
			t.Errorf("what was missed: %q", got)
		}
		next := s.Scheduled()
		if next[0].Next.Time().Format("02 15:04") != "06 02:30" || next[1].Next.Time().Format("02 15:04") != "06 09:00" || next[0].Last == nil {
			t.Errorf("next: %+v", next)
		}
		if at := s.LastDone()["nightly"]; at.Format("02 15:04") != "06 01:00" {
			t.Errorf("last done: %v", at)
		}
		changed := often
		changed.Request.Columns = []string{"source"}
		s, _ = serviceOf(t, dir, source, nil, changed)
		during(t, s, func() { time.Sleep(9 * time.Hour) })
		if last := s.Scheduled()[0].Last; last.Behind != 0 {
			t.Errorf("with other columns only what has changed was exported: %+v", last)
		}
	})
}

// TestCancel: an export that runs ends at once, one that waits never begins, and a restart does not
// bring them back.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		source := plain(95)
		source.before = func(i int) error {
			time.Sleep(time.Minute)
			return nil
		}
		s, ledger := serviceOf(t, dir, source, nil)
		during(t, s, func() {
			first, err := s.Ask("ann", to("a"))
			if err != nil {
				t.Fatal(err)
			}
			second, err := s.Ask("ann", to("b"))
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(90 * time.Second)
			if e, _ := ledger.Get(first.ID); e.State != clientele.ExportRunning || e.Rows == 0 || e.Total != 95 {
				t.Errorf("under way: %+v", e)
			}
			for _, id := range []string{second.ID, first.ID} {
				if e, err := s.Cancel(id); err != nil || e.State != clientele.ExportCancelled {
					t.Errorf("%+v, %v", e, err)
				}
			}
			time.Sleep(time.Hour)
			if _, err := s.Cancel(first.ID); clientele.ErrorCode(err) != clientele.Conflict {
				t.Errorf("again: %v", err)
			}
		})
		if list := ledger.List(10, ""); len(list) != 2 || list[0].State != clientele.ExportCancelled || list[1].State != clientele.ExportCancelled || list[0].Started != 0 || list[1].Rows > 50 {
			t.Errorf("%+v", list)
		}
		if _, err := os.Stat(filepath.Join(dir, "b")); err == nil {
			t.Error("the one that waited has written")
		}
		s, ledger = serviceOf(t, dir, plain(95), nil)
		during(t, s, func() { time.Sleep(time.Hour) })
		if list := ledger.List(10, ""); list[0].State != clientele.ExportCancelled || list[1].State != clientele.ExportCancelled {
			t.Errorf("after a restart: %+v", list)
		}
	})
}

// TestStopped: an export whose service stops goes on in the next, without a row twice.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		source := plain(95)
		source.before = func(int) error { time.Sleep(time.Minute); return nil }
		s, ledger := serviceOf(t, dir, source, nil)
		var id string
		during(t, s, func() {
			e, err := s.Ask("ann", to("a"))
			if err != nil {
				t.Fatal(err)
			}
			id = e.ID
			time.Sleep(5*time.Minute + time.Second)
		})
		if e, _ := ledger.Get(id); e.State != clientele.ExportWaiting || e.Error != "" {
			t.Errorf("stopped: %+v", e)
		}
		s, ledger = serviceOf(t, dir, source, nil)
		during(t, s, func() { time.Sleep(time.Hour) })
		if e, _ := ledger.Get(id); e.State != clientele.ExportDone || e.Rows != 95 || e.Tries != 2 {
			t.Errorf("in the next: %+v", e)
		}
		if _, rows := whole(t, filepath.Join(dir, "a")); rows != wanted(95) {
			t.Errorf("%s", rows)
		}
	})
}

// TestLedger: it survives a torn line, forgets the oldest, and lists in pages.
func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exports.jsonl")
	l, err := exporter.OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		e := clientele.Export{ID: fmt.Sprint(i), State: clientele.ExportWaiting, ExportRequest: to("x")}
		for _, state := range []clientele.ExportState{clientele.ExportWaiting, clientele.ExportRunning, clientele.ExportDone} {
			e.State = state
			if err := l.Put(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(f, `{"id":"torn","state":"run`)
	f.Close()
	for range 2 { // the second finds what the first has written anew
		if l, err = exporter.OpenLedger(path); err != nil {
			t.Fatal(err)
		}
		first := l.List(10, "")
		second := l.List(10, first[9].ID)
		third := l.List(10, second[9].ID)
		if len(third) != 5 || first[0].ID != "24" || third[4].ID != "0" || third[4].State != clientele.ExportDone || third[4].To != "x" {
			t.Errorf("%d, %d, %d: %+v", len(first), len(second), len(third), third)
		}
		if l.List(10, "nobody") != nil {
			t.Error("behind an export that is not there come some")
		}
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Count(string(b), "\n") != 25 {
		t.Errorf("%d lines for 25 exports: %v", strings.Count(string(b), "\n"), err)
	}
}
