package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Recommender says which products to offer. Unavailable while there is no model; NotFound for a person or a product that nobody knows.
type Recommender interface {
	RecommendFor(ctx context.Context, id clientele.Identifier, q clientele.RecommendQuery) (*clientele.Recommendations, error)
	RecommendWith(ctx context.Context, item string, q clientele.RecommendQuery) (*clientele.Recommendations, error)
	RecommendSession(ctx context.Context, items []string, q clientele.RecommendQuery) (*clientele.Recommendations, error)
	RecommendStatus(ctx context.Context) (*clientele.RecommendStatus, error)
	TrainRecommendations(ctx context.Context) (*clientele.RecommendStatus, error)
}

// Picking is what may be recommended. It is exported for the library.
type Picking struct {
	Limit       int      `query:"limit" minimum:"1" maximum:"100" default:"10" doc:"Of each list."`
	Include     []string `query:"include,explode" doc:"Only products of these categories."`
	Exclude     []string `query:"exclude,explode" doc:"No products of these categories."`
	PerCategory int      `query:"per_category" minimum:"0" maximum:"100" doc:"At most so many of one category."`
	SoldOut     bool     `query:"sold_out" doc:"Products that are out of stock too."`
}

func (p Picking) query() clientele.RecommendQuery {
	return clientele.RecommendQuery{Limit: p.Limit, Include: p.Include, Exclude: p.Exclude, PerCategory: p.PerCategory, SoldOut: p.SoldOut}
}

func (a *API) recommendRoutes() {
	const tag = "predict"
	type personInput struct {
		Person
		Picking
	}
	route(a, operation{id: "recommend-profile", method: http.MethodGet, path: "/api/v1/recommendations/profiles/{namespace}/{value}", scope: token.Read, tag: tag, summary: "Products for a person: new ones, and what is bought again"},
		func(ctx context.Context, in *personInput) (*output[*clientele.Recommendations], error) {
			return one(a.o.Recommend.RecommendFor(ctx, in.identifier(), in.query()))
		})
	type itemInput struct {
		SKU string `path:"sku" maxLength:"512"`
		Picking
	}
	route(a, operation{id: "recommend-item", method: http.MethodGet, path: "/api/v1/recommendations/items/{sku}", scope: token.Read, tag: tag, quiet: true, summary: "Products that go with a product"},
		func(ctx context.Context, in *itemInput) (*output[*clientele.Recommendations], error) {
			return one(a.o.Recommend.RecommendWith(ctx, in.SKU, in.query()))
		})
	type sessionInput struct {
		Body struct {
			Items []string                 `json:"items" maxItems:"200" doc:"Products that the visitor looked at, the last one last."`
			Query clientele.RecommendQuery `json:"query,omitempty"`
		}
	}
	route(a, operation{id: "recommend-session", method: http.MethodPost, path: "/api/v1/recommendations/session", scope: token.Read, tag: tag, quiet: true, summary: "Products for a visitor who is not known, by what was looked at"},
		func(ctx context.Context, in *sessionInput) (*output[*clientele.Recommendations], error) {
			return one(a.o.Recommend.RecommendSession(ctx, in.Body.Items, in.Body.Query))
		})
	route(a, operation{id: "recommend-status", method: http.MethodGet, path: "/api/v1/recommendations", scope: token.Read, tag: tag, quiet: true, summary: "How the model of recommendations is, and how good it was on days it had not seen"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.RecommendStatus], error) {
			return one(a.o.Recommend.RecommendStatus(ctx))
		})
	route(a, operation{id: "train-recommendations", method: http.MethodPost, path: "/api/v1/recommendations/train", scope: token.Write, tag: tag, timeout: longTimeout, summary: "Learn the model of recommendations anew now"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.RecommendStatus], error) {
			return one(a.o.Recommend.TrainRecommendations(ctx))
		})
}
