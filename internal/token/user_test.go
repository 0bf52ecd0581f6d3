package token_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

const good = "correct horse battery"

func TestLifeOfAUser(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	at := now()
	s, err := token.Open(dir, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddUser(ctx, "ann", role.Marketer, good); err != nil {
		t.Fatal(err)
	}
	in := func(s *token.Store, password string) (string, clientele.Code) {
		secret, p, err := s.SignIn(ctx, "ANN", password)
		if err == nil && (p.Name != "ann" || !p.User || p.May(token.Read)) {
			t.Errorf("signed in as %+v", p)
		}
		return secret, clientele.ErrorCode(err)
	}
	known := func(secret string) role.Role {
		p, err := s.Check(ctx, secret)
		if err != nil {
			return ""
		}
		return p.Role
	}
	secret, code := in(s, good)
	if code != "" || known(secret) != role.Marketer {
		t.Fatalf("signing in: %s, %s", code, known(secret))
	}
	if _, code := in(s, good+"x"); code != clientele.Unknown {
		t.Errorf("a wrong password: %s", code)
	}
	// Another role holds from the next request on; a user who is disabled is nobody, and so is the session.
	analyst, yes, no := role.Analyst, true, false
	if _, err := s.ChangeUser(ctx, "ann", token.UserChange{Role: &analyst}); err != nil || known(secret) != role.Analyst {
		t.Errorf("after the change: %s, %v", known(secret), err)
	}
	if _, err := s.ChangeUser(ctx, "ann", token.UserChange{Disabled: &yes}); err != nil || known(secret) != "" {
		t.Errorf("disabled, the session is of a %s, %v", known(secret), err)
	}
	if _, code := in(s, good); code != clientele.Unknown {
		t.Errorf("disabled, signing in: %q", code)
	}
	if _, err := s.ChangeUser(ctx, "ann", token.UserChange{Disabled: &no}); err != nil || known(secret) != "" {
		t.Errorf("an ended session is back: %v", err)
	}
	// It is all there in the next process, but for the sessions.
	secret, _ = in(s, good)
	again := open(t, dir)
	if _, code := in(again, good); code != "" {
		t.Errorf("after a restart: %s", code)
	}
	if _, err := again.Check(ctx, secret); err == nil {
		t.Error("a session outlives its process")
	}
	// A password is changed by who knows it; then all sessions are over.
	if err := s.ChangePassword(ctx, "ann", "not it at all", "another good one"); clientele.ErrorCode(err) != clientele.Denied {
		t.Errorf("changed without the current one: %v", err)
	}
	if err := s.ChangePassword(ctx, "ann", good, "another good one"); err != nil || known(secret) != "" {
		t.Errorf("changed: %v, and the session is of a %s", err, known(secret))
	}
	if secret, code = in(s, "another good one"); code != "" {
		t.Errorf("with the new password: %s", code)
	}
	at = at.Add(13 * time.Hour)
	if known(secret) != "" {
		t.Error("a session does not end")
	}
	if err := s.DeleteUser(ctx, "ann"); err != nil {
		t.Error(err)
	}
	if users, err := open(t, dir).ListUsers(ctx); err != nil || len(users) != 0 {
		t.Errorf("users = %v, %v", users, err)
	}
}

func TestTheFileOfUsersHoldsNoPassword(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.AddUser(context.Background(), "ann", role.Admin, good); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "users.json")
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), "horse") || !strings.Contains(string(b), "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("the file: %s, %v", b, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", st.Mode(), err)
	}
}

func TestGuessingLocksAUserOut(t *testing.T) {
	ctx := context.Background()
	at := now()
	s, err := token.Open(t.TempDir(), func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "bob"} {
		if _, err := s.AddUser(ctx, name, role.Viewer, good); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if _, _, err := s.SignIn(ctx, "ann", "guess after guess"); clientele.ErrorCode(err) != clientele.Unknown {
			t.Fatal(err)
		}
	}
	if _, _, err := s.SignIn(ctx, "ann", good); clientele.ErrorCode(err) != "rate_limited" {
		t.Errorf("after ten guesses the right one gives %v", err)
	}
	if _, _, err := s.SignIn(ctx, "bob", good); err != nil {
		t.Errorf("bob: %v", err)
	}
	at = at.Add(15 * time.Minute)
	if _, _, err := s.SignIn(ctx, "ann", good); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestRefusedUsers(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	if _, _, err := s.CreateToken(ctx, "bi", []token.Scope{token.Read}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		role     role.Role
		password string
		code     clientele.Code
	}{
		{"", role.Viewer, good, clientele.Invalid}, {"a b", role.Viewer, good, clientele.Invalid}, {"local", role.Viewer, good, clientele.Invalid},
		{"ann", "root", good, clientele.Invalid}, {"ann", "", good, clientele.Invalid}, {"ann", role.Viewer, "short", clientele.Invalid},
		{"ann", role.Viewer, "Ann is my password", clientele.Invalid}, {"ann", role.Viewer, strings.Repeat("a", 20), clientele.Invalid}, {"ann", role.Viewer, strings.Repeat("ab", 200), clientele.Invalid},
		{"Bi", role.Viewer, good, clientele.Conflict},
	} {
		_, err := s.AddUser(ctx, c.name, c.role, c.password)
		if clientele.ErrorCode(err) != c.code || err != nil && c.password != "" && strings.Contains(err.Error(), c.password) {
			t.Errorf("%q %q: %v", c.name, c.role, err)
		}
	}
	if _, err := s.AddUser(ctx, "ann", role.Viewer, good); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.CreateToken(ctx, "ann", []token.Scope{token.Read}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a token with a user's name: %v", err)
	}
	if err := s.DeleteUser(ctx, "eve"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Error(err)
	}
}

func TestTokenOfARole(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	secret, info, err := open(t, dir).CreateRoleToken(ctx, "dash", role.Analyst)
	if err != nil || info.Role != role.Analyst {
		t.Fatal(info, err)
	}
	p, err := open(t, dir).Check(ctx, secret)
	if err != nil || p.Role != role.Analyst || p.User || p.May(token.Read) || p.Sight() != role.Masked {
		t.Errorf("%+v, %v", p, err)
	}
}
