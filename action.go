package clientele

// Action is something that can be done for a person: an offer, a call, a service. What is chosen among actions, and why, is a Decision.
type Action struct {
	Name        string   `json:"name" minLength:"1" maxLength:"64"`
	Description string   `json:"description,omitempty" maxLength:"1000"`
	Audiences   []string `json:"audiences,omitempty" maxItems:"20" doc:"For members of one of these; for everybody when empty."`
	Not         []string `json:"not,omitempty" maxItems:"20" doc:"For no member of one of these."`
	SKUs        []string `json:"skus,omitempty" maxItems:"100" doc:"One of these has to be in stock; the first that is comes with the answer."`
	Recommend   string   `json:"recommend,omitempty" enum:"new,again" doc:"The person's first recommended product comes with the answer; without one the action is not for the person."`
	Places      []string `json:"places,omitempty" maxItems:"20" doc:"Where it may be chosen: call_centre, point_of_sale, web, ...; everywhere when empty."`
	Purpose     string   `json:"purpose,omitempty" maxLength:"64" doc:"The purpose that the person has to agree to."`
	Channel     string   `json:"channel,omitempty" maxLength:"64" doc:"The channel of the contact: of consent, caps and plans."`
	Value       float64  `json:"value" minimum:"0" maximum:"1000000000" doc:"What it is worth when it is taken, in money."`
	Cost        float64  `json:"cost,omitempty" minimum:"0" maximum:"1000000000" doc:"Of offering it, in money."`
	Rate        float64  `json:"rate,omitempty" minimum:"0" maximum:"1" doc:"Share that is thought to take it before anybody was asked; 0.05 when 0. It counts as much as 20 offers."`
	Prediction  string   `json:"prediction,omitempty" maxLength:"130" doc:"MODEL.OUTPUT that is the person's own chance, from 0 to 1; persons without it have the chance of their segment."`
	Segments    []string `json:"segments,omitempty" maxItems:"20" doc:"Audiences whose response is learned apart: a person counts in the first that it is in."`
	Say         string   `json:"say,omitempty" maxLength:"2000" doc:"What to say."`
	Offer       RawJSON  `json:"offer,omitempty" doc:"What the system that asks needs to make the offer."`
	Public      bool     `json:"public,omitempty" doc:"Browsers may be told of it: name and offer."`
	Off         bool     `json:"off,omitempty"`
	By          string   `json:"by,omitempty" doc:"Who changed it; set by the server."`
	At          Micros   `json:"at,omitzero" doc:"When it was changed; set by the server."`
}

// DecideRequest asks what to do for a person.
type DecideRequest struct {
	Namespace string   `json:"namespace" minLength:"1" maxLength:"64"`
	Value     string   `json:"value" minLength:"1" maxLength:"512"`
	Place     string   `json:"place,omitempty" maxLength:"64" doc:"Where it is asked: call_centre, point_of_sale, web, ..."`
	Agent     string   `json:"agent,omitempty" maxLength:"64" doc:"The service agent or store associate who asks."`
	Actions   []string `json:"actions,omitempty" maxItems:"100" doc:"Only among these."`
	Items     []string `json:"items,omitempty" maxItems:"100" doc:"Products that the person looks at now, the last one last."`
	Explain   bool     `json:"explain,omitempty" doc:"Say of each action that was not for the person why."`
}

// Decision is the answer, and what came of it.
type Decision struct {
	ID       string          `json:"id"`
	Profile  ProfileID       `json:"profile"`
	At       Micros          `json:"at"`
	Action   *DecidedAction  `json:"action" doc:"null: nothing is worth it, or allowed."`
	RunnerUp *DecidedAction  `json:"runner_up"`
	Segment  string          `json:"segment,omitempty"`
	Reasons  []string        `json:"reasons"`
	LeftOut  []ActionLeftOut `json:"left_out,omitempty"`
}

// DecidedAction is an action with what was thought of it.
type DecidedAction struct {
	Name       string          `json:"name"`
	Say        string          `json:"say,omitempty"`
	Offer      RawJSON         `json:"offer,omitempty"`
	Product    *Recommendation `json:"product,omitempty"`
	Chance     float64         `json:"chance" doc:"That it is taken."`
	Expected   float64         `json:"expected" doc:"Chance x value - cost."`
	Propensity float64         `json:"propensity" doc:"With which it was to be chosen."`
}

// ActionLeftOut is an action that was not for the person.
type ActionLeftOut struct {
	Action string `json:"action"`
	Reason string `json:"reason"`
}

