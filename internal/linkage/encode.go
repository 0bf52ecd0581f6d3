package linkage

import (
	"slices"
	"strings"
	"sync"
)

// records are the rows of a table in the form in which they are compared.
type records struct {
	space      *space
	n          int
	fields     []*field
	rows       []uint32 // by record, then field: the first values, beside one another as comparing wants them
	given      int      // places of fields that belong together; -1 when there is none
	surname    int
	aliases    [][]uint32           // by record: further words of its names, in the dictionary of names; nil for none
	generation []uint8              // by record: senior, junior; nil when nobody says
	orders     map[string]dateOrder // by column of dates: how it writes them
}

// encoder makes records of a table.
type encoder struct {
	t      *Table
	roles  map[Role][]*column
	phone  func(string) string
	out    *records
	names  *dictionary
	unsure map[*column]bool
	orders map[string]dateOrder // of dates where they are known already; nil = told by the values
}

// encode normalises every different value once and makes the fields. The columns' roles are given.
func encode(t *Table, choices []Choice, phone func(string) string) *records {
	e := newEncoder(t, choices, phone)
	for _, f := range e.fields() {
		if f.filled > 0 {
			e.out.fields = append(e.out.fields, f)
		}
	}
	e.out.fields = e.out.fields[:min(len(e.out.fields), maxFields)]
	e.out.lay()
	return e.out
}

func newEncoder(t *Table, choices []Choice, phone func(string) string) *encoder {
	if phone == nil {
		phone = normalPhone
	}
	e := &encoder{t: t, roles: map[Role][]*column{}, phone: phone, out: &records{space: t.space, n: t.rows, given: -1, surname: -1}, names: newDictionary(kindGiven, t.space), unsure: map[*column]bool{}}
	for i, c := range choices {
		e.roles[c.Role] = append(e.roles[c.Role], t.columns[i])
		e.unsure[t.columns[i]] = c.unsure
	}
	return e
}

// lay puts the first values of a record beside one another and finds the fields of names.
func (r *records) lay() {
	width := len(r.fields)
	r.rows = grab[uint32](r.space, r.n*width)
	for i, f := range r.fields {
		for rec, id := range f.ids {
			r.rows[rec*width+i] = id
		}
		switch f.kind {
		case kindGiven:
			if r.given < 0 {
				r.given = i
			}
		case kindSurname:
			r.surname = i
		}
	}
}

// fields makes all of them, empty ones too. Each is made alone; they run beside each other and are put in order afterwards.
func (e *encoder) fields() (out []*field) {
	var jobs []func() []*field
	one := func(make func() *field) {
		jobs = append(jobs, func() []*field {
			if f := make(); f != nil {
				return []*field{f}
			}
			return nil
		})
	}
	jobs = append(jobs, e.nameFields)
	one(e.dates)
	one(func() *field { return grouped(e.listed(kindEmail, "e-mail", normalEmail, e.roles[Email])) })
	one(func() *field { return grouped(e.listed(kindPhone, "phone", e.phone, e.roles[Phone])) })
	jobs = append(jobs, e.places)
	for _, c := range e.roles[Identifier] {
		one(func() *field { return e.listed(kindIdentifier, c.name, normalIdentifier, []*column{c}) })
	}
	one(func() *field { return grouped(e.listed(kindText, "organisation", fold, e.roles[Organisation])) })
	for _, role := range []Role{City, Region, Text, Category, Number} {
		k := map[Role]kind{City: kindText, Region: kindCategory, Text: kindText, Category: kindCategory, Number: kindNumber}[role]
		for i, c := range e.roles[role] {
			if role == City && i == 0 {
				continue // places has it
			}
			normal := fold
			switch role {
			case Number:
				normal = normalNumber
			case Region:
				normal = normalRegion
			}
			one(func() *field {
				f := e.listed(k, c.name, normal, []*column{c})
				if role == City || role == Region || f != nil && f.unsure { // nobody says that it is not of the place
					return grouped(f)
				}
				return f
			})
		}
	}
	made := make([][]*field, len(jobs))
	var wait sync.WaitGroup
	for i, job := range jobs {
		if e.t.rows == 1 { // not worth a goroutine
			made[i] = job()
			continue
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			made[i] = job()
		}()
	}
	wait.Wait()
	return slices.Concat(made...)
}

// grouped marks a field as one that people of a household share.
func grouped(f *field) *field {
	if f != nil {
		f.group = true
	}
	return f
}

func normalNumber(s string) string { return strings.TrimSpace(shorten(s)) }

// newField counts what the field's records hold.
func (e *encoder) newField(k kind, name string, columns []*column, d *dictionary, ids []uint32, more [][]uint32) *field {
	f := &field{name: name, kind: k, dict: d, ids: ids, more: more}
	for _, c := range columns {
		f.columns = append(f.columns, c.name)
		f.unsure = f.unsure || e.unsure[c]
	}
	f.count = grab[uint32](e.t.space, len(d.column.values))
	for _, id := range ids {
		if id != 0 {
			f.filled++
			f.count[id]++
		}
	}
	for _, list := range more {
		for _, id := range list {
			f.count[id]++
		}
	}
	return f
}

