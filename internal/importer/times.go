package importer

import (
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // mappings name time zones, and not every machine has a list of them

	"clientele"
)

// civil is a time as it is written: on a calendar and a clock, with a zone or without.
type civil struct {
	y, m, d int
	micros  int64 // after midnight
	clock   bool  // a time of day was written
	zoned   bool  // an offset was written
	offset  int   // seconds east of UTC
	instant bool  // at is set and nothing else
	at      int64
	pm, h12 bool
}

// timeFormat reads a text as a civil time. It is nil for dates of any usual form.
type timeFormat func(s string) (civil, bool)

var (
	errNotTime    = clientele.Errorf(clientele.Invalid, "not a time of the format")
	errNoSuchTime = clientele.Errorf(clientele.Invalid, "no such date or time of day")
	errTimeRange  = clientele.Errorf(clientele.Invalid, "time is before 1900 or after 2199")
	errDateOrder  = clientele.Errorf(clientele.Invalid, "date begins with day or month: say date_order: or format: in the mapping")
)

const (
	microsPerDay = 24 * 3600 * 1_000_000
	maxTimeText  = 64
)

// read is the instant of a written time.
func (t *timeSpec) read(s string) (clientele.Micros, error) {
	if len(s) > maxTimeText {
		return 0, errNotTime
	}
	s = strings.TrimSpace(asciiDigits(s))
	var c civil
	ok := false
	if t.format != nil {
		c, ok = t.format(s)
	} else {
		var err error
		if c, ok, err = t.guess(s); err != nil {
			return 0, err
		}
	}
	if !ok {
		return 0, errNotTime
	}
	return t.instant(c)
}

// instant places a civil time.
func (t *timeSpec) instant(c civil) (clientele.Micros, error) {
	if c.instant {
		return checkTime(c.at)
	}
	if !c.clock {
		c.micros = t.clock
	}
	var day int
	ok := false
	switch t.calendar {
	case "buddhist":
		day, ok = gregorianToDay(c.y-543, c.m, c.d)
	case "jalali":
		day, ok = jalaliToDay(c.y, c.m, c.d)
	default:
		day, ok = gregorianToDay(c.y, c.m, c.d)
	}
	if !ok || c.micros < 0 || c.micros > microsPerDay {
		return 0, errNoSuchTime
	}
	at := int64(day)*microsPerDay + c.micros
	if c.zoned {
		return checkTime(at - int64(c.offset)*1_000_000)
	}
	return checkTime(at - localOffset(at, t.zone))
}

func checkTime(at int64) (clientele.Micros, error) {
	m := clientele.Micros(at)
	if m < clientele.MinTime || m >= clientele.MaxTime {
		return 0, errTimeRange
	}
	if m == 0 {
		m = 1 // 0 means that the time is not known
	}
	return m, nil
}

// localOffset is how many microseconds the zone's clocks are ahead of UTC when they show at. An
// hour that comes twice means the first time; one that is left out is read with the offset
// before the change, so 02:30 becomes 03:30.
func localOffset(at int64, zone *time.Location) int64 {
	if zone == nil || zone == time.UTC {
		return 0
	}
	off := func(utc int64) int64 {
		_, o := time.UnixMicro(utc).In(zone).Zone()
		return int64(o) * 1_000_000
	}
	const aside = 27 * 3600 * 1_000_000 // surely on the other side of a change near at
	before, after := off(at-aside), off(at+aside)
	if before == after && off(at-before) == before {
		return before
	}
	if off(at-before) == before {
		return before
	}
	if off(at-after) == after {
		return after
	}
	return before
}

// guess reads the usual forms: ISO 8601 and its relatives, and with date_order three numbers.
func (t *timeSpec) guess(s string) (civil, bool, error) {
	p := scanner{s: s}
	var c civil
	first := p.digits(8)
	if len(first) == 8 {
		c.y, c.m, c.d = atoi(first[:4]), atoi(first[4:6]), atoi(first[6:])
	} else {
		sep := p.peek()
		if first == "" || sep != '-' && sep != '/' && sep != '.' {
			return c, false, nil
		}
		p.i++
		second := p.digits(2)
		if p.peek() != sep || second == "" {
			return c, false, nil
		}
		p.i++
		third := p.digits(4)
		if third == "" {
			return c, false, nil
		}
		a, b, e := atoi(first), atoi(second), atoi(third)
		switch {
		case len(first) == 4 && len(third) <= 2:
			c.y, c.m, c.d = a, b, e
		case len(first) > 2 || len(third) != 4 && t.order != "ymd":
			return c, false, nil
		case t.order == "dmy":
			c.y, c.m, c.d = e, b, a
		case t.order == "mdy":
			c.y, c.m, c.d = e, a, b
		default:
			return c, false, errDateOrder
		}
	}
	return c, p.clock(&c) && p.i == len(s), nil
}

