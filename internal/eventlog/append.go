package eventlog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clientele"
)

const (
	maxBatchRaw  = 4 << 20   // raw bytes of a frame before it is encoded: JSON shrinks to a fifth or less
	maxQueuedRaw = 64 << 20  // raw bytes that wait; more is refused, so that a slow disk cannot fill the memory
	surelyFits   = 700 << 10 // a record up to this size fits into a frame, however it compresses
	maxFlights   = 4         // batches on their way to the disk: while one is synced the next is being handed over
)

// call is one Append that waits.
type call struct {
	parts    int // batches that its records are in and that are not done
	stored   int
	position uint64
	err      error
	done     chan struct{} // told once
}

// Calls and batches are used again: there is one of each for nearly every request.
var (
	calls   = sync.Pool{New: func() any { return &call{done: make(chan struct{}, 1)} }}
	batches = sync.Pool{New: func() any { return new(batch) }}
)

// end gives the call back.
func (c *call) end() {
	*c = call{done: c.done}
	calls.Put(c)
}

// end gives the batch back.
func (b *batch) end() {
	clear(b.records)
	clear(b.calls)
	*b = batch{records: b.records[:0], calls: b.calls[:0]}
	batches.Put(b)
}

// batch becomes one frame, or several when it is too large for one.
type batch struct {
	kind    clientele.Kind
	records []clientele.Record
	raw     int
	calls   []*call
	opened  time.Time
}

// appender gathers the records of concurrent callers into batches and sends these in order.
type appender struct {
	log     *Log
	encoder encoder     // of run alone
	full    atomic.Bool // the last answer was that the stream is at its limit

	mu      sync.Mutex
	open    [clientele.KindTick + 1]*batch
	ready   []*batch // closed, in the order in which they go out
	queued  int      // raw bytes in open and ready
	closing bool

	wake    chan struct{}
	slots   chan struct{}
	flights sync.WaitGroup
	done    chan struct{}
}

func (a *appender) start(l *Log) {
	a.log = l
	a.wake = make(chan struct{}, 1)
	a.slots = make(chan struct{}, maxFlights)
	a.done = make(chan struct{})
	go a.run()
}

// stop refuses new records and waits until the old ones are stored or refused.
func (a *appender) stop() {
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	a.kick()
	<-a.done
	a.flights.Wait()
}

func (a *appender) kick() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Append returns when all records are on disk, with the position of the last frame that holds
// some of them. Records of one caller keep their order. Records of concurrent callers share
// frames. The ctx is looked at before the records are taken, not after: from then on the
// answer comes within the append timeout.
//
// Unavailable: the log is full, its disk nearly so, or it is closing, and nothing was taken;
// or the message says that the outcome is unknown or that part was taken. In each case the
// same records can be sent again later: their message ids tell which are the same.
// TooLarge: a record does not fit into a frame; nothing was taken.
func (l *Log) Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error) {
	if kind < clientele.KindEvent || kind > clientele.KindTick || len(records) == 0 {
		return 0, clientele.Errorf(clientele.Invalid, "append of %d records of kind %d", len(records), kind)
	}
	if err := ctx.Err(); err != nil {
		return 0, clientele.Errorf(clientele.Unavailable, "append: %w", err).WithHint("nothing was taken")
	}
	for i := range records {
		if len(records[i].Raw)+len(records[i].Source) > surelyFits {
			if _, err := EncodeFrame(&clientele.Frame{Kind: kind, Records: records[i : i+1]}); err != nil {
				return 0, err
			}
		}
	}
	if err := l.disk.check(); err != nil {
		return 0, err
	}
	if err := l.heal(ctx); err != nil {
		return 0, err
	}
	c, err := l.appender.take(kind, records)
	if err != nil {
		return 0, err
	}
	<-c.done
	defer c.end()
	switch {
	case c.err == nil:
		return clientele.Position(c.position), nil
	case c.stored > 0:
		return 0, clientele.Errorf(clientele.Unavailable, "append: only part was taken: %w", c.err).
			WithHint("send all of it again later with the same messageId: what is known is not taken twice")
	default:
		return 0, c.err
	}
}

