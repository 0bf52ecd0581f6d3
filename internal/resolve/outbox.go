package resolve

import (
	"bytes"
	"errors"
	"sync"

	"github.com/fxamacker/cbor/v2"
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
	c.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
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

// Touched are the people that a change says something new of, by anchors of theirs, and those that it erases.
type Touched struct {
	People []clientele.Anchor
	Erased []clientele.Anchor
}

// DecodeTouched reads of a change of the outbox no more than whom it touches.
func DecodeTouched(b []byte) (*Touched, error) {
	plain, err := outbox().dec.DecodeAll(b, nil)
	if err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "outbox: %w", err)
	}
	type rows struct {
		Table  string          `cbor:"1,keyasint"`
		Upsert cbor.RawMessage `cbor:"2,keyasint,omitempty"`
		Delete cbor.RawMessage `cbor:"3,keyasint,omitempty"`
		Insert cbor.RawMessage `cbor:"4,keyasint,omitempty"`
	}
	c, err := rowcache.Decode[struct {
		Tables []rows             `cbor:"2,keyasint,omitempty"`
		Moved  []clientele.Moved  `cbor:"3,keyasint,omitempty"`
		Erased []clientele.Anchor `cbor:"6,keyasint,omitempty"`
	}](plain)
	if err != nil {
		return nil, err
	}
	t := &Touched{Erased: c.Erased}
	first := func(raw cbor.RawMessage) error {
		if len(raw) == 0 {
			return nil
		}
		list, err := rowcache.Decode[[][]any](raw)
		if err != nil {
			return err
		}
		for _, row := range *list {
			if id, ok := row[0].(int64); ok {
				t.People = append(t.People, clientele.Anchor(id))
			}
		}
		return nil
	}
	for _, r := range c.Tables {
		// A profile's row and an identifier's begin with the number of an anchor.
		switch r.Table {
		case "profiles":
			err = errors.Join(first(r.Upsert), first(r.Delete), first(r.Insert))
		case "identifiers":
			err = first(r.Insert)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, m := range c.Moved {
		t.People = append(t.People, m.Anchor, clientele.Anchor(m.Profile))
	}
	return t, nil
}
