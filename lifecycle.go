package clientele

// LifecycleStage is one stage on the way of a customer. A profile is in the furthest stage whose
// condition holds for it.
type LifecycleStage struct {
	Name        string  `json:"name" yaml:"name"`
	Description string  `json:"description,omitempty" yaml:"description,omitempty"`
	Where       RawJSON `json:"where,omitempty" yaml:"-" doc:"The condition. The first stage has none: it is everybody's who is in no other."`
	Lost        bool    `json:"lost,omitempty" yaml:"lost,omitempty" doc:"Who comes here has left the way: lapsed. Moves into it are none forward."`
}

// LifecycleInForce are the stages with how they stand. While a version is filled the one before is
// live.
type LifecycleInForce struct {
	Version int               `json:"version"` // that is live; 0 = none is
	Stages  []LifecycleStage  `json:"stages"`  // of the latest version
	By      string            `json:"by,omitempty"`
	At      Micros            `json:"at,omitzero"`
	Filling *LifecycleFilling `json:"filling,omitempty"`
}

// LifecycleFilling is a version that is not live yet.
type LifecycleFilling struct {
	Version int `json:"version"`
	Ready   int `json:"ready"` // stages whose people are found
}

// ProfileStage is the lifecycle stage of a profile.
type ProfileStage struct {
	Stage string `json:"stage"`
	Since Micros `json:"since"`
}

// DefaultLifecycle is for shops that name events as Segment's specification of e-commerce does:
// from the first visit to the second order, and who has not ordered for half a year.
func DefaultLifecycle() []LifecycleStage {
	return []LifecycleStage{
		{Name: "awareness", Description: "seen, and nothing more"},
		{Name: "interest", Description: "looked at a product in the last 90 days", Where: RawJSON(`{"event":"Product Viewed","within":"90d"}`)},
		{Name: "intent", Description: "filled a cart or began a checkout in the last 30 days",
			Where: RawJSON(`{"or":[{"event":"Product Added","within":"30d"},{"event":"Checkout Started","within":"30d"}]}`)},
		{Name: "purchase", Description: "ordered once", Where: RawJSON(`{"event":"Order Completed"}`)},
		{Name: "retention", Description: "ordered more than once", Where: RawJSON(`{"event":"Order Completed","count":{"op":"gte","value":2}}`)},
		{Name: "lapsed", Description: "ordered, and not in the last 180 days", Lost: true,
			Where: RawJSON(`{"and":[{"event":"Order Completed"},{"not":{"event":"Order Completed","within":"180d"}}]}`)},
	}
}
