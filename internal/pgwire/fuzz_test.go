package pgwire_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"clientele"
	"clientele/internal/pgwire"
	"clientele/internal/token"
)

func typeName(v any) string { return fmt.Sprintf("%T", v) }

// echo is an engine that answers every text with a row.
type echo struct{}

func (echo) Replace(context.Context, string) error { return nil }

func (echo) Describe(_ context.Context, text string, declared []string) ([]clientele.QueryColumn, []string, error) {
	return []clientele.QueryColumn{{Name: "x", Type: "bigint"}}, declared, nil
}

func (echo) Stream(_ context.Context, text string, _ []any, head func([]clientele.QueryColumn) error, row func([]any) error) (bool, error) {
	if err := head([]clientele.QueryColumn{{Name: "x", Type: "bigint"}}); err != nil {
		return false, err
	}
	return false, row([]any{int64(len(text))})
}

type anyone struct{}

func (anyone) Check(context.Context, string) (token.Principal, error) {
	return token.Principal{Name: "x", Scopes: []token.Scope{token.Read}}, nil
}

// FuzzConnection: no bytes make the server fail, hang, or answer what is not of the protocol.
func FuzzConnection(f *testing.F) {
	encode := func(all ...pgproto3.FrontendMessage) []byte {
		var out []byte
		for _, m := range all {
			b, err := m.Encode(nil)
			must(f, err)
			out = append(out, b...)
		}
		return out
	}
	login := encode(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "u"}}, &pgproto3.PasswordMessage{Password: "x"})
	f.Add([]byte{})
	f.Add(encode(&pgproto3.SSLRequest{}, &pgproto3.GSSEncRequest{}))
	f.Add(encode(&pgproto3.CancelRequest{ProcessID: 1, SecretKey: []byte{1, 2, 3, 4}}))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add(append(bytes.Clone(login), encode(&pgproto3.Query{String: "select 1; begin; declare c cursor for select 2; fetch c; set a = 'b'; show x"})...))
	f.Add(append(bytes.Clone(login), encode(&pgproto3.Parse{Query: "select $1 from public.orders where a ~ 'x'", ParameterOIDs: []uint32{1700, 1231}}, &pgproto3.Bind{ParameterFormatCodes: []int16{1}, Parameters: [][]byte{{0, 1}, nil}, ResultFormatCodes: []int16{1}},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Close{ObjectType: 'P'}, &pgproto3.Sync{}, &pgproto3.Terminate{})...))
	f.Add(append(bytes.Clone(login), 'Q', 0xff, 0xff, 0xff, 0xff))
	f.Add(append(bytes.Clone(login), 'B', 0, 0, 0, 8, 0, 0, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, in []byte) {
		s := pgwire.New(pgwire.Options{Data: echo{}, Catalogue: echo{}, Tables: func() []clientele.QueryTable { return nil }, Tokens: anyone{}, MaxConnections: 1})
		ln := pipe{make(chan net.Conn, 1), make(chan struct{})}
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- s.Serve(ctx, ln) }()
		conn := &script{in: bytes.NewReader(in), closed: make(chan struct{})}
		ln.conns <- conn
		select {
		case <-conn.closed:
		case <-time.After(10 * time.Second):
			t.Fatal("the server waits for a client that has gone")
		}
		stop()
		must(t, <-served)
		for out := conn.out.Bytes(); len(out) > 0; {
			if out[0] == 'N' && (len(out) < 5 || binary.BigEndian.Uint32(out[1:]) > 1<<20) { // no TLS
				out = out[1:]
				continue
			}
			if len(out) < 5 {
				t.Fatalf("half a message: %x", out)
			}
			n := int(binary.BigEndian.Uint32(out[1:])) + 1
			if n < 5 || n > len(out) {
				t.Fatalf("a message of %d bytes of %d", n, len(out))
			}
			out = out[n:]
		}
	})
}

// script is a client that says what it has to say and goes.
type script struct {
	in     *bytes.Reader
	out    bytes.Buffer
	closed chan struct{}
}

func (s *script) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error)      { return s.out.Write(b) }
func (s *script) Close() error                     { close(s.closed); return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// pipe is a listener of connections in memory.
type pipe struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p pipe) Close() error   { close(p.ended); return nil }
func (p pipe) Addr() net.Addr { return &net.TCPAddr{} }

func sprint(v any) string { return fmt.Sprint(v) }

// FuzzText: what is done to texts before an engine sees them keeps them whole.
func FuzzText(f *testing.F) {
	for _, s := range []string{"select 'it''s', E'\\'', $a$x;y$a$ from \"public\".\"orders\" /* a /* b */ c */ -- d", "select ';'; select \"a;b\"; select $1::int8[]", "select x operator(pg_catalog.~) 'a' collate \"default\"", "'", "\"", "$", "/*", "e'\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if err := pgwire.CheckText(sql); err != nil {
			t.Error(err)
		}
	})
}
