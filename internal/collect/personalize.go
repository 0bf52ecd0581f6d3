package collect

import (
	"context"
	"encoding/json"
	"net/http"

	"clientele"
)

// Personal answers browsers.
type Personal interface {
	Personalize(ctx context.Context, req clientele.PersonalizeRequest) (*clientele.PersonalizeAnswer, error)
	// PersonalizeOutcome takes down what the visitor did. NotFound when the decision was not made for that visitor by Personalize.
	PersonalizeOutcome(ctx context.Context, req clientele.PersonalizeOutcome) error
}

// maxPersonalBytes is how large a question of a browser may be.
const maxPersonalBytes = 16 << 10

// personalize answers a browser's question for what to show. It knows the visitor by the anonymous id alone, so that a page
// cannot look anybody up.
func (h *Handler) personalize(w http.ResponseWriter, r *http.Request) {
	var req clientele.PersonalizeRequest
	if !h.asked(w, r, &req, &req.WriteKey, &req.AnonymousID) {
		return
	}
	if len(req.Items) > 100 || req.Limit < 0 || req.Limit > 24 {
		refuse(w, 0, clientele.Errorf(clientele.Invalid, "100 items and a limit of 24 are the most"))
		return
	}
	answer, err := h.personal.Personalize(r.Context(), req)
	if err != nil {
		h.refusals.count("personalize", err)
		refuse(w, 0, err)
		return
	}
	b, err := json.Marshal(answer)
	if err != nil {
		refuse(w, 0, clientele.Errorf(clientele.Internal, "personalize: %w", err))
		return
	}
	w.Header()["Content-Type"] = jsonType
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // a browser that is gone asks again
}

// personalOutcome takes down what a visitor did with an offer.
func (h *Handler) personalOutcome(w http.ResponseWriter, r *http.Request) {
	var req clientele.PersonalizeOutcome
	if !h.asked(w, r, &req, &req.WriteKey, &req.AnonymousID) {
		return
	}
	if err := h.personal.PersonalizeOutcome(r.Context(), req); err != nil {
		h.refusals.count("personalize", err)
		refuse(w, 0, err)
		return
	}
	accepted(w)
}

// asked reads a question that has a source's key. False: it has been refused.
func (h *Handler) asked(w http.ResponseWriter, r *http.Request, into any, key, visitor *string) bool {
	if !begin(w, r, http.MethodPost) {
		return false
	}
	err := func() error {
		f := framer{sources: h.sources, limit: h.limit.Load(), at: h.now(), origin: r.Header.Get("Origin")}
		if err := f.headerKey(r); err != nil {
			return err
		}
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPersonalBytes))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			return clientele.Errorf(clientele.Invalid, "the body: %w", err).WithHint("writeKey, anonymousId and items are all that may be asked with")
		}
		if !f.hasBase && *key != "" {
			if err := f.take(*key); err != nil {
				return err
			}
		}
		if !f.hasBase {
			return f.noKey()
		}
		if len(f.base.AllowedOrigins) > 0 && f.origin == "" {
			return otherOrigin() // a page always says its origin
		}
		if *visitor == "" || len(*visitor) > 256 {
			return clientele.Errorf(clientele.Invalid, "anonymousId is missing, or longer than 256 bytes").WithHint("send the id that the library keeps in the browser")
		}
		return nil
	}()
	if err != nil {
		h.refusals.count("personalize", err)
		refuse(w, 0, err)
		return false
	}
	return true
}
