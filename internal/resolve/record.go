package resolve

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
	"clientele/internal/profile"
)

// pendingEvent is a row of the events table that waits for the end of the batch, when its
// profile is known.
type pendingEvent struct {
	e        *event
	source   string
	anchor   clientele.Anchor
	received clientele.Micros
}

// pendingConsent is a row of the consents table that waits likewise.
type pendingConsent struct {
	clientele.ConsentRequest
	anchor     clientele.Anchor
	identifier string
	stamp      clientele.Stamp
}

// event resolves one event.
func (r *Resolver) event(p clientele.Position, i int, rec *Parsed, m *mint) error {
	e := rec.event
	if e.id == "" {
		e.id = generatedID(p, i)
	}
	if out, err := r.keepOut(p, i, rec, e.ts, true, m); err != nil || out {
		return err
	}
	var again bool
	var key clientele.Key
	var value []byte
	var err error
	if e.imported {
		_, again, key, value, err = r.seen.imported(rec.Source, eventID(e), nil, true)
	} else {
		again, key, err = r.seen.live(rec.Source, e.id, rec.ReceivedAt)
		value = stamp(rec.ReceivedAt)
	}
	if err != nil {
		return err
	}
	if again {
		r.totals.Duplicates++
		return nil
	}
	if err := m.room(len(rec.ids)); err != nil {
		return err
	}
	at := clientele.Stamp{At: e.ts, Source: rec.Source, ID: e.id}
	traits, err := traitValues(e)
	if err != nil {
		return err
	}
	minted := m.next
	anchor, err := r.graph.Observe(rec.ids, identity.RuleObserved, at, m.anchor)
	if err != nil {
		return err
	}
	if err := r.mintedBy(anchor, m, minted); err != nil {
		return err
	}
	if err := r.seen.add(key, value); err != nil {
		return err
	}
	if anchor != 0 {
		if err := r.fold(anchor, e.line(), traits, at, true); err != nil {
			return err
		}
		if err := r.decide(anchor, rec.ids, e.consents, at); err != nil {
			return err
		}
	}
	kept := e.trimmed == nil && !r.expires(e, rec.Source)
	r.heard(anchor, rec, e, at, traits, kept)
	if anchor != 0 && kept {
		line := clientele.TimelineKey(anchor, e.line(), e.ts, rec.Source, e.id)
		entry := entry{Type: e.typ, Position: p, Ordinal: i, Received: rec.ReceivedAt, Properties: e.properties}
		if entry.Context = keptContext(r.context, e.context); entry.Context != nil {
			r.context = entry.Context // its memory is used again by the next event
		}
		if err := r.count(anchor, line, e.line(), at, &entry); err != nil {
			return err
		}
		r.line(anchor, e.line(), line, r.entryRow(&entry))
	}
	if e.typ == "track" && commerce.Touches(e.name) {
		if err := r.facts(e, rec, anchor, at); err != nil {
			return err
		}
	}
	if err := r.look(p, i, rec); err != nil {
		return err
	}
	r.totals.Events++
	if !kept { // what it says of the person is folded, and it is not told of
		r.totals.Expired++
		return nil
	}
	r.batch.events = append(r.batch.events, pendingEvent{e, rec.Source, anchor, rec.ReceivedAt})
	return nil
}

// facts folds what a commerce event says of the tables. What does not fit a table stays in
// the event alone.
func (r *Resolver) facts(e *event, rec *Parsed, anchor clientele.Anchor, at clientele.Stamp) error {
	facts, err := e.facts(rec.Source, anchor, at)
	if clientele.ErrorCode(err) == clientele.Invalid {
		return nil
	}
	for _, f := range facts {
		if r.gone.concerns(at.At, true) {
			if _, out := r.gone.row(f, at.At, true); out {
				continue
			}
		}
		if err == nil {
			err = r.ledger.Record(f)
		}
		if clientele.ErrorCode(err) == clientele.Invalid {
			err = nil
		}
	}
	return err
}

