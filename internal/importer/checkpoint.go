package importer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"clientele"
)

// checkpointKey names an import: the same source, mapping and files, unchanged. Standard input
// cannot be read again, so an import of it has no key.
func checkpointKey(source string, m *Mapping, inputs []input) string {
	b := appendPart([]byte{'c', 1}, source)
	b = append(b, m.digest[:]...)
	for _, in := range inputs {
		if in.path == stdinPath {
			return ""
		}
		abs, err := in.path, error(nil)
		if !isObject(in.path) {
			abs, err = filepath.Abs(in.path)
		}
		if err != nil {
			return ""
		}
		b = appendPart(b, abs)
		b = appendInt(append(b, 0), in.size)
		b = appendInt(append(b, 0), in.mtime)
	}
	return string(hashOf(b).appendHex(nil, 32))
}

// DirCheckpoints keeps checkpoints as files of a folder, which it makes when it is first used.
type DirCheckpoints struct{ Dir string }

func (d DirCheckpoints) path(key string) string {
	return filepath.Join(d.Dir, "import-"+key)
}

// Load is 0 for a checkpoint that is not there or cannot be understood.
func (d DirCheckpoints) Load(key string) (int64, error) {
	b, err := os.ReadFile(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, clientele.Errorf(clientele.Unavailable, "read checkpoint: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil || n < 0 || !strings.HasSuffix(string(b), "\n") {
		return 0, nil // half written: start from the beginning
	}
	return n, nil
}

// Save replaces the file as a whole; it is not synced, since an older checkpoint does no harm.
func (d DirCheckpoints) Save(key string, rows int64) error {
	if rows == 0 {
		if err := os.Remove(d.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return clientele.Errorf(clientele.Unavailable, "remove checkpoint: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return clientele.Errorf(clientele.Unavailable, "checkpoint folder: %w", err)
	}
	tmp := d.path(key) + ".new"
	if err := os.WriteFile(tmp, append(appendInt(nil, rows), 0x0a), 0o600); err != nil {
		return clientele.Errorf(clientele.Unavailable, "write checkpoint: %w", err)
	}
	if err := os.Rename(tmp, d.path(key)); err != nil {
		return clientele.Errorf(clientele.Unavailable, "write checkpoint: %w", err)
	}
	return nil
}
