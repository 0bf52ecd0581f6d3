package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"clientele"
)

// promoted are the promotions that followers were told of, by column.
func (s *stream) promoted() map[string]clientele.Promotion {
	entries, err := s.store.Changes(0, 1<<20)
	s.must(err)
	out := map[string]clientele.Promotion{}
	for _, e := range entries {
		for _, p := range decoded(s.t, e.Bytes).Promoted {
			out[p.Column] = p
		}
	}
	return out
}

// said sends an event with the properties, in a frame of its own.
func (s *stream) said(properties string) {
	n := len(s.frames)
	s.events(event("web", int64(n), fmt.Sprintf(`{"type":"track","messageId":"m%d","event":"Seen","anonymousId":"a","properties":{%s}}`, n, properties)))
}

// TestPromotedSince: a promotion says from where on rows may have the property: from its first sight, of whatever type,
// though objects do not count towards a column.
func TestPromotedSince(t *testing.T) {
	s := newStream(t)
	s.said(`"first":1`)
	s.said(`"object":{"a":1},"nothing":null`)
	for range 8 {
		s.said(`"first":1`)
	}
	for range 9 {
		s.said(`"object":"text","nothing":true`)
	}
	if got := s.promoted(); len(got) != 0 {
		t.Fatalf("columns before the tenth sight: %v", got)
	}
	s.said(`"first":1,"object":"text","nothing":true`)
	s.events(event("web", 9, `{"type":"identify","messageId":"i","anonymousId":"a","traits":{"plan":"p"}}`))
	want := map[string]clientele.Promotion{
		"first":   {Table: "events", JSON: "first", Column: "first", Type: clientele.TypeDouble, Since: 1},
		"object":  {Table: "events", JSON: "object", Column: "object", Type: clientele.TypeText, Since: 2},
		"nothing": {Table: "events", JSON: "nothing", Column: "nothing", Type: clientele.TypeBool, Since: 11},
		"plan":    {Table: "profiles", JSON: "plan", Column: "plan", Type: clientele.TypeText, Since: 21},
	}
	if got := s.promoted(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("promoted\n got %v\nwant %v", got, want)
	}
}

// TestPromotedSinceUnknown: when there were more names than are counted, a name may have been seen before it was counted.
func TestPromotedSinceUnknown(t *testing.T) {
	const tracked = 3000
	s := newStream(t)
	var names []string
	for i := range tracked {
		names = append(names, fmt.Sprintf(`"n%d":1`, i))
	}
	for i := 0; i < tracked; i += 100 {
		s.said(strings.Join(names[i:i+100], ","))
	}
	for range 9 {
		s.said(names[0])
	}
	if got := s.promoted()["n0"]; got.Since != 1 {
		t.Fatalf("all names are counted, and the first one was promoted as %+v", got)
	}
	s.said(`"late":1,"later":1`) // there is room for one of them
	for range 9 {
		s.said(`"n1":1`)
	}
	for range 10 {
		s.said(`"later":1`)
	}
	if got, ok := s.promoted()["later"]; !ok || got.Since != 0 {
		t.Errorf("a name that was seen before it was counted was promoted as %+v (%v)", got, ok)
	}
}
