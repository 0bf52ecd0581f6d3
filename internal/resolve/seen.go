package resolve

import (
	"encoding/binary"
	"unsafe"

	"github.com/zeebo/xxh3"

	"clientele"
)

// window is how long a live message id is remembered, by the time it was received.
const window = 24 * 3600 * 1_000_000

// halfDay is the width of a bucket of live message ids.
const halfDay = window / 2

// buckets that the window can reach into.
const buckets = 3

// seen knows which records were accepted before: live message ids for 24 hours, imported
// record ids for ever.
type seen struct {
	rows  clientele.Rows
	sieve *sieve
	keys  []clientele.Key   // memory for preload
	fresh map[string][]byte // not in the store yet
	read  map[string][]byte // what the store has, of the batch at hand; nil = nothing
	swept uint64            // buckets before this one are gone
}

// sweptKey sorts behind every bucket.
var sweptKey = clientele.NewKey(clientele.RowSeen).Text("swept")

func newSeen(rows clientele.Rows) *seen {
	return &seen{rows: rows, sieve: newSieve(rows), fresh: map[string][]byte{}}
}

func (s *seen) reset() {
	clear(s.fresh)
	s.read = nil
	s.swept = 0
}

func hash(source, id string) [16]byte {
	var few [128]byte // most fit, without memory of their own
	return xxh3.Hash128(append(append(append(few[:0], source...), 0), id...)).Bytes()
}

func (s *seen) get(k clientele.Key) ([]byte, error) {
	if v, ok := s.fresh[string(k)]; ok {
		return v, nil
	}
	if v, ok := s.read[string(k)]; ok {
		return v, nil
	}
	return s.rows.Get(k)
}

// committed says that what was fresh is in the store now. What was read ahead for the batch must
// know it too: a command in the middle of a batch commits what stands before it.
func (s *seen) committed() {
	for k, v := range s.fresh {
		if _, ok := s.read[k]; ok {
			s.read[k] = v
		}
	}
	clear(s.fresh)
}

// preload reads at once what the records will ask for.
func (s *seen) preload(frames []Decoded, get func([]clientele.Key) ([][]byte, error)) error {
	if s.read == nil {
		s.read = map[string][]byte{}
	}
	clear(s.read)
	if err := s.sieve.step(); err != nil {
		return err
	}
	keys := s.keys[:0]
	for i := range frames {
		for j := range frames[i].Records {
			rec := &frames[i].Records[j]
			switch {
			case rec.Err != nil:
			case rec.row != nil:
				keys = append(keys, clientele.ImportedKey(hash(rec.Source, rowID(rec.row))))
			case rec.event != nil && rec.event.imported:
				keys = append(keys, clientele.ImportedKey(hash(rec.Source, eventID(rec.event))))
			case rec.event != nil && rec.event.id != "":
				h := hash(rec.Source, rec.event.id)
				for back := range uint64(buckets) {
					bucket := uint64(rec.ReceivedAt)/halfDay - back
					if ask, err := s.sieve.maybe(bucket, &h); err != nil {
						return err
					} else if ask {
						keys = append(keys, clientele.SeenKey(bucket, h))
					}
				}
			}
		}
	}
	values, err := get(keys)
	for i, v := range values {
		s.read[unsafe.String(unsafe.SliceData(keys[i]), len(keys[i]))] = v // nobody alters a key
	}
	if clear(keys); cap(keys) <= keptRows {
		s.keys = keys[:0]
	}
	return err
}

// rowID and eventID are what imported ids are remembered under.
func rowID(row *clientele.RowRecord) string { return row.Table + "\x00" + row.ID }
func eventID(e *event) string               { return "\x00event\x00" + e.id }

// live says whether the message id was accepted in the 24 hours before received, and
// otherwise remembers it with add.
func (s *seen) live(source, id string, received clientele.Micros) (again bool, key clientele.Key, err error) {
	h := hash(source, id)
	bucket := uint64(received) / halfDay
	for back := range uint64(buckets) {
		ask, err := s.sieve.maybe(bucket-back, &h)
		if err != nil {
			return false, nil, err
		}
		if !ask {
			continue
		}
		v, err := s.get(clientele.SeenKey(bucket-back, h))
		if err != nil {
			return false, nil, err
		}
		if len(v) == 8 && received-clientele.Micros(binary.BigEndian.Uint64(v)) <= window {
			return true, nil, nil
		}
	}
	return false, clientele.SeenKey(bucket, h), nil
}

// add remembers an id under the key that live or imported gave for it.
func (s *seen) add(k clientele.Key, v []byte) error {
	s.fresh[string(k)] = v
	if k[0] != clientele.RowSeen {
		return nil
	}
	r := k.Read()
	bucket := r.Uint()
	return s.sieve.add(bucket, (*[16]byte)(r.Rest()))
}

func stamp(m clientele.Micros) []byte { return binary.BigEndian.AppendUint64(nil, uint64(m)) }

// maxTellings is how many contents are remembered under one imported id.
const maxTellings = 64

// imported says what is known of an imported record: whether its id was accepted before, and
// whether it is a repeat. A record with a time of its own is a repeat of any equal one; one
// without is as late as its receipt, so only the last content under its id makes it a repeat:
// an older content that comes again is news.
func (s *seen) imported(source, id string, content []byte, timed bool) (known, again bool, key clientele.Key, value []byte, err error) {
	key = clientele.ImportedKey(hash(source, id))
	have, err := s.get(key)
	if err != nil {
		return false, false, nil, nil, err
	}
	now := binary.BigEndian.AppendUint64(nil, xxh3.Hash(content))
	last := len(have) - 8
	for i := last; i >= 0; i -= 8 {
		if string(have[i:i+8]) == string(now) {
			return true, true, key, nil, nil
		}
		if !timed {
			break
		}
	}
	if len(have) >= 8*maxTellings {
		have = have[8:]
	}
	return len(have) > 0, false, key, append(have[:len(have):len(have)], now...), nil
}

// sweep is the range of buckets that are over, if any is.
func (s *seen) sweep(now clientele.Micros) (clientele.Range, bool, error) {
	if s.swept == 0 {
		b, err := s.rows.Get(sweptKey)
		if err != nil {
			return clientele.Range{}, false, err
		}
		if len(b) == 8 {
			s.swept = binary.BigEndian.Uint64(b)
		}
	}
	bucket := uint64(now) / halfDay
	if bucket < 3 || bucket-2 <= s.swept {
		return clientele.Range{}, false, nil
	}
	from := s.swept
	s.swept = bucket - 2
	s.sieve.drop(s.swept)
	return clientele.Range{Start: clientele.NewKey(clientele.RowSeen).Uint(from), End: clientele.NewKey(clientele.RowSeen).Uint(s.swept)}, true, nil
}
