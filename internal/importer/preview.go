package importer

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"clientele"
)

// CheckReport says what an import would do with the first rows. It holds personal data of the
// file: it is for whoever holds the file, not for a log.
type CheckReport struct {
	Rows        int64             `json:"rows"`  // read
	Whole       bool              `json:"whole"` // these are all the rows there are
	Columns     []ColumnReport    `json:"columns"`
	Records     map[string]int64  `json:"records"`     // records by table; "events" for track events
	Identifiers []CountedExample  `json:"identifiers"` // by namespace
	Traits      []CountedExample  `json:"traits"`      // and properties of events
	Fields      []CountedExample  `json:"fields"`      // table.column
	Nobody      int64             `json:"nobody"`      // profiles left out because a row has no identifier
	Unchanged   int64             `json:"unchanged"`   // records that say nothing new
	Bad         int64             `json:"bad"`         // rows that would go to quarantine
	Problems    []ProblemReport   `json:"problems"`
	Samples     []json.RawMessage `json:"samples"` // the records of the first rows
}

// ColumnReport is a column of the files.
type ColumnReport struct {
	Name     string   `json:"name"`
	Used     bool     `json:"used"`  // the mapping reads it
	Empty    int64    `json:"empty"` // rows without a value; of used columns
	Examples []string `json:"examples"`
}

// CountedExample is a name with how many records have it and what it looks like.
type CountedExample struct {
	Name     string   `json:"name"`
	Count    int64    `json:"count"`
	Examples []string `json:"examples"`
}

// ProblemReport is one reason for quarantine with the first places where it occurs.
type ProblemReport struct {
	Reason   string    `json:"reason"`
	Count    int64     `json:"count"`
	Examples []BadLine `json:"examples"`
}

// BadLine is a row that cannot be imported.
type BadLine struct {
	File string `json:"file"`
	Line int64  `json:"line"`
	Row  string `json:"row"` // its first 200 bytes
}

const (
	checkRows     = 1000
	checkExamples = 3
	checkSamples  = 12
	checkWide     = 200 // bytes of an example
)

