package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Matching finds people who share no identifier, and has people decide where it is not sure.
type Matching interface {
	// StartMatching runs now and answers the numbers; Conflict when a run is under way.
	StartMatching(ctx context.Context, by string, req clientele.MatchRunRequest) (*clientele.MatchRun, error)
	MatchRuns(ctx context.Context) ([]clientele.MatchRun, error)
	// EndMatchRun approves or discards a run that waits; Conflict when it does not wait.
	EndMatchRun(ctx context.Context, by string, id clientele.Position, approve bool) (*clientele.MatchRun, error)
	MatchReviews(ctx context.Context, q clientele.MatchReviewQuery, limit int, cursor string) ([]clientele.MatchReview, string, error)
	// DecideMatches decides each pair that can have the verdict, and tells of the others why not.
	DecideMatches(ctx context.Context, by string, d clientele.MatchDecision) (*clientele.MatchDecided, error)
}

func (a *API) matchingRoutes() {
	const tag = "identity"
	route(a, operation{id: "start-matching", method: http.MethodPost, path: "/api/v1/identity/matching/runs", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Find people who share no identifier, now; dry tells the numbers alone"},
		func(ctx context.Context, in *struct{ Body clientele.MatchRunRequest }) (*output[*clientele.MatchRun], error) {
			return one(a.o.Matching.StartMatching(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "list-matching-runs", method: http.MethodGet, path: "/api/v1/identity/matching/runs", scope: token.Read, tag: tag, quiet: true,
		summary: "The latest 100 runs of matching and what they changed, the newest first"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.MatchRun], error) {
			runs, err := a.o.Matching.MatchRuns(ctx)
			if err != nil {
				return nil, err
			}
			return pageOf(runs, ""), nil
		})
	type runInput struct {
		ID uint64 `path:"id"`
	}
	for _, end := range []struct {
		name, summary string
		approve       bool
	}{{"approve", "Carry out a run that waits because it changes much", true}, {"discard", "Drop a run that waits", false}} {
		route(a, operation{id: end.name + "-matching-run", method: http.MethodPost, path: "/api/v1/identity/matching/runs/{id}/" + end.name, scope: token.Write, tag: tag,
			timeout: longTimeout, summary: end.summary},
			func(ctx context.Context, in *runInput) (*output[*clientele.MatchRun], error) {
				return one(a.o.Matching.EndMatchRun(ctx, principalOf(ctx).Name, clientele.Position(in.ID), end.approve))
			})
	}
	type reviewsInput struct {
		Paging
		State string `query:"state" enum:"open,same,different,unsure" default:"open" doc:"Which verdict the pairs have; open have none."`
		Text  string `query:"q" maxLength:"200" doc:"Only pairs of which one has this in a value."`
	}
	route(a, operation{id: "list-match-reviews", method: http.MethodGet, path: "/api/v1/identity/matching/reviews", scope: token.Read, tag: tag,
		summary: "Pairs that may be one person, side by side, with what each field weighs"},
		func(ctx context.Context, in *reviewsInput) (*pageOutput[clientele.MatchReview], error) {
			list, next, err := a.o.Matching.MatchReviews(ctx, clientele.MatchReviewQuery{State: clientele.MatchVerdict(in.State), Text: in.Text}, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return pageOf(list, next), nil
		})
	type decideInput struct {
		Body struct {
			IDs     []string `json:"ids" minItems:"1" maxItems:"10000"`
			Verdict string   `json:"verdict" enum:"same,different,unsure,open" doc:"open takes the former verdict back"`
		}
	}
	route(a, operation{id: "decide-match-reviews", method: http.MethodPost, path: "/api/v1/identity/matching/reviews", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Say of pairs that they are the same person, different people, or that it cannot be said"},
		func(ctx context.Context, in *decideInput) (*output[*clientele.MatchDecided], error) {
			return one(a.o.Matching.DecideMatches(ctx, principalOf(ctx).Name, clientele.MatchDecision{IDs: in.Body.IDs, Verdict: clientele.MatchVerdict(in.Body.Verdict)}))
		})
}
