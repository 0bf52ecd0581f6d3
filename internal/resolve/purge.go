package resolve

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/zeebo/xxh3"

	"clientele"
	"clientele/internal/rowcache"
)

// Purge takes what is left of erased persons out of frames of the log. For one goroutine.
type Purge struct {
	gone     *gone
	known    func(clientele.Identifier) (clientele.Anchor, bool, error)
	rules    Rules
	sources  func(string) Source
	accepted map[clientele.RecordRef]bool
	out      map[clientele.RecordRef]bool // theirs, and never folded: quarantined, or kept out
	told     map[string]bool              // imported records that were met, by id and content
	expiring
	forget Forget
}

// Forget is what the row store remembers of records that are purged, to be forgotten too.
type Forget struct {
	Live     []clientele.Key       // message ids
	Imported []Told                // ids of imported records
	Aside    []clientele.RecordRef // records that tracking plans dropped
	Expired  []clientele.RecordRef // to be told at the end alone, likewise: what retention rules deleted from quarantine
	Retained bool                  // to be told at the end alone: what retention rules have deleted is out of the log
	KeptOut  []clientele.RecordRef // to be told at the end alone: they name records to purge
	Records  int64                 // how many records were purged
}

// Told is one telling of an imported record.
type Told struct {
	Key     clientele.Key
	Content []byte
	Table   string // "" of an event
}

// NewPurge begins a purge of the erasures. keptOut are records that the blocklist kept out. known says
// which anchor an identifier has now and whether it identifies.
func NewPurge(seal func(...string) clientele.Seal, erasures []clientele.Erasure, keptOut []clientele.RecordRef, rules Rules, sources func(string) Source,
	known func(clientele.Identifier) (clientele.Anchor, bool, error)) *Purge {
	p := &Purge{known: known, rules: rules, sources: sources, accepted: map[clientele.RecordRef]bool{}, out: map[clientele.RecordRef]bool{}, told: map[string]bool{},
		gone: &gone{seal: seal, ids: map[clientele.Seal]until{}, rows: map[clientele.Seal]until{}, anchors: map[clientele.Anchor]bool{}}}
	for i := range erasures {
		e := &erasures[i]
		p.gone.add(e)
		for _, a := range e.Anchors {
			p.gone.anchors[a] = true
		}
		for _, ref := range e.Records {
			p.accepted[ref] = true
		}
		for _, ref := range e.Quarantined {
			p.out[ref] = true
		}
	}
	for _, ref := range keptOut {
		p.out[ref] = true
	}
	return p
}

// Frame is the frame as it is to be from now on; nil when nothing in it is to be purged.
func (p *Purge) Frame(at clientele.Position, f *clientele.Frame) (*clientele.Frame, error) {
	if f.Kind == clientele.KindTick {
		return nil, nil
	}
	p.follow(at, f)
	// As it came: what transform rules take out of an event is in the log all the same.
	d := Decode(at, f, Rules{Identity: p.rules.Identity}, p.sources)
	var out *clientele.Frame
	for i := range d.Records {
		rec := &d.Records[i]
		if rec.left != nil { // somebody whom it names may have been erased since
			if p.gone.strip(rec.left) {
				raw, err := rec.left.encode()
				if err != nil {
					return nil, err
				}
				out = p.replace(out, f, i, clientele.Erased, raw)
			}
			continue
		}
		if rec.event != nil && rec.event.id == "" {
			rec.event.id = generatedID(at, i)
		}
		ref := clientele.RecordRef{Position: at, Ordinal: i}
		mine, err := p.mine(ref, rec)
		if err != nil {
			return nil, err
		}
		if !mine {
			t, err := p.expire(ref, f.Kind, rec)
			if err != nil {
				return nil, err
			}
			if t == nil {
				continue
			}
			raw, err := t.encode()
			if err != nil {
				return nil, err
			}
			out = p.replace(out, f, i, clientele.Expired, raw)
			continue
		}
		raw, err := p.redact(ref, rec)
		if err != nil {
			return nil, err
		}
		out = p.replace(out, f, i, clientele.Erased, raw)
	}
	return out, nil
}

func (p *Purge) replace(out, f *clientele.Frame, i int, v clientele.Verdict, raw []byte) *clientele.Frame {
	if out == nil {
		out = &clientele.Frame{Kind: f.Kind, Records: slices.Clone(f.Records)}
	}
	out.Records[i].Verdict, out.Records[i].Raw = v, raw
	p.forget.Records++
	return out
}

// Take is what was found since the last call that the row store has to forget, before the records are
// gone that tell it.
func (p *Purge) Take() Forget {
	f := p.forget
	p.forget = Forget{}
	return f
}

func (p *Purge) mine(ref clientele.RecordRef, rec *Parsed) (bool, error) {
	if p.accepted[ref] || p.out[ref] {
		return true, nil
	}
	if rec.Err != nil {
		return false, nil
	}
	switch {
	case rec.command != nil:
		if rec.command.Name != clientele.CommandConsent {
			return false, nil
		}
		var b ConsentBody
		return json.Unmarshal(rec.command.Body, &b) == nil && p.gone.anchors[b.Anchor], nil
	case rec.event != nil:
		v, err := p.gone.judge(0, rec.ids, rec.event.ts, true, p.known)
		return v.out, err
	case rec.row != nil:
		when, timed := rowTime(rec)
		v, err := p.gone.judge(0, rec.ids, when, timed, p.known)
		if err != nil || v.out || rec.fact.Table == nil {
			return v.out, err
		}
		_, out := p.gone.row(rec.fact, when, timed)
		return out, nil
	}
	return false, nil
}

