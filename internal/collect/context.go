package collect

import (
	"bytes"
	"net/netip"

	"clientele"
)

// shared is what a batch says of all its events.
type shared struct {
	context, integrations defaults
	facts                 contextFacts
	sentAt                []byte
}

// defaults are members that an event gets where it has none of that name. They are merged one
// level deep: an event's own device replaces the batch's device as a whole.
type defaults struct {
	text    []byte // the object as it came
	members []member
	index   map[string]int
	event   int // counts events, so that seen need not be cleared
}

type member struct {
	text []byte // name and value
	seen int    // the last event that has one of its own
}

// contextFacts are what a context says about where its event was made.
type contextFacts struct {
	ip      bool   // has an address of its own
	gpc     bool   // says itself what the browser's signal is
	direct  bool   // says itself that the request comes from the person's device
	library []byte // the object that names the sending library; nil when absent
}

func (c *contextFacts) take(name, value []byte) {
	switch string(name) {
	case "ip":
		c.ip = true
	case "gpc":
		c.gpc = true
	case "direct":
		c.direct = string(value) == "true"
	case "library":
		c.library = value
	}
}

// prepare drops what has no meaning and reads the rest once for all events.
func (s *shared) prepare(f *framer) error {
	if len(s.sentAt) > maxSentAtBytes || isNothing(s.sentAt) || s.sentAt[0] != '"' || !f.unicode && !isUnicode(s.sentAt) {
		s.sentAt = nil
	}
	if len(s.context.text)+len(s.integrations.text) > clientele.MaxEventBytes {
		return clientele.Errorf(clientele.TooLarge, "the batch's own context is over %d KB", clientele.MaxEventBytes>>10)
	}
	if err := s.context.read(f, &s.facts); err != nil {
		return err
	}
	return s.integrations.read(f, nil)
}

func (d *defaults) read(f *framer, facts *contextFacts) error {
	if !isObject(d.text) {
		return nil
	}
	if !f.unicode && !isUnicode(d.text) {
		return clientele.Errorf(clientele.Invalid, "the batch's own context holds text that is not Unicode")
	}
	d.index = map[string]int{}
	w := walk(d.text)
	for w.next(true) {
		m := member{text: d.text[w.nameStart:w.end]}
		name := w.name(&f.s.names)
		if facts != nil {
			facts.take(name, w.value())
		}
		if i, twice := d.index[string(name)]; twice {
			d.members[i] = m
			continue
		}
		d.index[string(name)] = len(d.members)
		d.members = append(d.members, m)
	}
	if w.depth+2 > maxDepth {
		return clientele.Errorf(clientele.Invalid, "the batch's own context nests deeper than %d", maxDepth)
	}
	return nil
}

// merge puts d's members under the event's object at the place, the event's own staying. It is
// true when the object is new and to be set from the end of the notes; otherwise an edit has
// been made, or nothing is to be done. For a context, own takes note of what the event says, and
// the address and the browser's privacy signal may go in too.
func (f *framer) merge(e *event, at span, d *defaults, own *contextFacts) (whole bool) {
	if len(d.members) == 0 && own == nil {
		return false
	}
	d.event++
	empty, whole := true, e.lacks(at)
	if !whole {
		if e.raw[at.start] != '{' {
			return false // what it means is for the resolver to say
		}
		for w := walk(e.raw[at.start:at.end]); w.next(true); {
			empty = false
			name := w.name(&f.s.names)
			if i, ok := d.index[string(name)]; ok {
				d.members[i].seen = d.event
			}
			if own != nil {
				own.take(name, w.value())
			}
		}
	}
	start := len(f.s.notes)
	if whole {
		f.s.notes = append(f.s.notes, '{')
	}
	first := len(f.s.notes)
	if own != nil && f.wantsIP(e, *own) {
		f.s.notes = append(append(append(f.s.notes, `"ip":"`...), f.ip...), `",`...)
	}
	if own != nil && f.gpc && !own.gpc && !f.shared.facts.gpc {
		f.s.notes = append(f.s.notes, `"gpc":true,`...)
	}
	for i := range d.members {
		if m := &d.members[i]; m.seen != d.event {
			f.s.notes = append(append(f.s.notes, m.text...), ',')
		}
	}
	switch last := len(f.s.notes) - 1; {
	case last < first:
		f.s.notes = f.s.notes[:start]
		return false
	case whole:
		f.s.notes[last] = '}' // in place of the comma
		return true
	case empty:
		f.s.notes = f.s.notes[:last]
	}
	inside := span{at.start + 1, at.start + 1}
	f.s.edits = append(f.s.edits, edit{inside, span{start, len(f.s.notes)}})
	return false
}

// mergeContext is merge for the context, to which the client's address and its Global Privacy
// Control signal may come.
func (f *framer) mergeContext(e *event) (whole bool) {
	if f.ip == "" && !f.gpc {
		return f.merge(e, e.context, &f.shared.context, nil)
	}
	return f.merge(e, e.context, &f.shared.context, &contextFacts{})
}

// wantsIP says whether the address of the peer is the person's: not when the event has one
// already, nor when a server sent it, which its source, its channel or its library says.
func (f *framer) wantsIP(e *event, own contextFacts) bool {
	if f.ip == "" || own.ip || f.shared.facts.ip || e.server {
		return false
	}
	if own.direct || f.shared.facts.direct {
		return true
	}
	if e.channel.end > 0 && string(e.raw[e.channel.start:e.channel.end]) == `"server"` {
		return false
	}
	library := own.library
	if library == nil {
		library = f.shared.facts.library
	}
	if !isObject(library) {
		return true
	}
	for w := walk(library); w.next(true); {
		if string(w.name(&f.s.names)) == "name" {
			return f.clientLibrary(unquote(w.value(), &f.s.names))
		}
	}
	return true
}

// clientWords stand in the names of libraries that run in people's hands.
var clientWords = []string{"analytics.js", "analytics-next", "javascript", "browser", "android", "kotlin", "ios-", "-ios", "swift",
	"react-native", "react_native", "flutter", "unity", "xamarin", "cordova", "roku"}

// clientLibrary remembers its last answer: a request rarely has two libraries.
func (f *framer) clientLibrary(name []byte) bool {
	if string(name) == f.library {
		return f.library == "" || f.libraryClient
	}
	f.library, f.libraryClient = string(name), false
	lower := bytes.ToLower(name)
	for _, word := range clientWords {
		if bytes.Contains(lower, []byte(word)) {
			f.libraryClient = true
		}
	}
	return f.libraryClient
}

// cleanIP is the address as JSON text without quotes, "" when it is none.
func cleanIP(s string) string {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return ""
	}
	return ip.WithZone("").Unmap().String()
}
