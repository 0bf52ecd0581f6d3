package resolve

import (
	"bytes"
	"encoding/json"
	"strings"

	"clientele"
	"clientele/internal/profile"
)

// Standing is a decision that holds, as the column consent of profiles has it: without when and by
// which event, for those change with every event of a library that repeats what was decided.
type Standing struct {
	Purpose      string           `json:"purpose"`
	Channel      string           `json:"channel,omitempty"`
	Granted      bool             `json:"granted"`
	LegalBasis   string           `json:"legal_basis,omitempty"`
	Jurisdiction string           `json:"jurisdiction,omitempty"`
	TextVersion  string           `json:"text_version,omitempty"`
	ExpiresAt    clientele.Micros `json:"expires_at,omitempty"`
}

// standing is what the profile has decided, the decisions that hold, as JSON; nil for nothing.
func (r *Resolver) standing(p clientele.ProfileID, members []clientele.Anchor, heads []*profile.Head) (any, error) {
	all, err := profile.Consents(members, heads, links(r.graph, p))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	out := make([]Standing, len(all))
	for i, c := range all {
		out[i] = Standing{c.Purpose, c.Channel, c.Granted, c.LegalBasis, c.Jurisdiction, c.TextVersion, c.ExpiresAt}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // audiences look for a purpose as it is written
	if err := enc.Encode(out); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "consent: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// contested says whether the profile of the anchor has decided otherwise too, under another anchor
// or about another channel: then a decision that is repeated may be the one that holds again.
func (r *Resolver) contested(a clientele.Anchor, key profile.ConsentKey, granted bool) (bool, error) {
	p, err := r.graph.Profile(a)
	if err != nil {
		return false, err
	}
	members, err := r.graph.Members(p)
	if err != nil {
		return false, err
	}
	for _, m := range members {
		h, err := r.heads.Get(m)
		if err == nil {
			err = listen(r.o.Store, m, h)
		}
		if err != nil {
			return false, err
		}
		if h == nil || h.Said == nil {
			continue
		}
		for k, c := range h.Said.Consents {
			if k.Purpose == key.Purpose && (c.Granted != granted || c.Expires != 0) {
				return true, nil
			}
		}
	}
	return false, nil
}

// decided folds a decision into the head, and says whether it is news for the history. The
// profile's row changes with it, unless it only repeats what holds.
func (r *Resolver) decided(a clientele.Anchor, h *profile.Head, key profile.ConsentKey, c *profile.Consent) (news bool, err error) {
	news = h.Decide(key, c)
	changes := news
	if !news {
		if changes, err = r.contested(a, key, c.Granted); err != nil {
			return false, err
		}
	}
	if changes {
		r.batch.touched[a] = true
	}
	return news, nil
}
