package importer

// The Jalali (Solar Hijri) calendar of Iran and Afghanistan. Its leap years follow a cycle of
// 33 years, which agrees with the astronomical calendar over the whole span that is read here
// (K. M. Borkowski, "The Persian calendar for 3000 years", 1996: one unbroken run of 33-year
// cycles from 1210 to 1634).
const (
	minJalali = 1210 // 1831 CE
	maxJalali = 1633 // 2255 CE
)

// jalaliLeap says whether the year has a 30th of Esfand.
func jalaliLeap(y int) bool {
	switch y % 33 {
	case 1, 5, 9, 13, 17, 22, 26, 30:
		return true
	}
	return false
}

func jalaliMonthDays(y, m int) int {
	switch {
	case m <= 6:
		return 31
	case m <= 11 || jalaliLeap(y):
		return 30
	}
	return 29
}

// jalaliDays is how many days the years before y have.
func jalaliDays(y int) int {
	y--
	n := 365*y + y/33*8
	for r := y - y%33 + 1; r <= y; r++ {
		if jalaliLeap(r) {
			n++
		}
	}
	return n
}

// jalaliToDay is the day, counted from 1970-01-01, of a Jalali date; false when there is no
// such date or it is outside the span.
func jalaliToDay(y, m, d int) (int, bool) {
	if y < minJalali || y > maxJalali || m < 1 || m > 12 || d < 1 || d > jalaliMonthDays(y, m) {
		return 0, false
	}
	const newYear1403 = 19802 // 2024-03-20
	day := newYear1403 + jalaliDays(y) - jalaliDays(1403) + d - 1
	if m <= 7 {
		return day + (m-1)*31, true
	}
	return day + 186 + (m-7)*30, true
}

// gregorianToDay is the day, counted from 1970-01-01, of a Gregorian date; false when there is
// no such date. Years count from March, so that the leap day is the last of its year.
func gregorianToDay(y, m, d int) (int, bool) {
	if y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > gregorianMonthDays(y, m) {
		return 0, false
	}
	if m <= 2 {
		y, m = y-1, m+12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - 719468, true
}

func gregorianMonthDays(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