// scanner walks over a text.
type scanner struct {
	s string
	i int
}

func (p *scanner) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// digits takes at most n digits.
func (p *scanner) digits(n int) string {
	from := p.i
	for p.i < len(p.s) && p.i-from < n && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.s[from:p.i]
}

// clock takes "", " 08:26", "T08:26:00.123456+07:00", "8:26 pm" and the like.
func (p *scanner) clock(c *civil) bool {
	if p.i == len(p.s) {
		return true
	}
	if ch := p.s[p.i]; ch != 'T' && ch != 't' && ch != ' ' {
		return false
	}
	p.i++
	for p.peek() == ' ' {
		p.i++
	}
	var h, m, s int
	hh := p.digits(2)
	if hh == "" || p.peek() != ':' {
		return false
	}
	p.i++
	mm := p.digits(2)
	if len(mm) != 2 {
		return false
	}
	h, m = atoi(hh), atoi(mm)
	var frac int64
	if p.peek() == ':' {
		p.i++
		ss := p.digits(2)
		if len(ss) != 2 {
			return false
		}
		s = atoi(ss)
		if ch := p.peek(); ch == '.' || ch == ',' {
			p.i++
			var ok bool
			if frac, ok = p.fraction(); !ok {
				return false
			}
		}
	}
	return p.halfDay(&h) && c.setClock(h, m, s, frac) && p.zone(c)
}

// fraction takes the digits behind a decimal mark, as microseconds; more than six are cut.
func (p *scanner) fraction() (int64, bool) {
	f := p.digits(12)
	if f == "" {
		return 0, false
	}
	n, _ := strconv.ParseInt((f + "000000")[:6], 10, 64)
	return n, true
}

// halfDay takes " am" or " pm" and corrects the hour.
func (p *scanner) halfDay(h *int) bool {
	rest := strings.ToLower(strings.TrimLeft(p.s[p.i:], " "))
	for _, w := range []string{"am", "pm", "a.m.", "p.m."} {
		if rest != w {
			continue
		}
		if *h < 1 || *h > 12 {
			return false
		}
		*h %= 12
		if w[0] == 'p' {
			*h += 12
		}
		p.i = len(p.s)
	}
	return true
}

// zone takes "", "Z", "+07", "+0700", " +07:00", "UTC".
func (p *scanner) zone(c *civil) bool {
	for p.peek() == ' ' {
		p.i++
	}
	rest := p.s[p.i:]
	switch strings.ToUpper(rest) {
	case "":
		return true
	case "Z", "UTC", "GMT":
		c.zoned, p.i = true, len(p.s)
		return true
	}
	return p.offset(c) && p.i == len(p.s)
}

// offset takes a numeric zone.
func (p *scanner) offset(c *civil) bool {
	sign := 1
	switch p.peek() {
	case '-':
		sign = -1
	case '+':
	case 'Z', 'z':
		p.i++
		c.zoned = true
		return true
	default:
		return false
	}
	p.i++
	hh := p.digits(2)
	if len(hh) != 2 {
		return false
	}
	mm := ""
	if p.peek() == ':' {
		p.i++
		if mm = p.digits(2); len(mm) != 2 {
			return false
		}
	} else if mm = p.digits(2); len(mm) == 1 {
		return false
	}
	h, m := atoi(hh), atoi(mm)
	if h > 15 || m > 59 {
		return false
	}
	c.zoned, c.offset = true, sign*(h*3600+m*60)
	return true
}

// setClock sets the time of day; 24:00:00 and the leap second are the start of what follows.
func (c *civil) setClock(h, m, s int, frac int64) bool {
	if h > 24 || m > 59 || s > 60 || h == 24 && (m > 0 || s > 0 || frac > 0) {
		return false
	}
	c.clock = true
	c.micros = int64(h*3600+m*60+s)*1_000_000 + frac
	return c.micros <= microsPerDay || s == 60
}

func atoi(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// loadZone is the named time zone. "Local" is refused: it is another one on every machine.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, clientele.Errorf(clientele.Invalid, "not a time zone").WithHint("for example Asia/Bangkok, Europe/London or UTC")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "no time zone %q", name).WithHint("for example Asia/Bangkok, Europe/London or UTC")
	}
	return zone, nil
}
