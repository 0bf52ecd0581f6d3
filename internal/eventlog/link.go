package eventlog

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clientele"
)

// link is the way to the stream: the server, when it is ours, and the connections.
type link struct {
	server *server.Server // nil with a URL
	writes *nats.Conn     // appends have a connection of their own: the server answers reads
	reads  *nats.Conn     // inside the connection's own loop, and a long one would hold appends up
	js     jetstream.JetStream
	stream jetstream.Stream
	broken chan struct{} // closed when our server has given up writing
}

func connect(ctx context.Context, o *Options) (_ *link, err error) {
	k := &link{broken: make(chan struct{})}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	// Without the reconnect buffer a publish during an outage fails at once, and is not sent
	// behind our back when the caller has long been told to try again.
	options := []nats.Option{nats.Name("clientele"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)}
	if o.URL == "" {
		if k.server, err = startServer(o, sync.OnceFunc(func() { close(k.broken) })); err != nil {
			return nil, err
		}
		options = append(options, nats.InProcessServer(k.server))
	}
	if k.writes, err = nats.Connect(o.URL, options...); err != nil {
		return nil, unreachable(err)
	}
	if k.reads, err = nats.Connect(o.URL, options...); err != nil {
		return nil, unreachable(err)
	}
	if k.js, err = jetstream.New(k.writes); err != nil {
		return nil, unreachable(err)
	}
	reads, err := jetstream.New(k.reads)
	if err != nil {
		return nil, unreachable(err)
	}
	if k.stream, err = openStream(ctx, reads, o); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *link) close() {
	for _, c := range []*nats.Conn{k.writes, k.reads} {
		if c != nil {
			c.Close()
		}
	}
	if k.server != nil {
		k.server.Shutdown()
		k.server.WaitForShutdown()
	}
}

func unreachable(err error) error {
	return clientele.Errorf(clientele.Unavailable, "log: NATS: %w", err).
		WithHint("check log.url and that the NATS server runs with JetStream enabled")
}

// openStream finds or makes the stream. Of one that is there only the size is changed: its
// replicas and placement are the cluster operator's.
func openStream(ctx context.Context, js jetstream.JetStream, o *Options) (jetstream.Stream, error) {
	s, err := js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        streamName,
			Description: "event log of clientele",
			Subjects:    []string{subject},
			Storage:     jetstream.FileStorage,
			Retention:   jetstream.LimitsPolicy,
			Discard:     jetstream.DiscardNew,
			MaxBytes:    o.MaxBytes,
			MaxMsgSize:  maxMessage,
			AllowDirect: true,
			// The shortest there is. No message carries an id: with ids and a long window
			// the server reads the whole stream again at start.
			Duplicates: 100 * time.Millisecond,
		})
	}
	if err != nil {
		return nil, unreachable(err)
	}
	cfg := s.CachedInfo().Config
	if cfg.Discard != jetstream.DiscardNew || cfg.Retention != jetstream.LimitsPolicy || cfg.MaxAge != 0 || cfg.NoAck ||
		cfg.Storage != jetstream.FileStorage || !cfg.AllowDirect || len(cfg.Subjects) != 1 || cfg.Subjects[0] != subject {
		return nil, clientele.Errorf(clientele.Conflict, "log: the stream %s is set up for something else", streamName).
			WithHint("it must have file storage, limits retention, discard new, no max age, acks, allow direct and the subject %q", subject)
	}
	if cfg.MaxBytes != o.MaxBytes {
		cfg.MaxBytes = o.MaxBytes
		if s, err = js.UpdateStream(ctx, cfg); err != nil {
			return nil, unreachable(err)
		}
	}
	return s, nil
}

// heal starts our server again when it has given up writing. NATS does so at the first write
// that fails, be it that the disk was full for a moment, and answers nothing from then on;
// only a new start helps, which also reads anew what is really on disk. An error says that it
// is still broken.
func (l *Log) heal(ctx context.Context) error {
	k := l.link.Load()
	select {
	case <-k.broken:
	default:
		return nil
	}
	l.heals.Lock()
	defer l.heals.Unlock()
	if l.link.Load() != k {
		return nil
	}
	select {
	case <-l.closed:
		return closedError()
	default:
	}
	l.o.Log.Warn("log: a write failed, starting its server again")
	k.close()
	healed, err := connect(ctx, &l.o)
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "log: %w", err).WithHint("nothing was taken: check the log's disk, then try again")
	}
	l.link.Store(healed)
	l.restarts.Add(1)
	return l.refresh(ctx)
}
