package token_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/token"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func open(t *testing.T, dir string) *token.Store {
	t.Helper()
	s, err := token.Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLifeOfAToken(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "made")
	s := open(t, dir)
	secret, info, err := s.CreateToken(ctx, "bi", []token.Scope{token.Read, token.Read})
	if err != nil || info.Name != "bi" || len(info.Scopes) != 1 || info.Created != clientele.MicrosOf(now()) {
		t.Fatalf("create = %+v, %v", info, err)
	}
	if !strings.HasPrefix(secret, "clt_") || len(secret) != 4+43 {
		t.Errorf("the secret is not clt_ and 32 bytes: %d characters", len(secret))
	}
	// It is known to this store and to the next one that opens the directory.
	for _, s := range []*token.Store{s, open(t, dir)} {
		p, err := s.Check(ctx, secret)
		if err != nil || p.Name != "bi" || !p.May(token.Read) || p.May(token.Write) || p.May(token.Admin) {
			t.Errorf("check = %+v, %v", p, err)
		}
	}
	if _, _, err := s.CreateToken(ctx, "bi", []token.Scope{token.Read}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("same name: %v", err)
	}
	if err := s.RevokeToken(ctx, "bi"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*token.Store{s, open(t, dir)} {
		if _, err := s.Check(ctx, secret); clientele.ErrorCode(err) != clientele.Unknown {
			t.Errorf("a revoked token: %v", err)
		}
	}
	if err := s.RevokeToken(ctx, "bi"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("revoked twice: %v", err)
	}
	again, _, err := s.CreateToken(ctx, "bi", []token.Scope{token.Write})
	if err != nil || again == secret {
		t.Errorf("a revoked name again: %v", err)
	}
	list, err := s.ListTokens(ctx)
	if err != nil || len(list) != 2 || list[0].Revoked == 0 || list[1].Revoked != 0 {
		t.Errorf("list = %+v, %v", list, err)
	}
}

func TestFileHoldsNoSecret(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	secret, err := s.EnsureAdmin(context.Background())
	if err != nil || secret == "" {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "tokens.json"))
	if err != nil || strings.Contains(string(b), secret[4:]) || strings.Contains(string(b), s.Local()) {
		t.Errorf("the file shows a secret (%v)", err)
	}
	st, err := os.Stat(filepath.Join(dir, "tokens.json"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", st.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "tokens.json.*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestEnsureAdminOnce(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	if _, _, err := s.CreateToken(ctx, "admin", []token.Scope{token.Read}); err != nil {
		t.Fatal(err) // a token of that name without the scope is no admin
	}
	secret, err := s.EnsureAdmin(ctx)
	if err != nil || secret == "" {
		t.Fatalf("first start: %q, %v", secret, err)
	}
	if p, err := s.Check(ctx, secret); err != nil || !p.May(token.Write) || !p.May(token.Collect) {
		t.Errorf("admin = %+v, %v", p, err)
	}
	if again, err := open(t, dir).EnsureAdmin(ctx); err != nil || again != "" {
		t.Errorf("second start: %q, %v", again, err)
	}
}

func TestTrustEndsWithTheStore(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	s.Trust("config", "configured-secret", token.Admin)
	for _, secret := range []string{"configured-secret", s.Local()} {
		if p, err := s.Check(ctx, secret); err != nil || !p.May(token.Admin) {
			t.Errorf("trusted = %+v, %v", p, err)
		}
		if _, err := open(t, dir).Check(ctx, secret); clientele.ErrorCode(err) != clientele.Unknown {
			t.Errorf("in the next process: %v", err)
		}
	}
	for _, wrong := range []string{"", "clt_", s.Instance(), s.Local() + "x"} {
		if _, err := s.Check(ctx, wrong); clientele.ErrorCode(err) != clientele.Unknown {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestRefusedNamesAndScopes(t *testing.T) {
	s := open(t, t.TempDir())
	for _, tt := range []struct {
		name   string
		scopes []token.Scope
	}{{"", []token.Scope{token.Read}}, {"a b", []token.Scope{token.Read}}, {"local", []token.Scope{token.Read}}, {"a", nil}, {"a", []token.Scope{"root"}}} {
		if _, _, err := s.CreateToken(context.Background(), tt.name, tt.scopes); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%q %v: %v", tt.name, tt.scopes, err)
		}
	}
}

func TestBrokenFile(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"{", `{"version":9,"tokens":[]}`} {
		if err := os.WriteFile(filepath.Join(dir, "tokens.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := token.Open(dir, now); clientele.ErrorCode(err) != clientele.Corrupt {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestServerFile(t *testing.T) {
	dir := t.TempDir()
	if _, ok := token.ReadServerFile(dir); ok {
		t.Error("found where none is")
	}
	want := token.ServerFile{Address: "http://127.0.0.1:1", Token: "t", Instance: "i", PID: 7}
	if err := token.WriteServerFile(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, ok := token.ReadServerFile(dir); !ok || got != want {
		t.Errorf("read = %+v", got)
	}
	if st, err := os.Stat(filepath.Join(dir, "server.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", st, err)
	}
	if err := token.RemoveServerFile(dir, "another"); err != nil {
		t.Fatal(err)
	}
	if _, ok := token.ReadServerFile(dir); !ok {
		t.Error("the file of another server was removed")
	}
	if err := token.RemoveServerFile(dir, "i"); err != nil {
		t.Fatal(err)
	}
	if _, ok := token.ReadServerFile(dir); ok {
		t.Error("still there")
	}
}