// redact is what must remain of the record, and notes what has to be forgotten of it.
func (p *Purge) redact(ref clientele.RecordRef, rec *Parsed) ([]byte, error) {
	accepted, at := p.accepted[ref] || p.wasKept(ref, rec), rec.ReceivedAt
	if accepted && p.rules.Quality != nil { // what it left was left by what the rules had made of it
		again := Parsed{Record: rec.Record}
		again.parse(clientele.KindEvent, p.sources(rec.Source), p.rules.Quality)
		again.normalise(p.rules.Identity)
		if again.event != nil {
			if again.event.id == "" {
				again.event.id = rec.event.id
			}
			rec = &again
		}
	}
	told := func(id string, content []byte, table string) bool {
		hashed := binary.BigEndian.AppendUint64(nil, xxh3.Hash(content))
		k := clientele.ImportedKey(hash(rec.Source, id))
		p.forget.Imported = append(p.forget.Imported, Told{k, hashed, table})
		key := string(k) + string(hashed)
		first := !p.told[key]
		p.told[key] = true
		return first
	}
	switch {
	case rec.Err != nil && rec.badID != "":
		told("\x00bad\x00"+rec.badID, nil, "")
	case rec.event != nil && rec.event.imported:
		at = rec.event.ts
		told(eventID(rec.event), nil, "")
	case rec.event != nil:
		at = rec.event.ts
		if !accepted {
			p.forget.Aside = append(p.forget.Aside, ref)
		}
		p.forget.Live = append(p.forget.Live, clientele.SeenKey(uint64(rec.ReceivedAt)/halfDay, hash(rec.Source, rec.event.id)))
	case rec.row != nil && rec.row.Table == clientele.EnrichmentRows: // its id is not remembered
		at = rec.ReceivedAt
		accepted = !p.out[ref]
	case rec.row != nil:
		at, _ = rowTime(rec)
		accepted = told(rowID(rec.row), rec.Raw, rec.row.Table) && !p.out[ref]
	}
	left, err := remainsOf(rec, at, accepted, func(id clientele.Identifier) bool {
		_, listed := p.gone.ids[SealIdentifier(p.gone.seal, id)]
		return !listed
	})
	if err != nil {
		return nil, err
	}
	return left.encode()
}

// Forget takes out of the rows what they remember of purged records. It is no part of the log: a
// rebuild never learns of those records. It may be repeated.
func (r *Resolver) Forget(f Forget) error {
	if len(f.Live)+len(f.Imported)+len(f.KeptOut)+len(f.Aside)+len(f.Expired) == 0 && !f.Retained {
		return nil
	}
	set := &clientele.ChangeSet{After: r.position, Position: r.position}
	del := func(k clientele.Key) { set.Rows = append(set.Rows, clientele.RowChange{Key: k}) }
	for _, k := range f.Live {
		del(k)
	}
	for _, ref := range f.KeptOut {
		del(clientele.KeptOutKey(ref.Position, ref.Ordinal))
	}
	for _, ref := range f.Expired {
		del(clientele.ExpiredKey(ref.Position, ref.Ordinal))
	}
	if f.Retained {
		keeps := *r.keeps
		keeps.Unpurged, keeps.Past = 0, nil
		b, err := rowcache.Encode(&keeps)
		if err != nil {
			return err
		}
		set.Rows = append(set.Rows, clientele.RowChange{Key: retentionKey, Value: b})
	}
	for _, ref := range f.Aside {
		k := clientele.DroppedKey(ref.Position, ref.Ordinal)
		if v, err := r.o.Store.Get(k); err != nil {
			return err
		} else if v != nil {
			r.totals.Dropped--
			del(k)
		}
	}
	have := map[string][]byte{}
	for _, t := range f.Imported {
		b, ok := have[string(t.Key)]
		if !ok {
			var err error
			if b, err = r.o.Store.Get(t.Key); err != nil {
				return err
			}
			b = slices.Clone(b)
		}
		was := len(b)
		for i := 0; i+8 <= len(b); i += 8 {
			if slices.Equal(b[i:i+8], t.Content) {
				b = slices.Delete(b, i, i+8)
				break
			}
		}
		if have[string(t.Key)] = b; was > 0 && len(b) == 0 && t.Table != "" {
			r.totals.Rows[t.Table]--
		}
	}
	for k, b := range have {
		if len(b) == 0 {
			b = nil
		}
		set.Rows = append(set.Rows, clientele.RowChange{Key: clientele.Key(k), Value: b})
	}
	b, err := rowcache.Encode(r.totals)
	if err != nil {
		return err
	}
	set.Rows = append(set.Rows, clientele.RowChange{Key: totalsKey, Value: b})
	if err := r.o.Store.Apply(set); err != nil {
		return err
	}
	return r.Reset()
}
