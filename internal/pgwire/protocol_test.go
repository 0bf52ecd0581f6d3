package pgwire_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"clientele/internal/pgwire"
	"clientele/internal/store/duckstore"
)

// wire speaks the protocol message by message, as JDBC does: many at once, rows in portions.
type wire struct {
	t    testing.TB
	conn net.Conn
	*pgproto3.Frontend
}

func (e *endpoint) wire(t testing.TB) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", e.address)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	w := &wire{t, conn, pgproto3.NewFrontend(conn, conn)}
	w.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "u", "TimeZone": "Europe/Berlin", "application_name": "test"}})
	must(t, w.Flush())
	w.Send(&pgproto3.PasswordMessage{Password: e.read})
	if got := w.until("ReadyForQuery"); !strings.Contains(got, "TimeZone=UTC") || !strings.Contains(got, "application_name=test") {
		t.Fatal(got)
	}
	return w
}

// until sends what waits, and tells the answers up to one of a kind.
func (w *wire) until(kind string) string {
	w.t.Helper()
	must(w.t, w.Flush())
	var out []string
	for {
		m, err := w.Receive()
		if err != nil {
			return strings.Join(append(out, err.Error()), " ")
		}
		said := strings.TrimPrefix(typeName(m), "*pgproto3.")
		switch m := m.(type) {
		case *pgproto3.ParameterStatus:
			said = m.Name + "=" + m.Value
		case *pgproto3.DataRow:
			said = "row"
			for _, v := range m.Values {
				said += ":" + string(v)
			}
		case *pgproto3.CommandComplete:
			said = string(m.CommandTag)
		case *pgproto3.ErrorResponse:
			said = "error " + m.Code
		case *pgproto3.ReadyForQuery:
			said += ":" + string(m.TxStatus)
		case *pgproto3.NoticeResponse:
			said = "notice " + m.Code
		}
		out = append(out, said)
		if strings.HasPrefix(said, kind) {
			return strings.Join(out, " ")
		}
	}
}

