package app

import (
	"bytes"
	"context"
	"encoding/json"

	"clientele"
	"clientele/internal/resolve"
)

// command appends a command and waits until it is resolved and in the column store. An error
// says why the resolver could not do it.
func (a *App) command(ctx context.Context, name clientele.CommandName, by string, body any) (clientele.Position, error) {
	p, err := a.append(ctx, name, by, body)
	if err != nil {
		return 0, err
	}
	if err := a.resolved.reach(ctx, uint64(p)); err != nil {
		return p, clientele.Errorf(clientele.Unavailable, "%s was accepted and is not done yet", name).WithHint("it will be done: look again later")
	}
	v, err := a.rows.Get(clientele.QuarantineKey(p, 0))
	if err != nil {
		return p, err
	}
	if v != nil {
		q, _, _, err := resolve.ReadQuarantine(clientele.QuarantineKey(p, 0), v)
		if err != nil {
			return p, err
		}
		return p, clientele.Errorf(clientele.Code(q.Code), "%s", q.Reason)
	}
	_, commit, err := a.rows.Position()
	if err != nil {
		return p, err
	}
	return p, a.applied.reach(ctx, commit)
}

func (a *App) append(ctx context.Context, name clientele.CommandName, by string, body any) (clientele.Position, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, clientele.Errorf(clientele.Internal, "command: %w", err)
	}
	raw, err := json.Marshal(clientele.Command{Name: name, By: by, Body: b})
	if err != nil {
		return 0, clientele.Errorf(clientele.Internal, "command: %w", err)
	}
	return a.log.Append(ctx, clientele.KindCommand, []clientele.Record{{Source: resolve.OperatorSource, ReceivedAt: clientele.MicrosOf(a.o.Now()), Raw: raw}})
}

// tellRules puts the configuration's rules into the log when they are not those in force, so
// that a rebuild follows them too.
func (a *App) tellRules(ctx context.Context) error {
	if err := a.tellTraits(ctx); err != nil {
		return err
	}
	if err := a.tellModels(ctx); err != nil { // before audiences, which may ask for them
		return err
	}
	if err := a.tellPeople(ctx); err != nil {
		return err
	}
	return a.endModels(ctx)
}

// tellTraits tells the rules by which events are taken and profiles are made of them, computed traits included.
func (a *App) tellTraits(ctx context.Context) error {
	for _, r := range []struct {
		name clientele.CommandName
		key  string
		body any
		none bool
	}{
		{clientele.CommandIdentityRules, "identity_rules", a.ruled.identity, false},
		{clientele.CommandTraitRules, "trait_rules", a.ruled.traits, len(a.ruled.traits) == 0},
	} {
		have, err := a.rows.Get(clientele.MetaKey(r.key))
		if err != nil {
			return err
		}
		want, err := json.Marshal(r.body)
		if err != nil {
			return clientele.Errorf(clientele.Internal, "rules: %w", err)
		}
		if bytes.Equal(have, want) || have == nil && r.none || have != nil && a.o.KeepRules {
			continue
		}
		if _, err := a.append(ctx, r.name, "config", r.body); err != nil {
			if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: the rules in force stay
				a.trouble.add("rules", "the configuration's rules could not be put into the log: "+err.Error())
				continue
			}
			return err
		}
	}
	if err := a.tellPlans(ctx); err != nil {
		return err
	}
	if err := a.tellRetention(ctx); err != nil {
		return err
	}
	return a.tellComputed(ctx) // before audiences, which may ask for them
}

// tellPeople tells audiences and the lifecycle, and ends computed traits for which none of them asks any more.
func (a *App) tellPeople(ctx context.Context) error {
	if err := a.tellSegments(ctx); err != nil {
		return err
	}
	return a.endComputed(ctx)
}

// Settle waits until all that is in the log is resolved and in the column store.
func (a *App) Settle(ctx context.Context) error {
	select {
	case <-a.told: // the rules are a record of the log too
	case <-ctx.Done():
		return clientele.Errorf(clientele.Unavailable, "settle: %w", ctx.Err())
	}
	last := max(uint64(a.log.Last()), a.resolved.get())
	if err := a.resolved.reach(ctx, last); err != nil {
		return clientele.Errorf(clientele.Unavailable, "settle: %w", err)
	}
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return clientele.Errorf(clientele.Unavailable, "settle: %w", err)
	}
	return nil
}
