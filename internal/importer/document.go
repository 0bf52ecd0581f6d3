package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"clientele"
)

// Documents maps JSON documents one at a time, as a webhook brings them, by the same mapping as
// rows of files. A document is one row, or with each: in the mapping one row for every element
// of that list. It is safe for many at once.
type Documents struct {
	m      *Mapping
	source string
	paths  []needPath
	each   []string // path of the list; nil for none
}

// needPath is where a column of the mapping is: in the document, or in the element at hand.
type needPath struct {
	path  []string
	inner bool // in the element; an empty path is the element itself
}

// Limits of one document.
const (
	MaxDocumentRows    = 2500
	maxDocumentRecords = 10_000
)

// NewDocuments prepares a mapping. Invalid when the mapping does not go with the source's name.
func NewDocuments(m *Mapping, source string) (*Documents, error) {
	if m == nil {
		return nil, clientele.Errorf(clientele.Invalid, "there is no mapping")
	}
	if _, err := newMapper(m, source); err != nil {
		return nil, err
	}
	d := &Documents{m: m, source: source}
	if m.each != "" {
		d.each = pathOf(m.each)
	}
	for _, n := range m.needs {
		p := needPath{path: pathOf(n)}
		if m.each != "" && n == m.each {
			p = needPath{inner: true}
		} else if rest, ok := strings.CutPrefix(n, m.each+"."); ok && m.each != "" {
			p = needPath{path: pathOf(rest), inner: true}
		}
		d.paths = append(d.paths, p)
	}
	return d, nil
}

// MapDocument is the records that a document becomes: rows as KindRow has them, events as KindEvent
// does. All of them or, with an error that says why, none. The same document gives the same ids for
// ever. The bytes are the caller's.
func (d *Documents) MapDocument(document []byte) (rows, events [][]byte, err error) {
	object, err := readDocument(document)
	if err != nil {
		return nil, nil, err
	}
	elements, err := d.elements(object)
	if err != nil {
		return nil, nil, err
	}
	mp, err := newMapper(d.m, d.source)
	if err != nil {
		return nil, nil, err
	}
	mp.told = map[[2]uint64]bool{}
	for i := range mp.specs {
		mp.specs[i].once = d.each != nil && !d.readsElement(mp.specs[i].spec)
	}
	r := row{typed: true, line: 1, values: make([]any, len(d.paths)), memos: make([]memo, d.m.memos)}
	for _, element := range elements {
		d.fill(&r, object, element)
		if err := mp.mapRow(&r); err != nil {
			return nil, nil, err
		}
		for _, rec := range mp.records {
			raw := bytes.Clone(mp.out[rec.from:rec.to])
			if rec.state.spec.table == nil {
				events = append(events, raw)
			} else {
				rows = append(rows, raw)
			}
		}
		if len(rows)+len(events) > maxDocumentRecords {
			return nil, nil, clientele.Errorf(clientele.TooLarge, "the document becomes over %d records", maxDocumentRecords)
		}
	}
	return rows, events, nil
}

// readsElement says whether what the record holds depends on the element.
func (d *Documents) readsElement(r *recordSpec) bool {
	values := []*valueSpec{r.event, r.ts, r.traitsFrom}
	values = append(values, r.key...)
	for _, f := range slices.Concat(r.fields, r.traits) {
		values = append(values, f.value)
	}
	for _, id := range r.identifiers {
		values = append(values, id.value, id.verifiedC)
	}
	for _, c := range r.consents {
		values = append(values, c.purpose, c.channel, c.granted, c.basis, c.jurisdiction, c.text, c.expires)
	}
	for _, v := range values {
		if v == nil {
			continue
		}
		if slices.ContainsFunc(v.needs, func(n int) bool { return d.paths[n].inner }) ||
			slices.ContainsFunc(v.transforms, func(t transform) bool { return t.byColumn && d.paths[t.need].inner }) {
			return true
		}
	}
	return false
}

func (d *Documents) fill(r *row, object map[string]any, element any) {
	inside, _ := element.(map[string]any)
	for i, p := range d.paths {
		switch {
		case !p.inner:
			r.values[i] = lookUp(object, p.path)
		case p.path == nil:
			r.values[i] = element
		case inside != nil:
			r.values[i] = lookUp(inside, p.path)
		default:
			r.values[i] = nil
		}
	}
}

// elements are what the rows are made of. A list that is missing or empty still gives one row, so
// that an order without lines is an order.
func (d *Documents) elements(object map[string]any) ([]any, error) {
	if d.each == nil {
		return []any{nil}, nil
	}
	switch v := lookUp(object, d.each).(type) {
	case nil:
		return []any{nil}, nil
	case []any:
		if len(v) > MaxDocumentRows {
			return nil, clientele.Errorf(clientele.TooLarge, "%s holds over %d elements", d.m.each, MaxDocumentRows)
		}
		if len(v) == 0 {
			return []any{nil}, nil
		}
		return v, nil
	}
	return nil, columnError(d.m.each, errNotList)
}

// readDocument reads one JSON object under the same rules as a row of a file.
func readDocument(b []byte) (map[string]any, error) {
	fault := ""
	switch {
	case len(b) > MaxRowBytes:
		return nil, clientele.Errorf(clientele.TooLarge, "the document is over %d MB", MaxRowBytes>>20)
	case textFault(b, false) != "":
		fault = textFault(b, false)
	case bytes.Contains(b, []byte(`\u0000`)):
		fault = faultNUL
	case depthOf(b) > maxJSONDepth:
		fault = "the document nests over 64 deep"
	}
	if fault != "" {
		return nil, clientele.Errorf(clientele.Invalid, "%s", fault)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil || m == nil {
		return nil, clientele.Errorf(clientele.Invalid, "the document is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, clientele.Errorf(clientele.Invalid, "the document has something behind its JSON object")
	}
	return m, nil
}
