package archive

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"clientele"
)

const (
	head     = "clarch\x00\x01"
	footMark = "clarchEN"

	missingSize = 16
	entrySize   = 24
	footSize    = 48
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry says where a frame is.
type entry struct {
	position clientele.Position
	offset   int64
	length   int
	sum      uint32
}

// writer makes one part.
type writer struct {
	dir     string
	f       *os.File
	b       *bufio.Writer
	first   clientele.Position
	last    clientele.Position
	offset  int64
	missing []Range
	index   []entry
}

func (a *Archive) create(first clientele.Position) (*writer, error) {
	f, err := os.Create(filepath.Join(a.dir, fmt.Sprintf("%0*d%s", digits, first, tmpExt)))
	if err != nil {
		return nil, ioError(err)
	}
	w := &writer{dir: a.dir, f: f, b: bufio.NewWriterSize(f, 1<<20), first: first, last: first - 1, offset: int64(len(head))}
	if _, err := w.b.WriteString(head); err != nil {
		w.abandon()
		return nil, ioError(err)
	}
	return w, nil
}

func (w *writer) full() bool { return w.offset >= partBytes || len(w.index) >= partFrames }

// add writes a frame, or notes that everything from the last position to p is missing.
func (w *writer) add(p clientele.Position, frame []byte) error {
	if frame == nil {
		if n := len(w.missing); n > 0 && w.missing[n-1].To == w.last {
			w.missing[n-1].To = p
		} else {
			w.missing = append(w.missing, Range{w.last + 1, p})
		}
		w.last = p
		return nil
	}
	if len(frame) == 0 || len(frame) > math.MaxInt32 {
		return clientele.Errorf(clientele.Invalid, "archive: a frame of %d bytes", len(frame))
	}
	if _, err := w.b.Write(frame); err != nil {
		return ioError(err)
	}
	w.index = append(w.index, entry{p, w.offset, len(frame), crc32.Checksum(frame, castagnoli)})
	w.offset += int64(len(frame))
	w.last = p
	return nil
}

// finish seals the file and gives it its name once it is on disk.
func (w *writer) finish() (part, error) {
	p, err := w.seal()
	if err != nil {
		return part{}, err
	}
	if err := os.Rename(w.f.Name(), p.path); err != nil {
		return part{}, ioError(err)
	}
	// Without this the name could be lost with the power, after the log has forgotten the frames.
	if err := syncDir(w.dir); err != nil {
		_ = os.Remove(p.path)
		return part{}, ioError(err)
	}
	return p, nil
}

// seal writes the lists and the foot, and brings the file to the disk.
func (w *writer) seal() (part, error) {
	lists := make([]byte, 0, len(w.missing)*missingSize+len(w.index)*entrySize+footSize)
	for _, m := range w.missing {
		lists = binary.LittleEndian.AppendUint64(lists, uint64(m.From))
		lists = binary.LittleEndian.AppendUint64(lists, uint64(m.To))
	}
	for _, e := range w.index {
		lists = binary.LittleEndian.AppendUint64(lists, uint64(e.position))
		lists = binary.LittleEndian.AppendUint64(lists, uint64(e.offset))
		lists = binary.LittleEndian.AppendUint32(lists, uint32(e.length))
		lists = binary.LittleEndian.AppendUint32(lists, e.sum)
	}
	foot := make([]byte, 0, footSize)
	foot = binary.LittleEndian.AppendUint64(foot, uint64(w.first))
	foot = binary.LittleEndian.AppendUint64(foot, uint64(w.last))
	foot = binary.LittleEndian.AppendUint32(foot, uint32(len(w.index)))
	foot = binary.LittleEndian.AppendUint32(foot, uint32(len(w.missing)))
	foot = binary.LittleEndian.AppendUint64(foot, uint64(w.offset))
	foot = binary.LittleEndian.AppendUint32(foot, crc32.Checksum(lists, castagnoli))
	foot = binary.LittleEndian.AppendUint32(foot, crc32.Checksum(foot, castagnoli))
	foot = append(foot, footMark...)
	size := w.offset + int64(len(lists)+len(foot))
	if _, err := w.b.Write(append(lists, foot...)); err != nil {
		return part{}, ioError(err)
	}
	if err := w.b.Flush(); err != nil {
		return part{}, ioError(err)
	}
	if err := w.f.Sync(); err != nil {
		return part{}, ioError(err)
	}
	if err := w.f.Close(); err != nil {
		return part{}, ioError(err)
	}
	return part{Range{w.first, w.last}, w.path(), size}, nil
}

// abandon removes what was written. A nil writer has written nothing.
func (w *writer) abandon() {
	if w != nil {
		_ = w.f.Close()
		_ = os.Remove(w.f.Name())
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// foot is the end of a part.
type foot struct {
	Range
	frames, missing int
	lists           int64 // where they begin
	sum             uint32
}

// readFoot reads the foot and says how large the file is. Corrupt when file and foot do not
// fit together.
func readFoot(f *os.File) (foot, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return foot{}, 0, ioError(err)
	}
	size := info.Size()
	var h [len(head)]byte
	var b [footSize]byte
	if size < int64(len(head)+footSize) {
		return foot{}, size, damaged(f.Name(), "it is cut off")
	}
	if _, err := f.ReadAt(h[:], 0); err != nil {
		return foot{}, size, ioError(err)
	}
	if _, err := f.ReadAt(b[:], size-footSize); err != nil {
		return foot{}, size, ioError(err)
	}
	if string(h[:len(head)-1]) == head[:len(head)-1] && h[len(head)-1] != head[len(head)-1] {
		return foot{}, size, clientele.Errorf(clientele.Corrupt, "archive: %s has no version this program knows", filepath.Base(f.Name())).
			WithHint("it was written by a newer version: upgrade")
	}
	le := binary.LittleEndian
	ft := foot{
		Range:   Range{clientele.Position(le.Uint64(b[0:])), clientele.Position(le.Uint64(b[8:]))},
		frames:  int(le.Uint32(b[16:])),
		missing: int(le.Uint32(b[20:])),
		lists:   int64(le.Uint64(b[24:])),
		sum:     le.Uint32(b[32:]),
	}
	whole := string(h[:]) == head && string(b[40:]) == footMark && le.Uint32(b[36:]) == crc32.Checksum(b[:36], castagnoli)
	if !whole || ft.From == 0 || ft.From > ft.To || ft.lists < int64(len(head)) ||
		ft.lists+int64(ft.missing)*missingSize+int64(ft.frames)*entrySize+footSize != size {
		return foot{}, size, damaged(f.Name(), "its head or foot is not what was written")
	}
	return ft, size, nil
}

// opened is a part that is being read.
type opened struct {
	part
	f       *os.File
	missing []Range
	index   []entry
}

func (o *opened) close() { _ = o.f.Close() }

func openPart(p part) (*opened, error) {
	f, err := os.Open(p.path)
	if err != nil {
		return nil, ioError(err)
	}
	o := &opened{part: p, f: f}
	if err := o.load(); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// load reads the lists; every position of the part must be in exactly one of them.
func (o *opened) load() error {
	ft, _, err := readFoot(o.f)
	if err != nil {
		return err
	}
	b := make([]byte, ft.missing*missingSize+ft.frames*entrySize)
	if _, err := o.f.ReadAt(b, ft.lists); err != nil {
		return ioError(err)
	}
	if crc32.Checksum(b, castagnoli) != ft.sum {
		return damaged(o.path, "its index is not what was written")
	}
	le := binary.LittleEndian
	positions := uint64(ft.frames)
	for range ft.missing {
		m := Range{clientele.Position(le.Uint64(b)), clientele.Position(le.Uint64(b[8:]))}
		o.missing = append(o.missing, m)
		positions += uint64(m.To - m.From + 1)
		b = b[missingSize:]
	}
	o.index = make([]entry, ft.frames)
	for i := range o.index {
		e := entry{clientele.Position(le.Uint64(b)), int64(le.Uint64(b[8:])), int(le.Uint32(b[16:])), le.Uint32(b[20:])}
		if e.offset < int64(len(head)) || e.offset+int64(e.length) > ft.lists || e.position < ft.From || e.position > ft.To ||
			i > 0 && e.position <= o.index[i-1].position {
			return damaged(o.path, "its index is not what was written")
		}
		o.index[i] = e
		b = b[entrySize:]
	}
	if positions != uint64(ft.To-ft.From+1) {
		return damaged(o.path, "its index does not have all positions")
	}
	return nil
}

// at is the index of the first frame at or behind the position.
func (o *opened) at(p clientele.Position) (int, bool) {
	return slices.BinarySearchFunc(o.index, p, func(e entry, p clientele.Position) int { return cmp.Compare(e.position, p) })
}

// gap is the missing range that has the position.
func (o *opened) gap(p clientele.Position) Range {
	for _, m := range o.missing {
		if m.From <= p && p <= m.To {
			return m
		}
	}
	return Range{p, p}
}

func (o *opened) frame(p clientele.Position) ([]byte, error) {
	i, found := o.at(p)
	if !found {
		return nil, missingError(o.gap(p))
	}
	return o.read(o.f, o.index[i])
}

func (o *opened) read(r io.ReaderAt, e entry) ([]byte, error) {
	b := make([]byte, e.length)
	if _, err := r.ReadAt(b, e.offset); err != nil {
		return nil, ioError(err)
	}
	if crc32.Checksum(b, castagnoli) != e.sum {
		return nil, damaged(o.path, fmt.Sprintf("the frame at position %d", e.position))
	}
	return b, nil
}
