package resolve

import (
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

// EncodeChange is the change as the outbox holds it.
func EncodeChange(c *clientele.Change) ([]byte, error) {
	b, err := rowcache.Encode(c)
	if err != nil {
		return nil, err
	}
	return outbox().enc.EncodeAll(b, nil), nil
}

// encode is the change as this resolver's outbox holds it.
func (r *Resolver) encode(c *clientele.Change) ([]byte, error) {
	if !r.o.Plain {
		return EncodeChange(c)
	}
	b, err := rowcache.Encode(c)
	return rawzstd.Append(nil, b), err
}

// DecodeChange reads what EncodeChange wrote.
func DecodeChange(b []byte) (*clientele.Change, error) {
	plain, err := outbox().dec.DecodeAll(b, nil)
	if err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "outbox: %w", err)
	}
	return rowcache.Decode[clientele.Change](plain)
}
