package pgwire

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"clientele"
	"clientele/internal/sqlq"
)

// statement is a text that is known well enough to be run.
type statement struct {
	client string // as the client wrote it
	text   string // as the engine takes it; "" = nothing is to be done
	tokens []lexeme

	engine    Engine
	catalogue bool // the engine is the catalogue's

	local *command // the session's own; the engine is not asked
	ends  bool     // it ends a failed transaction

	params  []uint32 // types of the parameters, once prepared
	columns []clientele.QueryColumn
	scanner *pgtype.Map
}

func (st *statement) types() *pgtype.Map {
	if st.scanner == nil {
		st.scanner = pgtype.NewMap()
	}
	return st.scanner
}

func (st *statement) fields(formats []int16) []pgproto3.FieldDescription {
	return fieldsOf(st.columns, formats, st.text)
}

// statement finds out what a text is and who answers it.
func (c *session) statement(ctx context.Context, text string) (*statement, error) {
	st := &statement{client: text, tokens: lex(text)}
	if len(st.tokens) == 0 {
		return st, nil
	}
	var err error
	if st.local, err = c.command(st); err != nil || st.local != nil {
		if st.local != nil {
			st.ends, st.columns = st.local.ends, st.local.columns
		}
		return st, err
	}
	return st, c.route(ctx, st)
}

// route decides which engine answers, and says it in the engine's words.
func (c *session) route(ctx context.Context, st *statement) error {
	if asksCatalog(st.tokens) {
		if err := c.s.refresh(ctx); err != nil {
			return err
		}
		st.engine, st.catalogue = mixed{c.s.o.Catalogue, c.s.o.Tables}, true
		st.text = ofCatalog(st.client, st.tokens, c.s.catalogue.functions, c.who.Name, c.pid)
		return nil
	}
	tables := map[string]bool{}
	for _, t := range c.s.o.Tables() {
		tables[t.Name] = true
	}
	st.engine, st.text = c.s.o.Data, ofData(st.client, st.tokens, tables)
	return nil
}

// refresh has the catalogue know the tables as they are now.
func (s *Server) refresh(ctx context.Context) error {
	now := entries(s.o.Tables())
	s.catalogue.Lock()
	defer s.catalogue.Unlock()
	if now == s.catalogue.entries {
		return nil
	}
	if err := s.o.Catalogue.Replace(ctx, now); err != nil {
		return err
	}
	s.catalogue.entries = now
	return nil
}

// prepare finds the types of a statement's parameters and columns.
func (c *session) prepare(ctx context.Context, st *statement, declared []uint32) error {
	if st.local != nil || st.text == "" {
		return nil
	}
	said := hints(st.tokens)
	highest := len(declared)
	for _, t := range st.tokens {
		if t.kind == param {
			highest = max(highest, atoi(t.text))
		}
	}
	if highest > maxParams {
		return faultf("54000", clientele.TooLarge, "a statement has at most %d parameters", maxParams)
	}
	names := make([]string, highest)
	for i := range names {
		if i < len(declared) {
			names[i] = engineType(declared[i])
		}
		if names[i] == "" {
			names[i] = said[i+1]
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.running(cancel)
	defer c.running(nil)
	columns, params, err := st.engine.Describe(ctx, st.text, names)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errCancelled) {
			return cause
		}
		return err
	}
	st.columns = columns
	for i, p := range params {
		oid := parameterOID(p)
		if i < len(declared) && declared[i] != 0 && declared[i] != pgtype.UnknownOID {
			oid = declared[i]
		}
		st.params = append(st.params, oid)
	}
	return nil
}

const maxParams = 1000

// mixed says of a table of the contract in a text about the catalogue why it is not there.
type mixed struct {
	Catalogue
	tables func() []clientele.QueryTable
}

func (m mixed) explain(err error) error {
	var placed *sqlq.Fault
	if errors.As(err, &placed) { // in a text that is not quite the client's
		err = &sqlq.Fault{State: placed.State, Err: placed.Err}
	}
	if err == nil || !strings.Contains(err.Error(), "there is no table ") {
		return err
	}
	for _, t := range m.tables() {
		if strings.Contains(err.Error(), `"`+t.Name+`"`) || strings.Contains(err.Error(), `"public.`+t.Name+`"`) {
			return &fault{state: "0A000", err: clientele.Errorf(clientele.Invalid, "the table %s and PostgreSQL's catalogue cannot be asked in one query", t.Name).
				WithHint("ask for them one after the other")}
		}
	}
	return err
}

func (m mixed) Describe(ctx context.Context, text string, declared []string) ([]clientele.QueryColumn, []string, error) {
	columns, params, err := m.Catalogue.Describe(ctx, text, declared)
	return columns, params, m.explain(err)
}

func (m mixed) Stream(ctx context.Context, text string, params []any, head func([]clientele.QueryColumn) error, row func([]any) error) (bool, error) {
	cut, err := m.Catalogue.Stream(ctx, text, params, head, row)
	return cut, m.explain(err)
}
