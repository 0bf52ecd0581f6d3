package archive

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"clientele"
)

// Rewrite calls fn for each frame of the archive, in order, and puts what it answers in the frame's
// place; nil leaves the frame as it is. A part with a changed frame is written anew beside the old
// one and takes its name once it is on disk: positions, and what is said to be missing, stay. It
// answers how many frames were changed. ready is called before a new part takes the old one's place. After an error, or a crash, some parts are new and the
// others old; it may be repeated. Readers that have an old part open go on reading it.
func (a *Archive) Rewrite(ctx context.Context, fn func(clientele.Position, []byte) ([]byte, error), ready func() error) (changed int, err error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	for i, p := range a.list() {
		n, size, err := a.rewritePart(ctx, p, fn, ready)
		if err != nil {
			return changed, err
		}
		if n == 0 {
			continue
		}
		changed += n
		a.replaced(i, size)
	}
	return changed, nil
}

// replaced notes the part's new size, and lets go of the old file.
func (a *Archive) replaced(i int, size int64) {
	a.mu.Lock()
	parts := append([]part(nil), a.parts...)
	parts[i].size = size
	path := parts[i].path
	a.parts = parts
	a.mu.Unlock()
	a.lastMu.Lock()
	defer a.lastMu.Unlock()
	if a.last != nil && a.last.path == path {
		a.last.close()
		a.last = nil
	}
}

func (a *Archive) rewritePart(ctx context.Context, p part, fn func(clientele.Position, []byte) ([]byte, error), ready func() error) (changed int, size int64, err error) {
	o, err := openPart(p)
	if err != nil {
		return 0, 0, err
	}
	defer o.close()
	fresh := map[clientele.Position][]byte{}
	for _, e := range o.index {
		if err := ctx.Err(); err != nil {
			return 0, 0, clientele.Errorf(clientele.Unavailable, "archive: %w", err)
		}
		b, err := o.read(o.f, e)
		if err != nil {
			return 0, 0, err
		}
		if b, err = fn(e.position, b); err != nil {
			return 0, 0, err
		}
		if b != nil {
			fresh[e.position] = b
		}
	}
	if len(fresh) == 0 {
		return 0, 0, nil
	}
	w, err := a.create(p.From)
	if err != nil {
		return 0, 0, err
	}
	if err := o.copyTo(w, fresh); err != nil {
		w.abandon()
		return 0, 0, err
	}
	written, err := w.seal()
	if err == nil {
		err = ready()
	}
	if err != nil {
		w.abandon()
		return 0, 0, err
	}
	if err := os.Rename(w.f.Name(), p.path); err != nil {
		w.abandon()
		return 0, 0, ioError(err)
	}
	if err := syncDir(a.dir); err != nil {
		return 0, 0, ioError(err)
	}
	return len(fresh), written.size, nil
}

// copyTo writes all of the part, with the fresh frames in the place of the old ones.
func (o *opened) copyTo(w *writer, fresh map[clientele.Position][]byte) error {
	gaps, next := o.missing, 0
	for p := o.From; p <= o.To; {
		if len(gaps) > 0 && gaps[0].From == p {
			if err := w.add(gaps[0].To, nil); err != nil {
				return err
			}
			p, gaps = gaps[0].To+1, gaps[1:]
			continue
		}
		b := fresh[p]
		if b == nil {
			var err error
			if b, err = o.read(o.f, o.index[next]); err != nil {
				return err
			}
		}
		next++
		if err := w.add(p, b); err != nil {
			return err
		}
		p++
	}
	return nil
}

func (w *writer) path() string {
	return filepath.Join(w.dir, fmt.Sprintf("%0*d-%0*d%s", digits, w.first, digits, w.last, partExt))
}
