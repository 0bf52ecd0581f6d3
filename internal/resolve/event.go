package resolve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/iab"
	"clientele/internal/identity"
	"clientele/internal/quality"
)

// Limits of an event beyond those of the collector.
const (
	maxMessageID = 256
	maxEventName = 256
	maxDepth     = 64
	maxFuture    = 48 * 3600 * 1_000_000 // how far ahead of its receipt an event may claim to be, in microseconds
)

// importLibrary is context.library.name of events that an import made: their ids are
// remembered for ever.
const importLibrary = "clientele-import"

// wire is a message of the tracking API: parts of its text, nothing is copied. Of two members of
// one name the last holds; unknown names and wrong letter case are passed over.
type wire struct {
	of                                                         wireContext // what context holds of it
	text                                                       []byte
	typ, event, name, userID, anonymousID, previousID, groupID jsontext.Value
	messageID, timestamp, originalTimestamp, sentAt            jsontext.Value
	traits, properties, context                                jsontext.Value
}

var wires = sync.Pool{New: func() any { return new(wire) }}

// member is where the member of the name goes, which is quoted as in the text; nil: nowhere.
func (w *wire) member(name []byte) *jsontext.Value {
	if bytes.IndexByte(name, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, name)
		if err != nil {
			return nil
		}
		name = append(append([]byte{'"'}, plain...), '"')
	}
	switch string(name) {
	case `"type"`:
		return &w.typ
	case `"event"`:
		return &w.event
	case `"name"`:
		return &w.name
	case `"userId"`:
		return &w.userID
	case `"anonymousId"`:
		return &w.anonymousID
	case `"previousId"`:
		return &w.previousID
	case `"groupId"`:
		return &w.groupID
	case `"messageId"`:
		return &w.messageID
	case `"timestamp"`:
		return &w.timestamp
	case `"originalTimestamp"`:
		return &w.originalTimestamp
	case `"sentAt"`:
		return &w.sentAt
	case `"traits"`:
		return &w.traits
	case `"properties"`:
		return &w.properties
	case `"context"`:
		return &w.context
	}
	return nil
}

// UnmarshalJSONFrom reads the message, whose text must have been set.
func (w *wire) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if k := dec.PeekKind(); k != '{' {
		return fmt.Errorf("it is %s, not an object", k)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		part := w.member(name)
		if part == nil {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		end := dec.InputOffset()
		*part = w.text[end-int64(len(v)) : end : end]
	}
	_, err := dec.ReadToken()
	return err
}

// wireContext is what is read of a message's context.
type wireContext struct {
	Traits      jsontext.Value `json:"traits"`
	ExternalIDs []struct {
		ID         jsontext.Value `json:"id"`
		Type       string         `json:"type"`
		Collection string         `json:"collection"`
		Verified   bool           `json:"verified"`
	} `json:"externalIds"`
	Device struct {
		ID jsontext.Value `json:"id"`
	} `json:"device"`
	Library struct {
		Name string `json:"name"`
	} `json:"library"`
	Consent struct {
		Categories map[string]bool `json:"categoryPreferences"`
		TCF        jsontext.Value  `json:"tcf"`
		GPP        jsontext.Value  `json:"gpp"`
		USPrivacy  jsontext.Value  `json:"us_privacy"`
	} `json:"consent"`
	GPC               jsontext.Value `json:"gpc"` // Global Privacy Control: of the library, or of the Sec-GPC header, which collect puts here
	ConsentManagement struct {
		Allowed []string `json:"allowedConsentIds"`
		Denied  []string `json:"deniedConsentIds"`
	} `json:"consentManagement"`
}

// The last of two equal names holds; unknown members and wrong letter case are passed over.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true))

// event is a decoded event.
type event struct {
	typ, name, id string
	imported      bool
	ts            clientele.Micros
	userID        string
	anonymousID   string
	ids           []identity.Observed
	alias         bool
	traits        map[string]jsontext.Value
	consents      []clientele.ConsentRequest
	groupID       string
	properties    jsontext.Value
	context       jsontext.Value
	said          jsontext.Value // the message's own traits
	trimmed       *trimmed       // a retention rule has deleted the event: this is left
}

