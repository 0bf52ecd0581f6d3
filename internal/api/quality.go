package api

import (
	"context"
	"net/http"
	"strconv"

	"clientele"
	"clientele/internal/token"
)

// Quality tells how fit the data is for use.
type Quality interface {
	// Violations are of one source and event where they are given, the most frequent first.
	Violations(ctx context.Context, source, event string) ([]clientele.Violation, error)
	// Properties are what events hold. changed leaves out what is as it was.
	Properties(ctx context.Context, source, event string, changed bool) ([]clientele.PropertySeen, error)
	// Volumes compares the last hours with the same hours of the weeks before.
	Volumes(ctx context.Context, hours int) ([]clientele.EventVolume, error)
	Freshness(ctx context.Context) ([]clientele.Freshness, error)
	Touchpoints(ctx context.Context) (*clientele.TouchpointMap, error)
	Minimisation(ctx context.Context, days int) (*clientele.Minimisation, error)
	// Stop makes a transform rule that takes the event or property out from now on.
	Stop(ctx context.Context, by string, what clientele.StopRequest) (*clientele.TransformInForce, error)
	// Acts are what operators did, from below a position of the log on, the newest first.
	Acts(ctx context.Context, before clientele.Position, limit int) ([]clientele.QualityAct, error)
}

// EventFilter narrows a list. It is exported for the library.
type EventFilter struct {
	Source string `query:"source" maxLength:"128"`
	Event  string `query:"event" maxLength:"256" doc:"The name of a track event, or $page, $screen, $identify, $group, $alias."`
}

func (a *API) qualityRoutes() {
	const tag = "quality"
	route(a, operation{id: "list-violations", method: http.MethodGet, path: "/api/v1/quality/violations", scope: token.Read, tag: tag, quiet: true,
		summary: "How often events have broken tracking plans, with examples"},
		func(ctx context.Context, in *struct{ EventFilter }) (*pageOutput[clientele.Violation], error) {
			return all(a.o.Quality.Violations(ctx, in.Source, in.Event))
		})
	route(a, operation{id: "list-properties", method: http.MethodGet, path: "/api/v1/quality/properties", scope: token.Read, tag: tag, quiet: true,
		summary: "Properties of events: types, null rates, first and last sight"},
		func(ctx context.Context, in *struct{ EventFilter }) (*pageOutput[clientele.PropertySeen], error) {
			return all(a.o.Quality.Properties(ctx, in.Source, in.Event, false))
		})
	route(a, operation{id: "list-drift", method: http.MethodGet, path: "/api/v1/quality/drift", scope: token.Read, tag: tag, quiet: true,
		summary: "Properties that are new, have vanished or changed their type in the last 7 days"},
		func(ctx context.Context, in *struct{ EventFilter }) (*pageOutput[clientele.PropertySeen], error) {
			return all(a.o.Quality.Properties(ctx, in.Source, in.Event, true))
		})
	type volumeInput struct {
		Hours int `query:"hours" minimum:"1" maximum:"168" default:"24" doc:"Length of the span that ends now."`
	}
	route(a, operation{id: "list-volumes", method: http.MethodGet, path: "/api/v1/quality/volumes", scope: token.Read, tag: tag, quiet: true, timeout: longTimeout,
		summary: "Events of the last hours against the same hours of the last four weeks"},
		func(ctx context.Context, in *volumeInput) (*pageOutput[clientele.EventVolume], error) {
			return all(a.o.Quality.Volumes(ctx, in.Hours))
		})
	route(a, operation{id: "list-freshness", method: http.MethodGet, path: "/api/v1/quality/freshness", scope: token.Read, tag: tag, quiet: true, timeout: longTimeout,
		summary: "When each source was last heard of"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.Freshness], error) {
			return all(a.o.Quality.Freshness(ctx))
		})
	route(a, operation{id: "get-touchpoints", method: http.MethodGet, path: "/api/v1/quality/touchpoints", scope: token.Read, tag: tag, quiet: true, timeout: longTimeout,
		summary: "Sources and channels through which people were met, and gaps"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.TouchpointMap], error) {
			return one(a.o.Quality.Touchpoints(ctx))
		})
	type daysInput struct {
		Days int `query:"days" minimum:"1" maximum:"400" default:"90"`
	}
	route(a, operation{id: "get-minimisation", method: http.MethodGet, path: "/api/v1/quality/minimisation", scope: token.Read, tag: tag, quiet: true,
		summary: "Events and properties that nothing has read"},
		func(ctx context.Context, in *daysInput) (*output[*clientele.Minimisation], error) {
			return one(a.o.Quality.Minimisation(ctx, in.Days))
		})
	route(a, operation{id: "stop-collecting", method: http.MethodPost, path: "/api/v1/quality/minimisation/stop", scope: token.Write, tag: tag,
		summary: "Take an event or a property out from now on, by a transform rule"},
		func(ctx context.Context, in *struct{ Body clientele.StopRequest }) (*output[*clientele.TransformInForce], error) {
			return one(a.o.Quality.Stop(ctx, principalOf(ctx).Name, in.Body))
		})
	type actsInput struct{ Paging }
	route(a, operation{id: "list-quality-acts", method: http.MethodGet, path: "/api/v1/quality/acts", scope: token.Read, tag: tag, quiet: true,
		summary: "Who replayed what, and who changed which plan or rule, the newest first"},
		func(ctx context.Context, in *actsInput) (*pageOutput[clientele.QualityAct], error) {
			before, err := strconv.ParseUint(in.Cursor, 10, 64)
			if in.Cursor != "" && err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
			}
			items, err := a.o.Quality.Acts(ctx, clientele.Position(before), in.Limit)
			if err != nil {
				return nil, err
			}
			next := ""
			if len(items) == in.Limit {
				next = strconv.FormatUint(uint64(items[len(items)-1].Position), 10)
			}
			return pageOf(items, next), nil
		})
}
