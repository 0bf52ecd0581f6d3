package eventlog

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clientele"
)

// The one stream and its one subject. Their names are on disk for ever.
const (
	streamName = "EVENTS"
	subject    = "events"
)

const (
	defaultMaxBytes = 4 << 30
	defaultReserve  = 512 << 20
	defaultLinger   = 1 * time.Millisecond

	maxMessage   = 1 << 20                // NATS' own default for a payload
	askTimeout   = 5 * time.Second        // for any question to the server
	stateMaxAge  = 100 * time.Millisecond // how stale First, Last and Size may be
	localPoll    = 250 * time.Millisecond // a reader looks for itself this often: own appends wake it
	externalPoll = 20 * time.Millisecond  // the same when other processes append too
)

// Options say where the log is and what it may take.
type Options struct {
	Dir        string        // of the embedded server; it is made when it is not there
	URL        string        // of NATS servers, comma separated; "" = embedded under Dir
	MaxBytes   int64         // of the stream on disk; above it Append answers Unavailable; 0 = 4 GB
	Reserve    int64         // free bytes of Dir's disk below which Append answers Unavailable; 0 = 512 MB, negative = none
	Linger     time.Duration // how long Append waits for company; 0 = 1 ms, negative = not at all
	AckTimeout time.Duration // after it an append's outcome is unknown; 0 = 5 s
	Now        func() time.Time
	Log        *slog.Logger
	Pack       func(body, out []byte) []byte // appends the body of a frame as zstd; nil = packed for speed
}

func (o *Options) defaults() {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.Reserve == 0 {
		o.Reserve = defaultReserve
	}
	if o.Linger == 0 {
		o.Linger = defaultLinger
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = askTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Log is the event log. All methods may be called from any goroutine.
type Log struct {
	o      Options
	lock   *os.File // of Dir; nil with a URL
	link   atomic.Pointer[link]
	heals  sync.Mutex
	disk   disk
	damage Damage

	appender appender
	tail     tail
	restarts atomic.Uint64 // of the embedded server, by heal

	last    atomic.Uint64 // the highest position known to be acknowledged
	stateMu sync.Mutex
	state   jetstream.StreamState
	stateAt time.Time

	newsMu sync.Mutex
	news   chan struct{} // closed and replaced when there is a new frame
	closed chan struct{}
	once   sync.Once
}

// Open opens the log, or makes it. What a crash or a damaged disk has taken from it is in
// Damage and in the log: it is no error, for the rest is still good. Conflict when another
// process has the directory, or when an external stream is not set up as the log needs it.
func Open(ctx context.Context, o Options) (*Log, error) {
	o.defaults()
	l := &Log{o: o, news: make(chan struct{}), closed: make(chan struct{})}
	if err := l.open(ctx); err != nil {
		l.shutdown()
		return nil, err
	}
	l.appender.start(l)
	return l, nil
}

func (l *Log) open(ctx context.Context) (err error) {
	var before []blockFile
	if l.o.URL == "" {
		if err := os.MkdirAll(l.o.Dir, 0o755); err != nil {
			return clientele.Errorf(clientele.Internal, "log directory: %w", err)
		}
		if l.lock, err = lockDir(l.o.Dir); err != nil {
			return err
		}
		l.disk = disk{dir: l.o.Dir, reserve: l.o.Reserve, now: l.o.Now}
		before = blockFiles(l.o.Dir)
	}
	ctx, cancel := context.WithTimeout(ctx, 4*askTimeout)
	defer cancel()
	k, err := connect(ctx, &l.o)
	if err != nil {
		return err
	}
	l.link.Store(k)
	if err := l.refresh(ctx); err != nil {
		return err
	}
	return l.survey(ctx, before)
}

// First is the oldest position in the log; Last()+1 when it holds none.
func (l *Log) First() clientele.Position {
	s := l.look()
	return clientele.Position(max(s.FirstSeq, 1))
}

// Last is the newest position that was given; 0 when there was none yet.
func (l *Log) Last() clientele.Position {
	s := l.look()
	return clientele.Position(max(s.LastSeq, l.last.Load()))
}

// Size is how many bytes the frames take in the log.
func (l *Log) Size() int64 { return int64(l.look().Bytes) }

// Status is where the log begins and ends. Archived is for the caller to fill in.
func (l *Log) Status() clientele.LogStatus {
	s := l.look()
	return clientele.LogStatus{
		First:    clientele.Position(max(s.FirstSeq, 1)),
		Last:     clientele.Position(max(s.LastSeq, l.last.Load())),
		Bytes:    int64(s.Bytes),
		MaxBytes: l.o.MaxBytes,
		Full:     l.appender.full.Load() || l.disk.check() != nil,
	}
}

// look is the state, at most stateMaxAge old; older when the server does not answer.
func (l *Log) look() jetstream.StreamState {
	l.stateMu.Lock()
	fresh := l.o.Now().Sub(l.stateAt) < stateMaxAge
	s := l.state
	l.stateMu.Unlock()
	if fresh {
		return s
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	if err := l.refresh(ctx); err != nil {
		return s
	}
	l.stateMu.Lock()
	defer l.stateMu.Unlock()
	return l.state
}

// refresh asks the server now.
func (l *Log) refresh(ctx context.Context) error {
	info, err := l.link.Load().stream.Info(ctx)
	if err != nil {
		return unreachable(err)
	}
	l.stateMu.Lock()
	l.state, l.stateAt = info.State, l.o.Now()
	l.stateMu.Unlock()
	l.note(info.State.LastSeq)
	return nil
}

// note wakes readers when position is new.
func (l *Log) note(position uint64) {
	for {
		old := l.last.Load()
		if position <= old {
			return
		}
		if l.last.CompareAndSwap(old, position) {
			break
		}
	}
	l.newsMu.Lock()
	close(l.news)
	l.news = make(chan struct{})
	l.newsMu.Unlock()
}

func (l *Log) nextNews() <-chan struct{} {
	l.newsMu.Lock()
	defer l.newsMu.Unlock()
	return l.news
}

// Purge forgets the frames up to and with upTo. Safe to repeat.
func (l *Log) Purge(ctx context.Context, upTo clientele.Position) error {
	if upTo == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 6*askTimeout)
	defer cancel()
	if err := l.refresh(ctx); err != nil {
		return err
	}
	if last := l.Last(); upTo > last {
		return clientele.Errorf(clientele.Invalid, "log ends at %d, it cannot be purged up to %d", last, upTo)
	}
	if err := l.link.Load().stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(upTo)+1)); err != nil {
		return unreachable(err)
	}
	return l.refresh(ctx)
}

