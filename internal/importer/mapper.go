package importer

import (
	"clientele"
)

// mapper makes records of rows. Its output is a function of the rows before and the mapping
// alone, so an import that goes on after an interruption makes the same ids.
type mapper struct {
	m         *Mapping
	row       *row // the one being mapped
	source    string
	specs     []specState
	counts    counter
	contents  recent // records of a key that were sent
	changes   recent // what the last record of a key said
	unchanged int64
	told      map[[2]uint64]bool // of a document: ids and contents of its records; nil for files

	scratch   []byte  // parts of the row's records
	drafts    []draft // records of the row, ids to come
	key       []byte  // what is hashed
	out       []byte  // records of the row
	records   []outRecord
	orderID   []byte // of the row, as JSON
	orderLine []byte
	inherited []byte
	shared    sharedParts
}

// sharedParts are what the identifiers and the time of the file gave for this row, so that they are
// worked out once for all records that use them.
type sharedParts struct {
	hasIDs, hasTS bool
	ids           []byte
	n             int
	at            clientele.Micros
}

// specState is what the mapper knows of a record of the mapping.
type specState struct {
	spec       *recordSpec
	namespaces []string // of its identifiers
	made       int64    // records made of rows
	sent       int64    // of them, handed to the sink
	nobody     int64    // profiles left out because the row has no identifier
	once       bool     // of a document: reads nothing of the element, so it is there once
}

// draft is a record before it has an id: pieces of scratch.
type draft struct {
	state *specState
	at    clientele.Micros
	ids   [2]int // ,"ids":[...] or "externalIds":[...]
	who   [2]int // ,"userId":... of an event
	body  [2]int // "name":value,...
	tail  [2]int // ,"consents":[...]
	event string
	order [2]int  // order_id of an order, where it is mapped
	line  [2]int  // line of an order line, where it is mapped
	key   hash128 // when the record has one
}

// outRecord is a finished record: a piece of out.
type outRecord struct {
	state    *specState
	from, to int
}

func newMapper(m *Mapping, source string) (*mapper, error) {
	mp := &mapper{m: m, source: source}
	for _, r := range m.records {
		st := specState{spec: r}
		for _, id := range r.identifiers {
			ns := id.name
			if !id.declared {
				ns = source + ":" + id.name
			}
			if err := (clientele.Identifier{Namespace: clientele.Namespace(ns), Value: "x"}).Check(); err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "identifier %s: %w", id.name, err).
					WithHint("list a shorter name under namespaces: in the mapping")
			}
			st.namespaces = append(st.namespaces, ns)
		}
		mp.specs = append(mp.specs, st)
	}
	return mp, nil
}

// mapRow fills records. An error says why the row is bad; nothing of it counts then.
func (mp *mapper) mapRow(r *row) error {
	mp.scratch, mp.drafts, mp.out, mp.records = mp.scratch[:0], mp.drafts[:0], mp.out[:0], mp.records[:0]
	mp.orderID, mp.orderLine = mp.orderID[:0], mp.orderLine[:0]
	mp.shared.hasIDs, mp.shared.hasTS = false, false
	mp.row = r
	for i := range mp.specs {
		st := &mp.specs[i]
		ok, err := st.spec.applies(&mp.m.file, r)
		if err == nil && ok {
			err = mp.draft(st, r)
		}
		if err != nil {
			return err
		}
	}
	if err := mp.complete(); err != nil {
		return err
	}
	for i := range mp.drafts {
		mp.finish(&mp.drafts[i])
	}
	return nil
}

