package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clientele"
)

// What a reader asks for at a time.
const (
	readFrames = 512
	readBytes  = 4 << 20
)

// Gap is a range of positions whose frames are gone although nobody purged them: a damaged
// block, or a lost tail that Raise has closed. It is the cause of a Corrupt error.
type Gap struct {
	From, To clientele.Position
}

func (g *Gap) Error() string {
	if g.From == g.To {
		return fmt.Sprintf("position %d is gone", g.From)
	}
	return fmt.Sprintf("positions %d to %d are gone", g.From, g.To)
}

func gapError(from, to clientele.Position) error {
	return clientele.Errorf(clientele.Corrupt, "log: %w", &Gap{from, to}).
		WithHint("the log's files are damaged: what was in these positions can only come back from a backup or from its source")
}

func trimmedError(from, to clientele.Position) error {
	return clientele.Errorf(clientele.NotFound, "positions %d to %d have left the log", from, to).WithHint("read them from the archive")
}

// Reader reads frames in order. It asks the server for ranges (direct get, NATS 2.11 or later)
// and not through a consumer: a consumer steps over what is damaged, or stops at it for ever,
// without a word. For one goroutine.
type Reader struct {
	l       *Log
	link    *link
	sub     *nats.Subscription
	inbox   string
	asked   uint64
	next    clientele.Position // the next position to give
	gap     clientele.Position // first of a gap that is not told yet; 0 = none
	frames  []stored
	retries int
	follows bool      // it is the log's follower
	looked  time.Time // when the server was asked for frames
}

// stored is a message of the stream; an empty one was written by Raise.
type stored struct {
	position clientele.Position
	data     []byte
}

// Read starts after the position; 0 is the beginning. Conflict when the log ends before it:
// it has lost a tail, and Raise must come first.
func (l *Log) Read(ctx context.Context, after clientele.Position) (*Reader, error) {
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	if last := l.Last(); after > last {
		return nil, clientele.Errorf(clientele.Conflict, "the log ends at %d, before position %d", last, after).
			WithHint("the log has lost its tail; raise it above what was already read")
	}
	r := &Reader{l: l, next: after + 1}
	if err := r.subscribe(); err != nil {
		return nil, err
	}
	return r, nil
}

// subscribe makes a place for answers, anew when the server was started again.
func (r *Reader) subscribe() (err error) {
	if k := r.l.link.Load(); k != r.link {
		r.link, r.inbox = k, k.reads.NewInbox()
		if r.sub, err = k.reads.SubscribeSync(r.inbox + ".*"); err != nil {
			r.link = nil
			return unreachable(err)
		}
	}
	return nil
}

// Close lets go of the subscription. The log may be closed without it.
func (r *Reader) Close() {
	if r.follows {
		r.l.tail.end()
	}
	_ = r.sub.Unsubscribe()
}

// Pending is how many positions are in the log that Next has not given yet.
func (r *Reader) Pending() int {
	if last := r.l.Last(); last >= r.next {
		return int(last - r.next + 1)
	}
	return 0
}

// Next is the next frame's position and bytes (see DecodeFrame); it waits for one. The bytes
// are the caller's.
//
// Corrupt, with a *Gap as its cause: frames are gone; the next call goes on behind them.
// NotFound: the log was purged past this reader; the next call goes on with what is there.
// Unavailable: the server does not answer, or the log or ctx ended; the next call tries again.
func (r *Reader) Next(ctx context.Context) (clientele.Position, []byte, error) {
	poll := localPoll
	if r.l.o.URL != "" {
		poll = externalPoll
	}
	asks := time.Since(r.looked) >= poll // now and then in any case: a frame whose outcome is unknown may be there
	for {
		news := r.l.nextNews()
		if asks || !r.atEnd() {
			p, b, err := r.TryNext(ctx)
			if err != nil || b != nil {
				return p, b, err
			}
		}
		t := time.NewTimer(poll)
		var err error
		select {
		case <-news:
			asks = false
		case <-t.C:
			asks = true
		case <-r.l.closed:
			err = closedError()
		case <-ctx.Done():
			err = stopped(ctx)
		}
		t.Stop()
		if err != nil {
			return 0, nil, err
		}
	}
}

// atEnd says whether the follower has all that this process is known to have appended, which nobody else does.
func (r *Reader) atEnd() bool {
	return r.follows && r.l.o.URL == "" && len(r.frames) == 0 && r.gap == 0 && uint64(r.next) > r.l.last.Load()
}

// TryNext is Next, but answers with no bytes when there is no frame yet.
func (r *Reader) TryNext(ctx context.Context) (clientele.Position, []byte, error) {
	p, b, err := r.tryNext(ctx)
	if r.follows {
		r.l.tail.pass(uint64(r.next))
	}
	return p, b, err
}

func (r *Reader) tryNext(ctx context.Context) (clientele.Position, []byte, error) {
	for {
		if len(r.frames) == 0 {
			if r.follows && r.gap == 0 {
				if b := r.l.tail.get(uint64(r.next)); b != nil {
					r.next++
					r.retries = 0
					return r.next - 1, b, nil
				}
			}
			end, err := r.fill(ctx)
			if err != nil {
				return 0, nil, err
			}
			if end {
				return 0, nil, r.tellGap(r.next)
			}
			continue
		}
		f := r.frames[0]
		if f.position > r.next {
			if err := r.jump(ctx, f.position); err != nil {
				return 0, nil, err
			}
			continue
		}
		if len(f.data) == 0 {
			r.openGap()
			r.step()
			continue
		}
		if err := r.tellGap(r.next); err != nil {
			return 0, nil, err
		}
		r.step()
		return f.position, f.data, nil
	}
}

