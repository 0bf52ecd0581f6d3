package clientele

import "strings"

// Question is what the explorer answers. Kind says what is asked; the fields behind it belong to
// some kinds, and one that does not belong to the kind is refused.
type Question struct {
	Kind string `json:"kind" enum:"metric,funnel,retention,paths,rfm,concentration,affinity,leaks,lifecycle,insight" doc:"What is asked."`

	// Measures of a metric, at most eight: revenue, "avg(conversations.csat)", "events[Product Viewed]",
	// "contacts per 100 orders". Of a concentration: the one amount, revenue when empty.
	Measures []string `json:"measures,omitempty" maxItems:"8" doc:"Of metric: a name, AGG(table.column), either with [filter], or M per N M. Of concentration: what is shared out, revenue by default."`
	By       []string `json:"by,omitempty" maxItems:"3" doc:"Dimensions: a trait, a property, product, category, source, audience, stage, hour, day, week, month, quarter, year, ..."`

	Where        []Filter `json:"where,omitempty" maxItems:"20" doc:"All of them must hold."`
	Audiences    []string `json:"audiences,omitempty" maxItems:"20" doc:"Only people who are in every one of these now."`
	NotAudiences []string `json:"not_audiences,omitempty" maxItems:"20" doc:"Only people who are in none of these now."`

	// Who is a SELECT that gives profile_id: that of the people behind a cell, so that one answer leads to the next, or
	// what an audience compiles to. It is held to the rules of users' SQL.
	Who string `json:"who,omitempty" maxLength:"100000" doc:"Only people that this SELECT of profile_id gives: the sql of the people behind a cell, or any other."`

	// Behind is the same by question and cell: whoever may see no people asks so for figures of them.
	Behind *QuestionCell `json:"behind,omitempty" doc:"Only the people behind a cell of another question's answer."`

	// People is a definition of an audience that need not be saved.
	People RawJSON `json:"people,omitempty" doc:"Only people of this definition of an audience, of now."`

	From     string `json:"from,omitempty" doc:"At or after: a day of the time zone (2026-03-01) or RFC 3339."`
	Until    string `json:"until,omitempty" doc:"Before, likewise. Empty: now."`
	Last     string `json:"last,omitempty" doc:"Instead of from: 24h, 30d, 12w; rolling, back from until."`
	TimeZone string `json:"time_zone,omitempty" doc:"Of days, weeks, months: Asia/Bangkok. Empty: UTC."`
	Currency string `json:"currency,omitempty" doc:"Of money, by fx_rates of the day. Empty: the configured base currency."`

	Order   string `json:"order,omitempty" doc:"Of metric: a column, - before it for the largest first. Empty: time, else the first measure, the largest first."`
	Limit   int    `json:"limit,omitempty" minimum:"0" maximum:"10000" doc:"Rows of the answer; 0 is 100."`
	Compare bool   `json:"compare,omitempty" doc:"Of metric: beside each measure what it was in the span of the same length before, and the change in percent."`
	Total   bool   `json:"total,omitempty" doc:"Of metric: also each measure over everything, which for people is less than the sum of the rows."`

	Ahead int `json:"ahead,omitempty" minimum:"0" doc:"Of metric by day, week or month, and perhaps a dimension: also a forecast of so many periods to come, of the 20 groups of most; at most 366."`

	Steps  []Step `json:"steps,omitempty" maxItems:"10" doc:"Of funnel: in order. Of retention: what begins, and what counts as coming back. Of affinity: whose items are looked at."`
	Within string `json:"within,omitempty" doc:"Of funnel and paths: from the first step to the last, 30d when empty."`
	Grain  string `json:"grain,omitempty" enum:"day,week,month,quarter" doc:"Of retention: its periods, month when empty."`

	Label string `json:"label,omitempty" doc:"Of paths: the dimension of events that names a step, event when empty."`
	Start string `json:"start,omitempty" doc:"Of paths: the label that they begin at; empty: at the first event."`
	End   string `json:"end,omitempty" doc:"Of paths: the label that they lead to, instead of start."`
	Depth int    `json:"depth,omitempty" minimum:"0" maximum:"10" doc:"Of paths: steps behind the first, 4 when 0."`
	Nodes int    `json:"nodes,omitempty" minimum:"0" maximum:"50" doc:"Of paths: labels that a step shows, the rest is one; 8 when 0."`

	Item       string    `json:"item,omitempty" doc:"Of affinity: product (when empty), category, or another dimension of the rows."`
	Focus      string    `json:"focus,omitempty" doc:"Of affinity: pairs with this item alone."`
	Basket     string    `json:"basket,omitempty" enum:"order,customer" doc:"Of affinity: what holds items together; order when empty, customer for events."`
	MinSupport int       `json:"min_support,omitempty" minimum:"0" doc:"Of affinity: a pair is in so many baskets at least; 3 when 0. Of insight: so many of the people have it; 5 when 0."`
	Against    string    `json:"against,omitempty" maxLength:"64" doc:"Of insight: the audience that the people are compared with; everybody when empty."`
	Points     []float64 `json:"points,omitempty" maxItems:"100" doc:"Of concentration: percents of the customers; 1, 5, 10, 20, ... 100 when empty."`
	Ties       string    `json:"ties,omitempty" doc:"Of rfm: who comes first among equals, by the identifier of this namespace; empty: by profile id."`
}

