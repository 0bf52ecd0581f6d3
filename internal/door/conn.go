package door

import (
	"container/list"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection of the server's.
type conn struct {
	net.Conn
	door    *Door
	writing atomic.Int64 // since when the client has not taken what is written, in nanoseconds since 1970; 0: it has
	gone    atomic.Bool  // closed by the door
	closing sync.Once

	// Of the door, under its lock.
	phase phase
	since time.Time     // in this phase
	at    *list.Element // nil when the door knows it no more
	bytes int64         // of its body in memory

	deadline sync.Mutex
	writeBy  time.Time // the server's own limit for writing; zero for none
}

// Write gives the client time by what it has to take. A server's limit for the whole answer would
// cut off whoever is far away, or would let one who reads nothing stay long.
func (c *conn) Write(b []byte) (int, error) {
	now := time.Now()
	by := now.Add(c.door.o.AnswerGrace + time.Duration(len(b))*time.Second/AnswerRate)
	c.deadline.Lock()
	if !c.writeBy.IsZero() && c.writeBy.Before(by) {
		by = c.writeBy
	}
	err := c.Conn.SetWriteDeadline(by)
	c.deadline.Unlock()
	if err != nil {
		return 0, err
	}
	c.writing.Store(now.UnixNano())
	n, err := c.Conn.Write(b)
	c.writing.Store(0)
	return n, err
}

// SetWriteDeadline sets the server's own limit.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.deadline.Lock()
	defer c.deadline.Unlock()
	c.writeBy = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both limits.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite lets the server end an answer before it closes, so that the client reads all of it.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// stuckAfter is how long a client may leave an answer unread before its connection is one of
// those that are closed for others.
const stuckAfter = 3 * time.Second

func (c *conn) stuck(now time.Time) bool {
	since := c.writing.Load()
	return since != 0 && now.UnixNano()-since > int64(stuckAfter)
}

// Close is the server's.
func (c *conn) Close() error {
	c.door.leave(c)
	return c.shut()
}

// abort is the door's; the server notices by the error of its next read or write.
func (c *conn) abort() {
	c.gone.Store(true)
	_ = c.shut() // nobody is left to tell
}

// giveUp ends the reading of the body: the handler answers that it was too slow, and the server closes.
func (c *conn) giveUp() {
	c.gone.Store(true)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
}

func (c *conn) shut() (err error) {
	c.closing.Do(func() { err = c.Conn.Close() })
	return err
}

// reader is a request's body on its way in.
type reader struct {
	io.ReadCloser
	conn  *conn
	began time.Time
	bytes int64
	until time.Time // the limit that is set
	over  bool
}

// extend sets until when the next bytes must be there.
func (r *reader) extend() {
	until := r.began.Add(r.conn.door.o.BodyGrace + time.Duration(r.bytes)*time.Second/BodyRate)
	if until.Sub(r.until) < time.Second {
		return // not worth a change
	}
	r.until = until
	_ = r.conn.Conn.SetReadDeadline(until) // fails when it is closed, and then the read says so
	if r.conn.gone.Load() {
		r.conn.giveUp() // it was given up meanwhile
	}
}

// Read reads on, and books what came.
func (r *reader) Read(p []byte) (int, error) {
	if r.over {
		return 0, io.EOF
	}
	if r.conn.gone.Load() {
		return 0, &slowError{errGone}
	}
	n, err := r.ReadCloser.Read(p)
	r.bytes += int64(n)
	r.conn.door.took(r.conn, n, err != nil)
	switch {
	case errors.Is(err, io.EOF):
		r.over = true
		// The limit was the body's: from now on the server only watches whether the client goes.
		_ = r.conn.Conn.SetReadDeadline(time.Time{})
	case err == nil:
		r.extend()
	case r.conn.gone.Load():
		err = &slowError{errGone}
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &slowError{err}
	}
	return n, err
}

// slowError is a time-out, whatever the server makes of it: the request is good and can be sent again.
type slowError struct{ err error }

func (e *slowError) Error() string   { return "the body came too slowly: " + e.err.Error() }
func (e *slowError) Unwrap() error   { return e.err }
func (e *slowError) Timeout() bool   { return true }
func (e *slowError) Temporary() bool { return true }
