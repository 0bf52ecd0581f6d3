package resolve

import (
	"github.com/bits-and-blooms/bloom/v3"

	"clientele"
)

// sieve says of most message ids, without asking the store, that they were not accepted before:
// nearly every id is new, and three look-ups for each would be a tenth of all work. It only ever
// errs by sending an id on to the store.
type sieve struct {
	rows    clientele.Rows
	buckets map[uint64]*sieveBucket
	ids     int // in all buckets
}

// sieveBucket is the ids of one half-day: Bloom filters, each twice as large as the one before,
// because nobody knows how many will come.
type sieveBucket struct {
	parts    []*bloom.BloomFilter
	room     int           // ids that still fit into the last part
	rest     clientele.Key // stored ids from here on are not in it yet; nil when all are
	overfull bool
}

const (
	sieveFirst  = 1 << 17     // ids in the first part
	sieveLast   = 1 << 24     // ids in a part at most
	sieveErrors = 0.003       // share of new ids that a full part sends to the store
	sieveMax    = 120_000_000 // ids in all buckets, in about 180 MB; beyond that the store is asked
	sieveStep   = 50_000      // stored ids read at once after a start
)

func newSieve(rows clientele.Rows) *sieve {
	return &sieve{rows: rows, buckets: map[uint64]*sieveBucket{}}
}

// maybe says whether the store has to be asked for the id.
func (s *sieve) maybe(bucket uint64, hash *[16]byte) (bool, error) {
	b, err := s.bucket(bucket)
	if err != nil || b.rest != nil || b.overfull {
		return true, err
	}
	for _, p := range b.parts {
		if p.Test(hash[:]) {
			return true, nil
		}
	}
	return false, nil
}

// bucket is the ids of that half-day. What the store has of it is read in steps, one with each
// batch, so that a start does not wait for it.
func (s *sieve) bucket(n uint64) (*sieveBucket, error) {
	b := s.buckets[n]
	if b == nil {
		b = &sieveBucket{rest: clientele.NewKey(clientele.RowSeen).Uint(n)}
		s.buckets[n] = b
		return b, s.read(n, b)
	}
	return b, nil
}

// read takes the next step in every bucket that is not whole yet.
func (s *sieve) step() error {
	for n, b := range s.buckets {
		if b.rest != nil {
			if err := s.read(n, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sieve) read(n uint64, b *sieveBucket) error {
	end := clientele.NewKey(clientele.RowSeen).Uint(n + 1)
	count := 0
	var next clientele.Key
	err := s.rows.Scan(clientele.Range{Start: b.rest, End: end}, func(k clientele.Key, _ []byte) (bool, error) {
		if count++; count > sieveStep {
			next = append(next, k...)
			return false, nil
		}
		kr := k.Read()
		kr.Uint()
		s.put(b, kr.Rest())
		return true, kr.Err()
	})
	if err == nil {
		b.rest = next
	}
	return err
}

// add notes an id that is accepted now.
func (s *sieve) add(bucket uint64, hash *[16]byte) error {
	b, err := s.bucket(bucket)
	if err == nil {
		s.put(b, hash[:])
	}
	return err
}

func (s *sieve) put(b *sieveBucket, hash []byte) {
	if b.overfull {
		return
	}
	if b.room == 0 {
		size := min(sieveFirst<<len(b.parts), sieveLast)
		if s.ids+size > sieveMax {
			b.overfull = true // its parts stay: drop gives their room back
			return
		}
		s.ids += size
		b.parts = append(b.parts, bloom.NewWithEstimates(uint(size), sieveErrors))
		b.room = size
	}
	b.room--
	b.parts[len(b.parts)-1].Add(hash)
}

// drop forgets the buckets before that one.
func (s *sieve) drop(before uint64) {
	for n, b := range s.buckets {
		if n < before {
			for i := range b.parts {
				s.ids -= min(sieveFirst<<i, sieveLast)
			}
			delete(s.buckets, n)
		}
	}
}
