package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele/bench/load"
)

// report is what is printed: tables in Markdown. Rows that were not reached say so.
type report struct {
	o             options
	version       string
	machine       string
	load          string // average of the machine at the start
	at            time.Time
	took          time.Duration
	before, after syncs
	small, main   *figures
}

// The floors of the rates, events a second. Half load is half of them, so that a faster program is not
// measured under more load than a slower one.
const (
	floorSustained = 12_000
	floorSingles   = 10_000
)

const (
	notMeasured = "not measured"
	elsewhere   = "make bench-stages measures it"
)

// row is one line of the table. ok is whether the floor is reached; known is false when that
// cannot be said.
type row struct {
	what, floor, measured string
	ok, known             bool
}

func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Clientele %s, measured %s\n\n", r.version, r.at.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(&b, "%s; load average at the start %s. fsync probe: %s before, %s after. Took %s.\n\n", r.machine, r.load, r.before, r.after, r.took.Round(time.Second))
	fmt.Fprintf(&b, "%d profiles prepared (%d events each), seed %d. The generator runs on the same processors%s. Visits have %d events, %.0f %% of them by people never seen before; "+
		"the others are by who was there recently (power law), or by everybody as often where the row says so.\n\n", r.o.profiles, 1+r.o.history, r.o.seed, map[bool]string{true: ", and goes first there"}[r.o.first], r.o.visit, 100*r.o.newShare)
	b.WriteString("| what | floor (aim) | measured | reached |\n|---|---|---|---|\n")
	for _, x := range r.rows() {
		reached := "-"
		if x.known {
			reached = map[bool]string{true: "yes", false: "**no**"}[x.ok]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", x.what, x.floor, x.measured, reached)
	}
	r.writeCPU(&b)
	r.writeGrowth(&b)
	return b.String()
}

// lost is an error when something accepted is missing or there twice.
func (r *report) lost() error {
	if r.main == nil || r.main.exact == nil || r.main.exact.ok() {
		return nil
	}
	return fmt.Errorf("what was accepted is not what is there: %+v", *r.main.exact)
}

func (r *report) rows() []row {
	f := r.main
	if f == nil {
		f = &figures{}
	}
	return slices.Concat(ingestRows(f), sustainedRows(f), freshRows(f, r.o.size), enteredRows(f, r.o.size), []row{
		{what: "audience preview over 1 M profiles and 20 M events", floor: "median 300 ms, worst 3 s", measured: elsewhere},
	}, startRows(f), surgeRows(f), exactRows(f))
}

func ingestRows(f *figures) []row {
	batches := row{what: "durable ingest, batches of 100", floor: "50,000 events/s (90,000)", measured: notMeasured}
	if i := f.batches; i != nil {
		batches.measured = fmt.Sprintf("%s events/s; p50 %s, p99 %s; generator %s a request", whole(i.rate), short(i.full.Quantile(.5)), short(i.full.Quantile(.99)), short(i.client))
		batches.ok, batches.known = i.rate >= 50_000, true
	}
	singles := row{what: "durable ingest, single events", floor: "10,000 requests/s (17,000)", measured: notMeasured}
	atHalf := row{what: "the same at half load", floor: "p99 10 ms", measured: notMeasured}
	if i := f.singles; i != nil {
		singles.measured = fmt.Sprintf("%s requests/s; p50 %s, p99 %s; generator %s a request", whole(i.rate), short(i.full.Quantile(.5)), short(i.full.Quantile(.99)), short(i.client))
		singles.ok, singles.known = i.rate >= floorSingles, true
		atHalf.measured = fmt.Sprintf("%s at %s requests/s", quantiles(i.atHalf), whole(floorSingles/2))
		atHalf.ok, atHalf.known = i.atHalf.Quantile(.99) <= 10*time.Millisecond, i.atHalf.Count() > 0
	}
	return []row{batches, singles, atHalf}
}

func sustainedRows(f *figures) []row {
	line := func(what string, s *sustained) row {
		x := row{what: what, floor: "12,000 events/s (20,000)", measured: notMeasured}
		if s != nil {
			x.measured = fmt.Sprintf("%s events/s; server %s CPU an event, generator %s", whole(s.rate), micros(s.cpu), micros(s.client))
			x.ok, x.known = s.rate >= floorSustained, true
		}
		return x
	}
	return []row{line("end to end sustained", f.sustained), line("end to end sustained, everybody as often", f.uniform)}
}

