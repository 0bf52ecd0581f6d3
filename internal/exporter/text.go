package exporter

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// exact is the largest whole number that every JSON reader takes as it is.
const exact = 1 << 53

const (
	timeLayout = "2006-01-02T15:04:05.000000Z"
	dayLayout  = "2006-01-02"
	day        = 24 * time.Hour
)

// appendText is a value as text: numbers plain, times in RFC 3339 with six decimals in UTC.
func appendText(b []byte, v any, t clientele.ColumnType) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return append(b, v...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case float64:
		switch {
		case math.IsInf(v, 1):
			return append(b, "Infinity"...), nil
		case math.IsInf(v, -1):
			return append(b, "-Infinity"...), nil
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64), nil
	case int64:
		switch t {
		case clientele.TypeTime:
			return time.UnixMicro(v).UTC().AppendFormat(b, timeLayout), nil
		case clientele.TypeDate:
			return time.Unix(0, 0).UTC().AddDate(0, 0, int(v)).AppendFormat(b, dayLayout), nil
		case clientele.TypeDecimal:
			return append(b, clientele.Decimal(v).String()...), nil
		}
		return strconv.AppendInt(b, v, 10), nil
	}
	return nil, clientele.Errorf(clientele.Internal, "export: a value of type %T in a %s column", v, t)
}

// csvEncoder writes RFC 4180 with a header line and \n behind every row. Null is an empty field,
// an empty text is "".
type csvEncoder struct {
	w       io.Writer
	columns []clientele.ExportColumn
	line    []byte
	text    []byte
}

func newCSV(w io.Writer, columns []clientele.ExportColumn) (*csvEncoder, error) {
	e := &csvEncoder{w: w, columns: columns}
	for i, c := range columns {
		e.field(i, []byte(c.Name), false)
	}
	return e, e.end()
}

func (e *csvEncoder) row(values []any) (err error) {
	for i, v := range values {
		if v == nil {
			if i > 0 {
				e.line = append(e.line, ',')
			}
			continue
		}
		if e.text, err = appendText(e.text[:0], v, e.columns[i].Type); err != nil {
			return err
		}
		_, isText := v.(string)
		e.field(i, e.text, isText)
	}
	return e.end()
}

func (e *csvEncoder) field(i int, text []byte, isText bool) {
	if i > 0 {
		e.line = append(e.line, ',')
	}
	if !isText && len(text) > 0 && !bytes.ContainsAny(text, "\",\r\n") ||
		isText && len(text) > 0 && !bytes.ContainsAny(text, "\",\r\n") && text[0] != ' ' && text[len(text)-1] != ' ' && text[0] != '\t' {
		e.line = append(e.line, text...)
		return
	}
	e.line = append(e.line, '"')
	for {
		at := bytes.IndexByte(text, '"')
		if at < 0 {
			break
		}
		e.line = append(append(e.line, text[:at]...), `""`...)
		text = text[at+1:]
	}
	e.line = append(append(e.line, text...), '"')
}

func (e *csvEncoder) end() error {
	if len(e.columns) == 1 && len(e.line) == 0 { // an empty line would be no row for most readers
		e.line = append(e.line, `""`...)
	}
	_, err := e.w.Write(append(e.line, '\n'))
	e.line = e.line[:0]
	return err
}

func (e *csvEncoder) close() error { return nil }

// jsonlEncoder writes an object a line, without its nulls.
type jsonlEncoder struct {
	w       io.Writer
	columns []clientele.ExportColumn
	names   []string // quoted, with the colon
	line    []byte
}

func newJSONL(w io.Writer, columns []clientele.ExportColumn) (*jsonlEncoder, error) {
	e := &jsonlEncoder{w: w, columns: columns}
	for _, c := range columns {
		name, err := appendQuoted(nil, c.Name)
		if err != nil {
			return nil, err
		}
		e.names = append(e.names, string(name)+":")
	}
	return e, nil
}

func (e *jsonlEncoder) row(values []any) (err error) {
	b := append(e.line[:0], '{')
	for i, v := range values {
		if v == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, e.names[i]...)
		if b, err = appendJSON(b, v, e.columns[i].Type); err != nil {
			return err
		}
	}
	b = append(b, '}', '\n')
	e.line = b
	_, err = e.w.Write(b)
	return err
}

func (e *jsonlEncoder) close() error { return nil }

// appendJSON is a value as JSON: decimals, times and whole numbers above 2^53 as strings, JSON as
// it is.
func appendJSON(b []byte, v any, t clientele.ColumnType) ([]byte, error) {
	switch v := v.(type) {
	case string:
		if t != clientele.TypeJSON {
			return appendQuoted(b, v)
		}
		if !strings.ContainsAny(v, "\r\n") {
			return append(b, v...), nil
		}
		var line bytes.Buffer
		if err := json.Compact(&line, []byte(v)); err != nil {
			return nil, clientele.Errorf(clientele.Internal, "export: a JSON column holds no JSON")
		}
		return append(b, line.Bytes()...), nil
	case bool:
		return appendText(b, v, t)
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return appendText(b, v, t)
		}
	case int64:
		if t == clientele.TypeBigint && v <= exact && v >= -exact {
			return appendText(b, v, t)
		}
	}
	b, err := appendText(append(b, '"'), v, t)
	return append(b, '"'), err
}

func appendQuoted(b []byte, s string) ([]byte, error) {
	b, err := jsontext.AppendQuote(b, s)
	if err != nil { // what is not UTF-8 is replaced in it
		return b, nil
	}
	return b, nil
}
