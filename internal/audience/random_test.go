package audience_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/audience"
)

// definition is a random definition; deeper, smaller.
func (w *world) definition(depth int) string {
	if depth < 3 {
		switch w.rnd.IntN(5 + 2*depth) {
		case 0:
			return fmt.Sprintf(`{"and":[%s,%s]}`, w.definition(depth+1), w.definition(depth+1))
		case 1:
			return fmt.Sprintf(`{"or":[%s,%s]}`, w.definition(depth+1), w.definition(depth+1))
		case 2:
			return fmt.Sprintf(`{"not":%s}`, w.definition(depth+1))
		}
	}
	switch w.rnd.IntN(18) {
	case 16:
		return fmt.Sprintf(`{"lifecycle":%q%s}`, pick(w.rnd, stageNames...), pick(w.rnd, "", `,"for":"3d"`, `,"for":"30d"`))
	case 17:
		return fmt.Sprintf(`{"catalog":"wanted_skus","available":{%s}}`, w.numeric())
	case 0, 1, 2:
		if w.rnd.IntN(6) == 0 {
			return fmt.Sprintf(`{"trait":%q,"percentile":{"op":%q,"value":%d}}`, pick(w.rnd, traitNames...), pick(w.rnd, "gt", "gte", "lt", "lte"), pick(w.rnd, 10, 20, 50, 95))
		}
		if w.rnd.IntN(5) == 0 {
			name := "predictions." + pick(w.rnd, predictedNames...)
			switch w.rnd.IntN(4) {
			case 0:
				return fmt.Sprintf(`{"trait":%q,%s}`, name, w.numeric())
			case 1:
				return fmt.Sprintf(`{"trait":%q,"percentile":{"op":%q,"value":%d}}`, name, pick(w.rnd, "gte", "lt"), pick(w.rnd, 10, 50, 95))
			}
			return fmt.Sprintf(`{"trait":%q,%s}`, name, w.test())
		}
		if w.rnd.IntN(3) == 0 {
			name := "computed." + pick(w.rnd, slices.Sorted(maps.Keys(computedTraits))...)
			if w.rnd.IntN(2) == 0 {
				return fmt.Sprintf(`{"trait":%q,%s}`, name, w.numeric())
			}
			return fmt.Sprintf(`{"trait":%q,%s}`, name, w.test())
		}
		return fmt.Sprintf(`{"trait":%q,%s}`, pick(w.rnd, traitNames...), w.test())
	case 3:
		return fmt.Sprintf(`{"consent":%q%s,"granted":%t}`, pick(w.rnd, purposes...), pick(w.rnd, "", `,"channel":"email"`, `,"channel":"sms"`), w.rnd.IntN(2) == 0)
	case 4:
		return fmt.Sprintf(`{"identifier":%q,"exists":%t%s}`, pick(w.rnd, "email", "user_id", "anonymous_id", "phone"), w.rnd.IntN(2) == 0, pick(w.rnd, "", `,"verified":true`, `,"verified":false`))
	case 5:
		return fmt.Sprintf(`{"message":%s%s%s}`, pick(w.rnd, `{}`, `{"channel":"email"}`, `{"channel":"sms","status":"sent"}`, `{"source":"web","platform":"mailer"}`), w.count(), w.window())
	case 6, 7, 8:
		return w.sequence()
	}
	return w.eventLeaf()
}

