package eventlog_test

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/eventlog"
)

const crashDir = "EVENTLOG_CRASH_DIR"

// TestCrashChild is the process that TestKill kills: it appends without end and prints each
// record that was acknowledged.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("it is run by TestKill only")
	}
	l := open(t, eventlog.Options{Dir: dir, MaxBytes: 64 << 20})
	fmt.Println("open", l.Last(), l.Damage().Gaps)
	start := int(l.Last()) * 1_000_000
	lines := make(chan string)
	for c := range 8 {
		go func() {
			for i := start; ; i++ {
				source := fmt.Sprintf("s%d", c)
				p, err := l.Append(t.Context(), clientele.KindEvent, records(source, i, 1))
				if err != nil {
					lines <- "error " + err.Error()
					return
				}
				lines <- fmt.Sprintf("ack %s %d %d", source, i, p)
			}
		}()
	}
	for line := range lines {
		fmt.Println(line)
	}
}

// TestKill: whatever was acknowledged before a kill -9 is in the log afterwards, once, where
// it was said to be, and no position is used twice.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]clientele.Position{}
	for round := range 6 {
		child := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
		child.Env = append(os.Environ(), crashDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var source string
			var i int
			var p clientele.Position
			if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
			if _, err := fmt.Sscanf(lines.Text(), "ack %s %d %d", &source, &i, &p); err == nil {
				acked[fmt.Sprintf("%s/%d", source, i)] = p
			}
			if n == 100+67*round {
				_ = child.Process.Kill()
			}
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the child was not killed")
		}
	}
	l := open(t, eventlog.Options{Dir: dir})
	if gaps := l.Damage().Gaps; len(gaps) != 0 {
		t.Errorf("gaps %v", gaps)
	}
	seen := map[string]clientele.Position{}
	for p := clientele.Position(1); p <= l.Last(); p++ {
		b, err := l.Frame(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			key := fmt.Sprintf("%s/%d", r.Source, int64(r.ReceivedAt)-1)
			if seen[key] != 0 {
				t.Fatalf("%s at %d and at %d", key, seen[key], p)
			}
			seen[key] = p
		}
	}
	for key, p := range acked {
		if seen[key] != p {
			t.Fatalf("%s was acknowledged at %d and is at %d", key, p, seen[key])
		}
	}
	if len(acked) < 600 {
		t.Errorf("only %d acknowledgements", len(acked))
	}
}

// files are the log's block files in order, and its index.
func files(t *testing.T, dir string) (blocks []string, index string) {
	t.Helper()
	msgs := filepath.Join(dir, "jetstream", "$G", "streams", "EVENTS", "msgs")
	blocks, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks in %s", msgs)
	}
	slices.SortFunc(blocks, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return blocks, filepath.Join(msgs, "index.db")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func appendFile(t *testing.T, path string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(b)
	must(t, err)
	must(t, f.Close())
}

func truncate(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()-by))
}

// flip changes a byte of the n-th record of a block, at an offset within the record.
func flip(t *testing.T, path string, n, offset int) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	at := 0
	for range n {
		at += int(binary.LittleEndian.Uint32(b[at:]) &^ (1 << 31))
	}
	b[at+offset] ^= 0x55
	must(t, os.WriteFile(path, b, 0o644))
}

const crashFrames = 340 // of 300 bytes, in blocks of 32 KB: a small limit makes small blocks

// damagedLogs writes a log once and keeps its files as a clean stop and as a kill leaves them.
func damagedLogs(t *testing.T) (clean, killed string, frames [][]byte) {
	t.Helper()
	clean, killed = t.TempDir(), t.TempDir()
	o := eventlog.Options{Dir: clean, MaxBytes: 124_000, Linger: -1}
	l := open(t, o)
	noise := make([]byte, 200)
	for i := range crashFrames {
		rs := records("s", i, 1)
		_, _ = rand.Read(noise)
		rs[0].Raw = slices.Clone(noise)
		appendTo(t, l, rs)
	}
	for p := l.First(); p <= l.Last(); p++ {
		b, err := l.Frame(t.Context(), p)
		must(t, err)
		frames = append(frames, b)
	}
	must(t, os.CopyFS(killed, os.DirFS(clean)))
	must(t, l.Close())
	return clean, killed, frames
}

