package preview

import (
	"github.com/RoaringBitmap/roaring/v2"

	"clientele"
)

// money is the revenue of each profile.
type money struct {
	by    []int64 // ten-thousandths, by number
	total int64
}

const revenueQuery = "select profile_id, cast(sum(revenue_base) * 10000 as bigint) from orders where profile_id is not null and revenue_base is not null group by profile_id"

// purse is the revenue of each profile, asked for once.
func (b *base) purse(numbers Numbers) (*money, error) {
	b.mu.Lock()
	m := b.money
	b.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m = &money{by: make([]int64, b.people.count)}
	if err := numbers(revenueQuery, func(row []int64) error {
		if n, there := b.people.find(row[0]); there {
			m.by[n] = row[1]
			m.total += row[1]
		}
		return nil
	}); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.money = m
	return m, nil
}

// revenue puts the members' revenue, and its share of all, into the answer.
func (v *view) revenue(b *roaring.Bitmap, r *Result) error {
	m, err := v.purse(v.numbers)
	if err != nil {
		return err
	}
	sum := int64(0)
	for it := b.ManyIterator(); ; {
		var some [4096]uint32
		n := it.NextMany(some[:])
		if n == 0 {
			break
		}
		for _, i := range some[:n] {
			sum += m.by[i]
		}
	}
	r.Revenue = clientele.Decimal(sum)
	if m.total != 0 {
		r.RevenueShare = float64(sum) / float64(m.total)
	}
	return nil
}
