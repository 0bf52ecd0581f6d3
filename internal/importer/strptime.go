package importer

import (
	"strconv"
	"strings"

	"clientele"
)

// parseTimeFormat makes a timeFormat: a name (iso, unix, unix_ms, unix_us, excel) or a pattern
// as strptime has them. nil for iso, which is what dates are taken for without a format.
func parseTimeFormat(text string) (timeFormat, error) {
	switch text {
	case "", "iso", "auto":
		return nil, nil
	case "unix":
		return unixFormat(1_000_000), nil
	case "unix_ms":
		return unixFormat(1_000), nil
	case "unix_us":
		return unixFormat(1), nil
	case "excel":
		return excelFormat, nil
	}
	if !strings.Contains(text, "%") {
		return nil, clientele.Errorf(clientele.Invalid, "no time format %q", text).
			WithHint("iso, unix, unix_ms, unix_us, excel, or a pattern such as %%d/%%m/%%Y %%H:%%M")
	}
	text = strings.NewReplacer("%T", "%H:%M:%S", "%F", "%Y-%m-%d", "%D", "%m/%d/%y", "%R", "%H:%M").Replace(text)
	date := false
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if i++; i == len(text) || strings.IndexByte("YymdeHIMSfpbBaAzjs%", text[i]) < 0 {
			return nil, clientele.Errorf(clientele.Invalid, "time format has an unknown directive").
				WithHint("known are %%Y %%y %%m %%b %%B %%d %%e %%j %%H %%I %%M %%S %%f %%p %%a %%A %%z %%s %%T %%F %%D %%R %%%%")
		}
		date = date || text[i] == 'Y' || text[i] == 'y' || text[i] == 's'
	}
	if !date {
		return nil, clientele.Errorf(clientele.Invalid, "time format has no year")
	}
	return func(s string) (civil, bool) { return strptime(text, s) }, nil
}

// unixFormat reads a number of units since 1970, each of so many microseconds.
func unixFormat(unit int64) timeFormat {
	return func(s string) (civil, bool) {
		whole, frac, _ := strings.Cut(s, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil || n > 1<<62/unit || n < -(1<<62)/unit || strings.Trim(frac, "0123456789") != "" {
			return civil{}, false
		}
		at := n * unit
		if len(frac) > 6 {
			frac = frac[:6]
		}
		for scale := unit / 10; frac != "" && scale > 0; scale /= 10 {
			d := int64(frac[0]-'0') * scale
			if whole[0] == '-' {
				d = -d
			}
			at, frac = at+d, frac[1:]
		}
		return civil{instant: true, at: at}, true
	}
}

// excelFormat reads a serial number: days since 1899-12-30 with the time of day as a fraction.
// Excel takes 1900 for a leap year, so numbers below 61 mean other days than elsewhere and are
// refused.
func excelFormat(s string) (civil, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 61 && f < 200_000) {
		return civil{}, false
	}
	seconds := int64((f-float64(int64(f)))*86_400 + 0.5) // serial numbers are good for a second, not more
	y, m, d := dayToGregorian(int(f) - 25_569)
	return civil{y: y, m: m, d: d, micros: seconds * 1_000_000, clock: true}, true
}

// dayToGregorian is the date of the day counted from 1970-01-01.
func dayToGregorian(day int) (y, m, d int) {
	// Years of March to February from 0000-03-01, in cycles of 400, 100, 4 and 1 years.
	day += 719468
	era := day / 146097
	doe := day % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	y = era*400 + yoe
	if m > 12 {
		m, y = m-12, y+1
	}
	return y, m, d
}

var (
	monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	dayNames   = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// written is what a pattern has taken from a text so far.
type written struct {
	scanner
	civil
	h, min, sec, yday int
	frac              int64
	hasClock          bool
}

// strptime reads s by a pattern that parseTimeFormat has checked.
func strptime(pattern, s string) (civil, bool) {
	w := written{scanner: scanner{s: s}, civil: civil{m: 1, d: 1}}
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == ' ':
			w.blanks()
		case pattern[i] == '%':
			i++
			if !w.directive(pattern[i]) {
				return w.civil, false
			}
		case w.peek() != pattern[i]:
			return w.civil, false
		default:
			w.i++
		}
	}
	if w.h12 {
		w.h %= 12
		if w.pm {
			w.h += 12
		}
	}
	if w.yday > 0 && !w.dayOfYear(w.yday) {
		return w.civil, false
	}
	return w.civil, w.i == len(s) && (!w.hasClock || w.setClock(w.h, w.min, w.sec, w.frac))
}

func (p *scanner) blanks() {
	for p.peek() == ' ' {
		p.i++
	}
}

// directive takes what one letter of the pattern stands for.
func (w *written) directive(letter byte) (ok bool) {
	switch letter {
	case 'Y':
		w.y, ok = w.number(4)
	case 'y':
		if w.y, ok = w.number(2); w.y < 69 {
			w.y += 100
		}
		w.y += 1900
	case 'm':
		w.m, ok = w.number(2)
	case 'b', 'B':
		w.m, ok = w.name(monthNames)
	case 'd', 'e':
		w.blanks()
		w.d, ok = w.number(2)
	case 'j':
		w.yday, ok = w.number(3)
		ok = ok && w.yday > 0
	case 'H':
		w.h, ok = w.number(2)
		w.hasClock = true
	case 'I':
		w.h, ok = w.number(2)
		ok, w.hasClock, w.h12 = ok && w.h >= 1 && w.h <= 12, true, true
	case 'M':
		w.min, ok = w.number(2)
		w.hasClock = true
	case 'S':
		w.sec, ok = w.number(2)
		w.hasClock = true
	case 'f':
		w.frac, ok = w.fraction()
	case 'p':
		ok = w.meridiem(&w.civil)
	case 'a', 'A':
		_, ok = w.name(dayNames)
	case 'z':
		ok = w.scanner.offset(&w.civil)
	case 's':
		var n civil
		n, ok = unixFormat(1_000_000)(w.digits(18))
		w.instant, w.at = true, n.at
	case '%':
		ok = w.peek() == '%'
		w.i++
	}
	return ok
}

// dayOfYear sets month and day from a day number.
func (c *civil) dayOfYear(n int) bool {
	for c.m = 1; c.m <= 12; c.m++ {
		if days := gregorianMonthDays(c.y, c.m); n > days {
			n -= days
			continue
		}
		c.d = n
		return true
	}
	return false
}

// number takes one to n digits.
func (p *scanner) number(n int) (int, bool) {
	d := p.digits(n)
	return atoi(d), d != ""
}

// name takes one of the names, in full or its first three letters (or "Sept"), and says which, from 1.
func (p *scanner) name(names []string) (int, bool) {
	rest := strings.ToLower(p.s[p.i:])
	for i, n := range names {
		for _, form := range []string{n, n[:min(4, len(n))], n[:3]} {
			if strings.HasPrefix(rest, form) && (len(form) != 4 || n == "september" || len(n) == 4) {
				p.i += len(form)
				return i + 1, true
			}
		}
	}
	return 0, false
}

func (p *scanner) meridiem(c *civil) bool {
	rest := strings.ToLower(p.s[p.i:])
	for _, w := range []string{"am", "pm", "a.m.", "p.m."} {
		if strings.HasPrefix(rest, w) {
			c.pm = w[0] == 'p'
			p.i += len(w)
			return true
		}
	}
	return false
}
