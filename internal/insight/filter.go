package insight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"clientele"
	"clientele/internal/sqlq"
)

var operators = []string{"eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "not_in", "contains", "not_contains", "starts_with", "ends_with", "exists", "not_exists", "before", "after"}

var comparisons = map[string]string{"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "before": "<", "after": ">"}

// filters puts the conditions on the source's rows.
func (s *source) filters(place string, all []clientele.Filter) error {
	for i, f := range all {
		cond, err := s.condition(fmt.Sprintf("%s[%d]", place, i), f)
		if err != nil {
			return err
		}
		s.where(cond)
	}
	return nil
}

// condition is a filter as SQL. A missing value fails all operators but those that say not.
func (s *source) condition(place string, f clientele.Filter) (string, error) {
	op := f.Op
	if op == "" {
		op = "eq"
	}
	if !slices.Contains(operators, op) {
		return "", clientele.Errorf(clientele.Invalid, "%s.op: there is no operator %q", place, op).WithHint("%s", choices(op, operators))
	}
	e, err := s.dimension(place+".field", f.Field)
	if err != nil {
		return "", err
	}
	switch op {
	case "exists":
		return e.sql + " is not null", nil
	case "not_exists":
		return e.sql + " is null", nil
	}
	if op == "contains" || op == "not_contains" || op == "starts_with" || op == "ends_with" {
		return s.part(place, e, op, f.Value)
	}
	values, err := s.values(place+".value", &e, op, f.Value)
	if err != nil {
		return "", err
	}
	var cond string
	switch op {
	case "between":
		cond = e.sql + " between " + values[0] + " and " + values[1]
	case "in":
		cond = e.sql + " in (" + strings.Join(values, ", ") + ")"
	case "not_in":
		cond = "(" + e.sql + " is null or " + e.sql + " not in (" + strings.Join(values, ", ") + "))"
	case "ne":
		cond = "(" + e.sql + " is null or " + e.sql + " <> " + values[0] + ")"
	default:
		cond = e.sql + " " + comparisons[op] + " " + values[0]
	}
	return cond, nil
}

// part is a condition on a part of a text, or on a member of a list.
func (s *source) part(place string, e expr, op string, value any) (string, error) {
	v, ok := value.(string)
	if !ok || e.kind != text && e.kind != raw {
		return "", clientele.Errorf(clientele.Invalid, "%s: %s compares texts", place, op).WithHint("use eq, gt, lt, between or in for numbers and times")
	}
	t := sqlq.Text(v)
	n := strconv.Itoa(utf8.RuneCountInString(v))
	has := "strpos(" + e.sql + ", " + t + ") > 0"
	if e.kind == raw {
		has = "json_has(" + e.sql + ", " + t + ")"
	}
	switch op {
	case "contains":
		return has, nil
	case "not_contains":
		return "(" + e.sql + " is null or not " + has + ")", nil
	case "starts_with":
		return "left(" + e.shown() + ", " + n + ") = " + t, nil
	}
	return "right(" + e.shown() + ", " + n + ") = " + t, nil
}

// values are the literals that a filter compares with, by the dimension's type.
func (s *source) values(place string, e *expr, op string, value any) ([]string, error) {
	given, isList := value.([]any)
	wanted := "one value"
	switch op {
	case "between":
		wanted = "a list of two values"
		isList = isList && len(given) == 2
	case "in", "not_in":
		wanted = "a list of 1 to 1000 values"
		isList = isList && len(given) > 0 && len(given) <= 1000
	default:
		isList = !isList && value != nil
		given = []any{value}
	}
	if !isList {
		return nil, clientele.Errorf(clientele.Invalid, "%s: %s needs %s", place, op, wanted)
	}
	ordered := !slices.Contains([]string{"eq", "ne", "in", "not_in"}, op)
	if e.num != "" && !slices.ContainsFunc(given, func(v any) bool { return !numeric(v, ordered) }) {
		e.sql, e.kind = e.num, number // a member of JSON that is compared with numbers is one
	}
	out := make([]string, len(given))
	for i, v := range given {
		l, err := s.literal(place, e, v)
		if err != nil {
			return nil, err
		}
		out[i] = l
	}
	return out, nil
}

// literal is a value as SQL writes it, by the dimension's type.
func (s *source) literal(place string, e *expr, v any) (string, error) {
	str, isText := v.(string)
	f, isNumber := v.(float64)
	wrong := func(what string) error {
		return clientele.Errorf(clientele.Invalid, "%s: the dimension holds %s", place, what)
	}
	switch e.kind {
	case number:
		if isText {
			var err error
			if f, err = strconv.ParseFloat(str, 64); err != nil || f-f != 0 {
				return "", wrong("numbers")
			}
			isNumber = true
		}
		if !isNumber {
			return "", wrong("numbers")
		}
		return sqlq.Number(f), nil
	case boolean:
		b, isBool := v.(bool)
		switch {
		case isBool:
			return strconv.FormatBool(b), nil
		case str == "true" || str == "false":
			return str, nil
		}
		return "", wrong("true or false")
	case instantly, daily:
		if !isText {
			return "", wrong("times")
		}
		m, err := instant(place, str, s.a.zone)
		if err != nil {
			return "", err
		}
		if e.kind == daily {
			return "date '" + m.Time().In(s.a.zone).Format("2006-01-02") + "'", nil
		}
		return sqlq.Instant(m), nil
	}
	switch {
	case isText:
		return sqlq.Text(str), nil
	case isNumber:
		return sqlq.Text(sqlq.Number(f)), nil
	}
	if b, ok := v.(bool); ok {
		return sqlq.Text(strconv.FormatBool(b)), nil
	}
	return "", wrong("texts")
}

// numeric says whether a value is a number, or, where texts may be, looks like one.
func numeric(v any, texts bool) bool {
	switch v := v.(type) {
	case float64:
		return true
	case string:
		_, err := strconv.ParseFloat(v, 64)
		return texts && err == nil
	}
	return false
}
