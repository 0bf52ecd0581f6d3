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
	firstBuffer = 4 << 10
	maxKept     = 256 << 10
	largestStep = 1 << 20 // that memory for events grows by at once
	recordBytes = 64      // of a record without its text
)

// scratch is the memory of one request, used again by the next.
type scratch struct {
	sent       []byte // the body as it came
	plain      []byte // the body unpacked
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
	return cap(s.sent)+cap(s.plain)+cap(s.out)+cap(s.notes)+recordBytes*cap(s.records) <= maxKept
}

// readBody is the request's body as it came. No more than MaxBatchBytes are ever held, and memory
// grows with what has arrived, not with what was announced. A client that is too slow is told
// Unavailable, so 503: some libraries take 408 for a fault of the request and forget its events.
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
	s.sent, err = fill(s.sent[:0], http.MaxBytesReader(w, r.Body, clientele.MaxBatchBytes), nil)
	if err != nil {
		var over *http.MaxBytesError
		var slow net.Error
		switch {
		case errors.As(err, &over), clientele.ErrorCode(err) == clientele.TooLarge:
			return nil, tooLarge()
		case errors.As(err, &slow) && slow.Timeout():
			return nil, clientele.Errorf(clientele.Unavailable, "the body came too slowly").WithHint("send the same again")
		}
		return nil, clientele.Errorf(clientele.Invalid, "the body could not be read to its end")
	}
	return s.sent, nil
}

// unpacker reads gzip. Its tables are large, so it is used again.
type unpacker struct {
	gz     *gzip.Reader // nil until it is needed
	source bytes.Reader
}

// unpack is the body without gzip, again at most MaxBatchBytes. gzip is known by its first bytes, not
// by the header: some libraries send it without saying so.
func (s *scratch) unpack(body []byte, u *unpacker, large func()) ([]byte, error) {
	if len(body) < 3 || body[0] != 0x1f || body[1] != 0x8b {
		return body, nil
	}
	u.source.Reset(body)
	defer u.source.Reset(nil)
	var err error
	if u.gz == nil {
		u.gz, err = gzip.NewReader(&u.source)
	} else {
		err = u.gz.Reset(&u.source)
	}
	if err == nil {
		s.plain, err = fill(s.plain[:0], u.gz, large)
	}
	if clientele.ErrorCode(err) == clientele.TooLarge {
		return nil, err
	}
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not whole gzip")
	}
	return s.plain, nil
}

// fill reads r to its end into b; TooLarge when that is over MaxBatchBytes. It calls large, where there
// is one, before it takes much memory.
func fill(b []byte, r io.Reader, large func()) ([]byte, error) {
	if cap(b) == 0 {
		b = make([]byte, 0, firstBuffer)
	}
	for {
		if len(b) > roomUnit && large != nil {
			large()
		}
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
