package app

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/config"
	"clientele/internal/resolve"
)

// ofFile is by whom the audiences of the configuration are.
const ofFile = "config"

// segments are the audiences and the lifecycle of the configuration. Another takes its place at a reload.
type segments struct {
	groups map[string]clientele.Audience
	way    []clientele.LifecycleStage
}

// readAudiences reads the configuration's audiences.
func readAudiences(list []config.Audience) (map[string]clientele.Audience, error) {
	groups := map[string]clientele.Audience{}
	for i, g := range list {
		wrong := func(err error) (map[string]clientele.Audience, error) {
			return nil, clientele.Errorf(clientele.Invalid, "audiences[%d]: %w", i, err).WithHint("%s", clientele.ErrorHint(err))
		}
		in := clientele.Audience{Name: g.Name, Kind: clientele.AudienceKind(g.Kind), Description: g.Description, Query: g.Query, Every: g.Every}
		if g.Where != nil {
			where, err := json.Marshal(g.Where)
			if err != nil {
				return wrong(clientele.Errorf(clientele.Invalid, "where is no definition").WithHint("write a condition: {trait: country, op: eq, value: TH}"))
			}
			in.Where = where
		}
		if g.Suppress != nil {
			suppress, err := json.Marshal(g.Suppress)
			if err != nil {
				return wrong(clientele.Errorf(clientele.Invalid, "suppress is no list of rules").WithHint("write [{name: no consent, when: {…}}]"))
			}
			in.Suppress = suppress
		}
		c, err := resolve.AudienceCondition(&in)
		if err == nil {
			_, err = everyOf(in.Every)
		}
		if err != nil {
			return wrong(err)
		}
		where, suppress := resolve.SplitRules(c)
		if in.Suppress = suppress; !in.Kind.Listed() {
			in.Where = where
		}
		if _, twice := groups[g.Name]; twice || g.Name == "" {
			return wrong(clientele.Errorf(clientele.Invalid, "its name is missing, or another's too").WithHint("give each a name of its own"))
		}
		groups[g.Name] = in
	}
	_, err := orderOf(groups)
	return groups, err
}

// orderOf are the names of the audiences, each behind those it refers to.
func orderOf(groups map[string]clientele.Audience) ([]string, error) {
	definitions := map[string]audience.Condition{}
	for name, g := range groups {
		c, err := resolve.AudienceCondition(&g)
		if err != nil {
			return nil, err
		}
		definitions[name] = c
	}
	return audience.Order(definitions)
}

// tellSegments puts the configuration's audiences and lifecycle into the log when they are not those in force,
// and ends those that it no longer has. Stages may refer to audiences, and audiences may ask for stages: what is
// referred to comes first.
func (a *App) tellSegments(ctx context.Context) error {
	have, err := resolve.LoadAudiences(a.rows)
	if err != nil {
		return err
	}
	there := map[string]clientele.AudienceInForce{}
	for _, x := range have {
		there[x.Name] = x
	}
	filed := a.filed.Load()
	order, err := orderOf(filed.groups)
	if err != nil {
		return err
	}
	before, behind, err := aroundStages(filed.groups, order)
	if err != nil {
		return err
	}
	if err := a.tellGroups(ctx, before, there); err != nil {
		return err
	}
	if len(filed.way) > 0 {
		if err := a.tellStages(ctx); err != nil {
			return err
		}
	}
	if err := a.tellGroups(ctx, behind, there); err != nil || a.o.KeepRules {
		return err
	}
	return a.endGroups(ctx, there)
}

// endGroups ends what the configuration no longer has: who refers before what is referred to.
func (a *App) endGroups(ctx context.Context, there map[string]clientele.AudienceInForce) error {
	gone, filed := map[string]clientele.Audience{}, a.filed.Load()
	for name, x := range there {
		if _, stays := filed.groups[name]; x.By == ofFile && !stays {
			gone[name] = x.Audience
		}
	}
	order, err := orderOf(gone)
	if err != nil {
		return err
	}
	before, behind, err := aroundStages(gone, order)
	if err != nil {
		return err
	}
	end := func(names []string) error {
		for _, name := range slices.Backward(names) {
			if err := a.tellAudience(ctx, resolve.AudienceBody{Audience: clientele.Audience{Name: name}, Delete: true}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := end(behind); err != nil {
		return err
	}
	if len(filed.way) == 0 {
		if err := a.tellStages(ctx); err != nil {
			return err
		}
	}
	return end(before)
}

// aroundStages parts the ordered audiences into those that need no lifecycle stage and those that do, by themselves or
// by one that they refer to.
func aroundStages(groups map[string]clientele.Audience, order []string) (before, behind []string, err error) {
	for _, name := range order {
		g := groups[name]
		c, err := resolve.AudienceCondition(&g)
		if err != nil {
			return nil, nil, err
		}
		needs := len(audience.StagesAsked(c)) > 0
		for _, ref := range audience.References(c) {
			needs = needs || slices.Contains(behind, ref)
		}
		if needs {
			behind = append(behind, name)
		} else {
			before = append(before, name)
		}
	}
	return before, behind, nil
}

func (a *App) tellGroups(ctx context.Context, names []string, there map[string]clientele.AudienceInForce) error {
	for _, name := range names {
		g := a.filed.Load().groups[name]
		x, ok := there[name]
		if ok && x.By == ofFile && reflect.DeepEqual(x.Audience, g) {
			continue
		}
		if ok && x.Kind != g.Kind {
			if err := a.tellAudience(ctx, resolve.AudienceBody{Audience: clientele.Audience{Name: name}, Delete: true}); err != nil {
				return err
			}
		}
		if err := a.tellAudience(ctx, resolve.AudienceBody{Audience: g}); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) tellAudience(ctx context.Context, b resolve.AudienceBody) error {
	_, err := a.append(ctx, clientele.CommandAudience, ofFile, b)
	if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: those in force stay
		a.trouble.add("rules", "the configuration's audiences could not be put into the log: "+err.Error())
		return nil
	}
	return err
}

// ofTheFile refuses to change over the API what the configuration says.
func (a *App) ofTheFile(name string) error {
	if _, is := a.filed.Load().groups[name]; is {
		return clientele.Errorf(clientele.Conflict, "the audience is in the configuration file").WithHint("change it there, and reload")
	}
	return nil
}