// Raise makes the next append get a position above to. It is for a log that has lost a tail
// which others have already read: a position must never be used twice. Safe to repeat.
//
// An empty log is raised at once, by a purge up to a sequence that does not exist yet. Where
// frames remain a purge would take them too, so the missing positions are filled with empty
// messages (a few thousand a second): readers report them as a Gap, as what they are.
func (l *Log) Raise(ctx context.Context, to clientele.Position) error {
	if err := l.refresh(ctx); err != nil {
		return err
	}
	l.stateMu.Lock()
	s := l.state
	l.stateMu.Unlock()
	if uint64(to) <= s.LastSeq {
		return nil
	}
	l.o.Log.Warn("log raised: a tail was lost", "from", s.LastSeq+1, "to", uint64(to))
	if s.Msgs == 0 {
		if err := l.link.Load().stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(to)+1)); err != nil {
			return unreachable(err)
		}
		return l.refresh(ctx)
	}
	const window = 256
	for next := s.LastSeq + 1; next <= uint64(to); {
		var flight []jetstream.PubAckFuture
		for ; next <= uint64(to) && len(flight) < window; next++ {
			f, err := l.link.Load().js.PublishMsgAsync(&nats.Msg{Subject: subject}, jetstream.WithRetryAttempts(0))
			if err != nil {
				return appendError(err)
			}
			flight = append(flight, f)
		}
		for _, f := range flight {
			if _, err := await(ctx, l.link.Load(), f, l.o.AckTimeout); err != nil {
				return appendError(err)
			}
		}
	}
	return l.refresh(ctx)
}

// Close stops taking records, waits for those that were taken, and stops the server.
func (l *Log) Close() error {
	l.once.Do(func() {
		l.appender.stop()
		close(l.closed)
		l.heals.Lock() // a heal that is under way ends first, none begins
		defer l.heals.Unlock()
		l.shutdown()
	})
	return nil
}

func (l *Log) shutdown() {
	if k := l.link.Load(); k != nil {
		k.close()
	}
	if l.lock != nil {
		_ = l.lock.Close()
	}
}

func closedError() error {
	return clientele.Errorf(clientele.Unavailable, "the log is closed").WithHint("the program is stopping: try again shortly")
}
