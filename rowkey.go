package clientele

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Key addresses a row of the row store: one byte for the table, then its parts, encoded so
// that comparing bytes compares the parts in turn. Keys are on disk for ever (ADR 3).
type Key []byte

// The tables of the row store.
const (
	RowMeta        byte = 'M' // name -> small values: rules, counters, format
	RowIdentifier  byte = 'i' // namespace | value -> anchor
	RowAnchor      byte = 'a' // anchor -> identifier, profile
	RowGroup       byte = 'g' // profile -> its anchors
	RowEdge        byte = 'e' // anchor | anchor -> evidence (both directions)
	RowLink        byte = 'k' // anchor | anchor -> manual link or cannot-link (both directions)
	RowHead        byte = 'h' // anchor -> counters, first and last seen; and beside it traits and consent
	RowTimeline    byte = 't' // anchor | name | time | source | event id -> compact event
	RowTable       byte = 'r' // SQL table | key parts -> the folded row
	RowDependent   byte = 'y' // order key | SQL table | key -> rows that take the order's customer
	RowSeen        byte = 'd' // half-day | hash -> a live message id that was accepted
	RowImported    byte = 'm' // hash -> an imported record id and the hash of its content
	RowQuarantine  byte = 'q' // position | ordinal -> reason
	RowDropped     byte = 'x' // position | ordinal -> reason: what a tracking plan dropped
	RowQuality     byte = 'Q' // what -> tracking plans, transform rules, violations, what properties were seen
	RowDue         byte = 'u' // time | what -> something to do when its time comes
	RowOwned       byte = 'w' // anchor | key of a RowTable row -> the row is that anchor's
	RowAudience    byte = 'A' // 'd' | name -> an audience; 'l' -> the lifecycle; 'm' | profile -> what it is a member of; 'a' | anchor | name -> it is on the audience's list, 'n' | name | anchor likewise; 'w' | seal | name -> an identifier of the list that nobody has yet, 'v' | name | seal likewise
	RowComputed    byte = 'C' // anchor -> what its events and rows add up to, for computed traits
	RowComputedDue byte = 'c' // time | anchor -> its state changes by time alone
	RowStock       byte = 'S' // 's' | SKU -> what is available where; 'n' | position -> SKUs whose people have to be found
	RowErasure     byte = 'z' // 'e' | position -> an Erasure; 'd' | position | ordinal -> a record that was kept out and is still in the log; 'x' | likewise -> one that a retention rule deleted
	RowMatch       byte = 'L' // 'r' | anchor | anchor -> a pair in the review queue; 'x' likewise, the other way round; 'n' | position -> a run; 'h' | position | position -> what a run that waits found; 'm' | position -> what a run learned
	RowModel       byte = 'D' // 'd' | name -> a model and its versions; 'r' | name | version -> its report; 'a' | hash | part -> what a version has learned
	RowScore       byte = 'p' // anchor -> what models predict of its person
	RowEnriched    byte = 'E' // 's' | source -> its last import; 'd' | time | anchor | source -> when what it says of the anchor expires; 'h' | seal | source -> what it says of somebody nobody is yet, 'e' | time | seal | source -> when that expires; 'x' | source -> what it has said is being taken away
	RowOutbox      byte = 'o' // commit number -> Change
	RowPosition    byte = 'P' // -> log position and commit number of the last change set
)

// NewKey starts a key of the table.
func NewKey(table byte) Key { return append(make(Key, 0, 48), table) }

// Text appends a text part: 00 is escaped as 00 FF and the part ends with 00 01, so that
// shorter texts sort first and no text is a prefix of another.
func (k Key) Text(s string) Key {
	k = slices.Grow(k, len(s)+2)
	for i := 0; i < len(s); i++ {
		k = append(k, s[i])
		if s[i] == 0 {
			k = append(k, 0xff)
		}
	}
	return append(k, 0, 1)
}

// Uint appends an unsigned number, 8 bytes big-endian.
func (k Key) Uint(v uint64) Key { return binary.BigEndian.AppendUint64(k, v) }

