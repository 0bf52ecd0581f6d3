package resolve

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/zstd"

	"clientele"
	"clientele/internal/rawzstd"
	"clientele/internal/rowcache"
)

// An outbox record is zstd of the CBOR of a clientele.Change.
var outbox = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}) {
	c.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	c.dec, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	return c
})

// outgoing is the memory in which changes are encoded, used again for the next one.
type outgoing struct {
	plain  bytes.Buffer
	packed []byte
}

// keptOutgoing is how much memory an outgoing keeps between two changes, in bytes.
const keptOutgoing = 16 << 20

// encode is the change as the outbox holds it, until the next call. Plain: nothing is packed.
func (o *outgoing) encode(c *clientele.Change, plain bool) ([]byte, error) {
	if o.plain.Cap() > keptOutgoing {
		o.plain = bytes.Buffer{}
	}
	if cap(o.packed) > keptOutgoing {
		o.packed = nil
	}
	o.plain.Reset()
	if err := rowcache.EncodeTo(&o.plain, c); err != nil {
		return nil, err
	}
	if plain {
		o.packed = rawzstd.Append(o.packed[:0], o.plain.Bytes())
	} else {
		o.packed = outbox().enc.EncodeAll(o.plain.Bytes(), o.packed[:0])
	}
	return o.packed, nil
}

// DecodeChange reads a change of the outbox.
func DecodeChange(b []byte) (*clientele.Change, error) {
	plain, err := outbox().dec.DecodeAll(b, nil)
	if err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "outbox: %w", err)
	}
	return rowcache.Decode[clientele.Change](plain)
}