func freshRows(f *figures, size string) []row {
	floor, limit := "p99 5 ms", 5*time.Millisecond
	if size == "large" {
		floor, limit = "p99 10 ms", 10*time.Millisecond
	}
	profile := row{what: "accepted -> on the profile API, at half load", floor: "p99 1 s", measured: notMeasured}
	sql := row{what: "accepted -> queryable by SQL, at half load", floor: "p50 1 s, p99 3 s", measured: notMeasured}
	read := row{what: "profile read by identifier, at half load", floor: floor, measured: notMeasured}
	memory := row{what: "resident memory while ingesting at half load", floor: "1.5 GB", measured: notMeasured}
	h := f.half
	if h == nil {
		return []row{profile, sql, read, memory}
	}
	p := h.probes
	profile.measured = fmt.Sprintf("%s (%d probes at %s events/s)", quantiles(&p.profile), p.profile.Count(), whole(h.rate))
	profile.ok, profile.known = p.profile.Quantile(.99) <= time.Second, p.profile.Count() > 0
	sql.measured = fmt.Sprintf("%s (%d probes)", quantiles(&p.sql), p.sql.Count())
	sql.ok, sql.known = p.sql.Quantile(.5) <= time.Second && p.sql.Quantile(.99) <= 3*time.Second, p.sql.Count() > 0
	read.measured = fmt.Sprintf("%s (%d reads%s)", quantiles(&p.reads), p.reads.Count(), p.failures())
	read.ok, read.known = p.reads.Quantile(.99) <= limit, p.reads.Count() > 0
	memory.measured = gigabytes(h.memory)
	if f.memoryPeak > 0 {
		memory.measured += fmt.Sprintf("; %s at the most in all rows above the kill", gigabytes(f.memoryPeak))
	}
	memory.ok, memory.known = h.memory < 1_500_000_000, true
	return []row{profile, sql, read, memory}
}

func enteredRows(f *figures, size string) []row {
	floor, median, worst := "median 300 ms, worst 3 s", 300*time.Millisecond, 3*time.Second
	if size == "large" {
		floor, median, worst = "median 2 s", 2*time.Second, time.Hour
	}
	member := row{what: "accepted -> audience entered, at half load", floor: "p99 1 s", measured: notMeasured}
	preview := row{what: "audience preview at half load", floor: floor, measured: notMeasured}
	if e := f.entered; e != nil {
		member.measured = fmt.Sprintf("%s (%d probes at %s events/s, %d audiences, filled in %s; server %s CPU an event%s)", quantiles(&e.late), e.late.Count(), whole(e.rate), e.audiences, short(e.filled), micros(e.cpu), e.probes.failures())
		member.ok, member.known = e.late.Quantile(.99) <= time.Second && e.probes.failed.Load() == 0, e.late.Count() > 0
		preview.measured = fmt.Sprintf("first asked p50 %s, worst %s; one condition more p50 %s, worst %s (%d each)", short(e.preview.Quantile(.5)), short(e.preview.Max()), short(e.edit.Quantile(.5)), short(e.edit.Max()), e.edit.Count())
		preview.ok = max(e.preview.Quantile(.5), e.edit.Quantile(.5)) <= median && max(e.preview.Max(), e.edit.Max()) <= worst
		preview.known = e.preview.Count() > 0
	}
	return []row{member, preview}
}

func (p *probes) failures() string {
	if p.failed.Load() == 0 {
		return ""
	}
	return fmt.Sprintf(", %d probes failed: %s", p.failed.Load(), *p.reason.Load())
}