// QuestionCell is a part of the answer to a question.
type QuestionCell struct {
	Question Question `json:"question" doc:"Without behind and who of its own."`
	Cell     Cell     `json:"cell" doc:"As the answer gives it."`
}

// Filter is a condition on a row: the same operators as in an audience's definition. A missing value fails every
// one but not_exists, ne, not_in and not_contains.
type Filter struct {
	Field string `json:"field" minLength:"1" maxLength:"256" doc:"A dimension."`
	Op    string `json:"op,omitempty" doc:"eq (when empty), ne, gt, gte, lt, lte, between, in, not_in, contains, not_contains, starts_with, ends_with, exists, not_exists, before, after."`
	Value any    `json:"value,omitempty" doc:"A text, number, true or false; a list for in, not_in and between."`
}

// Step is an event with a name, or a row of another table.
type Step struct {
	Event string   `json:"event,omitempty" maxLength:"256" doc:"The name of an event."`
	Table string   `json:"table,omitempty" doc:"Instead of an event: orders, order_lines, returns, conversations, messages, or events for any."`
	Where []Filter `json:"where,omitempty" maxItems:"20"`
	Name  string   `json:"name,omitempty" maxLength:"100" doc:"What the step is called; empty: the event or table."`
}

// Answer is a table: dimensions first, then measures. The people behind row i are asked for with Cells[i].
type Answer struct {
	Kind     string         `json:"kind"`
	Columns  []AnswerColumn `json:"columns"`
	Rows     [][]any        `json:"rows"`
	Cells    []Cell         `json:"cells" doc:"Of each row; null where nobody can be named."`
	Total    []any          `json:"total,omitempty" doc:"The measures over everything, in the order of the columns; dimensions are null."`
	Nodes    []PathNode     `json:"nodes,omitempty" doc:"Of paths and lifecycle."`
	Links    []PathLink     `json:"links,omitempty" doc:"Of paths and lifecycle."`
	Ahead    []Forecast     `json:"ahead,omitempty" doc:"What is to come, where it was asked for."`
	Cut      bool           `json:"cut" doc:"There are more rows than the limit."`
	From     Micros         `json:"from" doc:"The span that was looked at; empty: since ever."`
	Until    Micros         `json:"until"`
	TimeZone string         `json:"time_zone"`
	Currency string         `json:"currency"`
	SQL      []string       `json:"sql" doc:"What was run, to read and to go on from."`
	TookMS   int64          `json:"took_ms"`
}

// Forecast is what is to come of a measure, by the method that was nearest when each was tried at earlier ends of the same series.
type Forecast struct {
	Measure  string           `json:"measure"`
	Unit     string           `json:"unit,omitempty"`
	Cell     Cell             `json:"cell" doc:"The dimensions but the time."`
	Periods  []ForecastPeriod `json:"periods"`
	Method   string           `json:"method"`
	Error    float64          `json:"mae" doc:"Its mean error of a period in the trials."`
	Naive    string           `json:"naive" doc:"The season before, or where there is none the last period."`
	NaiveErr float64          `json:"naive_mae" doc:"Its mean error."`
	Trials   int              `json:"trials" doc:"Earlier ends that methods were tried at."`
	Held     float64          `json:"held" doc:"Share of later periods that an interval from the earlier trials held."`
	HeldOf   int              `json:"held_of" doc:"Of so many; 0: not known."`
	From     string           `json:"from" doc:"First day that it was learned from."`
	Until    string           `json:"until" doc:"The day behind the last."`
}

// ForecastPeriod is one of the periods to come.
type ForecastPeriod struct {
	From     string  `json:"from" doc:"Its first day."`
	Expected float64 `json:"expected"`
	Low      float64 `json:"low" doc:"Of the interval that is to hold it in 80 of 100 cases."`
	High     float64 `json:"high"`
}

// AnswerColumn is a column of an answer.
type AnswerColumn struct {
	Name string `json:"name"`
	Role string `json:"role" enum:"dimension,measure"`
	Unit string `json:"unit,omitempty" doc:"A currency, percent, seconds or days; empty: a plain number."`
}

// Cell names a part of an answer by its dimensions, and where it matters the measure, step or period. Values are
// texts, numbers and null.
type Cell map[string]any

