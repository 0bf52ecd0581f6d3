package clientele

// AudiencePart is a condition of the first level of a definition.
type AudiencePart struct {
	Reads   string `json:"reads"`   // in one line
	Count   int64  `json:"count"`   // members of the condition by itself
	Without int64  `json:"without"` // members of the definition when it is left out
}

// AudienceToCompare is an audience by its name, or a definition.
type AudienceToCompare struct {
	Name  string  `json:"name,omitempty"`
	Where RawJSON `json:"where,omitempty"`
	// Optional leaves it out when there is no audience of the name any more.
	Optional bool `json:"optional,omitempty"`
}

// AudienceOverlap is how many members audiences have in common.
type AudienceOverlap struct {
	Audiences []string  `json:"audiences"` // those compared: names, or definitions in one line
	Counts    []int64   `json:"counts"`    // members of each
	Common    [][]int64 `json:"common"`    // members of the i-th that are in the j-th, too
	Any       int64     `json:"any"`       // members of one of them at least
	All       int64     `json:"all"`       // members of all of them
	Total     int64     `json:"total"`     // profiles there are
	TookMS    int64     `json:"took_ms"`
}

// ValuesQuery asks for the values that there are of something that definitions test.
type ValuesQuery struct {
	Of       ValuesOf
	Name     string // of the trait, or of the event whose properties are meant
	Property string
	Prefix   string // whatever the case of letters
	Limit    int
}

// ValuesOf is of what values are wanted.
type ValuesOf string

// What has values.
const (
	ValuesOfTrait    ValuesOf = "trait"
	ValuesOfEvent    ValuesOf = "event" // the names of events
	ValuesOfProperty ValuesOf = "property"
)

// ValueCount is a value with how many have it: profiles for a trait, events for the others.
type ValueCount struct {
	Value string `json:"value"` // as text
	Count int64  `json:"count"`
}
