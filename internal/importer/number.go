package importer

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"clientele"
)

// zeros are the noughts of the digit sets that are read: Arabic-Indic, Persian, N'Ko,
// Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada, Malayalam, Thai, Lao,
// Tibetan, Myanmar, Khmer, Mongolian, full width. The other nine follow each.
var zeros = []rune{0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66,
	0x0ce6, 0x0d66, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810, 0xff10}

// localDigit is the value of a digit that is not ASCII, or -1.
func localDigit(r rune) int {
	for _, z := range zeros {
		if r >= z && r <= z+9 {
			return int(r - z)
		}
	}
	return -1
}

// asciiDigits writes local digits as ASCII ones and leaves the rest. Marks that only steer the
// direction of writing are dropped.
func asciiDigits(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch d := localDigit(r); {
		case d >= 0:
			b.WriteByte('0' + byte(d))
		case r == 0x200e || r == 0x200f || r == 0x061c || r == 0xfeff:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// currencyWords are signs of money beside the Unicode currency symbols and ISO codes.
var currencyWords = []string{"US$", "HK$", "NT$", "R$", "A$", "C$", "S$", "Rs.", "Rs", "RM", "Rp.", "Rp", "kr.", "kr", "zł", "Kč", "Ft", "lei",
	"лв.", "лв", "руб.", "руб", "грн", "บาท", "đ", "تومان", "ریال", "درهم", "元", "円", "圓"}

// currencyCodes are the ISO 4217 codes in use.
const currencyCodes = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE" +
	" CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD" +
	" KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD" +
	" RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER" +
	" ZAR ZMW ZWL "

func isCurrency(code string) bool {
	return len(code) == 3 && strings.Contains(currencyCodes, " "+code+" ")
}

var (
	errNotNumber = clientele.Errorf(clientele.Invalid, "not a number")
	errAmbiguous = clientele.Errorf(clientele.Invalid, "one comma before three digits can be a decimal mark or a thousands mark: say decimal: in the mapping")
	errGrouping  = clientele.Errorf(clientele.Invalid, "thousands marks are not where they belong")
	errCurrency  = clientele.Errorf(clientele.Invalid, "amount is in another currency than the mapping says")
	errRange     = clientele.Errorf(clientele.Invalid, "number out of range")
	errNotWhole  = clientele.Errorf(clientele.Invalid, "not a whole number")
)

// normalise writes a number of whatever local form as [-]digits[.digits] or with an exponent.
func (n *numberSpec) normalise(s string) (string, error) {
	if plainNumber(s) && (n.decimal != ',' || strings.IndexByte(s, '.') < 0) {
		return strings.TrimPrefix(s, "+"), nil
	}
	if len(s) > 100 {
		return "", errNotNumber
	}
	s, neg, err := n.strip(asciiDigits(s))
	if err != nil {
		return "", err
	}
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i > 0 {
		mantissa, exponent = s[:i], s[i:]
	}
	mantissa, err = n.ungroup(mantissa)
	if err != nil {
		return "", err
	}
	out := mantissa + exponent
	if !plainNumber(out) || out[0] == '-' || out[0] == '+' {
		return "", errNotNumber
	}
	if neg {
		out = "-" + out
	}
	return out, nil
}

// plainNumber says whether s is [+-]digits[.digits][e[+-]digits].
func plainNumber(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	sign := func() {
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
	}
	sign()
	if !digits() {
		return false
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		sign()
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// strip takes away sign, brackets and currency, in whatever order they come.
func (n *numberSpec) strip(s string) (rest string, neg bool, err error) {
	signs := 0
	for {
		before := s
		s = strings.TrimSpace(s)
		for _, minus := range []string{"-", "\u2212", "\u2012", "\u2013", "\ufe63", "\uff0d"} {
			if t, ok := strings.CutPrefix(s, minus); ok {
				s, neg, signs = t, true, signs+1
			} else if t, ok := strings.CutSuffix(s, minus); ok {
				s, neg, signs = t, true, signs+1
			}
		}
		if t, ok := strings.CutPrefix(s, "+"); ok {
			s, signs = t, signs+1
		}
		if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
			s, neg, signs = s[1:len(s)-1], true, signs+1
		}
		if s, err = n.stripCurrency(s); err != nil {
			return "", false, err
		}
		if s == before {
			break
		}
	}
	if signs > 1 || s == "" {
		return "", false, errNotNumber
	}
	return s, neg, nil
}

func (n *numberSpec) stripCurrency(s string) (string, error) {
	for _, w := range currencyWords {
		if t, ok := strings.CutPrefix(s, w); ok {
			return t, nil
		}
		if t, ok := strings.CutSuffix(s, w); ok {
			return t, nil
		}
	}
	if r, size := utf8.DecodeRuneInString(s); unicode.Is(unicode.Sc, r) {
		return s[size:], nil
	}
	if r, size := utf8.DecodeLastRuneInString(s); unicode.Is(unicode.Sc, r) {
		return s[:len(s)-size], nil
	}
	if len(s) <= 3 {
		return s, nil
	}
	code, rest := s[:3], s[3:]
	if !isCurrency(code) {
		code, rest = s[len(s)-3:], s[:len(s)-3]
	}
	if !isCurrency(code) {
		return s, nil
	}
	if n.currency != "" && n.currency != code {
		return "", errCurrency
	}
	return rest, nil
}

// ungroup takes away thousands marks and makes the decimal mark a point.
func (n *numberSpec) ungroup(s string) (string, error) {
	var b strings.Builder
	for _, r := range s { // one form for every kind of mark
		switch r {
		case 0x066b: // Arabic decimal mark
			b.WriteByte('|')
		case 0x066c, '\'', 0x2019, ' ', 0xa0, 0x2009, 0x202f: // marks that only group
			b.WriteByte('\'')
		case 0x060c, 0xff0c:
			b.WriteByte(',')
		case 0xff0e:
			b.WriteByte('.')
		default:
			b.WriteRune(r)
		}
	}
	s = b.String()
	mark, err := n.decimalMark(s)
	if err != nil {
		return "", err
	}
	whole, frac := s, ""
	if mark != 0 {
		i := strings.LastIndexByte(s, mark)
		whole, frac = s[:i], s[i+1:]
		if frac == "" || strings.IndexByte(whole, mark) >= 0 || strings.Trim(frac, "0123456789") != "" {
			return "", errNotNumber
		}
	}
	if whole, err = joinGroups(whole); err != nil {
		return "", err
	}
	if mark == 0 {
		return whole, nil
	}
	if whole == "" {
		whole = "0"
	}
	return whole + "." + frac, nil
}

// decimalMark is the byte that parts whole from fraction, 0 when there is none.
func (n *numberSpec) decimalMark(s string) (byte, error) {
	points, commas := strings.Count(s, "."), strings.Count(s, ",")
	switch {
	case strings.IndexByte(s, '|') >= 0:
		return '|', nil
	case n.decimal != 0:
		if strings.IndexByte(s, n.decimal) < 0 {
			return 0, nil
		}
		return n.decimal, nil
	case points > 0 && commas > 0:
		if strings.LastIndexByte(s, '.') > strings.LastIndexByte(s, ',') {
			return '.', nil
		}
		return ',', nil
	case points == 1:
		return '.', nil
	case commas == 1:
		if i := strings.IndexByte(s, ','); len(s)-i-1 == 3 && i > 0 && i <= 3 && strings.IndexByte(s, '\'') < 0 && s[0] != '0' {
			return 0, errAmbiguous
		}
		return ',', nil
	}
	return 0, nil
}

// joinGroups takes one kind of thousands mark out of a whole number. Groups have three digits,
// or two before the last three as in India.
func joinGroups(s string) (string, error) {
	i := strings.IndexAny(s, ".,'")
	if i < 0 {
		return s, nil
	}
	groups := strings.Split(s, s[i:i+1])
	for j, g := range groups {
		last := j == len(groups)-1
		switch {
		case strings.Trim(g, "0123456789") != "" || g == "":
			return "", errGrouping
		case j == 0 && len(g) > 3, last && len(g) != 3, j > 0 && len(g) != 3 && len(g) != 2:
			return "", errGrouping
		case j > 0 && len(g) != len(groups[1]) && !last: // 1,23,456 but not 1,234,56,789
			return "", errGrouping
		}
	}
	return strings.Join(groups, ""), nil
}

// decimalOf reads an amount of at most four decimals; more are rounded half to even.
func (n *numberSpec) decimalOf(s string) (clientele.Decimal, error) {
	t, err := n.normalise(s)
	if err != nil {
		return 0, err
	}
	return clientele.ParseDecimal(t)
}

// wholeOf reads a whole number; "17850.0" and "1e3" are whole too. The answer has no leading
// noughts, no sign for nought, and any length up to 40 digits.
func (n *numberSpec) wholeOf(s string) (string, error) {
	t, err := n.normalise(s)
	if err != nil {
		return "", err
	}
	if i := strings.IndexAny(t, "eE"); i >= 0 {
		d, err := clientele.ParseDecimal(t)
		if err != nil {
			return "", err
		}
		t = d.String()
	}
	neg := strings.HasPrefix(t, "-")
	t = strings.TrimPrefix(t, "-")
	if i := strings.IndexByte(t, '.'); i >= 0 {
		if strings.Trim(t[i+1:], "0") != "" {
			return "", errNotWhole
		}
		t = t[:i]
	}
	t = strings.TrimLeft(t, "0")
	switch {
	case t == "":
		return "0", nil
	case len(t) > 40:
		return "", errRange
	case neg:
		return "-" + t, nil
	}
	return t, nil
}

// doubleOf reads a finite number.
func (n *numberSpec) doubleOf(s string) (float64, error) {
	t, err := n.normalise(s)
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, errRange
	}
	return f, nil
}

var errNotBool = clientele.Errorf(clientele.Invalid, "neither yes nor no")

// boolWords are the spellings of yes and no that are read, in lower case.
var boolWords = map[string]bool{
	"true": true, "t": true, "yes": true, "y": true, "1": true, "1.0": true, "on": true, "x": true, "ja": true, "j": true, "oui": true, "o": true, "vrai": true,
	"sí": true, "si": true, "sì": true, "sim": true, "s": true, "verdadero": true, "wahr": true, "tak": true, "да": true, "так": true, "evet": true,
	"ใช่": true, "จริง": true, "có": true, "ya": true, "是": true, "はい": true, "예": true, "네": true, "نعم": true, "بله": true, "हाँ": true, "opt-in": true, "granted": true,
	"false": false, "f": false, "no": false, "n": false, "0": false, "0.0": false, "off": false, "nein": false, "non": false, "faux": false,
	"não": false, "nao": false, "falso": false, "falsch": false, "nie": false, "нет": false, "ні": false, "hayır": false,
	"ไม่": false, "ไม่ใช่": false, "เท็จ": false, "không": false, "tidak": false, "否": false, "いいえ": false, "아니요": false, "لا": false, "خیر": false, "नहीं": false, "opt-out": false, "denied": false,
}

func boolOf(s string) (bool, error) {
	v, ok := boolWords[strings.ToLower(strings.TrimSpace(asciiDigits(s)))]
	if !ok {
		return false, errNotBool
	}
	return v, nil
}

// plainNumbers reads what this program or JSON wrote, whatever the marks of the file are.
var plainNumbers = &numberSpec{decimal: '.'}

// of is how the number of a cell is written.
func (n *numberSpec) of(c cell) *numberSpec {
	if c.kind == cellNumber {
		return plainNumbers
	}
	return n
}
