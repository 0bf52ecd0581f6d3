// Package api is the HTTP API under /api/v1 and its OpenAPI description: Bearer tokens with
// scopes, problem details for errors, pages with cursors. It knows the rest of the program only
// through the small interfaces below.
package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Profiles reads profiles. An identifier of namespace "id" is a profile id or a former one.
// NotFound when nobody has the identifier; Invalid when the cursor is not one of ours.
type Profiles interface {
	Profile(ctx context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error)
	// Names are what the profiles are called, without those that there are not.
	Names(ctx context.Context, ids []clientele.ProfileID) ([]clientele.ProfileName, error)
	// Search finds profiles by what people type: a name, an address, an id. An empty q lists all.
	Search(ctx context.Context, q string, limit int, cursor string) ([]*clientele.Profile, string, error)
	// Events are the newest first.
	Events(ctx context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error)
	// Summary is what who serves the person has at hand.
	Summary(ctx context.Context, id clientele.Identifier) (*clientele.Summary, error)
}

// Identity explains and changes who is one person. by is the name of the token that asks.
type Identity interface {
	Identity(ctx context.Context, id clientele.Identifier) (*clientele.IdentityView, error)
	Merge(ctx context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error)
	Unmerge(ctx context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error)
	// Simulate changes nothing. sample is how many changed groups it shows at most.
	Simulate(ctx context.Context, rules clientele.IdentityRules, sample int) (*clientele.Simulation, error)
	IdentityHealth(ctx context.Context) (*clientele.IdentityHealth, error)
	// IdentityRules are those in force.
	IdentityRules(ctx context.Context) (*clientele.IdentityRules, error)
}

// Querier runs one SELECT. Invalid when the statement is refused or wrong.
type Querier interface {
	Query(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error)
	// QueryMasked gives null for everything that may say who somebody is.
	QueryMasked(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error)
}

// Quarantine lists what could not be used, the newest first, and tries it again.
type Quarantine interface {
	Quarantine(ctx context.Context, q clientele.QuarantineQuery, limit int, cursor string) ([]clientele.Quarantined, string, error)
	// Replay tries the records again, all of them when ids is empty, and says how many.
	Replay(ctx context.Context, by string, ids []string) (int, error)
	// ReplayFound tries those again that the query asks for.
	ReplayFound(ctx context.Context, by string, q clientele.QuarantineQuery) (int, error)
}

// Importer appends records that a client has mapped. They are durable when it returns.
type Importer interface {
	Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error)
}

// Stater says how the program is doing.
type Stater interface {
	Status(ctx context.Context) (*clientele.Status, error)
	// Ready is nil when requests can be served.
	Ready() error
	// Digests are checksums of every table's content: equal content, equal digest.
	Digests(ctx context.Context) (map[string]string, error)
}

