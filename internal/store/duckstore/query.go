package duckstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
	"clientele/internal/sqlq"
)

// Limits bound a query. Zero values are the defaults: 10,000 rows, 64 MB, 60 seconds. A
// negative number of rows or bytes is no limit.
type Limits struct {
	Rows  int
	Bytes int64 // of the values as text
	Time  time.Duration
}

func (l Limits) orDefaults() Limits {
	if l.Rows == 0 {
		l.Rows = 10_000
	}
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Time <= 0 {
		l.Time = time.Minute
	}
	return l
}

// Query answers a user's SQL. The text passes the gate of package sqlq and runs in a read-only
// transaction. Beyond the row limit the answer is cut and says so; beyond the byte, time or
// memory limit the error is TooLarge. Errors of the SQL itself are Invalid.
func (s *Store) Query(ctx context.Context, text string, params []any, limits Limits) (*clientele.QueryResult, error) {
	begin := time.Now()
	res := &clientele.QueryResult{Rows: [][]any{}}
	cut, err := s.Stream(ctx, text, params, limits,
		func(columns []clientele.QueryColumn) error { res.Columns = columns; return nil },
		func(row []any) error { res.Rows = append(res.Rows, row); return nil })
	if err != nil {
		return nil, err
	}
	res.Cut, res.TookMS = cut, time.Since(begin).Milliseconds()
	return res, nil
}

// Stream is Query with a call for the columns and then one for each row, which it may keep.
// An error of theirs ends the query and is returned as it is.
func (s *Store) Stream(ctx context.Context, text string, params []any, limits Limits,
	head func([]clientele.QueryColumn) error, row func([]any) error) (cut bool, err error) {
	return s.stream(ctx, text, params, limits, "", head, row)
}

// stream has a WITH stand before the text, where tables are not to be read as they are.
func (s *Store) stream(ctx context.Context, text string, params []any, limits Limits, with string,
	head func([]clientele.QueryColumn) error, row func([]any) error) (cut bool, err error) {
	if err := sqlq.CheckText(text); err != nil {
		return false, err
	}
	limits = limits.orDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return false, clientele.Errorf(clientele.Unavailable, "query: too many queries run at the moment").WithHint("try again later")
	}
	err = s.reading(ctx, func(conn *sql.Conn) error {
		if err := judge(ctx, conn, text, sqlq.Rules{Views: s.views(), Bare: with != ""}); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "begin transaction read only"); err != nil {
			return err
		}
		cut, err = run(ctx, conn, with, text, params, limits, head, row)
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "rollback")
		return errors.Join(err, end)
	})
	return cut, queryError(ctx, err, limits, text)
}

// gate has the engine's parser make the tree and sqlq judge it.
func (s *Store) gate(ctx context.Context, conn *sql.Conn, text string) error {
	return judge(ctx, conn, text, sqlq.Rules{Views: s.views()})
}

func judge(ctx context.Context, conn *sql.Conn, text string, rules sqlq.Rules) error {
	var tree string
	if err := conn.QueryRowContext(ctx, "select cast(json_serialize_sql(cast($1 as varchar)) as varchar)", text).Scan(&tree); err != nil {
		return err
	}
	return sqlq.Place(sqlq.CheckFor([]byte(tree), rules), text)
}

// views are the contract's tables and how many columns each has.
func (s *Store) views() sqlq.Views {
	v := sqlq.Views{}
	for _, t := range clientele.Schema {
		v[t.Name] = len(t.Columns) + clientele.MaxPromoted
		if _, ok := jsonColumn(t.Name); !ok {
			v[t.Name] = len(t.Columns)
		}
	}
	return v
}