func (r *Reader) step() {
	r.frames[0].data = nil
	r.frames = r.frames[1:]
	r.next++
	r.retries = 0
}

func (r *Reader) openGap() {
	if r.gap == 0 {
		r.gap = r.next
	}
}

// tellGap reports the open gap, which ends before the position; nil when there is none.
func (r *Reader) tellGap(end clientele.Position) error {
	if r.gap == 0 {
		return nil
	}
	from := r.gap
	r.gap = 0
	return gapError(from, end-1)
}

// jump moves over positions that the server did not give: trimmed ones, or a gap.
func (r *Reader) jump(ctx context.Context, to clientele.Position) error {
	if err := r.l.refresh(ctx); err != nil {
		return err
	}
	if first := r.l.First(); r.next < first {
		from, end := r.next, min(first, to)
		r.next = end
		if err := r.tellGap(from); err != nil {
			return err
		}
		return trimmedError(from, end-1)
	}
	r.openGap()
	r.next = to
	return nil
}

// fill gets the next frames; end says that the log has no more.
func (r *Reader) fill(ctx context.Context) (end bool, err error) {
	r.looked = time.Now()
	if r.frames, err = r.ask(ctx); err != nil || len(r.frames) > 0 {
		return false, err
	}
	if err := r.l.refresh(ctx); err != nil {
		return false, err
	}
	first, last := r.l.First(), r.l.Last()
	if r.next > last {
		return true, nil
	}
	if r.next < first {
		return false, r.jump(ctx, first)
	}
	// The server says that there are positions but gives none. They may have come between
	// the two questions, or the server may just have found a block damaged and is counting
	// anew: ask again before they are given up.
	if r.retries++; r.retries <= 3 {
		select {
		case <-time.After(time.Duration(r.retries) * 10 * time.Millisecond):
			return false, nil
		case <-ctx.Done():
			return false, stopped(ctx)
		}
	}
	r.retries = 0
	next, err := r.l.nextReadable(ctx, r.next, last)
	if err != nil {
		return false, err
	}
	if next > r.next {
		r.openGap()
		r.next = next
	}
	return false, nil
}

// nextReadable is the first position from which the server gives a frame; last+1 when none.
func (l *Log) nextReadable(ctx context.Context, from, last clientele.Position) (clientele.Position, error) {
	for p := from; p <= last; p++ {
		_, err := l.get(ctx, p)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return 0, err
		}
	}
	return last + 1, nil
}

// ask is one request for a range: frames, none when there are none.
func (r *Reader) ask(ctx context.Context) ([]stored, error) {
	if err := r.subscribe(); err != nil {
		return nil, err
	}
	r.asked++
	reply := r.inbox + "." + strconv.FormatUint(r.asked, 10)
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, r.next, readFrames, readBytes)
	if err := r.link.reads.PublishRequest("$JS.API.DIRECT.GET."+streamName, reply, request); err != nil {
		return nil, r.failed(ctx, err)
	}
	short, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var frames []stored
	for {
		m, err := r.sub.NextMsgWithContext(short)
		if err != nil {
			return nil, r.failed(ctx, err)
		}
		if m.Subject != reply {
			continue // an answer to a question that was given up
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204", "404": // the end of the batch; nothing there
			return frames, nil
		default:
			return nil, clientele.Errorf(clientele.Unavailable, "log read: NATS answers %s", status).WithHint("the log needs NATS 2.11 or later")
		}
		seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil {
			return nil, clientele.Errorf(clientele.Internal, "log read: answer without a sequence")
		}
		if clientele.Position(seq) >= r.next {
			frames = append(frames, stored{clientele.Position(seq), m.Data})
		}
	}
}

func (r *Reader) failed(ctx context.Context, err error) error {
	select {
	case <-r.l.closed:
		return closedError()
	default:
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	return clientele.Errorf(clientele.Unavailable, "log read: %w", err).WithHint("the log's NATS server does not answer: check that it runs")
}

func stopped(ctx context.Context) error {
	return clientele.Errorf(clientele.Unavailable, "log read: %w", ctx.Err())
}

// get is a message as it is in the stream.
func (l *Log) get(ctx context.Context, p clientele.Position) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return l.link.Load().stream.GetMsg(ctx, uint64(p))
}

// Frame is the frame at the position. NotFound when it has left the log, or is not in it yet;
// Corrupt, with a *Gap as its cause, when it is gone.
func (l *Log) Frame(ctx context.Context, p clientele.Position) ([]byte, error) {
	m, err := l.get(ctx, p)
	if err == nil && len(m.Data) > 0 {
		return m.Data, nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, clientele.Errorf(clientele.Unavailable, "log read: %w", err)
	}
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	switch first, last := l.First(), l.Last(); {
	case p < first:
		return nil, trimmedError(p, p)
	case p > last:
		return nil, clientele.Errorf(clientele.NotFound, "the log ends at %d", last)
	}
	return nil, gapError(p, p)
}
