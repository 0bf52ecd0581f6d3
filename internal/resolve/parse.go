package resolve

import (
	"encoding/json"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
	"clientele/internal/quality"
)

// Decoded is a frame whose records have been read: the part of resolving that needs no state,
// so that it can be done ahead, in parallel.
type Decoded struct {
	Position clientele.Position
	Kind     clientele.Kind
	Records  []Parsed
	rules    Rules
}

// Rules are the rules by which records are read.
type Rules struct {
	Identity *identity.Rules
	Quality  *quality.Rules // nil: no plan and no transform rule is in force
}

// Parsed is a record as far as it can be read without state.
type Parsed struct {
	clientele.Record
	Err     error  // what is wrong with it
	badID   string // names an imported row that could not be read
	event   *event
	row     *clientele.RowRecord
	fact    commerce.Fact       // of a row for any table but profiles
	ids     []identity.Observed // usable, the strongest first
	command *clientele.Command

	screened *quality.Outcome // what transform rules did to the event; nil: nothing
	finding  *quality.Finding // how it breaks a tracking plan; nil: it does not
	left     *remains         // of an erased person's record
	trimmed  *trimmed         // of a record that a retention rule deleted
}

// Decode reads the records of a frame. rules are those in force when it was read; the resolver
// reads anew what others have come into force for since.
func Decode(p clientele.Position, f *clientele.Frame, rules Rules, sources func(string) Source) Decoded {
	d := Decoded{Position: p, Kind: f.Kind, Records: make([]Parsed, len(f.Records)), rules: rules}
	for i := range f.Records {
		rec := &d.Records[i]
		rec.Record = f.Records[i]
		rec.parse(f.Kind, sources(rec.Source), rules.Quality)
		rec.normalise(rules.Identity)
	}
	return d
}

func (p *Parsed) parse(kind clientele.Kind, s Source, q *quality.Rules) {
	switch p.Verdict {
	case clientele.Accepted:
	case clientele.Oversize:
		p.Err = clientele.Errorf(clientele.TooLarge, "the event is over %d bytes; its first %d were kept", clientele.MaxEventBytes, clientele.OversizeKept)
		return
	case clientele.Erased:
		p.left, p.Err = decodeRemains(p.Raw)
		return
	case clientele.Expired:
		p.parseTrimmed()
		return
	default:
		p.badID, p.Err = malformed(kind, p.Raw)
		return
	}
	switch kind {
	case clientele.KindEvent:
		p.parseEvent(s, q)
	case clientele.KindRow:
		if p.row, p.Err = decodeRow(p.Raw); p.Err == nil && p.row.Table != "profiles" && p.row.Table != clientele.EnrichmentRows {
			p.fact, p.Err = commerce.RowFact(clientele.TableNamed(p.row.Table), p.Source, p.row)
		}
	case clientele.KindCommand:
		p.command = &clientele.Command{}
		if err := json.Unmarshal(p.Raw, p.command); err != nil {
			p.Err = invalid("command: %s", clip(err.Error()))
		}
	}
}

// parseEvent reads an event as the transform rules leave it, and holds it against its tracking plan.
func (p *Parsed) parseEvent(s Source, q *quality.Rules) {
	rec := &p.Record
	if p.screened = q.Transform(p.Source, p.Raw); p.screened != nil {
		if p.screened.Filtered != "" {
			return
		}
		if len(p.screened.Raw) > clientele.MaxEventBytes {
			p.Err = clientele.Errorf(clientele.TooLarge, "transform rules make the event larger than %d bytes", clientele.MaxEventBytes)
			return
		}
		changed := p.Record // what is in the log stays as it came
		changed.Raw, rec = p.screened.Raw, &changed
	}
	if p.event, p.Err = decode(rec, s.Trusted, s.Verified); p.Err == nil && q.Planned(p.Source) {
		p.finding = q.Check(p.Source, p.event.planned(), p.event.members())
	}
}

// parseTrimmed reads what a retention rule has left of a record.
func (p *Parsed) parseTrimmed() {
	if p.trimmed, p.Err = decodeTrimmed(p.Raw); p.Err == nil && p.trimmed.Type != "" {
		p.event = p.trimmed.event()
	}
}

// spoken says whether the record says something of the person beyond its identifiers.
func (p *Parsed) spoken() bool {
	switch {
	case p.event != nil:
		return len(p.event.traits)+len(p.event.consents) > 0
	case p.row != nil:
		return p.row.Table == "profiles" || p.row.Table == "consents" || p.row.Table == clientele.EnrichmentRows
	}
	return false
}

