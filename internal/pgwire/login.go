package pgwire

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"clientele"
	"clientele/internal/token"
)

// The longest message: before a client has shown who it is, and after. A text has at most 100 KB; what
// is beyond are parameters.
const (
	maxLogin   = 8 << 10
	maxMessage = 4 << 20
)

// tlsRecord is how TLS begins.
const tlsRecord = 0x16

// over makes the session speak over a connection.
func (c *session) over(conn net.Conn) {
	c.conn, c.in = conn, bufio.NewReader(conn)
	c.back = pgproto3.NewBackend(c.in, conn)
	c.back.SetMaxBodyLen(maxLogin)
}

// login brings a connection to where it may ask: TLS where there is one, the password, the place. It
// answers false when the connection is to be closed.
func (c *session) login(ctx context.Context) bool {
	_ = c.conn.SetDeadline(time.Now().Add(c.s.o.LoginTime)) // a connection that has none fails by itself
	c.over(c.conn)
	secure := false
	if first, err := c.in.Peek(1); err == nil && first[0] == tlsRecord && c.s.o.TLS != nil {
		if secure = c.encrypt(bufferedConn{c.conn, c.in}); !secure {
			return false
		}
	}
	for range 4 { // encryption of two kinds may be asked for first
		m, err := c.back.ReceiveStartupMessage()
		if err != nil {
			return false
		}
		switch m := m.(type) {
		case *pgproto3.SSLRequest:
			if c.s.o.TLS == nil || secure {
				_, err = c.conn.Write([]byte{'N'})
			} else if _, err = c.conn.Write([]byte{'S'}); err == nil {
				if secure = c.encrypt(c.conn); !secure {
					return false
				}
			}
		case *pgproto3.GSSEncRequest:
			_, err = c.conn.Write([]byte{'N'})
		case *pgproto3.CancelRequest:
			c.s.cancelQuery(m.ProcessID, m.SecretKey)
			return false
		case *pgproto3.StartupMessage:
			return c.begin(ctx, m, secure)
		}
		if err != nil {
			return false
		}
	}
	return false
}

// bufferedConn reads what was looked at already.
type bufferedConn struct {
	net.Conn
	in *bufio.Reader
}

func (b bufferedConn) Read(p []byte) (int, error) { return b.in.Read(p) }

func (c *session) encrypt(conn net.Conn) bool {
	config := c.s.o.TLS.Clone()
	config.NextProtos = []string{"postgresql"}
	t := tls.Server(conn, config)
	if err := t.Handshake(); err != nil {
		c.s.log.Debug("TLS", "error", err.Error())
		return false
	}
	c.over(t)
	return true
}

// begin answers a startup message.
func (c *session) begin(ctx context.Context, m *pgproto3.StartupMessage, secure bool) bool {
	for name, value := range m.Parameters {
		if name != "user" && name != "database" {
			c.set(name, value)
		}
	}
	if c.s.o.TLS != nil && !secure {
		c.s.countLogin("tls")
		c.refuse(faultf("28000", clientele.Denied, "this server takes TLS connections only"), "connect with sslmode=require")
		return false
	}
	if host, _, err := net.SplitHostPort(c.conn.RemoteAddr().String()); err == nil && c.s.o.AllowAddress != nil && c.s.o.AllowAddress(host) > 0 {
		c.s.countLogin("rate")
		c.refuse(faultf("53300", clientele.Unavailable, "too many logins from this address"), "try again later")
		return false
	}
	c.back.Send(&pgproto3.AuthenticationCleartextPassword{})
	if c.back.Flush() != nil || c.back.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return false
	}
	password, err := c.back.Receive()
	if err != nil {
		return false
	}
	p, ok := password.(*pgproto3.PasswordMessage)
	if !ok {
		c.refuse(faultf("08P01", clientele.Invalid, "a password was expected"), "")
		return false
	}
	c.secret = p.Password
	if err := c.authorise(ctx); err != nil {
		c.refuse(err, clientele.ErrorHint(err))
		return false
	}
	if !c.s.enter(c) {
		c.s.countLogin("connections")
		c.refuse(faultf("53300", clientele.Unavailable, "%d clients are connected already", c.s.o.MaxConnections), "raise pg_connections, or let the pool of the client keep fewer connections")
		return false
	}
	c.s.countLogin("ok")
	return c.greet(m.ProtocolVersion)
}

// authorise finds out who the password stands for, and whether they may read.
func (c *session) authorise(ctx context.Context) error {
	p, err := c.s.o.Tokens.Check(ctx, c.secret)
	if err != nil {
		c.s.countLogin("password")
		f := faultf("28P01", clientele.Unknown, "the password is not a token of this server")
		f.err = clientele.Errorf(clientele.Unknown, "%s", f.Error()).WithHint("make one with: clientele token create NAME --scope read; any user name will do")
		return f
	}
	c.who = p
	if !p.May(token.Read) {
		c.s.countLogin("scope")
		f := &fault{state: "28000", err: clientele.Errorf(clientele.Denied, "the token lacks the scope read").WithHint("make one with: clientele token create NAME --scope read")}
		return errors.Join(c.s.record(p.Name, "pg-login", "", f), f)
	}
	return c.s.record(p.Name, "pg-login", "", nil)
}

func (s *Server) record(by, act, sql string, err error) error {
	if s.o.Record == nil {
		return nil
	}
	return s.o.Record(by, act, sql, err)
}

// refuse tells why the connection ends.
func (c *session) refuse(err error, hint string) {
	r := response(err, 0)
	r.Severity, r.SeverityUnlocalized, r.Hint = "FATAL", "FATAL", hint
	c.back.Send(r)
	_ = c.back.Flush() // the connection is closed in any case
}

// greet says that the login was right and what the session is like.
func (c *session) greet(version uint32) bool {
	c.key = make([]byte, 4)
	if version >= pgproto3.ProtocolVersion32 {
		c.key = make([]byte, 32)
	}
	rand.Read(c.key) // never fails: it ends the program instead
	c.back.Send(&pgproto3.AuthenticationOk{})
	for _, name := range []string{"server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone", "IntervalStyle", "integer_datetimes", "standard_conforming_strings",
		"default_transaction_read_only", "in_hot_standby", "is_superuser", "application_name", "session_authorization"} {
		value, _ := c.get(name)
		c.back.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	c.back.Send(&pgproto3.BackendKeyData{ProcessID: c.pid, SecretKey: c.key})
	c.back.Send(&pgproto3.ReadyForQuery{TxStatus: byte(c.status)})
	c.back.SetMaxBodyLen(maxMessage)
	return c.flush() == nil && c.conn.SetDeadline(time.Time{}) == nil
}