func (e *event) facts(source string, anchor clientele.Anchor, at clientele.Stamp) ([]commerce.Fact, error) {
	if e.trimmed != nil {
		return e.trimmed.facts(anchor, at), nil
	}
	return commerce.Facts(&commerce.Event{Name: e.name, Properties: e.properties, Source: source, ID: e.id, Stamp: at, Anchor: anchor})
}

// traitValues is the event's traits in canonical form, by name.
func traitValues(e *event) (map[string][]byte, error) {
	out := make(map[string][]byte, len(e.traits))
	for name, v := range e.traits {
		if out[name] = compact(v, profile.MaxTraitBytes); out[name] == nil {
			return nil, invalid("trait %q is over %d bytes", clip(name), profile.MaxTraitBytes)
		}
	}
	return out, nil
}

// fold counts the record on the anchor's head, when it is a new one, and folds its traits.
func (r *Resolver) fold(a clientele.Anchor, line string, traits map[string][]byte, at clientele.Stamp, count bool) error {
	h, err := r.head(a)
	if err == nil && len(traits) > 0 {
		h, err = r.spoken(a)
	}
	if err != nil {
		return err
	}
	r.saw(a, h, line, at, count)
	for _, name := range slices.Sorted(maps.Keys(traits)) {
		if h.Full(name) {
			continue // told in the documentation: a profile's source keeps at most MaxTraits
		}
		h.Set(r.rules, name, traits[name], at)
		r.batch.touched[a] = true
		r.columns.sawTrait(name, traits[name])
	}
	return nil
}

// decide folds decisions about consent; those that change something become rows.
func (r *Resolver) decide(a clientele.Anchor, ids []identity.Observed, consents []clientele.ConsentRequest, at clientele.Stamp) error {
	if len(consents) == 0 {
		return nil
	}
	h, err := r.spoken(a)
	if err != nil {
		return err
	}
	for _, c := range consents {
		if c.Check() != nil {
			continue
		}
		if au := r.audiences; au.plan != nil {
			au.plan.Consent(au.touch(a), c.Purpose)
		}
		news, err := r.decided(a, h, profile.ConsentKey{Purpose: c.Purpose, Channel: c.Channel}, &profile.Consent{Granted: c.Granted, Stamp: at, Expires: c.ExpiresAt,
			TextVersion: c.TextVersion, LegalBasis: c.LegalBasis, Jurisdiction: c.Jurisdiction})
		if err != nil {
			return err
		}
		if !news {
			continue
		}
		p := pendingConsent{ConsentRequest: c, anchor: a, stamp: at}
		if len(ids) > 0 {
			p.identifier = ids[0].ID.String()
		}
		r.batch.consents = append(r.batch.consents, p)
	}
	return nil
}

// row resolves one imported row.
func (r *Resolver) row(p clientele.Position, i int, rec *Parsed, m *mint) error {
	row := rec.row
	if row.Table == clientele.EnrichmentRows {
		return r.enrichmentRow(p, i, rec, m)
	}
	when, timed := rowTime(rec)
	if out, err := r.keepOut(p, i, rec, when, timed, m); err != nil || out {
		return err
	}
	known, again, key, value, err := r.seen.imported(rec.Source, rowID(row), rec.Raw, row.TS != 0)
	if err != nil {
		return err
	}
	if again {
		r.totals.Duplicates++
		return nil
	}
	at := clientele.Stamp{At: row.TS, Source: rec.Source, ID: row.ID}
	if at.At == 0 {
		at.At = rec.ReceivedAt
	}
	if err := m.room(len(rec.ids)); err != nil {
		return err
	}
	if row.Table == "profiles" {
		err = r.profileRow(rec, at, m, known)
	} else {
		err = r.tableRow(rec, at, m, known)
	}
	if err != nil {
		return err
	}
	if err := r.seen.add(key, value); err != nil {
		return err
	}
	if !known {
		r.totals.Rows[row.Table]++
	}
	return nil
}

