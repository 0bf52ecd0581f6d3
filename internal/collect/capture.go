package collect

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// PostHog's libraries send events of another shape. They are rewritten into messages of the
// tracking API and then take the same way as all others.

// captured is one event of PostHog's.
type captured struct {
	Event      string          `json:"event"`
	UUID       string          `json:"uuid"`
	DistinctID any             `json:"distinct_id"`
	Timestamp  json.RawMessage `json:"timestamp"`
	Properties map[string]any  `json:"properties"`
	Set        map[string]any  `json:"$set"`
	OldToken   string          `json:"$token"` // of /engage/
	OldID      any             `json:"$distinct_id"`
}

// capture serves /batch/, /capture/, /e/ and their kin.
func (h *Handler) capture(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodPost) {
		return
	}
	s := h.scratch.Get().(*scratch)
	if err := h.acceptCapture(w, r, s); err != nil {
		h.fail(w, r, "events", err)
	} else {
		header := w.Header()
		header["Content-Type"] = jsonType
		_, _ = w.Write([]byte(`{"status":"Ok","success":true}`))
	}
	h.release(s)
}

func (h *Handler) acceptCapture(w http.ResponseWriter, r *http.Request, s *scratch) error {
	f, err := h.framer(r, "", s)
	if err != nil {
		return err
	}
	body, err := s.readBody(w, r)
	if err != nil {
		return err
	}
	return h.keep(r, &f, body, CapturedBatch)
}

// CapturedBatch rewrites what a library of PostHog's sends, JSON or a form with base64 in data=,
// into a batch of the tracking API.
func CapturedBatch(body []byte) ([]byte, error) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("data=")) {
		values, _ := url.ParseQuery(string(body))
		var err error
		if body, err = fromBase64(values.Get("data")); err != nil {
			return nil, err
		}
	}
	if valid, _, at := checkJSON(body); !valid {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not JSON from byte %d on", at)
	}
	var request struct {
		APIKey string            `json:"api_key"`
		Token  string            `json:"token"`
		SentAt json.RawMessage   `json:"sent_at"`
		Batch  []json.RawMessage `json:"batch"`
	}
	events := []json.RawMessage{body}
	if isObject(body) {
		if err := json.Unmarshal(body, &request); err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "the body is not what a library of PostHog's sends")
		}
		if request.Batch != nil {
			events = request.Batch
		}
	} else if err := json.Unmarshal(body, &events); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the body is neither an object nor a list")
	}
	if len(events) > clientele.MaxBatchEvents {
		return nil, clientele.Errorf(clientele.TooLarge, "a batch holds at most %d events", clientele.MaxBatchEvents).WithHint("send smaller batches")
	}
	out := map[string]any{"batch": rewriteAll(events, &request.APIKey)}
	if request.SentAt != nil {
		out["sentAt"] = request.SentAt
	}
	if key := request.APIKey + request.Token; key != "" {
		if request.APIKey != "" {
			key = request.APIKey
		}
		out["writeKey"] = key
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the events cannot be rewritten")
	}
	return b, nil
}

// rewriteAll rewrites each event. One of another shape stays as it is: it ends in quarantine. The
// key of a request may stand in its events' properties alone.
func rewriteAll(events []json.RawMessage, key *string) []any {
	out := make([]any, len(events))
	for i, raw := range events {
		out[i] = raw
		var e captured
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if !isObject(raw) || d.Decode(&e) != nil {
			continue
		}
		if e.Event == "" && e.Set != nil { // /engage/ says who somebody is and names no event
			e.Event = "$set"
		}
		if e.Event == "" {
			continue
		}
		if e.DistinctID == nil {
			e.DistinctID = e.OldID
		}
		if *key == "" {
			*key = e.OldToken
		}
		if token, _ := e.Properties["token"].(string); token != "" && *key == "" {
			*key = token
		}
		out[i] = e.rewrite()
	}
	return out
}

// What PostHog's browser library asks before it sends. Nothing of it is offered here, and it is
// told so, or it would ask again and again, or record sessions.
const captureOff = `"supportedCompression":["gzip","gzip-js"],"hasFeatureFlags":false,"captureDeadClicks":false,"capturePerformance":false,` +
	`"autocaptureExceptions":false,"autocapture_opt_out":false,"analytics":{"endpoint":"/i/v0/e/"},"elementsChainAsString":true,` +
	`"sessionRecording":false,"heatmaps":false,"surveys":false,"defaultIdentifiedOnly":true,"siteApps":[]`

// flags serves /flags/ and what it was called before: there are no feature flags.
func (h *Handler) flags(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodPost) {
		return
	}
	w.Header()["Content-Type"] = jsonType
	_, _ = io.WriteString(w, `{"flags":{},"featureFlags":{},"featureFlagPayloads":{},"errorsWhileComputingFlags":false,`+captureOff+`}`)
}

