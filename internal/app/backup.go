package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/archive"
	"clientele/internal/backup"
	"clientele/internal/eventlog"
)

// lastBackup, in the data directory, tells of the last backup that was made.
const lastBackup = "backup.json"

// backups makes one backup at a time.
type backups struct {
	jobs chan backupJob

	mu    sync.Mutex
	state clientele.BackupStatus
}

type backupJob struct {
	path string
	done chan error // holds one
}

// Backup makes a backup at path while everything goes on, and waits for it. Conflict when another
// one is being made or something is at path.
func (a *App) Backup(ctx context.Context, path string) (*clientele.BackupStatus, error) {
	done, err := a.startBackup(path)
	if err != nil {
		return nil, err
	}
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return a.BackupStatus(ctx)
	case <-ctx.Done():
		return nil, clientele.Errorf(clientele.Unavailable, "backup: %w", ctx.Err())
	}
}

// StartBackup begins a backup and does not wait: BackupStatus says how it goes.
func (a *App) StartBackup(_ context.Context, path string) error {
	_, err := a.startBackup(path)
	return err
}

// BackupPath is where a backup of that name goes that was asked for from afar: into backup.dir.
func (a *App) BackupPath(name string) (string, error) {
	if a.cfg.Backup.Dir == "" {
		return "", clientele.Errorf(clientele.Denied, "backups over the network need backup.dir").
			WithHint("set backup.dir in the configuration, or run clientele backup --out PATH on the server")
	}
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", clientele.Errorf(clientele.Invalid, "that is not a name of a backup").WithHint("a name without slashes, such as 2026-03-01 or 2026-03-01.tar.zst")
	}
	return filepath.Join(a.cfg.Backup.Dir, name), nil
}

// BackupStatus is the backup that is being made, or the last one.
func (a *App) BackupStatus(context.Context) (*clientele.BackupStatus, error) {
	a.backups.mu.Lock()
	defer a.backups.mu.Unlock()
	s := a.backups.state
	return &s, nil
}

func (a *App) startBackup(path string) (<-chan error, error) {
	if !filepath.IsAbs(path) {
		return nil, clientele.Errorf(clientele.Invalid, "a backup needs an absolute path")
	}
	if inside(a.cfg.Data, path) {
		return nil, clientele.Errorf(clientele.Invalid, "a backup inside the data directory is none").WithHint("name a place on another disk")
	}
	b := &a.backups
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.State == clientele.BackupRunning {
		return nil, clientele.Errorf(clientele.Conflict, "a backup is being made, at %s", b.state.Path).WithHint("wait for it: clientele status says how it goes")
	}
	job := backupJob{path, make(chan error, 1)}
	select {
	case b.jobs <- job:
	default:
		return nil, clientele.Errorf(clientele.Unavailable, "the stages are not running")
	}
	b.state = clientele.BackupStatus{State: clientele.BackupRunning, Path: path, At: clientele.MicrosOf(a.o.Now())}
	return job.done, nil
}

// inside says whether path is dir or below it.
func inside(dir, path string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(abs, path)
	return err == nil && filepath.IsLocal(rel)
}

// backupStage makes the backups that are asked for.
func (a *App) backupStage(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case job := <-a.backups.jobs:
			s, err := a.makeBackup(ctx, job.path)
			if err != nil {
				s = &clientele.BackupStatus{State: clientele.BackupFailed, Path: job.path, At: clientele.MicrosOf(a.o.Now()), Error: err.Error()}
				a.o.Log.Error("backup", "error", err.Error(), "hint", clientele.ErrorHint(err))
			} else {
				a.o.Log.Info("backup made", "bytes", s.Bytes, "files", s.Files, "log", s.Log, "took_ms", s.TookMS, "columns_held_ms", s.ColumnsHeldMS, "rows_held_ms", s.RowsHeldMS)
			}
			a.backups.mu.Lock()
			a.backups.state = *s
			a.backups.mu.Unlock()
			job.done <- err
		}
	}
}

