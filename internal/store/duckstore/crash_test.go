package duckstore_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

// commit n of the crash test writes event n and the one profile, and moves an anchor.
func crashChange(n uint64) clientele.Change {
	return clientele.Change{Position: clientele.Position(n * 10),
		Tables: []clientele.TableRows{
			rows("events", map[string]any{"source": "w", "event_id": fmt.Sprint(n), "anchor_id": int64(1), "profile_id": int64(n), "properties": `{"n":` + fmt.Sprint(n) + `}`}),
			rows("profiles", map[string]any{"profile_id": int64(7), "traits": `{"n":` + fmt.Sprint(n) + `}`}),
		},
		Moved: []clientele.Moved{{Anchor: 1, Profile: clientele.ProfileID(n)}}}
}

// TestMain runs the child of TestKill: it applies commits until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("DUCKSTORE_TEST_FULL"); path != "" {
		if err := fillDisk(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	path := os.Getenv("DUCKSTORE_TEST_CHILD")
	if path == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	s, err := duckstore.Open(ctx, duckstore.Options{Path: path})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	n, _, err := s.Position(ctx)
	for err == nil {
		err = s.Apply(ctx, n+1, []clientele.Change{crashChange(n + 1), crashChange(n + 2)})
		n += 2
		fmt.Println(n)
		if err == nil && n%20 == 0 {
			err = s.Maintain(ctx)
		}
	}
	fmt.Println("error", err)
	os.Exit(1)
}

// TestKill: whenever the process dies, what was acknowledged is there, and the rows are those
// of the position that the file says.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	for round := range 4 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "DUCKSTORE_TEST_CHILD="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := uint64(0)
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
			if n, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				acknowledged = n
			}
			if i == 3+round*7 {
				if err := child.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed

		s := open(t, path)
		n, pos, err := s.Position(context.Background())
		if err != nil || n < acknowledged || pos != clientele.Position(n*10) {
			t.Fatalf("position %d (%d) after %d was acknowledged, %v", n, pos, acknowledged, err)
		}
		got := query(t, s, "select count(*), count(distinct event_id), max(cast(event_id as bigint)), min(profile_id), max(profile_id), "+
			"(select max(cast(traits->>'n' as bigint)) from profiles), (select count(*) from profiles) from events")
		if want := fmt.Sprint([]any{n, n, n, n, n, n, 1}); fmt.Sprint(got[0]) != want {
			t.Fatalf("rows are %v at commit %d", got[0], n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if v := inside(t, path, "select version from base.format"); v != 2 {
		t.Errorf("a file that was opened behind kills has format %d: its row groups grow", v)
	}
}

// fillDisk has the system refuse to let the file grow, applies a change that needs it to, and
// then, with room again, the same change.
func fillDisk(path string) error {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	s, err := duckstore.Open(ctx, duckstore.Options{Path: path})
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, 1, []clientele.Change{crashChange(1)}); err != nil {
		return err
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	large := crashChange(2)
	for i := range 4_000 {
		large.Tables[0].Upsert = append(large.Tables[0].Upsert, row("events", map[string]any{"source": "x", "event_id": fmt.Sprint(i), "properties": fmt.Sprintf(`{"text":"%0500d"}`, i*i)}))
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 19, Max: was.Max}); err != nil {
		return err
	}
	for range 3 {
		err := s.Apply(ctx, 2, []clientele.Change{large})
		if err == nil {
			return errors.New("applied although the file cannot grow")
		}
		fmt.Println("full:", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	for try := range 2 { // the first may be the one that finds out
		if err = s.Apply(ctx, 2, []clientele.Change{large}); err == nil {
			break
		}
		fmt.Println("try", try, err)
	}
	if err != nil {
		return err
	}
	// The change stands in the write-ahead log; now the file itself cannot take it.
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 19, Max: was.Max}); err != nil {
		return err
	}
	fmt.Println("checkpoint:", s.Maintain(ctx))
	fmt.Println("apply:", s.Apply(ctx, 3, []clientele.Change{crashChange(3)}))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	for range 2 {
		if err = s.Apply(ctx, 3, []clientele.Change{crashChange(3)}); err == nil {
			break
		}
		fmt.Println("try", err)
	}
	if err != nil {
		return err
	}
	c, err := s.Counts(ctx)
	if err != nil || c["events"] != 4_003 || c["profiles"] != 1 {
		return fmt.Errorf("counts %v, %v", c, err)
	}
	return s.Close()
}

// TestFullDisk: a disk that is full for a while costs no restart and no change.
func TestFullDisk(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "DUCKSTORE_TEST_FULL="+filepath.Join(t.TempDir(), "columns.duckdb"))
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestReopens: a database that can no longer write its file is reopened by the next call, and
// the change is applied then.
func TestReopens(t *testing.T) {
	s := fresh(t)
	apply(t, s, 1, crashChange(1))
	s.Break()
	if got := query(t, s, "select count(*) from events"); got[0][0] != int64(1) {
		t.Errorf("a query after the failure gives %v", got)
	}
	s.Break()
	apply(t, s, 2, crashChange(2))
	if n, _, err := s.Position(context.Background()); n != 2 || err != nil {
		t.Errorf("position %d, %v", n, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	if _, err := duckstore.Open(ctx, duckstore.Options{Path: "a?b"}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("an odd path gave %v", err)
	}
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := duckstore.Open(ctx, duckstore.Options{Path: path}); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("a file of another kind gave %v", err)
	}
	path = filepath.Join(t.TempDir(), "columns.duckdb")
	s := open(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("update base.format set version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := duckstore.Open(ctx, duckstore.Options{Path: path}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a newer format gave %v", err)
	}
	if err := s.Apply(ctx, 1, []clientele.Change{{}}); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("a closed store gave %v", err)
	}
}
