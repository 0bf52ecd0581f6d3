package shop

import (
	"context"
	"sync"
)

// History tells the year before the shop's end: the head office first, then street by street, each
// in the order of time. tell gets the records of one part at a time, in an order that workers,
// the number of goroutines, does not change; it may keep them. The first error of tell, or the
// context's, ends it.
func (s *Shop) History(ctx context.Context, workers int, tell func([]Record) error) (Totals, error) {
	type part struct {
		records []Record
		totals  Totals
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers = max(1, workers)
	ordered := make(chan chan part, 2*workers)
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer close(ordered)
		for i := range s.companyParts() + s.streets() {
			out := make(chan part, 1)
			select {
			case ordered <- out:
			case <-ctx.Done():
				return
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				var p part
				if k := i - s.companyParts(); k < 0 {
					p.records, p.totals = s.tellCompany(i)
				} else {
					p.records, p.totals = s.tellStreet(k)
				}
				out <- p
			})
		}
	})
	var totals Totals
	for out := range ordered {
		p := <-out
		totals.Add(p.totals)
		if err := tell(p.records); err != nil {
			return totals, err
		}
	}
	return totals, ctx.Err()
}
