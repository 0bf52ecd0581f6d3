package insight

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a machine without a time zone database knows the zones too

	"clientele"
	"clientele/internal/sqlq"
)

// span reads time zone, from, until and last. A day is a day of the time zone: its first instant, which is not
// midnight where a change of the clock takes that away.
func (a *asking) span() error {
	name := a.q.TimeZone
	if name == "" {
		name = "UTC"
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return clientele.Errorf(clientele.Invalid, "time_zone: there is no time zone %q", name).WithHint("write it like Asia/Bangkok or Europe/Paris")
	}
	a.zone = zone
	a.until = clientele.MicrosOf(a.o.Now())
	if a.q.Until != "" {
		if a.until, err = instant("until", a.q.Until, zone); err != nil {
			return err
		}
	}
	switch {
	case a.q.Last != "" && a.q.From != "":
		return clientele.Errorf(clientele.Invalid, "last: from says already where the span begins").WithHint("leave one of them out")
	case a.q.Last != "":
		d, err := duration("last", a.q.Last)
		if err != nil {
			return err
		}
		a.from = a.until - clientele.Micros(d/time.Microsecond)
	case a.q.From != "":
		if a.from, err = instant("from", a.q.From, zone); err != nil {
			return err
		}
	}
	if a.from != 0 && a.from >= a.until {
		return clientele.Errorf(clientele.Invalid, "from: the span ends before it begins").WithHint("until is %s", a.until)
	}
	return nil
}

// instant reads RFC 3339 or a day, which is its first instant in the zone.
func instant(field, text string, zone *time.Location) (clientele.Micros, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if t, err = time.ParseInLocation(time.DateOnly, text, zone); err == nil {
			t = firstOfDay(t, zone)
		}
	}
	m := clientele.MicrosOf(t)
	if err != nil || m < clientele.MinTime || m > clientele.MaxTime {
		return 0, clientele.Errorf(clientele.Invalid, "%s: %q is no time", field, text).WithHint("write a day, 2026-03-01, or RFC 3339, 2026-03-01T08:00:00Z")
	}
	return m, nil
}

// firstOfDay is the first instant of t's day: where the clock jumps over midnight, Go gives the hour before.
func firstOfDay(t time.Time, zone *time.Location) time.Time {
	day := t.In(zone)
	for range 8 { // jumps are of half an hour to two hours; a day left out by a change of the date line is no day
		if day.Format(time.DateOnly) >= t.Format(time.DateOnly) && day.Hour() < 12 {
			return day
		}
		day = day.Add(30 * time.Minute)
	}
	return t
}

// duration reads 36h, 30d, 12w, 90m or 45s.
func duration(field, text string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if text != "" {
		n, err := strconv.Atoi(text[:len(text)-1])
		if unit := units[text[len(text)-1]]; err == nil && unit > 0 && n > 0 && n < 100_000_000 && time.Duration(n) < (200*365*24*time.Hour)/unit {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, clientele.Errorf(clientele.Invalid, "%s: %q is no length of time", field, text).WithHint("write it like 24h, 30d or 12w; a day is 24 hours")
}

// seconds is an interval of SQL.
func seconds(d time.Duration) string {
	return "interval '" + strconv.FormatInt(int64(d/time.Second), 10) + " seconds'"
}

// within is the question's, 30 days when it has none.
func (a *asking) within() (time.Duration, error) {
	if a.q.Within == "" {
		return 30 * 24 * time.Hour, nil
	}
	return duration("within", a.q.Within)
}

// inSpan is the condition that a time is of the span.
func (a *asking) inSpan(ts string) string { return between(ts, a.from, a.until) }

func between(ts string, from, until clientele.Micros) string {
	c := ts + " < " + sqlq.Instant(until)
	if from != 0 {
		c = ts + " >= " + sqlq.Instant(from) + " and " + c
	}
	return c
}

// general are the fields that belong to every kind of question.
const general = "kind where who behind people audiences not_audiences from until last time_zone currency"

// belongs refuses fields that are not of the question's kind, which would be left out of account silently.
func belongs(q *clientele.Question, fields string) error {
	b, err := json.Marshal(q)
	var set map[string]any
	if err == nil {
		err = json.Unmarshal(b, &set)
	}
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "question: %w", err)
	}
	known := strings.Fields(general + " " + fields)
	for name := range set {
		if !slices.Contains(known, name) {
			return clientele.Errorf(clientele.Invalid, "%s: a question of kind %s has none", name, q.Kind).WithHint("it has %s", list(known, "and"))
		}
	}
	return nil
}

// list is a list of words for people.
func list(words []string, last string) string {
	if n := len(words); n > 1 && last != "" {
		return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
	}
	return strings.Join(words, ", ")
}

// local is an instant in the question's zone, a timestamp without one. The changes of the clock in the span are
// written out, because asking the engine's calendar for each row takes many times as long; what is long before the
// span is left to it.
func (a *asking) local(ts string) string {
	if a.zone == time.UTC || a.zone.String() == "UTC" {
		return "utc_time(" + ts + ")"
	}
	floor := a.until.Time().AddDate(-20, 0, 0)
	if before := (a.from - (a.until - a.from)).Time(); a.from != 0 && before.After(floor) { // what the span is compared with, too
		floor = before
	}
	var b strings.Builder
	b.WriteString("case")
	when := func(begin, in time.Time) {
		_, offset := in.Zone()
		b.WriteString(" when " + ts + " >= " + sqlq.Instant(clientele.MicrosOf(begin)) + " then utc_time(" + ts + ") + interval '" + strconv.Itoa(offset) + " seconds'")
	}
	at := a.until.Time().In(a.zone)
	begin, _ := at.ZoneBounds()
	for ; begin.After(floor); begin, _ = at.ZoneBounds() {
		when(begin, at)
		at = begin.Add(-time.Microsecond).In(a.zone)
	}
	when(floor, at)
	return b.String() + " else " + ts + " at time zone " + sqlq.Text(a.zone.String()) + " end"
}
