package clientele

// ExperimentViewed is what the events are called by which somebody saw an arm of an experiment. Their properties are experiment_name or
// experiment_id, and variation_name or variation_id.
const ExperimentViewed = "Experiment Viewed"

// UpliftReport is what an experiment showed: what the treatment did on the average, and whether choosing people for it pays.
type UpliftReport struct {
	Arms    []UpliftArm   `json:"arms" doc:"The treated one first."`
	Split   float64       `json:"split" doc:"Chance that sizes come as far apart by lot."`
	Both    int64         `json:"both" doc:"People who saw more than one arm: left out."`
	Early   int64         `json:"early" doc:"People whose horizon is not over: not learned from."`
	Effect  UpliftEffect  `json:"effect" doc:"On the average: the treated less the others."`
	Qini    float64       `json:"qini" doc:"On people that were not learned from: 0 is choosing by lot, 1 a perfect choice."`
	Low     float64       `json:"qini_low"`
	High    float64       `json:"qini_high"`
	Benefit bool          `json:"benefit" doc:"The interval of the Qini is above 0."`
	Groups  []UpliftGroup `json:"groups" doc:"People that were not learned from, in tenths by their score, the highest first."`
	Curve   []UpliftGain  `json:"curve" doc:"The Qini curve."`
}

// UpliftArm is people of an experiment who were treated alike.
type UpliftArm struct {
	Name    string  `json:"name"`
	Treated bool    `json:"treated"`
	People  int64   `json:"people"`
	Learned int64   `json:"learned" doc:"Of them, those that were learned from or measured."`
	Rate    float64 `json:"rate" doc:"Share of these with the outcome."`
}

// UpliftEffect is a difference in the probability of the outcome, with an interval of 95 %; without one where there are too few people.
type UpliftEffect struct {
	Effect float64  `json:"effect"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
}

// UpliftGroup is people of like score: the effect that was said, and what came.
type UpliftGroup struct {
	Name   string  `json:"name"`
	People int64   `json:"people"`
	Said   float64 `json:"said"`
	UpliftEffect
}

// UpliftGain is what treating a share of people adds, those ranked highest or some by lot: outcomes by person of all.
type UpliftGain struct {
	Share float64 `json:"share"`
	Model float64 `json:"model"`
	Lot   float64 `json:"by_lot"`
}
