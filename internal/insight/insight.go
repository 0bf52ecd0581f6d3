// Package insight is the explorer: it compiles questions (clientele.Question) to SQL over the contract's views and
// makes tables of what comes back. Each kind of question is one file with two functions: one makes the answer, the
// other the query for the people behind a cell of it. Both compile from the same parts, so that the people are as
// many as the cell says.
//
// catalog.go holds what can be named: tables with their dimensions, joins between them, and measures. source.go
// resolves a name on a table to SQL. Everything is written out as literals, so that a query can be read, run by hand
// and kept as the definition of a SQL audience.
package insight

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
	"clientele/internal/sqlq"
)

// Querier runs one SELECT over the contract's views and gives at most maxRows rows.
type Querier interface {
	Query(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error)
}

// Options are what the explorer works with.
type Options struct {
	Query    Querier
	Currency string           // the base currency, that of orders.revenue_base
	Now      func() time.Time // nil = time.Now
	Stages   func() ([]clientele.LifecycleStage, error)
	// Members is the query of an audience's definition, and Promoted the typed columns of a table.
	Members  func(ctx context.Context, where clientele.RawJSON) (string, error)
	Promoted func(ctx context.Context, table string) ([]clientele.Promotion, error)
	// Forecast carries a series on, with an interval of the level; nil: nothing is forecast. Invalid when the series is too short.
	Forecast func(series []float64, season, ahead int, level float64) (*clientele.Forecast, error)
}

// MaxRows is how many groups one query of a question may give, and MaxBehind how many people a page holds.
const (
	MaxRows     = 10_000
	MaxBehind   = 1_000
	defaultRows = 100
)

// Explorer answers questions.
type Explorer struct{ o Options }

// New makes an explorer.
func New(o Options) *Explorer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Stages == nil {
		o.Stages = func() ([]clientele.LifecycleStage, error) { return nil, nil }
	}
	return &Explorer{o}
}

// kind is one kind of question.
type kind struct {
	answer func(*asking) (*clientele.Answer, error)
	people func(*asking, clientele.Cell) (string, error)
	fields string // the fields of Question that belong to it, by their JSON names
}

func kinds() map[string]kind {
	return map[string]kind{
		"metric":        {answerMetric, peopleOfMetric, "measures by order limit compare total ahead"},
		"funnel":        {answerFunnel, peopleOfFunnel, "steps by within"},
		"retention":     {answerRetention, peopleOfRetention, "steps by grain"},
		"paths":         {answerPaths, peopleOfPaths, "label start end depth nodes within limit"},
		"rfm":           {answerRFM, peopleOfRFM, "by ties limit"},
		"concentration": {answerConcentration, peopleOfConcentration, "measures points"},
		"leaks":         {answerLeaks, peopleOfLeaks, ""},
		"lifecycle":     {answerLifecycle, peopleOfLifecycle, ""},
		"insight":       {answerInsight, peopleOfInsight, "against min_support limit"},
		"affinity":      {answerAffinity, peopleOfAffinity, "item focus basket min_support steps limit"},
	}
}

// Ask answers a question. Invalid names the field that is wrong and what to write instead; TooLarge when a limit of
// rows, time or memory is met.
func (e *Explorer) Ask(ctx context.Context, q clientele.Question) (*clientele.Answer, error) {
	begin := time.Now()
	a, k, err := e.asking(ctx, q)
	if err != nil {
		return nil, err
	}
	r, err := k.answer(a)
	if err != nil {
		return nil, err
	}
	r.Kind, r.From, r.Until, r.TimeZone, r.Currency, r.SQL = q.Kind, a.from, a.until, a.zone.String(), a.currency, a.ran
	if r.Rows == nil {
		r.Rows, r.Cells = [][]any{}, []clientele.Cell{}
	}
	r.TookMS = time.Since(begin).Milliseconds()
	return r, nil
}

