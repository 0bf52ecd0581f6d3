package insight

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"clientele"
)

// The people behind a number as an audience. Where the cell says the same as a definition of audiences does, that
// definition is the audience, which goes on by itself; otherwise the query is, which is asked again by a schedule. What
// becomes a definition: people by trait, audience and stage of now; events by name and property in a span; a
// stage of the lifecycle. Whether both name the same people is asked of the data, not believed.

// Segment is the definition of the people behind a cell, else nil with the reason in words; and always the query.
func (e *Explorer) Segment(ctx context.Context, req clientele.BehindRequest) (where clientele.RawJSON, query, reason string, err error) {
	a, k, err := e.asking(ctx, req.Question)
	if err != nil {
		return nil, "", "", err
	}
	if query, err = k.people(a, req.Cell); err != nil {
		return nil, "", "", err
	}
	g := &segment{asking: a, cell: req.Cell}
	if err := g.make(); err != nil {
		return nil, "", "", err
	}
	if g.reason != "" {
		return nil, query, g.reason, nil
	}
	where, err = json.Marshal(g.condition())
	if err != nil {
		return nil, "", "", clientele.Errorf(clientele.Internal, "segment: %w", err)
	}
	members, err := a.o.Members(ctx, where)
	if err != nil {
		return nil, query, "no definition says it: " + err.Error(), nil
	}
	r, err := a.query("select count(*) from ((select profile_id from (\n"+members+"\n) m except select profile_id from (\n"+query+"\n) q) union all (select profile_id from (\n"+
		query+"\n) q except select profile_id from (\n"+members+"\n) m)) d", 1)
	if err != nil {
		return nil, "", "", err
	}
	if n := counted(r.Rows[0][0]); n > 0 {
		return nil, query, "a definition names other people", nil
	}
	return where, query, "", nil
}

// segment is a definition while it is put together.
type segment struct {
	*asking
	cell   clientele.Cell
	all    []any
	reason string // why there is none
}

type object map[string]any

func (g *segment) no(reason string) { g.reason = cmp.Or(g.reason, reason) }

func (g *segment) condition() any {
	if len(g.all) == 1 {
		return g.all[0]
	}
	return object{"and": g.all}
}

func (g *segment) make() error {
	q := g.q
	if q.Who != "" {
		g.no("the question is about the people of a query")
	}
	if len(q.People) > 0 {
		g.all = append(g.all, q.People)
	}
	for _, n := range q.Audiences {
		g.all = append(g.all, object{"audience": n})
	}
	for _, n := range q.NotAudiences {
		g.all = append(g.all, object{"not": object{"audience": n}})
	}
	switch q.Kind {
	case "metric":
		return g.metric()
	case "lifecycle":
		if g.cell["to"] != nil || g.cell["stage"] == nil || q.Until != "" {
			g.no("it is about moves, or another moment than now")
		}
		g.all = append(g.all, object{"lifecycle": g.cell["stage"]})
		return g.people(q.Where)
	}
	g.no("no definition says what a " + q.Kind + " does")
	return nil
}

func (g *segment) metric() error {
	nodes, err := g.wanted()
	if err != nil {
		return err
	}
	n := nodes[0]
	if name, ok := g.cell["measure"]; ok {
		n = nodes[slices.IndexFunc(g.q.Measures, func(m string) bool { return m == name })]
	}
	l := n.main()
	c, err := g.compile(l, g.q.By, g.from, g.until, false)
	if err != nil {
		return err
	}
	filters := slices.Concat(g.q.Where, l.filters)
	for _, name := range g.q.By {
		v, ok := g.cell[name]
		switch {
		case ok && v == nil:
			filters = append(filters, clientele.Filter{Field: name, Op: "not_exists"})
		case ok:
			filters = append(filters, clientele.Filter{Field: name, Op: "eq", Value: v})
		}
	}
	switch c.s.f.table {
	case "profiles":
		if g.from != 0 || g.q.Until != "" {
			g.no("no definition asks for when somebody was first seen")
		}
		if l.column != "" {
			g.no("it is about those who have " + l.column)
		}
		return g.people(filters)
	case "events":
		if l.column != "" {
			g.no("it is about those who have " + l.column)
		}
		return g.events(filters)
	}
	g.no("definitions count events, not rows of " + c.s.f.table)
	return nil
}

// people puts filters on profiles into the definition.
func (g *segment) people(filters []clientele.Filter) error {
	for _, f := range filters {
		if ok, err := g.person(f); err != nil {
			return err
		} else if !ok {
			g.no("no definition asks for " + f.Field)
		}
	}
	if len(g.all) == 0 {
		g.no("it is everybody")
	}
	return nil
}