// Preview reads the first rows and says what they would become. Nothing is written.
func Preview(ctx context.Context, opt Options) (CheckReport, error) {
	r, err := newRun(ctx, opt)
	if err != nil {
		return CheckReport{}, err
	}
	limit := int64(opt.Check)
	if limit <= 0 {
		limit = checkRows
	}
	c := checker{run: r, names: map[string]*counted{}, problems: map[string]*ProblemReport{}, columns: map[string]*ColumnReport{}}
	for _, n := range opt.Mapping.needs {
		c.column(n).Used = true
	}
	err = r.eachRow(ctx, func() error {
		if r.rows == limit {
			return errStop
		}
		r.rows++
		c.check()
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return CheckReport{}, err
	}
	c.report.Whole = err == nil
	return c.finish(), nil
}

// checker gathers a report.
type checker struct {
	run      *run
	report   CheckReport
	names    map[string]*counted // "i namespace", "t trait", "f table.column"
	problems map[string]*ProblemReport
	columns  map[string]*ColumnReport
	order    []string // of columns
}

type counted struct {
	count    int64
	examples []string
}

func (c *checker) column(name string) *ColumnReport {
	col := c.columns[name]
	if col == nil {
		col = &ColumnReport{Name: name}
		c.columns[name] = col
		c.order = append(c.order, name)
	}
	return col
}

func (c *checker) check() {
	r := c.run
	fault := r.row.fault
	if fault == "" {
		for i, n := range r.opt.Mapping.needs {
			col := c.column(n)
			v := r.opt.Mapping.file.column(&r.row, i)
			if v.kind == cellNull {
				col.Empty++
				continue
			}
			b, _ := appendFound(nil, v) // an example that has no JSON form is a shorter one
			col.Examples = example(col.Examples, strings.Trim(string(b), `"`))
		}
		if err := r.mapper.mapRow(&r.row); err != nil {
			fault = err.Error()
		}
	}
	if fault != "" {
		c.bad(fault)
		return
	}
	for _, rec := range r.mapper.records {
		raw := r.mapper.out[rec.from:rec.to]
		if len(c.report.Samples) < checkSamples {
			c.report.Samples = append(c.report.Samples, slices.Clone(json.RawMessage(raw)))
		}
		c.record(rec.state.spec, raw)
	}
}

func (c *checker) bad(fault string) {
	r := c.run
	c.report.Bad++
	p := c.problems[fault]
	if p == nil {
		p = &ProblemReport{Reason: fault}
		c.problems[fault] = p
	}
	p.Count++
	if len(p.Examples) < checkExamples {
		raw := r.row.raw
		if r.row.all != nil {
			raw, _ = appendAny(nil, r.row.all)
		}
		p.Examples = append(p.Examples, BadLine{r.file, r.row.line, strings.ToValidUTF8(string(raw[:min(len(raw), checkWide)]), "\uFFFD")})
	}
}

// record takes apart what was made, so that the report shows what the log would hold.
func (c *checker) record(spec *recordSpec, raw []byte) {
	if spec.table == nil {
		var e struct {
			UserID      string         `json:"userId"`
			AnonymousID string         `json:"anonymousId"`
			Properties  map[string]any `json:"properties"`
			Context     struct {
				ExternalIDs []struct{ ID, Type string } `json:"externalIds"`
			} `json:"context"`
		}
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		c.count("i"+string(clientele.UserID), e.UserID)
		c.count("i"+string(clientele.AnonymousID), e.AnonymousID)
		for _, x := range e.Context.ExternalIDs {
			c.count("i"+x.Type, x.ID)
		}
		for k, v := range e.Properties {
			c.count("t"+k, v)
		}
		return
	}
	var rec clientele.RowRecord
	if json.Unmarshal(raw, &rec) != nil {
		return
	}
	for _, id := range rec.Identifiers {
		c.count("i"+string(id.Namespace), id.Value)
	}
	for k, v := range rec.Traits {
		c.count("t"+k, v)
	}
	for k, v := range rec.Fields {
		c.count("f"+rec.Table+"."+k, v)
	}
	for _, k := range rec.Consents {
		c.count("tconsent to "+k.Purpose, k.Granted)
	}
}

func (c *checker) count(name string, v any) {
	if v == "" {
		return
	}
	n := c.names[name]
	if n == nil {
		n = &counted{}
		c.names[name] = n
	}
	n.count++
	b, _ := appendAny(nil, v)
	n.examples = example(n.examples, strings.Trim(string(b), `"`))
}

// example keeps the first few different values.
func example(list []string, s string) []string {
	if len(s) > checkWide {
		s = strings.ToValidUTF8(s[:checkWide], "") + "..."
	}
	if len(list) < checkExamples && !slices.Contains(list, s) {
		list = append(list, s)
	}
	return list
}

func (c *checker) finish() CheckReport {
	rep := &c.report
	rep.Rows, rep.Unchanged, rep.Records = c.run.rows, c.run.mapper.unchanged, map[string]int64{}
	for i := range c.run.mapper.specs {
		st := &c.run.mapper.specs[i]
		rep.Records[st.spec.name()] += st.made
		rep.Nobody += st.nobody
	}
	for _, n := range c.run.columns {
		c.column(n)
	}
	for _, n := range c.order {
		rep.Columns = append(rep.Columns, *c.columns[n])
	}
	for _, k := range sortedKeys(c.names) {
		e := CountedExample{k[1:], c.names[k].count, c.names[k].examples}
		switch k[0] {
		case 'i':
			rep.Identifiers = append(rep.Identifiers, e)
		case 't':
			rep.Traits = append(rep.Traits, e)
		default:
			rep.Fields = append(rep.Fields, e)
		}
	}
	for _, k := range sortedKeys(c.problems) {
		rep.Problems = append(rep.Problems, *c.problems[k])
	}
	slices.SortStableFunc(rep.Problems, func(a, b ProblemReport) int { return int(b.Count - a.Count) })
	return *rep
}