// take puts the records into batches.
func (a *appender) take(kind clientele.Kind, records []clientele.Record) (*call, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return nil, closedError()
	}
	if a.queued > maxQueuedRaw {
		return nil, clientele.Errorf(clientele.Unavailable, "the log is behind with writing").
			WithHint("nothing was taken: try again in a moment")
	}
	c := calls.Get().(*call)
	var in *batch
	for i := range records {
		size := len(records[i].Raw) + len(records[i].Source) + 20
		b := a.open[kind]
		if b != nil && b.raw+size > maxBatchRaw {
			a.close(b)
			b = nil
		}
		if b == nil {
			b = batches.Get().(*batch)
			b.kind, b.opened = kind, time.Now()
			a.open[kind] = b
		}
		if b != in {
			in = b
			b.calls = append(b.calls, c)
			c.parts++
		}
		b.records = append(b.records, records[i])
		b.raw += size
		a.queued += size
		if len(b.records) == clientele.MaxFrameRecords {
			a.close(b)
		}
	}
	a.kick()
	return c, nil
}

// close moves an open batch to those that go out. The lock is held.
func (a *appender) close(b *batch) {
	a.open[b.kind] = nil
	a.ready = append(a.ready, b)
}

// pick takes the batch that goes out next: nil when none is due, with how long until one is
// (negative: never). The lock is held.
func (a *appender) pick(take bool) (*batch, time.Duration) {
	wait := time.Duration(-1)
	if len(a.ready) == 0 {
		for _, b := range a.open {
			if b == nil {
				continue
			}
			left := a.log.o.Linger - time.Since(b.opened)
			if left <= 0 || a.closing {
				if !take {
					return b, 0
				}
				a.close(b)
				break
			}
			if wait < 0 || left < wait {
				wait = left
			}
		}
	}
	if len(a.ready) == 0 {
		return nil, wait
	}
	b := a.ready[0]
	if take {
		a.ready[0] = nil
		if a.ready = a.ready[1:]; len(a.ready) == 0 {
			a.ready = nil
		}
		a.queued -= b.raw
	}
	return b, 0
}

func (a *appender) run() {
	defer close(a.done)
	linger := time.NewTimer(0) // one for all waits: there is one behind each call
	defer linger.Stop()
	for {
		a.mu.Lock()
		due, wait := a.pick(false)
		closing := a.closing
		a.mu.Unlock()
		switch {
		case due != nil:
			a.slots <- struct{}{} // while it waits here, open batches go on filling
			a.mu.Lock()
			b, _ := a.pick(true)
			a.mu.Unlock()
			if b == nil { // refused meanwhile, after a timeout
				<-a.slots
				continue
			}
			a.send(b)
		case closing:
			return
		case wait < 0:
			<-a.wake
		default:
			linger.Reset(wait)
			select {
			case <-a.wake:
			case <-linger.C:
			}
		}
	}
}

// send hands the batch to the server and returns; a goroutine waits for the answer.
func (a *appender) send(b *batch) {
	k := a.log.link.Load()
	flight, err := a.publish(k, &clientele.Frame{Kind: b.kind, Records: b.records}, nil)
	if err != nil && len(flight) == 0 {
		<-a.slots
		a.finish(b, 0, false, err)
		return
	}
	a.flights.Go(func() {
		defer func() { <-a.slots }()
		var last uint64
		stored := false
		for _, f := range flight {
			ack, e := await(context.Background(), k, f.answer, a.log.o.AckTimeout)
			if e != nil {
				err = e
				continue
			}
			if f.plain != nil {
				a.log.tail.put(ack.Sequence, f.plain)
			}
			last, stored = max(last, ack.Sequence), true
		}
		if err == nil {
			a.full.Store(false)
		}
		if last > 0 {
			a.log.note(last)
		}
		a.finish(b, last, stored, err)
		if errors.Is(err, errNoAnswer) {
			a.refuseAll()
		}
	})
}