// planned is what tracking plans and tallies call the event.
func (e *event) planned() string { return quality.EventName(e.typ, e.name) }

// speaks says whether traits, not properties, are what the event is about.
func (e *event) speaks() bool { return e.typ == "identify" || e.typ == "group" }

// members is the object that plans and tallies look into.
func (e *event) members() []byte {
	if e.speaks() {
		return e.said
	}
	return e.properties
}

func invalid(format string, args ...any) error {
	return clientele.Errorf(clientele.Invalid, format, args...)
}

var eventTypes = []string{"track", "identify", "page", "screen", "group", "alias"}

// decode reads an event. Invalid says what is wrong with it and what to do.
func decode(r *clientele.Record, trusted bool, allVerified bool) (*event, error) {
	if err := depth(r.Raw); err != nil {
		return nil, err
	}
	w := wires.Get().(*wire)
	defer func() { *w = wire{}; wires.Put(w) }()
	w.text = r.Raw
	if err := jsonv2.Unmarshal(r.Raw, w, lenient); err != nil {
		return nil, invalid("not a JSON object of the tracking API: %s", jsonReason(err))
	}
	e := &event{typ: strings.ToLower(scalar(w.typ)), properties: w.properties, context: w.context}
	if !slices.Contains(eventTypes, e.typ) {
		return nil, invalid("type is %q: it must be track, identify, page, screen, group or alias", clip(scalar(w.typ)))
	}
	c := &w.of
	if object(w.context) {
		// A context of another shape than the specification's is kept, and not read.
		if err := jsonv2.Unmarshal(w.context, c, lenient); err != nil {
			*c = wireContext{}
		}
	} else {
		e.context = nil
	}
	if !object(w.properties) {
		e.properties = nil
	}
	if object(w.traits) {
		e.said = w.traits
	}
	e.properties, e.context = once(e.properties), once(e.context)
	if err := e.names(w); err != nil {
		return nil, err
	}
	e.imported = c.Library.Name == importLibrary
	var err error
	if e.ts, err = eventTime(w, r.ReceivedAt); err != nil {
		return nil, err
	}
	if err := e.person(w, c, trusted, allVerified); err != nil {
		return nil, err
	}
	e.consent(c)
	return e, nil
}

// names reads the message id and what the event is called.
func (e *event) names(w *wire) error {
	e.id = scalar(w.messageID)
	if len(e.id) > maxMessageID {
		return invalid("messageId is over %d bytes", maxMessageID)
	}
	switch e.typ {
	case "track":
		if e.name = scalar(w.event); strings.TrimSpace(e.name) == "" {
			return invalid("a track event needs the name of what happened in event")
		}
	case "page", "screen":
		e.name = scalar(w.name)
	}
	if len(e.name) > maxEventName {
		return invalid("the event's name is over %d bytes", maxEventName)
	}
	return nil
}

// eventTime is when it happened: the client's clock, corrected by how far that clock was off
// when it sent (received - (sent - original)), never later than its receipt.
func eventTime(w *wire, received clientele.Micros) (clientele.Micros, error) {
	original, err := instant("timestamp", w.timestamp)
	if err != nil {
		return 0, err
	}
	if o, err := instant("originalTimestamp", w.originalTimestamp); err != nil {
		return 0, err
	} else if o != 0 {
		original = o
	}
	sent, err := instant("sentAt", w.sentAt)
	if err != nil {
		return 0, err
	}
	if original == 0 {
		return received, nil
	}
	ts := original
	if sent != 0 {
		ts = received - (sent - original)
	}
	if ts > received+maxFuture {
		return 0, invalid("timestamp is more than two days after the event was received")
	}
	if ts = min(ts, received); ts < clientele.MinTime {
		return 0, invalid("timestamp is before 1900")
	}
	return ts, nil
}

func instant(name string, v jsontext.Value) (clientele.Micros, error) {
	if len(v) == 0 || v.Kind() == 'n' {
		return 0, nil
	}
	var x any
	switch v.Kind() {
	case '"':
		s := scalar(v)
		if s == "" {
			return 0, nil
		}
		x = s
	case '0':
		x = json.Number(v.String())
	}
	m, err := commerce.Time(x)
	if err != nil {
		return 0, invalid("%s: %s", name, err.Error())
	}
	return m, nil
}

