package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/audit"
	"clientele/internal/token"
)

// ledger is an audit log in memory that can fail.
type ledger struct {
	mu      sync.Mutex // connections record at once
	records []audit.Record
	err     error
}

func (l *ledger) Record(r audit.Record, _ bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return l.err
}
func (l *ledger) Hash(text string) string { return "#" + string(rune('a'+len(text)%26)) }
func (l *ledger) List(audit.Filter, uint64, int) ([]audit.Record, uint64, error) {
	return l.records, 7, nil
}
func (l *ledger) Verify(context.Context) (*audit.Report, error) { return &audit.Report{Last: 7}, nil }

// Every route is recorded, but for those that show nothing of people; what is recorded has no personal datum.
func TestEveryRouteIsAudited(t *testing.T) {
	quiet := map[string]bool{"who-am-i": true, "list-comments": true, "get-status": true, "get-pulse": true, "stream-pulse": true, "get-identity-rules": true, "list-sources": true, "list-explore-fields": true, "get-digests": true, "get-identity-health": true, "get-backup": true,
		"list-audiences": true, "get-lifecycle": true, "list-saved": true, "get-saved": true, "list-matching-runs": true, "list-enrichment": true, "list-percentiles": true, "preview-progress": true, "get-audience": true, "list-plans": true, "get-plan": true, "list-transforms": true, "get-transform": true, "list-retention": true, "list-requests": true, "get-consent": true, "list-computed-traits": true, "get-computed-trait": true, "list-violations": true, "list-properties": true, "list-drift": true,
		"list-volumes": true, "list-freshness": true, "get-touchpoints": true, "get-minimisation": true, "list-quality-acts": true, "list-actions": true, "list-models": true, "get-model": true, "list-model-versions": true, "get-model-report": true, "get-model-baseline": true, "decision-report": true, "recommend-status": true, "recommend-item": true, "recommend-session": true}
	all := newSite(t)
	for _, rt := range routes {
		s := all.again(t, rt.method, rt.path)
		// A token without the scope leaves a trace, too.
		for scope, secret := range s.tokens {
			if scope == rt.scope || scope == token.Admin {
				continue
			}
			s.audit.records = nil
			if w := s.do(rt.method, rt.path, secret, rt.body); w.Code != 403 || len(s.audit.records) != 1 || s.audit.records[0].Outcome != "denied" || s.audit.records[0].By != "the-"+string(scope) {
				t.Errorf("%s %s with %s: %d %+v", rt.method, rt.path, scope, w.Code, s.audit.records)
			}
			break
		}
		s.audit.records = nil
		w := s.do(rt.method, rt.path, s.tokens[token.Admin], rt.body)
		if w.Code/100 != 2 {
			t.Errorf("%s %s: %d %s", rt.method, rt.path, w.Code, w.Body)
			continue
		}
		if len(s.audit.records) == 0 {
			if op := s.operationOf(t, rt.method, rt.path); !quiet[op] {
				t.Errorf("%s is not recorded", op)
			}
			continue
		}
		r := s.audit.records[0]
		if len(s.audit.records) != 1 || r.By != "the-admin" || r.Outcome != "ok" || r.Request == "" || r.Act != s.operationOf(t, rt.method, rt.path) {
			t.Errorf("%s %s: %+v", rt.method, rt.path, s.audit.records)
		}
		text, err := json.Marshal(s.audit.records)
		if err != nil || strings.Contains(string(text), "ann") || strings.Contains(string(text), "example.com") {
			t.Errorf("%s %s: a personal datum: %s", rt.method, rt.path, text)
		}
		if strings.Contains(rt.path, "/profiles") && r.Target == "" && !strings.Contains(rt.path, "unmerge") {
			t.Errorf("%s %s does not say whom", rt.method, rt.path)
		}
	}
}

// operationOf is the operation's id in the description.
func (s *site) operationOf(t *testing.T, method, path string) string {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	if s.operations == nil {
		var doc struct {
			Paths map[string]map[string]struct {
				OperationID string `json:"operationId"`
			} `json:"paths"`
		}
		if err := json.Unmarshal(s.do("GET", "/api/openapi.json", "", "").Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		s.operations = map[string]map[string]string{}
		for template, methods := range doc.Paths {
			s.operations[template] = map[string]string{}
			for m, op := range methods {
				s.operations[template][m] = op.OperationID
			}
		}
	}
	best, id := -1, ""
	for template, methods := range s.operations {
		t := strings.Split(template, "/")
		same := 0
		for i := range t {
			if len(t) != len(parts) || t[i] != parts[i] && !strings.HasPrefix(t[i], "{") {
				same = -1
				break
			}
			if t[i] == parts[i] {
				same++
			}
		}
		if op, ok := methods[strings.ToLower(method)]; ok && same > best {
			best, id = same, op
		}
	}
	return id
}

// What cannot be recorded is not answered.
func TestNoAnswerWithoutRecord(t *testing.T) {
	s := newSite(t)
	s.audit.err = clientele.Errorf(clientele.Unavailable, "audit log: %w", errors.New("no space left"))
	w := s.do("GET", "/api/v1/profiles/email/ann@example.com", s.tokens[token.Read], "")
	if p := problem(t, w); w.Code != 503 || p.Code != clientele.Unavailable || strings.Contains(w.Body.String(), "p_") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Who asks for the names of many people has looked at each of them.
func TestEachOfManyIsAudited(t *testing.T) {
	s := newSite(t)
	w := s.do("POST", "/api/v1/profiles/names", s.tokens[token.Read], `{"ids":["p_0000000000k","p_0000000000m"]}`)
	if r := s.audit.records; w.Code != 200 || len(r) != 2 || r[0].Target != clientele.ProfileID(77).String() || r[1].Target != clientele.ProfileID(78).String() || r[1].Act != "name-profiles" {
		t.Errorf("%d %+v", w.Code, r)
	}
}

func TestAuditOfErrors(t *testing.T) {
	s := newSite(t)
	s.err = clientele.Errorf(clientele.NotFound, "no profile has that identifier")
	s.do("GET", "/api/v1/profiles/email/ann@example.com", s.tokens[token.Read], "")
	if r := s.audit.records; len(r) != 1 || r[0].Outcome != "not_found" || r[0].Act != "get-profile" || !strings.HasPrefix(r[0].Target, "#") {
		t.Errorf("%+v", r)
	}
}
