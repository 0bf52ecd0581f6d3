package eventlog

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"clientele"
)

// startServer starts a NATS server that nobody outside the process can reach: no port, no
// cluster, no signals, no files but the stream.
//
// SyncAlways is what makes an acknowledgement a promise. Read in nats-server v2.15.2: stream.
// processJetStreamMsgWithBatch sends the ack through the out queue only after store.StoreMsg
// has returned; fileStore.StoreMsg -> storeRawMsg -> writeMsgRecord -> msgBlock.
// writeMsgRecordLocked writes each message through (fileStore.fip is set, as the stream is
// neither replicated nor of the async persist mode) to msgBlock.flushPendingMsgsLocked, which
// with syncAlways calls mfd.Sync before it returns. A new block file is synced with its
// directory. An asynchronous publish is only a client that does not wait: the server stores
// one message after another, each with its own fsync, which is why records travel in frames.
// Readers cannot overtake it: the store's lock is held until the fsync is done.
func startServer(o *Options, broken func()) (*server.Server, error) {
	ns, err := server.NewServer(&server.Options{
		ServerName:             "clientele",
		DontListen:             true,
		NoSigs:                 true,
		DisableJetStreamBanner: true,
		JetStream:              true,
		StoreDir:               o.Dir,
		SyncAlways:             true,
		JetStreamMaxMemory:     1 << 20, // nothing is kept in memory
		JetStreamMaxStore:      o.MaxBytes + 1<<30,
		MaxPayload:             maxMessage,
	})
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "log server: %w", err)
	}
	messages := &serverLog{log: o.Log, broken: broken}
	ns.SetLoggerV2(messages, false, false, false)
	ns.Start()
	if !ns.ReadyForConnections(time.Minute) || !ns.JetStreamEnabled() {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, clientele.Errorf(clientele.Internal, "log server does not start: %s", messages.cause()).
			WithHint("check that the log's directory can be written and its disk has room")
	}
	return ns, nil
}

// serverLog passes on what NATS finds worth a warning: among it what it did to a damaged file.
type serverLog struct {
	log    *slog.Logger
	broken func() // the store has given up writing
	mu     sync.Mutex
	fatal  string
}

func (s *serverLog) cause() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == "" {
		return "it does not say why"
	}
	return s.fatal
}

func (s *serverLog) Fatalf(format string, v ...any) {
	s.mu.Lock()
	s.fatal = fmt.Sprintf(format, v...)
	s.mu.Unlock()
}

func (s *serverLog) Errorf(format string, v ...any) {
	m := fmt.Sprintf(format, v...)
	s.log.Error("nats", "message", m)
	if strings.Contains(m, "ritical write error") {
		s.broken()
	}
}

func (s *serverLog) Warnf(format string, v ...any) {
	s.log.Warn("nats", "message", fmt.Sprintf(format, v...))
}

func (s *serverLog) Noticef(string, ...any) {}
func (s *serverLog) Debugf(string, ...any)  {}
func (s *serverLog) Tracef(string, ...any)  {}
