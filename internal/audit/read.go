package audit

import (
	"bufio"
	"context"
	"crypto/hmac"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"clientele"
)

// Report is what Verify found: a whole chain from First to Last.
type Report struct {
	First   uint64 `json:"first" doc:"The oldest record that is kept."`
	Last    uint64 `json:"last"`
	Records uint64 `json:"records"`
	Head    string `json:"head" doc:"Seal of the last record: note it elsewhere, and a history that was written anew shows."`
}

// Filter chooses records; what is empty chooses all.
type Filter struct {
	By, Act string
	Targets []string // any of them
}

func (f Filter) has(r Record) bool {
	return (f.By == "" || f.By == r.By) && (f.Act == "" || f.Act == r.Act) && (len(f.Targets) == 0 || slices.Contains(f.Targets, r.Target))
}

func broken(n uint64, format string, args ...any) error {
	return clientele.Errorf(clientele.Corrupt, "audit log: "+format, args...).
		WithHint("somebody has changed the files, or the disk has; record %d is the first that cannot be trusted: compare with a backup", n)
}

// read gives the records of one file, the oldest first, until fn says no.
func (l *Log) read(in file, fn func(Record) bool) error {
	f, err := os.Open(in.path)
	if err != nil {
		return failed(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, in.size))
	lines.Buffer(nil, 1<<20)
	n := firstOf(in.path)
	for lines.Scan() {
		var r Record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return broken(n, "%s has a line that is no record", filepath.Base(in.path))
		}
		if n = r.N + 1; !fn(r) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return failed(err)
	}
	return nil
}

// List gives records that the filter chooses and that are older than before (0 = all), the newest
// first, and the number to go on before; 0 at the end.
func (l *Log) List(f Filter, before uint64, limit int) ([]Record, uint64, error) {
	var out []Record
	l.reading.RLock()
	defer l.reading.RUnlock()
	files, _, _ := l.now()
	for _, in := range slices.Backward(files) {
		if before != 0 && firstOf(in.path) >= before {
			continue
		}
		var found []Record
		if err := l.read(in, func(r Record) bool {
			if before != 0 && r.N >= before {
				return false
			}
			if f.has(r) {
				if found = append(found, r); len(found) > limit+1 { // only the last count
					found = found[1:]
				}
			}
			return true
		}); err != nil {
			return nil, 0, err
		}
		slices.Reverse(found)
		if out = append(out, found...); len(out) > limit {
			return out[:limit], out[limit-1].N, nil
		}
	}
	return out, 0, nil
}

// file is as much of a file as was recorded at a moment.
type file struct {
	path string
	size int64
}

// now is everything that is recorded by now: the files, and number and seal of the last record.
func (l *Log) now() (files []file, last uint64, seal string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, path := range l.files() {
		files = append(files, file{path, math.MaxInt64})
	}
	if n := len(files); n > 0 {
		files[n-1].size = l.size
	}
	return files, l.next - 1, l.last
}

// Verify reads the whole chain. Corrupt, naming the record, when it is broken.
func (l *Log) Verify(ctx context.Context) (*Report, error) {
	l.reading.RLock()
	defer l.reading.RUnlock()
	files, last, seal := l.now()
	a, err := l.anchor()
	if err != nil {
		return nil, err
	}
	rep := &Report{First: a.N + 1, Last: a.N, Head: a.Seal}
	for _, in := range files {
		if err := ctx.Err(); err != nil {
			return nil, clientele.Errorf(clientele.Unavailable, "audit log: %w", err)
		}
		if err := l.read(in, func(r Record) bool {
			want, e := l.seal(r)
			switch {
			case e != nil:
				err = e
			case r.N != rep.Last+1:
				err = broken(rep.Last+1, "record %d follows on %d", r.N, rep.Last)
			case r.Prev != rep.Head || !hmac.Equal([]byte(want), []byte(r.Seal)):
				err = broken(r.N, "record %d is not what was written", r.N)
			}
			rep.Last, rep.Head = r.N, r.Seal
			rep.Records++
			return err == nil
		}); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, err
		}
	}
	if rep.Last != last || rep.Head != seal {
		return nil, broken(rep.Last+1, "it ends at record %d, %d were recorded", rep.Last, last)
	}
	return rep, nil
}
