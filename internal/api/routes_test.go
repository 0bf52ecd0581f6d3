package api_test

import (
	"context"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// routes are all of them with the scope each needs and a body that is right.
var routes = []struct {
	method, path string
	scope        token.Scope
	body         string
}{
	{"GET", "/api/v1/profiles/email/ann@example.com", token.Read, ""},
	{"GET", "/api/v1/profiles?q=ann", token.Read, ""},
	{"POST", "/api/v1/profiles/lookup", token.Read, `{"namespace":"email","value":"ann@example.com"}`},
	{"POST", "/api/v1/profiles/names", token.Read, `{"ids":["p_0000000000k"]}`},
	{"GET", "/api/v1/profiles/email/ann@example.com/events", token.Read, ""},
	{"GET", "/api/v1/profiles/email/ann@example.com/summary", token.Read, ""},
	{"GET", "/api/v1/profiles/email/ann@example.com/identity", token.Read, ""},
	{"POST", "/api/v1/profiles/merge", token.Write, `{"profile":"p_0000000000k","identifiers":[{"namespace":"email","value":"b@example.com"}]}`},
	{"POST", "/api/v1/profiles/unmerge", token.Write, `{"profile":"","evidence":["x"]}`},
	{"POST", "/api/v1/identity/simulate", token.Read, `{"rules":{"namespaces":{"email":{"priority":1,"limit":1}},"default":{"priority":5,"limit":5}}}`},
	{"GET", "/api/v1/identity/health", token.Read, ""},
	{"POST", "/api/v1/profiles/consent", token.Write, `{"namespace":"email","value":"ann@example.com","consents":[{"purpose":"marketing","granted":true}]}`},
	{"POST", "/api/v1/profiles/access", token.Admin, `{"namespace":"email","value":"ann@example.com"}`},
	{"POST", "/api/v1/profiles/erase", token.Admin, `{"namespace":"email","value":"ann@example.com","dry_run":true}`},
	{"GET", "/api/v1/erasures", token.Admin, ""},
	{"GET", "/api/v1/erasures/er_7", token.Admin, ""},
	{"GET", "/api/v1/privacy/requests", token.Admin, ""},
	{"POST", "/api/v1/privacy/requests", token.Admin, `{"namespace":"email","value":"ann@example.com","kind":"access"}`},
	{"POST", "/api/v1/privacy/requests/rq_7/close", token.Admin, `{"outcome":"answered"}`},
	{"POST", "/api/v1/query", token.Read, `{"sql":"select 1"}`},
	{"POST", "/api/v1/explore", token.Read, `{"kind":"rfm"}`},
	{"POST", "/api/v1/explore/people", token.Read, `{"question":{"kind":"rfm"},"cell":{"segment":"new"}}`},
	{"GET", "/api/v1/explore/fields", token.Read, ""},
	{"GET", "/api/v1/status", token.Read, ""},
	{"GET", "/api/v1/status/digests", token.Read, ""},
	{"GET", "/api/v1/status/pulse", token.Read, ""},
	{"GET", "/api/v1/status/stream", token.Read, ""},
	{"GET", "/api/v1/events/stream?outcome=accepted", token.Read, ""},
	{"GET", "/api/v1/quarantine", token.Read, ""},
	{"POST", "/api/v1/quarantine/replay", token.Write, `{"all":true}`},
	{"GET", "/api/v1/audiences", token.Read, ""},
	{"GET", "/api/v1/audiences/vip", token.Read, ""},
	{"PUT", "/api/v1/audiences/vip", token.Write, `{"name":"vip","where":{"trait":"tier","op":"exists"}}`},
	{"DELETE", "/api/v1/audiences/vip", token.Write, ""},
	{"POST", "/api/v1/explore/audience", token.Write, `{"question":{"kind":"metric","measures":["customers"]},"cell":{},"name":"x"}`},
	{"GET", "/api/v1/saved", token.Read, ""},
	{"GET", "/api/v1/saved/goal/x", token.Read, ""},
	{"PUT", "/api/v1/saved/goal/x", token.Write, `{"kind":"goal","name":"x","goal":{"measure":"revenue","target":5}}`},
	{"DELETE", "/api/v1/saved/goal/x", token.Write, ""},
	{"GET", "/api/v1/saved/goal/x/answer", token.Read, ""},
	{"GET", "/api/v1/actions", token.Read, ""},
	{"GET", "/api/v1/models", token.Read, ""},
	{"POST", "/api/v1/models", token.Write, `{"name":"worth","kind":"ltv"}`},
	{"GET", "/api/v1/models/worth", token.Read, ""},
	{"PUT", "/api/v1/models/worth", token.Write, `{"name":"worth","kind":"ltv"}`},
	{"DELETE", "/api/v1/models/worth", token.Write, ""},
	{"POST", "/api/v1/models/worth/train", token.Write, ""},
	{"POST", "/api/v1/models/worth/cancel", token.Write, ""},
	{"POST", "/api/v1/models/worth/promote", token.Write, `{"version":1}`},
	{"POST", "/api/v1/models/worth/rollback", token.Write, ""},
	{"GET", "/api/v1/models/worth/versions", token.Read, ""},
	{"GET", "/api/v1/models/worth/report", token.Read, ""},
	{"GET", "/api/v1/models/worth/baseline", token.Read, ""},
	{"PUT", "/api/v1/actions/offer", token.Write, `{"name":"offer","value":5}`},
	{"DELETE", "/api/v1/actions/offer", token.Write, ""},
	{"POST", "/api/v1/decide", token.Read, `{"namespace":"email","value":"ann@example.com"}`},
	{"POST", "/api/v1/decide/d_7/outcome", token.Write, `{"outcome":"taken"}`},
	{"GET", "/api/v1/decide/report", token.Read, ""},
	{"POST", "/api/v1/decide/plan", token.Read, `{"audience":"vip"}`},
	{"GET", "/api/v1/recommendations", token.Read, ""},
	{"POST", "/api/v1/recommendations/train", token.Write, ""},
	{"GET", "/api/v1/recommendations/profiles/email/ann@example.com", token.Read, ""},
	{"GET", "/api/v1/recommendations/items/B-42", token.Read, ""},
	{"POST", "/api/v1/recommendations/session", token.Read, `{"items":["B-42"]}`},
	{"GET", "/api/v1/lifecycle", token.Read, ""},
	{"PUT", "/api/v1/lifecycle", token.Write, `{"default":true}`},
	{"DELETE", "/api/v1/lifecycle", token.Write, ""},
	{"GET", "/api/v1/identity/matching/runs", token.Read, ""},
	{"GET", "/api/v1/identity/rules", token.Read, ""},
	{"POST", "/api/v1/identity/matching/runs", token.Write, `{"dry":true}`},
	{"POST", "/api/v1/identity/matching/runs/7/approve", token.Write, ""},
	{"POST", "/api/v1/identity/matching/runs/7/discard", token.Write, ""},
	{"GET", "/api/v1/enrichment", token.Read, ""},
	{"DELETE", "/api/v1/enrichment/acme", token.Write, ""},
	{"POST", "/api/v1/enrichment/acme", token.Write, `{"revision":"r","namespace":"email","expires_at":"2030-01-01T00:00:00Z","rows":[{"key":"a","traits":{"x":1}}]}`},
	{"GET", "/api/v1/identity/matching/reviews?state=same&q=ann", token.Read, ""},
	{"POST", "/api/v1/identity/matching/reviews", token.Write, `{"ids":["e_1"],"verdict":"same"}`},
	{"GET", "/api/v1/audiences/vip/members", token.Read, ""},
	{"GET", "/api/v1/audiences/vip/moves", token.Read, ""},
	{"GET", "/api/v1/consent", token.Read, ""},
	{"GET", "/api/v1/percentiles", token.Read, ""},
	{"POST", "/api/v1/percentiles/refresh", token.Write, ""},
	{"GET", "/api/v1/previews/tab-1", token.Read, ``},
	{"POST", "/api/v1/audiences/preview", token.Read, `{"where":{"trait":"tier","op":"exists"}}`},
	{"POST", "/api/v1/audiences/overlap", token.Read, `{"audiences":[{"name":"vip"},{"where":{"trait":"tier","op":"exists"}}]}`},
	{"POST", "/api/v1/audiences/vip/list?namespace=email&keep_unmatched=true", token.Write, "ann@example.com"},
	{"GET", "/api/v1/audiences/vip/suppressed", token.Read, ""},
	{"POST", "/api/v1/audiences/vip/refresh", token.Write, ""},
	{"GET", "/api/v1/values?of=trait&name=tier&prefix=g", token.Read, ""},
	{"GET", "/api/v1/plans", token.Read, ""},
	{"GET", "/api/v1/plans/shop", token.Read, ""},
	{"PUT", "/api/v1/plans/shop", token.Write, `{"name":"shop","events":{"Order":{"schema":{"type":"object"}}}}`},
	{"DELETE", "/api/v1/plans/shop", token.Write, ""},
	{"POST", "/api/v1/plans/test", token.Read, `{"plan":{"name":"shop","events":{}},"recent":10}`},
	{"POST", "/api/v1/plans/propose", token.Read, `{"source":"web"}`},
	{"GET", "/api/v1/transforms", token.Read, ""},
	{"GET", "/api/v1/transforms/r", token.Read, ""},
	{"PUT", "/api/v1/transforms/r", token.Write, `{"name":"r","steps":[{"op":"filter"}]}`},
	{"DELETE", "/api/v1/transforms/r", token.Write, ""},
	{"POST", "/api/v1/transforms/test", token.Read, `{"rule":{"name":"r","steps":[{"op":"filter"}]},"events":[{"source":"web","message":{"type":"track"}}]}`},
	{"GET", "/api/v1/computed-traits", token.Read, ""},
	{"GET", "/api/v1/computed-traits/r", token.Read, ""},
	{"PUT", "/api/v1/computed-traits/r", token.Write, `{"name":"r","definition":{"event":"Look","count":true}}`},
	{"DELETE", "/api/v1/computed-traits/r", token.Write, ""},
	{"POST", "/api/v1/computed-traits/preview", token.Read, `{"name":"r","definition":{"event":"Look","count":true},"namespace":"email","value":"ann@example.com"}`},
	{"GET", "/api/v1/retention", token.Read, ""},
	{"PUT", "/api/v1/retention/r", token.Admin, `{"name":"r","older_than":"90d"}`},
	{"DELETE", "/api/v1/retention/r", token.Admin, ""},
	{"POST", "/api/v1/retention/preview", token.Read, `{"name":"r","older_than":"90d","events":["Look"]}`},
	{"GET", "/api/v1/quality/violations?source=web", token.Read, ""},
	{"GET", "/api/v1/quality/properties", token.Read, ""},
	{"GET", "/api/v1/quality/drift", token.Read, ""},
	{"GET", "/api/v1/quality/volumes?hours=1", token.Read, ""},
	{"GET", "/api/v1/quality/freshness", token.Read, ""},
	{"GET", "/api/v1/quality/touchpoints", token.Read, ""},
	{"GET", "/api/v1/quality/minimisation?days=30", token.Read, ""},
	{"POST", "/api/v1/quality/minimisation/stop", token.Write, `{"source":"web","event":"Order"}`},
	{"GET", "/api/v1/quality/acts?limit=2&cursor=9", token.Read, ""},
	{"POST", "/api/v1/import/shop", token.Write, `{"table":"orders","id":"1"}`},
	{"POST", "/api/v1/reload", token.Admin, ""},
	{"GET", "/api/v1/sources", token.Read, ""},
	{"PUT", "/api/v1/sources/till", token.Admin, `{"name":"till","kind":"server"}`},
	{"DELETE", "/api/v1/sources/till", token.Admin, ""},
	{"GET", "/api/v1/audit", token.Admin, ""},
	{"GET", "/api/v1/audit/verify", token.Admin, ""},
	{"POST", "/api/v1/backups", token.Admin, `{"name":"b"}`},
	{"GET", "/api/v1/backups", token.Admin, ""},
	{"GET", "/api/v1/export?what=orders", token.Read, ""},
	{"POST", "/api/v1/export", token.Read, `{"what":"orders","format":"csv"}`},
	{"POST", "/api/v1/exports", token.Admin, `{"what":"orders","format":"csv","to":"x"}`},
	{"GET", "/api/v1/exports", token.Read, ""},
	{"GET", "/api/v1/exports/x", token.Read, ""},
	{"DELETE", "/api/v1/exports/x", token.Admin, ""},
	{"GET", "/api/v1/tokens", token.Admin, ""},
	{"POST", "/api/v1/tokens", token.Admin, `{"name":"new","scopes":["read"]}`},
	{"DELETE", "/api/v1/tokens/the-collect", token.Admin, ""},
	{"GET", "/api/v1/me", token.Read, ""},
	{"POST", "/api/v1/me/password", token.Read, `{"current":"a","password":"b"}`},
	{"GET", "/api/v1/users", token.Admin, ""},
	{"POST", "/api/v1/users", token.Admin, `{"name":"x","role":"viewer","password":"b"}`},
	{"PUT", "/api/v1/users/x", token.Admin, `{"role":"analyst"}`},
	{"PUT", "/api/v1/users/x/password", token.Admin, `{"password":"b"}`},
	{"DELETE", "/api/v1/users/x", token.Admin, ""},
	{"POST", "/api/v1/audiences/vip/approve", token.Admin, "{}"},
	{"DELETE", "/api/v1/audiences/vip/draft", token.Write, ""},
	{"PUT", "/api/v1/audiences/vip/owner", token.Write, `{"owner":"x"}`},
	{"GET", "/api/v1/audiences/vip/comments", token.Read, ""},
	{"POST", "/api/v1/audiences/vip/comments", token.Write, `{"text":"x"}`},
	{"DELETE", "/api/v1/audiences/vip/comments/7", token.Write, ""},
}

func (p *product) QueryMasked(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	return p.Query(ctx, sql, params, maxRows)
}

// people are users, and what they do about audiences.
type people struct{ *product }

func (people) ListUsers(context.Context) ([]token.User, error) { return []token.User{{Name: "x"}}, nil }
func (people) AddUser(_ context.Context, name string, r role.Role, _ string) (*token.User, error) {
	return &token.User{Name: name, Role: r}, nil
}
func (people) ChangeUser(_ context.Context, name string, _ token.UserChange) (*token.User, error) {
	return &token.User{Name: name}, nil
}
func (people) SetPassword(context.Context, string, string) error            { return nil }
func (people) ChangePassword(context.Context, string, string, string) error { return nil }
func (people) DeleteUser(context.Context, string) error                     { return nil }

func (people) DraftAudience(_ context.Context, _ string, a clientele.Audience) (*clientele.AudienceInForce, error) {
	return &clientele.AudienceInForce{Audience: a}, nil
}
func (people) ApproveAudience(context.Context, string, string, clientele.Position) (*clientele.AudienceInForce, error) {
	return &clientele.AudienceInForce{}, nil
}
func (people) WithdrawDraft(context.Context, string, string, bool) error { return nil }
func (people) SetAudienceOwner(context.Context, string, string, string) (*clientele.AudienceInForce, error) {
	return &clientele.AudienceInForce{}, nil
}
func (people) AudienceComments(context.Context, string) ([]clientele.AudienceComment, error) {
	return nil, nil
}
func (people) CommentAudience(context.Context, string, string, string) (*clientele.AudienceComment, error) {
	return &clientele.AudienceComment{}, nil
}
func (people) DeleteComment(context.Context, string, string, clientele.Position, bool) error {
	return nil
}
