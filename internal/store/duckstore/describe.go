package duckstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
	"clientele/internal/sqlq"
)

// Describe answers what columns a text would give, and of which types its parameters are, without running it.
// declared are the types that the caller knows already, "" for the others; the answer has "varchar" where
// nothing says what a parameter is.
func (s *Store) Describe(ctx context.Context, text string, declared []string) (columns []clientele.QueryColumn, params []string, err error) {
	if err := sqlq.CheckText(text); err != nil {
		return nil, nil, err
	}
	limits := Limits{}.orDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	err = s.reading(ctx, func(conn *sql.Conn) error {
		if err := s.gate(ctx, conn, text); err != nil {
			return err
		}
		columns, params, err = shape(ctx, conn, text, declared)
		return err
	})
	return columns, params, queryError(ctx, err, limits, text)
}

// shape finds the parameters' types and then, with a sample value for each, the columns: the engine
// knows no column as long as one parameter is open.
func shape(ctx context.Context, conn *sql.Conn, text string, declared []string) ([]clientele.QueryColumn, []string, error) {
	inner := within(text)
	params, err := parameters(conn, "select * from "+inner+" limit 0", declared)
	if err != nil {
		return nil, nil, err
	}
	args := make([]any, len(params))
	for i, p := range params {
		args[i] = sample(p)
	}
	columns, _, err := describe(ctx, conn, "", inner, args)
	if err != nil && len(args) > 0 {
		var nulls error
		if columns, _, nulls = describe(ctx, conn, "", inner, make([]any, len(params))); nulls == nil {
			err = nil
		}
	}
	return columns, params, err
}

// parameters asks the engine for what is not declared.
func parameters(conn *sql.Conn, q string, declared []string) ([]string, error) {
	var out []string
	err := conn.Raw(func(c any) error {
		p, ok := c.(driver.ConnPrepareContext)
		if !ok {
			return clientele.Errorf(clientele.Internal, "query: the driver cannot prepare")
		}
		st, err := p.PrepareContext(context.Background(), q)
		if err != nil {
			return err
		}
		stmt, ok := st.(*duckdb.Stmt)
		if !ok {
			return errors.Join(clientele.Errorf(clientele.Internal, "query: the driver prepares otherwise"), st.Close())
		}
		for i := range max(stmt.NumInput(), 0) {
			name := "varchar"
			if i < len(declared) && declared[i] != "" {
				name = declared[i]
			} else if t, err := stmt.ParamType(i + 1); err == nil {
				if n, known := parameterTypes[t]; known {
					name = n
				}
			}
			out = append(out, name)
		}
		return stmt.Close()
	})
	return out, err
}

var parameterTypes = map[duckdb.Type]string{
	duckdb.TYPE_BOOLEAN: "boolean", duckdb.TYPE_TINYINT: "bigint", duckdb.TYPE_SMALLINT: "bigint", duckdb.TYPE_INTEGER: "bigint", duckdb.TYPE_BIGINT: "bigint",
	duckdb.TYPE_UTINYINT: "bigint", duckdb.TYPE_USMALLINT: "bigint", duckdb.TYPE_UINTEGER: "bigint", duckdb.TYPE_UBIGINT: "bigint", duckdb.TYPE_HUGEINT: "bigint",
	duckdb.TYPE_FLOAT: "double", duckdb.TYPE_DOUBLE: "double", duckdb.TYPE_DECIMAL: "decimal", duckdb.TYPE_DATE: "date",
	duckdb.TYPE_TIMESTAMP: "timestamp", duckdb.TYPE_TIMESTAMP_S: "timestamp", duckdb.TYPE_TIMESTAMP_MS: "timestamp", duckdb.TYPE_TIMESTAMP_NS: "timestamp",
	duckdb.TYPE_TIMESTAMP_TZ: "timestamp with time zone",
}

func sample(typ string) any {
	switch typ {
	case "bigint":
		return int64(1)
	case "double", "decimal":
		return 1.5
	case "boolean":
		return true
	case "date", "timestamp", "timestamp with time zone":
		return time.Unix(0, 0).UTC()
	case "varchar[]":
		return []string{}
	case "bigint[]":
		return []int64{}
	case "double[]":
		return []float64{}
	}
	return ""
}

