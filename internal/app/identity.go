package app

import (
	"context"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/resolve"
)

// Identity explains why the profile's identifiers are one person.
func (a *App) Identity(_ context.Context, id clientele.Identifier) (*clientele.IdentityView, error) {
	v, p, err := a.viewOf(id)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return v.graph.View(p)
}

// Merge makes the profile and those of the identifiers one.
func (a *App) Merge(ctx context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	return a.regroup(ctx, clientele.CommandMerge, by, req, func(v *view, p clientele.ProfileID, named []clientele.Anchor) (resolve.MergeBody, error) {
		ids, err := v.graph.Identifiers(p)
		if err != nil {
			return resolve.MergeBody{}, err
		}
		strongest, err := v.graph.Find(ids[0].Identifier)
		if err != nil {
			return resolve.MergeBody{}, err
		}
		for _, n := range named {
			if q, err := v.graph.Profile(n); err != nil {
				return resolve.MergeBody{}, err
			} else if q != p {
				return resolve.MergeBody{Anchors: append([]clientele.Anchor{strongest}, named...)}, nil
			}
		}
		return resolve.MergeBody{}, clientele.Errorf(clientele.Conflict, "the identifiers are of this profile already")
	})
}

// Unmerge takes the identifiers, or what the evidence joins, out of the profile.
func (a *App) Unmerge(ctx context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	return a.regroup(ctx, clientele.CommandUnmerge, by, req, func(v *view, p clientele.ProfileID, named []clientele.Anchor) (resolve.MergeBody, error) {
		var body resolve.MergeBody
		members, err := v.graph.Members(p)
		if err != nil {
			return body, err
		}
		for _, n := range named {
			if !slices.Contains(members, n) {
				return body, clientele.Errorf(clientele.Invalid, "an identifier is not of this profile")
			}
		}
		for _, text := range req.Evidence {
			pair, err := identity.ParseEvidenceID(text)
			if err != nil {
				return body, err
			}
			if !slices.Contains(members, pair[0]) && !slices.Contains(members, pair[1]) {
				return body, clientele.Errorf(clientele.Invalid, "evidence %s is not of this profile", text)
			}
			body.Evidence = append(body.Evidence, pair)
		}
		if len(body.Evidence) == 0 {
			body.Anchors = named
		}
		if len(named) >= len(members) && len(body.Evidence) == 0 {
			return body, clientele.Errorf(clientele.Invalid, "nothing would stay in the profile").WithHint("name only the identifiers of the other person")
		}
		return body, nil
	})
}

// regroup does a merge or unmerge and tells the profiles before and after.
func (a *App) regroup(ctx context.Context, name clientele.CommandName, by string, req clientele.MergeRequest,
	plan func(*view, clientele.ProfileID, []clientele.Anchor) (resolve.MergeBody, error)) (*clientele.MergeResult, error) {
	body, anchors, before, err := a.plan(req, plan)
	if err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, name, by, body); err != nil {
		return nil, err
	}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	after, err := v.counts(anchors)
	return &clientele.MergeResult{Before: before, After: after}, err
}

// plan reads the request against the state of the moment: the command's body, all anchors of
// the profiles it concerns, and those profiles.
func (a *App) plan(req clientele.MergeRequest, plan func(*view, clientele.ProfileID, []clientele.Anchor) (resolve.MergeBody, error)) (
	body resolve.MergeBody, anchors []clientele.Anchor, before []clientele.ProfileCount, err error) {
	v, err := a.view()
	if err != nil {
		return body, nil, nil, err
	}
	defer v.Close()
	p, err := v.subject(req)
	if err != nil {
		return body, nil, nil, err
	}
	if len(req.Identifiers)+len(req.Evidence) == 0 {
		return body, nil, nil, clientele.Errorf(clientele.Invalid, "name identifiers")
	}
	var named []clientele.Anchor
	profiles := []clientele.ProfileID{p}
	for _, id := range req.Identifiers {
		anchor, err := v.graph.Find(id)
		if err != nil {
			return body, nil, nil, err
		}
		q, err := v.graph.Profile(anchor)
		if err != nil {
			return body, nil, nil, err
		}
		if id.Namespace == "id" { // a profile as a whole: by its strongest identifier
			if anchor, err = v.strongest(q); err != nil {
				return body, nil, nil, err
			}
		}
		named, profiles = append(named, anchor), append(profiles, q)
	}
	if body, err = plan(v, p, named); err != nil {
		return body, nil, nil, err
	}
	for _, q := range profiles {
		members, err := v.graph.Members(q)
		if err != nil {
			return body, nil, nil, err
		}
		anchors = append(anchors, members...)
	}
	before, err = v.counts(anchors)
	return body, anchors, before, err
}

func (v *view) strongest(p clientele.ProfileID) (clientele.Anchor, error) {
	ids, err := v.graph.Identifiers(p)
	if err != nil {
		return 0, err
	}
	return v.graph.Find(ids[0].Identifier)
}

// subject is the profile that the request names, or that its evidence is of.
func (v *view) subject(req clientele.MergeRequest) (clientele.ProfileID, error) {
	if req.Profile == "" && len(req.Evidence) > 0 {
		pair, err := identity.ParseEvidenceID(req.Evidence[0])
		if err != nil {
			return 0, err
		}
		return v.find(clientele.Identifier{Namespace: "id", Value: clientele.ProfileID(pair[0]).String()})
	}
	id, err := v.profileNamed(req.Profile)
	if err != nil {
		return 0, err
	}
	return v.find(id)
}

// profileNamed reads a profile id or NAMESPACE:VALUE.
func (v *view) profileNamed(s string) (clientele.Identifier, error) {
	if strings.HasPrefix(strings.ToLower(s), "p_") && !strings.Contains(s, ":") {
		return clientele.Identifier{Namespace: "id", Value: s}, nil
	}
	return clientele.ParseIdentifier(s, v.known)
}

// known says whether the namespace has been seen, or is declared.
func (v *view) known(ns clientele.Namespace) bool {
	if ns == "id" {
		return true
	}
	if _, ok := v.graph.Rules().Namespaces[ns]; ok {
		return true
	}
	return v.graph.Count().ByNS[ns] > 0
}

// counts are the profiles of the anchors, ascending, with how many records each has.
func (v *view) counts(anchors []clientele.Anchor) ([]clientele.ProfileCount, error) {
	var ids []clientele.ProfileID
	for _, a := range anchors {
		p, err := v.graph.Profile(a)
		if err != nil {
			return nil, err
		}
		ids = append(ids, p)
	}
	slices.Sort(ids)
	out := []clientele.ProfileCount{}
	for _, p := range slices.Compact(ids) {
		g, err := resolve.LoadProfile(v, v.graph, v.traits, p)
		if err != nil {
			return nil, err
		}
		out = append(out, clientele.ProfileCount{ID: p, Events: g.Records})
	}
	return out, nil
}

// IdentityRules are the rules in force, completed by the defaults.
func (a *App) IdentityRules(context.Context) (*clientele.IdentityRules, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	rules := v.graph.Rules().IdentityRules
	return &rules, nil
}

// Simulate is what other rules would do to the stored evidence. Nothing is changed.
func (a *App) Simulate(_ context.Context, in clientele.IdentityRules, sample int) (*clientele.Simulation, error) {
	then, err := identity.NewRules(in)
	if err != nil {
		return nil, err
	}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return identity.Simulate(v.graph.Rules(), then, v, sample, a.o.Now)
}
