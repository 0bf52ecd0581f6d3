package linkage

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// maxText is how much of a value is looked at, in bytes: no name, address or identifier is longer.
const maxText = 256

// fold is the plain form of a text: lower-case ASCII letters and digits, words one blank apart.
// Accents go, other scripts are transliterated, apostrophes close up (o'brien = obrien), every other sign is a blank.
func fold(s string) string {
	s = shorten(s)
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	if !isASCII(s) {
		s = latin(s)
	}
	b := make([]byte, 0, len(s))
	gap := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c == '\'' || c == '`':
			continue
		default:
			gap = len(b) > 0
			continue
		}
		if gap {
			b = append(b, ' ')
			gap = false
		}
		b = append(b, c)
	}
	return string(b)
}

// shorten cuts a text to what is looked at, at the end of a character.
func shorten(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for len(s) > maxText-utf8.UTFMax {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// plainDigits writes the digits of other scripts as 0 to 9.
func plainDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf || r > 0xffff {
			return r
		}
		for _, block := range unicode.Nd.R16 { // each of tens, from a zero
			if uint16(r) >= block.Lo && uint16(r) <= block.Hi {
				return '0' + (r-rune(block.Lo))%10
			}
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// latin writes a text in ASCII. Marks go first, so that letters with accents become the letter;
// what is left (ß, ø, Cyrillic, Greek, Han, ...) is transliterated by table.
func latin(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteByte(byte(r))
		case unicode.Is(unicode.Mn, r), r == 'ь', r == 'ъ', r == 'Ь', r == 'Ъ':
		case r == '’' || r == '‘' || r == 'ʼ':
		default:
			b.WriteString(unidecode.Unidecode(string(r)))
		}
	}
	return b.String()
}

// missing are values that say there is none, folded.
var missing = map[string]bool{"": true, "na": true, "n a": true, "nan": true, "null": true, "none": true, "nil": true, "unknown": true,
	"not known": true, "undefined": true, "missing": true, "not available": true, "not applicable": true, "nat": true}

// isMissing says whether a raw value stands for nothing: no letter or digit, or a word for it.
func isMissing(s string) bool {
	if len(s) > 24 {
		return false
	}
	for i := range len(s) { // nearly every value leaves here
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			return false
		case c == 'n' || c == 'N' || c == 'u' || c == 'U' || c == 'm' || c == 'M':
			return missing[fold(s)]
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return false
		case c >= utf8.RuneSelf:
			return fold(s) == ""
		}
	}
	return true
}
