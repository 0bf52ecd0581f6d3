package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"time"
)

// softLimit is the memory of Go's that is garbage-collected without haste, in bytes: above it Go collects the more
// often the less room is left, up to half of all processor time.
const softLimit = 480 << 20

const (
	garbageRoom = 300 << 20       // bytes of garbage there is room for beside what is in use for long
	forLong     = 10              // looks; what lives for a shorter time, as in a flood of requests, gets no more room
	looksEvery  = time.Second     // how often to look
	limitStep   = int64(32 << 20) // smaller changes are not made: each stops the program for an instant
)

// keepRoom keeps the limit that far above what is in use that there is room for garbage, while people are matched or
// models trained, or an index is held: what they take is in use, and no number of collections would lessen it.
func (c *cli) keepRoom(ctx context.Context) {
	if _, set := c.env("GOMEMLIMIT"); set {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var seen []int64
	limit := int64(softLimit)
	look := time.NewTicker(looksEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(sample)
		if seen = append(seen, int64(sample[0].Value.Uint64())); len(seen) > forLong {
			seen = slices.Delete(seen, 0, 1)
		}
		if want := limitFor(seen); max(want-limit, limit-want) >= limitStep {
			limit = want
			debug.SetMemoryLimit(limit)
		}
	}
}

// limitFor is the limit where the bytes in use were those at the last looks.
func limitFor(seen []int64) int64 {
	if len(seen) < forLong {
		return softLimit
	}
	return max(softLimit, slices.Min(seen)+garbageRoom)
}
