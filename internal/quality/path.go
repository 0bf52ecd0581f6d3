package quality

import (
	"slices"
	"strings"

	"clientele"
)

// roots are the members of a message that rules may reach. Its type and message id stay as they came:
// they say what the event is, and that it is not a repetition.
var roots = []string{"event", "name", "userId", "anonymousId", "previousId", "groupId", "timestamp", "originalTimestamp", "sentAt", "properties", "traits", "context"}

const maxPathParts = 16

// path addresses a member of a message. each says where the elements of a list are meant: the
// parts before it lead to the list.
type path struct {
	each  [][]string // lists on the way, each below the elements of the one before
	parts []string   // from there
}

// parsePath reads a.b.c; a\.b is one name with a dot, a[].b is b of each element of the list a.
func parsePath(s string) (path, error) {
	var p path
	var parts []string
	var name strings.Builder
	bad := func(why string) (path, error) {
		return path{}, clientele.Errorf(clientele.Invalid, "path %q %s", clip(s), why).WithHint(`for example properties.price, properties.products[].sku, or properties.total\.net for a name with a dot`)
	}
	end := func() bool {
		part := name.String()
		name.Reset()
		list := false
		if rest, ok := strings.CutSuffix(part, "[]"); ok {
			part, list = rest, true
		}
		if part == "" {
			return false
		}
		if parts = append(parts, part); list {
			p.each = append(p.each, parts)
			parts = nil
		}
		return true
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			name.WriteByte(s[i])
		case s[i] == '.':
			if !end() {
				return bad("has an empty name")
			}
		default:
			name.WriteByte(s[i])
		}
	}
	if !end() || len(parts) == 0 {
		return bad("does not end with a name")
	}
	p.parts = parts
	first, n := parts[0], len(parts)
	for i := len(p.each) - 1; i >= 0; i-- {
		first, n = p.each[i][0], n+len(p.each[i])
	}
	if !slices.Contains(roots, first) {
		return bad("does not begin with " + strings.Join(roots, ", "))
	}
	if n > maxPathParts || len(s) > 512 {
		return bad("is too long")
	}
	return p, nil
}

// in calls fn with each object from which the path's parts lead on.
func (p path) in(doc map[string]any, fn func(map[string]any)) {
	walkEach(doc, p.each, fn)
}

func walkEach(doc map[string]any, each [][]string, fn func(map[string]any)) {
	if len(each) == 0 {
		fn(doc)
		return
	}
	v, _ := get(doc, each[0])
	list, _ := v.([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			walkEach(m, each[1:], fn)
		}
	}
}

// get is the value at the parts; false when there is none.
func get(doc map[string]any, parts []string) (any, bool) {
	for _, part := range parts[:len(parts)-1] {
		m, ok := doc[part].(map[string]any)
		if !ok {
			return nil, false
		}
		doc = m
	}
	v, ok := doc[parts[len(parts)-1]]
	return v, ok
}

// put sets the value at the parts and makes the objects on the way. False when something else
// than an object stands there.
func put(doc map[string]any, parts []string, v any) bool {
	for _, part := range parts[:len(parts)-1] {
		next, ok := doc[part]
		if !ok || next == nil {
			next = map[string]any{}
			doc[part] = next
		}
		m, ok := next.(map[string]any)
		if !ok {
			return false
		}
		doc = m
	}
	doc[parts[len(parts)-1]] = v
	return true
}

// remove takes the value at the parts out and says whether there was one.
func remove(doc map[string]any, parts []string) bool {
	for _, part := range parts[:len(parts)-1] {
		m, ok := doc[part].(map[string]any)
		if !ok {
			return false
		}
		doc = m
	}
	name := parts[len(parts)-1]
	_, ok := doc[name]
	delete(doc, name)
	return ok
}

// same says whether both lead through the same lists.
func (p path) same(q path) bool {
	return slices.EqualFunc(p.each, q.each, slices.Equal[[]string])
}
