package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"clientele"
)

// writeFile writes a file beside its place and puts it there when it is whole; - is standard output.
func (c *cli) writeFile(path string, write func(w io.Writer) error) (err error) {
	if path == "-" {
		return write(c.out)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "%s cannot be written: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // err says what is wrong
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return clientele.Errorf(clientele.Unavailable, "%s cannot be written: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return clientele.Errorf(clientele.Invalid, "%s cannot be written: %w", path, err)
	}
	return nil
}
