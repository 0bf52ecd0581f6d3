package computed

import (
	"bytes"
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// Billionths is a number in billionths, 128 bits in two's complement: sums of them do not depend on their
// order. It holds what DECIMAL(38,9) does.
type Billionths struct {
	_  struct{} `cbor:",toarray"`
	Hi int64
	Lo uint64
}

const perOne = 1_000_000_000

// maxSummed is the size from which on a number is in no sum, as in audiences.
const maxSummed = 1e15

// billionths is a number, whose JSON is v, in billionths, rounded half away from zero. What is written with at most nine
// decimals is exact.
func billionths(v []byte, f float64) (Billionths, bool) {
	if math.Abs(f) >= maxSummed {
		return Billionths{}, false
	}
	text := bytes.Trim(v, `"`)
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || len(fraction) > 9 {
		return ofFloat(f), true
	}
	part := uint64(0)
	if len(fraction) > 0 {
		if part, err = strconv.ParseUint(string(fraction), 10, 64); err != nil {
			return ofFloat(f), true
		}
		for range 9 - len(fraction) {
			part *= 10
		}
	}
	negative := len(whole) > 0 && whole[0] == '-'
	if n < 0 {
		n = -n
	}
	hi, lo := bits.Mul64(uint64(n), perOne)
	lo, carry := bits.Add64(lo, part, 0)
	b := Billionths{Hi: int64(hi + carry), Lo: lo}
	if negative {
		b = b.negated()
	}
	return b, true
}

func ofFloat(f float64) Billionths {
	i, _ := new(big.Float).SetFloat64(math.Round(f * perOne)).Int(nil)
	neg := i.Sign() < 0
	i.Abs(i)
	b := Billionths{Hi: int64(new(big.Int).Rsh(i, 64).Uint64()), Lo: new(big.Int).And(i, new(big.Int).SetUint64(math.MaxUint64)).Uint64()}
	if neg {
		b = b.negated()
	}
	return b
}

func (b Billionths) negated() Billionths {
	lo, carry := bits.Add64(^b.Lo, 1, 0)
	return Billionths{Hi: ^b.Hi + int64(carry), Lo: lo}
}

func (b Billionths) plus(c Billionths) Billionths {
	lo, carry := bits.Add64(b.Lo, c.Lo, 0)
	return Billionths{Hi: b.Hi + c.Hi + int64(carry), Lo: lo}
}

func (b Billionths) zero() bool { return b.Hi == 0 && b.Lo == 0 }

func (b Billionths) int() *big.Int {
	i := new(big.Int).Lsh(big.NewInt(b.Hi), 64)
	return i.Add(i, new(big.Int).SetUint64(b.Lo))
}

func (b Billionths) float() float64 {
	f, _ := new(big.Rat).SetFrac(b.int(), big.NewInt(perOne)).Float64()
	return f
}

// json is the number as it is written in JSON, without zeros at its end.
func (b Billionths) json() []byte {
	text := new(big.Rat).SetFrac(b.int(), big.NewInt(perOne)).FloatString(9)
	out := bytes.TrimRight([]byte(text), "0")
	return bytes.TrimRight(out, ".")
}
