package clientele

// AudienceDraft is an audience, or another definition of one, that waits until somebody approves it. Nothing is filled by it.
type AudienceDraft struct {
	Audience Audience `json:"audience"`
	Reads    string   `json:"reads"` // the definition in one line
	By       string   `json:"by"`
	At       Micros   `json:"at"`
	Position Position `json:"position"` // names this draft: whoever approves says which
}

// AudienceComment is what somebody said of an audience.
type AudienceComment struct {
	ID   Position `json:"id"` // of the command in the log
	By   string   `json:"by"`
	At   Micros   `json:"at"`
	Text string   `json:"text"`
}

// Limits of comments.
const (
	MaxComment  = 2000 // bytes
	MaxComments = 500  // of an audience
)

// The commands about the work on audiences.
const (
	CommandAudienceDraft   CommandName = "audience_draft"   // an audience that waits for approval, or no longer
	CommandAudienceApprove CommandName = "audience_approve" // a draft comes into force
	CommandAudienceOwner   CommandName = "audience_owner"   // whose an audience is
	CommandAudienceComment CommandName = "audience_comment" // what somebody said of an audience, or the end of it
)