// captureConfig is /array/{key}/config.
func (h *Handler) captureConfig(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	config, err := h.captureSettings(r)
	if err != nil {
		h.fail(w, r, "settings", err)
		return
	}
	header := w.Header()
	header["Content-Type"] = jsonType
	header.Set("Cache-Control", settingsAge)
	_, _ = io.WriteString(w, config)
}

// captureScript is the same as a script, where the library looks first.
func (h *Handler) captureScript(w http.ResponseWriter, r *http.Request) {
	if !begin(w, r, http.MethodGet) {
		return
	}
	config, err := h.captureSettings(r)
	if err != nil {
		h.fail(w, r, "settings", err)
		return
	}
	key := strconv.Quote(r.PathValue("key")) // a plain key: see captureSettings
	b := []byte("(function(){var c=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};c[" + key + "]={config:" + config + ",siteApps:[]}})();\n")
	script(w, r, b, time.Time{}, settingsAge)
}

func (h *Handler) captureSettings(r *http.Request) (string, error) {
	source, err := h.known(r.PathValue("key"), r.Header.Get("Origin"))
	if err == nil && !plainKey.MatchString(source.WriteKey) {
		err = clientele.Errorf(clientele.Invalid, "the write key cannot stand in a script").WithHint("use letters, digits, _ and - in write keys")
	}
	return `{"token":"` + source.WriteKey + `",` + captureOff + `}`, err
}

// text is an id as text, "" for none.
func (e *captured) text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// rewrite is the event as a message of the tracking API. What a browser made up for its
// visitor is an anonymous id, any other distinct id is the user's.
func (e *captured) rewrite() map[string]any {
	p := e.Properties
	delete(p, "token")
	m := map[string]any{"type": "track", "event": e.Event, "properties": p}
	distinct, device := e.text(e.DistinctID), e.text(p["$device_id"])
	if distinct == "" {
		distinct = e.text(p["distinct_id"])
	}
	if distinct == device && device != "" || p["$process_person_profile"] == false {
		m["anonymousId"] = distinct
	} else if distinct != "" {
		m["userId"] = distinct
		if device != "" {
			m["anonymousId"] = device
		}
	}
	if e.UUID != "" {
		m["messageId"] = e.UUID
	} else if id := e.text(p["$insert_id"]); id != "" {
		m["messageId"] = id
	}
	if len(e.Timestamp) > 0 {
		m["timestamp"] = e.Timestamp
	}
	context := map[string]any{}
	if name := e.text(p["$lib"]); name != "" {
		context["library"] = map[string]any{"name": libraryName(name), "version": p["$lib_version"]}
	}
	if address := e.text(p["$current_url"]); address != "" {
		context["page"] = map[string]any{"url": address, "path": p["$pathname"], "referrer": p["$referrer"], "title": p["title"]}
	}
	m["context"] = context
	e.kind(m)
	return m
}

// kind gives the special events their type.
func (e *captured) kind(m map[string]any) {
	p := e.Properties
	switch e.Event {
	case "$identify", "$set":
		m["type"], m["traits"] = "identify", e.traits()
		if id := e.text(p["$anon_distinct_id"]); id != "" {
			m["anonymousId"] = id
		}
	case "$pageview":
		m["type"], m["name"] = "page", p["title"]
	case "$screen":
		m["type"], m["name"] = "screen", p["$screen_name"]
	case "$create_alias":
		// PostHog merges the alias into the distinct id. A visitor who has only now got a name sends
		// it as the alias.
		m["type"], m["previousId"] = "alias", p["alias"]
		if m["userId"] == nil {
			m["previousId"], m["userId"] = m["anonymousId"], p["alias"]
		}
	case "$groupidentify":
		m["type"], m["groupId"], m["traits"] = "group", p["$group_key"], p["$group_set"]
		if m["userId"] == "$"+e.text(p["$group_type"])+"_"+e.text(p["$group_key"]) {
			delete(m, "userId") // made up by the library, since PostHog wants one of every event
		}
	default:
		return
	}
	delete(m, "event")
}

func (e *captured) traits() map[string]any {
	if e.Set != nil {
		return e.Set
	}
	set, _ := e.Properties["$set"].(map[string]any)
	return set
}

// libraryName tells the browser's library ("web") from those of servers.
func libraryName(name string) string {
	if name == "web" || strings.HasPrefix(name, "posthog") {
		return strings.Replace("posthog-"+strings.TrimPrefix(name, "posthog-"), "-web", "-javascript", 1)
	}
	return name
}
