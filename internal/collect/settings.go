package collect

import (
	"encoding/json"
	"net/http"

	"clientele"
)

// settings is what Segment's browser library asks for before it does anything: without a good
// answer it does not start. It names this server as the one to send to, so that a page needs no
// more than the write key and where the library is. More than one integration would make the
// library fetch code for each of them.
func (h *Handler) settings(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	source, err := h.known(r.PathValue("key"), r.Header.Get("Origin"))
	if err != nil {
		h.fail(w, r, "settings", err)
		return
	}
	scheme, host := h.address(r)
	type object map[string]any
	told(w, object{
		"integrations": object{"Segment.io": object{"apiKey": source.WriteKey, "apiHost": host + "/v1", "protocol": scheme,
			"unbundledIntegrations": []string{}, "maybeBundledConfigIds": object{}}},
		"plan":                      object{},
		"metrics":                   object{"sampleRate": 0, "host": host + "/v1"},
		"middlewareSettings":        object{},
		"enabledMiddleware":         object{},
		"remotePlugins":             []string{},
		"legacyVideoPluginsEnabled": false,
	})
}

// sourceConfig is what RudderStack's browser library asks for before it sends.
func (h *Handler) sourceConfig(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	key, _, _ := r.BasicAuth()
	if key == "" {
		key = r.URL.Query().Get("writeKey")
	}
	source, err := h.known(key, r.Header.Get("Origin"))
	if err != nil {
		h.fail(w, r, "settings", err)
		return
	}
	type object map[string]any
	off := object{"enabled": false}
	told(w, object{"source": object{
		"id": source.Name, "name": source.Name, "writeKey": source.WriteKey, "workspaceId": "clientele", "enabled": true,
		"config":       object{"statsCollection": object{"errors": off, "metrics": off}},
		"destinations": []string{},
	}})
}

// clusterInfo tells RudderStack's Go library that there is nothing to spread its users over.
func (h *Handler) clusterInfo(w http.ResponseWriter, r *http.Request) {
	if begin(w, r, http.MethodGet) {
		told(w, map[string]int{"nodeCount": 1})
	}
}

// known is the source of a key that a page of the origin may use.
func (h *Handler) known(key, origin string) (Source, error) {
	if key == "" {
		return Source{}, (&framer{}).noKey()
	}
	source, ok := h.sources(key)
	if !ok {
		return Source{}, unknownKey()
	}
	if !source.admits(origin) {
		return Source{}, otherOrigin()
	}
	source.WriteKey = key
	return source, nil
}

// address is where the client reaches this server. Without a configured address it is where
// this request came to; the forwarding header is believed because only the client who was
// answered would be misled by a wrong one.
func (h *Handler) address(r *http.Request) (scheme, host string) {
	if h.public != nil {
		return h.public.Scheme, h.public.Host + h.public.Path
	}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https", r.Host
	}
	return "http", r.Host
}

// settingsAge is how long a browser may go on with old settings, in seconds. Shared caches get
// none: the answer depends on the host that was asked.
const settingsAge = "private, max-age=300"

func told(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		refuse(w, 0, clientele.Errorf(clientele.Internal, "settings: %w", err))
		return
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Cache-Control", settingsAge)
	_, _ = w.Write(b)
}
