package importer

import (
	"regexp"
	"strings"

	"clientele"
)

// transform changes a value on its way. The table of names is in transformNames.
type transform struct {
	name     string
	text     string // prefix, suffix, separator, replacement
	pattern  *regexp.Regexp
	words    map[string]string
	factor   clientele.Decimal
	column   string // multiply by a column
	need     int
	numbers  numberSpec
	byColumn bool
}

// transformNames are the transforms without and with an argument.
var (
	plainTransforms    = []string{"trim", "lower", "upper", "integer", "digits", "negate", "abs"}
	argumentTransforms = []string{"strip_prefix", "strip_suffix", "prefix", "replace", "map", "split", "multiply"}
)

// apply changes the cell in place.
func (t *transform) apply(c *cell, f *fileSpec, r *row) error {
	if c.kind == cellObject || c.kind == cellList && t.name != "trim" {
		return errNotScalar
	}
	switch t.name {
	case "trim":
	case "lower":
		c.text = strings.ToLower(c.text)
	case "upper":
		c.text = strings.ToUpper(c.text)
	case "integer":
		s, err := t.numbers.of(*c).wholeOf(c.text)
		if err != nil {
			return err
		}
		c.text = s
	case "digits":
		c.text = onlyDigits(c.text)
	case "strip_prefix":
		c.text = trim(strings.TrimPrefix(c.text, t.text))
	case "strip_suffix":
		c.text = trim(strings.TrimSuffix(c.text, t.text))
	case "prefix":
		c.text = t.text + c.text
	case "replace":
		c.text = trim(t.pattern.ReplaceAllString(c.text, t.text))
	case "map":
		if w, ok := t.words[c.text]; ok {
			c.text = w
		} else if w, ok := t.words["*"]; ok {
			c.text = w
		}
	case "split":
		return t.split(c)
	default:
		return t.calculate(c, f, r)
	}
	if c.kind == cellNumber && t.name != "integer" || c.kind == cellBool || c.kind == cellTime {
		c.kind = cellText
	}
	if c.text == "" {
		*c = cell{}
	}
	return nil
}

// split makes a list; empty parts are left out.
func (t *transform) split(c *cell) error {
	list := []any{}
	for part := range strings.SplitSeq(c.text, t.text) {
		if part = trim(part); part != "" {
			list = append(list, part)
		}
	}
	*c = cell{kind: cellList, val: list}
	return nil
}

// calculate is negate, abs and multiply: exact, with four decimals.
func (t *transform) calculate(c *cell, f *fileSpec, r *row) error {
	d, err := t.numbers.of(*c).decimalOf(c.text)
	if err != nil {
		return err
	}
	switch {
	case t.name == "negate", t.name == "abs" && d < 0:
		d = -d
	case t.name == "multiply":
		factor := t.factor
		if t.byColumn {
			other := f.column(r, t.need)
			if other.kind == cellNull {
				*c = cell{}
				return nil
			}
			if factor, err = t.numbers.of(other).decimalOf(other.text); err != nil {
				return columnError(t.column, err)
			}
		}
		if d, err = d.Mul(factor); err != nil {
			return err
		}
	}
	*c = cell{kind: cellNumber, text: d.String()}
	return nil
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, asciiDigits(s))
}
