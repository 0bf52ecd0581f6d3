package console_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"clientele"
	"clientele/internal/console"
	"clientele/internal/token"
)

// tokens knows the secret "good", and "collects" without the right to read, until they are revoked.
type tokens struct{ revoked bool }

func (t *tokens) Check(_ context.Context, secret string) (token.Principal, error) {
	switch {
	case secret == "good" && !t.revoked:
		return token.Principal{Name: "ann", Scopes: []token.Scope{token.Admin}}, nil
	case secret == "collects":
		return token.Principal{Name: "site", Scopes: []token.Scope{token.Collect}}, nil
	}
	return token.Principal{}, clientele.Errorf(clientele.Unknown, "the token is not known")
}

// SignIn knows ann and her password.
func (t *tokens) SignIn(ctx context.Context, name, password string) (string, token.Principal, error) {
	if name != "ann" || password != "four words put together" {
		return "", token.Principal{}, clientele.Errorf(clientele.Unknown, "name and password do not fit")
	}
	p, err := t.Check(ctx, "good")
	return "good", p, err
}

func (t *tokens) SignOut(string) { t.revoked = true }

type server struct {
	t       *testing.T
	handler http.Handler
	tokens  *tokens
	now     time.Time
	seen    []string // Authorization of what came through to the API
}

