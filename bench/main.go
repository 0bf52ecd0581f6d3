// Command bench measures the program: it starts the real clientele serve, loads it over HTTP from
// this process, and prints the table of the numbers it is designed for, with what the processor was
// spent on, how fast the disk syncs, and the same measurements at a tenth of the data. It is a
// developer's tool for Linux; docs/benchmarks.md says how to read what it prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"clientele/bench/load"
)

// options are what to measure and for how long.
type options struct {
	program, data, listen, out string
	profileDir                 string

	size     string
	profiles int64
	history  int64 // events of each person beyond the first that are prepared
	growth   int64 // the other size is that many times smaller; 0: none
	visit    int64
	newShare float64
	seed     uint64
	fresh    bool
	first    bool // the generator goes before the server on the processors they share
	inPlace  bool
	only     string // names of steps, with commas

	starts      int
	window      time.Duration // of a sustained rate
	half        time.Duration // at half load
	flood       time.Duration // of a closed loop
	floodEvents int64         // at most, in a flood: they have to drain afterwards
	backlog     int64
	surge       time.Duration
	surgeRate   float64
	drain       time.Duration // how long a backlog may take to go
	limit       time.Duration // of everything
}

// sizes are the ready-made settings; a flag changes one of them.
func sizes() map[string]options {
	return map[string]options{
		"full": {profiles: 1_000_000, growth: 10, starts: 3, window: time.Minute, half: time.Minute, flood: 10 * time.Second, floodEvents: 600_000,
			backlog: 50_000, surge: time.Minute, drain: 10 * time.Minute, limit: 2 * time.Hour},
		"quick": {profiles: 10_000, growth: 10, starts: 1, window: 4 * time.Second, half: 4 * time.Second, flood: 2 * time.Second, floodEvents: 25_000,
			backlog: 8_000, surge: 3 * time.Second, drain: time.Minute, limit: 3 * time.Minute},
		"large": {profiles: 30_000_000, starts: 1, window: 2 * time.Minute, half: 2 * time.Minute, flood: 10 * time.Second, floodEvents: 600_000,
			backlog: 50_000, surge: time.Minute, drain: 30 * time.Minute, limit: 12 * time.Hour, inPlace: true},
	}
}

func parse(args []string, errs io.Writer) (options, error) {
	size := "full"
	for i, a := range args { // it sets the defaults of the others
		if (a == "-size" || a == "--size") && i+1 < len(args) {
			size = args[i+1]
		}
	}
	o, ok := sizes()[size]
	if !ok {
		return o, fmt.Errorf("-size %q: quick, full or large", size)
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.size, "size", size, "ready-made settings: `quick, full` or large")
	f.StringVar(&o.program, "program", "bin/clientele", "the built `program`")
	f.StringVar(&o.data, "data", "bin/bench-data", "`directory` for prepared data, which is used again, and for the copy that is measured on")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "where the server listens, on this machine only")
	f.StringVar(&o.out, "out", "", "write the tables to this `file` too")
	f.StringVar(&o.profileDir, "profiles-to", "", "keep the CPU profiles in this `directory`")
	f.Int64Var(&o.profiles, "profiles", o.profiles, "people that are there before")
	f.Int64Var(&o.history, "history", 0, "events of each person that are there before, beyond the first")
	f.Int64Var(&o.growth, "growth", o.growth, "measure also at so many times less data; 0 for not")
	f.Int64Var(&o.visit, "visit", 5, "events of one visit")
	f.Float64Var(&o.newShare, "new", 0.2, "share of visits by people never seen before")
	f.Uint64Var(&o.seed, "seed", 1, "another seed, other events")
	f.StringVar(&o.only, "only", "", "measure these `steps` only: "+strings.Join(stepNames(), ","))
	f.BoolVar(&o.fresh, "fresh", false, "prepare the data anew")
	f.BoolVar(&o.inPlace, "in-place", o.inPlace, "measure on the prepared data, without a copy: it grows with each run")
	f.IntVar(&o.starts, "starts", o.starts, "clean starts to measure")
	f.DurationVar(&o.window, "window", o.window, "how long a sustained rate is measured")
	f.DurationVar(&o.half, "half", o.half, "how long half load is measured")
	f.DurationVar(&o.flood, "flood", o.flood, "how long as much is sent as the server takes")
	f.Int64Var(&o.floodEvents, "flood-events", o.floodEvents, "events of a flood at most")
	f.Int64Var(&o.backlog, "backlog", o.backlog, "events that wait while a sustained rate is measured")
	f.DurationVar(&o.surge, "surge", o.surge, "how long the surge lasts; the design asks for 10m")
	f.Float64Var(&o.surgeRate, "surge-rate", 10_000, "events a second in the surge")
	f.DurationVar(&o.drain, "drain", o.drain, "how long a backlog may take to go")
	f.DurationVar(&o.limit, "limit", o.limit, "end after this time, whatever is missing")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(f.NArg())
}

