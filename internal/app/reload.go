package app

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/collect"
	"clientele/internal/config"
	"clientele/internal/ratelimit"
	"clientele/internal/resolve"
	"clientele/internal/webhook"
)

// live is what a reload changes: all of it at once, or nothing.
type live struct {
	cfg     config.Config
	sources []config.Source           // the configuration's, and those made over the API
	keys    map[string]collect.Source // by write key
	trust   map[string]resolve.Source // by name
}

func newLive(cfg config.Config, made []clientele.SourceInForce) *live {
	l := &live{cfg: cfg, sources: withMade(cfg.Sources, made), keys: map[string]collect.Source{}, trust: map[string]resolve.Source{}}
	for _, s := range made { // what one has sent that has ended is still in the log
		trusted := s.Kind == string(config.KindServer) || s.Kind == string(config.KindFile)
		l.trust[s.Name] = resolve.Source{Trusted: trusted, Verified: trusted && s.Verified}
	}
	for _, s := range l.sources {
		trusted := s.Kind == config.KindServer || s.Kind == config.KindFile
		l.trust[s.Name] = resolve.Source{Trusted: trusted, Verified: trusted && s.Verified}
		if s.WriteKey != "" {
			l.keys[s.WriteKey] = collect.Source{Name: s.Name, WriteKey: s.WriteKey, Server: s.Kind == config.KindServer, AllowedOrigins: s.AllowedOrigins, Edge: edgeOf(s.Privacy)}
		}
	}
	return l
}

// edgeOf is what is taken out of a source's events; nil for nothing.
func edgeOf(p config.Edge) *collect.Edge {
	e := &collect.Edge{IP: map[string]collect.IPMode{"truncate": collect.IPTruncate, "drop": collect.IPDrop}[p.IP]}
	for _, path := range p.Hash {
		e.Hash = append(e.Hash, strings.Split(path, "."))
	}
	if e.IP == collect.IPFull && e.Hash == nil {
		return nil
	}
	return e
}

// Reload reads the configuration again and puts its sources, rate limits, rules, computed traits, audiences and
// lifecycle in force. A request under way ends as it began. Invalid, and nothing changed, when anything is wrong with the configuration.
func (a *App) Reload(ctx context.Context) (*clientele.ReloadResult, error) {
	if a.o.Reload == nil {
		return nil, clientele.Errorf(clientele.Unavailable, "this program has no configuration file to read again")
	}
	a.reloading.Lock()
	defer a.reloading.Unlock()
	cfg, err := a.o.Reload()
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		a.o.Log.Error("reload: nothing is changed", "error", err.Error(), "hint", clientele.ErrorHint(err))
		return nil, err
	}
	next := &App{cfg: cfg}
	err = next.readRules()
	if err == nil {
		var hooks []webhook.Source
		if hooks, err = webhooks(cfg.Sources); err == nil {
			err = a.hooks.SetSources(hooks)
		}
	}
	if err != nil {
		a.o.Log.Error("reload: nothing is changed", "error", err.Error(), "hint", clientele.ErrorHint(err))
		return nil, err
	}
	r := &clientele.ReloadResult{Sources: len(cfg.Sources), Changed: []string{}, NeedRestart: []string{}}
	before := a.live.Load().cfg
	for name, differs := range map[string]bool{"sources": !reflect.DeepEqual(before.Sources, cfg.Sources), "collect.rate_limit": before.Collect.RateLimit != cfg.Collect.RateLimit,
		"collect.address_rate_limit": before.Collect.AddressRateLimit != cfg.Collect.AddressRateLimit, "api": before.API != cfg.API} {
		if differs {
			r.Changed = append(r.Changed, name)
		}
	}
	ruled, unruled := a.reloadRules(ctx, next)
	if unruled != nil { // no fault of the file: all else is in force, and another reload tries again
		a.o.Log.Error("reload: not all rules are in force", "error", unruled.Error(), "hint", clientele.ErrorHint(unruled))
	}
	r.Changed = append(r.Changed, ruled...)
	slices.Sort(r.Changed)
	r.NeedRestart = needRestart(before, cfg)
	for _, s := range cfg.Sources {
		a.observer.KnowSource(s.Name)
	}
	kept := before
	kept.Sources, kept.Collect.RateLimit, kept.Collect.AddressRateLimit, kept.API = cfg.Sources, cfg.Collect.RateLimit, cfg.Collect.AddressRateLimit, cfg.API
	kept.Plans, kept.Transforms, kept.Retention, kept.Identity, kept.Traits = cfg.Plans, cfg.Transforms, cfg.Retention, cfg.Identity, cfg.Traits
	kept.ComputedTraits, kept.Audiences, kept.Lifecycle = cfg.ComputedTraits, cfg.Audiences, cfg.Lifecycle
	a.setLimits(cfg)
	a.live.Store(newLive(kept, a.made.List()))
	a.o.Log.Info("reloaded", "changed", strings.Join(r.Changed, ","), "need_restart", strings.Join(r.NeedRestart, ","))
	return r, unruled
}

