//go:build !linux

package load

import (
	"context"
	"time"
)

// alarm wakes one worker when it asks to be, as exactly as a timer of Go's does.
type alarm struct{}

func newAlarm(context.Context) *alarm { return &alarm{} }

func (*alarm) close() {}

func (*alarm) sleep(ctx context.Context, d time.Duration) error { return Sleep(ctx, d) }
