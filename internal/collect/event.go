package collect

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"slices"
)

// span is a place in an event's text; its end is 0 when there is no such thing.
type span struct{ start, end int }

// event is an event's text and where in it stands what collect may have to add to.
type event struct {
	raw    []byte
	empty  bool // has no members
	server bool // its source is a server
	depth  int

	typ, messageID, sentAt, channel, context, integrations, writeKey span
}

// edit replaces a place of an event's text by a place of the notes.
type edit struct{ at, notes span }

// look reads an event's members. Of two with one name the last is the event's.
func (f *framer) look(raw []byte) event {
	e := event{raw: raw, empty: true}
	f.s.edits, f.s.notes = f.s.edits[:0], f.s.notes[:0]
	w := walk(raw)
	for w.next(true) {
		e.empty = false
		at := span{w.start, w.end}
		switch string(w.name(&f.s.names)) {
		case "type":
			e.typ = at
		case "messageId":
			e.messageID = at
		case "sentAt":
			e.sentAt = at
		case "channel":
			e.channel = at
		case "context":
			e.context = at
		case "integrations":
			e.integrations = at
		case "writeKey":
			e.writeKey = at
			f.note(at, "null") // a credential is not kept in the log
		}
	}
	e.depth = w.depth + 1
	return e
}

func (f *framer) note(at span, text string) {
	start := len(f.s.notes)
	f.s.notes = append(f.s.notes, text...)
	f.s.edits = append(f.s.edits, edit{at, span{start, len(f.s.notes)}})
}

// field is a member to be set: new, or in place of one that says nothing.
type field struct {
	name  string // with quotes and colon
	at    span   // where it stands
	value span   // what to set, in the notes
}

// complete is the event's text with what collect adds. Everything else stays byte for byte.
// Fields are set only where the event says nothing itself.
func (f *framer) complete(e *event) []byte {
	var fields [5]field
	n := 0
	set := func(name string, at span, start int) {
		fields[n] = field{name, at, span{start, len(f.s.notes)}}
		n++
	}
	if e.lacks(e.messageID) {
		start := len(f.s.notes)
		f.s.notes = appendUUID(f.s.notes)
		set(`"messageId":`, e.messageID, start)
	}
	if f.typ != "" && e.lacks(e.typ) {
		start := len(f.s.notes)
		f.s.notes = append(append(append(f.s.notes, '"'), f.typ...), '"')
		set(`"type":`, e.typ, start)
	}
	if f.shared.sentAt != nil && e.lacks(e.sentAt) {
		start := len(f.s.notes)
		f.s.notes = append(f.s.notes, f.shared.sentAt...)
		set(`"sentAt":`, e.sentAt, start)
	}
	if start := len(f.s.notes); f.mergeContext(e) {
		set(`"context":`, e.context, start)
	}
	if start := len(f.s.notes); f.merge(e, e.integrations, &f.shared.integrations, nil) {
		set(`"integrations":`, e.integrations, start)
	}
	return f.write(e, fields[:n])
}

// write puts new fields first and then the event with its edits.
func (f *framer) write(e *event, fields []field) []byte {
	if len(fields) == 0 && len(f.s.edits) == 0 {
		return e.raw
	}
	out := f.s.room(len(e.raw) + len(f.s.notes) + 16*len(fields))
	begin := len(out)
	out = append(out, '{')
	for _, set := range fields {
		if set.at.end > 0 {
			f.s.edits = append(f.s.edits, edit{set.at, set.value})
			continue
		}
		out = append(out, set.name...)
		out = append(out, f.s.notes[set.value.start:set.value.end]...)
		out = append(out, ',')
	}
	if e.empty && out[len(out)-1] == ',' {
		out = out[:len(out)-1]
	}
	slices.SortFunc(f.s.edits, func(a, b edit) int { return cmp.Compare(a.at.start, b.at.start) })
	at := 1
	for _, x := range f.s.edits {
		out = append(out, e.raw[at:x.at.start]...)
		out = append(out, f.s.notes[x.notes.start:x.notes.end]...)
		at = x.at.end
	}
	out = append(out, e.raw[at:]...)
	f.s.out = out
	return out[begin:len(out):len(out)]
}

// room is s.out with space for n more bytes. A full one is left to the records that stand in it.
func (s *scratch) room(n int) []byte {
	if cap(s.out)-len(s.out) < n {
		s.out = make([]byte, 0, max(n, min(2*cap(s.out), largestStep), firstBuffer))
	}
	return s.out
}

// lacks says whether the event says nothing at the place.
func (e *event) lacks(at span) bool { return at.end == 0 || isNothing(e.raw[at.start:at.end]) }

// appendUUID appends a random UUID (version 4) as JSON text. An event without an id of its
// sender's cannot be told from its own repetition.
func appendUUID(b []byte) []byte {
	var id [16]byte
	rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	b = append(b, '"')
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return append(b, '"')
}
