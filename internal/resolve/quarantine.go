package resolve

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/rowcache"
)

// quarantineRow is the value of a quarantine row: why a record could not be used. The record
// itself stays in the log and its archive.
type quarantineRow struct {
	Source   string           `cbor:"1,keyasint"`
	Kind     clientele.Kind   `cbor:"2,keyasint"`
	Received clientele.Micros `cbor:"3,keyasint"`
	Code     string           `cbor:"4,keyasint"`
	Reason   string           `cbor:"5,keyasint"`
	Replayed clientele.Micros `cbor:"6,keyasint,omitempty"`
	By       string           `cbor:"7,keyasint,omitempty"` // who replayed it in vain
}

// quarantine puts the record aside. A row of a file that could not be read is there once,
// however often the file is imported.
func (r *Resolver) quarantine(f *Decoded, i int, rec *Parsed, cause error) error {
	if rec.badID != "" {
		again, err := r.sawBad(rec.Source, rec.badID)
		if err != nil || again {
			return err
		}
	}
	if err := r.aside(clientele.QuarantineKey(f.Position, i), f, i, rec, cause); err != nil {
		return err
	}
	r.totals.Quarantined++
	return nil
}

// sawBad remembers the row of a file that could not be read, and says whether it was known.
func (r *Resolver) sawBad(source, id string) (again bool, err error) {
	_, again, key, value, err := r.seen.imported(source, "\x00bad\x00"+id, nil, true)
	if err != nil {
		return false, err
	}
	if again {
		r.totals.Duplicates++
		return true, nil
	}
	return false, r.seen.add(key, value)
}

// recallBad takes in what remains of a record that was in quarantine until a retention rule deleted it.
func (r *Resolver) recallBad(rec *Parsed) error {
	if rec.Err != nil || rec.trimmed.Bad == "" {
		return rec.Err
	}
	_, err := r.sawBad(rec.Source, rec.trimmed.Bad)
	return err
}

// aside writes down why a record is not used.
func (r *Resolver) aside(k clientele.Key, f *Decoded, i int, rec *Parsed, cause error) error {
	q := quarantineRow{Source: rec.Source, Kind: f.Kind, Received: rec.ReceivedAt, Code: string(clientele.ErrorCode(cause)), Reason: cause.Error()}
	if h := clientele.ErrorHint(cause); h != "" {
		q.Reason += "; " + h
	}
	b, err := rowcache.Encode(q)
	if err != nil {
		return err
	}
	r.put(k, b)
	if r.o.Aside != nil {
		r.batch.aside = append(r.batch.aside, clientele.AsideRecord{ID: QuarantineID(f.Position, i), Source: q.Source, Code: q.Code, Reason: q.Reason,
			ReceivedAt: q.Received, Dropped: k[0] == clientele.RowDropped, Raw: rec.Raw})
	}
	return nil
}

// QuarantineID names a quarantined record: the position of its frame and its place in it.
func QuarantineID(p clientele.Position, ordinal int) string { return fmt.Sprintf("%d-%d", p, ordinal) }

// ParseQuarantineID reads what QuarantineID wrote.
func ParseQuarantineID(s string) (clientele.Position, int, error) {
	a, b, ok := strings.Cut(s, "-")
	p, err1 := strconv.ParseUint(a, 10, 64)
	i, err2 := strconv.ParseUint(b, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, clientele.Errorf(clientele.Invalid, "the id of a quarantined record is POSITION-NUMBER")
	}
	return clientele.Position(p), int(i), nil
}

// ReadQuarantine reads a row of RowQuarantine, and where its record lies.
func ReadQuarantine(k clientele.Key, v []byte) (clientele.Quarantined, clientele.Position, int, error) {
	r := k.Read()
	p, i := clientele.Position(r.Uint()), int(r.Uint())
	q, err := rowcache.Decode[quarantineRow](v)
	if err != nil || r.Err() != nil {
		return clientele.Quarantined{}, 0, 0, errors.Join(err, r.Err())
	}
	return clientele.Quarantined{ID: QuarantineID(p, i), Source: q.Source, Kind: q.Kind.String(), ReceivedAt: q.Received,
		Code: q.Code, Reason: q.Reason, ReplayedAt: q.Replayed, ReplayedBy: q.By}, p, i, nil
}

