package cpu_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/bench/cpu"
)

//go:noinline
func burn(d time.Duration) (n int) {
	for start := time.Now(); time.Since(start) < d; {
		for i := range 10_000 {
			n += i * n
		}
	}
	return n
}

// realProfile is one of this process while it is in burn.
func realProfile(t testing.TB) []byte {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		t.Fatal(err)
	}
	burn(400 * time.Millisecond)
	pprof.StopCPUProfile()
	return b.Bytes()
}

func TestRead(t *testing.T) {
	samples, err := cpu.Read(realProfile(t))
	if err != nil {
		t.Fatal(err)
	}
	var all, burned time.Duration
	for _, s := range samples {
		all += s.Time
		at := slices.IndexFunc(s.Stack, func(f string) bool { return strings.HasSuffix(f, "cpu_test.burn") })
		if at < 0 {
			continue
		}
		burned += s.Time
		if at == 0 || !strings.HasSuffix(s.Stack[at-1], "cpu_test.realProfile") {
			t.Errorf("the outermost function is not first: %v", s.Stack)
		}
	}
	if burned == 0 || burned > all || all > 10*time.Second {
		t.Errorf("%s of %s in the function that all the time was spent in", burned, all)
	}
}

func TestReadRefuses(t *testing.T) {
	pack := func(b []byte) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, _ = z.Write(b)
		_ = z.Close()
		return out.Bytes()
	}
	whole := realProfile(t)
	z, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "not packed": plain, "half of it": whole[:len(whole)/2], "text": pack([]byte("flat  flat%")), "the end missing": pack(plain[:len(plain)-1]),
		"a length beyond the end": pack([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}),
	} {
		if s, err := cpu.Read(b); err == nil {
			t.Errorf("%s: %d samples and no error", name, len(s))
		}
	}
	if s, err := cpu.Read(pack(plain)); err != nil || len(s) == 0 {
		t.Errorf("the same profile packed again: %d samples, %v", len(s), err)
	}
}

func FuzzRead(f *testing.F) {
	plain := []byte{0x12, 0x04, 0x0a, 0x02, 0x01, 0x02, 0x22, 0x06, 0x08, 0x01, 0x22, 0x02, 0x08, 0x01, 0x2a, 0x04, 0x08, 0x01, 0x10, 0x01, 0x32, 0x00, 0x32, 0x01, 'f'}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, b []byte) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(b)
		_ = z.Close()
		samples, err := cpu.Read(packed.Bytes())
		if err == nil {
			cpu.Stages(samples)
		}
	})
}

func TestStages(t *testing.T) {
	for _, c := range []struct {
		stage string
		stack []string
	}{
		{"collect", []string{"net/http.(*conn).serve", "clientele/internal/api.Shell.func2", "clientele/internal/collect.(*Handler).serve", "clientele/internal/eventlog.(*Log).Append", "runtime.mallocgc"}},
		{"API", []string{"net/http.(*conn).serve", "clientele/internal/api.Shell.func2", "clientele/internal/api.(*API).profile", "clientele/internal/store/pebblestore.(*Store).Get", "github.com/cockroachdb/pebble/v2.(*DB).Get"}},
		{"HTTP", []string{"net/http.(*conn).serve", "net/http.(*conn).readRequest", "runtime.mallocgc"}},
		{"feed (read, decode)", []string{"sync.(*WaitGroup).Go.func1", "clientele/internal/app.(*App).feed.func2.1", "clientele/internal/resolve.Decode"}},
		{"resolve", []string{"clientele/internal/app.(*App).Run.func1", "clientele/internal/app.(*App).resolve", "clientele/internal/store/pebblestore.(*Store).Apply"}},
		{"follow (columns)", []string{"clientele/internal/app.(*App).follow", "clientele/internal/store/duckstore.(*Store).Apply", "runtime.cgocall"}},
		{"log", []string{"github.com/nats-io/nats-server/v2/server.(*stream).internalLoop", "os.(*File).Write"}},
		{"log", []string{"clientele/internal/eventlog.(*writer).run", "github.com/klauspost/compress/zstd.(*Encoder).EncodeAll"}},
		{"row store, in the background", []string{"github.com/cockroachdb/pebble/v2.(*DB).compact.func1", "runtime/pprof.Do"}},
		{"column store's own threads", []string{"runtime._ExternalCode"}},
		{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.systemstack"}},
		{"scheduler", []string{"runtime.mcall", "runtime.park_m", "runtime.findRunnable"}},
		{"other", []string{"main.main"}},
		{"other", nil},
	} {
		if got := cpu.StageOf(c.stack); got != c.stage {
			t.Errorf("%v is %q, want %q", c.stack, got, c.stage)
		}
	}
	got := cpu.Stages([]cpu.Sample{{Time: 2}, {Stack: []string{"runtime.mcall"}, Time: 5}, {Stack: []string{"main.main"}, Time: 4}})
	if !slices.Equal(got, []cpu.Stage{{Name: "other", Time: 6}, {Name: "scheduler", Time: 5}}) {
		t.Errorf("%v", got)
	}
}
