package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Explorer answers questions about what people did, and names the people behind an answer.
type Explorer interface {
	// Explore is Invalid when the question is wrong, TooLarge beyond a limit of rows, time or memory.
	Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error)
	// Behind is Invalid too when the cell is none of the question's.
	Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error)
	// ExploreAudience makes an audience of the people behind a cell. Conflict when there is one of that name.
	ExploreAudience(ctx context.Context, by string, req clientele.SegmentRequest) (*clientele.AudienceInForce, error)
	ExploreFields(ctx context.Context) (*clientele.ExploreFields, error)
}

func (a *API) exploreRoutes() {
	const tag = "explore"
	timeout := exploreQueries * a.o.QueryTimeout
	route(a, operation{id: "explore", method: http.MethodPost, path: "/api/v1/explore", scope: token.Read, tag: tag, timeout: timeout,
		summary: "Ask a question: metric, funnel, retention, paths, rfm, concentration, affinity, leaks, lifecycle or insight"},
		func(ctx context.Context, in *struct{ Body clientele.Question }) (*output[*clientele.Answer], error) {
			return one(a.o.Explore.Explore(ctx, in.Body))
		})
	route(a, operation{id: "explore-people", method: http.MethodPost, path: "/api/v1/explore/people", scope: token.Read, tag: tag, timeout: timeout,
		summary: "The people behind a cell of an answer, and the query that gives them"},
		func(ctx context.Context, in *struct{ Body clientele.BehindRequest }) (*output[*clientele.Behind], error) {
			return one(a.o.Explore.Behind(ctx, in.Body))
		})
	route(a, operation{id: "explore-audience", method: http.MethodPost, path: "/api/v1/explore/audience", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Make an audience of the people behind a cell of an answer"},
		func(ctx context.Context, in *struct{ Body clientele.SegmentRequest }) (*output[*clientele.AudienceInForce], error) {
			in.Body.Draft = a.drafts(principalOf(ctx))
			return one(a.o.Explore.ExploreAudience(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "list-explore-fields", method: http.MethodGet, path: "/api/v1/explore/fields", scope: token.Read, tag: tag, quiet: true,
		summary: "The measures, dimensions and tables that questions can name"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.ExploreFields], error) {
			return one(a.o.Explore.ExploreFields(ctx))
		})
}

// exploreQueries is how many queries, each with the time of one, a question may take.
const exploreQueries = 4
