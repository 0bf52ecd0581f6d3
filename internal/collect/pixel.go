package collect

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"clientele"
)

// gif is a transparent picture of one pixel.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// pixel takes an event out of the address of a picture, as mails and pages without scripts send
// it. Nobody could act on another answer, so it is always the picture; what went wrong is
// counted and logged.
func (h *Handler) pixel(w http.ResponseWriter, r *http.Request, typ string) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	if r.Method == http.MethodGet {
		s := h.scratch.Get().(*scratch)
		if err := h.acceptPixel(r, typ, s); err != nil {
			h.missed(err)
		}
		h.release(s)
	}
	header := w.Header()
	header.Set("Content-Type", "image/gif")
	header.Set("Cache-Control", "no-store") // or the second look at a mail would not be seen
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write([]byte(gif))
}

func (h *Handler) acceptPixel(r *http.Request, typ string, s *scratch) error {
	f, err := h.framer(r, typ, s)
	if err != nil {
		return err
	}
	body, err := PixelEvent(r.URL.RawQuery)
	if err != nil {
		return err
	}
	return h.keep(r, &f, body, nil)
}

// missed counts an event that was lost, and logs the 1st, 2nd, 4th, 8th, ... of its kind: anybody
// can ask for a picture as often as he likes.
func (h *Handler) missed(err error) {
	n := h.refusals.count("pixel", err)
	if n&(n-1) == 0 {
		h.logger.Warn("a pixel's event is lost", "error", err.Error(), "count", n)
	}
}

// maxPixelDepth is how many points of a query's name are read as steps into an object.
const maxPixelDepth = maxDepth

// PixelEvent is the event in the query of a picture, as JSON: data= holds it in base64 of either
// alphabet, or each member stands by itself, points leading into objects (properties.plan=pro).
// What is not in data is text. Of two members with one name the last is the event's.
func PixelEvent(query string) ([]byte, error) {
	if len(query) > clientele.MaxBatchBytes {
		return nil, tooLarge()
	}
	values, _ := url.ParseQuery(query) // what can be read of it is enough
	if data := values.Get("data"); data != "" {
		return fromBase64(data)
	}
	event := map[string]any{}
	for name, v := range values {
		if name != "" && name != "data" {
			place(event, strings.SplitN(name, ".", maxPixelDepth), v[len(v)-1])
		}
	}
	if len(event) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "the address holds no event").WithHint("put it into data=, in base64, or into members such as event= and properties.x=")
	}
	b, err := json.Marshal(event)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the address holds no event")
	}
	return b, nil
}

// place sets the value. Where one name is both a value and an object, the object stays.
func place(object map[string]any, path []string, value string) {
	for ; len(path) > 1; path = path[1:] {
		next, ok := object[path[0]].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[path[0]] = next
		}
		object = next
	}
	if _, deeper := object[path[0]].(map[string]any); !deeper {
		object[path[0]] = value
	}
}

// fromBase64 reads both alphabets, with and without the = at the end; a + may have become a blank.
func fromBase64(s string) ([]byte, error) {
	s = strings.NewReplacer(" ", "-", "+", "-", "/", "_").Replace(strings.TrimRight(s, "=\r\n"))
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "data is not base64")
	}
	return b, nil
}