// malformed is why a record was marked by whoever took it in, and the id of an imported row.
func malformed(kind clientele.Kind, raw []byte) (string, error) {
	if kind == clientele.KindRow {
		var row struct {
			ID    string `json:"id"`
			File  string `json:"file"`
			Line  int64  `json:"line"`
			Error string `json:"error"`
		}
		if json.Unmarshal(raw, &row) == nil && row.Error != "" {
			return row.ID, invalid("%s line %d: %s", clip(row.File), row.Line, clip(row.Error))
		}
	}
	return "", invalid("not a JSON object")
}

// wireRow is a RowRecord whose values are still text.
type wireRow struct {
	Table       string                       `json:"table"`
	ID          string                       `json:"id"`
	TS          clientele.Micros             `json:"ts"`
	Identifiers []clientele.RecordIdentifier `json:"ids"`
	Fields      map[string]jsontext.Value    `json:"fields"`
	Traits      map[string]jsontext.Value    `json:"traits"`
	Consents    []clientele.ConsentRequest   `json:"consents"`
	Expires     clientele.Micros             `json:"expires"`
	Hold        bool                         `json:"hold"`
}

func decodeRow(raw []byte) (*clientele.RowRecord, error) {
	if err := depth(raw); err != nil {
		return nil, err
	}
	var w wireRow
	if err := jsonv2.Unmarshal(raw, &w, lenient); err != nil {
		return nil, invalid("row: %s", jsonReason(err))
	}
	row := &clientele.RowRecord{Table: w.Table, ID: w.ID, TS: w.TS, Identifiers: w.Identifiers, Consents: w.Consents, Expires: w.Expires, Hold: w.Hold}
	if len(w.Fields) > 0 {
		row.Fields = make(map[string]any, len(w.Fields))
		for name, v := range w.Fields {
			row.Fields[name] = plain(v)
		}
	}
	if len(w.Traits) > 0 {
		row.Traits = make(map[string]any, len(w.Traits))
		for name, v := range w.Traits {
			row.Traits[name] = v
		}
	}
	t := clientele.TableNamed(row.Table)
	switch {
	case row.Table == clientele.EnrichmentRows && (row.Expires < clientele.MinTime || row.Expires > clientele.MaxTime || len(row.Identifiers) != 1 || len(row.Traits) > clientele.MaxEnrichedTraits):
		return nil, invalid("a row of enrichment has one identifier, at most %d traits, and a time at which it expires", clientele.MaxEnrichedTraits)
	case row.Table != clientele.EnrichmentRows && (t == nil || !t.Import):
		return nil, invalid("there is no table %q to import into", clip(row.Table))
	case row.ID == "" || len(row.ID) > maxMessageID:
		return nil, invalid("a row needs an id of 1 to %d bytes", maxMessageID)
	case row.TS != 0 && (row.TS < clientele.MinTime || row.TS > clientele.MaxTime):
		return nil, invalid("the row's time is not between the years 1900 and 2200")
	case len(row.Identifiers) > clientele.MaxRecordIdentities:
		return nil, invalid("over %d identifiers in one row", clientele.MaxRecordIdentities)
	}
	return row, nil
}

// plain is the value as encoding/json would give it, numbers as they were written.
func plain(v jsontext.Value) any {
	switch v.Kind() {
	case '"':
		return scalar(v)
	case '0':
		return json.Number(v.String())
	case 't', 'f':
		return v.Kind() == 't'
	case 'n':
		return nil
	}
	return v // a list or an object: its text
}

// normalise finds the usable identifiers under the rules.
func (p *Parsed) normalise(rules *identity.Rules) {
	if p.Err != nil {
		return
	}
	switch {
	case p.event != nil:
		p.ids = rules.Usable(p.event.ids)
	case p.row != nil:
		ids := make([]identity.Observed, 0, len(p.row.Identifiers))
		for _, id := range p.row.Identifiers {
			ids = append(ids, identity.Observed{ID: clientele.Identifier{Namespace: id.Namespace, Value: id.Value}, Verified: id.Verified})
		}
		p.ids = rules.Usable(ids)
	}
}

// generatedID is the message id of an event that has none.
func generatedID(p clientele.Position, i int) string { return fmt.Sprintf("at-%d-%d", p, i) }
