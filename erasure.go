package clientele

import (
	"encoding/hex"
)

// Seal is a keyed hash: it recognises what it was made of and tells nobody else. The key is in
// the data directory.
type Seal [16]byte

// MarshalText makes hexadecimal JSON of it.
func (s Seal) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Seal) UnmarshalText(b []byte) error {
	if n, err := hex.Decode(s[:], b); err != nil || n != len(s) || len(b) != 2*len(s) {
		return Errorf(Invalid, "a seal is %d hexadecimal digits", 2*len(s))
	}
	return nil
}

// RecordRef is a record's place in the log.
type RecordRef struct {
	_        struct{} `cbor:",toarray"`
	Position Position `json:"p"`
	Ordinal  int      `json:"i"`
}

// Erasure is what remains of a person who was erased: enough to keep the person erased and to
// rebuild all others with the same ids, and nothing that says who it was. Field numbers are on
// disk.
type Erasure struct {
	ID          string           `json:"id" cbor:"1,keyasint"`       // "er_" and the position
	Position    Position         `json:"position" cbor:"2,keyasint"` // of the command in the log
	At          Micros           `json:"at" cbor:"3,keyasint"`       // what was said up to then is kept out
	Anchors     []Anchor         `json:"anchors" cbor:"4,keyasint"`
	Identifiers []Seal           `json:"identifiers" cbor:"5,keyasint"` // the erasure blocklist
	Rows        []Seal           `json:"rows,omitempty" cbor:"6,keyasint,omitempty"`
	Records     []RecordRef      `json:"records,omitempty" cbor:"7,keyasint,omitempty"` // events that were the person's
	Quarantined []RecordRef      `json:"quarantined,omitempty" cbor:"8,keyasint,omitempty"`
	Counts      map[string]int64 `json:"counts" cbor:"9,keyasint"` // what was deleted, by table
}

// EraseRequest asks to erase a person.
type EraseRequest struct {
	Namespace Namespace `json:"namespace"`
	Value     string    `json:"value"`
	DryRun    bool      `json:"dry_run,omitempty"` // count only
	Purge     bool      `json:"purge,omitempty"`   // purge log, archive and files now instead of within erase.purge_within
}

// EraseResult is what an erasure has deleted, or, of a dry run, would delete.
type EraseResult struct {
	ID       string           `json:"id,omitempty"` // of the erasure; its certificate is under /api/v1/erasures/ID
	Profile  ProfileID        `json:"profile"`
	DryRun   bool             `json:"dry_run,omitempty"`
	Counts   map[string]int64 `json:"counts"`
	Exports  []string         `json:"exports"`             // files that were exported before and may hold the person: they are not in our hands
	PurgeBy  Micros           `json:"purge_by,omitempty"`  // when the bytes will be gone from log, archive and files at the latest
	PurgedAt Micros           `json:"purged_at,omitempty"` // when they were
}
