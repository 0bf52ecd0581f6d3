package clientele

// PlanAction is what becomes of an event that breaks a tracking plan.
type PlanAction string

// The actions. Whatever is chosen, the violation is counted, with a few examples.
const (
	PlanAllow      PlanAction = "allow"      // the event is used all the same (default)
	PlanQuarantine PlanAction = "quarantine" // it waits in quarantine and can be replayed
	PlanDrop       PlanAction = "drop"       // it is not used; a record of it is kept, which can be replayed too
	PlanIgnore     PlanAction = "ignore"     // for unplanned events alone: they are used and not even counted
)

// Plan is a tracking plan: what the events of some sources look like. At most one plan speaks
// of a source: the one that names it, else the one that names none.
type Plan struct {
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Sources     []string             `json:"sources,omitempty" doc:"Whose events it is about; empty: those of every source without a plan of its own."`
	OnViolation PlanAction           `json:"on_violation,omitempty" enum:"allow,quarantine,drop" doc:"What becomes of an event that breaks its schema; empty: allow."`
	Unplanned   PlanAction           `json:"unplanned,omitempty" enum:"allow,quarantine,drop,ignore" doc:"What becomes of an event that the plan does not name; empty: allow."`
	Events      map[string]PlanEvent `json:"events" doc:"By the name of a track event, or $page, $screen, $identify, $group, $alias."`
}

// PlanEvent is what a plan says of one event.
type PlanEvent struct {
	Description string  `json:"description,omitempty"`
	Schema      RawJSON `json:"schema,omitempty" doc:"JSON Schema of the properties, of $identify and $group of the traits; none: anything."`
}

// TransformOp is what a step of a transform rule does.
type TransformOp string

// The operations.
const (
	TransformRename TransformOp = "rename" // the value at path moves to to
	TransformSet    TransformOp = "set"    // path gets what the expression value gives
	TransformDrop   TransformOp = "drop"   // path is taken out
	TransformHash   TransformOp = "hash"   // the text or number at path becomes its keyed SHA-256
	TransformFilter TransformOp = "filter" // the event is not used
)

// TransformRule changes events on their way in, before they are read. The log keeps them as they came.
type TransformRule struct {
	Name    string          `json:"name" yaml:"name"`
	Sources []string        `json:"sources,omitempty" yaml:"sources,omitempty" doc:"Empty: every source."`
	Events  []string        `json:"events,omitempty" yaml:"events,omitempty" doc:"Names of track events, or $page, $screen, $identify, $group, $alias; empty: every event."`
	When    string          `json:"when,omitempty" yaml:"when,omitempty" doc:"An expression that must be true; empty: always."`
	Steps   []TransformStep `json:"steps" yaml:"steps"`
	Order   int             `json:"order,omitempty" yaml:"order,omitempty" doc:"Rules apply by order, then by name."`
}

// TransformStep is one change.
type TransformStep struct {
	Op    TransformOp `json:"op" yaml:"op" enum:"rename,set,drop,hash,filter"`
	Path  string      `json:"path,omitempty" yaml:"path,omitempty" doc:"For example properties.price; a dot in a name is written \\."`
	To    string      `json:"to,omitempty" yaml:"to,omitempty" doc:"Of rename: the new path."`
	Value string      `json:"value,omitempty" yaml:"value,omitempty" doc:"Of set: an expression."`
}

// RuleOrigin says where a plan or a transform rule came from.
type RuleOrigin struct {
	By       string   `json:"by"` // a token's name, or "config"
	At       Micros   `json:"at"`
	Position Position `json:"position"` // of the command in the log
	Config   bool     `json:"config"`   // of the configuration: to be changed there
}

// PlanInForce is a tracking plan that events are checked by.
type PlanInForce struct {
	Plan
	RuleOrigin
}

// TransformInForce is a transform rule that events are changed by, with what it has done.
type TransformInForce struct {
	TransformRule
	RuleOrigin
	Applied  int64  `json:"applied"`  // events that it changed or filtered
	Filtered int64  `json:"filtered"` // of these, the filtered
	Failed   int64  `json:"failed"`   // events of which an expression could not be evaluated
	Last     Micros `json:"last"`     // when it last applied
}

// Violation is how often events of a source have broken a rule of a plan.
type Violation struct {
	Source   string     `json:"source"`
	Event    string     `json:"event"`
	Rule     string     `json:"rule"` // place in the schema, or "unplanned"
	Plan     string     `json:"plan"`
	Action   PlanAction `json:"action"` // of the last one
	Reason   string     `json:"reason"` // of the last one, in words
	Count    int64      `json:"count"`
	First    Micros     `json:"first"`
	Last     Micros     `json:"last"`
	Examples []string   `json:"examples"` // ids of the latest records: POSITION-NUMBER in the log
}

// RuleTest is what a plan or transform rule that is not in force would do to events.
type RuleTest struct {
	Events   int           `json:"events"`   // that were tried
	Matched  int           `json:"matched"`  // to which the rule or plan applies
	Changed  int           `json:"changed"`  // by a transform rule
	Filtered int           `json:"filtered"` // by a transform rule
	Failed   int           `json:"failed"`   // expressions that could not be evaluated
	Violated int           `json:"violated"` // events that break the plan
	Rules    []Violation   `json:"rules,omitempty"`
	Samples  []RuleExample `json:"samples"`
}

// RuleExample is one event of a test. It holds what the event holds, personal data included.
type RuleExample struct {
	ID       string  `json:"id,omitempty"` // of a record of the log
	Source   string  `json:"source"`
	Event    string  `json:"event"`
	Before   RawJSON `json:"before"`
	After    RawJSON `json:"after"` // null: filtered
	Problem  string  `json:"problem,omitempty"`
	Violated string  `json:"violated,omitempty"`
}

// QualityAct is what an operator did for the quality of data.
type QualityAct struct {
	Position Position `json:"position"` // of the command in the log
	At       Micros   `json:"at"`
	By       string   `json:"by"` // a token's name, or "config"
	What     string   `json:"what" enum:"tracking_plan,transform,replay"`
	Subject  string   `json:"subject,omitempty"`  // the plan or rule
	Ended    bool     `json:"ended,omitempty"`    // it is no more
	Accepted int      `json:"accepted,omitempty"` // records that a replay has brought in
	Refused  int      `json:"refused,omitempty"`  // records that stay where they were
}

// RuleTrial says by which events a plan or a transform rule is tried.
type RuleTrial struct {
	Events  []TrialEvent `json:"events,omitempty" maxItems:"100" doc:"Events to try; none: the latest of the log."`
	Recent  int          `json:"recent,omitempty" minimum:"0" maximum:"10000" doc:"How many of the log's latest events to try; 0 = 1000."`
	Samples int          `json:"samples,omitempty" minimum:"0" maximum:"100" doc:"How many events to show; 0 = 5."`
}

// TrialEvent is a message of the tracking API as a source would send it.
type TrialEvent struct {
	Source  string  `json:"source"`
	Message RawJSON `json:"message"`
}
