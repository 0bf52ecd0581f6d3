package importer

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// cellKind says what a file holds in one place.
type cellKind uint8

const (
	cellNull cellKind = iota
	cellText
	cellNumber // text is a plain number
	cellBool   // text is true or false
	cellTime   // at is the instant, text its RFC 3339 form
	cellList   // val is []any
	cellObject // val is map[string]any
)

// cell is one value of a row as the file has it, or on its way through transforms.
type cell struct {
	kind cellKind
	text string
	at   clientele.Micros
	val  any // of a list or an object
}

func textCell(s string) cell { return cell{kind: cellText, text: s} }

// row is one row of a file. Text formats fill texts; JSON and Parquet fill values.
type row struct {
	line     int64
	raw      []byte // as it lies in the file; valid until the next row
	texts    []string
	values   []any // by need
	all      []any // Parquet: the whole row, for the quarantine
	pos      []int // by need: place in texts, -1 = the file has no such column
	typed    bool
	memos    []memo
	timeAt   clientele.Micros // of timeText
	timeText []byte
	fault    string // why the row cannot be read, "" when it can
}

// at is the value of a column the mapping needs. Blanks around a text are not part of it.
func (r *row) at(need int) cell {
	if r.typed {
		return cellOf(r.values[need])
	}
	p := r.pos[need]
	if p < 0 || p >= len(r.texts) {
		return cell{}
	}
	s := trim(r.texts[p])
	if s == "" {
		return cell{}
	}
	return cell{kind: cellText, text: s}
}

// trim cuts blanks, no-break spaces included, and is quick when there are none.
func trim(s string) string {
	if s == "" {
		return s
	}
	if a, b := s[0], s[len(s)-1]; a > ' ' && a < 0x80 && b > ' ' && b < 0x80 {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == 0xa0 || r == 0xfeff || r == 0x3000
	})
}

// cellOf is the cell of a typed value.
func cellOf(v any) cell {
	switch v := v.(type) {
	case nil:
		return cell{}
	case string:
		if v = trim(v); v == "" {
			return cell{}
		}
		return textCell(v)
	case bool:
		return cell{kind: cellBool, text: strconv.FormatBool(v)}
	case json.Number:
		return cell{kind: cellNumber, text: v.String()}
	case int64:
		return cell{kind: cellNumber, text: strconv.FormatInt(v, 10)}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return textCell(strconv.FormatFloat(v, 'g', -1, 64)) // refused where a number is wanted
		}
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return cell{kind: cellNumber, text: strconv.FormatInt(int64(v), 10)}
		}
		return cell{kind: cellNumber, text: strconv.FormatFloat(v, 'g', -1, 64)}
	case time.Time:
		at := clientele.MicrosOf(v)
		return cell{kind: cellTime, at: at, text: at.String()}
	case []any:
		return cell{kind: cellList, val: v}
	case map[string]any:
		return cell{kind: cellObject, val: v}
	}
	return cell{}
}

// appendAny writes a typed value as JSON; objects with their keys in order.
func appendAny(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendText(dst, v), nil
	case time.Time:
		return appendText(dst, clientele.MicrosOf(v).String()), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, errNotNumber
		}
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendAny(dst, e); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case map[string]any:
		dst = append(dst, '{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, k), ':')
			var err error
			if dst, err = appendAny(dst, v[k]); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return dst, clientele.Errorf(clientele.Invalid, "value has no JSON form")
	}
	return append(dst, b...), nil
}

const hexDigits = "0123456789abcdef"

// appendText writes s, which is UTF-8, as JSON text.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// appendMicros writes an instant as JSON text. Neighbouring rows and the records of one row
// mostly have the same one, so the last text is kept.
func (r *row) appendMicros(dst []byte, at clientele.Micros) []byte {
	if r.timeText == nil || r.timeAt != at {
		r.timeAt, r.timeText = at, at.Time().AppendFormat(r.timeText[:0], `"2006-01-02T15:04:05.000000Z"`)
	}
	return append(dst, r.timeText...)
}
