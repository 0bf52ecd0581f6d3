package clientele

// Source is where events or imports come from, as the API shows and makes it.
type Source struct {
	Name           string   `json:"name"`
	Kind           string   `json:"kind" enum:"browser,mobile,server,file" doc:"Who holds its write key: that of a browser or an app is public, so what it sends is never verified."`
	AllowedOrigins []string `json:"allowed_origins,omitempty" doc:"Of browsers; empty: pages of any origin may send."`
	Verified       bool     `json:"verified,omitempty" doc:"Its identifiers are verified; server and file only."`
}

// SourceInForce is a source, and where it came from.
type SourceInForce struct {
	Source
	WriteKey string `json:"write_key,omitempty"` // of a server: for admins alone
	Config   bool   `json:"config"`              // it is in the configuration, and changed there
	Webhook  bool   `json:"webhook,omitempty"`   // other systems call it
	By       string `json:"by,omitempty"`
	At       Micros `json:"at,omitempty"`
	Ended    Micros `json:"ended,omitempty"` // its key is not taken any more
	// LastError is the newest of its records in quarantine; nil when there is none, or when newer ones of other sources
	// are too many to look through.
	LastError *SourceError `json:"last_error,omitempty"`
}

// SourceError is when and why a record of a source could not be used.
type SourceError struct {
	ID     string `json:"id"` // of the record in quarantine
	At     Micros `json:"at"` // its receipt
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"` // for who may see records
}
