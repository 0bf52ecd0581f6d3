package archive

import (
	"context"
	"errors"
	"io"

	"clientele"
)

// Reader reads frames in order. For one goroutine.
type Reader struct {
	a    *Archive
	next clientele.Position
	open *opened
}

// Read starts after the position; 0 is the beginning.
func (a *Archive) Read(after clientele.Position) *Reader {
	return &Reader{a: a, next: after + 1}
}

// Close lets go of the file that is open.
func (r *Reader) Close() {
	if r.open != nil {
		r.open.close()
		r.open = nil
	}
}

// Next is the next frame's position and bytes; io.EOF behind the last. After EOF it may be
// called again: there may be more by then.
//
// Corrupt, with a *Missing as its cause: the archive never had these positions; without one: a
// frame is damaged, or the index of a whole part. The next call goes on behind them.
func (r *Reader) Next() (clientele.Position, []byte, error) {
	first, last := r.a.First(), r.a.Last()
	if last == 0 || r.next > last {
		r.Close()
		return 0, nil, io.EOF
	}
	if r.next < first {
		before := Range{r.next, first - 1}
		r.next = first
		return 0, nil, missingError(before)
	}
	if r.open == nil || r.next > r.open.To {
		r.Close()
		p, err := r.a.covering(r.next)
		if err != nil {
			return 0, nil, err
		}
		if r.open, err = openPart(p); err != nil {
			r.open = nil
			if clientele.ErrorCode(err) == clientele.Corrupt {
				r.next = p.To + 1
			}
			return 0, nil, err
		}
	}
	i, found := r.open.at(r.next)
	if !found {
		gap := r.open.gap(r.next)
		gap.From = r.next
		r.next = gap.To + 1
		return 0, nil, missingError(gap)
	}
	p := r.next
	b, err := r.open.read(r.open.f, r.open.index[i])
	if err == nil || clientele.ErrorCode(err) == clientele.Corrupt {
		r.next++
	}
	return p, b, err
}

// Verify reads everything and checks all checksums. Corrupt, with all that is wrong (the first
// 100), when a part is damaged; ranges that are recorded as missing are not wrong here.
func (a *Archive) Verify(ctx context.Context) error {
	r := a.Read(0)
	r.next = max(a.First(), 1)
	defer r.Close()
	var wrong []error
	for {
		if err := ctx.Err(); err != nil {
			return clientele.Errorf(clientele.Unavailable, "archive verify: %w", err)
		}
		_, _, err := r.Next()
		var missing *Missing
		switch {
		case err == nil, errors.As(err, &missing):
			continue
		case errors.Is(err, io.EOF) && len(wrong) == 0:
			return nil
		case clientele.ErrorCode(err) == clientele.Corrupt && len(wrong) < 100:
			wrong = append(wrong, err)
			continue
		case errors.Is(err, io.EOF), clientele.ErrorCode(err) == clientele.Corrupt:
			return clientele.Errorf(clientele.Corrupt, "archive verify: %w", errors.Join(wrong...)).WithHint("bring the damaged files back from a backup")
		default:
			return err
		}
	}
}
