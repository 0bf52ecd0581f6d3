package eventlog

import (
	"context"
	"encoding/binary"
	"sync"

	"clientele"
)

// framePlain is the version of a frame whose body is not packed. It is for memory alone: no disk has one.
const framePlain = 0xff

// plainFrame is the frame of that body, unpacked, in memory of its own.
func plainFrame(f *clientele.Frame, body []byte) []byte {
	b := append(make([]byte, 0, 2+binary.MaxVarintLen32+len(body)), framePlain, byte(f.Kind))
	return append(binary.AppendUvarint(b, uint64(len(f.Records))), body...)
}

// maxTail is how many bytes of frames are kept for who follows the log: a second of a busy one.
const maxTail = 4 << 20

// tail keeps frames that were just stored for the reader that follows the log, so that it need not ask for them and unpack
// what was packed a moment ago. It may lack any of them: the log has all.
type tail struct {
	mu     sync.Mutex
	next   uint64            // of the follower; 0 = nobody follows
	frames map[uint64][]byte // from next on, by position
	bytes  int
}

// Follow is Read for a reader that takes frames as they are appended. They come unpacked where they are still in memory, and so
// are for DecodeFrame and not for keeping. One follows at a time.
func (l *Log) Follow(ctx context.Context, after clientele.Position) (*Reader, error) {
	r, err := l.Read(ctx, after)
	if err == nil {
		r.follows = true
		l.tail.begin(uint64(r.next))
	}
	return r, err
}

func (t *tail) begin(next uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next, t.frames, t.bytes = next, map[uint64][]byte{}, 0
}

func (t *tail) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next, t.frames, t.bytes = 0, nil, 0
}

// wants says whether a frame of that size is worth a copy.
func (t *tail) wants(size int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next > 0 && t.bytes+size <= maxTail
}

// put keeps the frame, which is stored at the position.
func (t *tail) put(position uint64, frame []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next > 0 && position >= t.next && t.bytes+len(frame) <= maxTail {
		t.frames[position] = frame
		t.bytes += len(frame)
	}
}

// get is the frame at the position; nil when it is not kept.
func (t *tail) get(position uint64) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.frames[position]
}

// pass forgets what is before next, where the follower has come to.
func (t *tail) pass(next uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	forget := func(p uint64) {
		t.bytes -= len(t.frames[p])
		delete(t.frames, p)
	}
	switch next {
	case t.next:
	case t.next + 1:
		forget(t.next)
	default: // it may jump far, over what is lost
		for p := range t.frames {
			if p < next {
				forget(p)
			}
		}
	}
	t.next = next
}
