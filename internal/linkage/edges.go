package linkage

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"

	"clientele"
)

// edge is a candidate pair that was weighed.
type edge struct {
	a, b   uint32
	weight float32
}

const edgeBytes = 12

// heavier orders edges: the weightier first, then by records.
func heavier(x, y edge) int {
	return cmp.Or(cmp.Compare(y.weight, x.weight), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
}

// edgeStore takes edges from several workers and gives them back the heaviest first. What is over its limit of memory lies
// in sorted runs in files that have no name any more.
type edgeStore struct {
	buffers [][]edge
	limit   int // edges of one buffer
	runs    [][]edgeRun
	sorted  []edge
	count   int64
}

type edgeRun struct {
	file *os.File
	n    int64
}

func newEdgeStore(workers int, memory int64) *edgeStore {
	return &edgeStore{buffers: make([][]edge, workers), runs: make([][]edgeRun, workers), limit: max(1024, int(memory/edgeBytes)/workers)}
}

// add is called by one goroutine for each worker.
func (s *edgeStore) add(worker int, e edge) error {
	s.buffers[worker] = append(s.buffers[worker], e)
	if len(s.buffers[worker]) < s.limit {
		return nil
	}
	return s.spill(worker)
}

func (s *edgeStore) spill(worker int) (err error) {
	list := s.buffers[worker]
	slices.SortFunc(list, heavier)
	f, err := os.CreateTemp("", "clientele-match-*")
	if err != nil {
		return spillError(err)
	}
	_ = os.Remove(f.Name()) // the file goes when it is closed, however this ends
	w := bufio.NewWriterSize(f, 256<<10)
	var b [edgeBytes]byte
	for _, e := range list {
		binary.LittleEndian.PutUint32(b[:], e.a)
		binary.LittleEndian.PutUint32(b[4:], e.b)
		binary.LittleEndian.PutUint32(b[8:], math.Float32bits(e.weight))
		if _, err := w.Write(b[:]); err != nil {
			return errors.Join(spillError(err), f.Close())
		}
	}
	if err := w.Flush(); err != nil {
		return errors.Join(spillError(err), f.Close())
	}
	s.runs[worker] = append(s.runs[worker], edgeRun{f, int64(len(list))})
	s.buffers[worker] = list[:0]
	return nil
}

func spillError(err error) error {
	return clientele.Errorf(clientele.Unavailable, "pairs that do not fit into memory: %w", err).WithHint("make room in the folder for temporary files, or name another in TMPDIR")
}

// finish sorts what is in memory. Nothing is added afterwards.
func (s *edgeStore) finish() {
	s.sorted = slices.Concat(s.buffers...)
	s.buffers = nil
	slices.SortFunc(s.sorted, heavier)
	s.sorted = slices.Compact(s.sorted)
	s.count = int64(len(s.sorted))
	for _, list := range s.runs {
		for _, r := range list {
			s.count += r.n
		}
	}
}

// each gives the edges in order, each once, until do returns false.
func (s *edgeStore) each(do func(edge) bool) error {
	heads := []edgeReader{{list: s.sorted}}
	for _, list := range s.runs {
		for _, r := range list {
			heads = append(heads, edgeReader{r: bufio.NewReaderSize(io.NewSectionReader(r.file, 0, r.n*edgeBytes), 64<<10)})
		}
	}
	for i := range heads {
		if err := heads[i].next(); err != nil {
			return spillError(err)
		}
	}
	var before edge
	for first := true; ; first = false {
		best := -1
		for i := range heads {
			if !heads[i].end && (best < 0 || heavier(heads[i].head, heads[best].head) < 0) {
				best = i
			}
		}
		if best < 0 {
			return nil
		}
		e := heads[best].head
		if (first || e != before) && !do(e) {
			return nil
		}
		before = e
		if err := heads[best].next(); err != nil {
			return spillError(err)
		}
	}
}

func (s *edgeStore) close() (err error) {
	for _, list := range s.runs {
		for _, r := range list {
			err = errors.Join(err, r.file.Close())
		}
	}
	s.runs, s.sorted = nil, nil
	return err
}

// edgeReader reads a list or a run.
type edgeReader struct {
	list []edge
	r    *bufio.Reader
	head edge
	end  bool
}

func (r *edgeReader) next() error {
	if r.r == nil {
		if len(r.list) == 0 {
			r.end = true
			return nil
		}
		r.head, r.list = r.list[0], r.list[1:]
		return nil
	}
	var b [edgeBytes]byte
	switch _, err := io.ReadFull(r.r, b[:]); {
	case errors.Is(err, io.EOF):
		r.end = true
	case err != nil:
		return err
	}
	r.head = edge{binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint32(b[4:]), math.Float32frombits(binary.LittleEndian.Uint32(b[8:]))}
	return nil
}
