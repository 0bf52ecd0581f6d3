package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"clientele"
	"clientele/client"
	"clientele/internal/config"
	"clientele/internal/shop"

	"github.com/spf13/cobra"
)

// demoFlags are what the demo is told.
type demoFlags struct {
	listen    string
	people    int
	seed      uint64
	perSecond int
	once      bool
	truth     string
	named     bool // people or seed were said, not taken from the defaults
	match     bool // find people who share no identifier
}

// demoShop is which shop a data directory holds; it stands there in demo.json.
type demoShop struct {
	Seed   uint64    `json:"seed"`
	People int       `json:"people"`
	End    time.Time `json:"end"` // of the history
	Loaded bool      `json:"loaded"`
}

const demoFile = "demo.json"

// maxScored is how many people identity is scored for: the truth of each takes memory.
const maxScored = 200_000

func (c *cli) demoCommand() *cobra.Command {
	var f demoFlags
	var cmd *cobra.Command
	cmd = c.command("demo [--people N] [--seed N] [--events-per-second N] [--once] [--match] [--data DIR]", "A simulated shop to look at: loaded, checked, and then live",
		"demo --people 20000", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if f.perSecond < 0 || f.perSecond > 1000 {
				return usagef("0 is no live events", "--events-per-second is not between 0 and 1,000")
			}
			f.named = cmd.Flags().Changed("people") || cmd.Flags().Changed("seed")
			return c.demo(ctx, f)
		})
	cmd.Flags().StringVar(&f.listen, "listen", "", "`ADDR`ess host:port; overrides the configuration")
	cmd.Flags().IntVar(&f.people, "people", 20_000, "how many people the shop knows")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "another number is another shop")
	cmd.Flags().IntVar(&f.perSecond, "events-per-second", 3, "live events once the history is there; 0 is none")
	cmd.Flags().BoolVar(&f.match, "match", false, "find people who share no identifier as well, and score that too")
	cmd.Flags().BoolVar(&f.once, "once", false, "stop when the history is loaded and checked")
	cmd.Flags().StringVar(&f.truth, "truth", "", "write which identifier and record is whose to a CSV `FILE`")
	return cmd
}

// demo serves the shop from a directory of its own, which goes away at the end unless --data names it.
func (c *cli) demo(ctx context.Context, f demoFlags) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if f.listen != "" {
		cfg.Listen = f.listen
	}
	if c.data == "" {
		dir, err := os.MkdirTemp("", "clientele-demo-")
		if err != nil {
			return clientele.Errorf(clientele.Unavailable, "demo: %w", err).WithHint("name a directory with --data")
		}
		defer os.RemoveAll(dir)
		cfg.Data, c.data = dir, dir
	}
	cfg.Sources = demoSources(cfg.Sources)
	if err := cfg.Validate(); err != nil {
		return err
	}
	known, err := readDemo(cfg.Data, f)
	if err != nil {
		return err
	}
	s, err := shop.New(known.Seed, known.People, known.End)
	if err != nil {
		return &usageError{err.(*clientele.Error)}
	}
	d := &demo{cli: c, f: f, cfg: cfg, shop: s, known: known}
	if err := d.save(); err != nil { // a load that is interrupted goes on with the same history
		return err
	}
	return c.serveWhile(ctx, cfg, c.log(slog.LevelWarn), func(ctx context.Context, at serving) error {
		api, err := client.New(at.address, at.token)
		if err != nil {
			return err
		}
		defer api.Close()
		d.api, d.address = remote{api}, at.address
		if err := d.run(ctx); ctx.Err() == nil {
			return err
		}
		return nil // it was stopped
	})
}

// demoSources adds the shop's systems to those that are configured.
func demoSources(have []config.Source) []config.Source {
	keys := map[string]config.Source{shop.Web: {WriteKey: "WEB_KEY", Kind: config.KindBrowser}, shop.App: {WriteKey: "APP_KEY", Kind: config.KindMobile}}
	for _, name := range shop.Sources {
		if slices.ContainsFunc(have, func(s config.Source) bool { return s.Name == name }) {
			continue
		}
		s, ok := keys[name]
		if !ok {
			s.Kind = config.KindFile
		}
		s.Name = name
		have = append(have, s)
	}
	return have
}