// rowTime is when an imported row was so, and whether it says so itself.
func rowTime(rec *Parsed) (clientele.Micros, bool) {
	if rec.row.TS != 0 {
		return rec.row.TS, true
	}
	if ts, ok := rec.fact.Fields["ts"].(int64); ok {
		return clientele.Micros(ts), true
	}
	return rec.ReceivedAt, false
}

// profileRow takes traits and consents of an import.
func (r *Resolver) profileRow(rec *Parsed, at clientele.Stamp, m *mint, known bool) error {
	e := &event{typ: "identify"}
	traits, err := rowTraits(rec.row, e)
	if err != nil {
		return err
	}
	if len(rec.ids) == 0 {
		return invalid("the row has no identifier that identifies: its profile cannot be known")
	}
	minted := m.next
	anchor, err := r.graph.Observe(rec.ids, identity.RuleObserved, at, m.anchor)
	if err != nil || anchor == 0 {
		return err
	}
	if err := r.mintedBy(anchor, m, minted); err != nil {
		return err
	}
	e.consents = append(e.consents, rec.row.Consents...)
	r.heard(anchor, rec, e, at, traits, false)
	if err := r.fold(anchor, "", traits, at, !known); err != nil {
		return err
	}
	return r.decide(anchor, rec.ids, e.consents, at)
}

// rowTraits is the row's traits in canonical form; its consent trait becomes decisions of e.
// decodeRow left them as JSON text.
func rowTraits(row *clientele.RowRecord, e *event) (map[string][]byte, error) {
	traits := make(map[string]jsontext.Value, len(row.Traits))
	for name, v := range row.Traits {
		traits[name] = v.(jsontext.Value)
	}
	if err := e.addTraits(traits); err != nil {
		return nil, err
	}
	return traitValues(e)
}

// tableRow takes a row of any other table.
func (r *Resolver) tableRow(rec *Parsed, at clientele.Stamp, m *mint, known bool) error {
	f := rec.fact
	t := f.Table
	f.Stamp = at
	var err error
	if ts, ok := f.Fields["ts"].(int64); ok && rec.row.TS == 0 {
		at.At = clientele.Micros(ts)
		if t.Name != "messages" && t.Name != "payments" { // those change state while their time stays
			f.Stamp = at
		}
	}
	if t.Person {
		minted := m.next
		if f.Anchor, err = r.graph.Observe(rec.ids, identity.RuleObserved, at, m.anchor); err != nil {
			return err
		}
		if err := r.mintedBy(f.Anchor, m, minted); err != nil {
			return err
		}
		r.heardRow(f, rec)
	}
	if err := r.ledger.Record(f); err != nil {
		return err
	}
	if t.Name == "inventory" {
		return r.stocked(f)
	}
	if f.Anchor == 0 || t.Name == "consents" {
		return r.consentRow(f, !known)
	}
	h, err := r.head(f.Anchor)
	if err != nil {
		return err
	}
	r.saw(f.Anchor, h, "", at, !known)
	return nil
}

// consentRow folds an imported decision into the profile as well.
func (r *Resolver) consentRow(f commerce.Fact, count bool) error {
	purpose, _ := f.Fields["purpose"].(string)
	granted, ok := f.Fields["granted"].(bool)
	if f.Table.Name != "consents" || f.Anchor == 0 || purpose == "" || !ok {
		return nil
	}
	h, err := r.spoken(f.Anchor)
	if err != nil {
		return err
	}
	channel, _ := f.Fields["channel"].(string)
	expires, _ := f.Fields["expires_at"].(int64)
	r.saw(f.Anchor, h, "", f.Stamp, count)
	text := func(column string) string { s, _ := f.Fields[column].(string); return s }
	_, err = r.decided(f.Anchor, h, profile.ConsentKey{Purpose: purpose, Channel: channel}, &profile.Consent{Granted: granted, Stamp: f.Stamp, Expires: clientele.Micros(expires),
		TextVersion: text("text_version"), LegalBasis: text("legal_basis"), Jurisdiction: text("jurisdiction")})
	return err
}
