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

// Consent is a decision on a profile.
type Consent struct {
	Purpose string `json:"purpose"`
	Channel string `json:"channel"`
	Granted bool   `json:"granted"`
	At      Micros `json:"at"`
	Source  string `json:"source"`
}
