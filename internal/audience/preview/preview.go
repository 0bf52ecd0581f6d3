package preview

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"clientele"
	"clientele/internal/audience"
)

// Columns are the tables as they are after one commit, for as long as fn runs.
type Columns interface {
	Snapshot(ctx context.Context, fn func(commit uint64, numbers func(query string, row func([]int64) error) error) error) error
}

// Result is who would be in an audience. Shares are between 0 and 1; Revenue is in the base currency.
type Result struct {
	Commit       uint64 // of the column store
	Count, Total int64
	Share        float64 // of all profiles
	Revenue      clientele.Decimal
	RevenueShare float64 // of all revenue of profiles; 0 when there is none
	Sample       []clientele.ProfileID
	Meant        int64     // by the definition, suppress rules aside
	Removed      []Removal // by suppress rules, in the order given
	Parts        []Part    // of the definition's first level, where it has several
	Leaves       int       // that the definition has
	Computed     int       // leaves that were asked for now; the others were known
	Took         time.Duration
}

// Removal is what a suppress rule takes out of those whom the definition means.
type Removal struct {
	Name  string
	Reads string
	Alone int64 // whom it holds for
	Left  int64 // of them, those that no rule before it has taken out
}

// Part is a condition of a definition by itself.
type Part struct {
	Reads string // in one line
	Count int64
	Alone int64 // members of the definition without this part, for and: how many it takes out
}

// Engine answers previews. Its methods may be called by many at once.
type Engine struct {
	columns Columns
	memory  int64
	ctx     context.Context // ends when the engine is closed
	cancel  context.CancelFunc
	held    sync.WaitGroup

	mu      sync.Mutex
	latest  *base // of the newest commit that was asked at
	still   *standing
	opening chan struct{} // closed when still has been renewed; nil: nobody does
	editing map[string]*edit
}

// DefaultMemory is how many bytes of bitmaps are kept.
const DefaultMemory = 64 << 20

// New makes an engine that keeps up to memory bytes of bitmaps for a commit; 0 = DefaultMemory. Close ends it.
func New(columns Columns, memory int64) *Engine {
	if memory <= 0 {
		memory = DefaultMemory
	}
	e := &Engine{columns: columns, memory: memory, editing: map[string]*edit{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Close ends what is held open. The columns have to be open until then.
func (e *Engine) Close() {
	e.cancel()
	e.held.Wait()
}

// errSuperseded ends a preview whose editor has asked for another one.
var errSuperseded = clientele.Errorf(clientele.Conflict, "the definition was changed meanwhile: a newer preview has taken this one's place")

// edit is the latest question of somebody who changes a definition, and how far it is.
type edit struct {
	end      context.CancelCauseFunc
	done, of atomic.Int32 // leaves
}

type editedKey struct{}

// edited is the question of an editor's context; nil for others.
func edited(ctx context.Context) *edit {
	asked, _ := ctx.Value(editedKey{}).(*edit)
	return asked
}

// Edit is a context that ends, with Conflict as its cause, when Edit is called again with the same
// editor. done must be called. "" is nobody's.
func (e *Engine) Edit(ctx context.Context, editor string) (edited context.Context, done func()) {
	if editor == "" {
		return ctx, func() {}
	}
	asked := &edit{}
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, editedKey{}, asked))
	asked.end = cancel
	e.mu.Lock()
	defer e.mu.Unlock()
	if before := e.editing[editor]; before != nil {
		before.end(errSuperseded)
	}
	e.editing[editor] = asked
	return ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.editing[editor] == asked { // nobody has taken its place
			delete(e.editing, editor)
		}
		cancel(nil)
	}
}

// Progress is how many of how many conditions of the editor's question are counted; false when none is under way.
func (e *Engine) Progress(editor string) (done, of int, under bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.editing[editor]
	if asked == nil {
		return 0, 0, false
	}
	return int(min(asked.done.Load(), asked.of.Load())), int(asked.of.Load()), true
}

// view is one question to a base.
type view struct {
	*base
	ctx      context.Context
	numbers  Numbers
	schema   audience.Schema
	at       audience.At
	computed int
	counted  func() // is told of each leaf of the definition; nil: nobody is
}

