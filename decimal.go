package clientele

import (
	"math"
	"math/big"
	"strings"
)

// Decimal is an exact number with four decimals, DECIMAL(18,4) in SQL: amounts of money and
// quantities. Its unit is 1/10,000, so sums do not depend on their order.
type Decimal int64

// MaxDecimal is the largest that DECIMAL(18,4) holds: 99,999,999,999,999.9999.
const MaxDecimal Decimal = 999_999_999_999_999_999

// ParseDecimal reads a plain or exponent number ("12", "-3.5", "1e3") and rounds half to even
// at the fourth decimal. NaN, infinities, anything else, and what is out of range are Invalid.
func ParseDecimal(s string) (Decimal, error) {
	if d, ok := parsePlain(s); ok {
		return d, nil
	}
	// big.Rat reads far more than numbers of ours ("1/3", "0x1p-2") and lets the exponent
	// decide how much memory it takes, so both are kept away from it.
	if len(s) > 64 || strings.Trim(s, "+-0123456789.eE") != "" {
		return 0, Errorf(Invalid, "not a number")
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 2 {
		return 0, Errorf(Invalid, "number out of range")
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, Errorf(Invalid, "not a number")
	}
	return roundRat(r.Mul(r, big.NewRat(10_000, 1)))
}

// parsePlain reads [-]digits[.digits] with at most four decimals and 14 whole digits: nearly
// every amount there is, without allocation.
func parsePlain(s string) (Decimal, bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	var v int64
	whole, frac, dot := 0, 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && !dot:
			dot = true
			continue
		case c < '0' || c > '9':
			return 0, false
		case dot:
			frac++
		default:
			whole++
		}
		v = v*10 + int64(c-'0')
	}
	if whole == 0 || whole > 14 || frac > 4 || (dot && frac == 0) {
		return 0, false
	}
	for ; frac < 4; frac++ {
		v *= 10
	}
	if neg {
		v = -v
	}
	return Decimal(v), true
}

// DecimalOf rounds a float as ParseDecimal does. NaN and infinities are Invalid.
func DecimalOf(f float64) (Decimal, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, Errorf(Invalid, "not a finite number")
	}
	v := math.RoundToEven(f * 10_000)
	if v >= 1e18 || v <= -1e18 { // float64(MaxDecimal) would be 1e18 itself
		return 0, Errorf(Invalid, "number out of range")
	}
	return Decimal(v), nil
}

// Mul is the product, rounded half to even; Invalid when it is out of range.
func (d Decimal) Mul(e Decimal) (Decimal, error) {
	p := new(big.Int).Mul(big.NewInt(int64(d)), big.NewInt(int64(e)))
	return roundRat(new(big.Rat).SetFrac(p, big.NewInt(10_000)))
}

// Add is the sum; Invalid when it is out of range.
func (d Decimal) Add(e Decimal) (Decimal, error) {
	s := d + e // both are below 1e18, so this cannot overflow int64
	if s > MaxDecimal || s < -MaxDecimal {
		return 0, Errorf(Invalid, "number out of range")
	}
	return s, nil
}

func roundRat(r *big.Rat) (Decimal, error) {
	q, rem := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	twice := rem.Abs(rem).Lsh(rem, 1).Cmp(r.Denom())
	if twice > 0 || twice == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(r.Sign())))
	}
	if !q.IsInt64() || q.Int64() > int64(MaxDecimal) || q.Int64() < -int64(MaxDecimal) {
		return 0, Errorf(Invalid, "number out of range")
	}
	return Decimal(q.Int64()), nil
}

// String is the shortest exact form: "12", "-3.5".
func (d Decimal) String() string {
	neg := d < 0
	u := uint64(d)
	if neg {
		u = -u
	}
	var b [24]byte
	i := len(b)
	frac := u % 10_000
	u /= 10_000
	if frac != 0 {
		n := 4
		for frac%10 == 0 {
			frac /= 10
			n--
		}
		for ; n > 0; n-- {
			i--
			b[i] = '0' + byte(frac%10)
			frac /= 10
		}
		i--
		b[i] = '.'
	}
	for {
		i--
		b[i] = '0' + byte(u%10)
		u /= 10
		if u == 0 {
			break
		}
	}
	if neg {
		i--
		b[i] = '-'
	}
	return string(b[i:])
}

// Float is the nearest float64.
func (d Decimal) Float() float64 { return float64(d) / 10_000 }
