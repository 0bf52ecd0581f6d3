package linkage

import (
	"fmt"
	"strings"
)

// profile is what the values of a column look like, of at most sampleValues different ones.
type profile struct {
	rows, filled, distinct                                        int
	email, phone, date, digits, numbers, words, many, british, us float64 // shares of the different values
	given, whole                                                  float64 // shares of the records: given names, and names of several words with one
	length                                                        float64 // mean, of bytes
}

const sampleValues = 2000

// manyWords is how many words a category has at most, or one in ten records.
const manyWords = 200

func profileOf(c *column) profile {
	p := profile{rows: len(c.ids)}
	count := grab[uint32](c.space, len(c.values)) // records by value
	defer release(c.space, count)
	for _, id := range c.ids {
		count[id]++
	}
	for id, v := range c.values {
		if isMissing(v) {
			count[id] = 0
		} else {
			p.distinct++
		}
		p.filled += int(count[id])
	}
	step := max(1, len(c.values)/sampleValues)
	n, records := 0.0, 0.0
	for id := 1; id < len(c.values); id += step {
		if count[id] > 0 {
			n++
			records += float64(count[id])
			p.look(strings.TrimSpace(shorten(c.values[id])), float64(count[id]))
		}
	}
	if n == 0 {
		return p
	}
	for _, x := range []*float64{&p.email, &p.phone, &p.date, &p.digits, &p.numbers, &p.words, &p.many, &p.british, &p.us, &p.length} {
		*x /= n
	}
	p.given /= records
	p.whole /= records
	return p
}

// look notes a value that so many records have.
func (p *profile) look(v string, records float64) {
	p.length += float64(len(v))
	digits, letters, signs := 0, 0, 0
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80:
			letters++
		case c != ' ':
			signs++
		}
	}
	at := strings.IndexByte(v, '@')
	switch {
	case at > 0 && strings.IndexByte(v[at:], '.') > 0:
		p.email++
	case letters == 0 && digits >= 9 && digits <= 15 && len(v) <= 20:
		p.phone++
	}
	if _, ok := parseDate(v, monthFirst); ok && digits >= 6 && (len(v) == 8 && signs == 0 || signs >= 2 || letters >= 3) {
		p.date++
	}
	if digits == len(v) {
		p.digits++
		if len(v) == 5 {
			p.us++
		}
	}
	if digits > 0 && letters == 0 && strings.Trim(v, "0123456789.,-+ ") == "" {
		p.numbers++
	}
	if letters > 0 && strings.Contains(v, " ") {
		p.many++
	}
	if letters > 0 && digits == 0 {
		p.words++
		words := strings.Fields(fold(v))
		switch n := len(words); {
		case n == 1 && isGivenName(words[0]):
			p.given += records
		case n >= 2 && n <= 4 && (isGivenName(words[0]) || isGivenName(words[n-1])):
			p.whole += records
		}
	}
	if code := normalPostcode(v); digits >= 1 && digits <= 3 && letters >= 3 && letters <= 4 && len(code) >= 5 && len(code) <= 7 && code[0] >= 'a' && code[len(code)-1] >= 'a' {
		p.british++
	}
}

// Guess says what each column holds, by its name and by its values, in the table's order. Columns in given
// keep the role there; those in ignore are not looked at.
func Guess(t *Table, given map[string]Role, ignore map[string]bool) []Choice {
	out := make([]Choice, len(t.columns))
	unsure := make([]profile, len(t.columns))
	taken := map[Role]bool{}
	for i, c := range t.columns {
		out[i] = Choice{Column: c.name}
		if ignore[c.name] {
			out[i].Role, out[i].Why = Ignored, "left out as told"
			continue
		}
		p := profileOf(c)
		if role, ok := given[c.name]; ok {
			out[i].Role, out[i].Why = role, "as configured"
		} else {
			out[i].Role, out[i].Why = byName(c.name, p)
		}
		unsure[i] = p
		taken[out[i].Role] = true
	}
	nameColumns(out, unsure, taken)
	for i, c := range t.columns {
		if out[i].Role == "" {
			out[i].Role, out[i].Why = byValues(t, c, unsure[i], taken)
			out[i].unsure = out[i].Role == Category || out[i].Role == Number || out[i].Role == Text
		}
	}
	return out
}

// likeNames is the share of a column's records with a given name that is known, from which it is one of names.
const likeNames = 0.25