// Exports brings rows out. by is the name of the token that asks.
type Exports interface {
	// StartExport has an export carried out. Denied when its place is not one that is allowed.
	StartExport(ctx context.Context, by string, req clientele.ExportRequest) (*clientele.Export, error)
	// Exports lists them, the newest first.
	Exports(ctx context.Context, limit int, cursor string) ([]clientele.Export, string, error)
	ScheduledExports() []clientele.ScheduledExport
	ExportStatus(ctx context.Context, id string) (*clientele.Export, error)
	// CancelExport is Conflict when the export has ended.
	CancelExport(ctx context.Context, id string) (*clientele.Export, error)
	// StreamExport writes all rows as one file. What is wrong with the request is found before
	// the first byte is written.
	StreamExport(ctx context.Context, by string, req clientele.ExportRequest, w io.Writer) error
	// ExportRows hands over the rows themselves.
	ExportRows(ctx context.Context, by string, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error
}

// Tokens keeps the tokens; token.Store is one.
type Tokens interface {
	Check(ctx context.Context, secret string) (token.Principal, error)
	CreateToken(ctx context.Context, name string, scopes []token.Scope) (secret string, info token.Info, err error)
	CreateRoleToken(ctx context.Context, name string, r role.Role) (secret string, info token.Info, err error)
	ListTokens(ctx context.Context) ([]token.Info, error)
	RevokeToken(ctx context.Context, name string) error
	// Instance names this run of the server; /healthz tells it.
	Instance() string
}

// Options are what the API serves and how.
type Options struct {
	Profiles   Profiles
	Identity   Identity
	Query      Querier
	Explore    Explorer
	Quarantine Quarantine
	Import     Importer
	Status     Stater
	Privacy    Privacy
	Backups    Backups
	Exports    Exports
	Audit      Audit // nil = nothing is recorded
	Plans      Plans
	Audiences  Audiences
	Lifecycle  Lifecycle
	Matching   Matching
	Enriching  Enriching
	Saved      Saver
	Recommend  Recommender
	Decide     Decider
	Quality    Quality
	Computed   Computed
	Models     Models
	Reload     Reloader
	Live       Live
	Sources    Sources
	// Limit is how long the token of that name has to wait; nil = no limit. Commands on the server's machine have none.
	Limit  func(name string, now time.Time) time.Duration
	Tokens Tokens
	Users  Users
	Work   Work
	// Approval has audiences wait for somebody's word that are made by roles without the right to approve.
	Approval bool
	// Personal are the fields that roles see masked or not at all; nil = the default ones.
	Personal *role.Personal
	Log      *slog.Logger // nil = silent
	Version  string
	Now      func() time.Time // gives imported records their received time; nil = time.Now

	QueryTimeout time.Duration // of one SQL statement; 0 = 30 s
	QueryMaxRows int           // at most, whatever the request says; 0 = 10,000
}

// API is the handler.
type API struct {
	o    Options
	mux  *http.ServeMux
	huma huma.API
	doc  func() ([]byte, error) // the description, written when first asked for
}

// Times and sizes of one request.
const (
	requestTimeout = 30 * time.Second
	longTimeout    = 10 * time.Minute // simulations, replays, digests
	maxBody        = 1 << 20
)

// New makes the handler. All interfaces in o must be there.
func New(o Options) (*API, error) {
	if o.QueryTimeout == 0 {
		o.QueryTimeout = 30 * time.Second
	}
	if o.QueryMaxRows == 0 {
		o.QueryMaxRows = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Personal == nil {
		o.Personal = role.NewPersonal(nil)
	}
	a := &API{o: o, mux: http.NewServeMux()}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	// Raw JSON is any JSON, not the list of bytes it is made of.
	registry.RegisterTypeAlias(reflect.TypeFor[clientele.RawJSON](), reflect.TypeFor[any]())
	a.huma = humago.New(a.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Clientele", Version: o.Version,
				Description: "The API of the customer data platform. Errors are problem details (RFC 9457) with a code and, where there is one, a hint."},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer",
					Description: "A token made with: clientele token create NAME --scope SCOPE. Scopes: read, write, collect, admin."}},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{problemTransformer},
	})
	a.huma.UseMiddleware(a.statuses, a.authenticate, a.deadlines)
	a.profileRoutes()
	a.identityRoutes()
	a.privacyRoutes()
	a.planRoutes()
	a.audienceRoutes()
	a.computedRoutes()
	a.modelRoutes()
	a.lifecycleRoutes()
	a.matchingRoutes()
	a.enrichmentRoutes()
	a.savedRoutes()
	a.recommendRoutes()
	a.decideRoutes()
	a.qualityRoutes()
	a.queryRoutes()
	a.exploreRoutes()
	a.operatingRoutes()
	a.backupRoutes()
	a.auditRoutes()
	a.reloadRoutes()
	a.liveRoutes()
	a.sourceRoutes()
	a.importRoutes()
	a.exportRoutes()
	a.tokenRoutes()
	a.userRoutes()
	a.workRoutes()
	// The library describes errors by its own model, which is never sent.
	delete(registry.Map(), "ErrorModel")
	delete(registry.Map(), "ErrorDetail")
	a.doc = sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.mux.HandleFunc("GET /api/openapi.json", a.openapi)
	a.mux.HandleFunc("GET /healthz", a.healthz)
	a.mux.HandleFunc("GET /readyz", a.readyz)
	a.mux.HandleFunc("/", a.unknown)
	return a, nil
}

// ServeHTTP serves /api/, /healthz and /readyz.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // answers hold people's data
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	a.mux.ServeHTTP(w, r)
}

