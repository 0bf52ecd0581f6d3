// Package people makes up records of customers whose owners are known, in any number: what a shop, a till and
// a newsletter would have of them, with the errors that people and forms make. It is for measuring how well
// and how fast records are linked, and for tests; it knows nothing of how that is done.
package people

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
)

// Header names the columns of Row. truth is the number of the person.
var Header = []string{"record", "truth", "first_name", "last_name", "birth_date", "postcode", "email", "phone"}

// Row is one record, in the order of Header; "" is a missing value.
type Row [8]string

// person is who a record is of.
type person struct {
	number                                     int
	given, surname, born, postcode, mail, tel  string
	mail2, tel2, maiden, postcodeBefore, short string
}

type maker struct {
	rnd      *rand.Rand
	given    []string
	surnames []string
	persons  int
}

// Write writes n records as CSV with a header. Two households of equal seed and n are equal to the byte.
func Write(w io.Writer, n int, seed uint64) error {
	b := bufio.NewWriterSize(w, 1<<20)
	c := csv.NewWriter(b)
	if err := c.Write(Header); err != nil {
		return err
	}
	var err error
	Each(n, seed, func(r Row) bool {
		err = c.Write(r[:])
		return err == nil
	})
	c.Flush()
	if err == nil {
		err = c.Error()
	}
	if err == nil {
		err = b.Flush()
	}
	return err
}

// Each calls do with n records, those of one household near one another, until it returns false. The same seed
// gives the same records.
func Each(n int, seed uint64, do func(Row) bool) {
	m := &maker{rnd: rand.New(rand.NewPCG(seed, 6)), given: strings.Fields(givenNames)}
	m.surnames = m.makeSurnames()
	for record := 0; record < n; {
		for _, p := range m.household() {
			for range m.copies() {
				if record == n {
					return
				}
				record++
				if !do(m.row(record, &p)) {
					return
				}
			}
		}
	}
}

func (m *maker) chance(share float64) bool { return m.rnd.Float64() < share }

// zipf draws a place of a list of n so that the first are common and the last rare, by Mandelbrot's law 1/(30+rank):
// of some hundred names the first has a share of 1.5 %, as in censuses.
func (m *maker) zipf(n int) int {
	const shift = 30
	return min(n-1, int(shift*(math.Exp(m.rnd.Float64()*math.Log(1+float64(n)/shift))-1)))
}

// copies is how many records a person has: half have one, a few have many.
func (m *maker) copies() int {
	n := 1
	for n < 12 && m.chance(0.5) {
		n++
	}
	return n
}

