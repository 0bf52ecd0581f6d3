package resolve

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
)

// trimmed is the Raw (JSON) of a record with the verdict Expired: what a rebuild must know of an event that a
// retention rule deleted, so that it comes to the same rows: whose it was and when, what it said of the person,
// the rows it wrote into tables, and names and types of its properties, which make columns. What it held besides,
// properties, context, addresses and pages, is gone. Of what was in quarantine nothing is left, but for
// the id of a row of a file, which keeps the row from coming again.
type trimmed struct {
	Type     string                       `json:"type,omitempty"` // "" of what was in quarantine
	Name     string                       `json:"name,omitempty"`
	ID       string                       `json:"id,omitempty"`
	Imported bool                         `json:"imported,omitempty"`
	TS       clientele.Micros             `json:"ts,omitempty"`
	IDs      []clientele.RecordIdentifier `json:"ids,omitempty"`
	Alias    bool                         `json:"alias,omitempty"`
	Traits   map[string]clientele.RawJSON `json:"traits,omitempty"`
	Consents []clientele.ConsentRequest   `json:"consents,omitempty"`
	Facts    []trimmedFact                `json:"facts,omitempty"`
	Names    []typedName                  `json:"names,omitempty"`
	Bad      string                       `json:"bad,omitempty"`
}

type trimmedFact struct {
	remainsFact
	Mine bool `json:"mine,omitempty"` // it names its person
}

// trim is what must remain of an event.
func trim(e *event, source string) (*trimmed, error) {
	t := &trimmed{Type: e.typ, Name: e.name, ID: e.id, Imported: e.imported, TS: e.ts, Alias: e.alias, Consents: e.consents, Names: names(e.properties)}
	for _, o := range e.ids {
		t.IDs = append(t.IDs, clientele.RecordIdentifier{Namespace: o.ID.Namespace, Value: o.ID.Value, Verified: o.Verified})
	}
	for name, v := range e.traits {
		if t.Traits == nil {
			t.Traits = map[string]clientele.RawJSON{}
		}
		t.Traits[name] = clientele.RawJSON(v)
	}
	if e.typ != "track" || !commerce.Touches(e.name) {
		return t, nil
	}
	facts, err := commerce.Facts(&commerce.Event{Name: e.name, Properties: e.properties, Source: source, ID: e.id, Stamp: clientele.Stamp{At: e.ts, Source: source, ID: e.id}, Anchor: 1})
	if clientele.ErrorCode(err) == clientele.Invalid {
		err = nil
	}
	for _, f := range facts {
		t.Facts = append(t.Facts, trimmedFact{remainsFact{f.Table.Name, f.Fields}, f.Anchor != 0})
	}
	return t, err
}

func (t *trimmed) encode() ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "what remains of an expired record: %w", err)
	}
	return b, nil
}

func decodeTrimmed(b []byte) (*trimmed, error) {
	var t trimmed
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "what remains of an expired record cannot be read: %w", err)
	}
	var raw struct {
		Facts []struct {
			Fields map[string]clientele.RawJSON `json:"fields"`
		} `json:"facts"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "what remains of an expired record cannot be read: %w", err)
	}
	for i := range t.Facts {
		if err := typeFields(&t.Facts[i].remainsFact, raw.Facts[i].Fields); err != nil {
			return nil, err
		}
	}
	return &t, nil
}

// typeFields gives the fields of a stored fact the types of their columns.
func typeFields(f *remainsFact, raw map[string]clientele.RawJSON) error {
	table := clientele.TableNamed(f.Table)
	if table == nil {
		return clientele.Errorf(clientele.Corrupt, "an expired record tells of a table %q", clip(f.Table))
	}
	for name, v := range raw {
		i := table.Column(name)
		if i < 0 || string(v) == "null" {
			continue
		}
		switch table.Columns[i].Type {
		case clientele.TypeBigint, clientele.TypeTime, clientele.TypeDate, clientele.TypeDecimal:
			var n int64
			if err := json.Unmarshal(v, &n); err != nil {
				return clientele.Errorf(clientele.Corrupt, "an expired record's %s: %w", clip(name), err)
			}
			f.Fields[name] = n
		}
	}
	return nil
}

// event is the event of which t remains.
func (t *trimmed) event() *event {
	e := &event{typ: t.Type, name: t.Name, id: t.ID, imported: t.Imported, ts: t.TS, alias: t.Alias, consents: t.Consents, trimmed: t}
	for _, id := range t.IDs {
		e.ids = append(e.ids, identity.Observed{ID: clientele.Identifier{Namespace: id.Namespace, Value: id.Value}, Verified: id.Verified})
	}
	for name, v := range t.Traits {
		if e.traits == nil {
			e.traits = map[string]jsontext.Value{}
		}
		e.traits[name] = jsontext.Value(v)
	}
	return e
}

// facts is what the event wrote into tables.
func (t *trimmed) facts(anchor clientele.Anchor, at clientele.Stamp) (out []commerce.Fact) {
	for _, f := range t.Facts {
		fact := commerce.Fact{Table: clientele.TableNamed(f.Table), Fields: maps.Clone(f.Fields), Stamp: at}
		if f.Mine {
			fact.Anchor = anchor
		}
		out = append(out, fact)
	}
	return out
}

// typedNames are names and types of the event's properties; of its traits likewise.
func (e *event) typedNames() []typedName {
	if e.trimmed != nil {
		return slices.Clone(e.trimmed.Names)
	}
	return names(e.properties)
}
