package insight

import (
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// Insight: what the people of the question have more often, or less, than others: traits, products, categories, sales
// channels, sources, survey answers and enrichment. Others are everybody else, or an audience (against); who is in both
// counts with the people of the question alone.
//
// The index is 100 times the share among the people over the share of the base. The base is everybody, or the other
// audience. Its interval is that of the ratio of the two groups' shares: the logarithm with halves added, Walter,
// Biometrika 62 (1975) 371, with the variance 1/(x1+.5) - 1/(n1+.5) + 1/(x2+.5) - 1/(n2+.5), Gart and Nam, Biometrics 44
// (1988) 323, at 95 %. Against everybody, who holds the people as the part f, a ratio r to the rest is r/(f r + 1 - f) to all,
// which grows with r, so limits go over into limits. Rows come by the lower limit, so that few people do not lead.

// fewest is how many of the people have an attribute at least, unless the question says otherwise.
const fewest = 5

func answerInsight(a *asking) (*clientele.Answer, error) {
	groups, err := a.groupsOf()
	if err != nil {
		return nil, err
	}
	attributes, err := a.attributes()
	if err != nil {
		return nil, err
	}
	support := a.q.MinSupport
	if support == 0 {
		support = fewest
	}
	part := "n1 / (n1 + n2)"
	if a.q.Against != "" {
		part = "0.0"
	}
	of := func(r string) string { return "100 * (" + r + ") / (" + part + " * (" + r + ") + 1 - " + part + ")" }
	ratio := "((x1 + 0.5) / (n1 + 0.5)) / ((x2 + 0.5) / (n2 + 0.5))"
	err95 := "1.959964 * sqrt(greatest(0, 1 / (x1 + 0.5) - 1 / (n1 + 0.5) + 1 / (x2 + 0.5) - 1 / (n2 + 0.5)))"
	base := "(x1 + x2) / (n1 + n2)"
	if a.q.Against != "" {
		base = "x2 / nullif(n2, 0)"
	}
	q := "with g as (\n" + groups + "\n), n as (select cast(count(*) filter (where inside) as double precision) as n1, cast(count(*) filter (where not inside) as double precision) as n2 from g),\n" +
		"x as (select kind, name, value, cast(count(distinct t.profile_id) filter (where inside) as double precision) as x1, cast(count(distinct t.profile_id) filter (where not inside) as double precision) as x2\n" +
		"from (\n" + attributes + "\n) t join g on g.profile_id = t.profile_id where value is not null group by kind, name, value)\n" +
		"select kind, name, value, cast(x1 as bigint) as people, 100 * x1 / nullif(n1, 0) as share, 100 * " + base + " as base_share, 100 * (x1 / nullif(n1, 0)) / nullif(" + base + ", 0) as index,\n  " +
		of("exp(ln("+ratio+") - "+err95+")") + " as low, " + of("exp(ln("+ratio+") + "+err95+")") + " as high\n" +
		"from x, n where x1 >= " + strconv.Itoa(support) + "\norder by low desc, kind, name, value"
	res, err := a.query(q, a.limit())
	if err != nil {
		return nil, err
	}
	r := &clientele.Answer{Cut: res.Cut, Columns: []clientele.AnswerColumn{{Name: "kind", Role: "dimension"}, {Name: "name", Role: "dimension"}, {Name: "value", Role: "dimension"},
		{Name: "people", Role: "measure"}, {Name: "share", Role: "measure", Unit: "percent"}, {Name: "base_share", Role: "measure", Unit: "percent"}, {Name: "index", Role: "measure"}, {Name: "low", Role: "measure"}, {Name: "high", Role: "measure"}}}
	for _, row := range res.Rows {
		r.Rows, r.Cells = append(r.Rows, row), append(r.Cells, clientele.Cell{"kind": row[0], "name": row[1], "value": row[2]})
	}
	return r, nil
}

// groupsOf gives profile_id and inside: the people of the question, and the others.
func (a *asking) groupsOf() (string, error) {
	s, err := a.source("profiles")
	if err != nil {
		return "", err
	}
	if err := s.all(); err != nil {
		return "", err
	}
	others := "select profile_id from profiles"
	if a.q.Against != "" {
		others = "select profile_id from audience_members where exited_at is null and audience = " + sqlq.Text(a.q.Against)
	}
	return "select profile_id, bool_or(inside) as inside from (select profile_id, true as inside from (\n" + s.distinctPeople() + "\n) people\nunion all select profile_id, false from (" +
		others + ") others) b where profile_id is not null group by profile_id", nil
}

// enriched leads the names of traits that were bought.
const enriched = "ext_"

// attributes are all that is compared, as kind, name, value and profile_id.
func (a *asking) attributes() (string, error) {
	var parts []string
	columns, err := a.columnsOf("profiles")
	if err != nil {
		return "", err
	}
	for _, c := range columns {
		kind, value := typeOf(c.Type), ""
		if clientele.TableNamed("profiles").Column(c.Name) >= 0 {
			continue
		}
		ident := sqlq.Ident(c.Name)
		switch kind {
		case text, boolean:
			value = "cast(" + ident + " as varchar)"
		case number:
			value = "case when " + ident + " >= (select percentile_cont(0.5) within group (order by " + ident + ") from profiles) then 'upper half' else 'lower half' end"
		default:
			continue
		}
		what := "trait"
		if strings.HasPrefix(c.Name, enriched) {
			what = "enrichment"
		}
		parts = append(parts, "select "+sqlq.Text(what)+" as kind, "+sqlq.Text(c.Name)+" as name, "+value+" as value, profile_id from profiles where "+ident+" is not null")
	}
	parts = append(parts,
		"select 'product' as kind, 'bought' as name, coalesce(name, product_id, sku) as value, profile_id from order_lines where profile_id is not null",
		"select 'category', 'bought', category, profile_id from order_lines where profile_id is not null",
		"select 'channel', 'bought in', sales_channel, profile_id from orders where profile_id is not null and "+strings.ReplaceAll(notCancelled, "f.", ""),
		"select 'channel', 'wrote or called by', channel, profile_id from conversations where profile_id is not null",
		"select 'source', 'seen by', source, profile_id from identifiers where profile_id is not null",
		"select 'survey', json_extract_string(properties, '$.question'), json_extract_string(properties, '$.answer'), profile_id from events where profile_id is not null and name like 'Survey%'")
	data, err := a.builtOn()
	if err != nil {
		return "", err
	}
	return strings.Join(append(parts, data...), "\nunion all\n"), nil
}

// builtOn are where what is known of a person comes from, and by which channels the person may be addressed.
func (a *asking) builtOn() ([]string, error) {
	columns, err := a.columnsOf("profiles")
	if err != nil {
		return nil, err
	}
	var bought []string
	for _, c := range columns {
		if strings.HasPrefix(c.Name, enriched) {
			bought = append(bought, sqlq.Ident(c.Name)+" is not null")
		}
	}
	parts := []string{
		"select 'data', 'built on', 'online', profile_id from events where profile_id is not null",
		"select 'data', 'built on', 'offline', profile_id from orders where profile_id is not null and store is not null",
		"select 'data', 'built on', 'offline', profile_id from conversations where profile_id is not null and channel not in ('chat', 'email', 'web')",
		"select 'data', 'built on', 'zero-party', profile_id from events where profile_id is not null and name like 'Survey%'",
		"select 'data', 'built on', 'zero-party', profile_id from consents where profile_id is not null",
	}
	if bought != nil {
		parts = append(parts, "select 'data', 'built on', 'third-party', profile_id from profiles where "+strings.Join(bought, " or "))
	}
	for _, c := range [][2]string{{"email", "email"}, {"sms", "phone"}, {"phone", "phone"}} {
		members, err := a.o.Members(a.ctx, clientele.RawJSON(`{"and":[{"consent":"marketing","channel":"`+c[0]+`"},{"identifier":"`+c[1]+`"}]}`))
		if err != nil {
			return nil, err
		}
		parts = append(parts, "select 'addressable', 'by', '"+c[0]+"', profile_id from ("+members+") m")
	}
	return parts, nil
}

func peopleOfInsight(a *asking, cell clientele.Cell) (string, error) {
	groups, err := a.groupsOf()
	if err != nil {
		return "", err
	}
	attributes, err := a.attributes()
	if err != nil {
		return "", err
	}
	var conds []string
	for _, name := range []string{"kind", "name", "value"} {
		v, ok := cell[name]
		if _, is := v.(string); !ok || !is {
			return "", clientele.Errorf(clientele.Invalid, "cell: it has no %s", name).WithHint(`write it as the answer gives it: {"kind":"trait","name":"country","value":"TH"}`)
		}
		cond, err := expr{sql: "t." + name}.is(name, v)
		if err != nil {
			return "", err
		}
		conds = append(conds, cond)
	}
	return "select distinct t.profile_id from (\n" + attributes + "\n) t join (\n" + groups + "\n) g on g.profile_id = t.profile_id where g.inside and " + strings.Join(conds, " and "), nil
}