// People are those behind a cell of the question's answer. Invalid when the cell is none of it.
func (e *Explorer) People(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	a, k, err := e.asking(ctx, req.Question)
	if err != nil {
		return nil, err
	}
	query, err := k.people(a, req.Cell)
	if err != nil {
		return nil, err
	}
	limit := req.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, MaxBehind)
	r := &clientele.Behind{SQL: query, Items: []clientele.ProfileID{}}
	count, err := a.query("select count(*) from (\n"+query+"\n) people", 1)
	if err != nil {
		return nil, err
	}
	r.Count, _ = count.Rows[0][0].(int64)
	after := ""
	if req.Cursor != "" {
		id, err := clientele.ParseProfileID(req.Cursor)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
		after = " where profile_id > " + strconv.FormatInt(int64(id), 10)
	}
	page, err := a.query("select profile_id from (\n"+query+"\n) people"+after+" order by profile_id", limit)
	if err != nil {
		return nil, err
	}
	for _, row := range page.Rows {
		if id, ok := row[0].(int64); ok {
			r.Items = append(r.Items, clientele.ProfileID(id))
		}
	}
	if page.Cut {
		r.Next = r.Items[len(r.Items)-1].String()
	}
	return r, nil
}

// asking is a question while it is answered.
type asking struct {
	*Explorer
	ctx      context.Context
	q        *clientele.Question
	zone     *time.Location
	currency string
	from     clientele.Micros // 0 = since ever
	until    clientele.Micros
	columns  map[string][]clientele.QueryColumn // by table
	members  string                             // the query of the question's definition
	ran      []string
}

func (e *Explorer) asking(ctx context.Context, q clientele.Question) (*asking, kind, error) {
	k, ok := kinds()[q.Kind]
	if !ok {
		return nil, kind{}, clientele.Errorf(clientele.Invalid, "kind: there is no kind of question %q", q.Kind).WithHint("metric, funnel, retention, paths, rfm, concentration, affinity, leaks, lifecycle or insight")
	}
	if err := belongs(&q, k.fields); err != nil {
		return nil, kind{}, err
	}
	a := &asking{Explorer: e, ctx: ctx, q: &q, columns: map[string][]clientele.QueryColumn{}}
	if err := a.span(); err != nil {
		return nil, kind{}, err
	}
	if err := a.money(); err != nil {
		return nil, kind{}, err
	}
	if err := a.behind(); err != nil {
		return nil, kind{}, err
	}
	if err := a.knownAudiences(); err != nil {
		return nil, kind{}, err
	}
	return a, k, a.knownPeople()
}

// behind puts the query of the people behind another answer's cell in the place of who.
func (a *asking) behind() error {
	b := a.q.Behind
	if b == nil {
		return nil
	}
	if a.q.Who != "" || b.Question.Behind != nil || b.Question.Who != "" {
		return clientele.Errorf(clientele.Invalid, "behind: it stands beside no who, and its question has neither who nor behind").WithHint("take the sql of the people behind a cell as who")
	}
	inner, k, err := a.asking(a.ctx, b.Question)
	if err == nil {
		a.q.Who, err = k.people(inner, b.Cell)
	}
	if err != nil {
		return clientele.Errorf(clientele.ErrorCode(err), "behind: %w", err).WithHint("%s", clientele.ErrorHint(err))
	}
	return nil
}

// query runs a text; it is kept for the answer.
func (a *asking) query(text string, rows int) (*clientele.QueryResult, error) {
	a.ran = append(a.ran, text)
	return a.o.Query.Query(a.ctx, text, nil, rows)
}

// columnsOf are the columns of a table, promoted ones included.
func (a *asking) columnsOf(table string) ([]clientele.QueryColumn, error) {
	if known, ok := a.columns[table]; ok {
		return known, nil
	}
	r, err := a.o.Query.Query(a.ctx, "select * from "+sqlq.Ident(table)+" limit 0", nil, 1)
	if err != nil {
		return nil, err
	}
	a.columns[table] = r.Columns
	return r.Columns, nil
}

