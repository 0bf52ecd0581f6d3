package linkage

import (
	"strings"

	"golang.org/x/net/idna"
)

// normalEmail is the one form of an e-mail address that what people type differently shares: lower case,
// no tag behind a plus, no dots in Gmail's local parts, googlemail as gmail, the domain in ASCII.
// What has no @ is kept folded, so that a typing error does not lose the value; "" is no address.
func normalEmail(s string) string {
	s = strings.ToLower(strings.TrimSpace(shorten(s)))
	s = strings.TrimPrefix(s, "mailto:")
	s = strings.Trim(s, "<>\"' .,;")
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return fold(s)
	}
	local, domain := s[:at], s[at+1:]
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	if !isASCII(domain) {
		if d, err := idna.Lookup.ToASCII(domain); err == nil {
			domain = d
		}
	}
	if !isASCII(local) {
		local = latin(local)
	}
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if domain == "gmail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	if local == "" {
		return ""
	}
	return local + "@" + domain
}

// localPart is what stands before the @.
func localPart(email string) string {
	if at := strings.IndexByte(email, '@'); at >= 0 {
		return email[:at]
	}
	return email
}

// phoneDigits are how many last digits of a number are compared: with country and area written in many
// ways these are the same, and they are the whole of a mobile number in most countries.
const phoneDigits = 9

// normalPhone is the last nine digits of a number, without its extension; "" when it has under six or
// all digits are the same.
func normalPhone(s string) string {
	if !isASCII(s) {
		s = plainDigits(s)
	}
	var b [32]byte
	n := 0
	for i := range len(s) {
		c := s[i]
		if c == 'x' || c == 'X' || c == '#' || c == ';' || (c == 'e' || c == 'E') && n > 5 {
			break
		}
		if c >= '0' && c <= '9' && n < len(b) {
			b[n] = c
			n++
		}
	}
	d := b[:n]
	for len(d) > 0 && d[0] == '0' {
		d = d[1:]
	}
	if len(d) > phoneDigits {
		d = d[len(d)-phoneDigits:]
	}
	same := true
	for _, c := range d {
		same = same && c == d[0]
	}
	if len(d) < 6 || same {
		return ""
	}
	return string(d)
}

// normalPostcode is letters and digits in lower case, without the four behind an American code.
func normalPostcode(s string) string {
	if s = shorten(s); !isASCII(s) {
		s = plainDigits(s)
	}
	digits := 0
	b := make([]byte, 0, 12)
	for i := 0; i < len(s) && len(b) < 12; i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z':
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '-' && digits == 5 && len(b) == 5:
			return string(b)
		case c == '.' && digits == len(b) && strings.Trim(s[i:], ".0") == "":
			return string(b) // a number that a spreadsheet wrote
		default:
			continue
		}
		b = append(b, c)
	}
	if digits == 9 && len(b) == 9 {
		b = b[:5]
	}
	return string(b)
}

// outward is the part of a postcode that names the district: what is before the last three of a British
// or Canadian code, the first three of others.
func outward(code string) string {
	if n := len(code); n >= 5 && n <= 7 && code[0] >= 'a' && code[n-1] >= 'a' {
		return code[:n-3]
	}
	return code[:min(3, len(code))]
}

// area is the coarsest part of a postcode: the leading letters, or the first two digits.
func area(code string) string {
	n := 0
	for n < len(code) && code[n] >= 'a' {
		n++
	}
	if n == 0 {
		n = min(2, len(code))
	}
	return code[:n]
}

// normalIdentifier is letters and digits in lower case, leading zeros cut.
func normalIdentifier(s string) string {
	s = strings.ReplaceAll(fold(s), " ", "")
	t := strings.TrimLeft(s, "0")
	if len(t) < 2 {
		return ""
	}
	return t
}