// replay tries quarantined records again, as records of the replay's frame: what they mint is
// numbered there. Those that are accepted now leave the quarantine.
func (r *Resolver) replay(p clientele.Position, now clientele.Micros, by string, ids []string) error {
	if r.o.Fetch == nil {
		return clientele.Errorf(clientele.Internal, "this resolver cannot read the log again")
	}
	m := &mint{position: p}
	for _, id := range ids {
		at, i, err := ParseQuarantineID(id)
		if err != nil {
			return err
		}
		key, old, err := r.lookAside(at, i)
		if err != nil {
			return err
		}
		if old == nil {
			continue // replayed before
		}
		old.By = by
		f, err := r.o.Fetch(at)
		if clientele.ErrorCode(err) == clientele.NotFound || err == nil && i >= len(f.Records) {
			if err := r.keep(key, old, now, clientele.Errorf(clientele.NotFound, "the record is not in the log or its archive any more")); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		one := Decode(at, &clientele.Frame{Kind: f.Kind, Records: f.Records[i : i+1]}, r.Rules(), r.o.Sources)
		if err := r.replayOne(p, m, &one, now, key, old, i); err != nil {
			return err
		}
	}
	return nil
}

// settleDocuments takes the documents that were mapped again out of quarantine, and gives the others
// their new reason.
func (r *Resolver) settleDocuments(b ReplayBody, now clientele.Micros) error {
	load := func(id string) (clientele.Key, *quarantineRow, error) {
		at, i, err := ParseQuarantineID(id)
		if err != nil {
			return clientele.Key{}, nil, err
		}
		key := clientele.QuarantineKey(at, i)
		old, err := rowcache.Load[quarantineRow](r.o.Store, key)
		return key, old, err
	}
	for _, id := range b.Mapped {
		key, old, err := load(id)
		if err != nil {
			return err
		}
		if old != nil { // otherwise it was replayed before
			r.put(key, nil)
			r.totals.Quarantined--
			r.totals.Replayed++
		}
	}
	for _, f := range b.Refused {
		key, old, err := load(f.ID)
		if err != nil {
			return err
		}
		if old != nil {
			if err := r.keep(key, old, now, clientele.Errorf(f.Code, "%s", f.Reason)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Resolver) replayOne(p clientele.Position, m *mint, d *Decoded, now clientele.Micros, key clientele.Key, old *quarantineRow, ordinal int) error {
	rec := &d.Records[0]
	used, err := r.screenAgain(d.Position, ordinal, rec)
	if err == nil {
		err = rec.Err
	}
	if err == nil && used {
		switch d.Kind {
		case clientele.KindEvent:
			err = r.event(d.Position, ordinal, rec, m)
		case clientele.KindRow:
			err = r.row(d.Position, ordinal, rec, m)
		default:
			err = invalid("a %s cannot be replayed", d.Kind)
		}
	}
	switch {
	case err == nil:
		r.put(key, nil)
		if key[0] == clientele.RowDropped {
			r.totals.Dropped--
			r.totals.Returned++
		} else {
			r.totals.Quarantined--
		}
		r.totals.Replayed++
		return nil
	case ownFault(err):
		return r.keep(key, old, now, err)
	}
	return err
}

// lookAside finds a record that is not used: in quarantine, or dropped by a tracking plan.
func (r *Resolver) lookAside(p clientele.Position, i int) (clientele.Key, *quarantineRow, error) {
	key := clientele.QuarantineKey(p, i)
	row, err := rowcache.Load[quarantineRow](r.o.Store, key)
	if row == nil && err == nil {
		key = clientele.DroppedKey(p, i)
		row, err = rowcache.Load[quarantineRow](r.o.Store, key)
	}
	return key, row, err
}

// keep leaves a replayed record in quarantine, with the reason of today.
func (r *Resolver) keep(key clientele.Key, old *quarantineRow, now clientele.Micros, cause error) error {
	again := *old
	again.Code, again.Reason, again.Replayed = string(clientele.ErrorCode(cause)), cause.Error(), now
	b, err := rowcache.Encode(again)
	r.put(key, b)
	return err
}
