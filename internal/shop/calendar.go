package shop

import (
	"fmt"
	"time"

	"clientele"
)

// campaign is something the shop's marketing does for some days.
type campaign struct {
	name     string
	from, to clientele.Micros
	category string // "" = everything
	percent  int    // off the price; 0 = it only tells
	coupon   string // for who has the code; a tenth off
	launch   bool
}

func (c *campaign) covers(k *category) bool { return c.category == "" || c.category == k.name }

// plan is the year of marketing, the same every year.
var plan = []struct {
	month, day, days int
	name, category   string
	percent          int
	coupon           string
}{
	{1, 5, 14, "Winter Sale", "jackets", 25, ""},
	{2, 12, 10, "Sleep Warm", "sleeping bags", 0, "WARM10"},
	{3, 10, 12, "Spring Trails", "hiking shoes", 15, ""},
	{4, 8, 10, "First Camp", "tents", 0, "CAMP10"},
	{5, 6, 12, "Boot Days", "hiking boots", 15, ""},
	{6, 10, 14, "Summer Festival", "", 0, "FESTIVAL10"},
	{7, 8, 14, "Mid-Season Sale", "", 20, ""},
	{8, 14, 10, "Carry It All", "backpacks", 15, ""},
	{9, 9, 12, "Autumn Layers", "jackets", 0, "LAYER10"},
	{10, 7, 10, "Light Up", "lamps", 20, ""},
	{11, 23, 8, "Black Week", "", 25, ""},
	{12, 4, 16, "Gifts", "", 0, "GIFT10"},
}

// How much busier each month of an outdoor shop is than a quiet one, in per cent, and each hour
// of the day where people live.
var (
	months = [13]int{0, 90, 80, 100, 125, 150, 165, 160, 135, 110, 95, 150, 145}
	hours  = [24]int{2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 11, 10, 9, 9, 10, 11, 13, 16, 18, 16, 10, 5}
)

// planYear lays the plan out over the history and finds the launch: two months before its end,
// on a Thursday at 16:00 UTC.
func (s *Shop) planYear() {
	for year := s.start.Time().Year(); year <= s.end.Time().Year(); year++ {
		for _, p := range plan {
			from := clientele.MicrosOf(time.Date(year, time.Month(p.month), p.day, 6, 0, 0, 0, time.UTC))
			to := from + clientele.Micros(p.days)*day
			if from < s.start || to > s.end {
				continue
			}
			s.campaigns = append(s.campaigns, campaign{name: fmt.Sprintf("%s %d", p.name, year), from: from, to: to, category: p.category, percent: p.percent, coupon: p.coupon})
		}
	}
	at := s.end.Time().AddDate(0, -2, 0).Truncate(24 * time.Hour)
	for at.Weekday() != time.Thursday {
		at = at.AddDate(0, 0, -1)
	}
	s.launch = clientele.MicrosOf(at.Add(16 * time.Hour))
	s.campaigns = append(s.campaigns, campaign{name: launched + " Launch", from: s.launch, to: s.launch + 7*day, category: "tents", launch: true})
}

// weighDays says how many visits each day of the history draws.
func (s *Shop) weighDays() {
	n := int((s.end - s.start + day - 1) / day)
	s.days = make([]int, n+1) // running sums
	for i := range n {
		t := (s.start + clientele.Micros(i)*day).Time()
		w := months[t.Month()]
		if wd := t.Weekday(); wd == time.Saturday || wd == time.Sunday {
			w = w * 125 / 100
		}
		for k := range s.campaigns {
			c := &s.campaigns[k]
			if at := clientele.MicrosOf(t); c.from-day < at && at < c.to {
				w = w * (115 + 2*c.percent) / 100
			}
		}
		s.days[i+1] = s.days[i] + w
	}
}

// moment is a time between two, busy days and hours more often.
func (s *Shop) moment(d *dice, from, to clientele.Micros, c *country) clientele.Micros {
	first, last := int((from-s.start)/day), int((to-s.start)/day)
	first, last = max(0, min(first, len(s.days)-2)), max(0, min(last, len(s.days)-2))
	low, high := s.days[first], s.days[last+1]
	at := low + d.below(high-low)
	for first < last {
		if middle := (first + last) / 2; s.days[middle+1] <= at {
			first = middle + 1
		} else {
			last = middle
		}
	}
	local := d.pick(hours[:])
	of := s.start + clientele.Micros(first)*day + clientele.Micros((local-c.hours+24)%24)*hour
	of += clientele.Micros(d.below(3600)) * second
	if of < from || of >= to { // the ends are in the middle of a day
		return from + clientele.Micros(d.next()%uint64(max(1, to-from)))/second*second
	}
	return of
}

// running is the campaign that people meet at the time, nil for none: the one with the most off.
func (s *Shop) running(at clientele.Micros) *campaign {
	var best *campaign
	for i := range s.campaigns {
		if c := &s.campaigns[i]; c.from <= at && at < c.to && (best == nil || c.percent > best.percent) {
			best = c
		}
	}
	return best
}