// Time appends an instant: 8 bytes big-endian with the sign flipped, so that earlier sorts first.
func (k Key) Time(m Micros) Key { return k.Uint(uint64(m) ^ 1<<63) }

// Anchor appends an anchor.
func (k Key) Anchor(a Anchor) Key { return k.Uint(uint64(a)) }

// Bytes appends a part of fixed length.
func (k Key) Bytes(b []byte) Key { return append(k, b...) }

// Reader reads the parts of a key back, in the order they were written.
type KeyReader struct {
	rest []byte
	bad  bool
}

// Read starts after the table byte.
func (k Key) Read() *KeyReader {
	if len(k) == 0 {
		return &KeyReader{bad: true}
	}
	return &KeyReader{rest: k[1:]}
}

// Text reads a text part.
func (r *KeyReader) Text() string {
	var out []byte
	for i := 0; i+1 < len(r.rest); i++ {
		if r.rest[i] != 0 {
			out = append(out, r.rest[i])
			continue
		}
		if r.rest[i+1] == 1 {
			r.rest = r.rest[i+2:]
			return string(out)
		}
		if r.rest[i+1] != 0xff {
			break
		}
		out = append(out, 0)
		i++
	}
	r.bad = true
	return ""
}

// Uint reads a number.
func (r *KeyReader) Uint() uint64 {
	if len(r.rest) < 8 {
		r.bad = true
		return 0
	}
	v := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

// Time reads an instant.
func (r *KeyReader) Time() Micros { return Micros(r.Uint() ^ 1<<63) }

// Anchor reads an anchor.
func (r *KeyReader) Anchor() Anchor { return Anchor(r.Uint()) }

// Rest is what has not been read.
func (r *KeyReader) Rest() []byte { return r.rest }

// Err is Corrupt when a part was not there.
func (r *KeyReader) Err() error {
	if r.bad {
		return Errorf(Corrupt, "row key is cut short")
	}
	return nil
}

// The keys.
func IdentifierKey(id Identifier) Key {
	return NewKey(RowIdentifier).Text(string(id.Namespace)).Text(id.Value)
}
func AnchorKey(a Anchor) Key   { return NewKey(RowAnchor).Anchor(a) }
func GroupKey(p ProfileID) Key { return NewKey(RowGroup).Uint(uint64(p)) }
func EdgeKey(a, b Anchor) Key  { return NewKey(RowEdge).Anchor(a).Anchor(b) }
func LinkKey(a, b Anchor) Key  { return NewKey(RowLink).Anchor(a).Anchor(b) }
func HeadKey(a Anchor) Key     { return NewKey(RowHead).Anchor(a) }

// SaidKey addresses what was said under the anchor: it lies beside the head, which every event
// rewrites, and is written only when a trait or a decision changes.
func SaidKey(a Anchor) Key { return append(HeadKey(a), 's') }

func MetaKey(name string) Key { return NewKey(RowMeta).Text(name) }
func OutboxKey(n uint64) Key  { return NewKey(RowOutbox).Uint(n) }
func QuarantineKey(p Position, ordinal int) Key {
	return NewKey(RowQuarantine).Uint(uint64(p)).Uint(uint64(ordinal))
}
func DroppedKey(p Position, ordinal int) Key {
	return NewKey(RowDropped).Uint(uint64(p)).Uint(uint64(ordinal))
}

// ComputedKey addresses the state of an anchor's computed traits.
func ComputedKey(a Anchor) Key { return NewKey(RowComputed).Anchor(a) }

// ComputedDueKey notes when time alone next changes the state of an anchor's computed traits.
func ComputedDueKey(at Micros, a Anchor) Key { return NewKey(RowComputedDue).Time(at).Anchor(a) }

// ReadComputedDueKey reads what ComputedDueKey wrote.
func ReadComputedDueKey(k Key) (Micros, Anchor, error) {
	r := k.Read()
	at, a := r.Time(), r.Anchor()
	return at, a, r.Err()
}

// StockKey addresses what is available of a SKU.
func StockKey(sku string) Key { return NewKey(RowStock).Bytes([]byte{'s'}).Text(sku) }

// StockNewsKey addresses the SKUs whose stock a frame has changed so that people have to be found.
func StockNewsKey(p Position) Key { return NewKey(RowStock).Bytes([]byte{'n'}).Uint(uint64(p)) }

// QualityKey addresses what internal/quality keeps: what says of which kind, and texts which.
func QualityKey(what string, texts ...string) Key {
	k := NewKey(RowQuality).Text(what)
	for _, t := range texts {
		k = k.Text(t)
	}
	return k
}
func TimelineKey(a Anchor, name string, at Micros, source, eventID string) Key {
	return NewKey(RowTimeline).Anchor(a).Text(name).Time(at).Text(source).Text(eventID)
}

// AudienceKey addresses an audience.
func AudienceKey(name string) Key { return NewKey(RowAudience).Bytes([]byte{'d'}).Text(name) }

// LifecycleKey addresses the lifecycle's stages.
func LifecycleKey() Key { return NewKey(RowAudience).Bytes([]byte{'l'}) }

// MemberKey addresses what a profile is a member of.
func MemberKey(p ProfileID) Key { return NewKey(RowAudience).Bytes([]byte{'m'}).Uint(uint64(p)) }

// ListKeys address that an anchor is on an audience's list: by the anchor, and by the audience.
func ListKeys(a Anchor, name string) (byAnchor, byName Key) {
	return ListOf(a).Text(name), ListNamed(name).Anchor(a)
}

// ListOf and ListNamed begin the keys of the lists that an anchor is on, and of a list.
func ListOf(a Anchor) Key       { return NewKey(RowAudience).Bytes([]byte{'a'}).Anchor(a) }
func ListNamed(name string) Key { return NewKey(RowAudience).Bytes([]byte{'n'}).Text(name) }

// AwaitKeys address an identifier of an audience's list that nobody has yet: by its seal, and by the audience.
func AwaitKeys(s Seal, name string) (bySeal, byName Key) {
	return AwaitOf(s).Text(name), AwaitNamed(name).Bytes(s[:])
}

// AwaitOf and AwaitNamed begin the keys of the lists that await an identifier, and of those that a list awaits.
func AwaitOf(s Seal) Key         { return NewKey(RowAudience).Bytes([]byte{'w'}).Bytes(s[:]) }
func AwaitNamed(name string) Key { return NewKey(RowAudience).Bytes([]byte{'v'}).Text(name) }

// DueKey addresses something to do for a profile when its time comes.
func DueKey(at Micros, what string, p ProfileID) Key {
	return NewKey(RowDue).Time(at).Text(what).Uint(uint64(p))
}

// OwnedKey says that the row of the key (a TableKey) is the anchor's.
func OwnedKey(a Anchor, row Key) Key { return NewKey(RowOwned).Anchor(a).Bytes(row) }

// ErasureKey addresses what remains of an erasure, by the position of its command.
func ErasureKey(p Position) Key { return NewKey(RowErasure).Bytes([]byte{'e'}).Uint(uint64(p)) }

// ExpiredKey addresses a quarantined record that a retention rule deleted and that is still in the log.
func ExpiredKey(p Position, ordinal int) Key {
	return NewKey(RowErasure).Bytes([]byte{'x'}).Uint(uint64(p)).Uint(uint64(ordinal))
}

// KeptOutKey addresses a record that the erasure blocklist kept out.
func KeptOutKey(p Position, ordinal int) Key {
	return NewKey(RowErasure).Bytes([]byte{'d'}).Uint(uint64(p)).Uint(uint64(ordinal))
}

// MatchReviewKey addresses a pair in the review queue, a before b.
func MatchReviewKey(a, b Anchor) Key { return NewKey(RowMatch).Bytes([]byte{'r'}).Anchor(a).Anchor(b) }

// MatchReviewOfKey finds the pair from its other end.
func MatchReviewOfKey(b, a Anchor) Key {
	return NewKey(RowMatch).Bytes([]byte{'x'}).Anchor(b).Anchor(a)
}

// MatchRunKey addresses a run of matching.
func MatchRunKey(p Position) Key { return NewKey(RowMatch).Bytes([]byte{'n'}).Uint(uint64(p)) }

// MatchHeldKey addresses a part of what a run that waits has found, by the position of the part's command.
func MatchHeldKey(run, part Position) Key {
	return NewKey(RowMatch).Bytes([]byte{'h'}).Uint(uint64(run)).Uint(uint64(part))
}

// MatchLearnedKey addresses what a run of matching learned, to weigh further people by.
func MatchLearnedKey(run Position) Key {
	return NewKey(RowMatch).Bytes([]byte{'m'}).Uint(uint64(run))
}

// ModelKey addresses a model with its versions.
func ModelKey(name string) Key { return NewKey(RowModel).Bytes([]byte{'d'}).Text(name) }

// ModelReportKey addresses the report of a version of a model.
func ModelReportKey(name string, version int) Key {
	return NewKey(RowModel).Bytes([]byte{'r'}).Text(name).Uint(uint64(version))
}

// ModelPartKey addresses a part of what a version has learned, by the hash of all of it.
func ModelPartKey(hash string, part int) Key {
	return NewKey(RowModel).Bytes([]byte{'a'}).Text(hash).Uint(uint64(part))
}

// ScoreKey addresses what models predict of the anchor's person.
func ScoreKey(a Anchor) Key { return NewKey(RowScore).Anchor(a) }

// EnrichmentKey addresses what is known of a source of enrichment.
func EnrichmentKey(source string) Key {
	return NewKey(RowEnriched).Bytes([]byte{'s'}).Text(source)
}

// EnrichmentEndKey says that what the source has said is being taken away.
func EnrichmentEndKey(source string) Key { return EnrichmentEnds().Text(source) }

// EnrichmentEnds begins the keys of all such sources.
func EnrichmentEnds() Key { return NewKey(RowEnriched).Bytes([]byte{'x'}) }

// EnrichedUntilKey says when what the source says of the anchor expires.
func EnrichedUntilKey(at Micros, a Anchor, source string) Key {
	return NewKey(RowEnriched).Bytes([]byte{'d'}).Time(at).Anchor(a).Text(source)
}

// HeldKey addresses what a source says of an identifier that nobody has yet, and HeldUntilKey says when that expires.
func HeldKey(s Seal, source string) Key { return HeldOf(s).Text(source) }

// HeldOf begins the keys of all that is held for the identifier.
func HeldOf(s Seal) Key { return NewKey(RowEnriched).Bytes([]byte{'h'}).Bytes(s[:]) }

// HeldUntilKey is HeldKey by the time of its expiry.
func HeldUntilKey(at Micros, s Seal, source string) Key {
	return NewKey(RowEnriched).Bytes([]byte{'e'}).Time(at).Bytes(s[:]).Text(source)
}

// TableKey addresses the folded row of a SQL table; parts are the values of its key columns.
func TableKey(table string, parts ...string) Key {
	k := NewKey(RowTable).Text(table)
	for _, p := range parts {
		k = k.Text(p)
	}
	return k
}

// SeenKey addresses a live message id in its half-day bucket.
func SeenKey(halfDay uint64, hash [16]byte) Key { return NewKey(RowSeen).Uint(halfDay).Bytes(hash[:]) }

// ImportedKey addresses an imported record id.
func ImportedKey(hash [16]byte) Key { return NewKey(RowImported).Bytes(hash[:]) }

// Range is the keys from Start up to but without End; an empty End is the end of the store.
type Range struct {
	Start, End Key
	Reverse    bool // from the last to the first
}

// Prefix is the range of all keys that begin with k.
func Prefix(k Key) Range {
	end := bytes.Clone(k)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return Range{Start: k, End: end[:i+1]}
		}
	}
	return Range{Start: k}
}