// reloadRules puts the plans and rules that were read anew into the log, where they differ, and names what
// does. They hold behind it in the log, as those of a start do.
func (a *App) reloadRules(ctx context.Context, next *App) (changed []string, err error) {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	was, is, filed, anew := &a.ruled, &next.ruled, a.filed.Load(), next.filed.Load()
	for name, both := range map[string][2]any{"plans": {was.plans, is.plans}, "transforms": {was.transforms, is.transforms}, "retention": {was.retention, is.retention},
		"identity": {was.identity, is.identity}, "traits": {was.traits, is.traits}, "computed_traits": {was.computed, is.computed},
		"audiences": {filed.groups, anew.groups}, "lifecycle": {filed.way, anew.way}} {
		if !reflect.DeepEqual(both[0], both[1]) {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 && !a.ruled.refused {
		return nil, nil
	}
	select {
	case <-a.told: // before, what is in force is not known yet
	case <-ctx.Done():
		return nil, clientele.Errorf(clientele.Unavailable, "the log is still being read: %w", ctx.Err()).WithHint("reload again when the server is ready")
	}
	// Each change is told against what is in force, so what was given before has to be.
	if err := a.resolved.reach(ctx, uint64(a.log.Last())); err != nil {
		return nil, err
	}
	before := a.ruled.rulesOfFile
	begin := a.log.Last()
	a.ruled.rulesOfFile = next.ruled.rulesOfFile
	a.ruled.models = before.models // a model that is scoring cannot end here: they begin and end with a start
	a.filed.Store(anew)
	err = a.tellTraits(ctx)
	if err == nil {
		err = a.tellPeople(ctx)
	}
	if err != nil {
		a.ruled.rulesOfFile = before // the next reload sees the difference again
		a.filed.Store(filed)
		return nil, err
	}
	if err := a.resolved.reach(ctx, uint64(a.log.Last())); err != nil {
		return nil, err
	}
	err = a.refused(begin)
	a.ruled.refused = err != nil
	return changed, err
}

// refused is what the resolver refused of the commands of the configuration behind the position.
func (a *App) refused(behind clientele.Position) error {
	var errs []error
	err := a.rows.Scan(clientele.Range{Start: clientele.QuarantineKey(behind+1, 0), End: clientele.QuarantineKey(a.log.Last()+1, 0)}, func(k clientele.Key, v []byte) (bool, error) {
		q, _, _, err := resolve.ReadQuarantine(k, v)
		if err == nil && q.Source == resolve.OperatorSource {
			errs = append(errs, clientele.Errorf(clientele.Code(q.Code), "not in force: %s", q.Reason).WithHint("mend it in the configuration and reload"))
		}
		return true, err
	})
	return firstOf(append(errs, err)...)
}

// needRestart names the sections that differ and that a reload leaves alone.
func needRestart(before, after config.Config) []string {
	after.Sources, after.API = before.Sources, before.API
	after.Plans, after.Transforms, after.Retention, after.Identity, after.Traits = before.Plans, before.Transforms, before.Retention, before.Identity, before.Traits
	after.ComputedTraits, after.Audiences, after.Lifecycle = before.ComputedTraits, before.Audiences, before.Lifecycle
	after.Collect.RateLimit, after.Collect.AddressRateLimit = before.Collect.RateLimit, before.Collect.AddressRateLimit
	out := []string{}
	b, n := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		if !reflect.DeepEqual(b.Field(i).Interface(), n.Field(i).Interface()) {
			name, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("yaml"), ",")
			out = append(out, name)
		}
	}
	return out
}

// limits are the rate limits that are not the collect API's own.
type limits struct {
	collectAddress, apiAddress, apiToken ratelimit.Limiter
}

func (a *App) setLimits(cfg config.Config) {
	a.collect.SetRateLimit(cfg.Collect.RateLimit)
	a.limits.collectAddress.SetRate(cfg.Collect.AddressRateLimit)
	a.limits.apiAddress.SetRate(cfg.API.AddressRateLimit)
	a.limits.apiToken.SetRate(cfg.API.RateLimit)
}

// limited keeps each client's address to its rate. Commands on this machine have none.
func (a *App) limited(clientIP func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := &a.limits.collectAddress
		inside := strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/debug/") || r.URL.Path == "/metrics"
		if inside {
			l = &a.limits.apiAddress
		}
		cfg := &a.live.Load().cfg
		if (inside && cfg.API.AddressRateLimit == 0) || (!inside && cfg.Collect.AddressRateLimit == 0) || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		wait := l.Take(ratelimit.Client(clientIP(r)), a.o.Now())
		if wait == 0 {
			next.ServeHTTP(w, r)
			return
		}
		if inside {
			api.TooMany(w, r, wait)
			return
		}
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		w.Header().Set("Access-Control-Allow-Origin", "*") // the answer tells nothing; a page may read it
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "rate_limited", "message": "this address has sent too many requests in this second"})
	})
}