func (o *options) check(extra int) error {
	switch _, err := load.Loopback(o.listen); {
	case err != nil:
		return err
	case o.only != "" && slices.ContainsFunc(strings.Split(o.only, ","), func(s string) bool { return !slices.Contains(stepNames(), s) }):
		return fmt.Errorf("-only takes %s", strings.Join(stepNames(), ","))
	case extra > 0:
		return errors.New("bench takes flags only")
	case o.profiles < 1 || o.profiles > 100_000_000 || o.history < 0 || o.history > 1000:
		return errors.New("-profiles is 1 to 100000000, -history 0 to 1000")
	case o.growth < 0 || o.growth > 0 && o.profiles/o.growth < 1:
		return errors.New("-growth leaves no profiles")
	case o.visit < 1 || o.newShare < 0 || o.newShare > 1:
		return errors.New("-visit is 1 at least, -new 0 to 1")
	case o.starts < 1 || o.backlog < 1 || o.floodEvents < 1000 || o.surgeRate < 20 || o.surgeRate > 1_000_000:
		return errors.New("-starts, -backlog, -flood-events or -surge-rate is too small or too large")
	case min(o.window, o.half, o.flood, o.surge) < time.Second || max(o.window, o.half, o.flood, o.surge) > time.Hour:
		return errors.New("-window, -half, -flood and -surge are 1s to 1h")
	}
	return nil
}

// bench is one run of this program.
type bench struct {
	o       options
	errs    io.Writer
	start   time.Time
	version string
}

// say tells whoever waits what is going on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.errs, "%6.0f s  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	b := &bench{o: o, errs: errs, start: time.Now()}
	if o.program, err = filepath.Abs(o.program); err == nil {
		b.o.program = o.program
		b.o.data, err = filepath.Abs(o.data)
	}
	if err == nil {
		err = os.MkdirAll(b.o.data, 0o700)
	}
	if err == nil {
		b.version, err = version(ctx, o.program)
	}
	if err != nil {
		return err
	}
	b.o.first = goFirst()
	r := &report{o: b.o, version: b.version, at: b.start, load: loadAverage(), machine: machine()}
	err = b.measure(ctx, r)
	r.took = time.Since(b.start)
	text := r.String()
	_, printed := io.WriteString(out, text)
	if o.out != "" {
		printed = errors.Join(printed, os.WriteFile(o.out, []byte(text), 0o644))
	}
	return errors.Join(err, printed, r.lost())
}

// measure fills the report, as far as it comes.
func (b *bench) measure(ctx context.Context, r *report) (err error) {
	if r.before, err = probeDisk(b.o.data, 2*time.Second); err != nil {
		return err
	}
	b.say("fsync probe: %s", r.before)
	if b.o.growth > 0 {
		if r.small, err = b.at(ctx, b.o.profiles/b.o.growth, (*sized).some); err != nil {
			return fmt.Errorf("at %d profiles: %w", b.o.profiles/b.o.growth, err)
		}
	}
	if r.main, err = b.at(ctx, b.o.profiles, (*sized).all); err != nil {
		return err
	}
	r.after, err = probeDisk(b.o.data, 2*time.Second)
	return err
}

