package duckstore

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"

	"clientele"
)

// Copy makes a file of its own at path, which must not be there, out of the last applied change,
// and says which that is. Nobody else writes meanwhile: file and write-ahead log stand still
// together, so no checkpoint is needed and queries go on. Where the disk can share blocks the copy
// is one call; elsewhere Apply waits for as long as it takes to copy the file.
func (s *Store) Copy(ctx context.Context, path string) (commit uint64, pos clientele.Position, err error) {
	err = s.writing(ctx, func(conn *sql.Conn) error {
		if commit, pos, err = position(ctx, conn); err != nil {
			return err
		}
		if s.file == nil {
			if s.file, err = os.Open(s.o.Path); err != nil {
				return copyError(err)
			}
		}
		// A log is there when something was written since the last checkpoint.
		wal, err := os.Open(s.o.Path + ".wal")
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return copyError(err)
		default:
			err := copyTo(ctx, path+".wal", wal)
			if err = errors.Join(err, wal.Close()); err != nil {
				return copyError(err)
			}
		}
		return copyError(copyTo(ctx, path, s.file))
	})
	return commit, pos, err
}

// copyPiece is how much is copied between two looks at the context.
const copyPiece = 64 << 20

// copyTo copies the whole of a file, wherever its offset stands, and syncs.
func copyTo(ctx context.Context, path string, from *os.File) (err error) {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return err
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for {
		switch _, err := io.CopyN(to, from, copyPiece); {
		case errors.Is(err, io.EOF):
			return to.Sync()
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

func copyError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return clientele.Errorf(clientele.Unavailable, "copy of the column store: %w", err).WithHint("check the disk of the backup")
}
