package pebblestore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/cockroachdb/pebble/v2"

	"clientele"
)

// Digest is a hash over all rows of the latest change set, in key order, except the outbox,
// the position and the tables named. Two stores with the same digest hold the same rows.
func (s *Store) Digest(ctx context.Context, skip ...byte) (string, error) {
	v, err := s.enter()
	if err != nil {
		return "", err
	}
	defer s.leave(v)
	skip = append([]byte{clientele.RowOutbox, clientele.RowPosition}, skip...)
	h := sha256.New()
	var sizes [8]byte
	// Each table by itself: what is skipped is not even read.
	for table := 0; table < int(endOfKeys[0]); table++ {
		if bytes.IndexByte(skip, byte(table)) >= 0 {
			continue
		}
		rows := 0
		err := v.scan(clientele.Prefix(clientele.NewKey(byte(table))), func(k clientele.Key, b []byte) (bool, error) {
			if rows++; rows%1000 == 0 && ctx.Err() != nil {
				return false, clientele.Errorf(clientele.Unavailable, "digest: %w", ctx.Err())
			}
			binary.BigEndian.PutUint32(sizes[:4], uint32(len(k)))
			binary.BigEndian.PutUint32(sizes[4:], uint32(len(b)))
			h.Write(sizes[:])
			h.Write(k)
			h.Write(b)
			return true, nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Checkpoint makes a copy of the store as of the latest change set in dir, which must not
// exist, and says which that is; table files are linked where that can be done. Open opens the copy.
// Apply waits meanwhile.
func (s *Store) Checkpoint(dir string) (clientele.Position, uint64, error) {
	v, err := s.enter()
	if err != nil {
		return 0, 0, err
	}
	defer s.leave(v)
	s.apply.Lock()
	defer s.apply.Unlock()
	if err := s.failure(); err != nil {
		return 0, 0, err
	}
	position, number := s.latest()
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return 0, 0, clientele.Errorf(clientele.Unavailable, "copy row store: %w", cause(err))
	}
	return position, number, writeFormat(s.guard, dir)
}
