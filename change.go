package clientele

// Rows is a consistent view of the row store.
type Rows interface {
	// Get returns the row's bytes, nil when there is none. The caller may keep them.
	Get(Key) ([]byte, error)
	// Scan calls fn for each row of the range in key order until fn returns false or an error.
	// Key and value are valid only during the call.
	Scan(r Range, fn func(k Key, v []byte) (more bool, err error)) error
}

// Snapshot is a Rows that does not move. It must be closed.
type Snapshot interface {
	Rows
	Close() error
}

// RowStore keeps the state of the resolver. One change set at a time; readers never see half
// of one. Every driver passes the suite in internal/store/storetest.
type RowStore interface {
	Rows
	// Load reads many rows at once; the answer has the keys' order, nil where there is none.
	Load(keys []Key) ([][]byte, error)
	// Apply commits the whole change set durably or nothing of it. ErrMoved when the stored
	// position is not set.After: another writer was here. Repeating after an unknown outcome
	// is safe: it answers ErrMoved when the first try had succeeded.
	Apply(set *ChangeSet) error
	// Position is the log position and commit number of the last change set.
	Position() (Position, uint64, error)
	// Changes returns at most n encoded changes with numbers above after, in order, without
	// gaps. Corrupt when the next one has been trimmed: the follower must rebuild.
	Changes(after uint64, n int) ([]OutboxEntry, error)
	// TrimChanges forgets the changes up to and with the number.
	TrimChanges(upTo uint64) error
	// Snapshot is the state as of the last change set.
	Snapshot() (Snapshot, error)
}

// ErrMoved says that a change set was made for a state that is no longer the stored one.
var ErrMoved = &Error{Code: Conflict, Message: "the stored log position is not the one this change set was made for",
	Hint: "another process resolves the same data: stop one of them"}

// ChangeSet is everything that a micro-batch changes, committed at once. Its memory is the caller's
// again once Apply has returned.
type ChangeSet struct {
	After    Position // the position the batch was computed from
	Position Position // the position it brings the store to
	Rows     []RowChange
	Drop     []Range // removed before Rows are written
	Outbox   []byte  // encoded Change; nil = no commit number is used
}

// RowChange writes a row, or deletes it when Value is nil.
type RowChange struct {
	Key   Key
	Value []byte
}

// OutboxEntry is a numbered encoded Change.
type OutboxEntry struct {
	Number uint64
	Bytes  []byte
}

// Change is what a commit means to followers: rows of the SQL schema, as they are from now on.
type Change struct {
	Position Position    `cbor:"1,keyasint"`
	Tables   []TableRows `cbor:"2,keyasint,omitempty"`
	Moved    []Moved     `cbor:"3,keyasint,omitempty"`
	Promoted []Promotion `cbor:"4,keyasint,omitempty"`
	Seen     []Seen      `cbor:"5,keyasint,omitempty"`
	// Erased are anchors whose person was erased: every row of a Person table that is theirs is to be
	// deleted, every row of a profile of that number, and what the overlay says of them. No later
	// change speaks of them.
	Erased []Anchor `cbor:"6,keyasint,omitempty"`
	// Expired are the events that retention rules delete: every row of events that one of them matches, of
	// those that are there before the rows of Tables.
	Expired []Expiry `cbor:"7,keyasint,omitempty"`
}

// Seen says that the last_seen of a profile's row becomes Last unless it is later already, and
// that nothing else in the row has changed. Most events mean no more than this to a profile. It
// holds after the rows of Tables; a profile without a row has been deleted.
type Seen struct {
	_       struct{} `cbor:",toarray"`
	Profile ProfileID
	Last    Micros
}

// TableRows are rows of one table. Insert, Upsert and Delete never hold the same key. Values
// stand in the order of the table's columns: nil, string, int64 (bigint, timestamps in Micros,
// Decimal, dates in days), float64 or bool.
type TableRows struct {
	Table  string  `cbor:"1,keyasint"`
	Upsert [][]any `cbor:"2,keyasint,omitempty"` // replace a row of the same key
	Delete [][]any `cbor:"3,keyasint,omitempty"` // key columns only
	Insert [][]any `cbor:"4,keyasint,omitempty"` // no row of the same key was ever told of
}

// Moved says to which profile the rows of an anchor belong from now on. When a commit has
// several for one anchor the last holds.
type Moved struct {
	Anchor  Anchor    `cbor:"1,keyasint"`
	Profile ProfileID `cbor:"2,keyasint"`
}

// Promotion gives a property or trait a typed column of its own. From the same commit on, rows
// carry it in their JSON as before: the store fills the column itself, for old rows too.
type Promotion struct {
	Table  string     `cbor:"1,keyasint"` // events or profiles
	JSON   string     `cbor:"2,keyasint"` // the property or trait; of a computed trait ComputedJSON
	Column string     `cbor:"3,keyasint"`
	Type   ColumnType `cbor:"4,keyasint"`
	Since  Position   `cbor:"5,keyasint,omitempty"` // no row of a change before this position has the property; 0 = any may have it
}

// ComputedJSON is what a Promotion calls a computed trait: no trait is called that, for the first character is none
// that a person writes.
func ComputedJSON(name string) string { return "\x01" + name }
