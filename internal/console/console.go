// Package console serves the console: the pages that console/ builds, and the sessions of the
// people who sign in to it. A session stands for an API token, which stays on the server; the
// pages speak the public API like any other client. It knows nothing of what the API does.
package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/token"
)

// built holds dist when the console was built before the program, else only a file that says how.
//
//go:embed all:built
var built embed.FS

// Path is where the console is.
const Path = "/console/"

// Tokens says whom a secret stands for, and gives users one for their passwords; token.Store does.
type Tokens interface {
	Check(ctx context.Context, secret string) (token.Principal, error)
	SignIn(ctx context.Context, name, password string) (secret string, who token.Principal, err error)
	SignOut(secret string)
}

// Options are what the console needs.
type Options struct {
	Tokens Tokens
	// Problem answers a request with an error, as the API does.
	Problem func(w http.ResponseWriter, r *http.Request, err error)
	// ClientIP is the address that failures to sign in are counted by.
	ClientIP func(*http.Request) string
	// Record keeps in the audit log that somebody has signed in; nil = it is not kept.
	Record func(by string) error
	Files  fs.FS            // what was built, index.html at its top; nil = what is in the program
	Log    *slog.Logger     // nil = silent
	Now    func() time.Time // nil = time.Now
}

// Console is the handler of everything under Path.
type Console struct {
	o        Options
	index    []byte // empty = the console was not built
	sessions *sessions
	failures *failures
	gzipped  sync.Map // by name, of the files that were asked for
}

// New makes the console.
func New(o Options) *Console {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Files == nil {
		o.Files, _ = fs.Sub(built, "built/dist") // the path is valid; whether it is there shows on reading
	}
	index, _ := fs.ReadFile(o.Files, "index.html") // not built: missing says so to people
	return &Console{o: o, index: index, sessions: newSessions(), failures: newFailures()}
}

// Register puts the console into a mux that others share.
func (c *Console) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Path+"session", c.who)
	mux.HandleFunc("POST "+Path+"session", c.signIn)
	mux.HandleFunc("DELETE "+Path+"session", c.signOut)
	mux.HandleFunc("GET "+Path+"assets/", c.asset)
	mux.HandleFunc("GET "+Path, c.page)
}

// page answers every path of the console with its one page; which view it shows is decided there.
func (c *Console) page(w http.ResponseWriter, _ *http.Request) {
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(c.index) == 0 {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(missing))
		return
	}
	// The component library writes its colours into a style element, which must carry the page's nonce.
	nonce := randomText(16)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; "+
		"img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	_, _ = w.Write(bytes.ReplaceAll(c.index, []byte("__NONCE__"), []byte(nonce)))
}

const missing = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Clientele</title>
<h1>The console was not built into this program</h1>
<p>Run <code>make console</code> (it needs Node), then <code>make build</code>, and start the program again. Everything else works without it.</p></html>`

// asset serves a file whose name holds a hash of its content, so that it may be kept for ever.
func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	name := strings.TrimPrefix(r.URL.Path, Path)
	content, err := fs.ReadFile(c.o.Files, name)
	if err != nil {
		c.o.Problem(w, r, clientele.Errorf(clientele.NotFound, "the console has no such file").WithHint("load the page again: the program was replaced by another version"))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && slices.Contains([]string{".js", ".css", ".svg"}, path.Ext(name)) {
		w.Header().Set("Content-Encoding", "gzip")
		content = c.packed(name, content)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // nobody is left to tell
}

// packed is the file for who takes it packed; it is packed when somebody first asks.
func (c *Console) packed(name string, content []byte) []byte {
	if b, ok := c.gzipped.Load(name); ok {
		return b.([]byte)
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = z.Write(content)                               // into memory, which never fails
	_ = z.Close()
	c.gzipped.Store(name, b.Bytes())
	return b.Bytes()
}

func guard(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// randomText is n random bytes as text.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
