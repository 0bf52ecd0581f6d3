package pgwire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"clientele"
	"clientele/internal/token"
)

// txStatus is what the protocol tells of the transaction.
type txStatus byte

const (
	idle    txStatus = 'I'
	inBlock txStatus = 'T'
	failed  txStatus = 'E'
)

// How much a client may keep here.
const (
	maxStatements = 1000
	maxPortals    = 64
)

// session is one client.
type session struct {
	s      *Server
	conn   net.Conn
	in     *bufio.Reader
	back   *pgproto3.Backend
	who    token.Principal
	secret string
	pid    uint32
	key    []byte

	vars       map[string]string // in lower case
	status     txStatus
	statements map[string]*statement
	portals    map[string]*portal
	skipping   bool // after an error, up to the client's Sync

	mu     sync.Mutex
	cancel context.CancelCauseFunc // of what runs now; nil = nothing
}

// interrupt ends what the session runs now.
func (c *session) interrupt(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel(why)
	}
}

func (c *session) running(cancel context.CancelCauseFunc) {
	c.mu.Lock()
	c.cancel = cancel
	c.mu.Unlock()
}

// loop answers messages until the client goes.
func (c *session) loop(ctx context.Context) {
	for {
		if ctx.Err() != nil {
			c.refuse(context.Cause(ctx), "")
			return
		}
		m, err := c.back.Receive()
		if err != nil {
			c.lost(ctx, err)
			return
		}
		if _, ends := m.(*pgproto3.Terminate); ends {
			return
		}
		if err := c.answer(ctx, m); err != nil {
			return
		}
	}
}

// lost says what was wrong with a message, where there was one.
func (c *session) lost(ctx context.Context, err error) {
	var large *pgproto3.ExceededMaxBodyLenErr
	switch {
	case ctx.Err() != nil:
		c.refuse(context.Cause(ctx), "")
	case errors.As(err, &large):
		c.refuse(faultf("54000", clientele.TooLarge, "a message has at most %d bytes", maxMessage), "")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
	default:
		var network net.Error
		if !errors.As(err, &network) {
			c.refuse(faultf("08P01", clientele.Invalid, "the message is not of the protocol"), "")
		}
	}
}

// answer answers one message. An error ends the connection.
func (c *session) answer(ctx context.Context, m pgproto3.FrontendMessage) error {
	switch m := m.(type) {
	case *pgproto3.Query:
		c.skipping = false
		if err := c.simple(ctx, m.String); ends(err) {
			return errors.Join(err, c.flush())
		}
		return c.ready()
	case *pgproto3.Sync:
		c.skipping = false
		if c.status == idle {
			c.closePortals()
		}
		return c.ready()
	case *pgproto3.Flush:
		return c.flush()
	}
	if c.skipping {
		return nil
	}
	var err error
	switch m := m.(type) {
	case *pgproto3.Parse:
		err = c.parse(ctx, m)
	case *pgproto3.Bind:
		err = c.bind(m)
	case *pgproto3.Describe:
		err = c.describe(m)
	case *pgproto3.Execute:
		err = c.execute(ctx, m)
	case *pgproto3.Close:
		c.close(m)
	default:
		err = faultf("0A000", clientele.Invalid, "only queries are answered here")
	}
	if err != nil {
		c.fail(err, 0)
		c.skipping = true
	}
	if ends(err) {
		return errors.Join(err, c.flush())
	}
	return nil
}

// ends says whether the connection ends with an error.
func ends(err error) bool {
	var own *fault
	return errors.As(err, &own) && own.fatal
}

// fail tells the client of an error.
func (c *session) fail(err error, offset int) {
	if clientele.ErrorCode(err) == clientele.Internal {
		c.s.log.Error("query over pg_listen", "error", err.Error(), "hint", clientele.ErrorHint(err), "pid", c.pid)
	}
	if c.status == inBlock {
		c.status = failed
	}
	c.back.Send(response(err, offset))
}

func (c *session) ready() error {
	c.back.Send(&pgproto3.ReadyForQuery{TxStatus: byte(c.status)})
	return c.flush()
}

func (c *session) flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.s.o.WriteTime)); err != nil {
		return err
	}
	return c.back.Flush()
}

// raw sends encoded messages behind those that wait.
func (c *session) raw(b []byte) error {
	if err := c.flush(); err != nil {
		return err
	}
	c.s.bytes.Add(uint64(len(b)))
	_, err := c.conn.Write(b)
	return err
}

// errGone is what a query ends with whose client has gone.
var errGone = faultf("08006", clientele.Unavailable, "the client has gone").end()

// watch looks for the client's going while a query runs, and ends the query then. The answer stops
// looking: until then nothing else may read.
func (c *session) watch(cancel context.CancelCauseFunc) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var network net.Error
		if _, err := c.in.Peek(1); err != nil && !(errors.As(err, &network) && network.Timeout()) {
			cancel(errGone)
		}
	}()
	return func() {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0))
		<-done
		_ = c.conn.SetReadDeadline(time.Time{})
	}
}

