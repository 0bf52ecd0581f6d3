package linkage

import (
	"encoding/json"

	"clientele"
)

// learned is what is kept of a run to weigh further records as it did. It is in the log for ever: names and numbers of
// kinds stay. It holds no value of anybody.
type learned struct {
	Columns   []learnedColumn `json:"columns"`
	Fields    []learnedField  `json:"fields"`
	Prior     float64         `json:"prior"`
	HouseOdds float64         `json:"house_odds"`
	Partners  float64         `json:"partners"`
	Given     int             `json:"given"`
	Surname   int             `json:"surname"`
}

type learnedColumn struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Unsure   bool   `json:"unsure,omitempty"`
	DayFirst bool   `json:"day_first,omitempty"` // of dates
}

type learnedField struct {
	Name    string    `json:"name"`
	Kind    kind      `json:"kind"`
	Columns []string  `json:"columns"`
	Filled  float64   `json:"filled"` // records with a value
	Group   bool      `json:"group,omitempty"`
	TopM    float64   `json:"top_m"`
	TopU    float64   `json:"top_u"`
	Least   float64   `json:"least"`
	Weight  []float64 `json:"weight"`
	House   []float64 `json:"house"`
	Alike   []float64 `json:"alike,omitempty"`
}

// Learned is what further records are weighed by as this run weighed its own: columns with their roles, and the model.
// OpenIndex takes it.
func (res *Result) Learned() ([]byte, error) {
	m := res.Model
	l := learned{Prior: m.prior, HouseOdds: m.houseOdds, Partners: m.Partners, Given: m.given, Surname: m.surname}
	for _, c := range res.Choices {
		if c.Role != Ignored {
			l.Columns = append(l.Columns, learnedColumn{c.Column, c.Role, c.unsure, res.records.orders[c.Column] == dayFirst})
		}
	}
	for _, f := range m.Fields {
		l.Fields = append(l.Fields, learnedField{Name: f.Name, Kind: f.kind, Columns: f.Columns, Filled: f.filled, Group: f.group, TopM: f.Levels[len(f.Levels)-1].M,
			TopU: f.topU, Least: f.least, Weight: f.weight, House: f.house, Alike: f.alike})
	}
	b, err := json.Marshal(l)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "what was learned: %w", err)
	}
	return b, nil
}

func readLearned(b []byte) (*learned, error) {
	var l learned
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "what a run of matching learned: %w", err)
	}
	if len(l.Fields) == 0 || len(l.Fields) > maxFields {
		return nil, clientele.Errorf(clientele.Corrupt, "what a run of matching learned has %d fields", len(l.Fields))
	}
	for _, f := range l.Fields {
		if int(f.Kind) >= len(levelNames) {
			return nil, clientele.Errorf(clientele.Corrupt, "what a run of matching learned has a field of kind %d", f.Kind)
		}
		if n := len(levelNames[f.Kind]); len(f.Weight) != n || len(f.House) != n || f.Alike != nil && len(f.Alike) != n {
			return nil, clientele.Errorf(clientele.Corrupt, "what a run of matching learned of %q has other levels", f.Name)
		}
	}
	return &l, nil
}

// model weighs as the one it was learned from did.
func (l *learned) model() *Model {
	m := &Model{Partners: l.Partners, given: l.Given, surname: l.Surname, prior: l.Prior, houseOdds: l.HouseOdds}
	for _, f := range l.Fields {
		fm := FieldModel{Name: f.Name, Columns: f.Columns, kind: f.Kind, filled: f.Filled, group: f.Group, topU: f.TopU, least: f.Least,
			weight: f.Weight, house: f.House, alike: f.Alike, tfw: tfWeights(f.Kind)}
		for _, name := range levelNames[f.Kind] {
			fm.Levels = append(fm.Levels, LevelModel{Name: name})
		}
		fm.Levels[len(fm.Levels)-1].M = f.TopM
		m.Fields = append(m.Fields, fm)
	}
	return m
}

// encoder takes the table's columns in the order and roles of the run; columns that are not there are empty.
func (l *learned) encoder(t *Table) *encoder {
	own := &Table{rows: t.rows}
	var choices []Choice
	orders := map[string]dateOrder{}
	for _, c := range l.Columns {
		col := &column{name: c.Name, values: []string{""}, ids: make([]uint32, t.rows)}
		if at, ok := t.byName[c.Name]; ok {
			col = t.columns[at]
		}
		own.columns = append(own.columns, col)
		choices = append(choices, Choice{Column: c.Name, Role: c.Role, unsure: c.Unsure})
		if orders[c.Name] = monthFirst; c.DayFirst {
			orders[c.Name] = dayFirst
		}
	}
	e := newEncoder(own, choices, nil)
	e.orders = orders
	return e
}

// records are those of the table in the fields of the run.
func (l *learned) records(t *Table) *records {
	e := l.encoder(t)
	made := e.fields()
	for _, want := range l.Fields {
		at := -1
		for i, f := range made {
			if f != nil && f.name == want.Name && f.kind == want.Kind {
				at = i
				break
			}
		}
		if at < 0 { // cannot be, as the columns make the fields; one that nobody fills weighs nothing
			e.out.fields = append(e.out.fields, e.newField(want.Kind, want.Name, nil, newDictionary(want.Kind, nil), make([]uint32, t.rows), nil))
			continue
		}
		e.out.fields = append(e.out.fields, made[at])
		made[at] = nil
	}
	e.out.lay()
	e.out.given, e.out.surname = l.Given, l.Surname
	return e.out
}
