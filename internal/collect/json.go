package collect

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The functions below walk JSON that checkJSON has found valid: they do not look for errors
// again, and read no byte beyond the value they are given.

// checkJSON says whether b is one JSON value and nothing else, and whether all its text is
// Unicode. When it is not JSON, at is about where it stops being so.
func checkJSON(b []byte) (valid, unicode bool, at int64) {
	twice := jsontext.AllowDuplicateNames(true) // the last one wins
	if jsontext.Value(b).IsValid(twice) {
		return true, true, 0
	}
	if jsontext.Value(b).IsValid(twice, jsontext.AllowInvalidUTF8(true)) {
		return true, false, 0
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(b), twice, jsontext.AllowInvalidUTF8(true))
	if d.SkipValue() == nil {
		d.SkipValue()
	}
	return false, false, d.InputOffset()
}

// isUnicode says whether all text of valid JSON is Unicode: UTF-8 without lone surrogates.
func isUnicode(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	if !bytes.Contains(b, []byte(`\u`)) {
		return true
	}
	return jsontext.Value(b).IsValid(jsontext.AllowDuplicateNames(true))
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// skipString is the end of the string that starts at i.
func skipString(b []byte, i int) int {
	// Plain on purpose: searching with bytes.IndexByte was not clearly faster or slower.
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(b)
}

// skipValue is the end of the value that starts at i, and how deeply it nests: 0 for a scalar.
func skipValue(b []byte, i int) (end, depth int) {
	if i >= len(b) {
		return len(b), 0
	}
	switch b[i] {
	case '"':
		return skipString(b, i), 0
	case '{', '[':
		open := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				open++
				depth = max(depth, open)
			case '}', ']':
				open--
				if open == 0 {
					return i + 1, depth
				}
			}
			i++
		}
		return len(b), depth
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && !isSpace(b[i]) {
		i++
	}
	return i, 0
}

// walker goes through the members of an object or the elements of an array.
type walker struct {
	b          []byte
	i          int
	nameStart  int // of the member at hand, its name quoted
	nameEnd    int
	start, end int // of its value
	depth      int // the deepest nesting seen in any value
}

// walk starts at the opening bracket of b, which has no space before it.
func walk(b []byte) walker { return walker{b: b, i: 1} }

func (w *walker) next(object bool) bool {
	i := skipSpace(w.b, w.i)
	if i < len(w.b) && w.b[i] == ',' {
		i = skipSpace(w.b, i+1)
	}
	if i >= len(w.b) || w.b[i] == '}' || w.b[i] == ']' {
		return false
	}
	if object {
		w.nameStart, w.nameEnd = i, skipString(w.b, i)
		i = skipSpace(w.b, w.nameEnd)
		i = skipSpace(w.b, i+1) // the colon
	}
	var depth int
	w.start = i
	w.end, depth = skipValue(w.b, i)
	w.depth = max(w.depth, depth)
	w.i = w.end
	return true
}

func (w *walker) value() []byte { return w.b[w.start:w.end] }

// name is the member's name; scratch is used when it has escapes.
func (w *walker) name(scratch *[]byte) []byte { return unquote(w.b[w.nameStart:w.nameEnd], scratch) }

// unquote is the text of a JSON string, nil when it is not one; scratch is used when it has escapes.
func unquote(s []byte, scratch *[]byte) []byte {
	if len(s) < 2 || s[0] != '"' {
		return nil
	}
	if bytes.IndexByte(s, '\\') < 0 {
		return s[1 : len(s)-1]
	}
	// Text that is not Unicode is read with replacement characters.
	*scratch, _ = jsontext.AppendUnquote((*scratch)[:0], s)
	return *scratch
}

// isNothing says whether a value stands for an absent one: null, an empty text, or the empty
// array that PHP makes of an empty object.
func isNothing(v []byte) bool {
	switch {
	case len(v) == 0, string(v) == "null", string(v) == `""`:
		return true
	case v[0] == '[':
		return v[skipSpace(v, 1)] == ']'
	}
	return false
}

func isObject(v []byte) bool { return len(v) > 0 && v[0] == '{' }
