package storetest

import (
	"bufio"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
)

// crashDir names the directory in the environment of the child process, and nothing else.
const crashDir = "STORETEST_CRASH_DIR"

// Crash runs the calling test again as a child process that applies change sets and tells
// each one that was acknowledged, kills it at a random moment, opens what it left, and
// demands every acknowledged set and no half of one; and all that again, as often as kills
// says, in the same directory. The driver's test calls it from its top level, first thing.
func Crash(t *testing.T, kills int, open func(t *testing.T, dir string) clientele.RowStore) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(t, open(t, dir))
		return
	}
	dir := t.TempDir()
	m := &crashModel{rows: map[string]string{}}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	unacknowledged := 0
	for kill := range kills {
		last := m.position
		if acked := runAndKill(t, dir, rng); acked > last {
			last = acked
		}
		s := &store{t: t, dir: dir, open: open}
		s.RowStore = open(t, dir)
		at, _, err := s.Position()
		if err != nil {
			t.Fatal(err)
		}
		// One set may be there whose acknowledgement the child could not give any more.
		if at < last || at > last+1 {
			t.Fatalf("kill %d (seed %d): store is at set %d, acknowledged was %d", kill, seed, at, last)
		}
		if at > last {
			unacknowledged++
		}
		m.advance(at)
		m.compare(t, s)
		s.close()
		if t.Failed() {
			t.Fatalf("after kill %d (seed %d) at set %d", kill, seed, at)
		}
	}
	if m.position < clientele.Position(kills) {
		t.Errorf("only %d sets in %d kills: the child hardly ran", m.position, kills)
	}
	t.Logf("%d kills, %d sets, %d of them there without their acknowledgement", kills, m.position, unacknowledged)
}

// runAndKill is the last set that the child said was acknowledged, 0 for none.
func runAndKill(t *testing.T, dir string, rng *rand.Rand) clientele.Position {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.ExtraFiles = []*os.File{w}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close() // the child has its own
	var last clientele.Position
	lines := bufio.NewScanner(r)
	sets, killed := rng.IntN(50), false
	for n := 0; ; n++ {
		if n == sets {
			<-time.After(time.Duration(rng.IntN(3000)) * time.Microsecond) // not at the start of a set
			killed = cmd.Process.Kill() == nil
		}
		if !lines.Scan() {
			break
		}
		if _, err := fmt.Sscanf(lines.Text(), "%d", &last); err != nil {
			t.Errorf("child said %q", lines.Text())
		}
	}
	_ = cmd.Wait() // it was killed
	if !killed {
		t.Fatalf("the child ended by itself: %s", output.String())
	}
	return last
}

// crashChild applies sets until it is killed.
func crashChild(t *testing.T, s clientele.RowStore) {
	acks := os.NewFile(3, "acks")
	at, _, err := s.Position()
	if err != nil {
		t.Fatal(err)
	}
	for {
		at++
		if err := s.Apply(crashSet(at)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(acks, "%d\n", at); err != nil {
			t.Fatal(err)
		}
	}
}

// crashSet is the set that leads to a position: always the same, overlapping those before it,
// sometimes larger than what a driver keeps in memory.
func crashSet(at clientele.Position) *clientele.ChangeSet {
	i := int(at)
	set := &clientele.ChangeSet{After: at - 1, Position: at}
	for j := range 30 {
		k := fmt.Sprintf("s%03d", (i*31+j*7)%200)
		if j%9 == 8 {
			set.Rows = append(set.Rows, gone(k))
			continue
		}
		set.Rows = append(set.Rows, row(k, fmt.Sprintf("%d of %d %s", j, i, strings.Repeat("x", 100*(i%7)))))
	}
	set.Drop = append(set.Drop, clientele.Prefix(clientele.Key("d")))
	set.Rows = append(set.Rows, row(fmt.Sprint("d", i%5), fmt.Sprint(i)))
	if i%25 == 0 {
		set.Rows = append(set.Rows, row("large", strings.Repeat(fmt.Sprintf("%08d", i), 1<<17)))
	}
	if i%3 != 0 {
		set.Outbox = fmt.Append(nil, "change of ", i)
	}
	return set
}

// crashModel is what the rows are after all sets up to a position.
type crashModel struct {
	position clientele.Position
	rows     map[string]string
	changes  []string
}

func (m *crashModel) advance(to clientele.Position) {
	for m.position < to {
		m.position++
		set := crashSet(m.position)
		for _, r := range set.Drop {
			maps.DeleteFunc(m.rows, func(k, _ string) bool { return within(k, r) })
		}
		for _, r := range set.Rows {
			if r.Value == nil {
				delete(m.rows, string(r.Key))
			} else {
				m.rows[string(r.Key)] = string(r.Value)
			}
		}
		if set.Outbox != nil {
			m.changes = append(m.changes, string(set.Outbox))
		}
	}
}

func (m *crashModel) compare(t *testing.T, s *store) {
	t.Helper()
	s.at(m.position, uint64(len(m.changes)))
	var expect []string
	for _, k := range slices.Sorted(maps.Keys(m.rows)) {
		expect = append(expect, k+"="+m.rows[k])
	}
	if got := listed(t, s, clientele.Range{}); !slices.Equal(got, expect) {
		t.Errorf("%d rows differ from the %d of sets 1 to %d", len(got), len(expect), m.position)
	}
	got, err := s.Changes(0, len(m.changes)+1)
	if err != nil || len(got) != len(m.changes) {
		t.Fatalf("%d changes, %v; want %d", len(got), err, len(m.changes))
	}
	for i, e := range got {
		if e.Number != uint64(i+1) || string(e.Bytes) != m.changes[i] {
			t.Errorf("change %d is %q, want %q", e.Number, e.Bytes, m.changes[i])
		}
	}
}
