package archive_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clientele"
	"clientele/internal/archive"
)

// memoryLog is a log in memory: frames of 100 bytes that begin with the time of their record.
type memoryLog struct {
	mu     sync.Mutex
	first  clientele.Position
	frames [][]byte
	gone   map[clientele.Position]bool
	down   error // answer of Frame and Purge
	purges int
}

func (l *memoryLog) First() clientele.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

func (l *memoryLog) Last() clientele.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last()
}

func (l *memoryLog) last() clientele.Position {
	return l.first + clientele.Position(len(l.frames)) - 1
}

func (l *memoryLog) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.frames)) * 100
}

func (l *memoryLog) Frame(_ context.Context, p clientele.Position) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.down != nil:
		return nil, l.down
	case p < l.first || p > l.last():
		return nil, clientele.Errorf(clientele.NotFound, "position %d", p)
	case l.gone[p]:
		return nil, clientele.Errorf(clientele.Corrupt, "position %d", p)
	}
	return l.frames[p-l.first], nil
}

func (l *memoryLog) Purge(_ context.Context, upTo clientele.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return l.down
	}
	l.purges++
	l.frames = l.frames[upTo+1-l.first:]
	l.first = upTo + 1
	return nil
}

func (l *memoryLog) add(n int, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		b := make([]byte, 100)
		binary.LittleEndian.PutUint64(b, uint64(clientele.MicrosOf(at)))
		binary.LittleEndian.PutUint64(b[8:], uint64(l.last()+1))
		l.frames = append(l.frames, b)
	}
}

func (l *memoryLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = err
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// keeper is one over a log of n frames, a minute apart, the newest at noon.
func keeper(t *testing.T, n int) (*archive.Keeper, *memoryLog, string) {
	t.Helper()
	dir := t.TempDir()
	l := &memoryLog{first: 1}
	for i := range n {
		l.add(1, noon.Add(time.Duration(i+1-n)*time.Minute))
	}
	return &archive.Keeper{
		Log:      l,
		Archive:  open(t, dir),
		Resolved: func() clientele.Position { return 1 << 40 },
		ReceivedAt: func(b []byte) (clientele.Micros, error) {
			return clientele.Micros(binary.LittleEndian.Uint64(b)), nil
		},
		Now: func() time.Time { return noon },
	}, l, dir
}

// whole checks that archive and log together hold every position once, and which are missing.
func whole(t *testing.T, k *archive.Keeper, l *memoryLog, last clientele.Position, missing ...clientele.Position) {
	t.Helper()
	if a := k.Archive.Last(); a+1 < l.first {
		t.Fatalf("purged to %d, archived to %d", l.first-1, a)
	}
	want := map[clientele.Position]bool{}
	for _, p := range missing {
		want[p] = true
	}
	for p := clientele.Position(1); p <= last; p++ {
		b, err := k.Archive.Frame(p)
		if p > k.Archive.Last() {
			b, err = l.Frame(t.Context(), p)
		}
		if (err != nil) != want[p] {
			t.Errorf("position %d: %v", p, err)
		}
		if err == nil && binary.LittleEndian.Uint64(b[8:]) != uint64(p) {
			t.Errorf("position %d has another frame", p)
		}
	}
}

// TestKeeper: what is moved under which limits.
func TestKeeper(t *testing.T) {
	tests := []struct {
		name     string
		bytes    int64
		age      time.Duration
		resolved clientele.Position
		first    clientele.Position // of the log afterwards
	}{
		{"no limits", 0, 0, 100, 1},
		{"below both", 10_000, 3 * time.Hour, 100, 1},
		{"too large", 8000, 0, 100, 31},           // down to 7,000 bytes
		{"too old", 0, 80 * time.Minute, 100, 30}, // down to 70 minutes
		{"too large, half resolved", 8000, 0, 10, 11},
		{"too large, nothing resolved", 8000, 0, 0, 1},
		{"too old, half resolved", 0, 80 * time.Minute, 10, 11},
		{"all", 1, 0, 100, 101},
		{"too large counts first", 8000, 3 * time.Hour, 100, 31},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k, l, dir := keeper(t, 100)
			k.KeepBytes, k.KeepAge = test.bytes, test.age
			k.Resolved = func() clientele.Position { return test.resolved }
			for range 2 { // the second time nothing is due
				must(t, k.Once(t.Context()))
				if l.first != test.first {
					t.Fatalf("the log begins at %d, want %d", l.first, test.first)
				}
			}
			whole(t, k, l, 100)
			k.Archive = open(t, dir)
			whole(t, k, l, 100)
		})
	}
}

