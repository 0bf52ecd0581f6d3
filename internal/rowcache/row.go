package rowcache

import (
	"bytes"

	"github.com/fxamacker/cbor/v2"

	"clientele"
)

// Rows are canonical CBOR: the same row is the same bytes, so that two stores can be compared by
// digest. Integers read into an empty interface are int64.
var (
	canonical, _ = cbor.CanonicalEncOptions().UserBufferEncMode()
	decoding, _  = cbor.DecOptions{IntDec: cbor.IntDecConvertSignedOrFail, MaxArrayElements: 1 << 24}.DecMode()
)

// Encode is the row as the store holds it.
func Encode(v any) ([]byte, error) {
	b, err := canonical.Marshal(v)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "encode row: %w", err)
	}
	return b, nil
}

// EncodeTo appends to b what Encode answers, for what is large and made often.
func EncodeTo(b *bytes.Buffer, v any) error {
	if err := canonical.MarshalToBuffer(v, b); err != nil {
		return clientele.Errorf(clientele.Internal, "encode row: %w", err)
	}
	return nil
}

// Arena is memory in which rows that are written together are encoded, one behind the other. What Encode has answered is
// good until Reset.
type Arena struct{ b bytes.Buffer }

// keptArena is how much memory an Arena keeps for the next rows, in bytes.
const keptArena = 8 << 20

// Encode is the row as the store holds it.
func (a *Arena) Encode(v any) ([]byte, error) {
	from := a.b.Len()
	if err := EncodeTo(&a.b, v); err != nil {
		return nil, err
	}
	return a.b.Bytes()[from:a.b.Len():a.b.Len()], nil
}

// Reset lets the memory be used again.
func (a *Arena) Reset() {
	if a.b.Cap() > keptArena {
		a.b = bytes.Buffer{}
	}
	a.b.Reset()
}

// Decode reads a stored row; nil for no bytes. Corrupt when the bytes are no such row.
func Decode[V any](b []byte) (*V, error) {
	if b == nil {
		return nil, nil
	}
	v := new(V)
	if err := decoding.Unmarshal(b, v); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "stored row: %w", err).WithHint("run: clientele rebuild")
	}
	return v, nil
}

// Load reads one row; nil when there is none.
func Load[V any](rows clientele.Rows, k clientele.Key) (*V, error) {
	b, err := rows.Get(k)
	if err != nil {
		return nil, err
	}
	return Decode[V](b)
}

// Fetch loads the rows of many keys at once and gives each to fill, nil where there is none.
func Fetch[K comparable, V any](ks []K, key func(K) clientele.Key, get func([]clientele.Key) ([][]byte, error), fill func(K, *V)) error {
	if len(ks) == 0 {
		return nil
	}
	keys := make([]clientele.Key, len(ks))
	for i, k := range ks {
		keys[i] = key(k)
	}
	values, err := get(keys)
	if err != nil {
		return err
	}
	for i, b := range values {
		v, err := Decode[V](b)
		if err != nil {
			return err
		}
		fill(ks[i], v)
	}
	return nil
}
