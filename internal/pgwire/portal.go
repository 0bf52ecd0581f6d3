package pgwire

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"clientele"
)

// portal is a statement with its parameters, and its rows as far as they have come.
type portal struct {
	statement *statement
	args      []any
	formats   []int16 // of the columns
	simple    bool    // of a simple query: the columns are told with the rows
	rows      *stream // nil = not begun
	ended     bool
}

// close ends a query that still runs.
func (p *portal) close() {
	if p.rows != nil {
		p.rows.cancel(nil)
		<-p.rows.done
	}
	p.ended = true
}

// batch are encoded rows, and where each ends.
type batch struct {
	data []byte
	ends []int
}

// How much of an answer waits for its client, so that the query has done its work and gives its place to
// others: batches, and bytes of one.
const (
	maxBatches = 64
	batchBytes = 64 << 10
)

// stream is a query that runs in a goroutine of its own.
type stream struct {
	cancel  context.CancelCauseFunc
	ctx     context.Context
	heads   chan []clientele.QueryColumn // one, or closed
	batches chan batch
	done    chan struct{}
	// Of the query, when batches is closed:
	cut bool
	err error

	rest  batch // of a batch that was taken in part
	total int
}

// begin starts a query. encoders are asked for when the columns are known.
func begin(ctx context.Context, e Engine, text string, args []any, encoders func([]clientele.QueryColumn) ([]*encoder, error)) *stream {
	ctx, cancel := context.WithCancelCause(ctx)
	r := &stream{ctx: ctx, cancel: cancel, heads: make(chan []clientele.QueryColumn, 1), batches: make(chan batch, maxBatches), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer close(r.batches)
		defer close(r.heads)
		defer func() {
			if fault := recover(); fault != nil {
				r.err = clientele.Errorf(clientele.Internal, "query: %v", fault)
			}
		}()
		r.cut, r.err = r.produce(e, text, args, encoders)
		if cause := context.Cause(ctx); r.err != nil && cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
			r.err = cause
		}
	}()
	return r
}

