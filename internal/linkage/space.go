package linkage

import (
	"sync"
	"unsafe"

	"clientele"
)

// space gives the arrays of a linkage: from the heap up to a limit, and above it from files, mapped into memory, that the
// system writes out and reads again as they are used. Who reads an array need not know where it lies. A nil space has no limit.
//
// Texts in such an array are words of the same space: an array in a file is never all that refers to something on the heap,
// which the garbage collector would not see.
type space struct {
	mu     sync.Mutex
	limit  int64 // bytes of the heap
	used   int64
	mapped map[*byte][]byte
	disk   int64 // bytes of files, in all
	err    error // why there was no room in files
	trim   *trimmer
}

// newSpace makes a space of so many bytes of memory, a third of them for what files have in it; nil when there is no limit,
// or the system has no such files.
func newSpace(memory int64) *space {
	if memory <= 0 || !mapsFiles {
		return nil
	}
	return &space{limit: memory - memory/3, mapped: map[*byte][]byte{}, trim: &trimmer{most: memory / 3}}
}

// grab is make([]T, n) in the space.
func grab[T any](s *space, n int) []T {
	size := int64(n) * int64(unsafe.Sizeof(*new(T)))
	if s == nil || n == 0 || s.heap(size) {
		return make([]T, n)
	}
	b := s.file(size)
	if b == nil {
		return make([]T, n)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

// add is append in the space: an array that is full moves to one twice as large, and nobody else may hold it.
func add[T any](s *space, list []T, x T) []T {
	if s != nil && len(list) == cap(list) {
		wider := grab[T](s, max(64, 2*cap(list)))[:len(list)]
		copy(wider, list)
		release(s, list)
		list = wider
	}
	return append(list, x)
}

// release gives an array back that nobody holds any more.
func release[T any](s *space, list []T) {
	if s == nil || cap(list) == 0 {
		return
	}
	first := (*byte)(unsafe.Pointer(unsafe.SliceData(list)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.mapped[first]; ok {
		delete(s.mapped, first)
		s.trim.release(b)
		return
	}
	s.used -= int64(cap(list)) * int64(unsafe.Sizeof(*new(T)))
}

// heap says whether so many bytes may come from the heap, and counts them. Small arrays always may.
func (s *space) heap(size int64) bool {
	const small = 8 << 10
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > small && s.used+size > s.limit && s.err == nil {
		return false
	}
	s.used += size
	return true
}

// file is so many bytes of a new file; nil, and the error is noted, when there is no room.
func (s *space) file(size int64) []byte {
	b, err := mapFile(size)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.err = clientele.Errorf(clientele.Unavailable, "records that do not fit into memory: %w", err).
			WithHint("make room in the folder for temporary files, name another in TMPDIR, or allow more memory")
		return nil
	}
	s.mapped[&b[0]] = b
	s.disk += size
	s.trim.take(b)
	return b
}

// words are texts that lie one behind the other in arrays of a space.
type words struct {
	chunks [][]byte
	free   []byte // the rest of the last
}

// Sizes of the arrays of words, in bytes: each is twice as large as the one before.
const (
	firstChunk = 4 << 10
	lastChunk  = 16 << 20
)

// keep is the text, copied into the space; where there is none the text itself.
func (w *words) keep(s *space, t string) string {
	if s == nil || t == "" {
		return t
	}
	if len(w.free) < len(t) {
		w.free = grab[byte](s, max(min(firstChunk<<min(len(w.chunks), 20), lastChunk), len(t)))
		w.chunks = append(w.chunks, w.free)
	}
	n := copy(w.free, t)
	own := unsafe.String(&w.free[0], n)
	w.free = w.free[n:]
	return own
}

// failed is why the space could not be had where it was to be.
func (s *space) failed() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// files is how many bytes have gone to files.
func (s *space) files() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disk
}

// close lets go of all files; nothing of the space is used any more.
func (s *space) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for first, b := range s.mapped {
		delete(s.mapped, first)
		s.trim.release(b)
	}
	s.trim.stop()
}
