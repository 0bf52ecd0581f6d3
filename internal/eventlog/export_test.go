package eventlog

import (
	"testing"

	"github.com/nats-io/nats.go"

	"clientele"
)

// MaxTail is how many bytes are kept for a follower.
const MaxTail = maxTail

// TailBytes is how many are kept.
func TailBytes(l *Log) int {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	return l.tail.bytes
}

// AppendUntold stores a frame as an append does whose answer was lost.
func AppendUntold(t *testing.T, l *Log) clientele.Position {
	t.Helper()
	b, err := EncodeFrame(&clientele.Frame{Kind: clientele.KindEvent, Records: []clientele.Record{{Raw: []byte("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	ack, err := l.link.Load().js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: b})
	if err != nil {
		t.Fatal(err)
	}
	return clientele.Position(ack.Sequence)
}