// Register puts the API's routes into a mux that others share.
func (a *API) Register(mux *http.ServeMux) {
	for _, pattern := range []string{"/api/", "/healthz", "/readyz"} {
		mux.Handle(pattern, a)
	}
}

func (a *API) openapi(w http.ResponseWriter, r *http.Request) {
	doc, err := a.doc()
	if err != nil {
		writeProblem(w, r, clientele.Errorf(clientele.Internal, "openapi: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(doc) // nobody is left to tell
}

// unknown answers for paths and methods that are not there.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := a.mux.Handler(other); pattern != "" && pattern != "/" {
			if allowed != "" {
				allowed += ", "
			}
			allowed += m
		}
	}
	if allowed == "" {
		writeProblem(w, r, clientele.Errorf(clientele.NotFound, "there is no such path").WithHint("GET /api/openapi.json describes every path"))
		return
	}
	w.Header().Set("Allow", allowed)
	p := problemOf(r.Context(), clientele.Errorf(clientele.Invalid, "the path has no %s", r.Method).WithHint("it has %s", allowed))
	p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	p.write(w)
}

// operation is a route: what is documented of it, who may call it, how long it may take.
type operation struct {
	id, method, path string
	summary          string
	tag              string
	scope            token.Scope
	timeout          time.Duration // 0 = requestTimeout
	body             int64         // limit in bytes; 0 = maxBody
	quiet            bool          // shows nothing of people and changes nothing: not for the audit log
	responses        map[string]*huma.Response
}

const (
	metaScope   = "scope"
	metaTimeout = "timeout"
)

// route registers the operation. Errors of the handler become problems by their code.
func route[I, O any](a *API, op operation, handle func(context.Context, *I) (*O, error)) {
	if op.timeout == 0 {
		op.timeout = requestTimeout
	}
	if op.body == 0 {
		op.body = maxBody
	}
	if op.responses == nil {
		op.responses = map[string]*huma.Response{}
	}
	n, decided := needOf(op.id)
	extensions := map[string]any{}
	if decided {
		extensions["x-right"], extensions["x-clear"] = string(n.right), n.clear
	}
	problem := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for _, status := range []string{"400", "401", "403", "default"} {
		op.responses[status] = &huma.Response{Description: describe(status),
			Content: map[string]*huma.MediaType{problemType: {Schema: problem}}}
	}
	huma.Register(a.huma, huma.Operation{
		OperationID:     op.id,
		Method:          op.method,
		Path:            op.path,
		Summary:         op.summary,
		Tags:            []string{op.tag},
		Security:        []map[string][]string{{"token": {string(op.scope)}}},
		MaxBodyBytes:    op.body + 1, // the library refuses a body that reaches the limit
		BodyReadTimeout: requestTimeout,
		Responses:       op.responses,
		Metadata:        map[string]any{metaScope: op.scope, metaTimeout: op.timeout},
		Extensions:      extensions,

		RejectUnknownQueryParameters: true,
	}, func(ctx context.Context, in *I) (*O, error) {
		var out *O
		err := a.asked(ctx, n, in)
		if err == nil {
			out, err = handle(ctx, in)
		}
		if unrecorded := a.audited(ctx, &op, in, out, err); unrecorded != nil {
			err = unrecorded
		}
		if err != nil {
			p := problemOf(ctx, err)
			a.logFault(ctx, p, err)
			return nil, p
		}
		return shown(ctx, a, out), nil
	})
}

func describe(status string) string {
	switch status {
	case "400":
		return "The request is wrong: detail says where."
	case "401":
		return "The token is missing or not known."
	case "403":
		return "The token lacks the scope, or the role the right (x-right of the operation)."
	}
	return "Any other error: 404 not found, 409 conflict, 413 too large, 429 too many requests, 500 a fault of the program, 503 try again later."
}

// page is a part of a list. next is empty at the end.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"Cursor of the next page; empty at the end."`
}

type pageOutput[T any] struct{ Body page[T] }

func pageOf[T any](items []T, next string) *pageOutput[T] {
	if items == nil {
		items = []T{}
	}
	return &pageOutput[T]{page[T]{items, next}}
}

// Paging is the input of every list. It is exported because the library reads embedded structs only then.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many items at most."`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before."`
}

type output[T any] struct{ Body T }
