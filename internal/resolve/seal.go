package resolve

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"clientele"
	"clientele/internal/commerce"
)

// NewSeal is the keyed hash of the erasure blocklist: HMAC-SHA256, cut to 16 bytes, of the parts with
// their lengths.
func NewSeal(key []byte) func(parts ...string) clientele.Seal {
	return func(parts ...string) (s clientele.Seal) {
		h := hmac.New(sha256.New, key)
		var n [4]byte
		for _, p := range parts {
			binary.BigEndian.PutUint32(n[:], uint32(len(p)))
			h.Write(n[:])
			h.Write([]byte(p))
		}
		copy(s[:], h.Sum(nil))
		return s
	}
}

var indexedKey = clientele.MetaKey("rows_indexed")

const indexRowsAtOnce = 20_000

// indexRows makes the index of whose each table row is, in a store that was written before there was
// one. It is done in steps, each of which may be repeated.
func indexRows(store clientele.RowStore) error {
	done, err := store.Get(indexedKey)
	if err != nil || done != nil {
		return err
	}
	position, _, err := store.Position()
	if err != nil {
		return err
	}
	set := &clientele.ChangeSet{After: position, Position: position}
	flush := func() error {
		err := store.Apply(set)
		set.Rows = nil
		return err
	}
	put := func(k clientele.Key) { set.Rows = append(set.Rows, clientele.RowChange{Key: k, Value: []byte{}}) }
	err = store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowTable)), func(k clientele.Key, v []byte) (bool, error) {
		if err := commerce.Indexed(append(clientele.Key(nil), k...), v, put); err != nil {
			return false, err
		}
		if len(set.Rows) < indexRowsAtOnce {
			return true, nil
		}
		return true, flush()
	})
	if err != nil {
		return err
	}
	set.Rows = append(set.Rows, clientele.RowChange{Key: indexedKey, Value: []byte{1}})
	return flush()
}
