package resolve

import (
	"maps"
	"slices"

	"clientele"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// heldRow is what a source says of an identifier that nobody has yet. Field numbers are on disk.
type heldRow struct {
	Traits  map[string][]byte `cbor:"1,keyasint"`
	Stamp   clientele.Stamp   `cbor:"2,keyasint"`
	Expires clientele.Micros  `cbor:"3,keyasint"`
}

// enrichmentRow takes what a third party says of a person. It makes nobody known: of an identifier that nobody has it is held, where
// the row says so, until somebody comes with it.
func (r *Resolver) enrichmentRow(p clientele.Position, i int, rec *Parsed, m *mint) error {
	if out, err := r.keepOut(p, i, rec, rec.ReceivedAt, false, m); err != nil || out || len(rec.ids) == 0 {
		return err
	}
	row := rec.row
	traits, err := rowTraits(row, &event{typ: "identify"})
	if err != nil {
		return err
	}
	at := clientele.Stamp{At: rec.ReceivedAt, Source: rec.Source, ID: row.ID}
	if row.Hold {
		s := SealIdentifier(r.gone.seal, rec.ids[0].ID)
		r.sawTraits(traits) // as soon as they are said, for whoever they will be of
		return r.hold(s, rec.Source, &heldRow{traits, at, row.Expires})
	}
	id := rec.ids[0].ID
	a, identifies, err := r.graph.Known(id)
	if err != nil || a == 0 || !identifies {
		return err // erased, or blocked, since it was looked up
	}
	if r.totals.Held > 0 {
		for _, form := range id.Hashed() {
			if err := r.hold(SealIdentifier(r.gone.seal, form), rec.Source, nil); err != nil {
				return err
			}
		}
	}
	return r.enrich(a, traits, at, row.Expires)
}

// enrich has the stamp's source say the traits of the anchor, and nothing else any more, until they expire.
func (r *Resolver) enrich(a clientele.Anchor, traits map[string][]byte, at clientele.Stamp, expires clientele.Micros) error {
	h, err := r.spoken(a)
	if err != nil {
		return err
	}
	changed, before := h.Enrich(traits, at, expires)
	r.sawTraits(traits)
	r.enriched(a, changed)
	until := h.Until()[at.Source]
	if before != 0 && before != until {
		r.put(clientele.EnrichedUntilKey(before, a, at.Source), nil)
	}
	if until != 0 {
		r.put(clientele.EnrichedUntilKey(until, a, at.Source), []byte{})
		r.enrichedDue = soonest(r.enrichedDue, until)
	}
	return nil
}

// sawTraits gives traits their columns, in an order that does not depend on the moment.
func (r *Resolver) sawTraits(traits map[string][]byte) {
	for _, name := range slices.Sorted(maps.Keys(traits)) {
		r.columns.sawTrait(name, traits[name])
	}
}

// enriched notes that traits of the anchor are others now.
func (r *Resolver) enriched(a clientele.Anchor, names []string) {
	if len(names) == 0 {
		return
	}
	r.batch.touched[a] = true
	if au := r.audiences; au.plan != nil {
		t := au.touch(a)
		for _, name := range names {
			au.plan.Trait(t, name)
		}
	}
}

// heldBy is what is held for the seal, by source, as of the batch.
func (r *Resolver) heldBy(s clientele.Seal) (map[string]*heldRow, error) {
	out := map[string]*heldRow{}
	prefix := clientele.HeldOf(s)
	err := r.o.Store.Scan(clientele.Prefix(prefix), func(k clientele.Key, v []byte) (bool, error) {
		source := clientele.Key(k[len(prefix)-1:]).Read()
		row, err := rowcache.Decode[heldRow](v)
		if err == nil {
			out[source.Text()] = row
		}
		return err == nil, err
	})
	for source, row := range r.batch.held[s] {
		if out[source] = row; row == nil {
			delete(out, source)
		}
	}
	return out, err
}

// hold keeps what the source says of the seal's identifier, in the place of what it said before; nil: nothing any more.
func (r *Resolver) hold(s clientele.Seal, source string, row *heldRow) error {
	all, err := r.heldBy(s)
	if err != nil {
		return err
	}
	if have := all[source]; have != nil {
		r.put(clientele.HeldUntilKey(have.Expires, s, source), nil)
		r.totals.Held--
	} else if row == nil {
		return nil
	}
	if r.batch.held[s] == nil {
		r.batch.held[s] = map[string]*heldRow{}
	}
	r.batch.held[s][source] = row
	if row == nil {
		r.put(clientele.HeldKey(s, source), nil)
		return nil
	}
	v, err := rowcache.Encode(row)
	r.put(clientele.HeldKey(s, source), v)
	r.put(clientele.HeldUntilKey(row.Expires, s, source), []byte{})
	r.totals.Held++
	r.enrichedDue = soonest(r.enrichedDue, row.Expires)
	return err
}

// arrived gives a new identifier what is held for it.
func (r *Resolver) arrived(a clientele.Anchor) error {
	id, err := r.graph.Identifier(a)
	if err != nil {
		return err
	}
	for _, form := range id.Hashed() {
		s := SealIdentifier(r.gone.seal, form)
		all, err := r.heldBy(s)
		if err != nil {
			return err
		}
		for _, source := range slices.Sorted(maps.Keys(all)) {
			row := all[source]
			if err := r.hold(s, source, nil); err != nil {
				return err
			}
			if row.Expires <= r.totals.Now {
				continue // a tick would have let it go
			}
			if err := r.enrich(a, row.Traits, row.Stamp, row.Expires); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseEnrichment forgets what third parties say of an anchor, and what waits for its identifier.
func (r *Resolver) eraseEnrichment(a clientele.Anchor, id clientele.Identifier, h *profile.Head) error {
	for source, at := range h.Until() {
		r.put(clientele.EnrichedUntilKey(at, a, source), nil)
	}
	if r.totals.Held == 0 {
		return nil
	}
	for _, form := range id.Hashed() {
		s := SealIdentifier(r.gone.seal, form)
		all, err := r.heldBy(s)
		if err != nil {
			return err
		}
		for source := range all {
			if err := r.hold(s, source, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// enrichmentCommand takes down what an import of enrichment came to; its parts add up.
func (r *Resolver) enrichmentCommand(body func(any) error, by string, now clientele.Micros) error {
	var b clientele.Enrichment
	if err := body(&b); err != nil {
		return err
	}
	if err := clientele.CheckEnrichmentName("source", b.Source); err != nil {
		return err
	}
	have, err := rowcache.Load[clientele.Enrichment](r.o.Store, clientele.EnrichmentKey(b.Source))
	if err != nil {
		return err
	}
	if have != nil && have.Revision == b.Revision {
		b.Rows, b.Matched, b.Held = b.Rows+have.Rows, b.Matched+have.Matched, b.Held+have.Held
		b.Traits = append(b.Traits, have.Traits...)
	}
	slices.Sort(b.Traits)
	b.Traits = slices.Compact(b.Traits)
	b.By, b.At, b.MatchRate = by, now, float64(b.Matched)/float64(max(1, b.Rows))
	v, err := rowcache.Encode(&b)
	r.put(clientele.EnrichmentKey(b.Source), v)
	return err
}

// EnrichmentEndBody is of the command enrichment_end.
type EnrichmentEndBody struct {
	Source string `json:"source"`
}

// endingRow is a source whose word is being taken away. Field numbers are on disk.
type endingRow struct {
	At    clientele.Micros `cbor:"1,keyasint"`           // what was said later stays
	After []byte           `cbor:"2,keyasint,omitempty"` // rows of the indexes of expiry up to it are looked at
}

// endEnrichment has ticks take away what the source has said so far, of people that there are and of those to come.
func (r *Resolver) endEnrichment(body func(any) error, now clientele.Micros) error {
	var b EnrichmentEndBody
	if err := body(&b); err != nil {
		return err
	}
	e, err := rowcache.Load[clientele.Enrichment](r.o.Store, clientele.EnrichmentKey(b.Source))
	if err != nil {
		return err
	}
	if e == nil {
		return clientele.Errorf(clientele.NotFound, "no source of enrichment is called so")
	}
	e.EndedAt, e.Held = now, 0
	v, err := rowcache.Encode(e)
	if err != nil {
		return err
	}
	r.put(clientele.EnrichmentKey(b.Source), v)
	r.enrichedDue = soonest(r.enrichedDue, now)
	return r.keepEnding(b.Source, &endingRow{At: now})
}

func (r *Resolver) keepEnding(source string, row *endingRow) error {
	v, err := rowcache.Encode(row)
	r.put(clientele.EnrichmentEndKey(source), v)
	return err
}

// endedAtOnce bounds how many rows of the indexes a tick looks at for sources that end, of whatever source they are.
const endedAtOnce = 50_000

// tickEnding takes away what sources said that have ended, at most so many people at once.
func (r *Resolver) tickEnding(left int) error {
	prefix := clientele.EnrichmentEnds()
	return r.o.Store.Scan(clientele.Prefix(prefix), func(k clientele.Key, v []byte) (bool, error) {
		name := clientele.Key(k[len(prefix)-1:]).Read()
		source := name.Text()
		row, err := rowcache.Decode[endingRow](v)
		if err == nil {
			err = name.Err()
		}
		if err != nil {
			return false, err
		}
		looked, done := 0, true
		rg := clientele.Range{Start: clientele.NewKey(clientele.RowEnriched).Bytes([]byte{'d'}), End: clientele.NewKey(clientele.RowEnriched).Bytes([]byte{'f'})}
		if row.After != nil {
			rg.Start = append(clientele.Key(row.After), 0)
		}
		err = r.o.Store.Scan(rg, func(k clientele.Key, _ []byte) (bool, error) {
			if looked == endedAtOnce || left == 0 {
				done = false
				return false, nil
			}
			looked++
			row.After = slices.Clone(k)
			gone, err := r.withdraw(k, source, row.At)
			if gone {
				left--
			}
			return err == nil, err
		})
		if err != nil {
			return false, err
		}
		if done {
			r.put(clientele.EnrichmentEndKey(source), nil)
			return true, nil
		}
		r.enrichedDue = 1 // with the next tick, whenever it is
		return false, r.keepEnding(source, row)
	})
}

// withdraw takes away what stands under a row of the indexes of expiry, when it is of the source and not younger.
func (r *Resolver) withdraw(k clientele.Key, source string, at clientele.Micros) (gone bool, err error) {
	rest := k[1:].Read()
	rest.Time()
	if k[1] == 'e' {
		s := clientele.Seal(rest.Rest()[:len(clientele.Seal{})])
		of := clientele.Key(append([]byte{0}, rest.Rest()[len(s):]...)).Read()
		if of.Text() != source {
			return false, of.Err()
		}
		all, err := r.heldBy(s)
		if err != nil || all[source] == nil || all[source].Stamp.At > at {
			return false, err
		}
		return true, r.hold(s, source, nil)
	}
	a := rest.Anchor()
	if rest.Text() != source {
		return false, rest.Err()
	}
	if there, err := r.graph.Exists(a); err != nil || !there {
		return false, err
	}
	h, err := r.spoken(a)
	if err != nil {
		return false, err
	}
	names := h.Withdraw(source, at)
	if len(names) > 0 {
		r.put(slices.Clone(k), nil)
		r.enriched(a, names)
	}
	return len(names) > 0, nil
}

// loadEnrichedDue is when the first enrichment expires; 0 for never.
func loadEnrichedDue(rows clientele.Rows) (due clientele.Micros, err error) {
	err = rows.Scan(clientele.Prefix(clientele.EnrichmentEnds()), func(clientele.Key, []byte) (bool, error) {
		due = 1
		return false, nil
	})
	if err != nil || due != 0 {
		return due, err
	}
	for _, table := range []byte{'d', 'e'} {
		prefix := clientele.NewKey(clientele.RowEnriched).Bytes([]byte{table})
		err = rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
			r := clientele.Key(k[len(prefix)-1:]).Read()
			due = soonest(due, max(r.Time(), 1))
			return false, r.Err()
		})
		if err != nil {
			break
		}
	}
	return due, err
}

// tickEnriched takes away what has expired. Nothing of the batch may wait to be committed: it reads the store.
func (r *Resolver) tickEnriched() error {
	r.enrichedDue = 0
	left := dueAnchors
	for _, table := range []byte{'d', 'e'} {
		prefix := clientele.NewKey(clientele.RowEnriched).Bytes([]byte{table})
		err := r.o.Store.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
			rest := clientele.Key(k[len(prefix)-1:]).Read()
			at := rest.Time()
			if at > r.totals.Tick || left == 0 {
				r.enrichedDue = soonest(r.enrichedDue, max(at, 1))
				return false, rest.Err()
			}
			left--
			r.put(slices.Clone(k), nil)
			if table == 'e' {
				s := clientele.Seal(rest.Rest()[:len(clientele.Seal{})])
				source := clientele.Key(append([]byte{0}, rest.Rest()[len(s):]...)).Read()
				return true, r.hold(s, source.Text(), nil)
			}
			a, source := rest.Anchor(), rest.Text()
			if there, err := r.graph.Exists(a); err != nil || !there {
				return err == nil, err
			}
			h, err := r.spoken(a)
			if err != nil {
				return false, err
			}
			r.enriched(a, h.Expire(source, r.totals.Tick))
			return true, rest.Err()
		})
		if err != nil {
			return err
		}
	}
	return r.tickEnding(left)
}

// LoadEnrichments are the sources of enrichment and what their last imports came to.
func LoadEnrichments(rows clientele.Rows) (out []clientele.Enrichment, err error) {
	out = []clientele.Enrichment{}
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowEnriched).Bytes([]byte{'s'})), func(_ clientele.Key, v []byte) (bool, error) {
		e, err := rowcache.Decode[clientele.Enrichment](v)
		if err == nil {
			out = append(out, *e)
		}
		return err == nil, err
	})
	return out, err
}
