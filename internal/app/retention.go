package app

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"clientele"
	"clientele/internal/resolve"
)

// tellRetention puts the configuration's retention rules into the log when they are not those in force, and ends
// those that it no longer has.
func (a *App) tellRetention(ctx context.Context) error {
	keeps, err := resolve.LoadRetention(a.rows)
	if err != nil || a.o.KeepRules {
		return err
	}
	tell := func(body resolve.RetentionBody) error {
		_, err := a.append(ctx, clientele.CommandRetention, "config", body)
		if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: the rules in force stay
			a.trouble.add("rules", "the configuration's rules could not be put into the log: "+err.Error())
			return nil
		}
		return err
	}
	inForce := map[string]clientele.RetentionInForce{}
	for _, have := range keeps.InForce() {
		inForce[have.Name] = have
		if have.Config && !slices.ContainsFunc(a.ruled.retention, func(r clientele.RetentionRule) bool { return r.Name == have.Name }) {
			if err := tell(resolve.RetentionBody{Name: have.Name, Config: true}); err != nil {
				return err
			}
		}
	}
	for _, r := range a.ruled.retention {
		have, ok := inForce[r.Name]
		was, _ := json.Marshal(have.RetentionRule)
		is, _ := json.Marshal(r)
		if ok && have.Config && bytes.Equal(was, is) {
			continue
		}
		if err := tell(resolve.RetentionBody{Name: r.Name, Rule: &r, Config: true}); err != nil {
			return err
		}
	}
	return nil
}

// Retention are the retention rules in force, by name, and what they have deleted.
func (a *App) Retention(context.Context) ([]clientele.RetentionInForce, error) {
	keeps, err := resolve.LoadRetention(a.rows)
	if err != nil {
		return nil, err
	}
	return keeps.InForce(), nil
}

func (a *App) retentionRule(name string) (*clientele.RetentionInForce, error) {
	keeps, err := resolve.LoadRetention(a.rows)
	if err != nil {
		return nil, err
	}
	for _, r := range keeps.InForce() {
		if r.Name == name {
			return &r, nil
		}
	}
	return nil, clientele.Errorf(clientele.NotFound, "there is no retention rule of that name")
}

// SetRetention brings a retention rule into force, in the place of one of the same name. It begins to delete within
// seconds.
func (a *App) SetRetention(ctx context.Context, by string, r clientele.RetentionRule) (*clientele.RetentionInForce, error) {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	if err := r.Check(); err != nil {
		return nil, err
	}
	have, err := a.retentionRule(r.Name)
	if err == nil {
		err = ofConfig("retention rule", have.RuleOrigin)
	}
	if err != nil && clientele.ErrorCode(err) != clientele.NotFound {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandRetention, by, resolve.RetentionBody{Name: r.Name, Rule: &r}); err != nil {
		return nil, err
	}
	return a.retentionRule(r.Name)
}

// DeleteRetention ends a retention rule. What it has deleted is gone.
func (a *App) DeleteRetention(ctx context.Context, by, name string) error {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	have, err := a.retentionRule(name)
	if err != nil {
		return err
	}
	if err := ofConfig("retention rule", have.RuleOrigin); err != nil {
		return err
	}
	_, err = a.command(ctx, clientele.CommandRetention, by, resolve.RetentionBody{Name: name})
	return err
}

// PreviewRetention says what the rule would delete if it came into force now. It changes nothing.
func (a *App) PreviewRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionPreview, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := a.Settle(ctx); err != nil {
		return nil, err
	}
	now := clientele.MicrosOf(a.o.Now())
	var out *clientele.RetentionPreview
	var err error
	if r.Delete == clientele.RetainQuarantine {
		out, err = a.expiringQuarantine(&r, now)
	} else {
		out, err = a.columns.Expiring(ctx, resolve.ExpiryOf(&r, now))
	}
	if err != nil {
		return nil, err
	}
	out.PurgeBy = now + clientele.Micros(time.Duration(a.cfg.Erase.PurgeWithin).Microseconds())
	return out, nil
}

func (a *App) expiringQuarantine(r *clientele.RetentionRule, now clientele.Micros) (*clientele.RetentionPreview, error) {
	x := resolve.ExpiryOf(r, now)
	out := &clientele.RetentionPreview{Before: x.Before, BySource: map[string]int64{}}
	for _, table := range []byte{clientele.RowQuarantine, clientele.RowDropped} {
		err := a.rows.Scan(clientele.Prefix(clientele.NewKey(table)), func(k clientele.Key, v []byte) (bool, error) {
			q, _, _, err := resolve.ReadQuarantine(k, v)
			if err != nil {
				return false, err
			}
			out.Total++
			if x.Matches("", q.Source, q.ReceivedAt) {
				out.Count++
				out.BySource[q.Source]++
				if out.Oldest == 0 || q.ReceivedAt < out.Oldest {
					out.Oldest = q.ReceivedAt
				}
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
