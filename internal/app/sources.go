package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/config"
	"clientele/internal/resolve"
)

var _ api.Sources = (*App)(nil)

// This file is the sources: those of the configuration, and those that are made over the API.

// ofBook is a source that was made as the configuration would have it.
func ofBook(s clientele.SourceInForce) config.Source {
	return config.Source{Name: s.Name, Kind: config.SourceKind(s.Kind), WriteKey: s.WriteKey, AllowedOrigins: s.AllowedOrigins, Verified: s.Verified}
}

// withMade are the configuration's sources, and those made that go on; where both have a name, the configuration's.
func withMade(configured []config.Source, made []clientele.SourceInForce) []config.Source {
	out := slices.Clone(configured)
	for _, s := range made {
		if s.Ended == 0 && !slices.ContainsFunc(configured, func(c config.Source) bool { return c.Name == s.Name }) {
			out = append(out, ofBook(s))
		}
	}
	return out
}

// Sources are all, those of the configuration first, those that have ended last.
func (a *App) Sources(context.Context) ([]clientele.SourceInForce, error) {
	out := []clientele.SourceInForce{}
	configured := a.live.Load().cfg.Sources
	for _, s := range configured {
		out = append(out, clientele.SourceInForce{Source: clientele.Source{Name: s.Name, Kind: string(s.Kind), AllowedOrigins: s.AllowedOrigins, Verified: s.Verified},
			WriteKey: s.WriteKey, Config: true, Webhook: s.Webhook.Scheme != ""})
	}
	var ended []clientele.SourceInForce
	for _, s := range a.made.List() {
		switch {
		case slices.ContainsFunc(configured, func(c config.Source) bool { return c.Name == s.Name }):
		case s.Ended != 0:
			ended = append(ended, s)
		default:
			out = append(out, s)
		}
	}
	out = append(out, ended...)
	errs, err := a.lastErrors()
	for i := range out {
		if e, ok := errs[out[i].Name]; ok {
			out[i].LastError = &e
		}
	}
	return out, err
}

const (
	errorsFor  = 2 * time.Second // how old last errors may be: many who look cost no more than one
	errorsFrom = 20_000          // of so many of the newest records in quarantine
)

type lastErrors struct {
	mu   sync.Mutex
	read time.Time
	by   map[string]clientele.SourceError
}

// lastErrors are, by source, the newest records in quarantine.
func (a *App) lastErrors() (map[string]clientele.SourceError, error) {
	a.failed.mu.Lock()
	defer a.failed.mu.Unlock()
	if now := time.Now(); a.failed.by == nil || now.Sub(a.failed.read) >= errorsFor {
		r := clientele.Prefix(clientele.NewKey(clientele.RowQuarantine))
		r.Reverse = true
		by, looked := map[string]clientele.SourceError{}, 0
		err := a.rows.Scan(r, func(k clientele.Key, v []byte) (bool, error) {
			q, _, _, err := resolve.ReadQuarantine(k, v)
			if _, ok := by[q.Source]; err == nil && !ok {
				by[q.Source] = clientele.SourceError{ID: q.ID, At: q.ReceivedAt, Code: q.Code, Reason: q.Reason}
			}
			looked++
			return looked < errorsFrom, err
		})
		if err != nil {
			return nil, err
		}
		a.failed.by, a.failed.read = by, now
	}
	return a.failed.by, nil
}

// SetSource makes a source, or changes one that was made. Conflict when the configuration has it.
func (a *App) SetSource(ctx context.Context, by string, s clientele.Source, newKey bool) (*clientele.SourceInForce, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if err := a.ofTheirConfig(s.Name); err != nil {
		return nil, err
	}
	in := clientele.SourceInForce{Source: s, By: by, At: clientele.MicrosOf(a.o.Now())}
	err := a.made.Set(in, newKey, func(all []clientele.SourceInForce) error {
		cfg := a.live.Load().cfg
		cfg.Sources = withMade(cfg.Sources, all)
		if err := cfg.Validate(); err != nil {
			var one *clientele.Error
			if errors.As(err, &one) {
				return clientele.Errorf(clientele.Invalid, "%w", one).WithHint("%s", one.Hint)
			}
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.observer.KnowSource(s.Name)
	a.live.Store(newLive(a.live.Load().cfg, a.made.List()))
	all, err := a.Sources(ctx)
	for i := range all {
		if all[i].Name == s.Name {
			return &all[i], err
		}
	}
	return nil, err
}

// EndSource ends a source that was made: its key is not taken any more.
func (a *App) EndSource(_ context.Context, by, name string) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if err := a.ofTheirConfig(name); err != nil {
		return err
	}
	if err := a.made.End(name, by, clientele.MicrosOf(a.o.Now())); err != nil {
		return err
	}
	a.live.Store(newLive(a.live.Load().cfg, a.made.List()))
	return nil
}

func (a *App) ofTheirConfig(name string) error {
	for _, s := range a.live.Load().cfg.Sources {
		if s.Name == name {
			return ofConfig("source", clientele.RuleOrigin{Config: true})
		}
	}
	return nil
}
