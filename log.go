package clientele

// Position is the place of a frame in the log: 1, 2, 3, ... Zero is before the first.
type Position uint64

// Kind says what a record is. A frame holds records of one kind.
type Kind uint8

// The kinds. Their numbers are on disk for ever.
const (
	KindEvent   Kind = 1 // what a source sent: one message of the tracking API, raw JSON
	KindRow     Kind = 2 // an imported row for a table of the SQL schema (a RowRecord)
	KindCommand Kind = 3 // what an operator decided (a Command)
	KindTick    Kind = 4 // the time alone, so that a quiet log still moves the domain's clock
)

func (k Kind) String() string {
	switch k {
	case KindEvent:
		return "event"
	case KindRow:
		return "row"
	case KindCommand:
		return "command"
	case KindTick:
		return "tick"
	}
	return "unknown"
}

// Verdict is what the collector found out about a record before it appended it. Whatever is
// not Accepted goes to quarantine in the resolver: nothing that could be framed is refused.
type Verdict uint8

// The verdicts. Their numbers are on disk for ever.
const (
	Accepted  Verdict = 0
	Oversize  Verdict = 1 // over MaxEventBytes; Raw holds the first OversizeKept bytes
	Malformed Verdict = 2 // not a JSON object
	Erased    Verdict = 3 // the record was an erased person's; Raw is what must remain of it (internal/resolve)
	Expired   Verdict = 4 // a retention rule has deleted the record; Raw is what must remain of it (internal/resolve)
)

// Limits of the collect API and of a frame.
const (
	MaxEventBytes   = 32 << 10
	OversizeKept    = 4 << 10
	MaxBatchBytes   = 500 << 10
	MaxBatchEvents  = 2500
	MaxFrameRecords = 1000
	MaxFrameBytes   = 768 << 10 // encoded; one NATS message takes 1 MB
)

// Record is one thing in the log. Raw is kept as it came.
type Record struct {
	Source     string
	ReceivedAt Micros
	Verdict    Verdict
	Raw        []byte
}

// Frame is one message of the log: records of one kind, appended together.
type Frame struct {
	Kind    Kind
	Records []Record
}

// RowRecord is the Raw (JSON) of a KindRow record: one row for one table, as an import mapped
// it. Fields are text, number, bool or list as JSON has them; the resolver types them by the
// table's columns.
type RowRecord struct {
	Table       string             `json:"table"`
	ID          string             `json:"id"`            // record id: says that two records are the same one
	TS          Micros             `json:"ts,omitempty"`  // when it was so; 0 = when it was received
	Identifiers []RecordIdentifier `json:"ids,omitempty"` // whose it is
	Fields      map[string]any     `json:"fields,omitempty"`
	Traits      map[string]any     `json:"traits,omitempty"`   // table "profiles" only
	Consents    []ConsentRequest   `json:"consents,omitempty"` // table "profiles" only
	Expires     Micros             `json:"expires,omitempty"`  // table EnrichmentRows only: the traits hold until then
	Hold        bool               `json:"hold,omitempty"`     // likewise: nobody has the identifier yet, and who comes with it gets the traits
}

// RecordIdentifier is an identifier as an import found it.
type RecordIdentifier struct {
	Namespace Namespace `json:"ns"`
	Value     string    `json:"v"`
	Verified  bool      `json:"verified,omitempty"`
}

// CommandName names what an operator decided.
type CommandName string

// The commands.
const (
	CommandMerge         CommandName = "merge"          // manual link
	CommandUnmerge       CommandName = "unmerge"        // retire evidence, add a cannot-link
	CommandIdentityRules CommandName = "identity_rules" // new rules for all stored evidence
	CommandTraitRules    CommandName = "trait_rules"    // survivorship rules from here on
	CommandReplay        CommandName = "replay"         // try quarantined records again
	CommandErase         CommandName = "erase"          // forget a person
	CommandConsent       CommandName = "consent"        // what a person decided, taken down by an operator
	CommandTrackingPlan  CommandName = "tracking_plan"  // a plan from here on, or its end
	CommandTransform     CommandName = "transform"      // a transform rule from here on, or its end
	CommandTransformKey  CommandName = "transform_key"  // the key of hashed fields, made once
	CommandAudience      CommandName = "audience"       // an audience, or a new version of it, or its end
	CommandLifecycle     CommandName = "lifecycle"      // the lifecycle stages, or their end
	CommandAction        CommandName = "action"         // an action that can be chosen for people, or its end
	CommandSaved         CommandName = "saved"          // a saved question, dashboard or goal, or its end
	CommandAudienceFill  CommandName = "audience_fill"  // who is in a new version, as SQL found them
	CommandComputedTrait CommandName = "computed_trait" // a computed trait from here on, or its end
	CommandStock         CommandName = "stock"          // who may want SKUs whose stock has changed
	CommandPercentiles   CommandName = "percentiles"    // values at percentiles of traits, as SQL found them
	CommandAudienceList  CommandName = "audience_list"  // who is on the list of a static or SQL audience, or no longer
	CommandRetention     CommandName = "retention"      // a retention rule from here on, or its end
	CommandEnrichment    CommandName = "enrichment"     // what an import of enrichment came to
	CommandEnrichmentEnd CommandName = "enrichment_end" // what a source of enrichment has said goes
	CommandMatchRun      CommandName = "match_run"      // a run of matching, or what became of one that waited
	CommandMatch         CommandName = "match"          // what a run found
	CommandMatchReview   CommandName = "match_review"   // a verdict on pairs of the review queue
	CommandModel         CommandName = "model"          // a model, or its end
	CommandModelPart     CommandName = "model_part"     // a part of what a version has learned
	CommandModelVersion  CommandName = "model_version"  // a version of a model, its parts are told before
	CommandModelState    CommandName = "model_state"    // a version is promoted, or the one before it again
	CommandScores        CommandName = "scores"         // what a promoted version predicts of some people
)

// Command is the Raw (JSON) of a KindCommand record. Body has the command's own shape.
type Command struct {
	Name CommandName `json:"name"`
	By   string      `json:"by"` // who decided: a token's name, or "config"
	Body RawJSON     `json:"body"`
}

// RawJSON is JSON that nobody has read yet.
type RawJSON []byte

// MarshalJSON is the JSON itself, null when empty.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// UnmarshalJSON keeps a copy.
func (r *RawJSON) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}
