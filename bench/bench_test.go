package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele/bench/load"
)

// These tests are inside the package: it is a program, so there is nothing to import.

func TestFlags(t *testing.T) {
	for _, size := range []string{"quick", "full", "large"} {
		o, err := parse([]string{"-size", size}, io.Discard)
		if err != nil || o.profiles != sizes()[size].profiles || o.size != size {
			t.Errorf("%s: %+v, %v", size, o, err)
		}
	}
	if o, err := parse([]string{"-surge", "10m", "-size", "quick", "-profiles", "500"}, io.Discard); err != nil || o.surge != 10*time.Minute || o.profiles != 500 || o.window != sizes()["quick"].window {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range []string{"-size huge", "-listen 0.0.0.0:80", "-listen shop.example:80", "-listen 10.0.0.1:80", "-profiles 0", "-profiles 1000000001", "-history -1",
		"-profiles 5 -growth 10", "-window 1ms", "-surge 2h", "-new 2", "-visit 0", "-surge-rate 1e9", "-starts 0", "more", "-size"} {
		if o, err := parse(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q is taken: %+v", args, o)
		}
	}
}

func TestProc(t *testing.T) {
	line := []byte("4711 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 12 0 100 1 2\n")
	if d, err := statCPU(line); err != nil || d != 2*time.Second {
		t.Errorf("%s, %v; want 2 s", d, err)
	}
	for _, bad := range []string{"", "4711", "4711 (x) S 1 2 3", "4711 (x) S 1 2 3 4 5 6 7 8 9 10 a b 0"} {
		if d, err := statCPU([]byte(bad)); err == nil {
			t.Errorf("%q gives %s", bad, d)
		}
	}
	status := []byte("Name:\tclientele\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t7\n")
	if rss, peak := kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:"); rss != 1<<20 || peak != 2<<20 {
		t.Errorf("%d and %d bytes, want 1 and 2 MiB", rss, peak)
	}
	if kilobytes(status, "VmSwap:") != 0 {
		t.Error("a line that is not there has a value")
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	u, err := usageOf(os.Getpid())
	if err != nil || u.rss < 1<<20 || u.rssPeak < u.rss/2 {
		t.Errorf("this process: %+v, %v", u, err)
	}
}

func TestProbeDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := probeDisk(dir, 40*time.Millisecond)
	if err != nil || s.small <= 0 || s.large <= 0 {
		t.Errorf("%s, %v", s, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s is left behind", left[0].Name())
	}
	if _, err := probeDisk(filepath.Join(dir, "gone"), time.Millisecond); err == nil {
		t.Error("a directory that is not there has a speed")
	}
}

// moved makes a meter that saw the column store at these counts, one second apart.
func moved(start time.Time, queryable ...int64) *meter {
	m := &meter{counts: new(load.Counts)}
	for i, n := range queryable {
		m.samples = append(m.samples, sample{at: start.Add(time.Duration(i) * time.Second), queryable: n})
	}
	return m
}

// TestWindow: a rate is taken between two moments at which the column store had just moved, so
// that its steps do not make it larger or smaller.
func TestWindow(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := moved(start, 0, 0, 1000, 1000, 1000, 4000, 4000, 7000, 7000, 7000)
	first, last, err := m.window(start.Add(time.Second), start.Add(9*time.Second))
	if err != nil || last.queryable-first.queryable != 6000 || last.at.Sub(first.at) != 5*time.Second {
		t.Errorf("%d events in %s, %v; want 6000 in 5 s", last.queryable-first.queryable, last.at.Sub(first.at), err)
	}
	if _, _, err := m.window(start.Add(3*time.Second), start.Add(6*time.Second)); err == nil {
		t.Error("one step gives a rate")
	}
	if _, _, err := moved(start).window(start, start); err == nil {
		t.Error("nothing gives a rate")
	}
}

func TestExact(t *testing.T) {
	for _, c := range []struct {
		e  exact
		ok bool
	}{
		{exact{accepted: 10, found: 10, distinct: 10}, true},
		{exact{accepted: 10, unclear: 2, found: 12, distinct: 12}, true},
		{exact{accepted: 10, found: 9, distinct: 9}, false},
		{exact{accepted: 10, found: 11, distinct: 11}, false},
		{exact{accepted: 10, unclear: 1, found: 11, distinct: 10}, false},
		{exact{accepted: 10, found: 10, distinct: 10, quarantined: 1}, false},
	} {
		r := &report{main: &figures{exact: &c.e}}
		if c.e.ok() != c.ok || (r.lost() == nil) != c.ok {
			t.Errorf("%+v: %v, %v", c.e, c.e.ok(), r.lost())
		}
	}
}

// rowNames are the beginnings of the table's lines, which the design asks for.
var rowNames = []string{"durable ingest, batches of 100", "durable ingest, single events", "the same at half load", "end to end sustained |", "end to end sustained, everybody as often",
	"accepted -> on the profile API", "accepted -> queryable by SQL", "profile read by identifier", "resident memory", "accepted -> audience entered, at half load", "audience preview at half load", "audience preview over", "start, clean", "start after kill -9",
	"surge", "surge: profile reads", "nothing accepted lost"}

// TestReport: every row is there, whether it was measured or not, and its verdict follows the floor.
func TestReport(t *testing.T) {
	empty := (&report{o: options{size: "full", growth: 10}}).String()
	for _, name := range rowNames {
		if !strings.Contains(empty, "\n| "+name) {
			t.Errorf("nothing measured: the row %q is missing", name)
		}
	}
	if strings.Contains(empty, "| yes |") || strings.Contains(empty, "**no**") || !strings.Contains(empty, elsewhere) {
		t.Errorf("nothing measured:\n%s", empty)
	}
	h := new(load.Histogram)
	h.Record(7 * time.Millisecond)
	p := &probes{}
	p.reads.Record(7 * time.Millisecond)
	p.sql.Record(700 * time.Millisecond)
	s := &sustained{rate: 12_345, cpu: 120 * time.Microsecond}
	f := &figures{profiles: 10, events: 20, sustained: s, uniform: s, starts: []time.Duration{time.Second, 3 * time.Second, time.Second}, half: &half{rate: 6000, probes: p, memory: 1_400_000_000, late: h},
		batches: &ingest{events: 100, rate: 49_999, full: h}, singles: &ingest{events: 1, rate: 10_001, full: h, atHalf: h},
		killed: &killed{ready: 2500 * time.Millisecond, logBytes: 500_000_000}, exact: &exact{accepted: 1234567, found: 1234567, distinct: 1234567}}
	r := &report{o: options{size: "full", growth: 10}, small: f, main: f}
	text := r.String()
	for row, want := range map[string]string{
		"durable ingest, batches of 100": "**no**", "durable ingest, single events": "yes", "the same at half load": "yes", "end to end sustained |": "yes",
		"accepted -> queryable by SQL": "yes", "accepted -> on the profile API": "-", "profile read by identifier": "**no**", "resident memory": "yes", "start, clean": "**no**",
		"start after kill -9": "yes", "nothing accepted lost": "yes", "surge": "-",
	} {
		_, line, ok := strings.Cut(text, "\n| "+row)
		line, _, _ = strings.Cut(line, "\n")
		if !ok || !strings.HasSuffix(line, "| "+want+" |") {
			t.Errorf("%s ends otherwise than %s: %s", row, want, line)
		}
	}
	for _, want := range []string{"12,345 events/s", "| server CPU an event | 120 us | 120 us | 1.00 |", "| all, as the kernel counts | 120.0 |", "1234567 accepted"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	r.o.size = "large" // reads may take twice as long there
	if !strings.Contains(r.String(), "p99 10 ms | p50 7ms, p99 7ms (1 reads) | yes |") {
		t.Error("at the large size the floor of reads is another")
	}
	if !strings.Contains(r.String(), "| audience preview at half load | median 2 s |") {
		t.Error("at the large size the floor of previews is another")
	}
}

func TestTexts(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 12.6: "13", -1000: "-1,000"} {
		if got := whole(v); got != want {
			t.Errorf("%g is %s, want %s", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{123456: "123µs", 1234567: "1.23ms", 12345678: "12.3ms", 1234567890: "1.23s", 61234 * time.Millisecond: "1m1.2s"} {
		if got := short(d); got != want {
			t.Errorf("%d is %s, want %s", d, got, want)
		}
	}
}