// Outcome is what came of a decision. It may be told again: the latest holds.
type Outcome struct {
	Outcome string   `json:"outcome" enum:"offered,taken,refused"`
	Reason  string   `json:"reason,omitempty" maxLength:"500" doc:"Why, in the person's or the agent's words."`
	Agent   string   `json:"agent,omitempty" maxLength:"64"`
	Revenue *float64 `json:"revenue,omitempty" minimum:"-1000000000" maximum:"1000000000" doc:"That it brought. Without it the action's value counts when it was taken."`
	At      Micros   `json:"at,omitzero" doc:"When; now when absent."`
}

// DecisionReport is what came of decisions, and what other policies would have brought.
type DecisionReport struct {
	Days      int                `json:"days"`
	Decisions int64              `json:"decisions"`
	Actions   []DecisionLine     `json:"actions"`
	Agents    []DecisionLine     `json:"agents"`
	Policies  []PolicyEstimate   `json:"policies" doc:"What each would have brought for a decision, from decisions with an outcome."`
	Learned   map[string]float64 `json:"learned,omitempty" doc:"Share of offers that were taken, by action, as choices use it."`
}

// DecisionLine is what came of an action, or of what an agent offered.
type DecisionLine struct {
	Name      string  `json:"name"`
	Decisions int64   `json:"decisions"`
	Offered   int64   `json:"offered" doc:"With an outcome: contacts."`
	Taken     int64   `json:"taken"`
	Refused   int64   `json:"refused"`
	Revenue   float64 `json:"revenue"`
	Cost      float64 `json:"cost"`
	Contact   float64 `json:"revenue_per_contact"`
}

// PolicyEstimate is what a policy would have brought, less costs, for a decision.
type PolicyEstimate struct {
	Policy string  `json:"policy"`
	IPS    float64 `json:"ips" doc:"By weights alone: unbiased, wide."`
	Error  float64 `json:"ips_error" doc:"A standard error."`
	DR     float64 `json:"dr" doc:"Doubly robust: by a model of rewards that weights mend."`
	DRErr  float64 `json:"dr_error"`
	Match  float64 `json:"effective" doc:"Decisions of a hundred that it rests on; under 5 do not believe it."`
}

// SpendRequest asks how to spend a budget on the people of an audience.
type SpendRequest struct {
	Audience  string             `json:"audience" minLength:"1" maxLength:"64"`
	Actions   []string           `json:"actions,omitempty" maxItems:"100" doc:"Only these; all when empty."`
	Budget    float64            `json:"budget,omitempty" minimum:"0" doc:"0: none, until a unit of money brings less than threshold."`
	Threshold float64            `json:"threshold,omitempty" minimum:"0" maximum:"1000" doc:"Margin that a unit of money has to bring; 1 when 0."`
	Capacity  map[string]float64 `json:"capacity,omitempty" doc:"Contacts by channel."`
	Contacts  int                `json:"contacts,omitempty" minimum:"0" maximum:"10" doc:"Of one person at most; 1 when 0."`
	Limit     int                `json:"limit,omitempty" minimum:"0" maximum:"100000" doc:"How many of the chosen are listed; 1000 when 0."`
}

// SpendPlan is whom to do what for, the best money first.
type SpendPlan struct {
	People       int                `json:"people" doc:"Of the audience that were looked at."`
	Offers       int                `json:"offers" doc:"That were for them."`
	Chosen       []SpendLine        `json:"chosen"`
	Count        int                `json:"count"`
	Spent        float64            `json:"spent"`
	Margin       float64            `json:"margin" doc:"Before the costs."`
	Last         float64            `json:"last" doc:"What the last unit of money brought."`
	Next         float64            `json:"next" doc:"What one more unit of the budget would bring; 0 when nothing is left that is worth it."`
	MoreStock    map[string]float64 `json:"more_stock" doc:"What one more of a SKU that ran out would bring, costs taken off."`
	MoreCapacity map[string]float64 `json:"more_capacity" doc:"Likewise of a channel's contacts."`
	Curve        []SpendPoint       `json:"curve" doc:"Margin by money spent."`
}

// SpendLine is one of the chosen.
type SpendLine struct {
	Profile ProfileID `json:"profile"`
	Action  string    `json:"action"`
	Channel string    `json:"channel,omitempty"`
	SKU     string    `json:"sku,omitempty"`
	Margin  float64   `json:"margin"`
	Cost    float64   `json:"cost"`
	Ratio   float64   `json:"ratio" doc:"Margin for each unit of money of this step."`
}

// SpendPoint is a point of the curve.
type SpendPoint struct {
	Spent  float64 `json:"spent"`
	Margin float64 `json:"margin"`
	Ratio  float64 `json:"ratio"`
}
