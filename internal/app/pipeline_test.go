package app_test

import (
	"context"
	"testing"
	"testing/synctest"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/resolve"
)

// TestBundle: frames are handed on all and in order; small ones that wait are one bundle, which is full with the frame
// that reaches its bound.
func TestBundle(t *testing.T) {
	for _, c := range []struct {
		what                   string
		frames, records, bytes int // of each frame
		bundles                int // at the most, when nobody takes the first before all have come
	}{
		{"single events", 900, 1, 800, 2},
		{"small frames", 300, 30, 800, 10},
		{"full frames", 5, 1000, 800, 5},
		{"large records", 40, 24, 30_000, 21},
		{"ticks", 100, 0, 0, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			in, out := make(chan chan resolve.Decoded, 2), make(chan []resolve.Decoded, c.frames)
			held := make(chan []resolve.Decoded) // nobody takes from it at first
			go func() {
				defer close(in)
				for i := range c.frames {
					d := resolve.Decoded{Position: clientele.Position(i + 1), Records: make([]resolve.Parsed, c.records)}
					for k := range d.Records {
						d.Records[k].Raw = make([]byte, c.bytes)
					}
					one := make(chan resolve.Decoded, 1)
					one <- d
					in <- one
				}
			}()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				app.Bundle(t.Context(), in, held)
			}()
			synctest.Wait() // as much waits as one bundle holds
			go func() {
				defer close(out)
				for {
					select {
					case b := <-held:
						out <- b
						synctest.Wait()
					case <-ended:
						return
					}
				}
			}()
			next, bundles := clientele.Position(1), 0
			for b := range out {
				bundles++
				records, bytes := 0, 0
				for i, d := range b {
					if d.Position != next {
						t.Fatalf("%s: frame %d comes where %d is due", c.what, d.Position, next)
					}
					next++
					if records >= app.AheadRecords || bytes >= app.AheadBytes {
						t.Fatalf("%s: frame %d of a bundle is behind its bound", c.what, i)
					}
					records, bytes = records+len(d.Records), bytes+len(d.Records)*c.bytes
				}
			}
			if int(next) != c.frames+1 || bundles > c.bundles {
				t.Errorf("%s: %d of %d frames in %d bundles, want at most %d", c.what, next-1, c.frames, bundles, c.bundles)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	app.Bundle(ctx, make(chan chan resolve.Decoded), nil) // it ends with the context
}
