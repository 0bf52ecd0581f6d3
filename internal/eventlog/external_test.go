package eventlog_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"clientele"
	"clientele/internal/eventlog"
)

// natsServer is a NATS server on a loopback port, as an operator would run one.
func natsServer(t *testing.T) string {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	})
	must(t, err)
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return ns.ClientURL()
}

// TestExternal: two logs on one server by its URL see the same frames, and a reader of one
// gets what the other appends.
func TestExternal(t *testing.T) {
	url := natsServer(t)
	a := open(t, eventlog.Options{URL: url})
	b := open(t, eventlog.Options{URL: url})
	r, err := b.Read(t.Context(), 0)
	must(t, err)
	for i := range 5 {
		want := appendTo(t, a, records("s", i, 3))
		p, frame, err := r.Next(t.Context())
		must(t, err)
		f, err := eventlog.DecodeFrame(frame)
		must(t, err)
		if p != want || len(f.Records) != 3 || int(f.Records[0].ReceivedAt) != i+1 {
			t.Fatalf("appended %d, read %d: %+v", want, p, f)
		}
	}
	must(t, b.Purge(t.Context(), 3))
	must(t, b.Raise(t.Context(), 10))
	if p := appendTo(t, a, records("s", 0, 1)); p != 11 {
		t.Errorf("after Raise the next is %d", p)
	}
	if p, _, gaps := readAll(t, a, 3); len(p) != 3 || len(gaps) != 1 || gaps[0] != (eventlog.Gap{From: 6, To: 10}) {
		t.Errorf("read %v, gaps %v", p, gaps)
	}
}

// TestExternalStream: a stream of that name which does something else is not touched.
func TestExternalStream(t *testing.T) {
	url := natsServer(t)
	nc, err := nats.Connect(url)
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"orders.>"}})
	must(t, err)
	_, err = eventlog.Open(t.Context(), eventlog.Options{URL: url})
	if clientele.ErrorCode(err) != clientele.Conflict || clientele.ErrorHint(err) == "" {
		t.Errorf("a stream of somebody else: %v", err)
	}
	if _, err := eventlog.Open(t.Context(), eventlog.Options{URL: "nats://127.0.0.1:1"}); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("no server: %v", err)
	}
}

// pipe forwards connections to a server until it is frozen: then it takes bytes and passes
// none on, as a server does whose disk hangs.
type pipe struct {
	net.Listener
	mu     sync.RWMutex
	frozen bool
}

func newPipe(t *testing.T, to string) *pipe {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &pipe{Listener: l}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = from.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, from, server)
			mu.Unlock()
			wg.Go(func() { p.copy(server, from) })
			wg.Go(func() { p.copy(from, server) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return p
}

func (p *pipe) copy(dst io.Writer, src io.Reader) {
	b := make([]byte, 64<<10)
	for {
		n, err := src.Read(b)
		if err != nil {
			return
		}
		p.mu.RLock()
		frozen := p.frozen
		p.mu.RUnlock()
		if frozen {
			continue
		}
		if _, err := dst.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *pipe) freeze(on bool) {
	p.mu.Lock()
	p.frozen = on
	p.mu.Unlock()
}

// TestHang: when the server falls silent, appends that were under way end with an unknown
// outcome, those behind them are told that nothing was taken, and none waits for ever.
func TestHang(t *testing.T) {
	url := natsServer(t)
	p := newPipe(t, strings.TrimPrefix(url, "nats://"))
	l := open(t, eventlog.Options{URL: "nats://" + p.Addr().String(), AckTimeout: 200 * time.Millisecond})
	appendTo(t, l, records("s", 0, 1))
	p.freeze(true)
	var wg sync.WaitGroup
	var mu sync.Mutex
	unknown, refused := 0, 0
	for i := range 20 {
		wg.Go(func() {
			// Full frames, so that some wait for a free place behind others.
			_, err := l.Append(t.Context(), clientele.KindEvent, records("s", i*1000, 1000))
			mu.Lock()
			defer mu.Unlock()
			switch hint := clientele.ErrorHint(err); {
			case clientele.ErrorCode(err) != clientele.Unavailable:
				t.Errorf("answer: %v", err)
			case strings.Contains(err.Error(), "outcome unknown") && strings.Contains(hint, "same messageId"):
				unknown++
			case strings.Contains(hint, "nothing was taken"):
				refused++
			default:
				t.Errorf("%v (%s)", err, hint)
			}
		})
	}
	wg.Wait()
	if unknown == 0 || unknown+refused != 20 {
		t.Errorf("%d unknown, %d refused", unknown, refused)
	}
}
