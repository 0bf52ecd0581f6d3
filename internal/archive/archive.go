// Package archive keeps what leaves the log: frames in numbered order, in files ("parts") that
// are written once and never changed. Archive and log together are the whole history, from
// which everything else can be rebuilt.
//
// A part holds every position from its first to its last, each either a frame or said to be
// missing. Its name is both positions, 20 digits each: FIRST-LAST.part. While it is written it
// is called FIRST.tmp; it gets its name when it is whole and synced. Layout of version 1,
// integers little-endian, checksums CRC-32C:
//
//	8 bytes   "clarch" 0 1, the last byte is the version
//	...       the frames as they were in the log, one behind the other
//	16 each   missing ranges: first and last position, ascending
//	24 each   frames: position (8), offset in the file (8), length (4), checksum (4), ascending
//	48 bytes  first position (8), last position (8), number of frames (4), of missing ranges (4),
//	          offset of the missing ranges (8), checksum of both lists (4), checksum of the
//	          foot's 36 bytes before it (4), "clarchEN"
package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"clientele"
)

const (
	partExt = ".part"
	tmpExt  = ".tmp"
	digits  = 20

	partBytes  = 64 << 20 // frames in a part, about
	partFrames = 1 << 20  // so that an index of small frames stays small too
)

// Range is a range of positions, both ends in it.
type Range struct {
	From, To clientele.Position
}

// Missing is a range of positions whose frames the archive does not have. It is the cause of
// a Corrupt error.
type Missing Range

func (m *Missing) Error() string {
	if m.From == m.To {
		return fmt.Sprintf("position %d is missing", m.From)
	}
	return fmt.Sprintf("positions %d to %d are missing", m.From, m.To)
}

func missingError(r Range) error {
	m := Missing(r)
	return clientele.Errorf(clientele.Corrupt, "archive: %w", &m).
		WithHint("the log had lost them before they could be archived: what was in them can only come back from a backup or from its source")
}

// part is a finished file.
type part struct {
	Range
	path string
	size int64
}

// Archive is a folder of parts. Its methods may be called from any goroutine; Write is done
// by one at a time.
type Archive struct {
	dir string

	writing sync.Mutex
	mu      sync.RWMutex
	parts   []part // ascending, without gaps

	lastMu sync.Mutex
	last   *opened // the part that Frame read last
}

// Open opens the archive in dir, or makes it. Half-written parts are thrown away: the log has
// their frames still. Corrupt when parts are missing, overlap or have no whole foot.
func Open(dir string) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "archive directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "archive directory: %w", err)
	}
	a := &Archive{dir: dir}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case tmpExt:
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, clientele.Errorf(clientele.Internal, "archive: %w", err)
			}
		case partExt:
			p, err := a.find(e)
			if err != nil {
				return nil, err
			}
			a.parts = append(a.parts, p)
		}
	}
	slices.SortFunc(a.parts, func(x, y part) int { return cmp.Compare(x.From, y.From) })
	for i := 1; i < len(a.parts); i++ {
		if before, p := a.parts[i-1], a.parts[i]; p.From != before.To+1 {
			what := "parts are missing"
			if p.From <= before.To {
				what = "parts overlap"
			}
			return nil, clientele.Errorf(clientele.Corrupt, "archive: %s between %s and %s", what, filepath.Base(before.path), filepath.Base(p.path)).
				WithHint("bring back the missing files from a backup, or move away those that do not belong there")
		}
	}
	return a, nil
}

// find reads the foot of a part and compares it with the name.
func (a *Archive) find(e fs.DirEntry) (part, error) {
	p := part{path: filepath.Join(a.dir, e.Name())}
	from, to, ok := strings.Cut(strings.TrimSuffix(e.Name(), partExt), "-")
	first, err1 := strconv.ParseUint(from, 10, 64)
	last, err2 := strconv.ParseUint(to, 10, 64)
	if !ok || err1 != nil || err2 != nil || len(from) != digits || len(to) != digits {
		return p, clientele.Errorf(clientele.Corrupt, "archive: %s is no name of a part", e.Name()).WithHint("move the file away")
	}
	p.Range = Range{clientele.Position(first), clientele.Position(last)}
	f, err := os.Open(p.path)
	if err != nil {
		return p, clientele.Errorf(clientele.Internal, "archive: %w", err)
	}
	defer f.Close()
	foot, size, err := readFoot(f)
	if err != nil {
		return p, err
	}
	if p.size = size; foot.Range != p.Range {
		return p, damaged(p.path, "its name and its foot differ")
	}
	return p, nil
}

