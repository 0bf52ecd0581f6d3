package insight

import (
	"fmt"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// fork is the source with no conditions yet, to collect some on.
func (s *source) fork() *source {
	t := *s
	t.joins, t.wheres = slices.Clone(s.joins), nil
	return &t
}

// stepTable is the table of a step. Invalid when it has no people or no name.
func (a *asking) stepTable(place string, st clientele.Step) (string, error) {
	switch {
	case st.Event != "" && st.Table != "" && st.Table != "events":
		return "", clientele.Errorf(clientele.Invalid, "%s: an event is no row of %s", place, st.Table).WithHint("name an event or a table")
	case st.Event != "" || st.Table == "events":
		return "events", nil
	case st.Table == "":
		return "", clientele.Errorf(clientele.Invalid, "%s: name an event or a table", place).WithHint(`{"event":"Product Viewed"} or {"table":"orders"}`)
	case facts[st.Table] == nil || !facts[st.Table].person || st.Table == "profiles":
		var names []string
		for _, n := range factNames() {
			if facts[n].person && n != "profiles" {
				names = append(names, n)
			}
		}
		return "", clientele.Errorf(clientele.Invalid, "%s.table: %q is no table of what people did", place, st.Table).WithHint("%s", choices(st.Table, names))
	}
	return st.Table, nil
}

// matches puts the conditions of a step on the source.
func (s *source) matches(place string, st clientele.Step) error {
	if st.Event != "" {
		s.where("f.name = " + sqlq.Text(st.Event))
	}
	if s.f.table == "orders" {
		s.where(notCancelled)
	}
	return s.filters(place+".where", st.Where)
}

// all puts on the source what the whole question demands of rows of people.
func (s *source) all() error {
	if err := s.filters("where", s.a.q.Where); err != nil {
		return plainError(err)
	}
	s.where("f.profile_id is not null")
	return s.inAudiences()
}

// plainError is an error that no other table can help with.
func plainError(err error) error {
	if u, ok := err.(*unreachable); ok {
		return u.e
	}
	return err
}

// stepNames are what steps are called.
func stepNames(steps []clientele.Step) []string {
	var out []string
	for _, st := range steps {
		name := st.Name
		if name == "" {
			name = st.Event
		}
		if name == "" {
			name = st.Table
		}
		out = append(out, name)
	}
	return out
}

// names are the texts that a query of one column gives.
func (a *asking) names(sql string) ([]string, error) {
	r, err := a.o.Query.Query(a.ctx, sql, nil, MaxRows)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, row := range r.Rows {
		name, _ := row[0].(string)
		names = append(names, name)
	}
	return names, nil
}

// knownEvents refuses names of events that were never seen. It is asked where an answer is empty: reading all names
// costs more than most answers.
func (a *asking) knownEvents(places map[string]string) error {
	if len(places) == 0 {
		return nil
	}
	known, err := a.names("select distinct name from events where name is not null order by name")
	if err != nil {
		return err
	}
	for name, place := range places {
		if !slices.Contains(known, name) {
			return clientele.Errorf(clientele.Invalid, "%s: there is no event %q", place, name).WithHint("%s", choices(name, known))
		}
	}
	return nil
}

func eventPlaces(steps []clientele.Step) map[string]string {
	out := map[string]string{}
	for i, st := range steps {
		if st.Event != "" {
			out[st.Event] = fmt.Sprintf("steps[%d].event", i)
		}
	}
	return out
}

// occurrences are the rows that match any of the steps, as: profile_id, ts, source, id, g1.. (the dimensions that
// all steps share) and k1.. (whether the row matches a step), of all tables that the steps name.
func (a *asking) occurrences(steps []clientele.Step, same []string) (string, error) {
	var tables []string
	byTable := map[string][]int{}
	for i, st := range steps {
		table, err := a.stepTable(fmt.Sprintf("steps[%d]", i), st)
		if err != nil {
			return "", err
		}
		if byTable[table] == nil {
			tables = append(tables, table)
		}
		byTable[table] = append(byTable[table], i)
	}
	var parts []string
	for _, table := range tables {
		s, err := a.source(table)
		if err != nil {
			return "", err
		}
		conds := make([]string, len(steps))
		var any []string
		for _, i := range byTable[table] {
			c := s.fork()
			if err := c.matches(fmt.Sprintf("steps[%d]", i), steps[i]); err != nil {
				return "", plainError(err)
			}
			s.f, s.joins = c.f, c.joins
			conds[i] = strings.Join(c.wheres, " and ")
			if conds[i] == "" {
				conds[i] = "true"
			}
			any = append(any, "("+conds[i]+")")
		}
		s.where("(" + strings.Join(any, " or ") + ")")
		s.restrict(a.from, a.until)
		if err := s.all(); err != nil {
			return "", err
		}
		list := "select f.profile_id, " + s.f.ts + " as ts, f.source, " + s.f.id + " as id"
		for n, name := range same {
			e, err := s.dimension("by", name)
			if err != nil {
				return "", plainError(err)
			}
			list += fmt.Sprintf(", %s as g%d", e.shown(), n+1)
			s.where(e.sql + " is not null")
		}
		for i := range steps {
			cond := "false"
			if conds[i] != "" {
				cond = "coalesce(" + conds[i] + ", false)"
			}
			list += fmt.Sprintf(", %s as k%d", cond, i+1)
		}
		parts = append(parts, list+"\n"+s.from())
	}
	return strings.Join(parts, "\nunion all\n"), nil
}

// numbered is p1, p2, ... pn, each with ", " before it.
func numbered(p string, from, to int) string {
	out := ""
	for i := from; i <= to; i++ {
		out += fmt.Sprintf(", %s%d", p, i)
	}
	return out
}
