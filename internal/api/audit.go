package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/audit"
	"clientele/internal/token"

	"github.com/danielgtaylor/huma/v2"
)

// Audit keeps who did what; audit.Log is one.
type Audit interface {
	// Record is Unavailable when it could not write: then the act is not answered.
	Record(r audit.Record, durable bool) error
	Hash(text string) string
	List(f audit.Filter, before uint64, limit int) ([]audit.Record, uint64, error)
	Verify(ctx context.Context) (*audit.Report, error)
}

func (a *API) auditRoutes() {
	type listInput struct {
		Paging
		By     string `query:"by" maxLength:"64" doc:"Only of the token of this name."`
		Act    string `query:"act" maxLength:"64" doc:"Only of this act, such as get-profile."`
		Target string `query:"target" maxLength:"600" doc:"Only about this: a profile id, or a hash as the list shows it."`
		Person string `query:"person" maxLength:"600" doc:"Only about this profile id, or this identifier: email:ann@example.com."`
	}
	route(a, operation{id: "list-audit", method: http.MethodGet, path: "/api/v1/audit", scope: token.Admin,
		tag: "operate", summary: "Who did what and who looked at whom, the newest first"},
		func(ctx context.Context, in *listInput) (*pageOutput[audit.Record], error) {
			before := uint64(0)
			if in.Cursor != "" {
				n, err := strconv.ParseUint(in.Cursor, 10, 64)
				if err != nil {
					return nil, clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
				}
				before = n
			}
			f := audit.Filter{By: in.By, Act: in.Act}
			if in.Target != "" {
				f.Targets = []string{in.Target}
			}
			if in.Person != "" {
				f.Targets = append(f.Targets, AuditTargets(ctx, a.o.Profiles, a.o.Audit, in.Person)...)
			}
			records, next, err := a.o.Audit.List(f, before, in.Limit)
			if err != nil {
				return nil, err
			}
			cursor := ""
			if next != 0 {
				cursor = strconv.FormatUint(next, 10)
			}
			return pageOf(records, cursor), nil
		})
	route(a, operation{id: "verify-audit", method: http.MethodGet, path: "/api/v1/audit/verify", scope: token.Admin,
		tag: "operate", summary: "Whether the chain of the audit log is whole", timeout: longTimeout},
		func(ctx context.Context, _ *struct{}) (*output[*audit.Report], error) {
			r, err := a.o.Audit.Verify(ctx)
			if err != nil {
				return nil, err
			}
			return &output[*audit.Report]{r}, nil
		})
}

// AuditTarget is how an identifier, or a profile id, stands in the audit log.
func AuditTarget(l interface{ Hash(string) string }, person string) string {
	if id, err := clientele.ParseProfileID(person); err == nil {
		return id.String()
	}
	return l.Hash(person)
}

// AuditTargets are all ways in which a person may stand in the audit log: as the identifier that was asked
// for, and as the profile's id, former ones included.
func AuditTargets(ctx context.Context, profiles Profiles, l interface{ Hash(string) string }, person string) []string {
	targets := []string{AuditTarget(l, person)}
	id := clientele.Identifier{Namespace: "id", Value: person}
	if ns, value, ok := strings.Cut(person, ":"); ok {
		id = clientele.Identifier{Namespace: clientele.Namespace(ns), Value: value}
	}
	if p, err := profiles.Profile(ctx, id, false); err == nil {
		targets = append(targets, p.ID.String())
		for _, former := range p.FormerIDs {
			targets = append(targets, former.String())
		}
	}
	return targets
}

// audited records what was asked and how it ended. Reading is recorded too, but does not wait for the disk.
func (a *API) audited(ctx context.Context, op *operation, in, out any, err error) error {
	if a.o.Audit == nil || op.quiet {
		return nil
	}
	outcome := "ok"
	if err != nil {
		outcome = string(clientele.ErrorCode(err))
	}
	targets := []string{}
	if o, many := out.(interface{ people() []clientele.ProfileID }); many && err == nil {
		for _, id := range o.people() {
			targets = append(targets, id.String())
		}
	}
	if len(targets) == 0 {
		targets = []string{a.target(op, in, out, err)}
	}
	for _, target := range targets {
		if err := a.o.Audit.Record(audit.Record{By: principalOf(ctx).Name, Act: op.id, Target: target, Outcome: outcome, Request: requestOf(ctx).id},
			op.method != http.MethodGet && op.scope != token.Read); err != nil {
			return err
		}
	}
	return nil
}

// denied records that a token asked for what it may not do.
func (a *API) denied(ctx huma.Context, by string) error {
	if a.o.Audit == nil {
		return nil
	}
	return a.o.Audit.Record(audit.Record{By: by, Act: ctx.Operation().OperationID, Outcome: string(clientele.Denied), Request: requestOf(ctx.Context()).id}, false)
}

// target is what an operation was about: the profile that it answered with, else the identifier,
// the SQL or the words that were asked for as a keyed hash, else a name that the program has accepted.
func (a *API) target(op *operation, in, out any, err error) string {
	if err == nil {
		body := member(out, "Body")
		for _, name := range []string{"ID", "Profile"} {
			if id, ok := value(member(body, name)).(clientele.ProfileID); ok && id != 0 {
				return id.String()
			}
		}
	}
	body := member(in, "Body")
	for _, from := range []reflect.Value{reflect.ValueOf(in), body} {
		ns, isPerson := text(member(from, "Namespace")), member(from, "Value").IsValid()
		if isPerson {
			if ns == "id" {
				return AuditTarget(a.o.Audit, text(member(from, "Value")))
			}
			return a.o.Audit.Hash(ns + ":" + text(member(from, "Value")))
		}
	}
	for _, from := range []reflect.Value{reflect.ValueOf(in), body} {
		for _, name := range []string{"SQL", "Q", "Profile"} {
			if s := text(member(from, name)); s != "" {
				return AuditTarget(a.o.Audit, s)
			}
		}
		// Names are chosen by operators; one that was refused may be anything.
		if s := text(member(from, "Name")); s != "" && err == nil {
			return s
		}
		if s := text(member(from, "Source")); s != "" { // whoever imports chooses it
			return a.o.Audit.Hash("source:" + s)
		}
	}
	return ""
}

// member is the field of that name of a struct or of what a pointer or an interface leads to; the zero
// Value when there is none.
func member(of any, name string) reflect.Value {
	v, ok := of.(reflect.Value)
	if !ok {
		v = reflect.ValueOf(of)
	}
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

func value(v reflect.Value) any {
	if !v.IsValid() || !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

func text(v reflect.Value) string {
	if v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}