// person takes a filter that is about the person: audience, stage of now, trait; not ok for others.
func (g *segment) person(f clientele.Filter) (ok bool, err error) {
	eq := f.Op == "" || f.Op == "eq"
	switch text, isText := f.Value.(string); {
	case f.Field == "audience" && eq && isText:
		g.all = append(g.all, object{"audience": text})
		return true, nil
	case f.Field == "stage" && eq && isText && g.ofNow():
		g.all = append(g.all, object{"lifecycle": text})
		return true, nil
	}
	name, kind, err := g.named("profiles", strings.TrimPrefix(f.Field, "profiles."))
	if err != nil || name == "" {
		return false, err
	}
	g.all = append(g.all, test(object{"trait": name}, kind, f))
	return true, nil
}

// ofNow says whether the dimension stage is that of now: of profiles it is.
func (g *segment) ofNow() bool {
	return g.q.Kind == "lifecycle" || len(g.q.Measures) > 0 && g.q.Measures[0] == "customers"
}

// events puts a count of events into the definition: the names, properties and the span.
func (g *segment) events(filters []clientele.Filter) error {
	var names []string
	where := []any{}
	for _, f := range filters {
		if f.Field == "event" {
			named, ok := texts(f)
			if !ok || names != nil && !slices.Equal(names, named) {
				g.no("the events are not told by their names alone")
			}
			names = named
			continue
		}
		field := f.Field
		if field == "product" {
			field = "product_id"
		}
		name, kind, err := g.named("events", field)
		if err != nil {
			return err
		}
		if path, ok := strings.CutPrefix(field, "properties."); ok {
			name, kind = path, text
		} else if strings.HasPrefix(field, "context.") {
			name, kind = field, text
		}
		if name != "" {
			where = append(where, test(object{"property": name}, kind, f))
		} else if ok, err := g.person(f); err != nil {
			return err
		} else if !ok {
			g.no("no definition asks for " + f.Field)
		}
	}
	if len(names) == 0 {
		g.no("it is about events of any name")
	}
	var any []any
	for _, n := range names {
		any = append(any, g.spanned(object{"event": n}, where))
	}
	if len(any) == 1 {
		g.all = append(g.all, any[0])
	} else {
		g.all = append(g.all, object{"or": any})
	}
	return nil
}

// spanned is an event with conditions and the question's span as a window.
func (g *segment) spanned(event object, where []any) object {
	if len(where) > 0 {
		event["where"] = where
	}
	if g.q.Last != "" && g.q.Until == "" {
		if d, err := duration("last", g.q.Last); err == nil {
			event["within"] = strconv.FormatInt(int64(d.Hours()), 10) + "h"
			return event
		}
	}
	if g.from != 0 {
		event["from"] = g.from.String()
	}
	if g.q.Until != "" { // the span ends before it, a window with it
		event["to"] = (g.until - 1).String()
	}
	return event
}

func texts(f clientele.Filter) (out []string, ok bool) {
	values, isList := f.Value.([]any)
	if !isList {
		values = []any{f.Value}
	}
	for _, v := range values {
		t, is := v.(string)
		if !is {
			return nil, false
		}
		out = append(out, t)
	}
	return out, f.Op == "" || f.Op == "eq" || f.Op == "in"
}

// named is the JSON name of a promoted column; "" where the column is none.
func (g *segment) named(table, column string) (string, typ, error) {
	all, err := g.o.Promoted(g.ctx, table)
	if err != nil {
		return "", 0, err
	}
	for _, p := range all {
		if p.Column == column {
			if name, computed := strings.CutPrefix(p.JSON, clientele.ComputedJSON("")); computed {
				return "computed." + name, typeOf(p.Type.String()), nil
			}
			if name, predicted := strings.CutPrefix(p.JSON, clientele.PredictionJSON("")); predicted {
				return clientele.PredictionsPrefix + name, typeOf(p.Type.String()), nil
			}
			return p.JSON, typeOf(p.Type.String()), nil
		}
	}
	return "", 0, nil
}

// test adds the comparison of the filter: values of cells are texts, and what is a number in its column is compared as one.
func test(into object, kind typ, f clientele.Filter) object {
	into["op"] = cmp.Or(f.Op, "eq")
	typed := func(v any) any {
		s, is := v.(string)
		if !is {
			return v
		}
		if n, err := strconv.ParseFloat(s, 64); err == nil && kind == number {
			return n
		}
		if b, err := strconv.ParseBool(s); err == nil && kind == boolean {
			return b
		}
		return s
	}
	switch v := f.Value.(type) {
	case nil:
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = typed(v[i])
		}
		into["value"] = list
	default:
		into["value"] = typed(v)
	}
	return into
}