func startRows(f *figures) []row {
	clean := row{what: "start, clean", floor: "2 s", measured: notMeasured}
	if len(f.starts) > 0 {
		sorted := slices.Sorted(slices.Values(f.starts))
		clean.measured = fmt.Sprintf("%s (median of %d), %s at the most", short(sorted[len(sorted)/2]), len(sorted), short(sorted[len(sorted)-1]))
		clean.ok, clean.known = sorted[len(sorted)-1] <= 2*time.Second, true
	}
	dirty := row{what: "start after kill -9", floor: "2 s and 2 s for each GB of hot log", measured: notMeasured}
	if k := f.killed; k != nil {
		allowed := 2*time.Second + time.Duration(2*float64(k.logBytes)/1e9*float64(time.Second))
		dirty.measured = fmt.Sprintf("%s with %s of log (allowed %s), %d events behind, %d requests cut or without a server; all queryable %s after the load",
			short(k.ready), gigabytes(k.logBytes), short(allowed), k.backlog, k.again, short(k.drained))
		dirty.ok, dirty.known = k.ready <= allowed, true
	}
	return []row{clean, dirty}
}

func surgeRows(f *figures) []row {
	s := f.surge
	lag := row{what: "surge, 80 % new visitors: lag gone", floor: "5 min", measured: notMeasured}
	reads := row{what: "surge: profile reads keep their p99", floor: "p99 5 ms", measured: notMeasured}
	if s == nil {
		return []row{lag, reads}
	}
	lag.what = fmt.Sprintf("surge from 500 to %s events/s for %s, 80 %% new visitors: lag gone", whole(s.wanted), s.d)
	lag.measured = fmt.Sprintf("in %s; %s events/s accepted, requests %s from when due, %d events waiting at its end, %s resident", short(s.gone), whole(s.rate), quantiles(s.late), s.backlog, gigabytes(s.memory))
	lag.ok, lag.known = s.gone <= 5*time.Minute, true
	reads.measured = fmt.Sprintf("%s; before it %s%s", quantiles(&s.during.reads), quantiles(&s.before.reads), s.during.failures())
	reads.ok, reads.known = s.during.reads.Quantile(.99) <= 5*time.Millisecond && s.during.failed.Load() == 0, s.during.reads.Count() > 0
	return []row{lag, reads}
}

func exactRows(f *figures) []row {
	x := row{what: "nothing accepted lost, nothing twice", floor: "exact", measured: notMeasured}
	if e := f.exact; e != nil {
		x.measured = fmt.Sprintf("%d accepted, %d in SQL, %d distinct ids; %d unclear, %d quarantined, %d repetitions dropped, %d answers 429 and %d 503 waited out; %d profiles",
			e.accepted, e.found, e.distinct, e.unclear, e.quarantined, e.duplicates, e.limited, e.full, e.profiles)
		x.ok, x.known = e.ok(), true
	}
	return []row{x}
}

// writeCPU says what the server's processor time was spent on, by stage.
func (r *report) writeCPU(b *strings.Builder) {
	b.WriteString("\n## CPU of the server, microseconds an event\n\n")
	columns := r.cpuColumns()
	if len(columns) == 0 {
		b.WriteString(notMeasured + "\n")
		return
	}
	b.WriteString("| stage |")
	var names []string
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.title)
		for _, s := range c.stages.list {
			if c.shows(s.Name) && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n| all, as the kernel counts |")
	for _, c := range columns {
		b.WriteString(" " + c.whole() + " |")
	}
	names = append(names, unseen)
	for _, name := range names {
		fmt.Fprintf(b, "\n| %s |", name)
		for _, c := range columns {
			b.WriteString(" " + c.cell(name) + " |")
		}
	}
	b.WriteString("\n")
	for _, c := range columns {
		if c.stages.err != nil {
			fmt.Fprintf(b, "\nNo stages of %q: %s.\n", c.title, c.stages.err)
		}
	}
}

// unseen is what the profile has no samples of.
const unseen = "not seen by the profile"

// cpuColumn is one measurement of the CPU table.
type cpuColumn struct {
	title  string
	all    time.Duration // 0: says nothing of these events
	stages stages
	only   []string // the stages that belong to these events; nil for all
}

// intake are the stages that an event has behind it when it is acknowledged. In a flood the others
// work on events that came before.
func intake() []string { return []string{"collect", "HTTP", "log"} }

