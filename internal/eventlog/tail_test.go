package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/eventlog"
)

// plain is the version of a frame that comes from memory.
const plain = 0xff

// TestFollow: who follows the log is given what a reader is given, frame by frame, from memory where it keeps up.
func TestFollow(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir()})
	appendTo(t, l, records("before", 0, 3))
	r, err := l.Follow(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			for i := range 60 {
				rs := records(fmt.Sprint("s", g), 1000*i, 1+rnd.IntN(20))
				rs[0].Raw = bytes.Repeat([]byte{'x'}, rnd.IntN(3000))
				if _, err := l.Append(t.Context(), clientele.KindEvent, rs); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	followed := map[clientele.Position]*clientele.Frame{}
	unpacked := 0
	take := func(p clientele.Position, b []byte) {
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(followed) != int(p)-1 {
			t.Fatalf("frame %d comes behind %d others", p, len(followed))
		}
		followed[p] = f
		if b[0] == plain {
			unpacked++
		}
	}
	for appending := true; appending || int(l.Last()) > len(followed); {
		select {
		case <-done:
			appending = false
		default:
		}
		p, b, err := r.TryNext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b != nil {
			take(p, b)
		}
	}
	for p := clientele.Position(1); p <= l.Last(); p++ {
		b, err := l.Frame(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if b[0] == plain {
			t.Fatalf("frame %d lies unpacked on the disk", p)
		}
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := followed[p]; fmt.Sprint(got) != fmt.Sprint(f) {
			t.Fatalf("frame %d is %v, followed as %v", p, f, got)
		}
	}
	if unpacked == 0 {
		t.Error("no frame came from memory")
	}
}

// TestFollowerFallsBehind: what is kept for a follower is bounded, and one that falls behind misses nothing.
func TestFollowerFallsBehind(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir()})
	r, err := l.Follow(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	big := records("s", 0, 1)
	big[0].Raw = bytes.Repeat([]byte{'x'}, 300<<10)
	const frames = 40
	for range frames {
		appendTo(t, l, big)
	}
	if n := eventlog.TailBytes(l); n == 0 || n > eventlog.MaxTail {
		t.Errorf("%d bytes are kept, at most %d may be", n, eventlog.MaxTail)
	}
	unpacked := 0
	for p := clientele.Position(1); p <= frames; p++ {
		at, b, err := r.Next(t.Context())
		if err != nil || at != p {
			t.Fatalf("position %d where %d is due: %v", at, p, err)
		}
		if b[0] == plain {
			unpacked++
		}
	}
	if unpacked < 10 || unpacked == frames {
		t.Errorf("%d of %d frames came from memory", unpacked, frames)
	}
	if n := eventlog.TailBytes(l); n != 0 {
		t.Errorf("%d bytes are kept when all is read", n)
	}
	r.Close()
	appendTo(t, l, big)
	if n := eventlog.TailBytes(l); n != 0 {
		t.Errorf("%d bytes are kept though nobody follows", n)
	}
}

// TestFollowWaits: a follower that waits is woken by the next frame, and finds one that this process was not told of, too.
func TestFollowWaits(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir()})
	r, err := l.Follow(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := make(chan clientele.Position)
	next := func() {
		go func() {
			p, _, err := r.Next(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- p
		}()
	}
	for i := range 5 {
		next()
		if want, p := appendTo(t, l, records("s", i, 1)), <-got; p != want {
			t.Fatalf("appended %d, followed %d", want, p)
		}
	}
	next()
	want := eventlog.AppendUntold(t, l)
	select {
	case p := <-got:
		if p != want {
			t.Errorf("appended %d, followed %d", want, p)
		}
	case <-time.After(time.Minute):
		t.Error(errors.New("a frame that nobody was told of is not read"))
	}
}
