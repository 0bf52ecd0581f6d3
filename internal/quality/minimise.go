package quality

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"clientele"
)

// Minimise finds what came in the last days and nothing has read in them. uses says whether the
// program itself reads the event and all it holds.
func Minimise(rows clientele.Rows, book *Book, l *Ledger, now clientele.Micros, days int, uses func(event string) bool) (*clientele.Minimisation, error) {
	kept, today := l.snapshot(), int64(now/dayLength)
	from := today - int64(days) + 1
	out := &clientele.Minimisation{Days: days, Since: kept.Since, Sure: int64(kept.Since/dayLength) <= from, Items: []clientele.UnreadData{}}
	if kept.Whole > 0 {
		out.Whole = day(clientele.Micros(kept.Whole) * dayLength)
	}
	events, properties := book.reads()
	err := eachEvent(rows, func(k eventKey, row *eventRow) error {
		if k.source == Other {
			return nil
		}
		var s span
		if err := eachDay(rows, k, from, s.add); err != nil || s.events == 0 {
			return err
		}
		item := clientele.UnreadData{Source: k.source, Event: k.event, First: row.First, Count: s.events, LastRead: lastRead(kept.Events[k.event])}
		if kept.Events[k.event] < from && !events[k.event] && !uses(k.event) && !isIdentity(k.event) {
			out.Items = append(out.Items, item)
			return nil
		}
		if uses(k.event) {
			return nil
		}
		for i := range row.Properties {
			p := &row.Properties[i]
			if _, seen, _ := s.of(i); seen > 0 && kept.Properties[p.Name] < from && !properties[p.Name] {
				out.Items = append(out.Items, clientele.UnreadData{Source: k.source, Event: k.event, Property: p.Name, First: p.First, Count: seen,
					LastRead: lastRead(kept.Properties[p.Name])})
			}
		}
		return nil
	})
	return out, err
}

func lastRead(n int64) string {
	if n == 0 {
		return ""
	}
	return day(clientele.Micros(n) * dayLength)
}

// isIdentity says whether the event makes profiles, which is reading it.
func isIdentity(event string) bool {
	return slices.Contains([]string{"$identify", "$group", "$alias"}, event)
}

// reads are the events and properties that plans and transform rules name. What a rule only takes
// out, it does not read.
func (b *Book) reads() (events, properties map[string]bool) {
	events, properties = map[string]bool{}, map[string]bool{}
	for _, p := range b.Plans {
		for name, e := range p.Events {
			events[name] = true
			var schema struct {
				Properties map[string]json.RawMessage `json:"properties"`
			}
			if json.Unmarshal(e.Schema, &schema) == nil {
				for property := range schema.Properties {
					properties[property] = true
				}
			}
		}
	}
	for _, t := range b.Transforms {
		takes := true
		for _, s := range t.Steps {
			if s.Op == clientele.TransformDrop || s.Op == clientele.TransformFilter {
				continue
			}
			takes = false
			for _, text := range []string{s.Path, s.To} {
				if p, err := parsePath(text); err == nil {
					for _, part := range append(slices.Concat(p.each...), p.parts...) {
						properties[part] = true
					}
				}
			}
			for _, word := range words(s.Value) {
				properties[word] = true
			}
		}
		for _, word := range words(t.When) {
			properties[word] = true
		}
		if !takes {
			for _, e := range t.Events {
				events[e] = true
			}
		}
	}
	return events, properties
}

func words(expression string) []string {
	return strings.FieldsFunc(expression, func(r rune) bool {
		return r != '_' && r != '$' && r < 0x80 && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
}

// StopRule is the transform rule that takes an event, or a property of it, out.
func StopRule(what clientele.StopRequest) clientele.TransformRule {
	sum := sha256.Sum256([]byte(what.Source + "\x00" + what.Event + "\x00" + what.Property))
	name := "stop-" + slug(what.Source) + "-" + slug(what.Event)
	if what.Property != "" {
		name += "-" + slug(what.Property)
	}
	rule := clientele.TransformRule{Name: strings.Trim(name[:min(len(name), maxName-9)], "-") + "-" + hex.EncodeToString(sum[:4]), Sources: []string{what.Source}, Events: []string{what.Event},
		Steps: []clientele.TransformStep{{Op: clientele.TransformFilter}}}
	if what.Property != "" {
		root := "properties."
		if what.Event == "$identify" || what.Event == "$group" {
			root = "traits."
		}
		rule.Steps = []clientele.TransformStep{{Op: clientele.TransformDrop, Path: root + strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(what.Property)}}
	}
	return rule
}

// PlanName is a name for the plan of a source.
func PlanName(source string) string {
	name := slug(source)
	if name = strings.Trim(name[:min(len(name), maxName)], "-"); name == "" {
		name = "plan"
	}
	return name
}

func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	return strings.Trim(s, "-")
}
