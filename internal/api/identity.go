package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// SimulateRequest holds complete rules: a namespace it does not name has Rules.Default.
type SimulateRequest struct {
	Rules  clientele.IdentityRules `json:"rules"`
	Sample int                     `json:"sample,omitempty" minimum:"0" maximum:"1000" doc:"How many changed groups to show; 0 = 20."`
}

func (a *API) identityRoutes() {
	type mergeInput struct{ Body clientele.MergeRequest }
	type viewInput struct{ Person }
	route(a, operation{id: "get-profile-identity", method: http.MethodGet, path: "/api/v1/profiles/{namespace}/{value}/identity", scope: token.Read,
		tag: "identity", summary: "Why a profile is one person: all evidence, and what was refused"},
		func(ctx context.Context, in *viewInput) (*output[*clientele.IdentityView], error) {
			v, err := a.o.Identity.Identity(ctx, in.identifier())
			if err != nil {
				return nil, err
			}
			v.FormerIDs, v.Identifiers = list(v.FormerIDs), list(v.Identifiers)
			v.Evidence, v.Separations = list(v.Evidence), list(v.Separations)
			return &output[*clientele.IdentityView]{v}, nil
		})
	route(a, operation{id: "merge-profiles", method: http.MethodPost, path: "/api/v1/profiles/merge", scope: token.Write,
		tag: "identity", summary: "Add a manual link between a profile and identifiers"},
		func(ctx context.Context, in *mergeInput) (*output[*clientele.MergeResult], error) {
			if err := checkMerge(in.Body, false); err != nil {
				return nil, err
			}
			return mergeOutput(a.o.Identity.Merge(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "unmerge-profiles", method: http.MethodPost, path: "/api/v1/profiles/unmerge", scope: token.Write,
		tag: "identity", summary: "Retire evidence, or take identifiers out of a profile, and keep them apart"},
		func(ctx context.Context, in *mergeInput) (*output[*clientele.MergeResult], error) {
			if err := checkMerge(in.Body, true); err != nil {
				return nil, err
			}
			return mergeOutput(a.o.Identity.Unmerge(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "simulate-identity", method: http.MethodPost, path: "/api/v1/identity/simulate", scope: token.Read,
		tag: "identity", summary: "What other rules would do to the stored evidence; changes nothing", timeout: longTimeout},
		func(ctx context.Context, in *struct{ Body SimulateRequest }) (*output[*clientele.Simulation], error) {
			if in.Body.Sample == 0 {
				in.Body.Sample = 20
			}
			s, err := a.o.Identity.Simulate(ctx, in.Body.Rules, in.Body.Sample)
			if err != nil {
				return nil, err
			}
			s.Sample = list(s.Sample)
			return &output[*clientele.Simulation]{s}, nil
		})
	route(a, operation{id: "get-identity-rules", method: http.MethodGet, path: "/api/v1/identity/rules", scope: token.Read,
		tag: "identity", summary: "Which identifiers make one person: the rules in force", quiet: true},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.IdentityRules], error) {
			return one(a.o.Identity.IdentityRules(ctx))
		})
	route(a, operation{id: "get-identity-health", method: http.MethodGet, path: "/api/v1/identity/health", scope: token.Read,
		tag: "identity", summary: "How the identity graph is doing", timeout: longTimeout, quiet: true},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.IdentityHealth], error) {
			h, err := a.o.Identity.IdentityHealth(ctx)
			if err != nil {
				return nil, err
			}
			h.Largest, h.Suspicious = list(h.Largest), list(h.Suspicious)
			return &output[*clientele.IdentityHealth]{h}, nil
		})
}

// checkMerge says whether the request names what to do. Evidence names itself, so an unmerge by
// evidence needs no profile.
func checkMerge(req clientele.MergeRequest, unmerge bool) error {
	if unmerge && len(req.Evidence) > 0 {
		return nil
	}
	if req.Profile == "" || len(req.Identifiers) == 0 {
		err := clientele.Errorf(clientele.Invalid, "profile and identifiers are needed")
		if unmerge {
			return err.WithHint(`{"profile":"p_...","identifiers":[{"namespace":"email","value":"..."}]} or {"evidence":["..."]}`)
		}
		return err.WithHint(`{"profile":"p_...","identifiers":[{"namespace":"email","value":"..."}]}`)
	}
	if !unmerge && len(req.Evidence) > 0 {
		return clientele.Errorf(clientele.Invalid, "evidence is for unmerge").WithHint("name identifiers")
	}
	return nil
}

func mergeOutput(r *clientele.MergeResult, err error) (*output[*clientele.MergeResult], error) {
	if err != nil {
		return nil, err
	}
	r.Before, r.After = list(r.Before), list(r.After)
	return &output[*clientele.MergeResult]{r}, nil
}
