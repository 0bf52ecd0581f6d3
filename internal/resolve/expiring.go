package resolve

import (
	"clientele"
	"clientele/internal/quality"
)

// expiring is the part of a purge that takes out of the log what retention rules have deleted. A record
// is read by the plans and transform rules that were in force where it stands: the log tells of them.
//
// What was put aside and replayed since stays as it came: where it stands it would be read otherwise than
// it was when it was replayed.
type expiring struct {
	keeps   *Retention // nil: nothing is taken out
	expired map[clientele.RecordRef]bool
	book    *quality.Book
	history []rulesFrom
}

type rulesFrom struct {
	position clientele.Position
	rules    *quality.Rules
}

// Retain has the purge also take out what retention rules have deleted: events by keeps, and records that were in
// quarantine. Frames must then be given from the first on, in order; some may come again later.
func (p *Purge) Retain(keeps *Retention, expired []clientele.RecordRef) {
	p.keeps, p.expired, p.book = keeps, map[clientele.RecordRef]bool{}, &quality.Book{}
	for _, ref := range expired {
		p.expired[ref] = true
	}
}

// follow notes which plans and rules come into force.
func (p *Purge) follow(at clientele.Position, f *clientele.Frame) {
	if p.keeps == nil || f.Kind != clientele.KindCommand || len(p.history) > 0 && at <= p.history[len(p.history)-1].position {
		return
	}
	for i := range f.Records {
		var c Parsed
		c.Record = f.Records[i]
		if c.parse(clientele.KindCommand, Source{}, nil); c.Err != nil || c.command == nil || !quality.Commands(c.command.Name) {
			continue
		}
		if book, _, err := p.book.Do(c.command, c.ReceivedAt, at); err == nil { // otherwise it was not done
			p.book = book
			p.history = append(p.history, rulesFrom{at, book.Rules()})
		}
	}
}

func (p *Purge) rulesAt(at clientele.Position) *quality.Rules {
	for i := len(p.history) - 1; i >= 0; i-- {
		if p.history[i].position < at {
			return p.history[i].rules
		}
	}
	return nil
}

// expire is what must remain of the record when a retention rule has deleted it; nil when none has.
func (p *Purge) expire(ref clientele.RecordRef, kind clientele.Kind, rec *Parsed) (*trimmed, error) {
	if p.keeps == nil || rec.trimmed != nil {
		return nil, nil
	}
	if p.expired[ref] {
		return &trimmed{Bad: rec.badID}, nil
	}
	if kind != clientele.KindEvent || rec.Verdict != clientele.Accepted || rec.event == nil {
		return nil, nil
	}
	if rules := p.rulesAt(ref.Position); rules != nil {
		as := Parsed{Record: rec.Record}
		as.parse(kind, p.sources(rec.Source), rules)
		switch {
		case as.screened != nil && as.screened.Filtered != "": // it never was an event
			if p.keeps.deleted(ref.Position, rec.event, rec.Source) {
				return &trimmed{}, nil
			}
			return nil, nil
		case as.event == nil || as.Err != nil:
			return nil, nil
		case as.finding != nil && as.finding.Action != clientele.PlanAllow:
			return nil, nil
		}
		if as.event.id == "" {
			as.event.id = rec.event.id
		}
		rec = &as
	}
	if rec.Err != nil || !p.keeps.deleted(ref.Position, rec.event, rec.Source) {
		return nil, nil
	}
	return trim(rec.event, rec.Source)
}

// wasKept says whether a record of an erased person is of an event that was folded before a retention rule
// deleted it.
func (p *Purge) wasKept(ref clientele.RecordRef, rec *Parsed) bool {
	return rec.event != nil && rec.Err == nil && !p.out[ref] && (rec.trimmed != nil || p.keeps.deleted(ref.Position, rec.event, rec.Source))
}
