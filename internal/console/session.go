package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// Sessions end by themselves, and there is a bound on how many are kept.
const (
	sessionIdle  = 2 * time.Hour
	sessionLife  = 12 * time.Hour
	sessionsMost = 1000
	cookieName   = "clientele_session"
	csrfHeader   = "X-Clientele-CSRF"
	bodyMost     = 4096
)

// session is one person's browser. The secret, a token's or one that a user was given for a password, is in memory alone.
type session struct {
	secret       string
	csrf         string
	began, asked time.Time
}

func (s *session) ended(now time.Time) bool {
	return now.Sub(s.asked) > sessionIdle || now.Sub(s.began) > sessionLife
}

// sessions are kept by the hash of the cookie's value. They end with the process.
type sessions struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]*session
}

func newSessions() *sessions { return &sessions{open: map[[sha256.Size]byte]*session{}} }

// begin opens a session and returns the cookie's value. The one that was asked for longest ago makes room.
func (s *sessions) begin(secret string, now time.Time) (id string, opened session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= sessionsMost {
		s.makeRoom(now)
	}
	id = randomText(32)
	opened = session{secret: secret, csrf: randomText(32), began: now, asked: now}
	kept := opened
	s.open[sha256.Sum256([]byte(id))] = &kept
	return id, opened
}

func (s *sessions) makeRoom(now time.Time) {
	var oldest [sha256.Size]byte
	first := true
	for key, one := range s.open {
		if one.ended(now) {
			delete(s.open, key)
		} else if first || one.asked.Before(s.open[oldest].asked) {
			oldest, first = key, false
		}
	}
	if len(s.open) >= sessionsMost {
		delete(s.open, oldest)
	}
}

// find is the session of a cookie's value, which it keeps alive.
func (s *sessions) find(id string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(id))
	one, ok := s.open[key]
	if !ok {
		return session{}, false
	}
	if one.ended(now) {
		delete(s.open, key)
		return session{}, false
	}
	one.asked = now
	return *one, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(id)))
}

// Who is the answer about a session.
type Who struct {
	Name   string        `json:"name"`
	User   bool          `json:"user"` // signed in by name and password
	Role   role.Role     `json:"role,omitempty"`
	Scopes []token.Scope `json:"scopes"`
	Rights []role.Right  `json:"rights"`
	Sight  role.Sight    `json:"sight"`
	CSRF   string        `json:"csrf"`
}

func whoIs(p token.Principal, csrf string) Who {
	scopes := p.Scopes
	if scopes == nil {
		scopes = []token.Scope{}
	}
	return Who{p.Name, p.User, p.Role, scopes, p.Rights(), p.Sight(), csrf}
}

// of is the session of the request's cookie.
func (c *Console) of(r *http.Request) (session, string, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, "", false
	}
	s, ok := c.sessions.find(cookie.Value, c.o.Now())
	return s, cookie.Value, ok
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	from := c.o.ClientIP(r)
	if wait := c.failures.wait(from, c.o.Now()); wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
		c.o.Problem(w, r, clientele.Errorf("rate_limited", "too many failures to sign in from this address").
			WithHint("wait %s", wait.Round(time.Second)))
		return
	}
	// A form of another site cannot send this type, so nobody is signed in by one.
	if mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); mediaType != "application/json" {
		c.o.Problem(w, r, clientele.Errorf(clientele.Invalid, "the body is not JSON").WithHint("send Content-Type: application/json"))
		return
	}
	var in credentials
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMost))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil || (in.Token == "") == (in.User == "") {
		c.o.Problem(w, r, clientele.Errorf(clientele.Invalid, "the body cannot be read").WithHint(`send {"user":"...","password":"..."} or {"token":"..."}`))
		return
	}
	secret, p, err := c.let(r.Context(), in)
	if err != nil {
		c.failures.add(from, c.o.Now())
		c.o.Log.Warn("signing in to the console failed", "from", from, "code", clientele.ErrorCode(err))
		c.o.Problem(w, r, err)
		return
	}
	c.failures.forget(from)
	id, s := c.sessions.begin(secret, c.o.Now())
	http.SetCookie(w, cookie(r, id, int(sessionLife/time.Second)))
	answer(w, whoIs(p, s.csrf))
}

// credentials are a user's, or a token.
type credentials struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Token    string `json:"token"`
}

// let finds out who may come in, and by which secret the API knows them.
func (c *Console) let(ctx context.Context, in credentials) (string, token.Principal, error) {
	if in.User != "" {
		secret, p, err := c.o.Tokens.SignIn(ctx, in.User, in.Password)
		return secret, p, c.record(p.Name, err)
	}
	p, err := c.o.Tokens.Check(ctx, in.Token)
	if err == nil && p.Role == "" && !p.May(token.Read) {
		err = clientele.Errorf(clientele.Denied, "the token lacks the scope read").WithHint("make one with: clientele token create NAME --scope read")
	}
	return in.Token, p, c.record(p.Name, err)
}

// record keeps that somebody has signed in; who has not is nobody that could be named.
func (c *Console) record(by string, err error) error {
	if err != nil || c.o.Record == nil {
		return err
	}
	return c.o.Record(by)
}

func (c *Console) who(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	s, id, ok := c.of(r)
	if !ok {
		c.o.Problem(w, r, signedOut())
		return
	}
	p, err := c.o.Tokens.Check(r.Context(), s.secret)
	if err != nil { // revoked since
		c.sessions.end(id)
		c.o.Problem(w, r, err)
		return
	}
	answer(w, whoIs(p, s.csrf))
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	s, id, ok := c.of(r)
	if ok {
		if !s.matches(r) {
			c.o.Problem(w, r, forged())
			return
		}
		c.sessions.end(id)
		c.o.Tokens.SignOut(s.secret)
	}
	http.SetCookie(w, cookie(r, "", -1))
	w.WriteHeader(http.StatusNoContent)
}

// Sessions lets the API be asked with a session instead of a token. What changes something must carry the
// session's CSRF value, which pages of other origins cannot read. The token is checked by the API each time.
func (c *Console) Sessions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		s, _, ok := c.of(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !s.matches(r) {
			c.o.Problem(w, r, forged())
			return
		}
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+s.secret)
		next.ServeHTTP(w, r)
	})
}

func (s session) matches(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(s.csrf)) == 1
}

func signedOut() error {
	return clientele.Errorf(clientele.Unknown, "nobody is signed in").WithHint("sign in with your name and password, or with a token")
}

func forged() error {
	return clientele.Errorf(clientele.Denied, "the request does not carry the session's %s", csrfHeader).WithHint("load the page again")
}

// cookie is the session's: only this site's own pages send it, and no script reads it.
func cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	secure := r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // nobody is left to tell
}
