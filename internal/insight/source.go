package insight

import (
	"fmt"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// source is a fact that a query reads: what it is joined with and what its rows must fulfil.
type source struct {
	a      *asking
	f      *fact
	table  string // what stands for the fact's table: a subquery, else the table itself
	joins  []string
	wheres []string
}

// expr is a resolved dimension.
type expr struct {
	sql  string
	kind typ
	num  string // its number, of a member of JSON
}

func (a *asking) source(name string) (*source, error) {
	f := facts[name]
	if f == nil {
		return nil, clientele.Errorf(clientele.Invalid, "there is no table %q to ask about", name).WithHint("%s", choices(name, factNames()))
	}
	return &source{a: a, f: f, table: f.table}, nil
}

// people is a source of people that a subquery gives: profile_id and ts, and the columns named.
func (a *asking) people(query string, columns ...string) *source {
	f := &fact{table: "people", ts: "f.ts", person: true, named: map[string]named{}}
	for _, c := range columns {
		f.named[c] = named{sql: "f." + c}
	}
	return &source{a: a, f: f, table: "(\n" + query + "\n)"}
}

func (s *source) where(cond string) {
	if cond != "" && !slices.Contains(s.wheres, cond) {
		s.wheres = append(s.wheres, cond)
	}
}

// join takes a join of the list, or a text of its own.
func (s *source) join(name string) {
	if name == "stage" && s.f.table == "profiles" {
		name = "stage of now"
	}
	on, ok := joins[name]
	if !ok {
		on = name
	}
	on = strings.NewReplacer("%[1]s", s.f.ts, "%[2]s", s.f.sku).Replace(on)
	if name != "" && !slices.Contains(s.joins, on) {
		s.joins = append(s.joins, on)
	}
}

// from is the query's FROM and WHERE.
func (s *source) from() string {
	table := s.table
	if !strings.HasPrefix(table, "(") {
		table = sqlq.Ident(table)
	}
	out := "from " + table + " f"
	for _, j := range s.joins {
		out += "\n" + j
	}
	if len(s.wheres) > 0 {
		out += "\nwhere " + strings.Join(s.wheres, "\n  and ")
	}
	return out
}

// restrict applies what every query of the question has: its span and the audiences.
func (s *source) restrict(from, until clientele.Micros) {
	ts := s.f.ts
	switch {
	case s.f.date && from == 0:
		s.where(ts + " < " + s.day(until))
	case s.f.date:
		s.where(ts + " >= " + s.day(from) + " and " + ts + " < " + s.day(until))
	default:
		s.where(between(ts, from, until))
	}
}

// day is the day of the zone that a moment is in, or the next one where the moment is within it: of a day that has
// begun before the moment, all belongs to the time before it.
func (s *source) day(m clientele.Micros) string {
	t := m.Time().In(s.a.zone)
	if h, mi, sec := t.Clock(); h != 0 || mi != 0 || sec != 0 || t.Nanosecond() != 0 {
		t = t.AddDate(0, 0, 1)
	}
	return "date '" + t.Format("2006-01-02") + "'"
}

// inAudiences keeps people of the question's audiences.
func (s *source) inAudiences() error {
	who := strings.TrimRight(s.a.q.Who, "; \t\r\n")
	if len(s.a.q.Audiences)+len(s.a.q.NotAudiences)+len(who)+len(s.a.members) == 0 {
		return nil
	}
	if !s.f.person {
		return clientele.Errorf(clientele.Invalid, "audiences, people, who: %s has no people", s.f.table).WithHint("leave them out, or ask for a measure of people, orders or events")
	}
	if who != "" {
		s.where("f.profile_id in (\n" + who + "\n)")
	}
	if s.a.members != "" {
		s.where("f.profile_id in (\n" + s.a.members + "\n)")
	}
	for _, name := range s.a.q.Audiences {
		s.where("f.profile_id in (select profile_id from audience_members where exited_at is null and audience = " + sqlq.Text(name) + ")")
	}
	for _, name := range s.a.q.NotAudiences {
		s.where("f.profile_id not in (select profile_id from audience_members where exited_at is null and profile_id is not null and audience = " + sqlq.Text(name) + ")")
	}
	return nil
}

// local is a time in the question's zone, a timestamp without one.
func (s *source) local() string {
	if s.f.date {
		return "cast(" + s.f.ts + " as timestamp)"
	}
	return "(" + s.a.local(s.f.ts) + ")"
}

// dimension resolves a name on the fact and takes the joins that it needs. place is the field of the question.
func (s *source) dimension(place, name string) (expr, error) {
	e, join, err := s.find(name)
	if err != nil {
		return expr{}, err
	}
	if e.sql == "" {
		names, err := s.names()
		if err != nil {
			return expr{}, err
		}
		return expr{}, &unreachable{clientele.Errorf(clientele.Invalid, "%s: %s has no dimension %q", place, s.f.table, name).WithHint("%s", choices(name, names))}
	}
	s.join(join)
	return e, nil
}

// unreachable is the error that a fact has not what is asked for; another may.
type unreachable struct{ e *clientele.Error }

func (u *unreachable) Error() string { return u.e.Message }

func (u *unreachable) Unwrap() error { return u.e }

// find looks a name up: grains of time, names of the fact, its columns, what it reaches through joins, traits.
func (s *source) find(name string) (e expr, join string, err error) {
	for _, t := range times {
		if t.name == name && s.f.ts != "" && !(s.f.date && strings.HasPrefix(name, "hour")) {
			return expr{sql: fmt.Sprintf(t.sql, s.local()), kind: t.kind}, "", nil
		}
	}
	if n, ok := s.f.named[name]; ok && n.need == "" {
		return expr{sql: n.sql, kind: n.kind}, n.join, nil
	} else if ok {
		if e, err := s.column(s.f.table, "f", n.need); err != nil || e.sql != "" {
			return e, "", err
		}
	}
	if table, rest, ok := strings.Cut(name, "."); ok {
		return s.qualified(table, rest)
	}
	if s.table == s.f.table {
		e, err := s.column(s.f.table, "f", name)
		if err == nil && e.sql != "" && e.kind == text && slices.Contains(ofProducts, name) && s.skuThere() {
			// Not every row says what its article is.
			return expr{sql: "coalesce(" + e.sql + ", pr." + name + ")"}, "product", nil
		}
		if err != nil || e.sql != "" {
			return e, "", err
		}
	}
	for _, c := range common {
		if join, ok := s.reaches(c.of, c.join); ok && c.name == name {
			return expr{sql: c.sql, kind: c.kind}, join, nil
		}
	}
	if s.f.person {
		if e, err := s.trait(name); err != nil || e.sql != "" {
			return e, "person", err
		}
	}
	return expr{}, "", nil
}

// reaches says whether the fact has what a common dimension needs, and the join for it.
func (s *source) reaches(of, join string) (string, bool) {
	switch of {
	case "person":
		return join, s.f.person
	case "sku":
		return join, s.skuThere()
	case "order":
		if len(s.f.joins) == 0 {
			return "", false
		}
		return s.f.joins[0], true
	}
	return "", false
}

// skuThere says whether the rows name articles; of events those that have promoted the property do.
func (s *source) skuThere() bool {
	if s.f.table != "events" {
		return s.f.sku != ""
	}
	var parts []string
	for _, c := range []string{"sku", "product_id"} {
		if e, err := s.column("events", "f", c); err == nil && e.sql != "" && e.kind == text {
			parts = append(parts, e.sql)
		}
	}
	if len(parts) == 0 {
		return false
	}
	own := *s.f
	own.sku = "coalesce(" + strings.Join(parts, ", ") + ")"
	s.f = &own
	return true
}

// qualified is a column of a named table, a trait, or a member of the JSON of an event.
func (s *source) qualified(table, name string) (expr, string, error) {
	switch {
	case table == s.f.table && s.table == s.f.table:
		e, err := s.column(table, "f", name)
		return e, "", err
	case table == "profiles" && s.f.person:
		e, err := s.column("profiles", "p", name)
		return e, "person", err
	case table == "traits" && s.f.person:
		e, err := member("p.traits", name)
		if s.f.table == "profiles" && err == nil {
			e.sql, e.num = strings.Replace(e.sql, "p.traits", "f.traits", 1), strings.Replace(e.num, "p.traits", "f.traits", 1)
			return e, "", nil
		}
		return e, "person", err
	case (table == "properties" || table == "context") && s.f.table == "events":
		e, err := member("f."+table, name)
		return e, "", err
	}
	return expr{}, "", nil
}

// member is a member of a JSON column as text, by its path.
func member(column, path string) (expr, error) {
	parts := strings.Split(path, ".")
	for _, p := range parts {
		if p == "" || strings.HasPrefix(p, "$") || strings.HasPrefix(p, "/") || strings.IndexByte(p, 0) >= 0 || len(p) > 256 {
			return expr{}, clientele.Errorf(clientele.Invalid, "%q is no path of JSON members", path).WithHint("write it like properties.plan or context.page.path")
		}
	}
	out := column
	for i, p := range parts {
		if i == len(parts)-1 {
			out += "->>"
		} else {
			out += "->"
		}
		out += sqlq.Text(p)
	}
	last := strings.LastIndex(out, "->>")
	return expr{sql: "(" + out + ")", num: "json_num(" + out[:last] + ", " + out[last+3:] + ")"}, nil
}

// column is a column of a table of the schema.
func (s *source) column(table, alias, name string) (expr, error) {
	columns, err := s.a.columnsOf(table)
	if err != nil {
		return expr{}, err
	}
	for _, c := range columns {
		if c.Name == name {
			return expr{sql: alias + "." + sqlq.Ident(name), kind: typeOf(c.Type)}, nil
		}
	}
	return expr{}, nil
}

// trait is a promoted column of profiles.
func (s *source) trait(name string) (expr, error) {
	if clientele.TableNamed("profiles").Column(name) >= 0 {
		return expr{}, nil
	}
	return s.column("profiles", "p", name)
}

func typeOf(sqlType string) typ {
	t := strings.ToLower(sqlType)
	switch {
	case t == "boolean":
		return boolean
	case t == "json":
		return raw
	case strings.HasPrefix(t, "timestamp"):
		return instantly
	case t == "date":
		return daily
	case strings.HasPrefix(t, "decimal"), t == "double", t == "bigint", t == "integer", t == "hugeint":
		return number
	}
	return text
}

// names are the dimensions that the fact reaches.
func (s *source) names() ([]string, error) {
	var out []string
	add := func(n string) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	tables := []string{}
	if s.table == s.f.table {
		tables = append(tables, s.f.table)
	}
	if s.f.person && s.f.table != "profiles" {
		tables = append(tables, "profiles")
	}
	for n := range s.f.named {
		add(n)
	}
	slices.Sort(out)
	for _, table := range tables {
		columns, err := s.a.columnsOf(table)
		if err != nil {
			return nil, err
		}
		for _, c := range columns {
			switch c.Name {
			case "profile_id", "traits", "properties", "context":
				continue
			}
			if table != s.f.table && clientele.TableNamed("profiles").Column(c.Name) >= 0 {
				continue
			}
			add(c.Name)
		}
	}
	for _, c := range common {
		if _, ok := s.reaches(c.of, c.join); ok {
			add(c.name)
		}
	}
	for _, t := range times {
		if s.f.ts != "" {
			add(t.name)
		}
	}
	return out, nil
}

func factNames() (out []string) {
	for n := range facts {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// shown is a dimension as the text that rows and cells hold.
func (e expr) shown() string {
	if e.kind == instantly {
		return "cast(" + e.sql + " at time zone 'UTC' as varchar)"
	}
	return "cast(" + e.sql + " as varchar)"
}

// is is the condition that a dimension has the value of a cell.
func (e expr) is(place string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return e.shown() + " is null", nil
	case string:
		return e.shown() + " = " + sqlq.Text(v), nil
	case float64:
		return e.shown() + " = " + sqlq.Text(sqlq.Number(v)), nil
	}
	return "", clientele.Errorf(clientele.Invalid, "cell: %s is neither a text nor null", place)
}
