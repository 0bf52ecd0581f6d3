package preview

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"clientele"
	"clientele/internal/audience"
)

// Overlap is how many members audiences have in common.
type Overlap struct {
	Commit uint64
	Total  int64     // profiles
	Counts []int64   // members of each
	Common [][]int64 // members of the i-th that are in the j-th, too
	Any    int64     // members of any
	All    int64     // members of all
}

// Overlaps is how many members the definitions, of at most MaxOverlap, have in common.
func (e *Engine) Overlaps(ctx context.Context, schema audience.Schema, list []audience.Condition, at audience.At) (*Overlap, error) {
	if len(list) < 1 || len(list) > MaxOverlap {
		return nil, clientele.Errorf(clientele.Invalid, "1 to %d audiences are compared", MaxOverlap)
	}
	out := &Overlap{}
	return out, e.within(ctx, schema, at, func(v *view) error {
		out.Commit, out.Total = v.commit, int64(v.people.count)
		sets := make([]*roaring.Bitmap, len(list))
		for i, c := range list {
			var err error
			if sets[i], err = v.set(c); err != nil {
				return err
			}
		}
		out.Counts, out.Common = make([]int64, len(sets)), make([][]int64, len(sets))
		for i := range sets {
			out.Common[i] = make([]int64, len(sets))
		}
		for i, a := range sets {
			out.Counts[i] = int64(a.GetCardinality())
			out.Common[i][i] = out.Counts[i]
			for j := range i {
				n := int64(a.AndCardinality(sets[j]))
				out.Common[i][j], out.Common[j][i] = n, n
			}
		}
		out.Any, out.All = int64(roaring.FastOr(sets...).GetCardinality()), int64(roaring.FastAnd(sets...).GetCardinality())
		return nil
	})
}

// MaxOverlap is how many audiences are compared at once.
const MaxOverlap = 50
