package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/token"

	"github.com/danielgtaylor/huma/v2"
)

// QueryRequest is one SELECT over the SQL schema.
type QueryRequest struct {
	SQL     string `json:"sql" minLength:"1" maxLength:"100000"`
	Params  []any  `json:"params,omitempty" maxItems:"1000" doc:"Values of $1, $2, ... in sql."`
	MaxRows int    `json:"max_rows,omitempty" minimum:"0" doc:"0, or above the server's limit: the server's limit."`
}

type queryOutput struct {
	ContentType string `header:"Content-Type"`
	Cut         string `header:"X-Cut" doc:"true when there were more rows than the limit (CSV only)."`
	Body        any
}

const csvType = "text/csv; charset=utf-8"

func (a *API) queryRoutes() {
	result := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[clientele.QueryResult](), true, "QueryResult")
	type queryInput struct {
		Accept string `header:"Accept" doc:"text/csv answers with CSV, anything else with JSON."`
		Body   QueryRequest
	}
	route(a, operation{id: "query", method: http.MethodPost, path: "/api/v1/query", scope: token.Read,
		tag: "query", summary: "Run one SELECT", timeout: a.o.QueryTimeout,
		responses: map[string]*huma.Response{"200": {Description: "The rows.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: result},
			"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}},
		}}}},
		func(ctx context.Context, in *queryInput) (*queryOutput, error) {
			rows := a.o.QueryMaxRows
			if n := in.Body.MaxRows; n > 0 && n < rows {
				rows = n
			}
			ask := a.o.Query.Query
			if p := principalOf(ctx); p.Role != "" && p.Role.MaskedSQL() {
				ask = a.o.Query.QueryMasked
			}
			r, err := ask(ctx, in.Body.SQL, in.Body.Params, rows)
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(strings.TrimSpace(in.Accept), "text/csv") {
				r.Columns, r.Rows = list(r.Columns), list(r.Rows)
				return &queryOutput{Body: r}, nil
			}
			b, err := csvOf(r)
			if err != nil {
				return nil, err
			}
			return &queryOutput{ContentType: csvType, Cut: strconv.FormatBool(r.Cut), Body: b}, nil
		})
}

// csvOf is the answer as CSV with a header line. Null is an empty field.
func csvOf(r *clientele.QueryResult) ([]byte, error) {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	line := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		line[i] = c.Name
	}
	// Writing to memory fails never; Flush tells if it did.
	_ = w.Write(line)
	for _, row := range r.Rows {
		line = line[:0]
		for _, v := range row {
			text, err := Text(v)
			if err != nil {
				return nil, err
			}
			line = append(line, text)
		}
		_ = w.Write(line)
	}
	if w.Flush(); w.Error() != nil {
		return nil, clientele.Errorf(clientele.Internal, "csv: %w", w.Error())
	}
	return buf.Bytes(), nil
}

// Text is a value of a query's answer as text; "" for null, JSON for lists and objects.
func Text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", clientele.Errorf(clientele.Internal, "value: %w", err)
	}
	return string(b), nil
}
