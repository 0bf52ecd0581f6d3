// Package eventlog is the log: NATS JetStream, inside the process or by URL, in which every
// record lies on disk before anyone is told that it was accepted. The log is the truth; all
// other state can be rebuilt from it and its archive.
package eventlog

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"clientele"
)

// The frame format (ADR 1):
//
//	byte    version = 1
//	byte    kind
//	uvarint count of records
//	zstd    with content checksum, of count times:
//	          uvarint length, source | varint received_at in microseconds | byte verdict | uvarint length, raw
const frameVersion = 1

// maxFrameBody bounds what a frame may unpack to: a full frame of the largest events.
const maxFrameBody = 64 << 20

var codec = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}) {
	c.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20))
	c.dec, _ = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxFrameBody), zstd.WithDecoderConcurrency(2))
	return c
})

// encoder is memory in which frames are made, used again by the next. Last is the body of the last one, until
// somebody clears it.
type encoder struct{ body, frame, last []byte }

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// EncodeFrame is the frame as the log and the archive store it. TooLarge when it has over
// MaxFrameRecords records or its encoding is over MaxFrameBytes: the caller cuts it in two.
func EncodeFrame(f *clientele.Frame) ([]byte, error) {
	return EncodeFrameWith(f, codec().enc.EncodeAll)
}

// EncodeFrameWith is the same with another pack, which appends zstd of a body.
func EncodeFrameWith(f *clientele.Frame, pack func(body, out []byte) []byte) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	b, err := e.encode(f, pack)
	e.last = nil
	return bytes.Clone(b), err
}

// encode is the frame, until the next call.
func (e *encoder) encode(f *clientele.Frame, pack func(body, out []byte) []byte) ([]byte, error) {
	if len(f.Records) == 0 || len(f.Records) > clientele.MaxFrameRecords {
		return nil, clientele.Errorf(clientele.TooLarge, "a frame holds 1 to %d records, not %d", clientele.MaxFrameRecords, len(f.Records))
	}
	size := 0
	for i := range f.Records {
		size += len(f.Records[i].Raw) + len(f.Records[i].Source) + 20
	}
	if size > maxFrameBody {
		return nil, clientele.Errorf(clientele.TooLarge, "the records of a frame are over %d bytes", maxFrameBody)
	}
	body := slices.Grow(e.body[:0], size)
	for i := range f.Records {
		r := &f.Records[i]
		body = binary.AppendUvarint(body, uint64(len(r.Source)))
		body = append(body, r.Source...)
		body = binary.AppendVarint(body, int64(r.ReceivedAt))
		body = append(body, byte(r.Verdict))
		body = binary.AppendUvarint(body, uint64(len(r.Raw)))
		body = append(body, r.Raw...)
	}
	e.last = body
	out := append(e.frame[:0], frameVersion, byte(f.Kind))
	out = binary.AppendUvarint(out, uint64(len(f.Records)))
	out = pack(body, out)
	if cap(body) <= maxBatchRaw { // what is larger is rare
		e.body, e.frame = body, out
	}
	if len(out) > clientele.MaxFrameBytes {
		return nil, clientele.Errorf(clientele.TooLarge, "a frame is at most %d bytes, this one %d", clientele.MaxFrameBytes, len(out))
	}
	return out, nil
}

// DecodeFrame reads what EncodeFrame wrote, and what a follower of the log is given; the records share one piece of memory. Corrupt
// when the bytes are anything else.
func DecodeFrame(b []byte) (*clientele.Frame, error) {
	if len(b) < 3 || b[0] != frameVersion && b[0] != framePlain {
		return nil, clientele.Errorf(clientele.Corrupt, "log frame has no version this program knows").
			WithHint("it was written by a newer version: upgrade")
	}
	f := &clientele.Frame{Kind: clientele.Kind(b[1])}
	count, n := binary.Uvarint(b[2:])
	if n <= 0 || count == 0 || count > clientele.MaxFrameRecords || f.Kind < clientele.KindEvent || f.Kind > clientele.KindTick {
		return nil, corrupt("head")
	}
	body := b[2+n:]
	if b[0] != framePlain {
		var err error
		if body, err = codec().dec.DecodeAll(body, nil); err != nil {
			return nil, clientele.Errorf(clientele.Corrupt, "log frame: %w", err)
		}
	}
	f.Records = make([]clientele.Record, 0, count)
	for range count {
		var r clientele.Record
		src, rest, ok := lengthPrefixed(body)
		if !ok {
			return nil, corrupt("source")
		}
		at, n := binary.Varint(rest)
		if n <= 0 || len(rest) < n+1 {
			return nil, corrupt("time")
		}
		if i := len(f.Records) - 1; i >= 0 && f.Records[i].Source == string(src) { // nearly always
			r.Source = f.Records[i].Source
		} else {
			r.Source = string(src)
		}
		r.ReceivedAt, r.Verdict = clientele.Micros(at), clientele.Verdict(rest[n])
		if r.Raw, body, ok = lengthPrefixed(rest[n+1:]); !ok {
			return nil, corrupt("record")
		}
		f.Records = append(f.Records, r)
	}
	if len(body) != 0 {
		return nil, corrupt("end")
	}
	return f, nil
}

func lengthPrefixed(b []byte) (part, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

func corrupt(what string) error {
	return clientele.Errorf(clientele.Corrupt, "log frame is damaged in its %s", what)
}
