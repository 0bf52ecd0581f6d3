package clientele

// Kinds of requests of a person (GDPR art. 15 and 17).
const (
	RequestAccess  = "access"
	RequestErasure = "erasure"
)

// How a request of a person ends.
const (
	RequestAnswered = "answered"
	RequestRefused  = "refused" // with the reason given to the person (art. 12(4))
)

// SubjectRequest is what a person has asked for, and by when the answer is due. It holds no personal data: after an
// erasure it is a number alone.
type SubjectRequest struct {
	ID        string    `json:"id"` // "rq_" and the position of its command
	Kind      string    `json:"kind" enum:"access,erasure"`
	Profile   ProfileID `json:"profile"`             // as it was when the request was entered
	Reference string    `json:"reference,omitempty"` // of the letter or the ticket
	Received  Micros    `json:"received"`
	Due       Micros    `json:"due"`
	By        string    `json:"by"`
	Outcome   string    `json:"outcome,omitempty" enum:"answered,refused"`
	Reason    string    `json:"reason,omitempty"` // why it was refused
	Closed    Micros    `json:"closed,omitempty"`
	ClosedBy  string    `json:"closed_by,omitempty"`
}

// NewSubjectRequest is a request to enter.
type NewSubjectRequest struct {
	Namespace Namespace `json:"namespace"`
	Value     string    `json:"value"`
	Kind      string    `json:"kind" enum:"access,erasure"`
	Received  Micros    `json:"received,omitempty"` // none: now
	Reference string    `json:"reference,omitempty" maxLength:"200"`
}

// SubjectRequestEnd closes a request.
type SubjectRequestEnd struct {
	Outcome string `json:"outcome" enum:"answered,refused"`
	Reason  string `json:"reason,omitempty" maxLength:"500"` // needed where it is refused
}

// CommandSubjectRequest is what a person has asked for, or the end of it.
const CommandSubjectRequest CommandName = "subject_request"
