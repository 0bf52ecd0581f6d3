package clientele

// PersonalizeRequest is what a browser asks with: its own anonymous id and the products it shows, and nothing that names anybody.
type PersonalizeRequest struct {
	WriteKey    string   `json:"writeKey,omitempty"`
	AnonymousID string   `json:"anonymousId"`
	Items       []string `json:"items,omitempty"` // looked at, the last one last
	Limit       int      `json:"limit,omitempty"` // products at most; 4 when 0
}

// PersonalizeAnswer holds what browsers may know: names and offers of public actions, products. Nothing of the person is in it.
type PersonalizeAnswer struct {
	Decision string            `json:"decision,omitempty"` // id, for the outcome
	Action   string            `json:"action,omitempty"`   // empty: nothing
	Offer    RawJSON           `json:"offer,omitempty"`
	Product  *PersonalProduct  `json:"product,omitempty"`
	Products []PersonalProduct `json:"products"`
}

// PersonalProduct is a product to show.
type PersonalProduct struct {
	Item string `json:"item"`
	Name string `json:"name,omitempty"`
}

// PersonalizeOutcome is what the visitor did with an offer.
type PersonalizeOutcome struct {
	WriteKey    string `json:"writeKey,omitempty"`
	AnonymousID string `json:"anonymousId"`
	Decision    string `json:"decision"`
	Outcome     string `json:"outcome"` // offered, taken, refused
}