// listed is a field of one or more columns whose cells may hold several values.
func (e *encoder) listed(k kind, name string, normal func(string) string, columns []*column) *field {
	if len(columns) == 0 {
		return nil
	}
	d := newDictionary(k, e.t.space)
	ids := grab[uint32](e.t.space, e.t.rows)
	var more [][]uint32
	several := k == kindEmail || k == kindPhone
	for _, c := range columns {
		forms := grab[uint32](e.t.space, len(c.values))
		var lists map[uint32][]uint32
		for id, v := range c.values {
			if isMissing(v) {
				continue
			}
			parts := split(v, several)
			if len(parts) < 2 {
				forms[id] = d.id(normal(v))
				continue
			}
			for _, p := range parts {
				form := d.id(normal(p))
				switch {
				case form == 0:
				case forms[id] == 0:
					forms[id] = form
				default:
					if lists == nil {
						lists = map[uint32][]uint32{}
					}
					lists[uint32(id)] = append(lists[uint32(id)], form)
				}
			}
		}
		for r, raw := range c.ids {
			form := forms[raw]
			switch {
			case form == 0:
				continue
			case ids[r] == 0:
				ids[r] = form
			default:
				more = appendValue(more, e.t.rows, r, ids[r], form)
			}
			for _, form := range lists[raw] {
				more = appendValue(more, e.t.rows, r, ids[r], form)
			}
		}
		release(e.t.space, forms)
	}
	return e.newField(k, name, columns, d, ids, more)
}

// maxValues is how many values of one field a record is compared by.
const maxValues = 8

func appendValue(more [][]uint32, rows, r int, first, id uint32) [][]uint32 {
	if more == nil {
		more = make([][]uint32, rows)
	}
	if id != first && len(more[r]) < maxValues-1 && !slices.Contains(more[r], id) {
		more[r] = append(more[r], id)
	}
	return more
}

// split takes a cell with several values apart: lists always, and by signs where a value has none of them.
func split(v string, bySigns bool) []string {
	if strings.Contains(v, ValueSeparator) {
		return strings.Split(v, ValueSeparator)
	}
	if bySigns && strings.ContainsAny(v, ";,|") && len(v) < 1000 {
		return strings.FieldsFunc(v, func(r rune) bool { return r == ';' || r == ',' || r == '|' })
	}
	return nil
}

// order is how a column writes its dates.
func (e *encoder) order(c *column) dateOrder {
	order, known := e.orders[c.name]
	if !known {
		order = orderOf(c.values)
	}
	if e.out.orders == nil {
		e.out.orders = map[string]dateOrder{}
	}
	e.out.orders[c.name] = order
	return order
}

// dates is the date of birth, of one column or of three.
func (e *encoder) dates() *field {
	d := newDictionary(kindDate, e.t.space)
	ids := grab[uint32](e.t.space, e.t.rows)
	columns := e.roles[BirthDate]
	for _, c := range columns {
		order := e.order(c)
		forms := make([]uint32, len(c.values))
		for id, v := range c.values {
			if at, ok := parseDate(v, order); ok {
				forms[id] = d.id(at.String())
			}
		}
		for r, raw := range c.ids {
			if ids[r] == 0 {
				ids[r] = forms[raw]
			}
		}
	}
	parts := [3][]*column{e.roles[BirthYear], e.roles[BirthMonth], e.roles[BirthDay]}
	if len(parts[0]) > 0 {
		numbers := [3][]int{}
		for i, list := range parts {
			if len(list) > 0 {
				columns = append(columns, list[0])
				numbers[i] = make([]int, len(list[0].values))
				for id, v := range list[0].values {
					numbers[i][id] = int(quantity(shorten(v)))
				}
			}
		}
		part := func(i, r, least, most int) int {
			if numbers[i] == nil {
				return 0
			}
			if n := numbers[i][parts[i][0].ids[r]]; n >= least && n <= most {
				return n
			}
			return 0
		}
		for r := range ids {
			if y := part(0, r, 1000, 2100); ids[r] == 0 && y > 0 {
				ids[r] = d.id(newDay(y, part(1, r, 1, 12), part(2, r, 1, 31)).String())
			}
		}
	}
	if len(columns) == 0 {
		return nil
	}
	return e.newField(kindDate, "birth date", columns, d, ids, nil)
}

// nameParts is what a column's value says of a name.
type nameParts struct {
	given, middle, surname uint32
	generation             uint8
	words                  []uint32
}

