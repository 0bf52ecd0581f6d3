package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// humaContext has a name that does not hide the method Context when it is embedded.
type humaContext huma.Context

// statusContext lets problemTransformer choose the status: the library says 422 for what does not fit
// a schema and 500 for a body that broke off, and both are 400 here.
type statusContext struct {
	humaContext
	status int // 0 = as the library says
}

func (c *statusContext) SetStatus(code int) {
	if c.status != 0 {
		code = c.status
	}
	c.humaContext.SetStatus(code)
}

// Unwrap lets the adapter find its own context.
func (c *statusContext) Unwrap() huma.Context { return c.humaContext }

func (a *API) statuses(ctx huma.Context, next func(huma.Context)) {
	next(&statusContext{humaContext: ctx})
}

// overrideStatus sets the status of the answer that is being written.
func overrideStatus(ctx huma.Context, status int) {
	for ctx != nil {
		if c, ok := ctx.(*statusContext); ok {
			c.status = status
			return
		}
		u, ok := ctx.(interface{ Unwrap() huma.Context })
		if !ok {
			return
		}
		ctx = u.Unwrap()
	}
}

type principalKey struct{}

// principalOf is who asks. Every handler behind authenticate has one.
func principalOf(ctx context.Context) token.Principal {
	p, _ := ctx.Value(principalKey{}).(token.Principal)
	return p
}

// authenticate lets a request through whose token has the operation's scope, or whose role the right. It runs before
// the body is read.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	p, err := a.principal(ctx)
	if clientele.ErrorCode(err) == clientele.Denied {
		if unrecorded := a.denied(ctx, p.Name); unrecorded != nil {
			err = unrecorded
		}
	}
	if err != nil {
		r, w := humago.Unwrap(ctx)
		problem := problemOf(r.Context(), err)
		a.logFault(r.Context(), problem, err)
		problem.write(w)
		return
	}
	requestOf(ctx.Context()).principal = p.Name
	if a.o.Limit != nil && !p.Local {
		if wait := a.o.Limit(p.Name, a.o.Now()); wait > 0 {
			r, w := humago.Unwrap(ctx)
			TooMany(w, r, wait)
			return
		}
	}
	next(huma.WithValue(ctx, principalKey{}, p))
}

func (a *API) principal(ctx huma.Context) (token.Principal, error) {
	scope, _ := ctx.Operation().Metadata[metaScope].(token.Scope)
	n, _ := needOf(ctx.Operation().OperationID)
	return principalFor(ctx.Context(), a.o.Tokens, ctx.Header("Authorization"), scope, n)
}

// principalFor is who an Authorization header stands for: Unknown for nobody, Denied, with the principal,
// without the role's right or the scope.
func principalFor(ctx context.Context, tokens Tokens, authorization string, scope token.Scope, n need) (token.Principal, error) {
	scheme, secret, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(secret) == "" {
		return token.Principal{}, clientele.Errorf(clientele.Unknown, "a token is missing").
			WithHint("send the header Authorization: Bearer TOKEN")
	}
	p, err := tokens.Check(ctx, strings.TrimSpace(secret))
	if err != nil {
		return token.Principal{}, err
	}
	return p, allowed(p, scope, n)
}

// Guard lets requests through to a handler outside the API whose token has the scope; the others are
// answered as the API answers.
func Guard(tokens Tokens, scope token.Scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := principalFor(r.Context(), tokens, r.Header.Get("Authorization"), scope, need{right: role.Govern})
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		requestOf(r.Context()).principal = p.Name
		next.ServeHTTP(w, r)
	})
}

// deadlines bounds how long the operation may take, and how long its answer may take to leave.
func (a *API) deadlines(ctx huma.Context, next func(huma.Context)) {
	timeout, _ := ctx.Operation().Metadata[metaTimeout].(time.Duration)
	_, w := humago.Unwrap(ctx)
	// Not every writer has deadlines: a test's recorder has none, and then there is none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + requestTimeout))
	limited, cancel := context.WithTimeout(ctx.Context(), timeout)
	defer cancel()
	next(huma.WithContext(ctx, limited))
}
