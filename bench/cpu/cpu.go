// Package cpu reads CPU profiles of this program (the pprof format) and divides their time among
// the stages that a record passes. It knows just enough of the format for that.
package cpu

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"
)

// Sample is time spent on one stack. Stack holds function names, the outermost first.
type Sample struct {
	Stack []string
	Time  time.Duration
}

// maxProfile is how large a profile may be, unpacked.
const maxProfile = 64 << 20

// Read reads a profile as /debug/pprof/profile answers it: packed with gzip. The last value of a
// sample is its CPU time in nanoseconds.
func Read(packed []byte) ([]Sample, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if len(b) > maxProfile {
		return nil, errors.New("profile: too large")
	}
	return decode(b)
}

// file is a profile as it stands in the message: everything by number.
type file struct {
	samples   []rawSample
	locations map[uint64][]uint64 // functions by location, the innermost first
	functions map[uint64]uint64   // names by function
	text      []string
}

type rawSample struct{ locations, values []uint64 }

func decode(b []byte) ([]Sample, error) {
	f := &file{locations: map[uint64][]uint64{}, functions: map[uint64]uint64{}}
	err := fields(b, func(number, value uint64, bytes []byte) error {
		switch number {
		case 2:
			return f.sample(bytes)
		case 4:
			return f.location(bytes)
		case 5:
			return f.function(bytes)
		case 6:
			f.text = append(f.text, string(bytes))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	out := make([]Sample, 0, len(f.samples))
	for _, s := range f.samples {
		if len(s.values) == 0 {
			continue
		}
		sample := Sample{Time: time.Duration(s.values[len(s.values)-1])}
		for i := len(s.locations) - 1; i >= 0; i-- {
			functions := f.locations[s.locations[i]]
			for j := len(functions) - 1; j >= 0; j-- {
				if name := f.functions[functions[j]]; name < uint64(len(f.text)) {
					sample.Stack = append(sample.Stack, f.text[name])
				}
			}
		}
		out = append(out, sample)
	}
	return out, nil
}

func (f *file) sample(b []byte) error {
	var s rawSample
	err := fields(b, func(number, value uint64, bytes []byte) error {
		switch number {
		case 1:
			return numbers(&s.locations, value, bytes)
		case 2:
			return numbers(&s.values, value, bytes)
		}
		return nil
	})
	f.samples = append(f.samples, s)
	return err
}

func (f *file) location(b []byte) error {
	var id uint64
	var functions []uint64
	err := fields(b, func(number, value uint64, bytes []byte) error {
		switch number {
		case 1:
			id = value
		case 4: // a line; several where functions were inlined
			return fields(bytes, func(number, value uint64, _ []byte) error {
				if number == 1 {
					functions = append(functions, value)
				}
				return nil
			})
		}
		return nil
	})
	f.locations[id] = functions
	return err
}

func (f *file) function(b []byte) error {
	var id, name uint64
	err := fields(b, func(number, value uint64, _ []byte) error {
		switch number {
		case 1:
			id = value
		case 2:
			name = value
		}
		return nil
	})
	f.functions[id] = name
	return err
}

var errShort = errors.New("the message breaks off")

// fields calls fn for each field of a protocol buffers message: with its number, and its value or
// its bytes (nil when it has a value).
func fields(b []byte, fn func(number, value uint64, bytes []byte) error) error {
	for len(b) > 0 {
		tag, n := varint(b)
		if n == 0 {
			return errShort
		}
		b = b[n:]
		var value uint64
		var bytes []byte
		switch tag & 7 {
		case 0:
			if value, n = varint(b); n == 0 {
				return errShort
			}
		case 1:
			n = 8
		case 2:
			size, m := varint(b)
			if m == 0 || size > uint64(len(b)-m) {
				return errShort
			}
			n = m + int(size)
			bytes = b[m:n:n]
		case 5:
			n = 4
		default:
			return fmt.Errorf("wire type %d", tag&7)
		}
		if n > len(b) {
			return errShort
		}
		b = b[n:]
		if err := fn(tag>>3, value, bytes); err != nil {
			return err
		}
	}
	return nil
}

// numbers appends a repeated number, packed or not.
func numbers(to *[]uint64, value uint64, packed []byte) error {
	if packed == nil {
		*to = append(*to, value)
		return nil
	}
	for len(packed) > 0 {
		v, n := varint(packed)
		if n == 0 {
			return errShort
		}
		*to = append(*to, v)
		packed = packed[n:]
	}
	return nil
}

// varint is a number and how many bytes it takes, 0 when it breaks off.
func varint(b []byte) (v uint64, n int) {
	for i, c := range b[:min(len(b), 10)] {
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
