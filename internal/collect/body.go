package collect

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/klauspost/compress/gzip"

	"clientele"
)

// Memory that a request begins with, and the most that is kept for the next one.
const (
	firstBuffer = 16 << 10
	maxKept     = 1 << 20
)

// scratch is the memory of one request, used again by the next.
type scratch struct {
	sent       []byte // the body as it came
	plain      []byte // the body unpacked
	gz         *gzip.Reader
	source     bytes.Reader
	out        []byte // events that had something added
	notes      []byte // what is to be added to the event at hand
	edits      []edit
	names      []byte // unquoted member names
	records    []clientele.Record
	handedOver bool // the log has records of this memory and has not acknowledged them
}

// reset makes it ready for the next request; false when it has grown too large to be kept.
func (s *scratch) reset() bool {
	clear(s.records)
	s.records, s.out = s.records[:0], s.out[:0]
	s.source.Reset(nil)
	return cap(s.sent)+cap(s.plain)+cap(s.out) <= maxKept
}

// timeoutError marks a client that was too slow: its request is good and can be sent again.
type timeoutError struct{ err error }

func (e *timeoutError) Error() string { return e.err.Error() }
func (e *timeoutError) Unwrap() error { return e.err }

// readBody is the request's body, unpacked. gzip is known by its first bytes, not by the
// header: some libraries send it without saying so. No more than MaxBatchBytes are ever held,
// packed or unpacked, and memory grows with what has arrived, not with what was announced.
func (s *scratch) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	switch r.Header.Get("Content-Encoding") {
	case "", "gzip", "x-gzip", "identity":
	default:
		return nil, clientele.Errorf(clientele.Invalid, "the body's content encoding is not known").WithHint("send gzip or none")
	}
	if r.ContentLength > clientele.MaxBatchBytes {
		return nil, tooLarge()
	}
	var err error
	s.sent, err = fill(s.sent[:0], http.MaxBytesReader(w, r.Body, clientele.MaxBatchBytes))
	if err != nil {
		var over *http.MaxBytesError
		var slow net.Error
		switch {
		case errors.As(err, &over), clientele.ErrorCode(err) == clientele.TooLarge:
			return nil, tooLarge()
		case errors.As(err, &slow) && slow.Timeout():
			return nil, &timeoutError{clientele.Errorf(clientele.Unavailable, "the body came too slowly")}
		}
		return nil, clientele.Errorf(clientele.Invalid, "the body could not be read to its end")
	}
	if len(s.sent) > 2 && s.sent[0] == 0x1f && s.sent[1] == 0x8b {
		return s.unpack()
	}
	return s.sent, nil
}

func (s *scratch) unpack() ([]byte, error) {
	s.source.Reset(s.sent)
	var err error
	if s.gz == nil {
		s.gz, err = gzip.NewReader(&s.source)
	} else {
		err = s.gz.Reset(&s.source)
	}
	if err == nil {
		s.plain, err = fill(s.plain[:0], s.gz)
	}
	if clientele.ErrorCode(err) == clientele.TooLarge {
		return nil, err
	}
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not whole gzip")
	}
	return s.plain, nil
}

// fill reads r to its end into b; TooLarge when that is over MaxBatchBytes.
func fill(b []byte, r io.Reader) ([]byte, error) {
	if cap(b) == 0 {
		b = make([]byte, 0, firstBuffer)
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if len(b) > clientele.MaxBatchBytes {
			return b, tooLarge()
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

func tooLarge() error {
	return clientele.Errorf(clientele.TooLarge, "a request holds at most %d KB", clientele.MaxBatchBytes>>10).WithHint("send smaller batches")
}