// nameFields are given name, surname and middle name, of their own columns or of whole names.
func (e *encoder) nameFields() []*field {
	t := e.t
	given, surname, middle := grab[uint32](t.space, t.rows), grab[uint32](t.space, t.rows), grab[uint32](t.space, t.rows)
	generation := make([]uint8, t.rows)
	saysGeneration := false
	note := func(r int, g uint8) {
		if g != 0 && generation[r] == 0 {
			generation[r], saysGeneration = g, true
		}
	}
	for _, role := range []Role{GivenName, Surname, MiddleName} {
		to := map[Role][]uint32{GivenName: given, Surname: surname, MiddleName: middle}[role]
		for _, c := range e.roles[role] {
			parts := e.parts(c, func(v string, p *nameParts) {
				var who person
				p.given = e.names.id(strings.Join(who.words(v), " "))
				p.generation = who.generation
			})
			for r, raw := range c.ids {
				if p := &parts[raw]; p.given != 0 {
					note(r, p.generation)
					if to[r] == 0 {
						to[r] = p.given
					}
				}
			}
		}
	}
	for _, c := range e.roles[FullName] {
		parts := e.parts(c, func(v string, p *nameParts) {
			who := parseName(v)
			p.given, p.middle, p.surname, p.generation = e.names.id(who.given), e.names.id(who.middle), e.names.id(who.surname), who.generation
			for w := range strings.FieldsSeq(who.given + " " + who.middle + " " + who.surname) {
				if len(w) > 2 && len(p.words) < maxValues {
					p.words = append(p.words, e.names.id(w))
				}
			}
		})
		for r, raw := range c.ids {
			p := &parts[raw]
			if raw == 0 || p.given|p.surname == 0 {
				continue
			}
			note(r, p.generation)
			if given[r] == 0 && surname[r] == 0 {
				given[r], middle[r], surname[r] = p.given, p.middle, p.surname
			}
			for _, w := range p.words {
				if w != surname[r] && w != given[r] {
					e.out.aliases = appendValue(e.out.aliases, t.rows, r, 0, w)
				}
			}
		}
	}
	if saysGeneration {
		e.out.generation = generation
	}
	whole := e.roles[FullName]
	fields := []*field{
		e.newField(kindGiven, "given name", slices.Concat(e.roles[GivenName], whole), e.names, given, nil),
		e.newField(kindSurname, "surname", slices.Concat(e.roles[Surname], whole), e.names, surname, nil),
		e.newField(kindGiven, "middle name", slices.Concat(e.roles[MiddleName], whole), e.names, middle, nil),
	}
	fields[1].group = true
	return fields
}

// parts takes every different value of a column of names apart.
func (e *encoder) parts(c *column, take func(v string, p *nameParts)) []nameParts {
	out := make([]nameParts, len(c.values))
	for id, v := range c.values {
		if isMissing(v) {
			continue
		}
		v, _, _ = strings.Cut(v, ValueSeparator)
		take(v, &out[id])
	}
	return out
}

// places are postcode, address and city: an address may bring the house number, the postcode and the city with it.
func (e *encoder) places() []*field {
	rows := e.t.rows
	var out []*field
	codes := e.listed(kindPostcode, "postcode", normalPostcode, e.roles[Postcode])
	var cities *field
	if list := e.roles[City]; len(list) > 0 {
		cities = e.listed(kindText, list[0].name, fold, list[:1])
	}
	if columns := e.roles[Address]; len(columns) > 0 {
		d := newDictionary(kindAddress, e.t.space)
		ids := grab[uint32](e.t.space, rows)
		var numbers []string
		var house *column
		if list := e.roles[HouseNumber]; len(list) > 0 {
			house = list[0]
			columns = append(columns[:len(columns):len(columns)], house)
			numbers = make([]string, len(house.values))
			for id, v := range house.values {
				if !isMissing(v) {
					numbers[id] = strings.ReplaceAll(fold(v), " ", "")
				}
			}
		}
		joined := map[uint64]uint32{}
		for _, c := range e.roles[Address] {
			streets := make([]street, len(c.values))
			for id, v := range c.values {
				if !isMissing(v) {
					streets[id] = parseAddress(v)
				}
			}
			forms := make([]uint32, len(c.values))
			clear(joined)
			for id, s := range streets {
				forms[id] = d.id(s.text())
			}
			for r, raw := range c.ids {
				s := &streets[raw]
				if ids[r] == 0 && house != nil && numbers[house.ids[r]] != "" && s.number == "" {
					key := uint64(raw)<<32 | uint64(house.ids[r])
					form, ok := joined[key]
					if !ok {
						form = d.id(street{number: numbers[house.ids[r]], name: s.name}.text())
						joined[key] = form
					}
					ids[r] = form
				} else if ids[r] == 0 {
					ids[r] = forms[raw]
				}
				if s.code != "" && codes != nil && codes.ids[r] == 0 {
					codes.ids[r] = codes.dict.id(normalPostcode(s.code))
				}
				if s.city != "" && cities != nil && cities.ids[r] == 0 {
					cities.ids[r] = cities.dict.id(s.city)
				}
			}
		}
		out = append(out, e.newField(kindAddress, "address", columns, d, ids, nil))
	}
	if codes != nil {
		out = append(out, e.newField(kindPostcode, "postcode", e.roles[Postcode], codes.dict, codes.ids, codes.more))
	}
	if cities != nil {
		out = append(out, e.newField(kindText, cities.name, e.roles[City][:1], cities.dict, cities.ids, cities.more))
	}
	for _, f := range out {
		f.group = true
	}
	return out
}