// run executes an accepted text. It stands inside a SELECT of ours that bounds its rows, since
// the driver holds a whole result before it gives the first row, and that gives JSON as text,
// which the driver would decode.
func run(ctx context.Context, conn *sql.Conn, with, text string, params []any, limits Limits,
	head func([]clientele.QueryColumn) error, row func([]any) error) (cut bool, err error) {
	inner := within(text)
	args, err := arguments(params)
	if err != nil {
		return false, err
	}
	columns, list, err := describe(ctx, conn, with, inner, args)
	if err != nil {
		return false, err
	}
	if err := head(columns); err != nil {
		return false, err
	}
	q := with + "select " + list + " from " + inner
	if limits.Rows > 0 {
		q += fmt.Sprintf(" limit %d", limits.Rows+1)
	}
	rows, err := conn.QueryContext(ctx, q, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	values := make([]any, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	var bytes int64
	for n := 0; rows.Next(); n++ {
		if limits.Rows > 0 && n == limits.Rows {
			return true, nil
		}
		if err := rows.Scan(targets...); err != nil {
			return false, err
		}
		out := make([]any, len(values))
		for i, v := range values {
			out[i] = normal(v, columns[i].Type)
			bytes += weight(out[i])
		}
		if limits.Bytes > 0 && bytes > limits.Bytes {
			return false, clientele.Errorf(clientele.TooLarge, "query: the answer is over %d MB", limits.Bytes>>20).
				WithHint("ask for fewer rows or columns, or export to a file")
		}
		if err := row(out); err != nil {
			return false, err
		}
	}
	return false, rows.Err()
}

// describe finds the columns of a query and the select list that gives them.
func describe(ctx context.Context, conn *sql.Conn, with, inner string, args []any) ([]clientele.QueryColumn, string, error) {
	rows, err := conn.QueryContext(ctx, with+"select * from "+inner+" limit 0", args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, "", err
	}
	var columns []clientele.QueryColumn
	var list []string
	for i, t := range types {
		name := typeName(t.DatabaseTypeName())
		columns = append(columns, clientele.QueryColumn{Name: t.Name(), Type: name})
		if name == "json" {
			list = append(list, fmt.Sprintf("cast(#%d as varchar)", i+1))
		} else {
			list = append(list, fmt.Sprintf("#%d", i+1))
		}
	}
	return columns, strings.Join(list, ", "), rows.Err()
}

// arguments types parameters that came as JSON: a whole number is an integer.
func arguments(params []any) ([]any, error) {
	out := make([]any, len(params))
	for i, p := range params {
		switch p := p.(type) {
		case float64:
			out[i] = p
			if p == math.Trunc(p) && math.Abs(p) <= 1<<53 {
				out[i] = int64(p)
			}
		case json.Number:
			if n, err := p.Int64(); err == nil {
				out[i] = n
			} else if f, err := p.Float64(); err == nil {
				out[i] = f
			} else {
				return nil, clientele.Errorf(clientele.Invalid, "query: parameter %d is not a number", i+1)
			}
		case []any:
			list, err := arguments(p)
			if err != nil {
				return nil, err
			}
			out[i] = sameType(list)
		case nil, bool, string, int, int64, time.Time, []string, []int64, []float64:
			out[i] = p
		default:
			return nil, clientele.Errorf(clientele.Invalid, "query: parameter %d has type %T", i+1, p).
				WithHint("parameters are numbers, texts, true, false, null and lists of those")
		}
	}
	return out, nil
}

// sameType makes a typed list, which binds where a list of anything might not.
func sameType(list []any) any {
	var texts []string
	var ints []int64
	for _, v := range list {
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case int64:
			ints = append(ints, v)
		}
	}
	switch len(list) {
	case len(texts):
		return texts
	case len(ints):
		return ints
	}
	return list
}

// queryError gives an error of the engine its code. What it quotes of the data or the text is
// left out of the message: messages reach logs.
func queryError(ctx context.Context, err error, limits Limits, text string) error {
	if err == nil {
		return nil
	}
	var placed *sqlq.Fault
	if errors.As(err, &placed) {
		return placed
	}
	var d *duckdb.Error
	found := coded(ctx, err, limits)
	if ctx.Err() == nil && errors.As(err, &d) {
		return fault(found, d, text)
	}
	return found
}

// coded is the error with its code.
func coded(ctx context.Context, err error, limits Limits) error {
	var known *clientele.Error
	var d *duckdb.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return clientele.Errorf(clientele.TooLarge, "query: it took longer than %s", limits.Time).
			WithHint("narrow it, for example by a range of ts")
	case ctx.Err() != nil:
		return clientele.Errorf(clientele.Unavailable, "query: %w", ctx.Err())
	case !errors.As(err, &d):
		return err
	}
	message, _, _ := strings.Cut(d.Msg, "\nLINE ")
	message = strings.TrimSpace(message)
	switch d.Type {
	case duckdb.ErrorTypeOutOfMemory:
		return clientele.Errorf(clientele.TooLarge, "query: it needs more memory than it may use").WithHint("narrow it, or group and sort less at once")
	case duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax, duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog, duckdb.ErrorTypeNotImplemented, duckdb.ErrorTypeParameterNotResolved:
		return clientele.Errorf(clientele.Invalid, "query: %s", message)
	case duckdb.ErrorTypeFatal: // also to those who read while a write ended the database
		return clientele.Errorf(clientele.Unavailable, "query: the column store failed and is opened anew").WithHint("try again")
	case duckdb.ErrorTypeInternal, duckdb.ErrorTypeIO:
		if strings.Contains(message, noSpace) {
			return clientele.Errorf(clientele.Unavailable, "query: the disk is full").WithHint("free some space on the disk of the data directory and try again")
		}
		return clientele.Errorf(clientele.Internal, "query: the column store failed").WithHint("%s", firstWords(message))
	}
	return clientele.Errorf(clientele.Invalid, "query: %s", unquote(message)).WithHint("try_cast gives null where cast fails")
}

func firstWords(s string) string {
	if s, _, _ = strings.Cut(s, ":"); len(s) > 40 {
		return s[:40]
	}
	return s
}

// unquote keeps the first line without what stands between its first and last quote: a value.
func unquote(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	first, last := strings.IndexAny(message, `'"`), strings.LastIndexAny(message, `'"`)
	if first < 0 || last == first {
		return message
	}
	return message[:first] + "…" + message[last+1:]
}