// within gives fn a view of the store's newest commit.
func (e *Engine) within(ctx context.Context, schema audience.Schema, at audience.At, fn func(*view) error) error {
	err := e.columns.Snapshot(ctx, func(commit uint64, numbers func(string, func([]int64) error) error) error {
		b, err := e.baseAt(commit, numbers)
		if err != nil {
			return err
		}
		return fn(&view{base: b, ctx: ctx, numbers: numbers, schema: schema, at: at})
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// set is the members of a condition. The bitmap may not be changed.
func (v *view) set(c audience.Condition) (*roaring.Bitmap, error) {
	switch c := c.(type) {
	case *audience.Suppressed:
		return v.set(c.All())
	case audience.And:
		return v.fold(c, (*roaring.Bitmap).And)
	case audience.Or:
		return v.fold(c, (*roaring.Bitmap).Or)
	case audience.Not:
		b, err := v.set(c.Of)
		if err != nil {
			return nil, err
		}
		return roaring.Flip(b, 0, uint64(v.people.count)), nil
	}
	b, err := v.leaf(c)
	if v.counted != nil {
		v.counted()
	}
	return b, err
}

func (v *view) fold(list []audience.Condition, with func(*roaring.Bitmap, *roaring.Bitmap)) (*roaring.Bitmap, error) {
	var out *roaring.Bitmap
	for i, c := range list {
		b, err := v.set(c)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out = b.Clone()
			continue
		}
		with(out, b)
	}
	return out, nil
}

// sampled is how many members an answer names.
const sampled = 10

// Preview says who would be in an audience of the definition, at the moment. An editor's (Edit) answer may be up to
// StandsFor behind.
func (e *Engine) Preview(ctx context.Context, schema audience.Schema, c audience.Condition, at audience.At) (*Result, error) {
	begin := time.Now()
	r := &Result{Sample: []clientele.ProfileID{}, Leaves: len(audience.Leaves(c))}
	within := e.within
	asked := edited(ctx)
	if asked != nil {
		within = e.withinStill
		asked.of.Store(int32(r.Leaves))
	}
	err := within(ctx, schema, at, func(v *view) error {
		if asked != nil {
			v.counted = func() { asked.done.Add(1) }
		}
		b, err := v.set(c)
		v.counted = nil
		if err != nil {
			return err
		}
		r.Commit, r.Count, r.Total = v.commit, int64(b.GetCardinality()), int64(v.people.count)
		if r.Total > 0 {
			r.Share = float64(r.Count) / float64(r.Total)
		}
		for it := b.Iterator(); it.HasNext() && len(r.Sample) < sampled; {
			r.Sample = append(r.Sample, clientele.ProfileID(v.people.id(it.Next())))
		}
		if r.Parts, err = v.parts(c); err != nil {
			return err
		}
		if s, ok := c.(*audience.Suppressed); ok {
			if err := v.removed(s, r); err != nil {
				return err
			}
		}
		r.Computed = v.computed
		return v.revenue(b, r)
	})
	r.Took = time.Since(begin)
	return r, err
}

// parts are the conditions of the first level, each by itself and what the rest is without it.
func (v *view) parts(c audience.Condition) ([]Part, error) {
	var list []audience.Condition
	rest := func(l []audience.Condition) audience.Condition { return audience.And(l) }
	switch c := c.(type) {
	case *audience.Suppressed:
		return v.parts(c.Of)
	case audience.And:
		list = c
	case audience.Or:
		list = c
		rest = func(l []audience.Condition) audience.Condition { return audience.Or(l) }
	}
	if len(list) < 2 || len(list) > 20 {
		return nil, nil
	}
	var out []Part
	for i, part := range list {
		one, err := v.set(part)
		if err != nil {
			return nil, err
		}
		others := append(append([]audience.Condition{}, list[:i]...), list[i+1:]...)
		without, err := v.set(rest(others))
		if err != nil {
			return nil, err
		}
		out = append(out, Part{Reads: audience.String(part), Count: int64(one.GetCardinality()), Alone: int64(without.GetCardinality())})
	}
	return out, nil
}

// removed counts what each suppress rule takes out.
func (v *view) removed(s *audience.Suppressed, r *Result) error {
	of, err := v.set(s.Of)
	if err != nil {
		return err
	}
	left := of.Clone()
	r.Meant = int64(of.GetCardinality())
	for _, rule := range s.Rules {
		b, err := v.set(rule.When)
		if err != nil {
			return err
		}
		r.Removed = append(r.Removed, Removal{rule.Name, audience.String(rule.When), int64(of.AndCardinality(b)), int64(left.AndCardinality(b))})
		left.AndNot(b)
	}
	return nil
}