func (r *stream) produce(e Engine, text string, args []any, encoders func([]clientele.QueryColumn) ([]*encoder, error)) (cut bool, err error) {
	var cells []*encoder
	var b batch
	send := func() error {
		select {
		case r.batches <- b:
			b = batch{}
			return nil
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
	cut, err = e.Stream(r.ctx, text, args, func(columns []clientele.QueryColumn) error {
		var err error
		if cells, err = encoders(columns); err == nil {
			r.heads <- columns
		}
		return err
	}, func(row []any) error {
		var err error
		if b.data, err = appendRow(b.data, cells, row); err != nil {
			return err
		}
		b.ends = append(b.ends, len(b.data))
		if len(b.data) >= batchBytes {
			return send()
		}
		return nil
	})
	if err == nil && len(b.ends) > 0 {
		err = send()
	}
	return cut, err
}

// appendRow adds a DataRow message.
func appendRow(b []byte, cells []*encoder, row []any) ([]byte, error) {
	if len(row) != len(cells) {
		return b, changed(nil)
	}
	start := len(b)
	b = append(b, 'D', 0, 0, 0, 0, byte(len(row)>>8), byte(len(row)))
	for i, v := range row {
		at := len(b)
		b = append(b, 0xff, 0xff, 0xff, 0xff) // null
		if v == nil {
			continue
		}
		var err error
		if b, err = cells[i].append(b, v); err != nil {
			return b, err
		}
		put32(b[at:], len(b)-at-4)
	}
	put32(b[start+1:], len(b)-start-1)
	return b, nil
}

func put32(b []byte, n int) {
	b[0], b[1], b[2], b[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
}

// take hands on up to n rows, all when n is 0. more says that there may be others.
func (r *stream) take(n int, write func([]byte) error) (taken int, more bool, err error) {
	for n == 0 || taken < n {
		if len(r.rest.ends) == 0 {
			b, open := <-r.batches
			if !open {
				<-r.done
				return taken, false, r.err
			}
			r.rest = b
		}
		have := len(r.rest.ends)
		if n > 0 && have > n-taken {
			have = n - taken
		}
		end := r.rest.ends[have-1]
		if err := write(r.rest.data[:end]); err != nil {
			return taken, false, errors.Join(errGone, err)
		}
		left := batch{data: r.rest.data[end:]}
		for _, e := range r.rest.ends[have:] {
			left.ends = append(left.ends, e-end)
		}
		r.rest = left
		taken += have
		r.total += have
	}
	return taken, true, nil
}

// run executes a portal for up to n rows, all when n is 0.
func (c *session) run(ctx context.Context, p *portal, n int) error {
	st := p.statement
	if c.status == failed && !st.ends {
		return faultf("25P02", clientele.Conflict, "the transaction has failed: its statements are passed over until its end")
	}
	if st.local != nil {
		return c.runLocal(ctx, p)
	}
	if st.text == "" {
		c.back.Send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	if p.ended {
		c.back.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 0")})
		return nil
	}
	if p.rows == nil {
		if err := c.start(ctx, p); err != nil {
			return err
		}
	}
	c.running(p.rows.cancel)
	defer c.running(nil)
	stop := c.watch(p.rows.cancel)
	defer stop()
	if p.simple {
		if columns, ok := <-p.rows.heads; ok {
			c.back.Send(&pgproto3.RowDescription{Fields: fieldsOf(columns, nil, st.text)})
		}
	}
	taken, more, err := p.rows.take(n, c.raw)
	c.s.rows.Add(uint64(taken))
	if more && err == nil {
		c.back.Send(&pgproto3.PortalSuspended{})
		return nil
	}
	p.ended = true
	if err == nil && p.rows.cut {
		err = &fault{state: "54000", err: clientele.Errorf(clientele.TooLarge, "the answer has more than %d rows: the rest is missing", p.rows.total).
			WithHint("ask for fewer rows with limit, sum them up, or raise query.max_rows")}
	}
	c.s.countQuery(outcome(err, p.rows.cut))
	if err != nil {
		return err
	}
	c.back.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT " + strconv.Itoa(taken))})
	return nil
}

func outcome(err error, cut bool) string {
	switch {
	case cut:
		return "cut"
	case errors.Is(err, errCancelled), errors.Is(err, errGone):
		return "cancelled"
	case err != nil:
		return "error"
	}
	return "ok"
}

// start begins a portal's query. A token may have been revoked since the login.
func (c *session) start(ctx context.Context, p *portal) error {
	st := p.statement
	if who, err := c.s.o.Tokens.Check(ctx, c.secret); err != nil || who.Name != c.who.Name {
		return faultf("57P01", clientele.Unknown, "the token of this connection was revoked").end()
	}
	recorded := func() error { return nil }
	if !st.catalogue {
		if c.s.o.Allow != nil && !c.who.Local {
			if wait := c.s.o.Allow(c.who.Name); wait > 0 {
				return &fault{state: "53400", err: clientele.Errorf(clientele.Unavailable, "the token has used up its rate").WithHint("try again in %s", wait.Round(time.Millisecond))}
			}
		}
		recorded = func() error { return c.s.record(c.who.Name, "query", st.client, nil) }
	}
	if limit := c.timeout(); limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, faultf("57014", clientele.TooLarge, "the query took longer than statement_timeout"))
		defer func() {
			rows := p.rows
			if rows == nil {
				stop()
				return
			}
			context.AfterFunc(rows.ctx, stop)
		}()
	}
	told := false
	p.rows = begin(ctx, st.engine, st.text, p.args, func(columns []clientele.QueryColumn) ([]*encoder, error) {
		told = true
		if err := recorded(); err != nil {
			return nil, err
		}
		if !p.simple && len(columns) != len(st.columns) {
			return nil, changed(nil)
		}
		types := pgtype.NewMap()
		var cells []*encoder
		for i, col := range columns {
			e := &encoder{typ: typeOf(col.Type), types: types}
			if !p.simple {
				// What was described is what is sent, whatever the parameters have made of it.
				e.typ, e.format = typeOf(st.columns[i].Type), p.formats[i]
			}
			cells = append(cells, e)
		}
		return cells, nil
	})
	if !st.catalogue {
		rows := p.rows
		go func() {
			<-rows.done
			rows.cancel(nil)
			if rows.err != nil {
				if err := c.s.record(c.who.Name, "query", st.client, rows.err); err != nil {
					c.s.log.Error("audit", "error", err.Error(), "told", told)
				}
			}
		}()
	}
	return nil
}

// fieldsOf describes columns.
func fieldsOf(columns []clientele.QueryColumn, formats []int16, text string) []pgproto3.FieldDescription {
	var out []pgproto3.FieldDescription
	for i, c := range columns {
		t := typeOf(c.Type)
		f := pgproto3.FieldDescription{Name: []byte(columnName(c.Name, text)), DataTypeOID: t.oid, DataTypeSize: t.size, TypeModifier: t.mod}
		if i < len(formats) {
			f.Format = formats[i]
		}
		out = append(out, f)
	}
	return out
}

func tagged(word string, n int) []byte { return fmt.Appendf(nil, "%s %d", word, n) }
