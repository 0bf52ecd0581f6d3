package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/computed"
	"clientele/internal/quality"
	"clientele/internal/resolve"
)

var _ api.Computed = (*App)(nil)

// packPrefix leads the name of a pack where the configuration names files of computed traits.
const packPrefix = "pack:"

// ReadComputed reads computed traits from files and packs, and checks them.
func ReadComputed(names []string) (out []clientele.ComputedTrait, err error) {
	for _, name := range names {
		var some []clientele.ComputedTrait
		if pack, ok := strings.CutPrefix(name, packPrefix); ok {
			some, err = computed.Pack(pack)
		} else {
			var text []byte
			if text, err = os.ReadFile(name); err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "computed_traits: %w", err).WithHint("name a readable file, or pack:commerce")
			}
			err = quality.ReadYAML("computed traits", text, &some)
		}
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "computed_traits: %s: %w", name, err).WithHint("%s", clientele.ErrorHint(err))
		}
		for _, t := range some {
			made, err := computed.Parse(t.Name, t.Definition)
			if err == nil && slices.ContainsFunc(out, func(x clientele.ComputedTrait) bool { return x.Name == t.Name }) {
				err = clientele.Errorf(clientele.Invalid, "there are two computed traits %s", t.Name)
			}
			if err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "computed_traits: %s: %w", name, err).WithHint("%s", clientele.ErrorHint(err))
			}
			out = append(out, clientele.ComputedTrait{Name: t.Name, Definition: made.Text})
		}
	}
	return out, nil
}

// tellComputed puts the configuration's computed traits into the log when they are not those in force.
func (a *App) tellComputed(ctx context.Context) error {
	book, err := resolve.LoadComputed(a.rows)
	if err != nil || a.o.KeepRules {
		return err
	}
	have := map[string]clientele.ComputedInForce{}
	for _, t := range book.InForce() {
		have[t.Name] = t
	}
	for _, t := range a.ruled.computed {
		if in, ok := have[t.Name]; ok && in.Config && bytes.Equal(in.Definition, t.Definition) {
			continue
		}
		if err := a.tellTrait(ctx, resolve.ComputedBody{Name: t.Name, Definition: t.Definition, Config: true}); err != nil {
			return err
		}
	}
	return nil
}

// endComputed ends the computed traits that the configuration no longer has. Its audiences are told before: those
// that asked for them may have ended.
func (a *App) endComputed(ctx context.Context) error {
	book, err := resolve.LoadComputed(a.rows)
	if err != nil || a.o.KeepRules {
		return err
	}
	for _, t := range book.InForce() {
		if !t.Config || slices.ContainsFunc(a.ruled.computed, func(c clientele.ComputedTrait) bool { return c.Name == t.Name }) {
			continue
		}
		if err := a.tellTrait(ctx, resolve.ComputedBody{Name: t.Name, Config: true}); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) tellTrait(ctx context.Context, body resolve.ComputedBody) error {
	_, err := a.append(ctx, clientele.CommandComputedTrait, ofFile, body)
	if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: what is in force stays
		a.trouble.add("rules", "the configuration's computed traits could not be put into the log: "+err.Error())
		return nil
	}
	return err
}

// ComputedTraits are the computed traits, by name, and how far they are filled.
func (a *App) ComputedTraits(context.Context) ([]clientele.ComputedInForce, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	book, err := resolve.LoadComputed(v)
	if err != nil {
		return nil, err
	}
	out := book.InForce()
	under, done, telling := book.Backfilling()
	anchors := int64(0)
	for _, n := range v.graph.Count().ByNS {
		anchors += n
	}
	for i := range out {
		switch out[i].Progress = 1; {
		case under && telling:
			out[i].Progress = 0.5 + progressOf(done, anchors)/2
		case out[i].Filling:
			out[i].Progress = progressOf(done, anchors) / 2
		}
	}
	return out, nil
}

func progressOf(done, of int64) float64 { return float64(min(done, of)) / float64(max(of, 1)) }

// ComputedTrait is the named computed trait.
func (a *App) ComputedTrait(ctx context.Context, name string) (*clientele.ComputedInForce, error) {
	all, err := a.ComputedTraits(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
	}
	return nil, clientele.Errorf(clientele.NotFound, "there is no computed trait of that name")
}

// SetComputedTrait has a computed trait filled, which comes into force then, in the place of one of the same name.
func (a *App) SetComputedTrait(ctx context.Context, by string, t clientele.ComputedTrait) (*clientele.ComputedInForce, error) {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	made, err := computed.Parse(t.Name, t.Definition)
	if err != nil {
		return nil, err
	}
	have, err := a.ComputedTrait(ctx, t.Name)
	if err == nil {
		err = ofConfig("computed trait", have.RuleOrigin)
	}
	if err != nil && clientele.ErrorCode(err) != clientele.NotFound {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandComputedTrait, by, resolve.ComputedBody{Name: t.Name, Definition: made.Text}); err != nil {
		return nil, err
	}
	return a.ComputedTrait(ctx, t.Name)
}

// DeleteComputedTrait ends a computed trait. Its column stays, and is empty.
func (a *App) DeleteComputedTrait(ctx context.Context, by, name string) error {
	a.ruled.mu.Lock()
	defer a.ruled.mu.Unlock()
	have, err := a.ComputedTrait(ctx, name)
	if err != nil {
		return err
	}
	if err := ofConfig("computed trait", have.RuleOrigin); err != nil {
		return err
	}
	if err := resolve.ComputedUnused(a.rows, name); err != nil {
		return err
	}
	_, err = a.command(ctx, clientele.CommandComputedTrait, by, resolve.ComputedBody{Name: name})
	return err
}

// PreviewComputedTrait says what the definition would give for one profile. It changes nothing.
func (a *App) PreviewComputedTrait(_ context.Context, t clientele.ComputedTrait, id clientele.Identifier) (*clientele.ComputedPreview, error) {
	made, err := computed.Parse(t.Name, t.Definition)
	if err != nil {
		return nil, err
	}
	v, p, err := a.viewOf(id)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	members, err := v.graph.Members(p)
	if err != nil {
		return nil, err
	}
	value, err := resolve.PreviewComputed(v, members, made, clientele.MicrosOf(a.o.Now()))
	return &clientele.ComputedPreview{Profile: p, Value: value}, err
}

// computed are the computed traits of the profile.
func (v *view) computed(p clientele.ProfileID) (map[string]json.RawMessage, error) {
	book, err := v.books.Read(v)
	if err != nil || len(book.Live()) == 0 {
		return nil, err
	}
	members, err := v.graph.Members(p)
	if err != nil {
		return nil, err
	}
	states, err := resolve.LoadStates(v, members)
	if err != nil {
		return nil, err
	}
	now, err := resolve.ComputedNow(v)
	return book.Values(states, now), err
}
