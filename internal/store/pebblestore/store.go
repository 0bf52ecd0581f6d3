// Package pebblestore keeps the resolver's rows in Pebble, an LSM tree inside the process.
//
// What is acknowledged is synced. What is read is acknowledged: readers see the state as of
// the last change set that is safely on disk, never one that a power cut could still take
// back, so that a follower cannot run ahead of the store. After a failed write the store
// answers reads as before and refuses changes until it is opened again.
package pebblestore

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"clientele"
)

// Options say where the rows are and how much memory they may take: about CacheBytes and four
// times MemTableBytes.
type Options struct {
	Dir           string
	CacheBytes    int64 // of blocks that were read; 0 = 128 MB
	MemTableBytes int64 // rows gathered in memory before they are flushed; 0 = 32 MB
	MinFreeBytes  int64 // Apply refuses when the disk has less; 0 = 32 MB and twice MemTableBytes, below 0 = no floor
	Log           *slog.Logger
	Background    func() // called first in each goroutine that flushes or compacts, which ends with its work; nil = nothing
	Plain         bool   // blocks are stored without compression, for tests that look for bytes
	NoSync        bool   // for a rebuild only: a crash may take back the last change sets, whole and in order
}

const (
	defaultCache    = 128 << 20
	defaultMemTable = 32 << 20
	maxMemTables    = 4  // in memory at once before Apply waits
	maxSublevels    = 20 // files that a read of level 0 may have to look into before Apply waits
	maxOpenFiles    = 500
)

// Store is a clientele.RowStore. Its methods are safe for concurrent use.
type Store struct {
	opts  Options
	db    *pebble.DB
	guard *guard
	cache *pebble.Cache

	trouble atomic.Pointer[trouble] // of background work, nil when it goes well
	moved   chan struct{}           // background work has ended, well or not

	apply   sync.Mutex    // one change at a time
	batch   *pebble.Batch // of the last change, empty: its memory is used again; nil for none
	since   int64         // bytes applied since pressure was last looked at
	trimmed uint64        // the highest change that is known to be gone

	// What reads hold is shared or atomic: whoever holds a lock alone may be a thread that gives way, and all others would wait
	// until it has its turn.
	mu     sync.RWMutex // guards the rest; a call begins with it shared
	idle   *sync.Cond   // ops has become 0 while it closes
	ops    atomic.Int64 // calls under way
	closed atomic.Bool  // set with the lock held
	now    *view
	views  map[*view]bool // not yet closed
}

var _ clientele.RowStore = (*Store)(nil)

// trouble is the last failure of background work.
type trouble struct {
	err error
}

// Open opens the store, which it makes when Dir is empty or missing. Conflict when another
// process has it or a newer program wrote it.
func Open(o Options) (*Store, error) {
	if err := beforeOpen(o.Dir); err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "open row store: %w", cause(err))
	}
	return open(o, vfs.Default)
}

func open(o Options, fs vfs.FS) (*Store, error) {
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCache
	}
	if o.MemTableBytes <= 0 {
		o.MemTableBytes = defaultMemTable
	}
	if o.MinFreeBytes == 0 {
		o.MinFreeBytes = 32<<20 + 2*o.MemTableBytes
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Background == nil {
		o.Background = func() {}
	}
	if err := checkFormat(fs, o.Dir); err != nil {
		return nil, err
	}
	s := &Store{opts: o, moved: make(chan struct{}, 1), views: map[*view]bool{}}
	s.idle = sync.NewCond(&s.mu)
	s.guard = newGuard(fs, o.Dir, s.wake)
	if err := s.startable(); err != nil {
		s.guard.close()
		return nil, err
	}
	// Pebble takes the memory of its memtables out of the cache.
	s.cache = pebble.NewCache(o.CacheBytes + maxMemTables*o.MemTableBytes)
	db, err := s.openEngine(o.Dir, false)
	if err == nil {
		s.db = db
		err = s.start()
	}
	if failure := s.guard.err(); failure != nil {
		err = writeError(failure) // before anything that came of it
	}
	if err != nil {
		if s.db != nil {
			_ = s.Close() // err says more
		} else {
			s.guard.close()
			s.cache.Unref()
		}
		return nil, openError(err)
	}
	return s, nil
}

// leastFree is what opening writes at most: without it Pebble would wait for room without a word.
const leastFree = 8 << 20

// startable says whether there is room to open at all.
func (s *Store) startable() error {
	if s.opts.MinFreeBytes < 0 {
		return nil
	}
	u, err := s.guard.GetDiskUsage(s.opts.Dir)
	if err != nil || u.AvailBytes >= leastFree { // a directory that is not there yet has no disk
		return nil
	}
	return clientele.Errorf(clientele.Unavailable, "open row store: the disk is full, %d KB are free", u.AvailBytes>>10).
		WithHint("free at least %d MB on the disk of the data directory and start again; nothing is lost", leastFree>>20)
}

