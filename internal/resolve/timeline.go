package resolve

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/rowcache"
)

// entry is the value of a timeline row: small, for there is one for each event for ever.
type entry struct {
	Type       string             `cbor:"1,keyasint"`
	Position   clientele.Position `cbor:"2,keyasint,omitempty"` // of the frame that holds the raw event
	Ordinal    int                `cbor:"3,keyasint,omitempty"` // its record in the frame
	Received   clientele.Micros   `cbor:"4,keyasint,omitempty"`
	Properties []byte             `cbor:"5,keyasint,omitempty"` // JSON, when it is short
}

// inline is the size up to which properties are kept in the timeline itself.
const inline = 128

func small(v jsontext.Value) []byte {
	if len(v) > inline {
		return nil
	}
	return v
}

func encodeEntry(e entry) []byte {
	b, err := rowcache.Encode(e)
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
	Ordinal int  // of the record in its frame
	Whole   bool // Properties is all there is; otherwise the raw event has more
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
	t.Properties, t.Whole = clientele.RawJSON(e.Properties), e.Position == 0 || e.Properties != nil
	return t, nil
}
