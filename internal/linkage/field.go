package linkage

import (
	"strings"

	"github.com/zeebo/xxh3"
)

// kind is how values of a field are compared.
type kind uint8

const (
	kindGiven kind = iota
	kindSurname
	kindDate
	kindEmail
	kindPhone
	kindPostcode
	kindAddress
	kindIdentifier
	kindCategory
	kindNumber
	kindText
)

// maxFields is how many fields are compared: what half bytes of two words hold.
const maxFields = 32

// field is one thing that records are compared by.
type field struct {
	name    string // as shown and configured: given name, birth date, or the column's
	kind    kind
	columns []string
	dict    *dictionary
	ids     []uint32   // first value of each record, 0 for none
	more    [][]uint32 // further values by record; nil when no record has several
	count   []uint32   // records with the value
	filled  int        // records with a value
	unsure  bool       // what it holds is a guess by its values: it starts from meaning nothing
	group   bool       // people of one household share it
}

// values is how many values a record has, and nth one of them.
func (f *field) values(r uint32) int {
	if f.ids[r] == 0 {
		return 0
	}
	if f.more == nil {
		return 1
	}
	return 1 + len(f.more[r])
}

func (f *field) nth(r uint32, i int) uint32 {
	if i == 0 {
		return f.ids[r]
	}
	return f.more[r][i-1]
}

// dictionary holds the different values of one or more fields in their normal form, and for each what the
// comparisons and keys need, worked out once. Value 0 is none.
type dictionary struct {
	column
	make  func(d *dictionary, s string)
	sound []uint32            // names: hash of how it sounds
	start []uint32            // first three characters
	nick  [][maxGroups]uint16 // names: groups of nicknames
	part  []uint32            // e-mail: hash of the local part; postcode: of the district; address: of the house number
	rest  []uint32            // address: hash of the street; postcode: of the area
	split []uint16            // e-mail, address: where the second part of the text begins
	days  []day
	value []float64
}

func newDictionary(k kind, s *space) *dictionary {
	d := &dictionary{column: *newColumn("", s)}
	d.make = map[kind]func(*dictionary, string){kindGiven: makeName, kindSurname: makeName, kindEmail: makeEmail, kindPostcode: makePostcode, kindAddress: makeAddress,
		kindDate: func(d *dictionary, s string) { d.days = add(d.space, d.days, dayOf(s)) }, kindText: makeText,
		kindNumber: func(d *dictionary, s string) { d.value = add(d.space, d.value, quantity(s)) }}[k]
	if d.make != nil {
		d.make(d, "")
	}
	return d
}

// id is the number of a normal form, made when it is new.
func (d *dictionary) id(s string) uint32 {
	if s == "" {
		return 0
	}
	n := len(d.column.values)
	id := d.intern(s)
	if int(id) == n && d.make != nil {
		d.make(d, s)
	}
	return id
}

// hash32 is never 0 but for the empty text.
func hash32(s string) uint32 {
	if s == "" {
		return 0
	}
	return uint32(xxh3.HashString(s)) | 1
}

func startOf(s string) uint32 {
	n := uint32(0)
	for i := range min(3, len(s)) {
		n = n<<8 | uint32(s[i])
	}
	return n
}

func makeName(d *dictionary, s string) {
	d.sound = add(d.space, d.sound, hash32(soundOf(s)))
	d.start = add(d.space, d.start, startOf(s))
	d.nick = add(d.space, d.nick, nicknameGroups(s))
}

func makeText(d *dictionary, s string) { d.start = add(d.space, d.start, startOf(s)) }

func makeEmail(d *dictionary, s string) {
	local := localPart(s)
	d.part = add(d.space, d.part, hash32(local))
	d.split = add(d.space, d.split, uint16(len(local)))
}

func makePostcode(d *dictionary, s string) {
	d.part = add(d.space, d.part, hash32(outward(s)))
	d.rest = add(d.space, d.rest, hash32(area(s)))
}

func makeAddress(d *dictionary, s string) {
	number, name, _ := strings.Cut(s, "|")
	d.part = add(d.space, d.part, hash32(number))
	d.rest = add(d.space, d.rest, hash32(name))
	d.split = add(d.space, d.split, uint16(len(number)))
}

// dayOf reads what day.String writes.
func dayOf(s string) (d day) {
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' {
			d = d<<4 | day(c-'0')
		}
	}
	return d
}

// quantity is the number in a text that is one, else what no number equals.
func quantity(s string) float64 {
	n, scale, point, sign := 0.0, 1.0, false, 1.0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + float64(c-'0')
			if point {
				scale *= 10
			}
		case c == '.':
			point = true
		case c == '-' && i == 0:
			sign = -1
		}
	}
	return sign * n / scale
}
