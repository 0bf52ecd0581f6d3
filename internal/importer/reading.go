package importer

import (
	"strings"
	"time"

	"clientele"
)

// Reading reads the texts of cells as imports do, for programs without a mapping.
type Reading struct {
	times   timeSpec
	numbers numberSpec
}

// NewReading reads times without a zone as of that one ("" is UTC), and dates that do not begin with the year in
// that order: dmy, mdy, or "" to refuse them.
func NewReading(zone, order string) (*Reading, error) {
	if zone == "" {
		zone = "UTC"
	}
	z, err := loadZone(zone)
	if err != nil {
		return nil, err
	}
	if order != "" && order != "dmy" && order != "mdy" && order != "ymd" {
		return nil, clientele.Errorf(clientele.Invalid, "there is no order of dates %q", order).WithHint("dmy, mdy or ymd")
	}
	return &Reading{times: timeSpec{zone: z, order: order}}, nil
}

// Lengths of seconds and of milliseconds since 1970 in digits, for this century.
const (
	secondsDigits = 10
	millisDigits  = 13
)

// Time is the instant of a date or time.
func (r *Reading) Time(s string) (clientele.Micros, error) {
	s = strings.TrimSpace(s)
	if n := len(s); (n != secondsDigits && n != millisDigits) || strings.Trim(s, "0123456789") != "" {
		return r.times.read(s)
	}
	v := int64(0)
	for i := range len(s) {
		v = v*10 + int64(s[i]-'0')
	}
	if len(s) == secondsDigits {
		v *= 1000
	}
	return checkTime(v * 1000)
}

// Day is the day of a date or time in the zone of the reading, counted from 1970-01-01.
func (r *Reading) Day(s string) (int32, error) {
	day, _, err := r.Hour(s)
	return day, err
}

// Hour is Day with the hour of the day, 0 where only a date is written.
func (r *Reading) Hour(s string) (day int32, hour int, err error) {
	at, err := r.Time(s)
	if err != nil {
		return 0, 0, err
	}
	local := time.UnixMicro(int64(at)).In(r.times.zone)
	y, m, d := local.Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400), local.Hour(), nil
}

// Number reads a number, with signs of currencies and separators of thousands.
func (r *Reading) Number(s string) (float64, error) { return r.numbers.doubleOf(s) }

// NeedsOrder says that a date could not be read because it begins with day or month.
func NeedsOrder(err error) bool { return err == errDateOrder }