// TestKeeperRestart: a keeper that was stopped between archiving and purging, or whose log does
// not answer, loses nothing and archives nothing twice.
func TestKeeperRestart(t *testing.T) {
	k, l, _ := keeper(t, 100)
	k.KeepBytes = 8000
	for p := clientele.Position(1); p <= 20; p++ {
		write(t, k.Archive, item{p, l.frames[p-1]})
	}
	l.down = errors.New("down")
	if err := k.Once(t.Context()); !errors.Is(err, l.down) || l.first != 1 {
		t.Fatalf("log down: %v, first %d", err, l.first)
	}
	l.down = nil
	must(t, k.Once(t.Context()))
	if l.first != 21 { // what was archived is gone, and with that it is small enough
		t.Errorf("the log begins at %d", l.first)
	}
	whole(t, k, l, 100)
	l.add(30, noon)
	must(t, k.Once(t.Context()))
	whole(t, k, l, 130)
	if l.first <= 21 {
		t.Errorf("the log begins at %d", l.first)
	}
}

// TestKeeperMissing: frames that the log has lost are waited for, then recorded as missing.
func TestKeeperMissing(t *testing.T) {
	k, l, _ := keeper(t, 100)
	k.KeepBytes = 8000
	now := noon
	k.Now = func() time.Time { return now }
	l.gone = map[clientele.Position]bool{5: true, 6: true, 7: true}
	must(t, k.Once(t.Context()))
	if l.first != 5 || k.Archive.Last() != 4 {
		t.Fatalf("first %d, archived %d: it did not wait at 5", l.first, k.Archive.Last())
	}
	now = now.Add(2 * time.Minute)
	must(t, k.Once(t.Context()))
	if l.first < 30 {
		t.Errorf("first %d: it still waits", l.first)
	}
	whole(t, k, l, 100, 5, 6, 7)

	// A log that begins behind the end of the archive: raised, or damaged at its head.
	k, l, _ = keeper(t, 0)
	write(t, k.Archive, frames(1, 3)...)
	l.first = 10
	l.add(50, noon)
	k.KeepBytes = 100
	must(t, k.Once(t.Context()))
	var missing *archive.Missing
	if _, err := k.Archive.Frame(5); !errors.As(err, &missing) || *missing != (archive.Missing{From: 4, To: 9}) {
		t.Errorf("between archive and log: %v", err)
	}
	if b, err := k.Archive.Frame(10); err != nil || binary.LittleEndian.Uint64(b[8:]) != 10 {
		t.Errorf("behind it: %v", err)
	}
}

// TestKeeperRecovers: a fault that passes in time costs no frame.
func TestKeeperRecovers(t *testing.T) {
	k, l, _ := keeper(t, 100)
	k.KeepBytes = 8000
	l.gone = map[clientele.Position]bool{5: true}
	must(t, k.Once(t.Context()))
	l.gone = nil
	must(t, k.Once(t.Context()))
	whole(t, k, l, 100)
	if l.first < 30 {
		t.Errorf("first %d", l.first)
	}
}

// TestKeeperRun: it works at once and then at every tick, until its context ends; errors do
// not end it.
func TestKeeperRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l, _ := keeper(t, 100)
		k.KeepBytes, k.Every = 8000, time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		synctest.Wait()
		if l.purges != 1 {
			t.Fatalf("%d purges at the start", l.purges)
		}
		l.fail(errors.New("down"))
		l.add(50, noon)
		time.Sleep(time.Minute)
		synctest.Wait()
		l.fail(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if l.purges != 2 {
			t.Errorf("%d purges after the fault", l.purges)
		}
		whole(t, k, l, 150)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
