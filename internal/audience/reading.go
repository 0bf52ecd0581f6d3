package audience

import "github.com/go-json-experiment/json/jsontext"

// NumberIn is the JSON value as a number, as all of this package reads it.
func NumberIn(v jsontext.Value) (float64, bool) { return numberOf(v) }