// makeSurnames are common surnames in front and some thousands put together from syllables behind.
func (m *maker) makeSurnames() []string {
	out := strings.Fields(commonSurnames)
	seen := map[string]bool{}
	first, last := strings.Fields(surnameStarts), strings.Fields(surnameEnds)
	for len(out) < 12_000 {
		s := first[m.rnd.IntN(len(first))]
		if m.chance(0.5) {
			s += strings.Fields("a e i o er an in ol al ow")[m.rnd.IntN(10)]
		}
		s += last[m.rnd.IntN(len(last))]
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// household is one to five people of one address; most share the surname and some the phone.
func (m *maker) household() []person {
	size := 1
	for size < 5 && m.chance(0.4) {
		size++
	}
	surname := m.surnames[m.zipf(len(m.surnames))]
	// Places are of unlike size too: 20,000 postcodes.
	postcode := fmt.Sprintf("%05d", 10_000+m.zipf(60)*331+m.rnd.IntN(331))
	line := m.number()
	out := make([]person, size)
	for i := range out {
		p := &out[i]
		m.persons++
		p.number = m.persons
		p.given, p.surname = m.given[m.zipf(len(m.given))], surname
		if i > 0 && m.chance(0.25) {
			p.surname = m.surnames[m.zipf(len(m.surnames))]
		}
		if m.chance(0.04) {
			p.maiden = m.surnames[m.zipf(len(m.surnames))]
		}
		if names := shortNames[p.given]; names != "" && m.chance(0.4) {
			list := strings.Fields(names)
			p.short = list[m.rnd.IntN(len(list))]
		}
		p.born = fmt.Sprintf("%04d%02d%02d", 1935+m.rnd.IntN(72), 1+m.rnd.IntN(12), 1+m.rnd.IntN(28))
		p.postcode, p.postcodeBefore = postcode, postcode
		if m.chance(0.12) {
			p.postcodeBefore = fmt.Sprintf("%05d", 10_000+m.zipf(60)*331+m.rnd.IntN(331))
		}
		p.tel, p.tel2 = m.number(), m.number()
		if m.chance(0.3) {
			p.tel = line
		}
		p.mail, p.mail2 = m.address(p), m.address(p)
		if i > 0 && m.chance(0.08) {
			p.mail = out[0].mail
		}
	}
	return out
}

func (m *maker) number() string {
	return fmt.Sprintf("%03d%07d", 201+m.rnd.IntN(700), m.rnd.IntN(10_000_000))
}

func (m *maker) address(p *person) string {
	domain := strings.Fields("gmail.com gmail.com gmail.com yahoo.com outlook.com hotmail.com icloud.com example.net")[m.rnd.IntN(8)]
	number := m.rnd.IntN(100)
	switch m.rnd.IntN(5) {
	case 0:
		return fmt.Sprintf("%s.%s@%s", p.given, p.surname, domain)
	case 1:
		return fmt.Sprintf("%s%s%d@%s", p.given, p.surname, number, domain)
	case 2:
		return fmt.Sprintf("%s%s%d@%s", p.given[:1], p.surname, m.rnd.IntN(1000), domain)
	case 3:
		return fmt.Sprintf("%s%d@%s", p.given, m.rnd.IntN(100_000), domain)
	}
	return fmt.Sprintf("%s.%s%d@%s", p.surname, p.given, number, domain)
}

// row is a record of the person: what one of its sources has, with errors.
func (m *maker) row(record int, p *person) Row {
	given, surname, postcode, mail, tel := p.given, p.surname, p.postcode, p.mail, p.tel
	if p.short != "" && m.chance(0.3) {
		given = p.short
	}
	if p.maiden != "" && m.chance(0.4) {
		surname = p.maiden
	}
	if m.chance(0.3) {
		postcode = p.postcodeBefore
	}
	if m.chance(0.15) {
		mail = p.mail2
	}
	if m.chance(0.12) {
		tel = p.tel2
	}
	born := p.born
	if m.chance(0.02) {
		born = born[:4] + born[6:] + born[4:6]
	}
	r := Row{fmt.Sprint(record), fmt.Sprint(p.number), m.typo(given, 0.04), m.typo(surname, 0.05), m.slip(born, 0.03), m.slip(postcode, 0.02), m.typo(mail, 0.02), m.slip(tel, 0.02)}
	if m.chance(0.01) {
		r[2], r[3] = r[3], r[2]
	}
	for i, share := range [8]float64{2: 0.01, 3: 0.005, 4: 0.25, 5: 0.05, 6: 0.3, 7: 0.35} {
		if m.chance(share) {
			r[i] = ""
		}
	}
	// What forms are filled with by who has none.
	if m.chance(0.004) {
		r[6] = "none@none.com"
	}
	if m.chance(0.004) {
		r[7] = "0000000000"
	}
	return r
}

// typo changes, leaves out, doubles or swaps a letter.
func (m *maker) typo(s string, share float64) string {
	if len(s) < 3 || !m.chance(share) {
		return s
	}
	i := m.rnd.IntN(len(s) - 1)
	switch m.rnd.IntN(4) {
	case 0:
		return s[:i] + string(rune('a'+m.rnd.IntN(26))) + s[i+1:]
	case 1:
		return s[:i] + s[i+1:]
	case 2:
		return s[:i] + s[i:i+1] + s[i:]
	}
	return s[:i] + s[i+1:i+2] + s[i:i+1] + s[i+2:]
}

// slip changes or swaps a digit.
func (m *maker) slip(s string, share float64) string {
	if len(s) < 3 || !m.chance(share) {
		return s
	}
	i := m.rnd.IntN(len(s) - 1)
	if m.chance(0.5) {
		return s[:i] + string(rune('0'+m.rnd.IntN(10))) + s[i+1:]
	}
	return s[:i] + s[i+1:i+2] + s[i:i+1] + s[i+2:]
}
