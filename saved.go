package clientele

import "slices"

// SavedKind is what is saved.
type SavedKind string

// The kinds.
const (
	SavedQuestion  SavedKind = "question"
	SavedDashboard SavedKind = "dashboard" // an ordered list of saved questions
	SavedGoal      SavedKind = "goal"      // a measure, its target, and the audiences that work for it
)

// Saved is a question, dashboard or goal under a name. Whoever made it and admins may change it; it is read by them, and by
// those it is shared with.
type Saved struct {
	Kind        SavedKind `json:"kind" enum:"question,dashboard,goal"`
	Name        string    `json:"name" minLength:"1" maxLength:"64"`
	Description string    `json:"description,omitempty" maxLength:"1000"`
	Shared      []string  `json:"shared,omitempty" maxItems:"100" doc:"Names of people and tokens; role:marketer is everybody of that role, * everybody who may read."`
	Question    *Question `json:"question,omitempty" doc:"Of a question."`
	Questions   []string  `json:"questions,omitempty" maxItems:"50" doc:"Of a dashboard: names of saved questions, in their order."`
	Goal        *Goal     `json:"goal,omitempty" doc:"Of a goal."`
	By          string    `json:"by,omitempty" doc:"Who made it; set by the server."`
	At          Micros    `json:"at,omitzero" doc:"When it was last changed; set by the server."`
}

// Everyone is whom something is shared with that everybody may read; RolePrefix leads the name of a role whose people may.
const (
	Everyone   = "*"
	RolePrefix = "role:"
)

// ReadBy says whether it may be read by whoever has that name and that role ("" for none).
func (s *Saved) ReadBy(name, role string, admin bool) bool {
	return admin || s.By == name || slices.Contains(s.Shared, name) || slices.Contains(s.Shared, Everyone) || role != "" && slices.Contains(s.Shared, RolePrefix+role)
}

// Goal is a measure of the explorer over a span and a target for it.
type Goal struct {
	Measure   string   `json:"measure" minLength:"1" maxLength:"1000" doc:"As in a question: revenue, average_order, margin, service_cost, active, ad_cost per customers, ..."`
	Target    float64  `json:"target"`
	AtMost    bool     `json:"at_most,omitempty" doc:"The target is a limit, as of a cost; otherwise it is to be reached."`
	Audience  string   `json:"audience,omitempty" maxLength:"64" doc:"Only people of this audience; everybody when empty."`
	From      string   `json:"from,omitempty" doc:"As in a question."`
	Until     string   `json:"until,omitempty"`
	Last      string   `json:"last,omitempty"`
	Currency  string   `json:"currency,omitempty"`
	Audiences []string `json:"audiences,omitempty" maxItems:"20" doc:"That work for it: the part of each is shown."`
}

// SavedAnswer is what a saved question answers now; of a dashboard in its order; of a goal how far it is.
type SavedAnswer struct {
	Answers  []NamedAnswer `json:"answers,omitempty"`
	Progress *GoalProgress `json:"progress,omitempty"`
}

// NamedAnswer is the answer to a saved question, or why there is none.
type NamedAnswer struct {
	Name   string  `json:"name"`
	Answer *Answer `json:"answer,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// GoalProgress is how far a goal is. Value is null where nothing was measured.
type GoalProgress struct {
	Value   *float64   `json:"value"`
	Target  float64    `json:"target"`
	Percent *float64   `json:"percent" doc:"Of the target."`
	Reached bool       `json:"reached"`
	Unit    string     `json:"unit,omitempty"`
	Parts   []GoalPart `json:"parts,omitempty"`
}

// GoalPart is what an attached audience has of it, within the goal's own audience.
type GoalPart struct {
	Audience string   `json:"audience"`
	Value    *float64 `json:"value"`
	Error    string   `json:"error,omitempty"`
}
