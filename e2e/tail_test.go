package e2e_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele"
)

// lastBlock is the file of the log that is written at the moment.
func lastBlock(t *testing.T, data string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "log", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	must(t, err)
	if len(files) == 0 {
		t.Fatal("the log has no block file")
	}
	number := func(path string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".blk"))
		must(t, err)
		return n
	}
	return slices.MaxFunc(files, func(a, b string) int { return number(a) - number(b) })
}

// TestCorruptTail: a crash can leave anything at the end of the log's last file. The server
// starts, what had been resolved stays, what it lost it tells, and it goes on.
func TestCorruptTail(t *testing.T) {
	whole(t)
	rnd := rand.New(rand.NewPCG(5, 5))
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, path string, size int64)
		lost   bool // acknowledged frames are gone
	}{
		{"garbage behind the end", func(t *testing.T, path string, _ int64) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			defer f.Close()
			garbage := make([]byte, 3000)
			for i := range garbage {
				garbage[i] = byte(rnd.Uint32())
			}
			_, err = f.Write(garbage)
			must(t, err)
		}, false},
		{"zeros behind the end", func(t *testing.T, path string, size int64) { must(t, os.Truncate(path, size+8192)) }, false},
		{"the end cut off", func(t *testing.T, path string, size int64) { must(t, os.Truncate(path, size-2000)) }, true},
		{"the end overwritten", func(t *testing.T, path string, size int64) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			defer f.Close()
			_, err = f.WriteAt([]byte(strings.Repeat("x", 1500)), size-1500)
			must(t, err)
		}, true},
		{"the last file gone", func(t *testing.T, path string, _ int64) { must(t, os.Remove(path)) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := newInstall(t, "", "")
			l := newLedger()
			in.start()
			halt := crowd(t, in, l, 3, sender{name: "c", people: 40, padding: 200, pause: 5 * time.Millisecond})
			within(t, time.Minute, "events are accepted", func() bool { return l.size() > 3000 })
			halt()
			link(in, l, 40)
			in.compare(l)
			in.kill()

			block := lastBlock(t, in.data)
			st, err := os.Stat(block)
			must(t, err)
			tt.damage(t, block, st.Size())
			took := in.start()
			s, err := in.api().Status(t.Context())
			must(t, err)
			t.Logf("started in %s; state %s, problems %q", took.Round(time.Millisecond), s.State, s.Problems)
			if tt.lost != (len(s.Problems) > 0) {
				t.Errorf("problems: %q", s.Problems)
			}
			in.compare(l) // all of it had been resolved

			// It goes on, and no position is used twice.
			halt = crowd(t, in, l, 3, sender{name: "later", people: 40, padding: 200, pause: 5 * time.Millisecond})
			goal := l.size() + 1000
			within(t, time.Minute, "events are accepted", func() bool { return l.size() > goal })
			halt()
			in.compare(l)
			in.kill()
			in.start()
			in.compare(l)
			if _, err := in.api().Identity(t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: "u-1"}); err != nil {
				t.Errorf("the identity of u-1: %v", err)
			}
		})
	}
}
