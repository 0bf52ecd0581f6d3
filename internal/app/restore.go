package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"clientele"
	"clientele/internal/backup"
	"clientele/internal/config"
	"clientele/internal/eventlog"
	"clientele/internal/store/duckstore"
	"clientele/internal/store/pebblestore"
)

// RestoreOptions say what may be replaced.
type RestoreOptions struct {
	Force    bool                    // replace what is in the data directory
	Progress func(done, total int64) // may be nil
}

const (
	restoring    = ".restore" // in the data directory and in archive.dir: what is not in its place yet
	restorePlan  = "plan.json"
	restoreFresh = "data"
)

// plan is what is left to do once everything restored is whole and on disk. Doing it twice is
// the same as once, so a crash is made good by whoever opens the directory next.
type plan struct {
	Remove []string    `json:"remove"` // what the backup does not have
	Move   [][2]string `json:"move"`   // from, to: what is at to goes first
}

// VerifyBackup reads the whole backup and compares it with its checksums.
func VerifyBackup(ctx context.Context, path string, progress func(done, total int64)) (*backup.Manifest, error) {
	return backup.Extract(ctx, path, func(string) string { return "" }, progress)
}

// Restore puts the backup into the data directory of the configuration. Everything is verified and
// the stores are opened once before anything that is there is touched. Conflict when the directory
// is not empty, without Force, or when another process has it.
func Restore(ctx context.Context, cfg config.Config, from string, o Options, ro RestoreOptions) (*backup.Manifest, error) {
	a, err := begin(cfg, o)
	if err != nil {
		return nil, err
	}
	m, err := restore(ctx, a.cfg, from, ro)
	return m, errors.Join(err, a.Close())
}

func restore(ctx context.Context, cfg config.Config, from string, ro RestoreOptions) (*backup.Manifest, error) {
	roots := []string{cfg.Data}
	if cfg.Archive.Dir != "" {
		roots = append(roots, cfg.Archive.Dir)
	}
	for _, root := range roots {
		if there := contents(root); len(there) > 0 && !ro.Force {
			return nil, clientele.Errorf(clientele.Conflict, "%s is not empty: %s is there", root, there[0]).
				WithHint("restore into a new directory with --data, or replace what is there with --force")
		}
		if err := os.RemoveAll(filepath.Join(root, restoring)); err != nil {
			return nil, clientele.Errorf(clientele.Unavailable, "restore: %w", err)
		}
	}
	m, err := unpackBackup(ctx, cfg, from, ro.Progress)
	if err == nil {
		err = madeWhole(ctx, cfg, m)
	}
	if err == nil {
		err = carryErasures(cfg.Data, freshDir(cfg))
	}
	if err == nil {
		err = writePlan(cfg, ro.Force)
	}
	if err != nil {
		for _, root := range roots {
			err = errors.Join(err, os.RemoveAll(filepath.Join(root, restoring)))
		}
		return nil, err
	}
	return m, finishRestore(cfg.Data)
}

// contents are the entries of a directory but for those of this run.
func contents(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lock" && e.Name() != restoring {
			names = append(names, e.Name())
		}
	}
	return names
}

func freshDir(cfg config.Config) string { return filepath.Join(cfg.Data, restoring, restoreFresh) }

// unpackBackup puts the files beside their places.
func unpackBackup(ctx context.Context, cfg config.Config, from string, progress func(done, total int64)) (*backup.Manifest, error) {
	fresh := freshDir(cfg)
	m, err := backup.Extract(ctx, from, func(path string) string {
		if name, ok := strings.CutPrefix(path, archiveDir+"/"); ok && cfg.Archive.Dir != "" {
			return filepath.Join(cfg.Archive.Dir, restoring, filepath.FromSlash(name))
		}
		return filepath.Join(fresh, filepath.FromSlash(path))
	}, progress)
	if err != nil {
		return nil, err
	}
	// The log begins behind the archive, which holds all that was in it.
	if cfg.Log.URL != "" {
		return m, nil
	}
	l, err := eventlog.Open(ctx, eventlog.Options{Dir: filepath.Join(fresh, logDir), MaxBytes: int64(cfg.Log.MaxSize), Reserve: int64(cfg.Log.Reserve)})
	if err != nil {
		return nil, fmt.Errorf("restore log: %w", err)
	}
	return m, errors.Join(l.Raise(ctx, m.Positions.Log), l.Close())
}

