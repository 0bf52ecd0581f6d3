package importer

import (
	"errors"
	"io"

	"clientele"
)

// ParseNumber reads an amount as a mapping with the decimal mark would.
func ParseNumber(s string, mark byte, currency string) (clientele.Decimal, error) {
	return (&numberSpec{decimal: mark, currency: currency}).decimalOf(s)
}

// ParseWhole reads a whole number.
func ParseWhole(s string) (string, error) { return (&numberSpec{}).wholeOf(s) }

// ParseBool reads a yes or no.
func ParseBool(s string) (bool, error) { return boolOf(s) }

// ParseTime reads a time as a mapping with these keys would.
func ParseTime(s, format, zone, order, calendar string) (clientele.Micros, error) {
	t := timeSpec{order: order, calendar: calendar}
	var err error
	if t.format, err = parseTimeFormat(format); err != nil {
		return 0, err
	}
	if zone != "" {
		if t.zone, err = loadZone(zone); err != nil {
			return 0, err
		}
	}
	return t.read(s)
}

// JalaliDay and GregorianDay count days from 1970-01-01.
var (
	JalaliDay    = jalaliToDay
	GregorianDay = gregorianToDay
	JalaliLeap   = jalaliLeap
)

// CSVRow is a row as the reader gives it.
type CSVRow struct {
	Line  int64
	Texts []string
	Fault string
	Raw   string
}

// ReadCSV reads all rows; buffered is the most the reader held.
func ReadCSV(r io.Reader, delimiter byte, lazy bool) (out []CSVRow, buffered int, err error) {
	w := newWindow(r)
	c := &csvReader{w: w, spec: &fileSpec{quote: '"', lazy: lazy}, delim: delimiter}
	var row row
	for {
		err := c.next(&row)
		buffered = max(buffered, len(w.buf))
		if errors.Is(err, io.EOF) {
			return out, buffered, nil
		}
		if err != nil {
			return out, buffered, err
		}
		out = append(out, CSVRow{row.line, append([]string(nil), row.texts...), row.fault, string(row.raw)})
	}
}
