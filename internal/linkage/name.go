package linkage

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed nicknames.txt
var nicknameText string

// nicknames are the groups that each given name stands in.
var nicknames = sync.OnceValue(func() map[string][]uint16 {
	groups := map[string][]uint16{}
	n := uint16(0)
	for line := range strings.Lines(nicknameText) {
		names := strings.Fields(line)
		if len(names) == 0 || names[0] == "#" {
			continue
		}
		n++
		for _, name := range names {
			groups[name] = append(groups[name], n)
		}
	}
	return groups
})

// isGivenName says whether the list of names has it.
func isGivenName(folded string) bool { return len(nicknames()[folded]) > 0 }

// maxGroups is how many groups of nicknames a name is looked up in.
const maxGroups = 8

// nicknameGroups of the first word of a folded name.
func nicknameGroups(folded string) [maxGroups]uint16 {
	var out [maxGroups]uint16
	first, _, _ := strings.Cut(folded, " ")
	copy(out[:], nicknames()[first])
	return out
}

// sharesGroup says whether one name can be short for the other, or both for a third.
func sharesGroup(a, b [maxGroups]uint16) bool {
	for _, x := range a {
		if x == 0 {
			return false
		}
		for _, y := range b {
			if y == 0 {
				break
			}
			if x == y {
				return true
			}
		}
	}
	return false
}

// titles stand before names and say nothing of who it is.
var titles = map[string]bool{"mr": true, "mrs": true, "ms": true, "miss": true, "mx": true, "dr": true, "prof": true, "professor": true, "rev": true, "reverend": true,
	"sir": true, "dame": true, "lord": true, "lady": true, "fr": true, "hrh": true, "hon": true, "herr": true, "frau": true, "madame": true, "mme": true, "monsieur": true, "mlle": true, "senor": true, "senora": true}

// suffixes tell people of the same name apart; the same generation has the same number.
var suffixes = map[string]uint8{"jr": 2, "jnr": 2, "junior": 2, "sr": 1, "snr": 1, "senior": 1, "ii": 2, "iii": 3, "iv": 4, "2nd": 2, "3rd": 3}

// particles begin surnames of several words.
var particles = map[string]bool{"van": true, "von": true, "de": true, "der": true, "den": true, "del": true, "della": true, "da": true, "di": true, "du": true, "la": true, "le": true,
	"al": true, "el": true, "bin": true, "ibn": true, "ben": true, "mac": true, "mc": true, "st": true, "dos": true, "do": true, "ten": true, "ter": true, "zu": true}

// person is a name taken apart, every part folded.
type person struct {
	given, middle, surname string
	generation             uint8 // 1 senior, 2 junior, 3 the third; 0 not said
}

// parseName takes a whole name apart: "Dr Ann B. Smith Jr", "Smith, Ann B.". One word alone is a surname.
func parseName(raw string) person {
	raw = shorten(raw)
	var p person
	before, after, comma := strings.Cut(raw, ",")
	first := p.words(before)
	rest := p.words(after)
	if comma && len(rest) > 0 && len(first) > 0 {
		p.surname, p.given, p.middle = strings.Join(first, " "), rest[0], strings.Join(rest[1:], " ")
		return p
	}
	words := append(first, rest...)
	switch n := len(words); n {
	case 0:
	case 1:
		p.surname = words[0]
	default:
		from := n - 1
		for from > 1 && particles[words[from-1]] {
			from--
		}
		p.given, p.middle, p.surname = words[0], strings.Join(words[1:from], " "), strings.Join(words[from:], " ")
	}
	return p
}

// words are those of a part of a name; titles are left out and the generation is noted.
func (p *person) words(s string) []string {
	out := strings.Fields(fold(s))
	n := 0
	for i, w := range out {
		if titles[w] {
			continue
		}
		g := suffixes[w]
		if w == "i" && i == len(out)-1 {
			g = 1
		}
		if g > 0 && i > 0 {
			p.generation = g
			continue
		}
		out[n] = w
		n++
	}
	return out[:n]
}
