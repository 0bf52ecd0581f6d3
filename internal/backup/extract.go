package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"clientele"
)

// Read is the manifest of the backup at path, checked against its own checksum.
func Read(path string) (*Manifest, error) {
	var m *Manifest
	err := open(path, func(next func() (string, io.Reader, error)) (err error) {
		m, err = first(next)
		return err
	})
	return m, err
}

// Extract reads the backup at path, compares every file with the manifest, and puts it where
// place says ("" = nowhere: it is only checked). What it writes is synced. Corrupt at the first
// file that is missing or is not what was written; what is in place by then is for the caller to
// remove. progress, which may be nil, is told how many bytes are through.
func Extract(ctx context.Context, path string, place func(path string) string, progress func(done, total int64)) (*Manifest, error) {
	var m *Manifest
	err := open(path, func(next func() (string, io.Reader, error)) (err error) {
		if m, err = first(next); err != nil {
			return err
		}
		files := m.Files
		var done int64
		for {
			name, r, err := next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if len(files) == 0 || files[0].Path != name {
				continue // it does not belong to the backup; what is missing is found below
			}
			if err := extract(ctx, files[0], r, place(name)); err != nil {
				return err
			}
			done += files[0].Size
			if files = files[1:]; progress != nil {
				progress(done, m.Bytes())
			}
		}
		if len(files) > 0 {
			return damaged("%s is missing", files[0].Path)
		}
		return nil
	})
	return m, err
}

// extract writes one file while it is summed; place "" = nowhere.
func extract(ctx context.Context, f File, r io.Reader, place string) (err error) {
	h := sha256.New()
	var to io.Writer = h
	if place != "" {
		if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
			return diskError(err)
		}
		out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return diskError(err)
		}
		defer func() {
			if err == nil {
				err = diskError(out.Sync())
			}
			err = errors.Join(err, out.Close())
		}()
		to = io.MultiWriter(h, out)
	}
	n, err := io.Copy(to, &reader{ctx, r})
	if err != nil {
		return diskError(err)
	}
	if n != f.Size || hex.EncodeToString(h.Sum(nil)) != f.Sum {
		return damaged("%s is not what was written", f.Path)
	}
	return nil
}

// first reads the manifest, which is the first file of every backup.
func first(next func() (string, io.Reader, error)) (*Manifest, error) {
	name, r, err := next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err != nil || name != manifestName {
		return nil, damaged("it has no %s", manifestName)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if err != nil {
		return nil, diskError(err)
	}
	return parseManifest(b)
}

// open calls use with a function that gives one file of the backup after the other, the
// manifest first and the others by path; io.EOF behind the last.
func open(path string, use func(next func() (string, io.Reader, error)) error) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return clientele.Errorf(clientele.NotFound, "backup: there is nothing at %s", path).WithHint("name the folder or file that clientele backup made")
	}
	if err != nil {
		return diskError(err)
	}
	if info.IsDir() {
		return openFolder(path, use)
	}
	f, err := os.Open(path)
	if err != nil {
		return diskError(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return damaged("%s is no backup", filepath.Base(path))
	}
	defer z.Close()
	t := tar.NewReader(z)
	return use(func() (string, io.Reader, error) {
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) { // the checksum is behind what tar reads
				if _, rest := io.Copy(io.Discard, z); rest != nil {
					err = rest
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					err = damaged("%s cannot be read to its end", filepath.Base(path))
				}
				return "", nil, err
			}
			if h.Typeflag == tar.TypeReg {
				return h.Name, t, nil
			}
		}
	})
}

func openFolder(dir string, use func(next func() (string, io.Reader, error)) error) error {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return clientele.Errorf(clientele.NotFound, "backup: %s has no %s", dir, manifestName).WithHint("name the folder or file that clientele backup made")
	}
	if err != nil {
		return diskError(err)
	}
	m, err := parseManifest(b)
	if err != nil {
		return err
	}
	files := m.Files
	var last *os.File
	defer func() {
		if last != nil {
			_ = last.Close()
		}
	}()
	told := false
	return use(func() (string, io.Reader, error) {
		if !told {
			told = true
			return manifestName, strings.NewReader(string(b)), nil
		}
		if last != nil {
			_ = last.Close()
			last = nil
		}
		if len(files) == 0 {
			return "", nil, io.EOF
		}
		f := files[0]
		files = files[1:]
		if last, err = os.Open(filepath.Join(dir, filepath.FromSlash(f.Path))); err != nil {
			last = nil
			if errors.Is(err, fs.ErrNotExist) {
				return "", nil, damaged("%s is missing", f.Path)
			}
			return "", nil, diskError(err)
		}
		return f.Path, last, nil
	})
}

// pack makes one file of the folder, in the order that open wants.
func pack(ctx context.Context, dir string, m *Manifest, to string) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}()
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, name := range append([]string{manifestName}, paths(m)...) {
		if err := packFile(ctx, t, filepath.Join(dir, filepath.FromSlash(name)), name, m.CreatedAt.Time()); err != nil {
			return errors.Join(err, z.Close())
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func paths(m *Manifest) []string {
	out := make([]string, len(m.Files))
	for i, f := range m.Files {
		out[i] = f.Path
	}
	return out
}

func packFile(ctx context.Context, t *tar.Writer, path, name string, at time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o600, ModTime: at}); err != nil {
		return err
	}
	_, err = io.Copy(t, &reader{ctx, f})
	return err
}
