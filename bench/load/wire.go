package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Loopback is the host:port of an address or URL of this machine. Everything else is refused, names
// included: what a name means is decided elsewhere, and this is a tool that overloads servers.
func Loopback(address string) (string, error) {
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" {
			return "", fmt.Errorf("address %q is no http URL", address)
		}
		address = u.Host
	}
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return "", fmt.Errorf("address %q: a number and a port are needed, like 127.0.0.1:8080", address)
	}
	if !a.Addr().Unmap().IsLoopback() {
		return "", fmt.Errorf("address %q is not of this machine: the load generator sends to 127.0.0.0/8 and ::1 only", address)
	}
	return address, nil
}

// Answer is what a server said.
type Answer struct {
	Status     int
	RetryAfter time.Duration // 0 for none
}

// Conn is a keep-alive connection for POST requests. It spends a few microseconds on each where
// net/http spends thirty: the generator shares the machine with what it measures. It is for one
// goroutine.
type Conn struct {
	address string
	head    []byte // the same for every request
	c       net.Conn
	r       *bufio.Reader
	w       []byte
}

// NewConn makes a connection that opens by itself. The address is one of Loopback.
func NewConn(address, writeKey string) *Conn {
	key := base64.StdEncoding.EncodeToString([]byte(writeKey + ":"))
	head := fmt.Sprintf(" HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: ", address, key)
	return &Conn{address: address, head: []byte(head)}
}

// answerWithin is how long a server may take before the request counts as broken.
const answerWithin = 30 * time.Second

// Post sends one request. After an error the connection is closed; the next request opens it anew,
// and whether the server took this one is not known.
func (c *Conn) Post(ctx context.Context, path string, body []byte) (Answer, error) {
	if c.c == nil {
		conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", c.address)
		if err != nil {
			return Answer{}, err
		}
		c.c, c.r = conn, bufio.NewReaderSize(conn, 4096)
	}
	c.w = append(append(c.w[:0], "POST "...), path...)
	c.w = append(strconv.AppendInt(append(c.w, c.head...), int64(len(body)), 10), "\r\n\r\n"...)
	c.w = append(c.w, body...)
	err := c.c.SetDeadline(time.Now().Add(answerWithin))
	if err == nil {
		_, err = c.c.Write(c.w)
	}
	var a Answer
	keep := false
	if err == nil {
		a, keep, err = ReadAnswer(c.r)
	}
	if err != nil || !keep {
		c.Close()
	}
	return a, err
}

// Close closes the connection, if it is open.
func (c *Conn) Close() {
	if c.c != nil {
		_ = c.c.Close() // nothing is buffered in it
		c.c = nil
	}
}

// ReadAnswer reads an HTTP/1.1 answer and passes over its body. keep says whether the connection
// can be used again.
func ReadAnswer(r *bufio.Reader) (a Answer, keep bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return a, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return a, false, fmt.Errorf("answer: %.20q is no status line", line)
	}
	if a.Status, err = strconv.Atoi(string(line[9:12])); err != nil || a.Status < 100 {
		return a, false, fmt.Errorf("answer: %.20q has no status", line)
	}
	length, keep := int64(-1), true
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return a, false, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 32); err != nil || length < 0 {
				return a, false, fmt.Errorf("answer: Content-Length %.20q", value)
			}
		case bytes.EqualFold(name, []byte("Retry-After")):
			if s, err := strconv.Atoi(string(value)); err == nil && s > 0 {
				a.RetryAfter = time.Duration(min(s, 3600)) * time.Second
			}
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			keep = false
		}
	}
	if length < 0 { // in pieces, or until the end: not worth reading
		return a, false, nil
	}
	_, err = io.CopyN(io.Discard, r, length)
	return a, keep, err
}
