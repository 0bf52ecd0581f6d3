package eventlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"clientele"
)

// Shred overwrites the frame at the position with random bytes and takes it out of the log. It is for
// what the archive has already, in another form, and what a Purge up to it is about to forget: until
// then readers find a gap there. Safe to repeat.
func (l *Log) Shred(ctx context.Context, p clientele.Position) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := l.link.Load().stream.SecureDeleteMsg(ctx, uint64(p))
	var api *jetstream.APIError
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) || errors.As(err, &api) && api.Code == 400 {
		return nil // gone
	}
	return unreachable(err)
}