// readDemo is the shop that the directory holds, or the one it is going to hold.
func readDemo(dir string, f demoFlags) (demoShop, error) {
	b, err := os.ReadFile(filepath.Join(dir, demoFile))
	if errors.Is(err, fs.ErrNotExist) {
		if files, err := os.ReadDir(dir); err == nil && len(files) > 0 {
			return demoShop{}, clientele.Errorf(clientele.Conflict, "%s holds data, and not a demo shop", dir).WithHint("name a new directory with --data")
		}
		return demoShop{Seed: f.seed, People: f.people, End: time.Now().UTC().Truncate(time.Hour)}, nil
	}
	var known demoShop
	if err == nil {
		err = json.Unmarshal(b, &known)
	}
	if err != nil {
		return known, clientele.Errorf(clientele.Invalid, "%s: %w", demoFile, err).WithHint("name a new directory with --data")
	}
	if f.named && (known.People != f.people || known.Seed != f.seed) {
		return known, clientele.Errorf(clientele.Conflict, "%s holds a shop of --people %d --seed %d", dir, known.People, known.Seed).
			WithHint("say the same, or name a new directory with --data")
	}
	return known, nil
}

// demo is a demo under way.
type demo struct {
	*cli
	f       demoFlags
	cfg     config.Config
	shop    *shop.Shop
	known   demoShop
	api     remote
	address string
}

func (d *demo) run(ctx context.Context) error {
	if d.known.Loaded {
		d.printf("The shop of %s people, %s, is in %s already.\n", thousands(int64(d.known.People)), d.year(), d.cfg.Data)
	} else if err := d.load(ctx); err != nil {
		return err
	}
	if d.f.once {
		return nil
	}
	d.invite()
	if d.f.perSecond == 0 {
		<-ctx.Done()
		return nil
	}
	return d.live(ctx)
}

// key is the write key of a source.
func (d *demo) key(source string) string {
	for _, s := range d.cfg.Sources {
		if s.Name == source {
			return s.WriteKey
		}
	}
	return ""
}

func (d *demo) year() string { return "the year up to " + d.known.End.Format("2006-01-02 15:04 UTC") }

// save tells later runs what the directory holds.
func (d *demo) save() error {
	b, err := json.Marshal(d.known)
	if err == nil {
		err = os.MkdirAll(d.cfg.Data, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(d.cfg.Data, demoFile), append(b, '\n'), 0o600)
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "%s: %w", demoFile, err)
	}
	return nil
}

// load brings in the history, checks its numbers and scores the identities.
func (d *demo) load(ctx context.Context) error {
	d.printf("A shop of %s people, %s, in %s\n", thousands(int64(d.known.People)), d.year(), d.cfg.Data)
	watch, err := d.watch()
	if err != nil {
		return err
	}
	start := time.Now()
	p := d.newProgress("records")
	expected := float64(19*d.known.People + 17_500)
	sent := 0
	totals, err := d.shop.Load(ctx, d.api, watch.record, func(l shop.Loaded) {
		sent = l.Records
		p.update(int64(l.Records), float64(l.Records), expected)
	})
	p.end()
	if e := watch.close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	durable := time.Since(start)
	if err := d.settle(ctx, d.api); err != nil {
		return err
	}
	took := time.Since(start)
	d.printf("%s records on disk after %.1f s, queryable after %.1f s\n\n", thousands(int64(sent)), durable.Seconds(), took.Seconds())
	if err := d.numbers(ctx, totals); err != nil {
		return err
	}
	if err := d.identities(ctx, totals, watch.truth); err != nil {
		return err
	}
	if d.f.match {
		if err := d.matched(ctx, watch.truth); err != nil {
			return err
		}
	}
	d.known.Loaded = true
	return d.save()
}

func (d *demo) invite() {
	data := ""
	if d.cfg.Data != config.Default().Data { // where other commands look anyway
		data = " --data " + d.cfg.Data
	}
	live := "no live events"
	if d.f.perSecond > 0 {
		live = fmt.Sprintf("%d live events a second", d.f.perSecond)
	}
	d.printf(`
Clientele serves the shop at %s, %s. In another terminal, try:

  bin/clientele sql%[3]s "SELECT category, count(*) AS lines, sum(quantity) AS articles FROM order_lines GROUP BY 1 ORDER BY 2 DESC"
  bin/clientele sql%[3]s "SELECT event_id, name, ts FROM events ORDER BY ts DESC LIMIT 5"
  bin/clientele sql%[3]s "SELECT namespace, value FROM identifiers WHERE namespace = 'email' LIMIT 5"
  bin/clientele profile%[3]s NAMESPACE:VALUE --explain       with one of those

  curl -u %[4]s: %[1]s/v1/track -d '{"userId":"ann","event":"Product Viewed","properties":{"sku":"T-1"}}'
  bin/clientele profile%[3]s user_id:ann --events 5

What is in it, and what to ask it: docs/demo.md. Ctrl-C stops the shop.
`, d.address, live, data, d.key(shop.Web))
}