func (r *recordSpec) applies(f *fileSpec, row *row) (bool, error) {
	if len(r.when) == 0 {
		return true, nil
	}
	for _, cs := range r.when {
		ok, err := cs.hold(f, row)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// draft evaluates everything of a record that depends on the row alone.
func (mp *mapper) draft(st *specState, r *row) error {
	spec := st.spec
	d := draft{state: st}
	if err := mp.when(&d, r); err != nil {
		return err
	}
	from := len(mp.scratch)
	n, err := mp.who(&d, r)
	if err != nil {
		return err
	}
	if n == 0 && spec.name() == "profiles" {
		st.nobody++
		mp.scratch = mp.scratch[:from]
		return nil
	}
	if err := mp.body(&d, r); err != nil {
		return err
	}
	if len(spec.key) > 0 {
		if err := mp.keyHash(&d, r); err != nil {
			return err
		}
	}
	if size := len(mp.scratch) - from; size > MaxRecordBytes-1024 { // the rest is ids and names
		return clientele.Errorf(clientele.TooLarge, "the %s record of the row is over %d KB", spec.name(), MaxRecordBytes>>10)
	}
	mp.drafts = append(mp.drafts, d)
	return nil
}

// when finds the time of the record.
func (mp *mapper) when(d *draft, r *row) error {
	spec := d.state.spec
	if spec.ts == nil {
		return nil
	}
	if spec.sharedTS && mp.shared.hasTS {
		d.at = mp.shared.at
		return nil
	}
	c, err := spec.ts.evaluate(&mp.m.file, r)
	if err == nil && c.kind != cellNull {
		d.at, err = spec.ts.instant(c, r)
	}
	if err != nil {
		return columnError(spec.ts.label(), err)
	}
	if spec.sharedTS {
		mp.shared.at, mp.shared.hasTS = d.at, true
	}
	return nil
}

// who writes the identifiers of the record and says how many there are.
func (mp *mapper) who(d *draft, r *row) (int, error) {
	spec, from := d.state.spec, len(mp.scratch)
	if !spec.sharedIDs || spec.table == nil {
		return mp.identifiers(d, r)
	}
	if mp.shared.hasIDs {
		mp.scratch = append(mp.scratch, mp.shared.ids...)
		d.ids = [2]int{from, len(mp.scratch)}
		d.who = [2]int{len(mp.scratch), len(mp.scratch)}
		return mp.shared.n, nil
	}
	n, err := mp.identifiers(d, r)
	if err == nil {
		mp.shared.hasIDs, mp.shared.n = true, n
		mp.shared.ids = append(mp.shared.ids[:0], mp.scratch[from:]...)
	}
	return n, err
}

// identifiers writes the identifiers of the row and says how many there are.
func (mp *mapper) identifiers(d *draft, r *row) (n int, err error) {
	st, f, from := d.state, &mp.m.file, len(mp.scratch)
	spec := st.spec
	event := spec.table == nil
	var user, anonymous string
	for i := range spec.identifiers {
		id := &spec.identifiers[i]
		c, err := id.value.evaluate(f, r)
		if err != nil {
			return 0, columnError(id.value.label(), err)
		}
		if c.kind == cellNull {
			continue
		}
		if c.kind == cellList || c.kind == cellObject {
			return 0, columnError(id.value.label(), errNotScalar)
		}
		ident := clientele.Identifier{Namespace: clientele.Namespace(st.namespaces[i]), Value: c.text}
		if err := ident.Check(); err != nil {
			return 0, columnError(id.value.label(), err)
		}
		verified := id.verified
		if id.verifiedC != nil {
			if verified, err = mp.isTrue(id.verifiedC, r); err != nil {
				return 0, err
			}
		}
		switch {
		case event && ident.Namespace == clientele.UserID && user == "":
			user = c.text
			if !verified {
				continue
			}
		case event && ident.Namespace == clientele.AnonymousID && anonymous == "":
			anonymous = c.text
			if !verified {
				continue
			}
		}
		mp.appendIdentifier(ident, verified, event, n == 0)
		n++
	}
	if n > 0 {
		mp.scratch = append(mp.scratch, ']')
	}
	d.ids = [2]int{from, len(mp.scratch)}
	if user != "" {
		mp.scratch = appendText(append(mp.scratch, `,"userId":`...), user)
	}
	if anonymous != "" {
		mp.scratch = appendText(append(mp.scratch, `,"anonymousId":`...), anonymous)
	}
	d.who = [2]int{d.ids[1], len(mp.scratch)}
	return n, nil
}

// appendIdentifier writes one identifier: of a row, or as an external id of an event.
func (mp *mapper) appendIdentifier(id clientele.Identifier, verified, event, first bool) {
	b := mp.scratch
	open, ns, value, end := `,"ids":[`, `{"ns":`, `,"v":`, `}`
	if event {
		open, ns, value, end = `"externalIds":[`, `{"type":`, `,"id":`, `,"collection":"users","encoding":"none"}`
	}
	if first {
		b = append(b, open...)
	} else {
		b = append(b, ',')
	}
	b = appendText(append(b, ns...), string(id.Namespace))
	b = appendText(append(b, value...), id.Value)
	if verified {
		b = append(b, `,"verified":true`...)
	}
	mp.scratch = append(b, end...)
}

func (mp *mapper) isTrue(v *valueSpec, r *row) (bool, error) {
	c, err := v.evaluate(&mp.m.file, r)
	if err != nil || c.kind == cellNull {
		return false, err
	}
	b, err := boolOf(c.text)
	if err != nil {
		return false, columnError(v.label(), err)
	}
	return b, nil
}

// body writes fields or traits, and consents.
func (mp *mapper) body(d *draft, r *row) error {
	spec, f := d.state.spec, &mp.m.file
	from := len(mp.scratch)
	if spec.event != nil {
		c, err := spec.event.evaluate(f, r)
		if err != nil {
			return columnError(spec.event.label(), err)
		}
		if c.text == "" {
			return columnError(spec.event.label(), clientele.Errorf(clientele.Invalid, "the event has no name"))
		}
		d.event = c.text
	}
	fields := spec.fields
	if spec.table == nil || len(spec.traits) > 0 {
		fields = spec.traits
	}
	for i := range fields {
		mark := len(mp.scratch)
		if err := mp.field(&fields[i], r); err != nil {
			return err
		}
		switch {
		case fields[i].name == "order_id" && spec.name() == "orders":
			d.order = [2]int{mark + len(fields[i].json), len(mp.scratch) - 1}
		case fields[i].name == "line" && spec.name() == "order_lines" && len(mp.scratch) > mark:
			d.line = [2]int{mark + len(fields[i].json), len(mp.scratch) - 1}
		}
	}
	if spec.traitsFrom != nil {
		if err := mp.allOf(spec, r); err != nil {
			return err
		}
	}
	d.body = [2]int{from, len(mp.scratch)}
	from = len(mp.scratch)
	if err := mp.consents(spec, r); err != nil {
		return err
	}
	d.tail = [2]int{from, len(mp.scratch)}
	return nil
}

// field writes "name":value, when there is a value.
func (mp *mapper) field(fs *fieldSpec, r *row) error {
	c, err := fs.value.evaluate(&mp.m.file, r)
	if err != nil {
		return columnError(fs.value.label(), err)
	}
	if c.kind == cellNull {
		if fs.must {
			return columnError(fs.value.label(), clientele.Errorf(clientele.Invalid, "%s is empty", fs.name))
		}
		if fs.empty {
			mp.scratch = append(append(mp.scratch, fs.json...), `"",`...)
		}
		return nil
	}
	mark := len(mp.scratch)
	mp.scratch = append(mp.scratch, fs.json...)
	if mp.scratch, err = fs.value.appendJSON(mp.scratch, c, r); err != nil {
		mp.scratch = mp.scratch[:mark]
		return columnError(fs.value.label(), err)
	}
	mp.scratch = append(mp.scratch, ',')
	return nil
}

// allOf writes the members of a JSON object that the mapping does not name itself.
func (mp *mapper) allOf(spec *recordSpec, r *row) error {
	c, err := spec.traitsFrom.evaluate(&mp.m.file, r)
	if err != nil || c.kind == cellNull {
		return err
	}
	if c.kind == cellText {
		x, err := decodeJSON(c.text)
		if err != nil {
			return columnError(spec.traitsFrom.label(), err)
		}
		c = cellOf(x)
	}
	object, ok := c.val.(map[string]any)
	if !ok {
		return columnError(spec.traitsFrom.label(), clientele.Errorf(clientele.Invalid, "not a JSON object"))
	}
	named := map[string]bool{}
	for _, t := range spec.traits {
		named[t.name] = true
	}
	for _, k := range sortedKeys(object) {
		if named[k] || object[k] == nil {
			continue
		}
		mp.scratch = append(appendText(mp.scratch, k), ':')
		if mp.scratch, err = appendAny(mp.scratch, object[k]); err != nil {
			return columnError(spec.traitsFrom.label(), err)
		}
		mp.scratch = append(mp.scratch, ',')
	}
	return nil
}

// consents writes the decisions of the row; one whose purpose or answer is empty is left out.
func (mp *mapper) consents(spec *recordSpec, r *row) error {
	n := 0
	for i := range spec.consents {
		c := &spec.consents[i]
		mark := len(mp.scratch)
		if n == 0 {
			mp.scratch = append(mp.scratch, `,"consents":[{`...)
		} else {
			mp.scratch = append(mp.scratch, `,{`...)
		}
		complete := true
		for _, part := range []struct {
			json string
			v    *valueSpec
			must bool
		}{{`"purpose":`, c.purpose, true}, {`"channel":`, c.channel, false}, {`"granted":`, c.granted, true}, {`"legal_basis":`, c.basis, false},
			{`"jurisdiction":`, c.jurisdiction, false}, {`"text_version":`, c.text, false}, {`"expires_at":`, c.expires, false}} {
			if part.v == nil {
				continue
			}
			before := len(mp.scratch)
			if err := mp.field(&fieldSpec{json: []byte(part.json), value: part.v}, r); err != nil {
				return err
			}
			if part.must && len(mp.scratch) == before {
				complete = false
			}
		}
		if !complete {
			mp.scratch = mp.scratch[:mark]
			continue
		}
		mp.scratch[len(mp.scratch)-1] = '}' // instead of the comma
		n++
	}
	if n > 0 {
		mp.scratch = append(mp.scratch, ']')
	}
	return nil
}

// keyHash hashes the declared key.
func (mp *mapper) keyHash(d *draft, r *row) error {
	spec := d.state.spec
	b := appendPart(append(mp.key[:0], idOfKey), mp.source)
	b = appendPart(b, spec.name())
	if spec.table == nil {
		b = appendPart(b, d.event)
	}
	empty := true
	for _, k := range spec.key {
		c, err := k.evaluate(&mp.m.file, r)
		if err != nil {
			return columnError(k.label(), err)
		}
		if c.kind == cellList || c.kind == cellObject {
			return columnError(k.label(), errNotScalar)
		}
		empty = empty && c.text == ""
		b = appendPart(b, c.text)
	}
	mp.key = b
	if empty {
		return columnError(spec.key[0].label(), clientele.Errorf(clientele.Invalid, "the key is empty"))
	}
	d.key = hashOf(b)
	return nil
}

// complete finds records that lack what another record of the row should have given.
func (mp *mapper) complete() error {
	order := false
	for i := range mp.drafts {
		spec := mp.drafts[i].state.spec
		order = order || spec.name() == "orders"
		if spec.takesOrder && spec.name() == "order_lines" && !order {
			return clientele.Errorf(clientele.Invalid, "the row has an order line but no order").
				WithHint("map order_id in order_lines, or give both records the same when:")
		}
	}
	return nil
}
