package linkage

import "strings"

// day is a date whose parts may be unknown (0), one decimal digit in each half byte: 0x19811224.
type day uint32

func newDay(y, m, d int) day {
	bcd := func(n int) day { return day(n/10<<4 | n%10) }
	return bcd(y/100)<<24 | bcd(y%100)<<16 | bcd(m)<<8 | bcd(d)
}

func (d day) year() day  { return d >> 16 }
func (d day) month() day { return d >> 8 & 0xff }
func (d day) date() day  { return d & 0xff }

func (d day) decimal() int {
	n := 0
	for shift := 28; shift >= 0; shift -= 4 {
		n = n*10 + int(d>>shift&15)
	}
	return n
}

func (d day) String() string {
	const digits = "0123456789abcdef"
	var b []byte
	for i, shift := 0, 28; shift >= 0; i, shift = i+1, shift-4 {
		if i == 4 || i == 6 {
			b = append(b, '-')
		}
		b = append(b, digits[d>>shift&15])
	}
	return string(b)
}

// dateOrder is how dates of numbers alone are written in a column.
type dateOrder uint8

const (
	monthFirst dateOrder = iota // 12/31/1999
	dayFirst                    // 31.12.1999
)

// monthNames are by their first three letters, or four where three begin two.
var monthNames = map[string]int{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"mai": 5, "okt": 10, "dez": 12, "mrz": 3, "fev": 2, "avr": 4, "aou": 8, "ene": 1, "abr": 4, "ago": 8, "dic": 12,
	"mrt": 3, "maa": 3, "mei": 5, "gen": 1, "mag": 5, "giu": 6, "lug": 7, "set": 9, "ott": 10, "out": 10, "juin": 6, "juil": 7,
	"ian": 1, "iiun": 6, "iiul": 7, "avg": 8, "sen": 9, "noi": 11, "dek": 12, "maia": 5}

// dateSigns are what stands behind the parts of dates in Chinese, Japanese and Korean.
var dateSigns = strings.NewReplacer("年", "-", "月", "-", "日", " ", "년", "-", "월", "-", "일", " ", "号", " ")

// parseDate reads a calendar date in one of the ways people write it: digits alone (yyyymmdd), year first,
// or by the order given; months by name, in several languages; a time behind it is not read. Two-digit years are of 1925 to 2024.
// Parts that are zero or cannot be are unknown; false when there is no year.
func parseDate(s string, order dateOrder) (day, bool) {
	var number [4]int
	var width [4]int
	n, month := 0, 0
	s = strings.TrimSpace(s)
	if len(s) > 40 {
		return 0, false
	}
	if !isASCII(s) {
		s = plainDigits(dateSigns.Replace(s))
	}
	for i := 0; i < len(s) && n < 3; {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			from := i
			for i < len(s) && s[i] >= '0' && s[i] <= '9' && i-from < 8 {
				number[n] = number[n]*10 + int(s[i]-'0')
				i++
			}
			width[n] = i - from
			n++
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80:
			from := i
			for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= 0x80) {
				i++
			}
			word := fold(s[from:i])
			m, ok := monthNames[word[:min(4, len(word))]]
			if !ok {
				m = monthNames[word[:min(3, len(word))]]
			}
			if m > 0 && len(word) >= 3 && month == 0 {
				month = m
			} else if n == 0 || len(word) > 2 {
				return 0, false // "12th" and the T of a time are fine
			}
		default:
			i++
		}
	}
	return assemble(number, width, n, month, order)
}

func assemble(number, width [4]int, n, month int, order dateOrder) (day, bool) {
	y, m, d := 0, month, 0
	yearWidth := 4
	switch {
	case n == 0:
		return 0, false
	case width[0] == 8:
		y, m, d = number[0]/10000, number[0]/100%100, number[0]%100
		if behind := number[0] % 10000; (m < 1 || m > 12 || d > 31 || y < 1000 || y > 2100) && behind >= 1000 && behind <= 2100 { // ddmmyyyy, mmddyyyy
			y, m, d = behind, number[0]/10000%100, number[0]/1000000
			if order == monthFirst {
				m, d = d, m
			}
		}
	case month > 0 && n >= 2:
		d, y, yearWidth = number[0], number[1], width[1]
		if width[0] == 4 {
			d, y, yearWidth = number[1], number[0], 4
		}
	case month > 0:
		y, yearWidth = number[0], width[0]
	case width[0] == 4:
		y = number[0]
		if n > 1 {
			m = number[1]
		}
		if n > 2 {
			d = number[2]
		}
	case n == 3:
		m, d, y, yearWidth = number[0], number[1], number[2], width[2]
		if order == dayFirst && d <= 12 || m > 12 {
			m, d = d, m
		}
	case n == 2 && width[1] == 4:
		m, y = number[0], number[1]
	default:
		return 0, false
	}
	switch {
	case yearWidth == 2 && y < 25:
		y += 2000
	case yearWidth == 2:
		y += 1900
	}
	if y >= 2400 && y < 2600 { // of the Buddhist era, as in Thailand
		y -= 543
	}
	if y < 1000 || y > 2100 {
		return 0, false
	}
	if m > 12 && m <= 31 && d <= 12 {
		m, d = d, m
	}
	if m > 12 {
		m = 0
	}
	if d > 31 {
		d = 0
	}
	return newDay(y, m, d), true
}

// orderOf tells how a column writes its dates, by the values in which one part is over 12.
func orderOf(values []string) dateOrder {
	votes := 0
	for _, s := range values[:min(len(values), 5000)] {
		var a, b, n, width int
		for i := 0; i < len(s) && n < 2 && len(s) <= 40; i++ {
			if c := s[i]; c >= '0' && c <= '9' {
				if n == 0 {
					a = a*10 + int(c-'0')
				} else {
					b = b*10 + int(c-'0')
				}
				width++
			} else if width > 0 {
				n, width = n+1, 0
			}
		}
		switch {
		case n < 2 || a > 31 || b > 31:
		case a > 12 && b <= 12:
			votes++
		case b > 12 && a <= 12:
			votes--
		}
	}
	if votes > 0 {
		return dayFirst
	}
	return monthFirst
}