func serve(t *testing.T, files fstest.MapFS) *server {
	s := &server{t: t, tokens: &tokens{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c := console.New(console.Options{Tokens: s.tokens, Files: files, Now: func() time.Time { return s.now },
		ClientIP: func(r *http.Request) string { return r.RemoteAddr },
		Problem: func(w http.ResponseWriter, _ *http.Request, err error) {
			status := map[string]int{"denied": 403, "unauthorized": 401, "invalid": 400, "not_found": 404, "rate_limited": 429}[string(clientele.ErrorCode(err))]
			http.Error(w, fmt.Sprintf("%v", err), max(status, 400))
		}})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { s.seen = append(s.seen, r.Header.Get("Authorization")) })
	c.Register(mux)
	s.handler = c.Sessions(mux)
	return s
}

func (s *server) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// signIn returns the cookie and the CSRF value.
func (s *server) signIn() (cookie, csrf string) {
	s.t.Helper()
	w := s.ask("POST", "/console/session", `{"token":"good"}`)
	if w.Code != 200 {
		s.t.Fatalf("signing in: %d %s", w.Code, w.Body)
	}
	var who console.Who
	if err := json.Unmarshal(w.Body.Bytes(), &who); err != nil {
		s.t.Fatal(err)
	}
	set := w.Result().Cookies()
	if len(set) != 1 || !set[0].HttpOnly || set[0].SameSite != http.SameSiteStrictMode || set[0].Value == "good" {
		s.t.Fatalf("cookies: %v", set)
	}
	return set[0].Name + "=" + set[0].Value, who.CSRF
}

func TestSessionStandsForItsToken(t *testing.T) {
	s := serve(t, nil)
	cookie, csrf := s.signIn()
	for _, c := range []struct {
		name, method string
		header       []string
		status       int
		reached      string // the Authorization that the API saw; "none" = nothing came through
	}{
		{"read", "GET", []string{"Cookie", cookie}, 200, "Bearer good"},
		{"write with the CSRF value", "POST", []string{"Cookie", cookie, "X-Clientele-CSRF", csrf}, 200, "Bearer good"},
		{"write without it", "POST", []string{"Cookie", cookie}, 403, "none"},
		{"write with another", "DELETE", []string{"Cookie", cookie, "X-Clientele-CSRF", csrf + "x"}, 403, "none"},
		{"no session", "GET", nil, 200, ""},
		{"a made-up session", "GET", []string{"Cookie", "clientele_session=x"}, 200, ""},
		{"a token of its own wins", "POST", []string{"Cookie", cookie, "Authorization", "Bearer other"}, 200, "Bearer other"},
	} {
		s.seen = nil
		w := s.ask(c.method, "/api/v1/profiles", "", c.header...)
		reached := "none"
		if len(s.seen) == 1 {
			reached = s.seen[0]
		}
		if w.Code != c.status || reached != c.reached {
			t.Errorf("%s: %d, the API saw %q; want %d, %q", c.name, w.Code, reached, c.status, c.reached)
		}
	}
	s.seen = nil
	if s.ask("POST", "/v1/track", "", "Cookie", cookie); len(s.seen) != 1 || s.seen[0] != "" {
		t.Errorf("outside the API a session means nothing, and %q was seen", s.seen)
	}
}

func TestSessionEnds(t *testing.T) {
	who := func(s *server, cookie string) int { return s.ask("GET", "/console/session", "", "Cookie", cookie).Code }
	t.Run("signed out", func(t *testing.T) {
		s := serve(t, nil)
		cookie, csrf := s.signIn()
		if w := s.ask("DELETE", "/console/session", "", "Cookie", cookie); w.Code != 403 || who(s, cookie) != 200 {
			t.Errorf("signed out without the CSRF value: %d", w.Code)
		}
		if w := s.ask("DELETE", "/console/session", "", "Cookie", cookie, "X-Clientele-CSRF", csrf); w.Code != 204 || who(s, cookie) != 401 {
			t.Errorf("signed out: %d, and then %d", w.Code, who(s, cookie))
		}
	})
	t.Run("idle", func(t *testing.T) {
		s := serve(t, nil)
		cookie, _ := s.signIn()
		s.now = s.now.Add(119 * time.Minute)
		if who(s, cookie) != 200 {
			t.Error("ended before two hours")
		}
		s.now = s.now.Add(121 * time.Minute)
		if who(s, cookie) != 401 {
			t.Error("goes on after two hours without a request")
		}
	})
	t.Run("old", func(t *testing.T) {
		s := serve(t, nil)
		cookie, _ := s.signIn()
		for range 12 {
			s.now = s.now.Add(time.Hour)
			who(s, cookie)
		}
		if s.now = s.now.Add(time.Minute); who(s, cookie) != 401 {
			t.Error("goes on after twelve hours")
		}
	})
	t.Run("token revoked", func(t *testing.T) {
		s := serve(t, nil)
		cookie, _ := s.signIn()
		s.tokens.revoked = true
		if who(s, cookie) != 401 {
			t.Error("goes on without its token")
		}
		s.tokens.revoked = false
		if who(s, cookie) != 401 {
			t.Error("comes back")
		}
	})
}

func TestSignInRefused(t *testing.T) {
	s := serve(t, nil)
	for _, c := range []struct {
		body, contentType string
		status            int
	}{
		{`{"token":"good"}`, "text/plain", 400},
		{`{"token":""}`, "application/json", 400},
		{`{`, "application/json", 400},
		{`{"token":"` + strings.Repeat("x", 5000) + `"}`, "application/json", 400},
		{`{"token":"bad"}`, "application/json", 401},
		{`{"token":"collects"}`, "application/json", 403},
	} {
		if w := s.ask("POST", "/console/session", c.body, "Content-Type", c.contentType); w.Code != c.status || len(w.Result().Cookies()) > 0 {
			t.Errorf("%.40s as %s: %d %s, want %d", c.body, c.contentType, w.Code, w.Body, c.status)
		}
	}
}

func TestLockOut(t *testing.T) {
	s := serve(t, nil)
	for range 5 {
		s.ask("POST", "/console/session", `{"token":"bad"}`)
	}
	if w := s.ask("POST", "/console/session", `{"token":"good"}`); w.Code != 429 || w.Header().Get("Retry-After") != "900" {
		t.Errorf("after five failures: %d, Retry-After %s", w.Code, w.Header().Get("Retry-After"))
	}
	s.now = s.now.Add(15 * time.Minute)
	s.signIn()
	for range 4 {
		s.ask("POST", "/console/session", `{"token":"bad"}`)
	}
	s.signIn() // forgets the four
	s.ask("POST", "/console/session", `{"token":"bad"}`)
	s.signIn()
}

func TestPages(t *testing.T) {
	s := serve(t, fstest.MapFS{"index.html": {Data: []byte(`<meta content="__NONCE__">`)}, "assets/a-1.js": {Data: []byte("1")}, "secret": {Data: []byte("2")}})
	w := s.ask("GET", "/console/customers/email/x", "")
	_, nonce, _ := strings.Cut(w.Header().Get("Content-Security-Policy"), "'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	if w.Code != 200 || nonce == "" || w.Body.String() != `<meta content="`+nonce+`">` || strings.Contains(w.Header().Get("Content-Security-Policy"), "unsafe") {
		t.Errorf("page: %d %s %s", w.Code, w.Body, w.Header())
	}
	if again := s.ask("GET", "/console/", ""); again.Body.String() == w.Body.String() {
		t.Error("a nonce is given twice")
	}
	if w := s.ask("GET", "/console/assets/a-1.js", ""); w.Code != 200 || !strings.Contains(w.Header().Get("Content-Type"), "javascript") || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("asset: %d %s", w.Code, w.Header())
	}
	for range 2 { // packed, and then as it was kept
		w := s.ask("GET", "/console/assets/a-1.js", "", "Accept-Encoding", "br, gzip")
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != "1" || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("packed: %q, %v, %v", b, err, w.Header())
		}
	}
	if w := s.ask("GET", "/console/assets/b.js", ""); w.Code != 404 {
		t.Errorf("a file that is not there: %d", w.Code)
	}
	if w := serve(t, fstest.MapFS{}).ask("GET", "/console/", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "make console") {
		t.Errorf("not built: %d %s", w.Code, w.Body)
	}
}

func TestSigningInWithAPassword(t *testing.T) {
	s := serve(t, nil)
	for body, status := range map[string]int{
		`{"user":"ann","password":"four words put together"}`: 200, `{"user":"ann","password":"wrong"}`: 401, `{"user":"eve","password":"four words put together"}`: 401,
		`{"user":"ann","token":"good"}`: 400, `{"password":"x"}`: 400,
	} {
		w := s.ask("POST", "/console/session", body)
		if w.Code != status && !(status == 401 && w.Code == 400) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "four words") {
			t.Errorf("a password in the answer: %s", w.Body)
		}
	}
	w := s.ask("POST", "/console/session", `{"user":"ann","password":"four words put together"}`)
	var who console.Who
	if err := json.Unmarshal(w.Body.Bytes(), &who); err != nil || len(who.Rights) == 0 || who.CSRF == "" {
		t.Fatalf("%s %v", w.Body, err)
	}
	cookie := w.Result().Cookies()[0]
	w = s.ask("DELETE", "/console/session", "", "Cookie", cookie.Name+"="+cookie.Value, "X-Clientele-CSRF", who.CSRF)
	if w.Code != 204 || !s.tokens.revoked {
		t.Errorf("signing out leaves what the password gave: %d", w.Code)
	}
}