func (a *Archive) list() []part {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.parts
}

// First is the first position in the archive; 0 when it is empty.
func (a *Archive) First() clientele.Position {
	if parts := a.list(); len(parts) > 0 {
		return parts[0].From
	}
	return 0
}

// Last is the last position in the archive; 0 when it is empty.
func (a *Archive) Last() clientele.Position {
	if parts := a.list(); len(parts) > 0 {
		return parts[len(parts)-1].To
	}
	return 0
}

// Files are the paths of the parts. A part never changes.
func (a *Archive) Files() []string {
	parts := a.list()
	paths := make([]string, len(parts))
	for i, p := range parts {
		paths[i] = p.path
	}
	return paths
}

// Size is how many bytes the parts take.
func (a *Archive) Size() int64 {
	var n int64
	for _, p := range a.list() {
		n += p.size
	}
	return n
}

// Write adds the frames behind Last. A position without bytes says that everything behind the
// position before it (for an empty archive: from 1 on) up to it is missing; otherwise
// positions must follow one another, an empty archive begins anywhere. It returns the new
// Last, and what it returns is on disk, also when there is an error: Invalid when positions do
// not follow, Unavailable when the disk does not take them. Parts that were finished before
// the error stay.
func (a *Archive) Write(frames iter.Seq2[clientele.Position, []byte]) (clientele.Position, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	last := a.Last()
	var w *writer
	for p, frame := range frames {
		if p <= last || frame != nil && p != last+1 && last != 0 {
			w.abandon()
			return a.Last(), clientele.Errorf(clientele.Invalid, "archive: position %d behind %d", p, last)
		}
		if w == nil {
			first := p
			if last != 0 || frame == nil {
				first = last + 1
			}
			var err error
			if w, err = a.create(first); err != nil {
				return a.Last(), err
			}
		}
		if err := w.add(p, frame); err != nil {
			w.abandon()
			return a.Last(), err
		}
		last = p
		if w.full() {
			if err := a.finish(w); err != nil {
				return a.Last(), err
			}
			w = nil
		}
	}
	if w != nil {
		if err := a.finish(w); err != nil {
			return a.Last(), err
		}
	}
	return a.Last(), nil
}

// finish gives the part its name and takes it into the list.
func (a *Archive) finish(w *writer) error {
	p, err := w.finish()
	if err != nil {
		w.abandon()
		return err
	}
	a.mu.Lock()
	a.parts = append(slices.Clip(a.parts), p)
	a.mu.Unlock()
	return nil
}

// covering is the part that has the position.
func (a *Archive) covering(p clientele.Position) (part, error) {
	parts := a.list()
	i, found := slices.BinarySearchFunc(parts, p, func(x part, p clientele.Position) int {
		switch {
		case x.To < p:
			return -1
		case x.From > p:
			return 1
		}
		return 0
	})
	if !found {
		return part{}, clientele.Errorf(clientele.NotFound, "position %d is not in the archive", p)
	}
	return parts[i], nil
}

// Frame is the frame at the position. NotFound outside First to Last; Corrupt when it is
// damaged, or, with a *Missing as its cause, when the archive never had it.
func (a *Archive) Frame(p clientele.Position) ([]byte, error) {
	in, err := a.covering(p)
	if err != nil {
		return nil, err
	}
	a.lastMu.Lock()
	defer a.lastMu.Unlock()
	if a.last == nil || a.last.path != in.path {
		o, err := openPart(in)
		if err != nil {
			return nil, err
		}
		if a.last != nil {
			a.last.close()
		}
		a.last = o
	}
	return a.last.frame(p)
}

// Close lets go of the file that Frame read last.
func (a *Archive) Close() error {
	a.lastMu.Lock()
	defer a.lastMu.Unlock()
	if a.last != nil {
		a.last.close()
		a.last = nil
	}
	return nil
}

func damaged(path, what string) error {
	return clientele.Errorf(clientele.Corrupt, "archive: %s is damaged: %s", filepath.Base(path), what).
		WithHint("bring the file back from a backup")
}

func ioError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return clientele.Errorf(clientele.Corrupt, "archive: %w", err).WithHint("bring the file back from a backup")
	}
	return clientele.Errorf(clientele.Unavailable, "archive: %w", err).WithHint("check the archive's disk")
}