func (r *report) cpuColumns() (out []cpuColumn) {
	f := r.main
	if f == nil {
		return nil
	}
	if f.sustained != nil {
		out = append(out, cpuColumn{"sustained", f.sustained.cpu, f.sustained.stages, nil})
	}
	if f.uniform != nil {
		out = append(out, cpuColumn{"sustained, everybody as often", f.uniform.cpu, f.uniform.stages, nil})
	}
	if f.half != nil {
		out = append(out, cpuColumn{"half load, probes included", f.half.cpu, f.half.stages, nil})
	}
	if r.small != nil && r.small.sustained != nil {
		out = append(out, cpuColumn{fmt.Sprintf("sustained, at %s profiles", whole(float64(r.small.profiles))), r.small.sustained.cpu, r.small.sustained.stages, nil})
	}
	if f.batches != nil {
		out = append(out, cpuColumn{"ingest, batches of 100", 0, f.batches.stages, intake()})
	}
	if f.singles != nil {
		out = append(out, cpuColumn{"ingest, single events", 0, f.singles.stages, intake()})
	}
	return out
}

func (c *cpuColumn) shows(stage string) bool { return c.only == nil || slices.Contains(c.only, stage) }

func (c *cpuColumn) whole() string {
	if c.all == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(c.all)/1e3)
}

func (c *cpuColumn) cell(stage string) string {
	if stage == unseen && c.all > 0 && c.stages.sum > 0 {
		return fmt.Sprintf("%.1f", float64(c.all-c.stages.sum)/1e3)
	}
	for _, s := range c.stages.list {
		if s.Name == stage && c.shows(stage) {
			return fmt.Sprintf("%.1f", float64(s.Time)/1e3)
		}
	}
	return "-"
}

// writeGrowth sets the two sizes side by side.
func (r *report) writeGrowth(b *strings.Builder) {
	if r.o.growth == 0 {
		return
	}
	fmt.Fprintf(b, "\n## Growth: the same at %d times the data\n\n", r.o.growth)
	if r.small == nil || r.main == nil || r.small.half == nil || r.main.half == nil {
		b.WriteString(notMeasured + "\n")
		return
	}
	s, m := r.small, r.main
	fmt.Fprintf(b, "| | %d profiles, %d events | %d profiles, %d events | ratio |\n|---|---|---|---|\n", s.profiles, s.events, m.profiles, m.events)
	line := func(what string, show func(float64) string, a, c float64) {
		ratio := "-"
		if a > 0 {
			ratio = fmt.Sprintf("%.2f", c/a)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", what, show(a), show(c), ratio)
	}
	length := func(v float64) string { return short(time.Duration(v)) }
	cost := func(v float64) string { return micros(time.Duration(v)) }
	line("end to end sustained, events/s", whole, s.sustained.rate, m.sustained.rate)
	line("the same, everybody as often, events/s", whole, s.uniform.rate, m.uniform.rate)
	line("server CPU an event", cost, float64(s.sustained.cpu), float64(m.sustained.cpu))
	line("the same, everybody as often", cost, float64(s.uniform.cpu), float64(m.uniform.cpu))
	for _, q := range []float64{.5, .99} {
		name := fmt.Sprintf("p%.0f", q*100)
		line("profile read at half load, "+name, length, at(&s.half.probes.reads, q), at(&m.half.probes.reads, q))
		line("accepted -> profile API, "+name, length, at(&s.half.probes.profile, q), at(&m.half.probes.profile, q))
		line("accepted -> SQL, "+name, length, at(&s.half.probes.sql, q), at(&m.half.probes.sql, q))
	}
	line("resident memory at half load", func(v float64) string { return gigabytes(int64(v)) }, float64(s.half.memory), float64(m.half.memory))
	fmt.Fprintf(b, "\nHalf load is %s events a second, half of the floor, at both sizes.\n", whole(floorSustained/2))
}

func at(h *load.Histogram, q float64) float64 { return float64(h.Quantile(q)) }

// whole is a number with commas.
func whole(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.0f us", float64(d)/float64(time.Microsecond))
}

func gigabytes(n int64) string { return fmt.Sprintf("%.2f GB", float64(n)/1e9) }

// short is a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

func quantiles(h *load.Histogram) string {
	if h == nil || h.Count() == 0 {
		return notMeasured
	}
	return fmt.Sprintf("p50 %s, p99 %s", short(h.Quantile(.5)), short(h.Quantile(.99)))
}
