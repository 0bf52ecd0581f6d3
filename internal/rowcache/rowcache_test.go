package rowcache_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"clientele/internal/rowcache"
)

// shelf is a store that counts how often it is read.
type shelf struct {
	rows  map[int]int
	loads int
	err   error
}

func (s *shelf) load(k int) (*int, error) {
	s.loads++
	if v, ok := s.rows[k]; ok && s.err == nil {
		return &v, nil
	}
	return nil, s.err
}

func (s *shelf) flush(c *rowcache.Cache[int, int]) {
	_ = c.Changed(func(k int, v *int) error {
		if delete(s.rows, k); v != nil {
			s.rows[k] = *v
		}
		return nil
	})
	c.Committed()
}

// Changed rows stay until they are committed, however many others are read meanwhile.
func TestDirtyRowsStay(t *testing.T) {
	s := &shelf{rows: map[int]int{0: 1, 1: 1}}
	c := rowcache.New(10, s.load)
	two := 2
	c.Put(0, &two)
	c.Put(1, nil)
	for k := range 1000 {
		if _, err := c.Get(k); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := c.Get(0); err != nil || v == nil || *v != 2 {
		t.Errorf("a changed row is %v, %v", v, err)
	}
	if v, err := c.Get(1); err != nil || v != nil {
		t.Errorf("a deleted row is %v, %v", v, err)
	}
	if c.Dirty() != 2 {
		t.Errorf("%d rows wait", c.Dirty())
	}
	s.flush(c)
	if v, ok := s.rows[1]; ok || s.rows[0] != 2 || c.Dirty() != 0 {
		t.Errorf("the store has %v, %v; %d wait", s.rows[0], v, c.Dirty())
	}
}

// A row that is in memory is not read again, also when it is known that there is none.
func TestReadOnce(t *testing.T) {
	s := &shelf{rows: map[int]int{1: 5}}
	c := rowcache.New(10, s.load)
	for range 3 {
		for k := range 3 {
			if _, err := c.Get(k); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s.loads != 3 {
		t.Errorf("%d reads", s.loads)
	}
	seven := 7
	c.Fill(8, &seven)
	c.Fill(1, &seven) // in memory: what is there holds
	one, _ := c.Get(1)
	eight, _ := c.Get(8)
	if s.loads != 3 || *one != 5 || *eight != 7 || !c.Known(8) || c.Known(9) {
		t.Errorf("%d reads, %d, %d", s.loads, *one, *eight)
	}
}

// No more than about twice max clean rows are held.
func TestBound(t *testing.T) {
	const most = 50
	s := &shelf{rows: map[int]int{}}
	c := rowcache.New(most, s.load)
	for k := range 20 * most {
		if _, err := c.Get(k); err != nil {
			t.Fatal(err)
		}
		c.Put(k, &k)
		if k%7 == 0 {
			s.flush(c)
		}
	}
	s.flush(c)
	known := 0
	for k := range 20 * most {
		if c.Known(k) {
			known++
		}
	}
	if known > 2*most+7 || known < most/2 {
		t.Errorf("%d rows are held", known)
	}
}

// Rows come in the order of their first change, and an error of the caller ends the walk.
func TestChangedOrder(t *testing.T) {
	c := rowcache.New(10, (&shelf{}).load)
	for _, k := range []int{3, 1, 2, 1, 3} {
		c.Put(k, &k)
	}
	var got []int
	stop := errors.New("stop")
	if err := c.Changed(func(k int, _ *int) error { got = append(got, k); return nil }); err != nil || !slices.Equal(got, []int{3, 1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := c.Changed(func(int, *int) error { return stop }); err != stop || c.Dirty() != 3 {
		t.Errorf("%v, %d wait", err, c.Dirty())
	}
}

// After a reset the store alone counts; an error of the store is not remembered.
func TestReset(t *testing.T) {
	s := &shelf{rows: map[int]int{1: 5}, err: errors.New("unplugged")}
	c := rowcache.New(10, s.load)
	if _, err := c.Get(1); err != s.err {
		t.Errorf("error %v", err)
	}
	s.err = nil
	six := 6
	c.Put(1, &six)
	c.Reset()
	if v, err := c.Get(1); err != nil || v == nil || *v != 5 || c.Dirty() != 0 {
		t.Errorf("%v, %v; %d wait", v, err, c.Dirty())
	}
}

// A cache in front of a store is the same as the store, whatever is done with it.
func TestModel(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s, model := &shelf{rows: map[int]int{}}, map[int]int{}
		c := rowcache.New(1+rnd.IntN(8), s.load)
		for n := range 400 {
			k := rnd.IntN(20)
			switch rnd.IntN(8) {
			case 0, 1:
				c.Put(k, &n)
				model[k] = n
			case 2:
				c.Put(k, nil)
				delete(model, k)
			case 3:
				s.flush(c)
			default:
				v, err := c.Get(k)
				want, ok := model[k]
				if err != nil || (v != nil) != ok || ok && *v != want {
					t.Fatalf("seed %d, step %d: row %d is %v, %v; want %d, %v", seed, n, k, v, err, want, ok)
				}
			}
		}
	}
}
