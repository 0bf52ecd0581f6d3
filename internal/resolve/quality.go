package resolve

import (
	"clientele"
	"clientele/internal/quality"
	"clientele/internal/rowcache"
)

// screen does what transform rules and tracking plans say of a record: whether it is used after all.
func (r *Resolver) screen(f *Decoded, i int, rec *Parsed) (used bool, err error) {
	if rec.screened == nil && rec.finding == nil {
		return true, nil
	}
	used, err = r.screenAgain(f.Position, i, rec)
	if clientele.ErrorCode(err) != clientele.Violated || rec.finding.Action != clientele.PlanDrop {
		return used, err
	}
	r.totals.Dropped++
	return false, r.aside(clientele.DroppedKey(f.Position, i), f, i, rec, err)
}

// screenAgain is screen of a record that was put aside before: what a plan refuses stays there.
func (r *Resolver) screenAgain(p clientele.Position, i int, rec *Parsed) (used bool, err error) {
	if o := rec.screened; o != nil {
		if err := r.tally.Screened(o, rec.ReceivedAt); err != nil {
			return false, err
		}
		if o.Filtered != "" {
			r.totals.Filtered++
			return false, nil
		}
	}
	if rec.finding == nil || rec.finding.Action == clientele.PlanAllow {
		return true, nil // an event that is used is counted when it is no repetition
	}
	if err := r.broke(p, i, rec); err != nil {
		return false, err
	}
	return false, rec.finding.Err()
}

func (r *Resolver) broke(p clientele.Position, i int, rec *Parsed) error {
	r.totals.Violations++
	return r.tally.Broke(rec.finding, rec.Source, QuarantineID(p, i), rec.ReceivedAt)
}

// look counts what an accepted event holds and breaks, and promotes its properties.
func (r *Resolver) look(p clientele.Position, i int, rec *Parsed) error {
	e := rec.event
	if rec.finding != nil {
		if err := r.broke(p, i, rec); err != nil {
			return err
		}
	}
	if e.trimmed != nil { // its properties were counted when it was whole
		r.columns.sawNames("events", e.trimmed.Names)
		return nil
	}
	r.members = quality.Members(r.members[:0], e.properties)
	r.columns.saw("events", r.members)
	if e.speaks() {
		r.members = quality.Members(r.members[:0], e.said)
	}
	return r.tally.Saw(rec.Source, e.planned(), rec.ReceivedAt, r.members)
}

// qualityCommand brings a plan or a transform rule into force, or ends it.
func (r *Resolver) qualityCommand(c *clientele.Command, p clientele.Position, now clientele.Micros) error {
	book, row, err := r.book.Do(c, now, p)
	if err != nil {
		return err
	}
	r.book = book
	r.put(row.Key, row.Value)
	if c.Name == clientele.CommandTransformKey {
		return nil
	}
	return r.noteAct(p, actRow{By: c.By, At: now, What: string(c.Name), Subject: quality.Subject(c), Ended: row.Value == nil})
}

// replayCommand tries records again, and notes who had it done.
func (r *Resolver) replayCommand(b ReplayBody, by string, p clientele.Position, now clientele.Micros) error {
	before := r.totals.Replayed
	if err := r.settleDocuments(b, now); err != nil {
		return err
	}
	if err := r.replay(p, now, by, b.IDs); err != nil {
		return err
	}
	named := len(b.IDs) + len(b.Mapped) + len(b.Refused)
	accepted := int(r.totals.Replayed - before)
	return r.noteAct(p, actRow{By: by, At: now, What: string(clientele.CommandReplay), Accepted: accepted, Refused: named - accepted})
}

// actRow is what somebody did for the quality of data. Field numbers are on disk.
type actRow struct {
	By       string           `cbor:"1,keyasint"`
	At       clientele.Micros `cbor:"2,keyasint"`
	What     string           `cbor:"3,keyasint"` // the command's name
	Subject  string           `cbor:"4,keyasint"` // name of the plan or rule
	Ended    bool             `cbor:"5,keyasint"` // the plan or rule is no more
	Accepted int              `cbor:"6,keyasint"` // of a replay: records
	Refused  int              `cbor:"7,keyasint"`
}

func actKey() clientele.Key { return clientele.QualityKey("act") }

func (r *Resolver) noteAct(p clientele.Position, a actRow) error {
	b, err := rowcache.Encode(a)
	r.put(actKey().Uint(uint64(p)), b)
	return err
}

// Acts are what operators did for the quality of data, the newest first, from below before on (0: from
// the newest).
func Acts(rows clientele.Rows, before clientele.Position, limit int) ([]clientele.QualityAct, error) {
	rng := clientele.Prefix(actKey())
	rng.Reverse = true
	if before > 0 {
		rng.End = actKey().Uint(uint64(before))
	}
	out := []clientele.QualityAct{}
	err := rows.Scan(rng, func(k clientele.Key, v []byte) (bool, error) {
		a, err := rowcache.Decode[actRow](v)
		if err != nil {
			return false, err
		}
		kr := k.Read()
		kr.Text()
		act := clientele.QualityAct{Position: clientele.Position(kr.Uint()), By: a.By, At: a.At, What: a.What, Subject: a.Subject, Ended: a.Ended,
			Accepted: a.Accepted, Refused: a.Refused}
		out = append(out, act)
		return len(out) < limit, kr.Err()
	})
	return out, err
}
