package clientele

import "time"

// Micros is an instant: microseconds since 1970-01-01 00:00 UTC. Zero means that the time is
// not known. Every stored time is of this type, because that is what the SQL columns hold.
type Micros int64

// The bounds of a time that is believed. An event outside them is quarantined: the years
// before 1900 and after 2200 are typing errors, and both stores can hold the range.
const (
	MinTime Micros = -2208988800_000_000 // 1900-01-01T00:00:00Z
	MaxTime Micros = 7258118400_000_000  // 2200-01-01T00:00:00Z
)

// MicrosOf truncates to the microsecond.
func MicrosOf(t time.Time) Micros {
	if t.IsZero() {
		return 0
	}
	return Micros(t.UnixMicro())
}

// Time is the instant in UTC; the zero time for 0.
func (m Micros) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// String is RFC 3339 in UTC with six decimals, the form of the API; "" for 0.
func (m Micros) String() string {
	if m == 0 {
		return ""
	}
	return m.Time().Format("2006-01-02T15:04:05.000000Z")
}

// MarshalText makes JSON of it.
func (m Micros) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads RFC 3339.
func (m *Micros) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*m = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return Errorf(Invalid, "time is not RFC 3339")
	}
	*m = MicrosOf(t)
	return nil
}

// Stamp orders facts about the same thing: by event time, then by source and message id, so
// that the same facts in any order leave the same last one.
type Stamp struct {
	At     Micros `cbor:"1,keyasint"`
	Source string `cbor:"2,keyasint,omitempty"`
	ID     string `cbor:"3,keyasint,omitempty"`
}

// Compare is negative when s comes before t.
func (s Stamp) Compare(t Stamp) int {
	switch {
	case s.At != t.At:
		if s.At < t.At {
			return -1
		}
		return 1
	case s.Source != t.Source:
		if s.Source < t.Source {
			return -1
		}
		return 1
	case s.ID != t.ID:
		if s.ID < t.ID {
			return -1
		}
		return 1
	}
	return 0
}
