package collect

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"clientele"
)

// cookieRequest is what RudderStack's browser library sends when the server is to set its cookies:
// some browsers forget within a week what a script has set.
type cookieRequest struct {
	ReqType string `json:"reqType"`
	Data    struct {
		Options struct {
			MaxAge   json.Number `json:"maxAge"` // milliseconds
			Path     string      `json:"path"`
			Domain   string      `json:"domain"`
			SameSite string      `json:"sameSite"`
			Secure   bool        `json:"secure"`
		} `json:"options"`
		Cookies []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"cookies"`
	} `json:"data"`
}

const (
	cookiePrefix   = "rl_" // of all cookies of that library; no other is ever set
	maxCookies     = 20
	maxCookieBytes = 4 << 10                                 // browsers take no more
	maxCookieAge   = 400 * 24 * int64(time.Hour/time.Second) // likewise, seconds
)

// cookies serves /rsaRequest. What it sets is the library's own: without a known write key, from
// another origin than the source's, or for another name it sets nothing.
func (h *Handler) cookies(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodPost) {
		return
	}
	s := h.scratch.Get().(*scratch)
	defer h.release(s)
	key, _, _ := r.BasicAuth()
	if key == "" {
		key = r.URL.Query().Get("writeKey")
	}
	_, err := h.known(key, r.Header.Get("Origin"))
	var body []byte
	if err == nil {
		body, err = s.readBody(w, r)
	}
	var set []*http.Cookie
	if err == nil {
		set, err = readCookies(body)
	}
	if err != nil {
		h.fail(w, r, "cookies", err)
		return
	}
	for _, c := range set {
		http.SetCookie(w, c)
	}
	accepted(w)
}

func readCookies(body []byte) ([]*http.Cookie, error) {
	var req cookieRequest
	if err := json.Unmarshal(body, &req); err != nil || req.ReqType != "setCookies" {
		return nil, clientele.Errorf(clientele.Invalid, "the body does not ask for cookies to be set").WithHint(`{"reqType":"setCookies","data":{"options":{},"cookies":[]}}`)
	}
	o := req.Data.Options
	age, _ := o.MaxAge.Int64() // none or odd: until the browser ends
	age = min(max(age/1000, 0), maxCookieAge)
	same := map[string]http.SameSite{"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}[strings.ToLower(o.SameSite)]
	if len(req.Data.Cookies) > maxCookies {
		return nil, clientele.Errorf(clientele.Invalid, "a request sets at most %d cookies", maxCookies)
	}
	var out []*http.Cookie
	for _, c := range req.Data.Cookies {
		value := strings.ReplaceAll(url.QueryEscape(c.Value), "+", "%20") // as the library itself writes it
		one := &http.Cookie{Name: c.Name, Value: value, Path: o.Path, Domain: o.Domain, MaxAge: int(age), SameSite: same, Secure: o.Secure}
		if !strings.HasPrefix(c.Name, cookiePrefix) || one.Valid() != nil || len(c.Name)+len(value) > maxCookieBytes {
			return nil, clientele.Errorf(clientele.Invalid, "a cookie's name begins with %s, and it has at most %d KB", cookiePrefix, maxCookieBytes>>10)
		}
		out = append(out, one)
	}
	return out, nil
}