// simple answers a text of any number of statements, up to the first that fails.
func (c *session) simple(ctx context.Context, text string) error {
	texts, starts := split(text)
	if len(texts) == 0 {
		c.back.Send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	for i, t := range texts {
		if err := c.one(ctx, t); err != nil {
			c.fail(err, len([]rune(text[:starts[i]])))
			return err
		}
	}
	return nil
}

// one runs one statement of a simple query.
func (c *session) one(ctx context.Context, text string) error {
	st, err := c.statement(ctx, text)
	if err != nil {
		return err
	}
	p := &portal{statement: st, simple: true}
	defer p.close()
	return c.run(ctx, p, 0)
}

func (c *session) parse(ctx context.Context, m *pgproto3.Parse) error {
	if _, there := c.statements[m.Name]; there && m.Name != "" {
		return faultf("42P05", clientele.Conflict, "there is a prepared statement of that name")
	}
	if len(c.statements) >= maxStatements {
		return faultf("54000", clientele.TooLarge, "a connection keeps at most %d prepared statements", maxStatements)
	}
	texts, _ := split(m.Query)
	if len(texts) > 1 {
		return faultf("42601", clientele.Invalid, "a prepared statement is one statement")
	}
	text := m.Query
	if len(texts) == 0 {
		text = ""
	}
	st, err := c.statement(ctx, text)
	if err == nil {
		err = c.prepare(ctx, st, m.ParameterOIDs)
	}
	if err != nil {
		return err
	}
	c.statements[m.Name] = st
	c.back.Send(&pgproto3.ParseComplete{})
	return nil
}

func (c *session) bind(m *pgproto3.Bind) error {
	st, there := c.statements[m.PreparedStatement]
	switch {
	case !there:
		return faultf("26000", clientele.NotFound, "there is no prepared statement of that name")
	case len(m.Parameters) != len(st.params):
		return faultf("08P01", clientele.Invalid, "the statement has %d parameters, %d came", len(st.params), len(m.Parameters))
	case len(c.portals) >= maxPortals:
		return faultf("54000", clientele.TooLarge, "a connection keeps at most %d portals", maxPortals)
	}
	if old, there := c.portals[m.DestinationPortal]; there {
		if m.DestinationPortal != "" {
			return faultf("42P03", clientele.Conflict, "there is a portal of that name")
		}
		old.close()
	}
	p := &portal{statement: st}
	for i, raw := range m.Parameters {
		format, err := formatOf(m.ParameterFormatCodes, i, len(m.Parameters))
		if err != nil {
			return err
		}
		v, err := decode(st.types(), st.params[i], format, raw)
		if err != nil {
			return faultf("22P02", clientele.Invalid, "parameter $%d is not what its type says", i+1)
		}
		p.args = append(p.args, v)
	}
	for i := range st.columns {
		format, err := formatOf(m.ResultFormatCodes, i, len(st.columns))
		if err != nil {
			return err
		}
		p.formats = append(p.formats, format)
	}
	c.portals[m.DestinationPortal] = p
	c.back.Send(&pgproto3.BindComplete{})
	return nil
}

// formatOf is the format of the i-th of n values: none given is text, one is for all.
func formatOf(codes []int16, i, n int) (int16, error) {
	f := textFormat
	switch len(codes) {
	case 0:
	case 1:
		f = codes[0]
	default:
		if len(codes) != n {
			return 0, faultf("08P01", clientele.Invalid, "%d formats came for %d values", len(codes), n)
		}
		f = codes[i]
	}
	if f != textFormat && f != binaryFormat {
		return 0, faultf("08P01", clientele.Invalid, "there is no such format")
	}
	return f, nil
}

func (c *session) describe(m *pgproto3.Describe) error {
	var fields []pgproto3.FieldDescription
	switch m.ObjectType {
	case 'S':
		st, there := c.statements[m.Name]
		if !there {
			return faultf("26000", clientele.NotFound, "there is no prepared statement of that name")
		}
		c.back.Send(&pgproto3.ParameterDescription{ParameterOIDs: st.params})
		fields = st.fields(nil)
	case 'P':
		p, there := c.portals[m.Name]
		if !there {
			return faultf("34000", clientele.NotFound, "there is no portal of that name")
		}
		fields = p.statement.fields(p.formats)
	default:
		return faultf("08P01", clientele.Invalid, "only statements and portals are described")
	}
	if len(fields) == 0 {
		c.back.Send(&pgproto3.NoData{})
		return nil
	}
	c.back.Send(&pgproto3.RowDescription{Fields: fields})
	return nil
}

func (c *session) execute(ctx context.Context, m *pgproto3.Execute) error {
	p, there := c.portals[m.Portal]
	if !there {
		return faultf("34000", clientele.NotFound, "there is no portal of that name")
	}
	return c.run(ctx, p, int(m.MaxRows))
}

func (c *session) close(m *pgproto3.Close) {
	switch m.ObjectType {
	case 'S':
		delete(c.statements, m.Name)
	case 'P':
		c.closePortal(m.Name)
	}
	c.back.Send(&pgproto3.CloseComplete{})
}

func (c *session) closePortal(name string) bool {
	p, there := c.portals[name]
	if there {
		p.close()
		delete(c.portals, name)
	}
	return there
}

func (c *session) closePortals() {
	for name := range c.portals {
		c.closePortal(name)
	}
}

func (c *session) closeAll() {
	c.closePortals()
	clear(c.statements)
}
