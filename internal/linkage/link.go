package linkage

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"clientele"
)

// Options say how to link.
type Options struct {
	Roles     map[string]Role     // of columns, where they are not to be guessed
	Ignore    map[string]bool     // columns that are not looked at
	Threshold float64             // weight in bits from which records are one person; 0 = as likely as not
	Workers   int                 // 0 = the processors there are; the result does not depend on it
	Memory    int64               // bytes of weighed pairs before they go to files; 0 = 128 MB
	Phone     func(string) string // normal form of a phone number; nil = its last nine digits
	OneToOne  bool                // a source has a person once: its records are never put together
	Conflict  []string            // columns: records with different values in one are never put together
	Apart     [][2]int            // records that are never put together
	Progress  func(stage string, done, total int64)
}

// Result is who is who. Close it.
type Result struct {
	Choices   []Choice
	Model     *Model
	Clusters  []uint32 // by record: its cluster, numbered from 0 in the order of their first records
	Count     int      // of clusters
	Stages    []Stage
	Pairs     int64 // candidates that were weighed
	Edges     int64 // of them, kept: a weight over -12
	Identical int   // records that are equal to an earlier one in all that is compared
	Refused   int   // times that a conflict kept clusters apart
	Threshold float64
	Keys      []Key

	records *records
	blocks  *blocks
	edges   *edgeStore
	same    [][]uint32
	firsts  map[uint32]uint32 // of a record that another stands for: that one
	apart   func(x, y uint32) bool
	workers int
}

// Stage is how long a part of the work took.
type Stage struct {
	Name  string        `json:"name"`
	Took  time.Duration `json:"took"`
	Items int64         `json:"items"` // records, or pairs
	Unit  string        `json:"unit"`
}

// Key is one of the keys that records are compared by.
type Key struct {
	Name  string `json:"name"`
	Pairs int64  `json:"pairs"` // of records that share it
	Split int    `json:"split"` // values that too many share, which were split by further fields
}

const (
	// Weakest is the weight, in bits, below which a pair is not kept.
	Weakest       = -12
	leastJoin     = -6 // bits below which a pair does not make clusters look at one another
	defaultMemory = 128 << 20
)

// Link finds which records of the table are of one person. The same table and options give the same result, bit for bit.
// Invalid when no column says who it is.
func Link(ctx context.Context, t *Table, opt Options) (*Result, error) {
	if opt.Workers <= 0 {
		opt.Workers = runtime.NumCPU()
	}
	if opt.Memory <= 0 {
		opt.Memory = defaultMemory
	}
	res := &Result{Threshold: opt.Threshold, workers: opt.Workers}
	clock := res.clock(ctx, t, opt)
	res.Choices = Guess(t, opt.Roles, opt.Ignore)
	if err := clock("roles", int64(len(t.columns)), "columns"); err != nil {
		return nil, err
	}
	r := encode(t, res.Choices, opt.Phone)
	res.records = r
	if err := usable(r, res.Choices); err != nil {
		return nil, err
	}
	if err := clock("normalise", int64(r.n), "records"); err != nil {
		return nil, err
	}
	list, same := identical(r)
	res.same, res.Identical, res.firsts = same, r.n-len(list), map[uint32]uint32{}
	for _, group := range same {
		for _, x := range group[1:] {
			res.firsts[x] = group[0]
		}
	}
	hard, err := res.hardConflicts(t, opt)
	if err != nil {
		return nil, err
	}
	res.blocks = makeBlocks(r, list, opt.Workers)
	for _, ru := range res.blocks.rules {
		res.Keys = append(res.Keys, Key{ru.name, ru.pairs, ru.split})
	}
	if err := clock("block", int64(len(list)), "records"); err != nil {
		return nil, err
	}
	res.Model = train(r, res.blocks, res.apart, same, opt.Workers)
	if err := clock("train", int64(r.n), "records"); err != nil {
		return nil, err
	}
	if err := res.weigh(ctx, opt); err != nil {
		return nil, err
	}
	if err := clock("weigh", res.Pairs, "pairs"); err != nil {
		return nil, res.fail(err)
	}
	if err := res.cluster(hard); err != nil {
		return nil, res.fail(err)
	}
	return res, clock("cluster", res.Edges, "pairs")
}

func (res *Result) fail(err error) error {
	_ = res.Close() // err is why it ends
	return err
}

// Close lets go of files. It can be called again.
func (res *Result) Close() error {
	if res.edges == nil {
		return nil
	}
	return res.edges.close()
}