// money checks the currency of the question against the known rates.
func (a *asking) money() error {
	a.currency = a.q.Currency
	if a.currency == "" || a.currency == a.o.Currency {
		a.currency = a.o.Currency
		return nil
	}
	r, err := a.o.Query.Query(a.ctx, "select distinct currency from fx_rates where currency is not null order by currency", nil, 1000)
	if err != nil {
		return err
	}
	var known []string
	for _, row := range r.Rows {
		name, _ := row[0].(string)
		known = append(known, name)
	}
	if slices.Contains(known, a.currency) {
		return nil
	}
	return clientele.Errorf(clientele.Invalid, "currency: there is no rate of %q", a.currency).WithHint("%s", choices(a.currency, append(known, a.o.Currency)))
}

// knownAudiences refuses the names of audiences that nobody was ever in: the answer would be of nobody, silently.
func (a *asking) knownAudiences() error {
	if a.q.Who != "" { // alone first: what is wrong with it is said of it
		if _, err := a.o.Query.Query(a.ctx, "select profile_id from (\n"+strings.TrimRight(a.q.Who, "; \t\r\n")+"\n) who limit 0", nil, 1); err != nil {
			return clientele.Errorf(clientele.ErrorCode(err), "who: %w", err).WithHint("%s", cmp.Or(clientele.ErrorHint(err), "who is one SELECT that gives profile_id"))
		}
	}
	names := slices.Concat(a.q.Audiences, a.q.NotAudiences)
	if a.q.Against != "" {
		names = append(names, a.q.Against)
	}
	if len(names) == 0 {
		return nil
	}
	known, err := a.names("select distinct audience from audience_members order by audience")
	if err != nil {
		return err
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return clientele.Errorf(clientele.Invalid, "audiences: nobody is or was in an audience %q", n).WithHint("%s", choices(n, known))
		}
	}
	return nil
}

// knownPeople compiles the question's definition.
func (a *asking) knownPeople() (err error) {
	if len(a.q.People) == 0 {
		return nil
	}
	if a.o.Members == nil {
		return clientele.Errorf(clientele.Invalid, "people: definitions are not known here")
	}
	if a.members, err = a.o.Members(a.ctx, a.q.People); err != nil {
		return clientele.Errorf(clientele.ErrorCode(err), "people: %w", err).WithHint("%s", clientele.ErrorHint(err))
	}
	return nil
}

// choices is a hint: the nearest of the names, or the first of them.
func choices(name string, names []string) string {
	if near := sqlq.NearestNames(name, names, 3); len(near) > 0 {
		return "did you mean " + list(near, "or") + "?"
	}
	if len(names) == 0 {
		return "there is none yet"
	}
	if len(names) > 40 {
		return "there are " + list(names[:40], "") + ", ..."
	}
	return "there are " + list(names, "and")
}

// Fields are what questions can name, with what the data holds now.
func (e *Explorer) Fields(ctx context.Context) (*clientele.ExploreFields, error) {
	a := &asking{Explorer: e, ctx: ctx, q: &clientele.Question{}, columns: map[string][]clientele.QueryColumn{}}
	r := &clientele.ExploreFields{}
	for _, name := range slices.Sorted(maps.Keys(measures)) {
		r.Measures = append(r.Measures, clientele.ExploreField{Name: name, Doc: measures[name].doc})
	}
	for _, t := range times {
		r.Dimensions = append(r.Dimensions, clientele.ExploreField{Name: t.name, Doc: t.doc})
	}
	for _, c := range common {
		r.Dimensions = append(r.Dimensions, clientele.ExploreField{Name: c.name, Doc: c.doc})
	}
	for _, name := range factNames() {
		s, err := a.source(name)
		if err != nil {
			return nil, err
		}
		columns, err := s.names()
		if err != nil {
			return nil, err
		}
		r.Tables = append(r.Tables, clientele.ExploreTable{Name: name, Columns: columns})
	}
	return r, nil
}
