package clientele

// MaxComputedTraits is how many computed traits there can be.
const MaxComputedTraits = 200

// ComputedTrait is a trait that is made of what a person's events and orders add up to.
type ComputedTrait struct {
	Name       string  `json:"name" doc:"a-z, 0-9 and _, the first a letter; also the name of the column."`
	Definition RawJSON `json:"definition" doc:"An aggregate over an event or a table, or {\"ratio\":{\"of\":A,\"by\":A}} or {\"difference\":{\"of\":A,\"less\":A}} of two."`
}

// ComputedInForce is a computed trait with where it came from and how far its values are made.
type ComputedInForce struct {
	ComputedTrait
	RuleOrigin
	Type     ColumnType `json:"type"`               // of the column
	Live     bool       `json:"live"`               // profiles have values of a definition; otherwise the first is being filled
	Filling  bool       `json:"filling,omitempty"`  // this definition is being filled; until then the one before holds
	Progress float64    `json:"progress,omitempty"` // of the backfill, from 0 to 1
}

// ComputedPreview is what a definition would give for one profile.
type ComputedPreview struct {
	Profile ProfileID `json:"profile"`
	Value   RawJSON   `json:"value"` // null: missing
}