// clock notes what each stage took, tells it and sees whether to go on.
func (res *Result) clock(ctx context.Context, t *Table, opt Options) func(stage string, items int64, unit string) error {
	at := time.Now()
	return func(stage string, items int64, unit string) error {
		now := time.Now()
		res.Stages = append(res.Stages, Stage{stage, now.Sub(at), items, unit})
		at = now
		if opt.Progress != nil {
			opt.Progress(stage, items, items)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return t.space.failed()
	}
}

// usable says what is missing when records cannot be told apart.
func usable(r *records, choices []Choice) error {
	if r.n == 0 {
		return clientele.Errorf(clientele.Invalid, "there are no records")
	}
	if len(r.fields) == 0 {
		err := clientele.Errorf(clientele.Invalid, "no column says who a record is of")
		if len(choices) > 0 {
			return err.WithHint("name roles in a configuration: columns: {%q: surname}", choices[0].Column)
		}
		return err
	}
	return nil
}

// maxSources is how many sources can be linked one to one.
const maxSources = 64

// hardConflicts is what keeps records apart whatever they weigh.
func (res *Result) hardConflicts(t *Table, opt Options) (hard conflicts, err error) {
	r := res.records
	if r.generation != nil {
		says := make([]uint32, r.n)
		for i, g := range r.generation {
			says[i] = uint32(g)
		}
		hard.values = append(hard.values, says)
	}
	for _, name := range opt.Conflict {
		ids, ok := t.Ids(name)
		if !ok {
			return hard, clientele.Errorf(clientele.Invalid, "there is no column %q", name).WithHint("conflict: names columns of the files")
		}
		hard.values = append(hard.values, slices.Clone(ids))
	}
	if opt.OneToOne {
		if len(t.starts) < 2 {
			return hard, clientele.Errorf(clientele.Invalid, "one to one needs several files: each has a person once")
		}
		if len(t.starts) > maxSources {
			return hard, clientele.Errorf(clientele.Invalid, "one to one takes at most %d files, not %d", maxSources, len(t.starts))
		}
		hard.sources = make([]uint64, r.n)
		for i, from := range t.starts {
			for row := from; row < r.n; row++ {
				hard.sources[row] = 1 << i
			}
		}
		source := slices.Clone(hard.sources)
		res.apart = func(x, y uint32) bool { return source[x] == source[y] }
	}
	for _, p := range opt.Apart {
		if min(p[0], p[1]) < 0 || max(p[0], p[1]) >= r.n || p[0] == p[1] {
			return hard, clientele.Errorf(clientele.Invalid, "there are no records %d and %d to keep apart", p[0]+1, p[1]+1)
		}
		hard.apart = append(hard.apart, [2]uint32{uint32(p[0]), uint32(p[1])})
	}
	return hard, nil
}

// weigh scores every candidate and keeps what is not hopeless.
func (res *Result) weigh(ctx context.Context, opt Options) error {
	comparers := make([]*comparer, opt.Workers)
	for i := range comparers {
		comparers[i] = newComparer(res.records)
	}
	total := int64(0)
	for _, k := range res.Keys {
		total += k.Pairs
	}
	res.edges = newEdgeStore(opt.Workers, opt.Memory)
	counts := make([]int64, opt.Workers)
	failed := make([]error, opt.Workers)
	var done atomic.Int64
	var stop atomic.Bool
	res.blocks.each(opt.Workers, res.apart, func(worker int, x, y uint32) {
		if stop.Load() {
			return
		}
		c := comparers[worker]
		c.compare(x, y)
		if counts[worker]++; counts[worker]&0xffff == 0 {
			n := done.Add(0x10000)
			if opt.Progress != nil && worker == 0 {
				opt.Progress("weigh", n, max(n, total))
			}
			if ctx.Err() != nil {
				stop.Store(true)
			}
		}
		if w := res.Model.score(c, nil); w > Weakest {
			if err := res.edges.add(worker, edge{x, y, float32(w)}); err != nil {
				failed[worker] = err
				stop.Store(true)
			}
		}
	})
	for i, err := range failed {
		if err != nil {
			return res.fail(err)
		}
		res.Pairs += counts[i]
	}
	res.edges.finish()
	res.Edges = res.edges.count
	return nil
}

// cluster joins records and numbers the clusters.
func (res *Result) cluster(hard conflicts) error {
	r := res.records
	k := newClusterer(r, res.Model, res.Threshold, hard)
	for _, group := range res.same {
		k.c.compare(group[0], group[1])
		if res.Model.score(k.c, nil) < res.Threshold && !r.complete(group[0]) {
			continue // two of one common name and nothing else are not one person
		}
		for _, x := range group[1:] {
			if a := k.find(group[0]); !k.forbidden(a, x) {
				k.join(a, x)
			}
		}
	}
	if err := res.edges.each(func(e edge) bool {
		if float64(e.weight) < math.Max(res.Threshold, leastJoin) {
			return false
		}
		k.take(e)
		return true
	}); err != nil {
		return err
	}
	res.Refused = k.conflicts
	res.Clusters = grab[uint32](r.space, r.n)
	number := grab[uint32](r.space, r.n)
	for i := range res.Clusters {
		root := k.find(uint32(i))
		if number[root] == 0 {
			res.Count++
			number[root] = uint32(res.Count)
		}
		res.Clusters[i] = number[root] - 1
	}
	return nil
}