// person reads identifiers and traits. Verified identifiers come from trusted sources only.
func (e *event) person(w *wire, c *wireContext, trusted, allVerified bool) error {
	e.userID, e.anonymousID, e.groupID = scalar(w.userID), scalar(w.anonymousID), scalar(w.groupID)
	all := trusted && allVerified
	e.see(clientele.UserID, e.userID, all)
	e.see(clientele.AnonymousID, e.anonymousID, all)
	e.see(clientele.DeviceID, scalar(c.Device.ID), all)
	if e.typ == "alias" {
		previous := scalar(w.previousID)
		if previous == "" || e.userID == "" {
			return invalid("an alias needs userId and previousId")
		}
		e.see(clientele.PreviousID, previous, all)
		e.alias = true
	}
	for _, x := range c.ExternalIDs {
		if x.Collection == "" || x.Collection == "users" {
			e.see(clientele.Namespace(x.Type), scalar(x.ID), trusted && (x.Verified || allVerified))
		}
	}
	if len(e.ids) > clientele.MaxRecordIdentities {
		return invalid("over %d identifiers in one event", clientele.MaxRecordIdentities)
	}
	if e.typ == "group" {
		if e.groupID == "" {
			return invalid("a group event needs groupId")
		}
		b, err := jsonv2.Marshal(e.groupID)
		e.traits = map[string]jsontext.Value{"group_id": b}
		return err // the traits are the group's, not the person's
	}
	for _, t := range []jsontext.Value{c.Traits, w.traits} {
		if !object(t) {
			continue
		}
		var m map[string]jsontext.Value
		if err := jsonv2.Unmarshal(t, &m, lenient); err != nil {
			return invalid("traits: %s", jsonReason(err))
		}
		e.see(clientele.Email, scalar(m["email"]), all)
		e.see(clientele.Phone, scalar(m["phone"]), all)
		if e.typ == "identify" {
			if err := e.addTraits(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *event) addTraits(m map[string]jsontext.Value) error {
	if e.traits == nil {
		e.traits = make(map[string]jsontext.Value, len(m))
	}
	for name, v := range m {
		if name == "consent" {
			e.traitConsent(v)
			continue
		}
		if name == "" || len(name) > 128 || strings.ContainsRune(name, 0) {
			return invalid("a trait's name is empty, over 128 bytes, or holds a zero byte")
		}
		e.traits[name] = v
	}
	return nil
}

func (e *event) see(ns clientele.Namespace, value string, verified bool) {
	if ns != "" && value != "" {
		e.ids = append(e.ids, identity.Observed{ID: clientele.Identifier{Namespace: ns, Value: value}, Verified: verified})
	}
}

// consent reads the consent objects of Segment's and RudderStack's SDKs.
func (e *event) consent(c *wireContext) {
	for purpose, granted := range c.Consent.Categories {
		e.decide(purpose, "", granted)
	}
	for _, purpose := range c.ConsentManagement.Allowed {
		e.decide(purpose, "", true)
	}
	for _, purpose := range c.ConsentManagement.Denied {
		e.decide(purpose, "", false)
	}
	e.consentStrings(c)
	slices.SortStableFunc(e.consents, func(a, b clientele.ConsentRequest) int {
		if c := strings.Compare(a.Purpose+"\x00"+a.Channel, b.Purpose+"\x00"+b.Channel); c != 0 || a.Granted == b.Granted {
			return c
		}
		if a.Granted { // what one event says in two ways: the refusal is the last word
			return -1
		}
		return 1
	})
}

// consentStrings reads IAB strings and the browser's signal. A string that is none decides
// nothing: the event that carries it is as good as any.
func (e *event) consentStrings(c *wireContext) {
	for _, s := range []struct {
		text jsontext.Value
		read func(string) ([]clientele.ConsentRequest, error)
	}{{c.Consent.TCF, iab.TCF}, {c.Consent.GPP, iab.GPP}, {c.Consent.USPrivacy, iab.USPrivacy}} {
		if len(s.text) == 0 || s.text.Kind() != '"' {
			continue
		}
		if some, err := s.read(scalar(s.text)); err == nil {
			e.consents = append(e.consents, some...)
		}
	}
	if len(c.GPC) > 0 && c.GPC.Kind() == 't' {
		e.consents = append(e.consents, iab.GPC()...)
	}
}

// traitConsent reads the trait consent: {"marketing": true} or {"marketing": {"email": false}}.
func (e *event) traitConsent(v jsontext.Value) {
	var m map[string]jsontext.Value
	if !object(v) || jsonv2.Unmarshal(v, &m, lenient) != nil {
		return
	}
	for purpose, v := range m {
		switch v.Kind() {
		case 't', 'f':
			e.decide(purpose, "", v.Kind() == 't')
		case '{':
			var channels map[string]jsontext.Value
			if jsonv2.Unmarshal(v, &channels, lenient) != nil {
				continue
			}
			for channel, v := range channels {
				if k := v.Kind(); k == 't' || k == 'f' {
					e.decide(purpose, channel, k == 't')
				}
			}
		}
	}
}

func (e *event) decide(purpose, channel string, granted bool) {
	if purpose != "" && len(purpose)+len(channel) <= clientele.MaxPurposeBytes {
		e.consents = append(e.consents, clientele.ConsentRequest{Purpose: purpose, Channel: channel, Granted: granted})
	}
}

// once is the value with every name once, the last of equal ones: SQL engines disagree about
// which of them they take.
func once(v jsontext.Value) jsontext.Value {
	if len(v) == 0 || v.IsValid() {
		return v
	}
	var x any
	if jsonv2.Unmarshal(v, &x, lenient, jsonv2.WithUnmarshalers(numbers)) != nil {
		return nil
	}
	b, err := jsonv2.Marshal(x, jsonv2.Deterministic(true))
	if err != nil {
		return nil
	}
	return b
}

// numbers keeps numbers as they were written.
var numbers = jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	n, err := dec.ReadValue()
	*v = jsontext.Value(bytes.Clone(n))
	return err
})

func object(v jsontext.Value) bool { return len(v) > 0 && v.Kind() == '{' }

// scalar is a text or a number as text; "" for anything else.
func scalar(v jsontext.Value) string {
	if len(v) == 0 {
		return ""
	}
	switch v.Kind() {
	case '"':
		if within := v[1 : len(v)-1]; bytes.IndexByte(within, '\\') < 0 && utf8.Valid(within) {
			return string(within)
		}
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		return string(b)
	case '0':
		s := v.String()
		if f, err := strconv.ParseFloat(s, 64); err == nil && strings.ContainsAny(s, ".eE") && f == float64(int64(f)) {
			return strconv.FormatInt(int64(f), 10)
		}
		return s
	}
	return ""
}

// depth refuses what is nested deeper than anybody means.
func depth(b []byte) error {
	if bytes.Count(b, []byte{'{'})+bytes.Count(b, []byte{'['}) <= maxDepth {
		return nil // nearly all, told twenty times as fast
	}
	level, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if level++; level > maxDepth {
				return invalid("nested deeper than %d levels", maxDepth)
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return nil
}

// jsonReason is what is wrong, without quoting the event.
func jsonReason(err error) string {
	s := err.Error()
	if i := strings.Index(s, " within "); i > 0 {
		s = s[:i]
	}
	return clip(strings.TrimPrefix(strings.TrimPrefix(s, "jsontext: "), "json: "))
}

func clip(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < 0x20 {
			return ' '
		}
		return r
	}, s), "?")
}

// compact is the JSON value without needless blanks, its objects' names sorted, so that equal
// values are equal bytes; nil when it is over the limit.
func compact(v jsontext.Value, limit int) []byte {
	if len(v) > 4*limit {
		return nil
	}
	c := jsontext.Value(bytes.Clone(v))
	if err := c.Canonicalize(jsontext.AllowDuplicateNames(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		if err := c.Compact(jsontext.AllowDuplicateNames(true)); err != nil {
			return nil
		}
	}
	if len(c) > limit {
		return nil
	}
	return c
}
