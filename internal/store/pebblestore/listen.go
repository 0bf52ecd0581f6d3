package pebblestore

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"clientele"
)

// listener hears what Pebble does by itself: flushes, compactions, and what went wrong there.
// Pebble's own texts can hold row keys, which hold identifiers of people, so none of them is
// logged as it comes: only formats, file names and error numbers are.
type listener struct {
	log   *slog.Logger
	store *Store
	turns *scheduler
}

// Infof is dropped: what Pebble tells there is for its own developers.
func (l *listener) Infof(string, ...any) {}

func (l *listener) Errorf(format string, _ ...any) {
	l.log.Warn("row store engine reports an error", "text", format)
}

// Fatalf must not end the process. What is left that calls it are faults of the engine; to
// stop all writing is then the safe thing, and it returns to let Pebble unwind.
func (l *listener) Fatalf(format string, _ ...any) {
	l.log.Error("row store engine stopped", "text", format)
	l.store.guard.fail(clientele.Errorf(clientele.Internal, "row store engine stopped").
		WithHint("restart; if it comes again, rebuild the row store from the log"))
}

func (l *listener) events() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			l.store.troubled(err)
			l.log.Warn("row store background work fails and is tried again", "error", cause(err))
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.log.Error("row store file is damaged", "file", info.Path)
			l.store.guard.fail(damaged())
		},
		FlushBegin: func(pebble.FlushInfo) {
			if l.turns.opened() { // everything waits for one before that
				l.store.opts.Background()
			}
		},
		CompactionBegin: func(pebble.CompactionInfo) { l.store.opts.Background() },
		FlushEnd: func(info pebble.FlushInfo) {
			l.done(info.Err)
			l.log.Debug("row store flushed", "bytes", info.InputBytes, "took", info.TotalDuration)
		},
		CompactionEnd: func(info pebble.CompactionInfo) {
			l.done(info.Err)
			l.log.Debug("row store compacted", "level", info.Output.Level, "took", info.TotalDuration)
		},
	}
}

func (l *listener) done(err error) {
	if err == nil {
		l.store.troubled(nil)
	}
}

func damaged() *clientele.Error {
	return clientele.Errorf(clientele.Corrupt, "row store file is damaged").
		WithHint("restore the data directory from a backup, or rebuild the row store from the log")
}

// cause is the part of err that names no row: an error of the operating system, a cancelled
// context, or one of ours.
func cause(err error) error {
	var ours *clientele.Error
	var path *fs.PathError
	var number syscall.Errno
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &path):
		return path
	case errors.As(err, &number):
		return number
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case pebble.IsCorruptionError(err):
		return errors.New("damaged file")
	}
	return errors.New("error inside the storage engine")
}

// readError is what a reader is told.
func readError(err error) error {
	if pebble.IsCorruptionError(err) {
		return damaged()
	}
	return clientele.Errorf(clientele.Internal, "read row store: %w", cause(err))
}

// writeError is what a writer is told when nothing can be written any more.
func writeError(err error) error {
	return diskError("write row store", err, ", then restart; what was acknowledged is kept")
}

// diskError says what the disk did, and in the hint what to do and then.
func diskError(doing string, err error, then string) error {
	c := cause(err)
	var ours *clientele.Error
	if errors.As(c, &ours) {
		return ours
	}
	e := clientele.Errorf(clientele.Unavailable, "%s: %w", doing, c)
	if errors.Is(c, syscall.ENOSPC) || errors.Is(c, syscall.EDQUOT) {
		return e.WithHint("the disk is full: free some space%s", then)
	}
	return e.WithHint("look at the disk%s", then)
}
