package clientele

// ConsentRequest is one decision of a person about one purpose on one channel, as a source
// told it. An empty channel means every channel.
type ConsentRequest struct {
	Purpose      string `json:"purpose"`
	Channel      string `json:"channel,omitempty"`
	Granted      bool   `json:"granted"`
	LegalBasis   string `json:"legal_basis,omitempty"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
	TextVersion  string `json:"text_version,omitempty"`
	ExpiresAt    Micros `json:"expires_at,omitempty"`
}

// Consent is a decision on a profile, with its proof: who told it and when, in which event, under
// which text.
type Consent struct {
	Purpose      string `json:"purpose"`
	Channel      string `json:"channel"`
	Granted      bool   `json:"granted"`
	At           Micros `json:"at"`
	Source       string `json:"source"`
	Event        string `json:"event,omitempty"` // message or record id
	LegalBasis   string `json:"legal_basis,omitempty"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
	TextVersion  string `json:"text_version,omitempty"`
	ExpiresAt    Micros `json:"expires_at,omitempty"`
}

// The purposes that the product itself fills, from consent strings and browser signals. Any other
// text is a purpose too.
const (
	PurposeStorage             = "storage"
	PurposeAdvertising         = "advertising"
	PurposeTargetedAdvertising = "targeted_advertising"
	PurposePersonalization     = "personalization"
	PurposeAnalytics           = "analytics"
	PurposeImprovement         = "improvement"
	PurposeContent             = "content"
	PurposeSale                = "sale"
	PurposeSharing             = "sharing"
)

// Limits of one decision.
const (
	MaxPurposeBytes = 128 // purpose and channel together
	MaxProofBytes   = 256 // legal basis, jurisdiction and text version, each
)

// Check says what is wrong with the decision.
func (c *ConsentRequest) Check() error {
	switch {
	case c.Purpose == "":
		return Errorf(Invalid, "a consent needs a purpose")
	case len(c.Purpose)+len(c.Channel) > MaxPurposeBytes:
		return Errorf(Invalid, "purpose and channel are over %d bytes", MaxPurposeBytes)
	case max(len(c.LegalBasis), len(c.Jurisdiction), len(c.TextVersion)) > MaxProofBytes:
		return Errorf(Invalid, "legal_basis, jurisdiction and text_version have at most %d bytes each", MaxProofBytes)
	case c.ExpiresAt != 0 && (c.ExpiresAt < MinTime || c.ExpiresAt > MaxTime):
		return Errorf(Invalid, "expires_at is not between the years 1900 and 2200")
	}
	return nil
}

// ConsentDecision is what an operator records for a person: decisions with when they were made.
type ConsentDecision struct {
	Namespace Namespace        `json:"namespace"`
	Value     string           `json:"value"`
	At        Micros           `json:"at,omitempty"` // 0 = now
	Consents  []ConsentRequest `json:"consents"`
}

// ConsentFigures are how many people agree to what.
type ConsentFigures struct {
	Items  []ConsentCount `json:"items"`
	Months []ConsentMonth `json:"months"`
}

// ConsentCount is by what each person decided last for a purpose and channel.
type ConsentCount struct {
	Purpose string `json:"purpose"`
	Channel string `json:"channel" doc:"Empty: every channel."`
	Granted int64  `json:"granted"`
	Refused int64  `json:"refused"`
}

// ConsentMonth is how many had granted it at the end of a month, or have today.
type ConsentMonth struct {
	Month   string `json:"month" doc:"Such as 2026-03, of UTC."`
	Purpose string `json:"purpose"`
	Channel string `json:"channel"`
	Granted int64  `json:"granted"`
}