func openError(err error) error {
	var ours *clientele.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case pebble.IsCorruptionError(err):
		return damaged()
	}
	return diskError("open row store", err, " and start again")
}

// openEngine opens Pebble on the directory, without a write-ahead log if it is for copying alone.
func (s *Store) openEngine(dir string, copying bool) (*pebble.DB, error) {
	turns := newScheduler()
	o := s.pebbleOptions(turns)
	o.DisableWAL = copying
	db, err := pebble.Open(dir, o)
	if err != nil {
		turns.end()
		return nil, err
	}
	turns.begin()
	return db, nil
}

func (s *Store) pebbleOptions(turns *scheduler) *pebble.Options {
	l := &listener{log: s.opts.Log, store: s, turns: turns}
	po := &pebble.Options{
		FS:                 s.guard,
		Cache:              s.cache,
		Logger:             l,
		EventListener:      l.events(),
		FormatMajorVersion: pebble.FormatTableFormatV6,
		MemTableSize:       uint64(s.opts.MemTableBytes),
		MaxOpenFiles:       maxOpenFiles,
		BytesPerSync:       1 << 20,
		WALBytesPerSync:    1 << 20,
		LBaseMaxBytes:      256 << 20,
		// Apply holds back by itself: a wait inside Pebble cannot be ended when the disk fails.
		MemTableStopWritesThreshold: 1000,
		L0StopWritesThreshold:       1000,
		L0CompactionThreshold:       8, // more means that less is written, and that a scan, which each sublevel takes part in, takes longer
		L0CompactionFileThreshold:   200,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	po.TargetFileSizes[0] = 4 << 20
	po.Experimental.CompactionScheduler = turns
	for i := range po.Levels {
		lo := &po.Levels[i]
		lo.BlockSize = 8 << 10
		lo.IndexBlockSize = 64 << 10
		lo.FilterPolicy = bloom.FilterPolicy(10)
		// Snappy in the last level too: a random read there costs what it costs to unpack a block.
		lo.Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
		if s.opts.Plain {
			lo.Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
		}
	}
	return po
}

// start reads where the store stands.
func (s *Store) start() error {
	v := s.newView(0, 0, &metas{})
	s.now = v
	b, err := s.Get(clientele.NewKey(clientele.RowPosition))
	if err != nil {
		return err
	}
	if b != nil {
		if len(b) != 16 {
			return damaged()
		}
		v.position = clientele.Position(binary.BigEndian.Uint64(b))
		v.number = binary.BigEndian.Uint64(b[8:])
	}
	s.trimmed = v.number
	return s.Scan(clientele.Prefix(clientele.NewKey(clientele.RowOutbox)), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		s.trimmed = r.Uint() - 1
		return false, r.Err()
	})
}

func positionRow(p clientele.Position, number uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(p)), number)
}

// Close waits for calls under way and closes. Snapshots still open answer Unavailable from
// then on. An error says that the store had stopped writing before.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed.Swap(true)
	s.mu.Unlock()
	if again {
		return nil
	}
	s.guard.close()
	s.wake()
	s.mu.Lock()
	for s.ops.Load() > 0 {
		s.idle.Wait()
	}
	s.mu.Unlock()
	for v := range s.views {
		_ = v.snap.Close() // only unlinks it
	}
	err := s.db.Close()
	s.guard.closeFailed("")
	s.cache.Unref()
	if failure := s.guard.err(); failure != nil {
		return writeError(failure)
	}
	if err != nil {
		return clientele.Errorf(clientele.Internal, "close row store: %w", cause(err))
	}
	return nil
}

// Size is the bytes on disk.
func (s *Store) Size() int64 {
	v, err := s.enter()
	if err != nil {
		return 0
	}
	defer s.leave(v)
	return int64(s.db.Metrics().DiskSpaceUsage())
}

// Flush writes the rows that are only in memory and in the write-ahead log to table files.
func (s *Store) Flush() error {
	v, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(v)
	s.apply.Lock()
	defer s.apply.Unlock()
	if err := s.guard.err(); err != nil {
		return writeError(err)
	}
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return clientele.Errorf(clientele.Internal, "flush row store: %w", cause(err))
	}
	for {
		select {
		case <-flushed:
			return s.failure()
		case <-s.moved:
			if err := s.failure(); err != nil {
				return err
			}
			if t := s.trouble.Load(); t != nil {
				return troubleError(t)
			}
		}
	}
}

// failure is why nothing can be written any more, or nil.
func (s *Store) failure() error {
	if err := s.guard.err(); err != nil {
		return writeError(err)
	}
	return nil
}

// Compact brings all rows to the last level and frees the space of what was deleted.
func (s *Store) Compact(ctx context.Context) error {
	v, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(v)
	if err := s.failure(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.guard.writing, cancel)()
	if err := s.db.Compact(ctx, []byte{0}, endOfKeys, false); err != nil {
		if failure := s.failure(); failure != nil {
			return failure
		}
		return clientele.Errorf(clientele.Unavailable, "compact row store: %w", cause(err))
	}
	return s.failure()
}
