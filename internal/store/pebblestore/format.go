package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clientele"
)

// formatVersion is of what lies in the directory: the engine, its files and the keys of ADR 3.
const formatVersion = 1

// formatFile is beside Pebble's own files, so that it can be read before Pebble tries its own.
const formatFile = "FORMAT"

// checkFormat refuses a directory that this program cannot read and marks a new one.
func checkFormat(f vfs.FS, dir string) error {
	name := f.PathJoin(dir, formatFile)
	b, err := readFile(f, name)
	if err == nil {
		return parseFormat(b)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return diskError("open row store", err, " and start again")
	}
	if err := f.MkdirAll(dir, 0o755); err != nil {
		return diskError("make row store", err, " and start again")
	}
	names, err := f.List(dir)
	if err != nil {
		return diskError("open row store", err, " and start again")
	}
	for _, n := range names {
		if strings.HasPrefix(n, "MANIFEST-") || n == "CURRENT" {
			return clientele.Errorf(clientele.Corrupt, "row store directory has rows but no %s file", formatFile).
				WithHint("restore it from a backup, or remove the directory and rebuild from the log")
		}
	}
	return writeFormat(f, dir)
}

func parseFormat(b []byte) error {
	var v int
	if _, err := fmt.Sscanf(string(b), "clientele rows %d\n", &v); err != nil || v < 1 {
		return clientele.Errorf(clientele.Corrupt, "row store's %s file is damaged", formatFile).
			WithHint("restore it from a backup, or remove the directory and rebuild from the log")
	}
	if v > formatVersion {
		return clientele.Errorf(clientele.Conflict, "row store has format %d, this program knows formats up to %d", v, formatVersion).
			WithHint("start the newer version of clientele that wrote it")
	}
	return nil
}

func readFile(f vfs.FS, name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(file, 100))
	return b, errors.Join(err, file.Close())
}

// writeFormat leaves the whole file or none.
func writeFormat(f vfs.FS, dir string) error {
	name := f.PathJoin(dir, formatFile)
	err := func() error {
		file, err := f.Create(name+".tmp", vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(file, "clientele rows %d\n", formatVersion)
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return err
		}
		if err := f.Rename(name+".tmp", name); err != nil {
			return err
		}
		d, err := f.OpenDir(dir)
		if err != nil {
			return err
		}
		return errors.Join(d.Sync(), d.Close())
	}()
	if err != nil {
		return diskError("mark row store", err, " and start again")
	}
	return nil
}