// madeWhole opens what was restored and compares its positions with the manifest's.
func madeWhole(ctx context.Context, cfg config.Config, m *backup.Manifest) error {
	state := filepath.Join(freshDir(cfg), stateDir)
	rows, err := pebblestore.Open(pebblestore.Options{Dir: filepath.Join(state, rowsDir), MinFreeBytes: -1})
	if err != nil {
		return fmt.Errorf("restore rows: %w", err)
	}
	position, commit, err := rows.Position()
	if err = errors.Join(err, rows.Close()); err != nil {
		return fmt.Errorf("restore rows: %w", err)
	}
	columns, err := duckstore.Open(ctx, duckstore.Options{Path: filepath.Join(state, columnFile), Memory: int64(cfg.Columns.Memory),
		Threads: cfg.Columns.Threads, BaseCurrency: cfg.Currency.Base})
	if err != nil {
		return fmt.Errorf("restore columns: %w", err)
	}
	applied, at, err := columns.Position(ctx)
	if err = errors.Join(err, columns.Close()); err != nil {
		return fmt.Errorf("restore columns: %w", err)
	}
	found := backup.Positions{Log: m.Positions.Log, Rows: position, RowsCommit: commit, Columns: at, ColumnsCommit: applied}
	if found != m.Positions || applied > commit || position > m.Positions.Log {
		return clientele.Errorf(clientele.Corrupt, "restore: the stores stand at %+v, the manifest says %+v", found, m.Positions).WithHint("take another backup")
	}
	return nil
}

// writePlan is the moment from which the restored data counts.
func writePlan(cfg config.Config, force bool) error {
	fresh := freshDir(cfg)
	var p plan
	names := map[string]bool{}
	for _, name := range contents(fresh) {
		names[name] = true
		p.Move = append(p.Move, [2]string{filepath.Join(restoring, restoreFresh, name), name})
	}
	if force {
		for _, name := range contents(cfg.Data) {
			if !names[name] {
				p.Remove = append(p.Remove, name)
			}
		}
	}
	if dir := cfg.Archive.Dir; dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return clientele.Errorf(clientele.Internal, "restore: %w", err)
		}
		parts := map[string]bool{}
		for _, name := range contents(filepath.Join(abs, restoring)) {
			parts[name] = true
			p.Move = append(p.Move, [2]string{filepath.Join(abs, restoring, name), filepath.Join(abs, name)})
		}
		for _, name := range contents(abs) {
			if !parts[name] {
				p.Remove = append(p.Remove, filepath.Join(abs, name))
			}
		}
		p.Remove = append(p.Remove, filepath.Join(cfg.Data, archiveDir))
	}
	b, err := json.Marshal(p)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "restore: %w", err)
	}
	path := filepath.Join(cfg.Data, restoring, restorePlan)
	err = os.WriteFile(path+".tmp", b, 0o600)
	if err == nil {
		err = syncPath(path + ".tmp")
	}
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err == nil {
		err = syncPath(filepath.Dir(path))
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "restore: %w", err)
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// finishRestore does what a plan says, and throws away what was restored without one.
func finishRestore(data string) error {
	dir := filepath.Join(data, restoring)
	b, err := os.ReadFile(filepath.Join(dir, restorePlan))
	if errors.Is(err, fs.ErrNotExist) {
		return unavailable("restore", os.RemoveAll(dir))
	}
	var p plan
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	in := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(data, path)
	}
	for _, path := range p.Remove {
		err = errors.Join(err, os.RemoveAll(in(path)))
	}
	for _, move := range p.Move {
		from, to := in(move[0]), in(move[1])
		if _, gone := os.Lstat(from); err != nil || errors.Is(gone, fs.ErrNotExist) { // moved before the crash
			continue
		}
		if err = os.RemoveAll(to); err == nil {
			err = os.Rename(from, to)
		}
	}
	if err == nil {
		err = syncPath(data)
	}
	if err != nil {
		return unavailable("restore", err)
	}
	return unavailable("restore", os.RemoveAll(dir))
}

func unavailable(what string, err error) error {
	if err == nil {
		return nil
	}
	return clientele.Errorf(clientele.Unavailable, "%s: %w", what, err)
}
