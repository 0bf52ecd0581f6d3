package importer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"clientele"
)

// MaxListed is how many identifiers one file can hold.
const MaxListed = 5_000_000

// Identifiers reads the identifiers of a list: one a line, a column of CSV (comma, semicolon or tab), or
// a field of JSON lines. column names column or field; "" takes the only one, or the one that is called like
// the namespace. Empty ones are passed over; each comes once, in the file's order. Invalid says what is
// wrong, TooLarge that there are over MaxListed.
func Identifiers(text []byte, ns clientele.Namespace, column string) ([]string, error) {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	l := &idList{seen: map[string]bool{}}
	var err error
	switch {
	case len(text) == 0:
	case text[0] == '{':
		err = l.lines(text, ns, column)
	case text[0] == '[':
		err = clientele.Errorf(clientele.Invalid, "the file is a JSON list").WithHint("write one JSON object a line")
	default:
		err = l.csv(text, ns, column)
	}
	if err != nil {
		return nil, err
	}
	if len(l.values) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "the file holds no identifier").WithHint("write one a line, or name the column")
	}
	return l.values, nil
}

type idList struct {
	values []string
	seen   map[string]bool
}

func (l *idList) add(v string) error {
	v = strings.TrimSpace(v)
	if v == "" || l.seen[v] {
		return nil
	}
	if len(l.values) == MaxListed {
		return clientele.Errorf(clientele.TooLarge, "the file holds over %d identifiers", MaxListed).WithHint("divide it, and append the parts")
	}
	l.seen[v] = true
	l.values = append(l.values, v)
	return nil
}

// called says whether a column's name means the namespace: itself, or that of its hashes.
func called(name string, ns clientele.Namespace) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	base := strings.TrimSuffix(string(ns), "_sha256")
	return name == string(ns) || name == base || slices.Contains([]string{"_sha256", "_hash", "_hashed"}, strings.TrimPrefix(name, base)) ||
		name == "sha256_"+base || name == "hashed_"+base
}

func (l *idList) lines(text []byte, ns clientele.Namespace, column string) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var m map[string]any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if d.Decode(&m) != nil || m == nil {
			return clientele.Errorf(clientele.Invalid, "line %d is no JSON object", n)
		}
		if column == "" {
			if column = fieldOf(m, ns); column == "" {
				return clientele.Errorf(clientele.Invalid, "line %d has no field that is called like %s", n, ns).WithHint("name the field with column")
			}
		}
		value, _ := m[column].(string)
		if number, is := m[column].(json.Number); is {
			value = number.String()
		}
		if err := l.add(value); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf is the field that is called like the namespace, or the only one; "" for none.
func fieldOf(m map[string]any, ns clientele.Namespace) string {
	only := ""
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if called(name, ns) {
			return name
		}
		only = name
	}
	if len(m) == 1 {
		return only
	}
	return ""
}

func (l *idList) csv(text []byte, ns clientele.Namespace, column string) error {
	first, _, _ := bytes.Cut(text, []byte{'\n'})
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	for _, d := range "\t;" {
		if bytes.ContainsRune(first, d) && !bytes.ContainsRune(first, ',') {
			r.Comma = d
		}
	}
	at := 0
	for n := 0; ; n++ {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return clientele.Errorf(clientele.Invalid, "the file is no CSV: %w", err)
		}
		if n == 0 {
			header := false
			if at, header, err = columnOf(row, ns, column); err != nil {
				return err
			}
			if header {
				continue
			}
		}
		if at < len(row) {
			if err := l.add(row[at]); err != nil {
				return err
			}
		}
	}
}

// columnOf is the index of the column, and whether the first row is a header.
func columnOf(row []string, ns clientele.Namespace, column string) (at int, header bool, err error) {
	if column != "" {
		if at = slices.Index(row, column); at < 0 {
			return 0, false, clientele.Errorf(clientele.Invalid, "the file has no column of that name").WithHint("its first line has to name the columns")
		}
		return at, true, nil
	}
	if at = slices.IndexFunc(row, func(name string) bool { return called(name, ns) }); at >= 0 {
		return at, true, nil
	}
	if len(row) == 1 {
		return 0, false, nil
	}
	return 0, false, clientele.Errorf(clientele.Invalid, "the file has %d columns, and none is called %s", len(row), ns).WithHint("name the one that holds the identifiers with column")
}

// KeyColumn is the column of a file that holds its keys: the one of that name, or else the one that is called like the namespace; -1 for none.
func KeyColumn(columns []string, ns clientele.Namespace, name string) int {
	if name != "" {
		return slices.Index(columns, name)
	}
	return slices.IndexFunc(columns, func(c string) bool { return called(c, ns) })
}
