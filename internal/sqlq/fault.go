package sqlq

import (
	"encoding/json"
	"unicode/utf8"
)

// Fault is an error of a text with what the PostgreSQL protocol tells of it: the SQLSTATE, and
// where it is. To everything else it is the error inside.
type Fault struct {
	State    string // five characters; "" = as the error's code says
	Position int    // in characters, from 1; 0 = not known
	Err      error

	offset int // the byte, from 1, until Place has made a character of it
}

func (f *Fault) Error() string { return f.Err.Error() }

func (f *Fault) Unwrap() error { return f.Err }

// at makes a fault of an error about a node of the tree, which knows its byte in the text.
func at(n map[string]any, state string, err error) error {
	f := &Fault{State: state, Err: err}
	if number, ok := n["query_location"].(json.Number); ok {
		// A node that the parser made up has the largest number there is.
		if i, err := number.Int64(); err == nil && i >= 0 && i < MaxTextBytes {
			f.offset = int(i) + 1
		}
	}
	return f
}

// Place turns the byte that a fault of Check knows into a character of the text, which Check has not seen.
func Place(err error, text string) error {
	f, ok := err.(*Fault)
	if !ok || f.offset == 0 {
		return err
	}
	return &Fault{State: f.State, Position: Character(text, f.offset-1), Err: f.Err}
}

// Character is the number, from 1, of the character at a byte of the text; 0 when there is no such byte.
func Character(text string, at int) int {
	if at < 0 || at > len(text) {
		return 0
	}
	return utf8.RuneCountInString(text[:at]) + 1
}