// within is a text as a source of rows in a query of ours. It begins on a line of its own.
func within(text string) string { return "(\n" + strings.TrimRight(text, "; \t\r\n") + "\n) q" }

// fault adds to an error of the engine where in the text it is and which SQLSTATE it has.
func fault(err error, d *duckdb.Error, text string) error {
	return &sqlq.Fault{State: sqlState(d), Position: sqlq.Character(text, place(d.Msg, text)), Err: err}
}

// place is the byte of a text, which stood within a query of ours, that a message of the engine points
// to: it quotes the line, cut at both ends when it is long, and puts a caret below. -1 when it does not.
func place(message, text string) int {
	_, tail, found := strings.Cut(message, "\nLINE ")
	if !found {
		return -1
	}
	quoted, below, found := strings.Cut(tail, "\n")
	number, excerpt, ok := strings.Cut(quoted, ": ")
	n, err := strconv.Atoi(number)
	caret := strings.IndexByte(below, '^')
	if !found || !ok || err != nil || caret < 0 {
		return -1
	}
	caret -= len(fmt.Sprintf("LINE %d: ", n))
	if rest, cut := strings.CutPrefix(excerpt, "..."); cut {
		excerpt, caret = rest, caret-3
	}
	excerpt = strings.TrimSuffix(excerpt, "...")
	lines := strings.SplitAfter(text, "\n")
	if n-2 < 0 || n-2 >= len(lines) || caret < 0 { // the first line is ours
		return -1
	}
	in := strings.Index(lines[n-2], strings.TrimRight(excerpt, " \r"))
	if in < 0 {
		return -1
	}
	at := in + columns(excerpt, caret)
	for _, l := range lines[:n-2] {
		at += len(l)
	}
	return at
}

// columns is how many bytes of a text take up n columns on a terminal, as the engine counts them for its caret.
func columns(s string, n int) int {
	for i, r := range s {
		if n <= 0 {
			return i
		}
		n--
		if r >= 0x1100 { // East Asian characters take up two
			n--
		}
	}
	return len(s)
}

// sqlState is PostgreSQL's name for an error.
func sqlState(d *duckdb.Error) string {
	says := func(s string) bool { return strings.Contains(d.Msg, s) }
	switch d.Type {
	case duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax:
		return "42601"
	case duckdb.ErrorTypeCatalog:
		switch {
		case says("Table with name"):
			return "42P01"
		case says("Function with name"):
			return "42883"
		}
		return "42704"
	case duckdb.ErrorTypeBinder:
		switch {
		case says("Referenced table"):
			return "42P01"
		case says("Referenced column"), says("does not have a column"):
			return "42703"
		case says("Ambiguous reference"):
			return "42702"
		case says("GROUP BY"):
			return "42803"
		case says("No function matches"):
			return "42883"
		case says("Cannot compare"):
			return "42804"
		}
		return "42000"
	case duckdb.ErrorTypeConversion:
		return "22P02"
	case duckdb.ErrorTypeOutOfRange:
		return "22003"
	case duckdb.ErrorTypeOutOfMemory:
		return "53200"
	case duckdb.ErrorTypeInterrupt:
		return "57014"
	case duckdb.ErrorTypeNotImplemented:
		return "0A000"
	case duckdb.ErrorTypeFatal, duckdb.ErrorTypeInternal, duckdb.ErrorTypeIO:
		return "58000"
	}
	return "22000"
}

// Tables are the contract's tables as they are now, promoted columns included, with the types that
// queries give them.
func (s *Store) Tables() []clientele.QueryTable {
	s.mu.RLock()
	promoted := s.promoted
	s.mu.RUnlock()
	var out []clientele.QueryTable
	for _, t := range clientele.Schema {
		table := clientele.QueryTable{Name: t.Name}
		for _, c := range viewColumns(t, promoted[t.Name], s.o.BaseCurrency) {
			typ := sqlType(c.typ)
			if typ == "timestamptz" {
				typ = "timestamp with time zone"
			}
			table.Columns = append(table.Columns, clientele.QueryColumn{Name: c.name, Type: typ})
		}
		out = append(out, table)
	}
	return out
}
