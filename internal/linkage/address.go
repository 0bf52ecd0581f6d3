package linkage

import "strings"

// streetWords are the words of addresses that are written in several ways; "" leaves the word out.
var streetWords = map[string]string{
	"street": "st", "str": "st", "saint": "st", "strasse": "st", "lane": "ln", "drive": "dr", "drv": "dr", "road": "rd", "avenue": "ave", "av": "ave",
	"boulevard": "blvd", "circuit": "cct", "crct": "cct", "circle": "cir", "court": "ct", "place": "pl", "plaza": "plz", "square": "sq", "terrace": "tce", "ter": "tce",
	"crescent": "cres", "close": "cl", "parade": "pde", "highway": "hwy", "parkway": "pkwy", "freeway": "fwy", "gardens": "gdns", "grove": "gr", "heights": "hts",
	"north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
	"mount": "mt", "fort": "ft", "route": "rte", "trail": "trl", "way": "way", "esplanade": "esp", "promenade": "prom",
	"apartment": "#", "apt": "#", "unit": "#", "suite": "#", "ste": "#", "flat": "#", "room": "#", "rm": "#", "floor": "#", "fl": "#", "no": "", "number": "", "nr": "",
	"the": "", "of": "",
}

// street is an address taken apart.
type street struct {
	number string // of the house, or of the box
	name   string // words of the street, in short forms
	code   string // postcode found at the end, "" for none
	city   string // what is before it
}

// parseAddress takes an address in one line apart: the first part between commas that has a number and a
// word is the street; "PO Box 12" is number and street too. A postcode is looked for only where the line has a city.
func parseAddress(raw string) street {
	var out street
	raw = shorten(raw)
	parts := strings.FieldsFunc(raw, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '|' })
	if len(parts) > 1 {
		// The part with a number and a street is the one: flats and buildings come before it, towns behind.
		for i, p := range parts {
			s := parseStreet(p)
			if whole := s.number != "" && hasLetters(s.name); i == 0 || whole {
				out.number, out.name = s.number, s.name
				if whole {
					break
				}
			}
		}
		words := strings.Fields(fold(parts[len(parts)-1]))
		for i := len(words) - 1; i >= max(0, len(words)-3) && out.code == ""; i-- {
			if w := words[i]; len(w) >= 4 && len(w) <= 7 && strings.ContainsAny(w, "0123456789") {
				out.code = w
			}
		}
		if out.code != "" {
			out.city = cityOf(parts, words)
		}
	}
	if len(parts) <= 1 {
		return parseStreet(raw)
	}
	return out
}

// parseStreet takes a line without commas apart.
func parseStreet(line string) (out street) {
	unit := false
	for _, w := range strings.Fields(fold(line)) {
		if short, ok := streetWords[w]; ok {
			w = short
		} else if base, ok := strings.CutSuffix(w, "strasse"); ok && base != "" {
			w = base + "str"
		}
		switch {
		case w == "#":
			unit = true
			continue
		case w == "":
			continue
		case unit:
			unit = false
			continue
		case out.number == "" && w[0] >= '0' && w[0] <= '9':
			out.number = w
			continue
		}
		if out.name != "" {
			out.name += " "
		}
		out.name += w
	}
	return out
}

func hasLetters(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' })
}

// cityOf is the town in front of a postcode: in its part of the address, or in the one before when there is
// nothing but the state.
func cityOf(parts, words []string) string {
	var kept []string
	for _, w := range words {
		if !strings.ContainsAny(w, "0123456789") && !(len(kept) > 0 && len(w) == 2) {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 || len(kept) == 1 && len(kept[0]) == 2 {
		if len(parts) < 3 {
			return ""
		}
		if before := parts[len(parts)-2]; !strings.ContainsAny(before, "0123456789") {
			return fold(before)
		}
		return ""
	}
	return strings.Join(kept, " ")
}

// text is the form that equal addresses share: number, a bar, street.
func (s street) text() string {
	if s.number == "" && s.name == "" {
		return ""
	}
	return s.number + "|" + s.name
}
