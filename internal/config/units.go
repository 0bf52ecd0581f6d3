package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// Size is a number of bytes. As text it has a unit: "512MB" is 512 million bytes, "512MiB" is
// 512 x 1,048,576; a bare number is bytes.
type Size int64

// The units people write sizes in.
const (
	KB Size = 1000
	MB Size = 1000 * KB
	GB Size = 1000 * MB
	TB Size = 1000 * GB

	KiB Size = 1024
	MiB Size = 1024 * KiB
	GiB Size = 1024 * MiB
	TiB Size = 1024 * GiB
)

type sizeUnit struct {
	name string
	size Size
}

// sizeUnits are in the order String tries them.
func sizeUnits() []sizeUnit {
	return []sizeUnit{{"TB", TB}, {"GB", GB}, {"MB", MB}, {"KB", KB}, {"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", 1}}
}

// ParseSize reads a size. Negative sizes and sizes above 2^63 bytes are Invalid.
func ParseSize(s string) (Size, error) {
	text := strings.TrimSpace(s)
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, factor := text[len(digits):], Size(0)
	if unit == "" {
		factor = 1
	}
	for _, u := range sizeUnits() {
		if strings.EqualFold(unit, u.name) || len(u.name) == 2 && strings.EqualFold(unit, u.name[:1]) {
			factor = u.size
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || factor == 0 || n < 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, clientele.Errorf(clientele.Invalid, "not a size").WithHint("write it like 512MB, 4GB or 1GiB")
	}
	if n *= float64(factor); n >= math.MaxInt64 {
		return 0, clientele.Errorf(clientele.Invalid, "size is out of range")
	}
	return Size(n), nil
}

// String is the size in the largest unit that says it exactly.
func (s Size) String() string {
	for _, u := range sizeUnits() {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return "0B"
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSize.
func (s *Size) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSize(string(b))
	return err
}

// Duration is a length of time. As text it has units, days and weeks too: "30s", "1h30m", "7d", "2w".
type Duration time.Duration

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// ParseDuration reads a duration. Days are 24 hours. Negative ones, and bare numbers but 0, are
// Invalid.
func ParseDuration(s string) (Duration, error) {
	wrong := clientele.Errorf(clientele.Invalid, "not a duration").WithHint("write it like 30s, 15m, 12h, 7d or 2w")
	text, total := strings.TrimSpace(s), time.Duration(0)
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"w", week}, {"d", day}} {
		number, rest, ok := strings.Cut(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n > uint64(math.MaxInt64-total)/uint64(u.size) {
			return 0, wrong
		}
		if total += time.Duration(n) * u.size; rest == "" {
			return Duration(total), nil
		}
		text = rest
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > math.MaxInt64-total {
		return 0, wrong
	}
	return Duration(total + d), nil
}

// Std is the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is the shortest text that ParseDuration reads back to the same.
func (d Duration) String() string {
	t := time.Duration(d)
	switch {
	case t != 0 && t%week == 0:
		return strconv.FormatInt(int64(t/week), 10) + "w"
	case t != 0 && t%day == 0:
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	text := t.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDuration.
func (d *Duration) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDuration(string(b))
	return err
}

// Short is the size for people, with three digits or fewer and a decimal unit: "1.4GB".
func (s Size) Short() string {
	for _, u := range sizeUnits()[:4] {
		if s >= u.size {
			n := float64(s) / float64(u.size)
			if n < 10 {
				return strconv.FormatFloat(n, 'f', 1, 64) + u.name
			}
			return strconv.FormatFloat(n, 'f', 0, 64) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}