// sent is a frame on its way to the disk.
type sent struct {
	answer jetstream.PubAckFuture
	plain  []byte // unpacked, for who follows the log; nil when it is not wanted
}

// publish sends the frame, in halves when its encoding is too large for one message.
func (a *appender) publish(k *link, f *clientele.Frame, flight []sent) ([]sent, error) {
	pack := a.log.o.Pack
	if pack == nil {
		pack = codec().enc.EncodeAll
	}
	b, err := a.encoder.encode(f, pack)
	if clientele.ErrorCode(err) == clientele.TooLarge && len(f.Records) > 1 {
		half := len(f.Records) / 2
		flight, err = a.publish(k, &clientele.Frame{Kind: f.Kind, Records: f.Records[:half]}, flight)
		if err != nil {
			return flight, err
		}
		return a.publish(k, &clientele.Frame{Kind: f.Kind, Records: f.Records[half:]}, flight)
	}
	if err != nil {
		return flight, err
	}
	// No retries by the client: they would overtake the frame behind, and read memory that is that frame's by then.
	p, err := k.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: b}, jetstream.WithRetryAttempts(0))
	if err != nil {
		return flight, err
	}
	s := sent{answer: p}
	if body := a.encoder.last; a.log.tail.wants(len(body)) {
		s.plain = plainFrame(f, body)
	}
	a.encoder.last = nil
	return append(flight, s), nil
}

// finish tells the callers, and gives the batch back.
func (a *appender) finish(b *batch, position uint64, stored bool, err error) {
	if err != nil {
		err = appendError(err)
		a.log.disk.forget()
		if errors.Is(err, errFull) {
			a.full.Store(true)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range b.calls {
		c.parts--
		c.position = max(c.position, position)
		if stored {
			c.stored++
		}
		if err != nil {
			c.err = err
		}
		// The last part may still be open while an earlier one is done: take holds the lock
		// until it has counted all parts.
		if c.parts == 0 {
			c.done <- struct{}{}
		}
	}
	b.end()
}

// refuseAll answers everybody who waits, once the server has gone silent: each would only
// wait for his own timeout behind the others.
func (a *appender) refuseAll() {
	cause := clientele.Errorf(clientele.Unavailable, "the log does not answer").WithHint("nothing was taken: try again later")
	a.mu.Lock()
	waiting := a.ready
	a.ready = nil
	for i, b := range a.open {
		if b != nil {
			waiting = append(waiting, b)
			a.open[i] = nil
		}
	}
	for _, b := range waiting {
		a.queued -= b.raw
	}
	a.mu.Unlock()
	for _, b := range waiting {
		a.finish(b, 0, false, cause)
	}
}

var (
	errNoAnswer = errors.New("no answer in time")
	errFull     = errors.New("the log is full")
)

// await is the answer to a publish, errNoAnswer after the timeout.
func await(ctx context.Context, k *link, f jetstream.PubAckFuture, timeout time.Duration) (*jetstream.PubAck, error) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case ack := <-f.Ok():
		return ack, nil
	case err := <-f.Err():
		return nil, err
	case <-k.broken:
		return nil, errNoAnswer
	case <-t.C:
		return nil, errNoAnswer
	case <-ctx.Done():
		return nil, errNoAnswer
	}
}

// NATS' code for a message that its store did not take.
const storeFailed = 10077

// appendError says what is known of the outcome.
func appendError(err error) error {
	var known *clientele.Error
	if errors.As(err, &known) {
		return err
	}
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode == storeFailed:
		return clientele.Errorf(clientele.Unavailable, "append: %w", errFull).
			WithHint("nothing was taken: try again later; raise log.max_bytes when it happens often")
	case errors.As(err, &api), errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrReconnectBufExceeded),
		errors.Is(err, nats.ErrConnectionClosed):
		return clientele.Errorf(clientele.Unavailable, "append: %w", err).WithHint("nothing was taken: try again later")
	default:
		return clientele.Errorf(clientele.Unavailable, "append: outcome unknown: %w", err).
			WithHint("send it again with the same messageId: what is known is not taken twice")
	}
}
