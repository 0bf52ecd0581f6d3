package load

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// Sender sends events to a server's collect endpoints and counts what it is told.
type Sender struct {
	Address func() string // where the server is now, host:port; "" while there is none
	Key     string        // write key
	Crowd   *Crowd
	Next    *atomic.Int64 // the number of the next event; no number is used twice
	Events  int           // in one request; 1 goes to the endpoint of single events
	GiveUp  time.Duration // how long a request is tried again before it counts as unclear
	Counts  *Counts
}

// Counts is what became of what was sent. Accepted events are those of requests answered 200.
type Counts struct {
	Requests, Accepted      atomic.Int64
	Limited, Full, Broken   atomic.Int64 // answers 429, answers 503, requests without an answer
	Refused, Unclear, Bytes atomic.Int64 // events that were refused for good, events given up, bytes accepted
}

// Run sends at the pace; latencies of accepted requests go to h, counted from when they were due,
// waiting for Retry-After and sending again included.
func (s *Sender) Run(ctx context.Context, p Pace, h *Histogram) time.Duration {
	warm, aside := time.Now().Add(p.Warm), new(Histogram)
	return p.Run(ctx, func(int) Worker {
		g := s.Crowd.Generator()
		var path string
		var body []byte
		var conn *Conn
		return Worker{
			Make: func(int64) {
				first := s.Next.Add(int64(s.Events)) - int64(s.Events)
				path, body = g.Request(body[:0], first, s.Events, time.Now())
			},
			Do: func(ctx context.Context, due time.Time) {
				h := h
				if due.Before(warm) {
					h = aside
				}
				s.deliver(ctx, &conn, path, body, due, h)
			},
			End: func() {
				if conn != nil {
					conn.Close()
				}
			},
		}
	})
}

// deliver sends the same body until it is accepted or refused for good, as libraries do.
func (s *Sender) deliver(ctx context.Context, conn **Conn, path string, body []byte, due time.Time, h *Histogram) {
	giveUp := time.Now().Add(s.GiveUp)
	for {
		a, err := s.post(ctx, conn, path, body)
		wait := 50 * time.Millisecond
		switch {
		case err != nil:
			s.Counts.Broken.Add(1)
		case a.Status == http.StatusOK:
			h.Record(time.Since(due))
			s.Counts.Requests.Add(1)
			s.Counts.Bytes.Add(int64(len(body)))
			s.Counts.Accepted.Add(int64(s.Events))
			return
		case a.Status == http.StatusTooManyRequests:
			s.Counts.Limited.Add(1)
			wait = max(wait, a.RetryAfter)
		case a.Status >= 500:
			s.Counts.Full.Add(1)
			wait = max(wait, a.RetryAfter)
		default:
			s.Counts.Refused.Add(int64(s.Events))
			return
		}
		if time.Now().Add(wait).After(giveUp) || Sleep(ctx, wait) != nil {
			s.Counts.Unclear.Add(int64(s.Events))
			return
		}
	}
}

// post uses the worker's connection, a new one when the server has moved.
func (s *Sender) post(ctx context.Context, conn **Conn, path string, body []byte) (Answer, error) {
	address := s.Address()
	if *conn == nil || (*conn).address != address {
		if _, err := Loopback(address); err != nil {
			return Answer{}, err
		}
		if *conn != nil {
			(*conn).Close()
		}
		*conn = NewConn(address, s.Key)
	}
	return (*conn).Post(ctx, path, body)
}