// TestDamage: whatever is done to its files, the log opens, every frame it gives is one that
// was written in that place, every frame it does not give is told, and it takes new frames.
func TestDamage(t *testing.T) {
	clean, killed, frames := damagedLogs(t)
	const all = crashFrames
	tests := []struct {
		name   string
		damage func(t *testing.T, blocks []string, index string)
		intact int  // at least so many frames must be left
		killed int  // the same after a kill, when NATS itself cuts blocks at their first damage; 0 = intact
		cut    bool // bytes must be reported as cut off
	}{
		{"none", func(*testing.T, []string, string) {}, all, 0, false},
		{"garbage at the end", func(t *testing.T, blocks []string, _ string) {
			appendFile(t, blocks[len(blocks)-1], []byte(strings.Repeat("garbage", 99)))
		}, all, 0, true},
		{"one byte at the end", func(t *testing.T, blocks []string, _ string) {
			appendFile(t, blocks[len(blocks)-1], []byte{7})
		}, all, 0, true},
		{"half a record at the end", func(t *testing.T, blocks []string, _ string) {
			b, err := os.ReadFile(blocks[0])
			must(t, err)
			appendFile(t, blocks[len(blocks)-1], b[:150])
		}, all, 0, true},
		{"zeros at the end", func(t *testing.T, blocks []string, _ string) {
			appendFile(t, blocks[len(blocks)-1], make([]byte, 4096))
		}, all, 0, true},
		{"last record cut", func(t *testing.T, blocks []string, _ string) {
			truncate(t, blocks[len(blocks)-1], 100)
		}, all - 1, 0, true},
		{"last records gone", func(t *testing.T, blocks []string, _ string) {
			truncate(t, blocks[len(blocks)-1], 1500)
		}, all - 6, 0, true},
		{"last block empty", func(t *testing.T, blocks []string, _ string) {
			must(t, os.Truncate(blocks[len(blocks)-1], 0))
		}, 246, 0, false},
		{"last block gone", func(t *testing.T, blocks []string, _ string) {
			must(t, os.Remove(blocks[len(blocks)-1]))
		}, 246, 0, false},
		{"payload in the middle", func(t *testing.T, blocks []string, _ string) {
			flip(t, blocks[0], 50, 150)
		}, all - 1, 267, false},
		{"length in the middle", func(t *testing.T, blocks []string, _ string) {
			flip(t, blocks[0], 50, 1)
		}, 267, 0, false},
		{"sequence in the middle", func(t *testing.T, blocks []string, _ string) {
			flip(t, blocks[0], 50, 5)
		}, 267, 0, false},
		{"first block empty", func(t *testing.T, blocks []string, _ string) {
			must(t, os.Truncate(blocks[0], 0))
		}, 217, 0, false},
		{"index gone", func(t *testing.T, _ []string, index string) { _ = os.Remove(index) }, all, 0, false},
		{"index garbage", func(t *testing.T, _ []string, index string) {
			must(t, os.WriteFile(index, []byte(strings.Repeat("x", 300)), 0o644))
		}, all, 0, false},
	}
	for _, test := range tests {
		for name, from := range map[string]string{"clean": clean, "killed": killed} {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				must(t, os.CopyFS(dir, os.DirFS(from)))
				blocks, index := files(t, dir)
				test.damage(t, blocks, index)
				intact := test.intact
				if name == "killed" && test.killed > 0 {
					intact = test.killed
				}
				l := open(t, eventlog.Options{Dir: dir, MaxBytes: 124_000})
				d := l.Damage()
				if (d.CutBytes > 0) != test.cut && test.cut {
					t.Errorf("damage %+v", d)
				}
				left := accountFor(t, l, frames)
				t.Logf("%d of %d frames left, last %d, damage %+v", left, all, l.Last(), d)
				if left < intact {
					t.Errorf("%d frames are left, %d are intact", left, intact)
				}
				if last := l.Last(); last < all && d.CutBytes == 0 && !strings.Contains(test.name, "last block") {
					t.Errorf("the log ends at %d and says nothing", last)
				}
				must(t, l.Raise(t.Context(), all))
				if p := appendTo(t, l, records("new", 0, 1)); p <= all {
					t.Errorf("position %d is used twice", p)
				}
				_ = l.Close()
				l = open(t, eventlog.Options{Dir: dir, MaxBytes: 124_000})
				if again := accountFor(t, l, frames); again != left {
					t.Errorf("after a reopen %d frames, before %d", again, left)
				}
			})
		}
	}
}

// accountFor reads the log and checks that each position up to its end is either the frame
// that was written there or told to be gone; it counts the frames.
func accountFor(t *testing.T, l *eventlog.Log, frames [][]byte) int {
	t.Helper()
	r, err := l.Read(t.Context(), 0)
	must(t, err)
	defer r.Close()
	left, next := 0, clientele.Position(1)
	for {
		p, b, err := r.TryNext(t.Context())
		if from, to, told := toldGone(err); told {
			if from != next {
				t.Fatalf("gone are %d to %d, expected from %d", from, to, next)
			}
			next = to + 1
			continue
		}
		must(t, err)
		if b == nil {
			break
		}
		if p != next {
			t.Fatalf("position %d, expected %d: nothing was told of those between", p, next)
		}
		next++
		if int(p) > len(frames) {
			continue
		}
		if string(b) != string(frames[p-1]) {
			t.Fatalf("the frame at %d is another", p)
		}
		left++
	}
	if next != l.Last()+1 {
		t.Fatalf("read to %d, the log ends at %d", next-1, l.Last())
	}
	return left
}

// toldGone is the range that the reader says it cannot give.
func toldGone(err error) (from, to clientele.Position, ok bool) {
	switch clientele.ErrorCode(err) {
	case clientele.Corrupt:
		if n, _ := fmt.Sscanf(err.Error(), "log: positions %d to %d are gone", &from, &to); n == 2 {
			return from, to, true
		}
		n, _ := fmt.Sscanf(err.Error(), "log: position %d is gone", &from)
		return from, from, n == 1
	case clientele.NotFound:
		n, _ := fmt.Sscanf(err.Error(), "positions %d to %d have left the log", &from, &to)
		return from, to, n == 2
	}
	return 0, 0, false
}

var _ io.Closer = (*eventlog.Log)(nil)