// makeBackup copies the column store, then the row store, then archive and log, each of them as it
// stands at its moment. The order makes a follower in the backup never ahead of what it follows;
// that nothing is trimmed meanwhile leaves there what it has still to read. The frames of the log
// become parts of the backup's archive, so a backup can be restored to any log.
func (a *App) makeBackup(ctx context.Context, path string) (*clientele.BackupStatus, error) {
	began := time.Now()
	at := clientele.MicrosOf(a.o.Now())
	w, err := backup.Create(path)
	if err != nil {
		return nil, err
	}
	defer w.Abandon()
	m := &backup.Manifest{Version: a.o.Version, CreatedAt: at}
	// Most of a large archive is taken in before anything has to wait; what comes to it meanwhile, later.
	parts := map[string]os.FileInfo{}
	if err := a.backUpParts(ctx, w, parts); err != nil {
		return nil, err
	}
	a.logTrim.Lock()
	unlock := sync.OnceFunc(a.logTrim.Unlock)
	defer unlock()
	columnsHeld, rowsHeld, err := a.backUpState(ctx, w, &m.Positions)
	if err != nil {
		return nil, err
	}
	if m.Positions.Log, err = a.backUpLog(ctx, w, parts); err != nil {
		return nil, err
	}
	unlock()
	if err := a.backUpRest(w); err != nil {
		return nil, err
	}
	if err := w.Finish(ctx, m); err != nil {
		return nil, err
	}
	p := m.Positions
	s := &clientele.BackupStatus{State: clientele.BackupDone, Path: path, At: at, Bytes: m.Bytes(), Files: len(m.Files), Log: p.Log, Rows: p.Rows, Columns: p.Columns,
		TookMS: time.Since(began).Milliseconds(), ColumnsHeldMS: columnsHeld.Milliseconds(), RowsHeldMS: rowsHeld.Milliseconds()}
	return s, a.noteBackup(s)
}

// backUpState copies both stores, and says how long each could not be written to.
func (a *App) backUpState(ctx context.Context, w *backup.Writer, p *backup.Positions) (columnsHeld, rowsHeld time.Duration, err error) {
	a.outboxTrim.Lock()
	defer a.outboxTrim.Unlock()
	place, err := w.Place(stateDir + "/" + columnFile)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if p.ColumnsCommit, p.Columns, err = a.columns.Copy(ctx, place); err != nil {
		return 0, 0, err
	}
	columnsHeld = time.Since(start)
	if place, err = w.Place(stateDir + "/" + rowsDir); err != nil {
		return 0, 0, err
	}
	start = time.Now()
	p.Rows, p.RowsCommit, err = a.rows.Checkpoint(place)
	return columnsHeld, time.Since(start), err
}

// backUpParts takes in the archive's parts but those that are taken; one that was written anew since,
// because somebody was purged from it, is taken again.
func (a *App) backUpParts(ctx context.Context, w *backup.Writer, taken map[string]os.FileInfo) error {
	for _, part := range a.archive.Files() {
		name := filepath.Base(part)
		now, err := os.Stat(part)
		if err != nil {
			return clientele.Errorf(clientele.Unavailable, "backup: %w", err)
		}
		before, has := taken[name]
		if has && os.SameFile(before, now) && before.ModTime().Equal(now.ModTime()) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if has {
			place, err := w.Place(archiveDir + "/" + name)
			if err == nil {
				err = os.Remove(place)
			}
			if err != nil {
				return clientele.Errorf(clientele.Unavailable, "backup: %w", err)
			}
		}
		if err := w.Link(part, archiveDir+"/"+name); err != nil {
			return err
		}
		taken[name] = now
	}
	return nil
}

