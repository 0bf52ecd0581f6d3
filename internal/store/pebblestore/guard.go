package pebblestore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clientele"
)

// guard stands between Pebble and the disk. Pebble ends the process (or panics with a mutex
// held) when it cannot write its log or its manifest. So Pebble never learns of such a
// failure: from the first one on nothing in the store's directory is changed any more, every
// write there is answered as if it had been done, and Apply, which asks the guard after each
// commit, returns the error. The disk then holds what it held at the failure: that is a crash,
// and opening the store again recovers from it as from any crash.
//
// Failures on table files are passed on, because Pebble bears them and tries again.
type guard struct {
	vfs.FS
	dir     string
	fake    *vfs.MemFS // files that are made after the failure
	failure atomic.Pointer[error]
	onFail  func()
	writing context.Context // ends with the failure, or when the store closes
	stop    context.CancelFunc
	closing context.Context // ends the pauses between tries
	close   context.CancelFunc

	mu     sync.Mutex
	failed map[*guardedFile]bool // open table files of which a write has failed
}

// retryPause is how long a failed write of a table file is held back, because Pebble tries
// again at once and for ever.
const retryPause = 100 * time.Millisecond

func newGuard(fs vfs.FS, dir string, onFail func()) *guard {
	g := &guard{FS: fs, dir: filepath.Clean(dir), fake: vfs.NewMem(), onFail: onFail, failed: map[*guardedFile]bool{}}
	g.closing, g.close = context.WithCancel(context.Background())
	g.writing, g.stop = context.WithCancel(g.closing)
	return g
}

// err is the failure after which nothing was written any more, or nil.
func (g *guard) err() error {
	if p := g.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// fail stops all writing. Only the first error is kept: the others follow from it.
func (g *guard) fail(err error) {
	if g.failure.CompareAndSwap(nil, &err) {
		g.stop()
		g.onFail()
	}
}

type fileClass int

const (
	foreign fileClass = iota // not in the store's directory, such as a checkpoint's
	table                    // Pebble bears a failure
	vital                    // Pebble does not
)

func (g *guard) class(name string) fileClass {
	name = filepath.Clean(name)
	if name != g.dir && filepath.Dir(name) != g.dir {
		return foreign
	}
	switch filepath.Ext(name) {
	case ".sst", ".blob":
		return table
	}
	return vital
}

// do runs a change of the directory unless writing has stopped, and says what Pebble is to hear.
func (g *guard) do(c fileClass, change func() error) error {
	if c == foreign {
		return change()
	}
	err := g.err()
	if err == nil {
		if err = change(); err == nil {
			return nil
		}
		if c == vital {
			g.fail(err)
		}
	}
	if c == vital {
		return nil
	}
	g.pause()
	return err
}

func (g *guard) pause() {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-g.closing.Done():
	}
}

// file opens a file for writing; after a failure a vital one is a file in memory.
func (g *guard) file(name string, open func() (vfs.File, error)) (vfs.File, error) {
	c := g.class(name)
	var f vfs.File
	err := g.do(c, func() (err error) {
		f, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	if c == vital && g.err() != nil {
		if f != nil { // the failure came from elsewhere, in between: the file's Close is no matter
			_ = f.Close()
		}
		return g.fake.Create(filepath.Base(name), vfs.WriteCategoryUnspecified)
	}
	if c == foreign {
		return f, nil
	}
	return &guardedFile{File: f, guard: g, class: c, name: name}, nil
}

func (g *guard) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.Create(name, category) })
}

func (g *guard) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, category, opts...) })
}

func (g *guard) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(newname, func() (vfs.File, error) { return g.FS.ReuseForWrite(oldname, newname, category) })
}

func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if c := g.class(name); err == nil && c != foreign {
		return &guardedFile{File: f, guard: g, class: c, name: name}, nil
	}
	return f, err
}

func (g *guard) Link(oldname, newname string) error {
	return g.do(g.class(newname), func() error { return g.FS.Link(oldname, newname) })
}

// Remove passes the answer on: Pebble bears it when an old file cannot be removed.
func (g *guard) Remove(name string) error {
	g.closeFailed(name)
	if g.class(name) != foreign && g.err() != nil {
		return nil
	}
	return g.FS.Remove(name)
}

func (g *guard) RemoveAll(name string) error {
	if g.class(name) != foreign && g.err() != nil {
		return nil
	}
	return g.FS.RemoveAll(name)
}

func (g *guard) Rename(oldname, newname string) error {
	return g.do(g.class(newname), func() error { return g.FS.Rename(oldname, newname) })
}

func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	return g.do(g.class(dir), func() error { return g.FS.MkdirAll(dir, perm) })
}

// Lock says who is in the way, unless it is the disk.
func (g *guard) Lock(name string) (io.Closer, error) {
	c, err := g.FS.Lock(name)
	var number syscall.Errno
	if err == nil || errors.As(err, &number) && number != syscall.EAGAIN && number != syscall.EACCES {
		return c, err
	}
	return nil, clientele.Errorf(clientele.Conflict, "row store is in use").
		WithHint("another process runs on the same data directory: stop it first")
}

func (g *guard) Unwrap() vfs.FS { return g.FS }

// guardedFile is a file or a directory of the store that is written.
type guardedFile struct {
	vfs.File
	guard *guard
	class fileClass
	name  string
	once  sync.Once
}

func (f *guardedFile) Write(p []byte) (n int, err error) {
	if err := f.do(func() (err error) { n, err = f.File.Write(p); return err }); err != nil {
		return n, err
	}
	return len(p), nil
}

func (f *guardedFile) WriteAt(p []byte, off int64) (n int, err error) {
	if err := f.do(func() (err error) { n, err = f.File.WriteAt(p, off); return err }); err != nil {
		return n, err
	}
	return len(p), nil
}

// Preallocate does nothing. Pebble would set aside a full memtable's room for every log file, and
// a young store has half a dozen of them with next to nothing in: hundreds of megabytes that
// nobody else could use, on a disk that may be nearly full.
func (f *guardedFile) Preallocate(int64, int64) error { return nil }

func (f *guardedFile) Sync() error { return f.do(f.File.Sync) }

func (f *guardedFile) SyncData() error { return f.do(f.File.SyncData) }

func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// do is guard.do that remembers the failed file: Pebble does not close it when its last sync
// fails, and the file would hold its space on the full disk though it is removed.
func (f *guardedFile) do(change func() error) error {
	err := f.guard.do(f.class, change)
	if err != nil && f.class == table {
		f.guard.mu.Lock()
		f.guard.failed[f] = true
		f.guard.mu.Unlock()
	}
	return err
}

// closeFailed closes what Pebble has left open of the file; of all files for "".
func (g *guard) closeFailed(name string) {
	g.mu.Lock()
	var left []*guardedFile
	for f := range g.failed {
		if name == "" || f.name == name {
			left = append(left, f)
		}
	}
	g.mu.Unlock()
	for _, f := range left {
		_ = f.Close() // it failed before
	}
}

// Close always closes; only what it says is kept from Pebble.
func (f *guardedFile) Close() (err error) {
	f.once.Do(func() {
		err = f.File.Close()
		f.guard.mu.Lock()
		delete(f.guard.failed, f)
		f.guard.mu.Unlock()
	})
	if err != nil && f.class == vital {
		f.guard.fail(err)
		return nil
	}
	return err
}