// at measures at one size. What was measured before an error is answered with it.
func (b *bench) at(ctx context.Context, profiles int64, do func(*sized, context.Context) error) (*figures, error) {
	z, err := b.prepare(ctx, profiles)
	if err != nil {
		return nil, err
	}
	defer z.s.kill()
	z.f.profiles = profiles
	b.say("starting on %d profiles", profiles)
	if err := z.cleanStarts(ctx); err != nil {
		return &z.f, err
	}
	if err := z.settled(ctx); err != nil {
		return &z.f, err
	}
	if err := z.occupy(ctx); err != nil {
		return &z.f, err
	}
	m, stop, err := z.meter(ctx)
	if err != nil {
		return &z.f, err
	}
	defer stop()
	z.m = m
	if err := do(z, ctx); err != nil {
		return &z.f, err
	}
	stop()
	if err := z.s.stop(); err != nil {
		return &z.f, err
	}
	return &z.f, z.leave()
}

// step is a part of the measurement that -only can name.
type step struct {
	name, say string
	growth    bool // measured at the smaller size too: it may change as data grows
	do        func(context.Context) error
}

// steps are all parts in their order: what is asked at half load first, for the floods leave a debt
// of compactions that no server at half load has.
func (z *sized) steps() []step {
	f := &z.f
	return []step{
		{"half", "half load", true, func(ctx context.Context) (err error) {
			if f.half, err = z.atHalf(ctx, floorSustained/2); err == nil {
				f.events = f.half.events
			}
			return err
		}},
		{"entered", "audiences, at half load", false, func(ctx context.Context) (err error) {
			f.entered, err = z.enters(ctx)
			return err
		}},
		{"singles", "durable ingest, single events", false, func(ctx context.Context) (err error) {
			f.singles, err = z.ingest(ctx, 1, 256, z.o.half/2)
			return err
		}},
		{"sustained", "sustained rate", true, func(ctx context.Context) (err error) {
			f.sustained, err = z.sustain(ctx, load.Recent)
			return err
		}},
		{"uniform", "sustained rate, everybody as often", true, func(ctx context.Context) (err error) {
			f.uniform, err = z.sustain(ctx, load.Uniform)
			return err
		}},
		{"batches", "durable ingest, batches of 100", false, func(ctx context.Context) (err error) {
			f.batches, err = z.ingest(ctx, 100, 32, 0)
			return err
		}},
		{"surge", "surge", false, func(ctx context.Context) (err error) {
			f.surge, err = z.surged(ctx)
			return err
		}},
		{"kill", "kill -9 under load", false, func(ctx context.Context) (err error) {
			f.killed, err = z.kill9(ctx)
			return err
		}},
	}
}

// some is what is measured at the smaller size.
func (z *sized) some(ctx context.Context) error { return z.measured(ctx, true) }

// all is every row of the table.
func (z *sized) all(ctx context.Context) (err error) {
	if err := z.measured(ctx, false); err != nil {
		return err
	}
	z.say("counting")
	z.f.exact, err = z.count(ctx)
	return err
}

func (z *sized) measured(ctx context.Context, growth bool) error {
	for _, s := range z.steps() {
		if growth && !s.growth || !z.o.wants(s.name) {
			continue
		}
		if s.name == "kill" { // a new process begins
			u, err := usageOf(z.s.pid())
			if err != nil {
				return err
			}
			z.f.memoryPeak = u.rssPeak
		}
		z.say("%s", s.say)
		if err := s.do(ctx); err != nil {
			return err
		}
		if err := z.drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wants says whether -only names the step, or nothing.
func (o *options) wants(step string) bool {
	return o.only == "" || slices.Contains(strings.Split(o.only, ","), step)
}

func stepNames() (out []string) {
	for _, s := range new(sized).steps() {
		out = append(out, s.name)
	}
	return out
}