// backUpLog takes in the parts that are new and makes parts of what is in the log alone.
func (a *App) backUpLog(ctx context.Context, w *backup.Writer, parts map[string]os.FileInfo) (clientele.Position, error) {
	if err := a.backUpParts(ctx, w, parts); err != nil {
		return 0, err
	}
	place, err := w.Place(archiveDir + "/x")
	if err != nil {
		return 0, err
	}
	to, err := archive.Open(filepath.Dir(place))
	if err != nil {
		return 0, err
	}
	defer to.Close()
	last := a.log.Last() // all that was acknowledged by now
	var failed error
	if _, err := to.Write(a.logFrames(ctx, to.Last(), last, &failed)); err != nil {
		return 0, err
	}
	return max(last, to.Last()), failed
}

// logFrames yields the frames behind after up to last, as archive.Write wants them. The error that
// ended it is put into failed.
func (a *App) logFrames(ctx context.Context, after, last clientele.Position, failed *error) func(func(clientele.Position, []byte) bool) {
	return func(yield func(clientele.Position, []byte) bool) {
		if first := a.log.First(); first > after+1 && after < last {
			after = first - 1 // neither log nor archive has them, or the log's beginning is position 1
			if !yield(after, nil) {
				return
			}
		}
		if after >= last {
			return
		}
		r, err := a.log.Read(ctx, after)
		if err != nil {
			*failed = err
			return
		}
		defer r.Close()
		for after < last {
			p, b, err := r.Next(ctx)
			var gap *eventlog.Gap
			switch {
			case errors.As(err, &gap):
				p, b = min(gap.To, last), nil
			case err != nil:
				*failed = err
				return
			}
			if p > last { // it was acknowledged after the copy began
				return
			}
			if after = p; !yield(p, b) {
				return
			}
		}
	}
}

// backUpRest copies what else is in the data directory, tokens for one, but for what belongs to
// this run of the program.
func (a *App) backUpRest(w *backup.Writer) error {
	root := a.cfg.Data
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return err
		}
		if !keptInBackup(rel) {
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() {
			return nil
		}
		err = w.Copy(path, filepath.ToSlash(rel))
		if errors.Is(err, fs.ErrNotExist) { // a file that was for the moment
			return nil
		}
		return err
	})
	var ours *clientele.Error
	if err != nil && !errors.As(err, &ours) {
		return clientele.Errorf(clientele.Unavailable, "backup: %w", err)
	}
	return err
}

// keptInBackup says whether a path of the data directory is copied as it is. Stores, log and
// archive are taken by themselves; the rest of what is named here is of one run of the program.
func keptInBackup(rel string) bool {
	switch top, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); {
	case strings.HasPrefix(top, "."), strings.HasPrefix(top, stateDir), strings.HasSuffix(top, ".tmp"):
		return false
	case filepath.Base(rel) == "lock":
		return false
	default:
		return top != "server.json" && top != logDir && top != archiveDir && top != lastBackup && top != exportsDir
	}
}

// noteBackup remembers the backup in the data directory, so that its age can be told.
func (a *App) noteBackup(s *clientele.BackupStatus) error {
	b, err := json.Marshal(s)
	if err == nil {
		tmp := filepath.Join(a.cfg.Data, lastBackup+".tmp")
		if err = os.WriteFile(tmp, b, 0o600); err == nil {
			err = os.Rename(tmp, filepath.Join(a.cfg.Data, lastBackup))
		}
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "backup is made, but not noted in the data directory: %w", err)
	}
	return nil
}

// loadBackup reads what noteBackup has noted.
func (a *App) loadBackup() {
	a.backups.jobs = make(chan backupJob, 1)
	if s, ok := LastBackup(a.cfg.Data); ok {
		a.backups.state = s
	}
}

// LastBackup is the last backup that was made of a data directory, false when there is none.
func LastBackup(data string) (clientele.BackupStatus, bool) {
	var s clientele.BackupStatus
	b, err := os.ReadFile(filepath.Join(data, lastBackup))
	if err != nil || json.Unmarshal(b, &s) != nil {
		return clientele.BackupStatus{}, false
	}
	return s, true
}

// VerifyArchive reads the archive and compares it with its checksums.
func (a *App) VerifyArchive(ctx context.Context) error { return a.archive.Verify(ctx) }
