package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Models keeps models, their versions and what became of them. by is the name of the token that asks. NotFound says that there
// is no model, or version, of that name; Conflict that something is under way with it, or that its state does not allow it.
type Models interface {
	Models(ctx context.Context) ([]clientele.ModelInForce, error)
	Model(ctx context.Context, name string) (*clientele.ModelInForce, error)
	SetModel(ctx context.Context, by string, m clientele.Model) (*clientele.ModelInForce, error)
	DeleteModel(ctx context.Context, by, name string) error
	// TrainModel begins a training, which goes on behind the answer.
	TrainModel(ctx context.Context, by, name string) (*clientele.ModelInForce, error)
	CancelModel(ctx context.Context, name string) (*clientele.ModelInForce, error)
	PromoteModel(ctx context.Context, by, name string, version int) (*clientele.ModelInForce, error)
	RollBackModel(ctx context.Context, by, name string) (*clientele.ModelInForce, error)
	ModelVersions(ctx context.Context, name string) ([]clientele.ModelVersion, error)
	ModelReport(ctx context.Context, name string, version int) (*clientele.ModelReport, error)
	// ModelBaseline is Invalid for models of other kinds than ltv.
	ModelBaseline(ctx context.Context, name string, version int, since, by string) (*clientele.ModelBaseline, error)
}

func (a *API) modelRoutes() {
	const tag = "models"
	type modelOutput = output[*clientele.ModelInForce]
	route(a, operation{id: "list-models", method: http.MethodGet, path: "/api/v1/models", scope: token.Read, tag: tag, quiet: true,
		summary: "Models that predict, what they are trained by, and what is under way"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.ModelInForce], error) {
			return all(a.o.Models.Models(ctx))
		})
	route(a, operation{id: "get-model", method: http.MethodGet, path: "/api/v1/models/{name}", scope: token.Read, tag: tag, quiet: true, summary: "A model"},
		func(ctx context.Context, in *Named) (*modelOutput, error) { return one(a.o.Models.Model(ctx, in.Name)) })
	route(a, operation{id: "create-model", method: http.MethodPost, path: "/api/v1/models", scope: token.Write, tag: tag,
		summary: "Make a model, or change the settings of the one of that name: its next version is trained by them"},
		func(ctx context.Context, in *struct{ Body clientele.Model }) (*modelOutput, error) {
			return one(a.o.Models.SetModel(ctx, principalOf(ctx).Name, in.Body))
		})
	type modelInput struct {
		Named
		Body clientele.Model
	}
	route(a, operation{id: "set-model", method: http.MethodPut, path: "/api/v1/models/{name}", scope: token.Write, tag: tag, summary: "Likewise, by its name"},
		func(ctx context.Context, in *modelInput) (*modelOutput, error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Models.SetModel(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-model", method: http.MethodDelete, path: "/api/v1/models/{name}", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "End a model, and what it predicts with it"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Models.DeleteModel(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "train-model", method: http.MethodPost, path: "/api/v1/models/{name}/train", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Train a new version behind the answer; running in the model says how far it is"},
		func(ctx context.Context, in *Named) (*modelOutput, error) {
			return one(a.o.Models.TrainModel(ctx, principalOf(ctx).Name, in.Name))
		})
	route(a, operation{id: "cancel-model", method: http.MethodPost, path: "/api/v1/models/{name}/cancel", scope: token.Write, tag: tag,
		summary: "Stop the training or scoring that is under way"},
		func(ctx context.Context, in *Named) (*modelOutput, error) {
			return one(a.o.Models.CancelModel(ctx, in.Name))
		})
	type promoteInput struct {
		Named
		Body struct {
			Version int `json:"version" minimum:"0" doc:"0 is the latest."`
		}
	}
	route(a, operation{id: "promote-model", method: http.MethodPost, path: "/api/v1/models/{name}/promote", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Have everybody scored by a version"},
		func(ctx context.Context, in *promoteInput) (*modelOutput, error) {
			return one(a.o.Models.PromoteModel(ctx, principalOf(ctx).Name, in.Name, in.Body.Version))
		})
	route(a, operation{id: "roll-back-model", method: http.MethodPost, path: "/api/v1/models/{name}/rollback", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Have everybody scored by the version that was promoted before"},
		func(ctx context.Context, in *Named) (*modelOutput, error) {
			return one(a.o.Models.RollBackModel(ctx, principalOf(ctx).Name, in.Name))
		})
	route(a, operation{id: "list-model-versions", method: http.MethodGet, path: "/api/v1/models/{name}/versions", scope: token.Read, tag: tag, quiet: true,
		summary: "Versions of a model, the latest first: what they learned from, what came of it, and their state"},
		func(ctx context.Context, in *Named) (*pageOutput[clientele.ModelVersion], error) {
			return all(a.o.Models.ModelVersions(ctx, in.Name))
		})
	type reportInput struct {
		Named
		Version int `query:"version" minimum:"0" doc:"Without it the promoted one, or the latest when none is."`
	}
	route(a, operation{id: "get-model-report", method: http.MethodGet, path: "/api/v1/models/{name}/report", scope: token.Read, tag: tag, quiet: true,
		summary: "How far a version can be believed: backtest beside naive guesses, calibration, lift, drivers, and why it was refused"},
		func(ctx context.Context, in *reportInput) (*output[*clientele.ModelReport], error) {
			return one(a.o.Models.ModelReport(ctx, in.Name, in.Version))
		})
	type baselineInput struct {
		Named
		Version int    `query:"version" minimum:"0" doc:"Of the older baseline; without it the one that was promoted before, or where there is none the present one."`
		Since   string `query:"since" doc:"The last day that the older baseline knows, as 2026-01-31; without it the last of its version, or 90 days ago."`
		By      string `query:"by" enum:"category,product" doc:"What is to weigh; category without it."`
	}
	route(a, operation{id: "get-model-baseline", method: http.MethodGet, path: "/api/v1/models/{name}/baseline", scope: token.Read, tag: tag, quiet: true, timeout: longTimeout,
		summary: "Of a model of value: an older baseline against the present one, who moved tiers, and because of what"},
		func(ctx context.Context, in *baselineInput) (*output[*clientele.ModelBaseline], error) {
			return one(a.o.Models.ModelBaseline(ctx, in.Name, in.Version, in.Since, in.By))
		})
}