// nameColumns finds names among the columns that nobody named: the one that has most given names, and beside it the one of
// single words with most different ones.
func nameColumns(out []Choice, p []profile, taken map[Role]bool) {
	best := func(of func(p profile) float64, least float64) int {
		at := -1
		for i := range out {
			if out[i].Role == "" && p[i].words > 0.8 && p[i].distinct > 1 && of(p[i]) >= least {
				at, least = i, max(of(p[i]), least+1e-9)
			}
		}
		return at
	}
	take := func(at int, role Role, why string, share float64) {
		out[at].Role, out[at].Why = role, fmt.Sprintf("%.0f %% of its values %s", 100*share, why)
		taken[role] = true
	}
	if taken[FullName] {
		return
	}
	if !taken[GivenName] {
		given, whole := best(func(p profile) float64 { return p.given }, likeNames), -1
		if !taken[Surname] {
			whole = best(func(p profile) float64 { return p.whole }, 2*likeNames)
		}
		switch {
		case whole >= 0 && (given < 0 || p[whole].whole > p[given].given):
			take(whole, FullName, "have a given name among their words", p[whole].whole)
			return
		case given < 0:
			return
		}
		take(given, GivenName, "look like given names", p[given].given)
	}
	if !taken[Surname] {
		if at := best(func(p profile) float64 {
			if p.many > 0.5 || p.distinct < p.filled/200 {
				return 0
			}
			return float64(p.distinct)
		}, 20); at >= 0 {
			take(at, Surname, "are words, beside given names", p[at].words)
		}
	}
}

// byName goes by the column's name if the values do not contradict; "" when the name says nothing.
func byName(name string, p profile) (Role, string) {
	switch {
	case p.filled == 0:
		return Ignored, "it is empty"
	}
	role := headerRole(name)
	if role == Category && p.distinct > manyWords && p.distinct > p.filled/10 { // a title that is of a book
		role = ""
	}
	switch role {
	case "", Region, Category, City, Text:
		if p.distinct == 1 {
			return Ignored, "it holds one value"
		}
	case Ignored:
		return Ignored, "by its name it tells records apart, or when or where from, not who"
	case Identifier:
		if p.distinct == p.filled {
			return Ignored, "no value of it comes twice"
		}
	case BirthDate:
		if p.date < 0.3 && p.length > 4.5 {
			return "", ""
		}
	case Email:
		if p.email < 0.3 {
			return "", ""
		}
	case Phone:
		if p.words > 0.5 {
			return "", ""
		}
	case BirthYear, BirthMonth, BirthDay:
		if p.digits < 0.8 {
			return "", ""
		}
	case GivenName, Surname, FullName:
		if p.digits > 0.5 || p.email > 0.5 {
			return "", ""
		}
	case Postcode, HouseNumber:
		if p.words > 0.7 {
			return Text, "by its name, but its values are words"
		}
	}
	return role, "by its name"
}

func byValues(t *Table, c *column, p profile, taken map[Role]bool) (Role, string) {
	because := func(share float64, what string) string {
		return fmt.Sprintf("%.0f %% of its values look like %s", 100*share, what)
	}
	unique := float64(p.distinct) / float64(max(1, p.filled))
	switch {
	case p.email > 0.6:
		return Email, because(p.email, "e-mail addresses")
	case p.british > 0.7:
		return Postcode, because(p.british, "postcodes")
	case p.date > 0.8 && !taken[BirthDate] && !taken[BirthYear] && birthYears(c):
		return BirthDate, because(p.date, "dates of birth")
	case p.date > 0.8:
		return Ignored, because(p.date, "dates, but not of birth")
	case p.phone > 0.8 && p.length >= 9 && !taken[Phone]:
		return Phone, because(p.phone, "phone numbers")
	case p.distinct == p.filled && p.many < 0.5:
		return Ignored, "no value of it comes twice"
	case p.us > 0.9 && unique < 0.9 && !taken[Postcode]:
		return Postcode, because(p.us, "postcodes")
	case p.digits > 0.8 && uniqueBySource(t, c):
		return Ignored, "no value of it comes twice in a file"
	case p.distinct <= 50 || p.distinct < p.filled/200:
		return Category, fmt.Sprintf("it holds %d different values", p.distinct)
	case p.numbers > 0.8:
		return Number, because(p.numbers, "numbers")
	}
	return Text, "words"
}

// uniqueBySource says whether no value comes twice within one file: such numbers count rows.
func uniqueBySource(t *Table, c *column) bool {
	seen := make([]uint32, len(c.values)) // source + 1 in which a value was last
	for i, from := range t.starts {
		to := t.rows
		if i+1 < len(t.starts) {
			to = t.starts[i+1]
		}
		for _, id := range c.ids[from:to] {
			if id != 0 && seen[id] == uint32(i+1) {
				return false
			}
			seen[id] = uint32(i + 1)
		}
	}
	return true
}

// birthYears says whether the dates of a column are spread over lives rather than over some years of business.
func birthYears(c *column) bool {
	order := orderOf(c.values)
	least, most := 3000, 0
	n := 0
	for id := 1; id < len(c.values) && n < sampleValues; id++ {
		if d, ok := parseDate(c.values[id], order); ok {
			y := d.decimal() / 10000
			least, most = min(least, y), max(most, y)
			n++
		}
	}
	return n > 0 && most-least >= 25
}
