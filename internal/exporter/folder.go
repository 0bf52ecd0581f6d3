package exporter

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"clientele"
)

// Folder is a place on a disk. Nothing is written outside of it, whatever names and links say.
type Folder struct{ base, sub string }

// NewFolder is the folder of that path, which is made when something is written.
func NewFolder(path string) *Folder { return &Folder{base: path, sub: "."} }

// NewFolderBelow is a folder below another that no link leads out of. Denied when the path does.
func NewFolderBelow(base, path string) (*Folder, error) {
	sub := filepath.FromSlash(path)
	if !filepath.IsLocal(sub) {
		return nil, clientele.Errorf(clientele.Denied, "the path leads out of the folder")
	}
	return &Folder{base, filepath.Clean(sub)}, nil
}

// What has not been committed has such a name.
const (
	tempPrefix = ".part-of-export-"
	tempSuffix = ".tmp"
)

func tempName(name string) string { return tempPrefix + name + tempSuffix }

func (f *Folder) root(make bool) (*os.Root, error) {
	if make {
		if err := os.MkdirAll(f.base, 0o700); err != nil {
			return nil, folderError(err)
		}
	}
	r, err := os.OpenRoot(f.base)
	if err != nil || f.sub == "." {
		return r, folderError(err)
	}
	if make {
		err = r.MkdirAll(f.sub, 0o700)
	}
	var below *os.Root
	if err == nil {
		below, err = r.OpenRoot(f.sub)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, folderError(err)
	}
	return below, nil
}

func folderError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return clientele.Errorf(clientele.NotFound, "folder: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return clientele.Errorf(clientele.Denied, "folder: %w", err).WithHint("choose a folder that this user may write to")
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) && p.Err.Error() == "path escapes from parent" { // os has no name for it
		return clientele.Errorf(clientele.Denied, "a link leads out of the folder")
	}
	return clientele.Errorf(clientele.Unavailable, "folder: %w", err)
}

// Create implements Place.
func (f *Folder) Create(_ context.Context, name string) (File, error) {
	root, err := f.root(true)
	if err != nil {
		return nil, err
	}
	file, err := root.OpenFile(tempName(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, errors.Join(folderError(err), root.Close())
	}
	return &folderFile{File: file, root: root, name: name}, nil
}

type folderFile struct {
	*os.File
	root *os.Root
	name string
}

// Commit gives the file its name once all of it is on the disk.
func (f *folderFile) Commit() error {
	err := f.Sync()
	if err = errors.Join(err, f.File.Close()); err == nil {
		err = f.root.Rename(tempName(f.name), f.name)
	}
	if err != nil {
		return errors.Join(folderError(err), f.root.Remove(tempName(f.name)), f.root.Close())
	}
	return errors.Join(folderError(syncDir(f.root)), f.root.Close())
}

// Abort leaves nothing of the file.
func (f *folderFile) Abort() error {
	return errors.Join(folderError(errors.Join(f.File.Close(), f.root.Remove(tempName(f.name)))), f.root.Close())
}

// syncDir makes a renaming durable.
func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Read implements Place.
func (f *Folder) Read(_ context.Context, name string) ([]byte, error) {
	root, err := f.root(false)
	if err != nil {
		return nil, err
	}
	b, err := root.ReadFile(name)
	return b, errors.Join(folderError(err), root.Close())
}

// Size implements Place.
func (f *Folder) Size(_ context.Context, name string) (int64, error) {
	root, err := f.root(false)
	if err != nil {
		return 0, err
	}
	info, err := root.Stat(name)
	if err != nil {
		return 0, errors.Join(folderError(err), root.Close())
	}
	return info.Size(), folderError(root.Close())
}

// Clean implements Place.
func (f *Folder) Clean(context.Context) (empty bool, err error) {
	root, err := f.root(false)
	if clientele.ErrorCode(err) == clientele.NotFound {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	d, err := root.Open(".")
	if err != nil {
		return false, folderError(err)
	}
	names, err := d.Readdirnames(-1)
	if err = errors.Join(err, d.Close()); err != nil {
		return false, folderError(err)
	}
	empty = true
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) || !strings.HasSuffix(name, tempSuffix) {
			empty = false
			continue
		}
		if err := root.Remove(name); err != nil {
			return false, folderError(err)
		}
	}
	return empty, nil
}
