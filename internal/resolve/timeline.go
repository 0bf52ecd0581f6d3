package resolve

import (
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/quality"
	"clientele/internal/rowcache"
)

// entry is the value of a timeline row. It holds all that audiences and computed traits can ask of
// an event, so that evaluating a profile reads its timeline alone: the raw event lies in a frame
// of a thousand others (ADR 14).
type entry struct {
	Type       string             `cbor:"1,keyasint"`
	Position   clientele.Position `cbor:"2,keyasint,omitempty"` // of the frame that holds the raw event
	Ordinal    int                `cbor:"3,keyasint,omitempty"` // its record in the frame
	Received   clientele.Micros   `cbor:"4,keyasint,omitempty"`
	Properties []byte             `cbor:"5,keyasint,omitempty"` // JSON
	Context    []byte             `cbor:"6,keyasint,omitempty"` // JSON, without audience.Unkept
}

// entryRow is the entry as the store holds it, good until the batch is committed.
func (r *Resolver) entryRow(e *entry) []byte {
	b, err := r.arena.Encode(e)
	if err != nil {
		panic(err) // a struct of plain fields
	}
	return b
}

// line is the name under which an event stands on the timeline.
func (e *event) line() string {
	if e.name != "" {
		return e.name
	}
	return e.typ
}

// TimelineEntry is a row of a profile's timeline.
type TimelineEntry struct {
	clientele.Event
	Ordinal int // of the record in its frame
}

// ReadTimelineEntry reads a row of RowTimeline.
func ReadTimelineEntry(k clientele.Key, v []byte) (TimelineEntry, error) {
	r := k.Read()
	var t TimelineEntry
	r.Anchor()
	t.Name, t.TS, t.Source, t.ID = r.Text(), r.Time(), r.Text(), r.Text()
	e, err := rowcache.Decode[entry](v)
	if err != nil || r.Err() != nil {
		return t, errors.Join(err, r.Err())
	}
	t.Type, t.Position, t.Ordinal, t.ReceivedAt = e.Type, e.Position, e.Ordinal, e.Received
	t.Properties, t.Context = clientele.RawJSON(e.Properties), clientele.RawJSON(e.Context)
	return t, nil
}

// keptContext is the event's context without what nobody is chosen by, written to out; nil for nothing.
func keptContext(out []byte, context jsontext.Value) []byte {
	out = out[:0]
	var few [32]quality.Member // most contexts fit, without memory of their own
	for _, m := range quality.Members(few[:0], context) {
		if slices.Contains(audience.Unkept, string(m.Name)) {
			continue
		}
		if len(out) == 0 {
			out = append(out, '{')
		} else {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, m.Name) // it was read from JSON
		out = append(append(out, ':'), m.Value...)
	}
	if len(out) == 0 {
		return nil
	}
	return append(out, '}')
}
