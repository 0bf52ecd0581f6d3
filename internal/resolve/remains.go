package resolve

import (
	"bytes"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
)

// remains is the Raw (JSON) of a record with the verdict Erased: what an erased person's record
// has left on others, so that a rebuild without the record comes to the same rows. It is in log and
// archive for ever.
type remains struct {
	IDs    []clientele.RecordIdentifier `json:"ids,omitempty"` // identifiers that are not the person's
	TS     clientele.Micros             `json:"ts,omitempty"`
	ID     string                       `json:"id,omitempty"`
	Facts  []remainsFact                `json:"facts,omitempty"`  // of tables that are about no person
	Names  []typedName                  `json:"names,omitempty"`  // of the event's properties, which make columns
	Traits []typedName                  `json:"traits,omitempty"` // likewise
}

type remainsFact struct {
	Table  string         `json:"table"`
	Fields map[string]any `json:"fields"`
}

// typedName is the name of a property and the type of column that its value asks for.
type typedName struct {
	Name string               `json:"n"`
	Type clientele.ColumnType `json:"t"`
}

// remainsOf is what must remain of the record. accepted says that it was folded into the rows, and
// was not a repetition.
func remainsOf(rec *Parsed, at clientele.Micros, accepted bool, survives func(clientele.Identifier) bool) (*remains, error) {
	left := &remains{}
	if !accepted || rec.Err != nil {
		return left, nil
	}
	for _, o := range rec.ids {
		if survives(o.ID) {
			left.IDs = append(left.IDs, clientele.RecordIdentifier{Namespace: o.ID.Namespace, Value: o.ID.Value, Verified: o.Verified})
		}
	}
	switch {
	case rec.event != nil:
		left.ID = rec.event.id
		left.Names = rec.event.typedNames()
		for name, v := range rec.event.traits {
			if t := columnType(v); t != 0 {
				left.Traits = append(left.Traits, typedName{name, t})
			}
		}
		if rec.event.typ == "track" && commerce.Touches(rec.event.name) {
			facts, err := rec.event.facts(rec.Source, 1, clientele.Stamp{At: at})
			if err != nil && clientele.ErrorCode(err) != clientele.Invalid {
				return nil, err
			}
			for _, f := range facts {
				if t := f.Table; !t.Person && t.Name != "payments" && t.Name != "loyalty_ledger" {
					left.Facts = append(left.Facts, remainsFact{t.Name, f.Fields})
				}
			}
		}
	case rec.row != nil:
		left.ID = rec.row.ID
		for name, v := range rec.row.Traits {
			if raw, ok := v.(jsontext.Value); ok {
				if t := columnType(raw); t != 0 && name != "consent" {
					left.Traits = append(left.Traits, typedName{name, t})
				}
			}
		}
	}
	if len(left.IDs)+len(left.Facts) > 0 {
		left.TS = at
	} else {
		left.ID = ""
	}
	sortNames(left.Traits)
	return left, nil
}

func (l *remains) encode() ([]byte, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "remains: %w", err)
	}
	return b, nil
}

func decodeRemains(b []byte) (*remains, error) {
	var l remains
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&l); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "what remains of an erased record cannot be read: %w", err)
	}
	for _, f := range l.Facts {
		if clientele.TableNamed(f.Table) == nil {
			return nil, clientele.Errorf(clientele.Corrupt, "an erased record tells of a table %q", clip(f.Table))
		}
		for name, v := range f.Fields {
			if n, ok := v.(json.Number); ok {
				whole, err := n.Int64()
				if err != nil {
					return nil, clientele.Errorf(clientele.Corrupt, "an erased record's %s: %w", clip(name), err)
				}
				f.Fields[name] = whole
			}
		}
	}
	return &l, nil
}

// recall takes in what remains of an erased person's record.
func (r *Resolver) recall(l *remains, source string, m *mint) error {
	if len(l.IDs) > 0 && len(r.gone.ahead) > 0 {
		r.gone.strip(l)
	}
	at := clientele.Stamp{At: l.TS, Source: source, ID: l.ID}
	if len(l.IDs) > 0 {
		ids := make([]identity.Observed, len(l.IDs))
		for i, id := range l.IDs {
			ids[i] = identity.Observed{ID: clientele.Identifier{Namespace: id.Namespace, Value: id.Value}, Verified: id.Verified}
		}
		minted := m.next
		anchor, err := r.graph.Observe(ids, identity.RuleObserved, at, m.anchor)
		if err != nil {
			return err
		}
		if err := r.mintedBy(anchor, m, minted); err != nil {
			return err
		}
	}
	for _, f := range l.Facts {
		err := r.ledger.Record(commerce.Fact{Table: clientele.TableNamed(f.Table), Fields: f.Fields, Stamp: at})
		if err != nil && clientele.ErrorCode(err) != clientele.Invalid {
			return err
		}
	}
	r.columns.sawNames("events", l.Names)
	for _, t := range l.Traits {
		r.columns.sawTraitType(t.Name, t.Type)
	}
	return nil
}
