package resolve

import (
	"sync"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"clientele"
)

// An outbox record is zstd of the CBOR of a clientele.Change.
var outbox = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
	cb  cbor.DecMode
}) {
	c.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	c.dec, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	c.cb, _ = cbor.DecOptions{IntDec: cbor.IntDecConvertSigned, MaxArrayElements: 1 << 24}.DecMode()
	return c
})

// EncodeChange is the change as the outbox holds it.
func EncodeChange(c *clientele.Change) ([]byte, error) {
	b, err := cbor.Marshal(c)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "outbox: %w", err)
	}
	return outbox().enc.EncodeAll(b, nil), nil
}

// DecodeChange reads what EncodeChange wrote.
func DecodeChange(b []byte) (*clientele.Change, error) {
	plain, err := outbox().dec.DecodeAll(b, nil)
	if err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "outbox: %w", err)
	}
	c := &clientele.Change{}
	if err := outbox().cb.Unmarshal(plain, c); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "outbox: %w", err)
	}
	return c, nil
}
