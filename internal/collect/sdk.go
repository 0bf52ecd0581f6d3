package collect

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"clientele"
)

// sdk serves Segment's browser library from its npm package, so that a page loads it from the
// same host that it sends to. The package is not part of this program: dir is a folder in which
// npm has installed it, or the package's dist/umd itself.
type sdk struct {
	dir string

	mu     sync.Mutex
	loaded time.Time // when the file was changed that plain was made of
	plain  []byte
}

// The package's place below a folder of npm's, and the file that pages load first.
var sdkPlace = filepath.Join("node_modules", "@segment", "analytics-next", "dist", "umd")

const sdkEntry = "standalone.js"

// preamble goes before the library. The library finds the host that it came from by itself when
// that is https only; this finds it for http too, and for names that are not analytics.
const preamble = `(function(s){if(!s||!s.src)return;` +
	`var k=s.getAttribute("data-global-segment-analytics-key")||"analytics",a=window[k]=window[k]||[],` +
	`m=/^(https?:\/\/.*)\/analytics\.js\/v1\//.exec(s.src);if(m&&!a._cdn)a._cdn=m[1]})(document.currentScript);` + "\n"

// root is the folder with the package's files.
func (s *sdk) root() (*os.Root, error) {
	if s.dir != "" {
		for _, dir := range []string{filepath.Join(s.dir, sdkPlace), s.dir} {
			root, err := os.OpenRoot(dir)
			if err != nil {
				continue
			}
			if _, err := root.Stat(sdkEntry); err == nil {
				return root, nil
			}
			_ = root.Close()
		}
	}
	return nil, clientele.Errorf(clientele.NotFound, "the browser library is not installed on this server").
		WithHint("run npm ci in the folder web-sdk, and name that folder in collect.sdk_dir")
}

// entry is the library with the preamble.
func (s *sdk) entry() ([]byte, time.Time, error) {
	root, err := s.root()
	if err != nil {
		return nil, time.Time{}, err
	}
	defer root.Close()
	info, err := root.Stat(sdkEntry)
	if err != nil {
		return nil, time.Time{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plain == nil || !info.ModTime().Equal(s.loaded) {
		b, err := root.ReadFile(sdkEntry)
		if err != nil {
			return nil, time.Time{}, err
		}
		s.plain, s.loaded = append([]byte(preamble), b...), info.ModTime()
	}
	return s.plain, s.loaded, nil
}

// plainKey is a write key that can stand in a script as it is.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// library is analytics.min.js for one write key.
func (h *Handler) library(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	source, err := h.known(r.PathValue("key"), "")
	if err != nil {
		h.fail(w, r, "sdk", err)
		return
	}
	b, changed, err := h.sdk.entry()
	if err != nil {
		h.fail(w, r, "sdk", unreadable(err))
		return
	}
	if plainKey.MatchString(source.WriteKey) { // otherwise the library reads it off its own address
		b = bytes.Replace(b, []byte(`"__WRITE_KEY__"`), []byte(`"`+source.WriteKey+`"`), 1)
	}
	script(w, r, b, changed, "public, max-age=300")
}

// bundleName is what the library's further files are called.
var bundleName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*\.js$`)

// bundle is a part that the library loads when it needs it. Its name has a hash of what is in it.
func (h *Handler) bundle(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	root, err := h.sdk.root()
	if err != nil {
		h.fail(w, r, "sdk", err)
		return
	}
	defer root.Close()
	name := r.PathValue("file")
	if !bundleName.MatchString(name) {
		h.fail(w, r, "sdk", noBundle())
		return
	}
	b, err := root.ReadFile(name)
	if err != nil {
		h.fail(w, r, "sdk", unreadable(err))
		return
	}
	var changed time.Time
	if info, err := root.Stat(name); err == nil {
		changed = info.ModTime()
	}
	script(w, r, b, changed, "public, max-age=31536000, immutable")
}

func noBundle() error {
	return clientele.Errorf(clientele.NotFound, "the browser library has no such file").WithHint("a page that loaded an earlier version asks for it: reload the page")
}

// unreadable is what a client is told of an error of the file system: no path of this machine.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return noBundle()
	}
	if clientele.ErrorCode(err) == clientele.NotFound {
		return err
	}
	return clientele.Errorf(clientele.Internal, "the browser library cannot be read")
}

// script answers with JavaScript, packed when the browser takes that.
func script(w http.ResponseWriter, r *http.Request, b []byte, changed time.Time, caching string) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", caching)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write(b)
		if err == nil && z.Close() == nil {
			b = packed.Bytes()
			h.Set("Content-Encoding", "gzip")
		}
	}
	http.ServeContent(w, r, "", changed, bytes.NewReader(b))
}