func TestPortals(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	w := e.wire(t)
	for _, step := range []struct {
		send []pgproto3.FrontendMessage
		want string
	}{
		// Rows in portions, in a transaction.
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "BEGIN"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Parse{Name: "s", Query: "select range from range(5)"},
			&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s"}, &pgproto3.Describe{ObjectType: 'P', Name: "p"}, &pgproto3.Execute{Portal: "p", MaxRows: 2}, &pgproto3.Sync{}},
			"ParseComplete BindComplete BEGIN ParseComplete BindComplete RowDescription row:0 row:1 PortalSuspended ReadyForQuery:T"},
		{[]pgproto3.FrontendMessage{&pgproto3.Execute{Portal: "p", MaxRows: 2}, &pgproto3.Execute{Portal: "p", MaxRows: 2}, &pgproto3.Execute{Portal: "p"}, &pgproto3.Sync{}},
			"row:2 row:3 PortalSuspended row:4 SELECT 1 SELECT 0 ReadyForQuery:T"},
		// A portal ends with its transaction; a statement stays.
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "commit"}, &pgproto3.Execute{Portal: "p"}, &pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Sync{}},
			"COMMIT ReadyForQuery:I error 34000 ReadyForQuery:I"},
		// After an error everything is passed over, up to Sync.
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "select nope"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}, &pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Sync{}},
			"error 42703 ReadyForQuery:I BindComplete row:0 PortalSuspended ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Name: "s", Query: "select 1"}, &pgproto3.Sync{}}, "error 42P05 ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Sync{}}, "CloseComplete error 26000 ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "select 1; select 2"}, &pgproto3.Sync{}}, "error 42601 ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: " -- nothing"}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}},
			"ParseComplete BindComplete NoData EmptyQueryResponse ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "show transaction isolation level"}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}},
			"ParseComplete ParameterDescription RowDescription BindComplete row:repeatable read SHOW ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "select $1::bigint", ParameterOIDs: []uint32{23}}, &pgproto3.Bind{Parameters: [][]byte{[]byte("1"), []byte("2")}}, &pgproto3.Sync{}},
			"ParseComplete error 08P01 ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "select $1::bigint", ParameterOIDs: []uint32{23}}, &pgproto3.Bind{ParameterFormatCodes: []int16{1}, Parameters: [][]byte{{0, 0, 0, 9}}}, &pgproto3.Execute{}, &pgproto3.Flush{}, &pgproto3.Sync{}},
			"ParseComplete BindComplete row:9 SELECT 1 ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.FunctionCall{}, &pgproto3.Sync{}}, "error 0A000 ReadyForQuery:I"},
		// Statements about the session.
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "set time zone 'Asia/Tokyo'; set time zone 'UTC'; set extra_float_digits = 3; show extra_float_digits; reset all; discard all; deallocate all; unlisten *; savepoint a"}},
			"notice 01000 SET SET SET RowDescription row:3 SHOW RESET DISCARD ALL DEALLOCATE UNLISTEN SAVEPOINT ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "begin; select nope; select 1"}, &pgproto3.Query{String: "savepoint x"}, &pgproto3.Query{String: "rollback to savepoint x"}, &pgproto3.Query{String: "commit"}},
			"BEGIN error 42703 ReadyForQuery:E error 25P02 ReadyForQuery:E ROLLBACK ReadyForQuery:T COMMIT ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: ";;"}}, "EmptyQueryResponse ReadyForQuery:I"},
		// Cursors, as psql and ODBC use them.
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "declare c no scroll cursor for select range from range(3)"}}, "error 25P01 ReadyForQuery:I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "begin; declare c no scroll cursor for select range from range(3)"}, &pgproto3.Query{String: "fetch forward 2 from c"}, &pgproto3.Query{String: "fetch all in c"},
			&pgproto3.Query{String: "fetch c"}, &pgproto3.Query{String: "close c; fetch c"}, &pgproto3.Query{String: "rollback"}},
			"BEGIN DECLARE CURSOR ReadyForQuery:T RowDescription row:0 row:1 FETCH 2 ReadyForQuery:T RowDescription row:2 FETCH 1 ReadyForQuery:T RowDescription FETCH 0 ReadyForQuery:T CLOSE CURSOR error 34000 ReadyForQuery:E ROLLBACK ReadyForQuery:I"},
	} {
		syncs := 0
		for _, m := range step.send {
			w.Send(m)
			switch m.(type) {
			case *pgproto3.Sync, *pgproto3.Query:
				syncs++
			}
		}
		var got []string
		for range syncs {
			got = append(got, w.until("ReadyForQuery"))
		}
		if s := strings.Join(got, " "); s != step.want {
			t.Errorf("\n got %s\nwant %s", s, step.want)
		}
	}
}

// TestHeld: a client that takes some rows and then nothing for a while does not keep others from asking.
func TestHeld(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	for range 3 { // more than queries run at once
		w := e.wire(t)
		w.Send(&pgproto3.Query{String: "begin"})
		w.until("ReadyForQuery")
		w.Send(&pgproto3.Parse{Query: "select range, md5(range::varchar) from range(10000)"})
		w.Send(&pgproto3.Bind{DestinationPortal: "p"})
		w.Send(&pgproto3.Execute{Portal: "p", MaxRows: 1})
		w.Send(&pgproto3.Sync{})
		if got := w.until("ReadyForQuery"); !strings.Contains(got, "PortalSuspended") {
			t.Fatal(got)
		}
	}
	c := e.connect(t, "")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var n int64
	must(t, c.QueryRow(ctx, "select count(*) from events").Scan(&n))
}

// TestStop: clients are told that the server stops.
func TestStop(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	columns := e.columns
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	s := pgwire.New(pgwire.Options{Data: data{columns, duckstore.Limits{Time: time.Hour}}, Tables: columns.Tables, Tokens: e.tokens, MaxConnections: 3, Record: e.record})
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	e.address = ln.Addr().String()
	resting, working := e.wire(t), e.wire(t)
	working.Send(&pgproto3.Query{String: endless})
	must(t, working.Flush())
	within(t, func() bool { return strings.Contains(e.recorded(), "bi query") })
	stop()
	must(t, <-served)
	for _, w := range []*wire{resting, working} {
		if got := w.until("nothing"); !strings.Contains(got, "error 57P01") {
			t.Error(got)
		}
	}
}

// TestLoginTime: a connection that says nothing is closed.
func TestLoginTime(t *testing.T) {
	e := serve(t, duckstore.Limits{}, func(o *pgwire.Options) { o.LoginTime = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", e.address)
	must(t, err)
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	if n, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("%d bytes, %v", n, err)
	}
	must(t, conn.Close())
}
