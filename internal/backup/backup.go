// Package backup is the form of a backup: a folder, or one .tar.zst file, with a manifest that
// names every file with its size and checksum. It knows nothing of what the files mean.
//
// A backup is written beside its name and gets it when it is whole and synced, so what has the
// name is complete. The manifest is version 1 of:
//
//	manifest.json   format, program version, time, positions, files, and the checksum of itself
//	...             the files, with the paths that they have in a data directory
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clientele"
)

// Format is the version of the manifest and of what it says about the files.
const Format = 1

const (
	manifestName = "manifest.json"
	packedExt    = ".tar.zst"
	partialExt   = ".partial"
	maxManifest  = 256 << 20
)

// Manifest says what is in a backup.
type Manifest struct {
	Format    int              `json:"format"`
	Version   string           `json:"version"` // of the program that made it
	CreatedAt clientele.Micros `json:"created_at"`
	Positions Positions        `json:"positions"`
	Files     []File           `json:"files"` // by path
	Sum       string           `json:"sha256"`
}

// Positions are how far each store had come. No follower is ahead of what it follows:
// Columns <= Rows <= Log.
type Positions struct {
	Log           clientele.Position `json:"log"` // all of it is in the archive
	Rows          clientele.Position `json:"rows"`
	RowsCommit    uint64             `json:"rows_commit"`
	Columns       clientele.Position `json:"columns"`
	ColumnsCommit uint64             `json:"columns_commit"`
}

// File is one file of a backup. Its path has slashes.
type File struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

// Bytes is the size of all files.
func (m *Manifest) Bytes() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// sum is the checksum of the manifest but for the checksum.
func (m Manifest) sum() (string, error) {
	m.Sum = ""
	b, err := json.Marshal(m)
	if err != nil {
		return "", clientele.Errorf(clientele.Internal, "manifest: %w", err)
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:]), nil
}

func parseManifest(b []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, damaged("%s is no manifest", manifestName)
	}
	if m.Format > Format {
		return nil, clientele.Errorf(clientele.Conflict, "the backup has format %d, this program knows %d", m.Format, Format).
			WithHint("restore it with clientele %s or newer", m.Version)
	}
	if want, err := m.sum(); err != nil || want != m.Sum {
		return nil, damaged("%s is not what was written", manifestName)
	}
	for i, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) || i > 0 && m.Files[i-1].Path >= f.Path {
			return nil, damaged("%s names a file that cannot be one", manifestName)
		}
	}
	return &m, nil
}

func damaged(format string, args ...any) error {
	return clientele.Errorf(clientele.Corrupt, "backup: "+format, args...).WithHint("the backup is damaged: take another one")
}

func diskError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var ours *clientele.Error
	if errors.As(err, &ours) {
		return ours
	}
	return clientele.Errorf(clientele.Unavailable, "backup: %w", err).WithHint("check that there is room and that the user may write there")
}

// Writer is a backup that is being made. For one goroutine.
type Writer struct {
	out string
	dir string
}

// Create begins a backup that will have the path out. Conflict when something is there already.
func Create(out string) (*Writer, error) {
	if _, err := os.Lstat(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, diskError(err)
	} else if err == nil {
		return nil, clientele.Errorf(clientele.Conflict, "backup: something is at %s already", out).WithHint("choose a name that is new: a backup never replaces another")
	}
	w := &Writer{out: out, dir: out + partialExt}
	if err := os.RemoveAll(w.dir); err != nil { // of one that was interrupted
		return nil, diskError(err)
	}
	if err := os.MkdirAll(filepath.Dir(w.dir), 0o700); err != nil {
		return nil, diskError(err)
	}
	return w, diskError(os.Mkdir(w.dir, 0o700))
}

// Place is where the file or folder of that path goes; what is above it is there.
func (w *Writer) Place(path string) (string, error) {
	place := filepath.Join(w.dir, filepath.FromSlash(path))
	return place, diskError(os.MkdirAll(filepath.Dir(place), 0o700))
}

// Link takes in a file that will never change again; on the same disk it costs nothing.
func (w *Writer) Link(from, path string) error {
	place, err := w.Place(path)
	if err != nil {
		return err
	}
	if os.Link(from, place) == nil {
		return nil
	}
	return w.Copy(from, path)
}

// Copy takes in a file as it is now.
func (w *Writer) Copy(from, path string) (err error) {
	place, err := w.Place(path)
	if err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return diskError(err)
	}
	defer in.Close()
	out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskError(err)
	}
	_, err = io.Copy(out, in)
	return diskError(errors.Join(err, out.Close()))
}

// Abandon removes what was written. After Finish it does nothing.
func (w *Writer) Abandon() {
	_ = os.RemoveAll(w.dir)
	_ = os.Remove(w.packing())
}

func (w *Writer) packing() string { return w.dir + packedExt }

// Finish reads everything once for the checksums, writes the manifest and gives the backup its
// name. It fills in the manifest's format, files and checksum.
func (w *Writer) Finish(ctx context.Context, m *Manifest) error {
	m.Format, m.Files = Format, nil
	var dirs []string
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case e.IsDir():
			dirs = append(dirs, path)
			return nil
		}
		rel, err := filepath.Rel(w.dir, path)
		if err != nil {
			return err
		}
		f, err := summed(ctx, path)
		f.Path = filepath.ToSlash(rel)
		m.Files = append(m.Files, f)
		return err
	})
	if err != nil {
		return diskError(err)
	}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	if m.Sum, err = m.sum(); err != nil {
		return err
	}
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return clientele.Errorf(clientele.Internal, "manifest: %w", err)
	}
	if err := writeSynced(filepath.Join(w.dir, manifestName), append(b, '\n')); err != nil {
		return diskError(err)
	}
	for _, d := range slices.Backward(dirs) {
		if err := syncDir(d); err != nil {
			return diskError(err)
		}
	}
	whole := w.dir
	if strings.HasSuffix(w.out, packedExt) {
		whole = w.packing()
		if err := pack(ctx, w.dir, m, whole); err != nil {
			return diskError(err)
		}
	}
	if err := os.Rename(whole, w.out); err != nil {
		return diskError(err)
	}
	if whole != w.dir {
		if err := os.RemoveAll(w.dir); err != nil {
			return diskError(err)
		}
	}
	return diskError(syncDir(filepath.Dir(w.out)))
}

// summed reads a file and sees to it that it is on disk.
func summed(ctx context.Context, path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, &reader{ctx, f})
	if err == nil {
		err = f.Sync()
	}
	return File{Size: n, Sum: hex.EncodeToString(h.Sum(nil))}, err
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