func (w *world) eventLeaf() string {
	property := quoted(pick(w.rnd, propertyNames...))
	aggregate := ""
	switch w.rnd.IntN(12) {
	case 0, 1, 2:
		aggregate = w.count()
	case 3, 4:
		aggregate = fmt.Sprintf(`,%q:{"property":%s,%s}`, pick(w.rnd, "sum", "avg", "min", "max"), property, w.numeric())
	case 5:
		aggregate = fmt.Sprintf(`,"unique":{"property":%s,%s}`, property, w.whole())
	case 6, 7:
		aggregate = fmt.Sprintf(`,%q:{"property":%s,%s}`, pick(w.rnd, "first", "last"), property, w.test())
	case 8:
		aggregate = fmt.Sprintf(`,"by":%s,"count":{"op":%q,"value":%d}`, property, pick(w.rnd, "gte", "gt", "eq"), 1+w.rnd.IntN(3))
	}
	return fmt.Sprintf(`{"event":%s%s%s%s}`, quoted(pick(w.rnd, eventNames...)), w.where(), aggregate, w.window())
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func (w *world) count() string {
	if w.rnd.IntN(3) == 0 {
		return ""
	}
	return fmt.Sprintf(`,"count":{%s}`, w.whole())
}

func (w *world) whole() string {
	if w.rnd.IntN(5) == 0 {
		low := w.rnd.IntN(3)
		return fmt.Sprintf(`"op":"between","value":[%d,%d]`, low, low+w.rnd.IntN(3))
	}
	return fmt.Sprintf(`"op":%q,"value":%d`, pick(w.rnd, "eq", "ne", "gt", "gte", "lt", "lte"), w.rnd.IntN(5))
}

func (w *world) numeric() string {
	numbers := []string{"0", "1", "2.5", "10", "100.1", "12.5", "-3", "1e-9", "3.5", "110.1"}
	if w.rnd.IntN(5) == 0 {
		return fmt.Sprintf(`"op":"between","value":[%s,%s]`, pick(w.rnd, "-3", "0", "1"), pick(w.rnd, "1", "2.5", "100.1", "1e9"))
	}
	return fmt.Sprintf(`"op":%q,"value":%s`, pick(w.rnd, "eq", "ne", "gt", "gte", "lt", "lte"), pick(w.rnd, numbers...))
}

// test is a comparison of a value.
func (w *world) test() string {
	switch op := pick(w.rnd, "eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "not_in", "contains", "not_contains", "starts_with", "ends_with", "exists", "not_exists", "before", "after"); op {
	case "exists", "not_exists":
		return fmt.Sprintf(`"op":%q`, op)
	case "before", "after":
		return fmt.Sprintf(`"op":%q,"value":%q`, op, pick(w.rnd, "2026-03-05", "2026-03-05T10:00:00Z", "2026-03-05T03:00:00.123456Z", "1990-01-01"))
	case "starts_with", "ends_with":
		return fmt.Sprintf(`"op":%q,"value":%q`, op, pick(w.rnd, "", "t", "TH", "s", "1", "'s"))
	case "in", "not_in":
		var list []string
		for range 1 + w.rnd.IntN(4) {
			list = append(list, w.literal())
		}
		return fmt.Sprintf(`"op":%q,"value":[%s]`, op, strings.Join(list, ","))
	case "between":
		return `"op":"between","value":` + pick(w.rnd, `[0,10]`, `[2.5,100.1]`, `["A","b"]`, `["2026-01-01","2026-03-06"]`, `["1","3"]`)
	case "gt", "gte", "lt", "lte":
		for {
			if l := w.literal(); l != "true" && l != "false" {
				return fmt.Sprintf(`"op":%q,"value":%s`, op, l)
			}
		}
	default:
		return fmt.Sprintf(`"op":%q,"value":%s`, op, w.literal())
	}
}

// literal is a value that the histories have too.
func (w *world) literal() string {
	for {
		if v := w.scalar(); v != "null" && v != "1e400" {
			return v
		}
	}
}

func (w *world) where() string {
	var list []string
	for range w.rnd.IntN(3) * w.rnd.IntN(2) {
		switch w.rnd.IntN(4) {
		case 0:
			list = append(list, fmt.Sprintf(`{"each":%q,"match":[{"property":%q,%s}]}`, pick(w.rnd, "products", "list", "mixed"), pick(w.rnd, "sku", "price", "n.x"), w.test()))
		case 1:
			list = append(list, fmt.Sprintf(`{"property":%q,%s}`, pick(w.rnd, "context.locale", "context.page.path", "context.mixed"), w.test()))
		default:
			list = append(list, fmt.Sprintf(`{"property":%s,%s}`, quoted(pick(w.rnd, propertyNames...)), w.test()))
		}
	}
	if list == nil {
		return ""
	}
	return `,"where":[` + strings.Join(list, ",") + `]`
}

func (w *world) window() string {
	switch w.rnd.IntN(6) {
	case 0, 1:
		return ""
	case 2:
		return fmt.Sprintf(`,"within":"%dd"`, 1+w.rnd.IntN(40))
	case 3:
		return fmt.Sprintf(`,"older_than":"%dh"`, 1+w.rnd.IntN(500))
	case 4:
		return fmt.Sprintf(`,"within":"%dd","older_than":"%dd"`, 10+w.rnd.IntN(30), w.rnd.IntN(10))
	}
	from := start + clientele.Micros(w.rnd.Int64N(40*day))
	return fmt.Sprintf(`,"from":%q,"to":%q`, from, from+clientele.Micros(w.rnd.Int64N(40*day)))
}

func (w *world) sequence() string {
	steps := []string{fmt.Sprintf(`{"event":%s%s}`, quoted(pick(w.rnd, eventNames[:5]...)), w.where())}
	for range 1 + w.rnd.IntN(3) {
		bounds := ""
		after := w.rnd.IntN(100) * w.rnd.IntN(2)
		if after > 0 {
			bounds += fmt.Sprintf(`,"after":"%dh"`, after)
		}
		if w.rnd.IntN(2) == 0 {
			bounds += fmt.Sprintf(`,"before":"%dh"`, after+w.rnd.IntN(400))
		}
		event := fmt.Sprintf(`"event":%s%s`, quoted(pick(w.rnd, eventNames[:5]...)), w.where())
		if w.rnd.IntN(3) == 0 {
			steps = append(steps, fmt.Sprintf(`{"not":{%s}%s}`, event, bounds))
		} else {
			steps = append(steps, fmt.Sprintf(`{%s%s}`, event, bounds))
		}
	}
	return fmt.Sprintf(`{"sequence":[%s]%s}`, strings.Join(steps, ","), w.window())
}

// leaf is a condition with its members by SQL.
type leaf struct {
	text string
	set  map[clientele.ProfileID]bool
}

// fill asks SQL for many leaves at one moment.
func (w *world) fill() {
	w.at = w.moment()
	w.pool = w.pool[:0]
	for range 40 {
		text := w.definition(3)
		c, err := audience.Parse([]byte(text))
		w.must(err)
		l := leaf{text, map[clientele.ProfileID]bool{}}
		query := w.schema.LeafMembers(c, w.at)
		if err := w.columns.Numbers(context.Background(), query, func(row []int64) error { l.set[clientele.ProfileID(row[0])] = true; return nil }); err != nil {
			w.Fatalf("%s\n%s\n%v", text, query, err)
		}
		w.pool = append(w.pool, l)
	}
}

// combine makes a definition of leaves of the pool, whose members are put together from theirs as
// a preview does, and holds evaluation against that.
func (w *world) combine() {
	text, is := w.combination(0)
	c, err := audience.Parse([]byte(text))
	w.must(err)
	for _, p := range w.profiles {
		member, recheck, err := audience.Evaluate(c, w.facts[p], w.at)
		w.must(err)
		if member != is(p) {
			w.Fatalf("%s\nat %s: %d is a member by its leaves in SQL: %t, by evaluation: %t", text, w.at.Now, p, is(p), member)
		}
		if member {
			w.members++
		}
		w.later(text, c, p, w.at, member, recheck)
	}
}

func (w *world) combination(depth int) (string, func(clientele.ProfileID) bool) {
	kind := w.rnd.IntN(4)
	if depth == 3 || kind == 3 && depth > 0 {
		l := w.pool[w.rnd.IntN(len(w.pool))]
		return l.text, func(p clientele.ProfileID) bool { return l.set[p] }
	}
	a, isA := w.combination(depth + 1)
	if kind == 0 {
		return `{"not":` + a + `}`, func(p clientele.ProfileID) bool { return !isA(p) }
	}
	b, isB := w.combination(depth + 1)
	if kind == 1 {
		return fmt.Sprintf(`{"and":[%s,%s]}`, a, b), func(p clientele.ProfileID) bool { return isA(p) && isB(p) }
	}
	return fmt.Sprintf(`{"or":[%s,%s]}`, a, b), func(p clientele.ProfileID) bool { return isA(p) || isB(p) }
}

// moment is one after the history.
func (w *world) moment() audience.At {
	return audience.At{Now: w.now + clientele.Micros(w.rnd.Int64N(20*day)*int64(w.rnd.IntN(2))),
		Percentiles: func(_ string, p float64) (float64, bool) { return p / 10, p != 50 }}
}
