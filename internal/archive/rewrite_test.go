package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"clientele"
	"clientele/internal/archive"
)

// Rewritten frames stand in their places, everything else, gaps too, is as before, also for whoever
// opens it next; an error leaves the part as it was.
func TestRewrite(t *testing.T) {
	dir := t.TempDir()
	a, err := archive.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][2]clientele.Position{{1, 9}, {10, 20}} {
		if _, err := a.Write(func(yield func(clientele.Position, []byte) bool) {
			for p := part[0]; p <= part[1]; p++ {
				var b []byte
				if p != 4 && p != 5 && p != 20 {
					b = fmt.Appendf(nil, "frame %d", p)
				}
				if !yield(p, b) {
					return
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := a.Frame(12); err != nil || string(b) != "frame 12" { // the part is open now
		t.Fatal(string(b), err)
	}
	fail := errors.New("not ready")
	change := func(p clientele.Position, b []byte) ([]byte, error) {
		if p == 12 || p == 19 {
			return append([]byte("another and longer "), b...), nil
		}
		return nil, nil
	}
	if n, err := a.Rewrite(context.Background(), change, func() error { return fail }); n != 0 || !errors.Is(err, fail) {
		t.Errorf("not ready: %d, %v", n, err)
	}
	if b, _ := a.Frame(12); string(b) != "frame 12" {
		t.Errorf("an error changed the frame to %s", b)
	}
	if n, err := a.Rewrite(context.Background(), change, func() error { return nil }); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for range 2 {
		for p := clientele.Position(1); p <= 20; p++ {
			want := fmt.Appendf(nil, "frame %d", p)
			if p == 12 || p == 19 {
				want = append([]byte("another and longer "), want...)
			}
			b, err := a.Frame(p)
			switch {
			case p == 4 || p == 5 || p == 20:
				if clientele.ErrorCode(err) != clientele.Corrupt {
					t.Errorf("%d is %s, %v: it was missing", p, b, err)
				}
			case err != nil || !bytes.Equal(b, want):
				t.Errorf("%d is %s, %v", p, b, err)
			}
		}
		if err := a.Verify(context.Background()); err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if a, err = archive.Open(dir); err != nil {
			t.Fatal(err)
		}
	}
}
