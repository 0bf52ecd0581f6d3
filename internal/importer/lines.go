package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// lineReader reads formats in which a row is one line: values between blanks, and JSON.
type lineReader struct {
	w       *window
	spec    *fileSpec
	foreign bool
	paths   [][]string // JSON: by need; nil for values between blanks
}

func (l *lineReader) next(r *row) error {
	for {
		line, size, long, ok := l.w.physicalLine()
		if !ok {
			return l.w.finished()
		}
		if !long && (len(bytes.TrimSpace(line)) == 0 || l.spec.comment != 0 && line[0] == l.spec.comment) {
			l.w.skip(size)
			continue
		}
		r.start(l.w.line, line)
		if long {
			r.fault = faultLong
			r.raw = bytes.Clone(line[:QuarantineKept])
			l.w.dropLine()
			return nil
		}
		r.fault = textFault(line, l.foreign)
		if r.fault == "" && l.paths != nil {
			r.fault = l.object(r, line)
		} else if r.fault == "" {
			r.texts = append(r.texts, strings.Fields(string(line))...)
		}
		l.w.line++
		l.w.pos += size
		return nil
	}
}

// maxJSONDepth is how deep a row may nest.
const maxJSONDepth = 64

// object reads a JSON object and takes what the mapping needs of it.
func (l *lineReader) object(r *row, line []byte) string {
	if bytes.Contains(line, []byte(`\u0000`)) {
		return faultNUL
	}
	if depthOf(line) > maxJSONDepth {
		return "the row nests over 64 deep"
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil || m == nil {
		return "the row is not a JSON object"
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "the row has something behind its JSON object"
	}
	for i, path := range l.paths {
		r.values[i] = lookUp(m, path)
	}
	return ""
}

// depthOf is how deep brackets nest outside of texts.
func depthOf(line []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// lookUp follows a path: the whole name first, then its parts between points.
func lookUp(m map[string]any, path []string) any {
	if v, ok := m[path[0]]; ok {
		return v
	}
	for i, part := range path[1:] {
		v, ok := m[part]
		if !ok {
			return nil
		}
		if i == len(path)-2 {
			return v
		}
		if m, ok = v.(map[string]any); !ok {
			return nil
		}
	}
	return nil
}

// pathOf is a column's whole name and its parts.
func pathOf(column string) []string {
	return append([]string{column}, strings.Split(column, ".")...)
}