// PathNode is a label at a step: how many people were there.
type PathNode struct {
	Step   int    `json:"step"`
	Label  string `json:"label"`
	People int64  `json:"people"`
	Cell   Cell   `json:"cell,omitempty"`
}

// PathLink is how many people went from a label of a step to one of the next.
type PathLink struct {
	Step   int    `json:"step"`
	From   string `json:"from"`
	To     string `json:"to"`
	People int64  `json:"people"`
	Cell   Cell   `json:"cell,omitempty"`
}

// BehindRequest asks for the people behind a cell of the question's answer.
type BehindRequest struct {
	Question Question `json:"question"`
	Cell     Cell     `json:"cell" doc:"As the answer gives it."`
	Limit    int      `json:"limit,omitempty" minimum:"0" maximum:"1000" doc:"0 is 50."`
	Cursor   string   `json:"cursor,omitempty" maxLength:"64"`
}

// Behind are the people behind a cell: how many, a page of them by id, and the query that gives them, which is also
// the definition of a SQL audience.
type Behind struct {
	Count int64       `json:"count"`
	Items []ProfileID `json:"items"`
	Next  string      `json:"next" doc:"Cursor of the next page; empty at the end."`
	SQL   string      `json:"sql" doc:"Gives profile_id, once each."`
}

// SegmentRequest makes an audience of the people behind a cell.
type SegmentRequest struct {
	Question    Question `json:"question"`
	Cell        Cell     `json:"cell" doc:"As the answer gives it."`
	Name        string   `json:"name" minLength:"1" maxLength:"64" doc:"Of the audience."`
	Description string   `json:"description,omitempty"`
	Draft       bool     `json:"-"` // it waits for approval
}

// ExploreFields is what questions can name.
type ExploreFields struct {
	Measures   []ExploreField `json:"measures"`
	Dimensions []ExploreField `json:"dimensions"`
	Tables     []ExploreTable `json:"tables"`
}

// ExploreField is a measure or dimension that has a name of its own.
type ExploreField struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// ExploreTable is a table whose rows are counted and summed, and the dimensions that it reaches.
type ExploreTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// ParseFilter reads a filter as people type it: country=TH, revenue>=100, page~/help (holds the text), size in S|M,
// coupon exists; != !~ > < <= likewise.
func ParseFilter(typed string) (Filter, error) {
	typed = strings.TrimSpace(typed)
	for word, op := range map[string]string{" exists": "exists", " not_exists": "not_exists"} {
		if field, ok := strings.CutSuffix(typed, word); ok && !strings.ContainsAny(field, "=<>~ ") {
			return Filter{Field: field, Op: op}, nil
		}
	}
	for _, op := range []string{" not_in ", " in "} {
		if field, rest, ok := strings.Cut(typed, op); ok && !strings.ContainsAny(field, "=<>~ ") {
			var values []any
			for v := range strings.SplitSeq(rest, "|") {
				values = append(values, strings.TrimSpace(v))
			}
			return Filter{Field: field, Op: strings.TrimSpace(op), Value: values}, nil
		}
	}
	at := strings.IndexAny(typed, "!=<>~")
	if at > 0 {
		for _, c := range []struct{ sign, op string }{{"!=", "ne"}, {"!~", "not_contains"}, {">=", "gte"}, {"<=", "lte"}, {"=", "eq"}, {">", "gt"}, {"<", "lt"}, {"~", "contains"}} {
			if rest, ok := strings.CutPrefix(typed[at:], c.sign); ok {
				return Filter{Field: strings.TrimSpace(typed[:at]), Op: c.op, Value: strings.TrimSpace(rest)}, nil
			}
		}
	}
	return Filter{}, Errorf(Invalid, "%q is no filter", typed).WithHint("write it like country=TH, revenue>=100, page~/help, size in S|M or coupon exists")
}

// ParseStep reads a step as people type it: the name of an event, or table:orders; conditions behind it in brackets,
// Product Viewed[category=tents and price>=100].
func ParseStep(typed string) (Step, error) {
	name, inside, filtered := strings.Cut(typed, "[")
	st := Step{Event: strings.TrimSpace(name)}
	if table, ok := strings.CutPrefix(st.Event, "table:"); ok {
		st = Step{Table: strings.TrimSpace(table)}
	}
	if !filtered {
		return st, nil
	}
	inside, ok := strings.CutSuffix(strings.TrimSpace(inside), "]")
	if !ok {
		return Step{}, Errorf(Invalid, "the bracket of %q does not end", typed).WithHint("write it like Product Viewed[category=tents]")
	}
	for part := range strings.SplitSeq(inside, " and ") {
		f, err := ParseFilter(part)
		if err != nil {
			return Step{}, err
		}
		st.Where = append(st.Where, f)
	}
	return st, nil
}
