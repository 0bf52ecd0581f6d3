package clientele

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxModels is how many models there can be.
const MaxModels = 50

// Model says what is to be predicted of everybody who has ordered. Its scores are predictions.NAME.OUTPUT.
type Model struct {
	Name        string    `json:"name" doc:"a-z, 0-9 and _, the first a letter, at most 40."`
	Kind        ModelKind `json:"kind" enum:"ltv,early,churn,propensity,discount,segments,lookalike,uplift,outside,affinity,send_time"`
	Description string    `json:"description,omitempty" maxLength:"500"`
	Horizon     string    `json:"horizon,omitempty" doc:"How far to predict: 90d, 39w, 12m, 1y. Of ltv, churn, propensity and outside; of uplift from when somebody saw the experiment; of early how long value counts from the first order on."`
	Target      string    `json:"target,omitempty" maxLength:"200" doc:"Of propensity, uplift and outside: order (default), or the name of an event; of outside also no order. Of send_time: the name of an event whose hours count; without it opens and clicks of messages, or visits where these are few."`
	Audience    string    `json:"audience,omitempty" maxLength:"200" doc:"Of lookalike: whose like are looked for. Of propensity, in the place of target: who enters the audience."`
	Of          string    `json:"of,omitempty" enum:"category,brand,product,channel" doc:"Of affinity: what is preferred; channel is the sales channel of orders."`
	Zone        string    `json:"zone,omitempty" doc:"Of send_time: the time zone of its hours, as Asia/Bangkok; UTC without it."`
	Method      string    `json:"method,omitempty" doc:"Of ltv: pareto (default), mbg, bg, nbd or auto, the one that is nearest in the backtest. Of churn, propensity and early: logistic or trees; without it the better one. Of uplift: t, s or x; without it the one with the best Qini in cross-validation."`
	Unit        string    `json:"unit,omitempty" doc:"Of ltv, the unit of time of its parameters: week (default) or day."`
	Window      string    `json:"window,omitempty" doc:"Of ltv: learn from customers alone whose first order is at most that long ago."`
	Returns     string    `json:"returns,omitempty" doc:"net (default): a return is taken off the orders before it; ignore: it is left out."`
	Currency    string    `json:"currency,omitempty" doc:"Only orders in this currency; without it all, in the base currency."`
	Margin      float64   `json:"margin,omitempty" doc:"Share of an order's revenue that counts as value; 1 without it."`
	Discount    float64   `json:"discount_rate,omitempty" doc:"Yearly rate by which money to come is worth less."`
	Top         float64   `json:"top,omitempty" doc:"Of early: the share of customers that are the best; 0.05 without it, at most 0.5."`
	Experiment  string    `json:"experiment,omitempty" maxLength:"200" doc:"Of uplift: the experiment_name or experiment_id of the events by which people saw an arm."`
	Treated     string    `json:"treated,omitempty" maxLength:"200" doc:"Of uplift: the variation_name or variation_id of the treated; without it the arm that most people saw besides the control."`
	Control     string    `json:"control,omitempty" maxLength:"200" doc:"Of uplift: that of those who were not treated; without it the one of both whose name tells."`
	Share       float64   `json:"treated_share,omitempty" doc:"Of uplift: the share of both arms that was meant to be treated; 0.5 without it."`
	Groups      int       `json:"groups,omitempty" doc:"Of segments, how many; without it as many as come back when half of the people are left out."`
	TrainEvery  string    `json:"train_every,omitempty" doc:"How often it is trained by itself, as 30d, the first time at once; without it when somebody asks."`
	ScoreEvery  string    `json:"score_every,omitempty" doc:"How often everybody is scored again: 1d without it. Who orders is scored within seconds."`
	Promote     string    `json:"promote,omitempty" doc:"auto (default): a version that beats naive guesses takes over by itself; manual: somebody promotes it."`
}

// Targets of models that are no events.
const (
	TargetOrder   = "order"
	TargetNoOrder = "no order"
)

// ScoredEvent is what the events are called by which scores of a model of the kind outside come: each has a property score, and is as of its time.
func ScoredEvent(model string) string { return model + " scored" }

// Besides its outputs a score says of which version it is, and as of when.
const (
	PredictionAsOf    = "as_of"
	PredictionVersion = "version"
)

// PredictionsPrefix leads the name of a prediction where definitions of audiences ask for it.
const PredictionsPrefix = "predictions."

var modelName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Check says whether the definition can be trained, and fills in what it leaves out.
func (m *Model) Check() error {
	wrong := func(hint, format string, args ...any) error {
		return Errorf(Invalid, format, args...).WithHint("%s", hint)
	}
	of := m.Kind.fixed()
	switch {
	case !modelName.MatchString(m.Name):
		return wrong("write a-z, 0-9 and _, the first a letter, at most 40", "%q is no name of a model", m.Name)
	case of == nil:
		return wrong("kinds are "+listed(ModelKinds, "and"), "there is no kind %q of models", string(m.Kind))
	}
	for _, s := range m.settings() {
		switch {
		case s.value == "" && slices.Contains(of.needs, s.name):
			return wrong(s.help, "%s is missing: models of the kind %s need it", s.name, m.Kind)
		case s.value != "" && !slices.Contains(of.needs, s.name) && !slices.Contains(of.takes, s.name):
			return wrong("leave it out", "%s is of models of the kind %s", s.name, listed(kindsWith(s.name), "or"))
		}
	}
	switch {
	case m.Target == TargetNoOrder && m.Kind != ModelOutside:
		return wrong("take order: the sign of an effect turns round; who does not order is the kind churn", "no order is a target of models of the kind outside")
	case m.Target != "" && m.Audience != "":
		return wrong("one of both", "both target and audience say what is predicted")
	case !(m.Top >= 0) || m.Top > 0.5:
		return wrong("a share above 0 and up to 0.5, as 0.05", "top %v is no such share", m.Top)
	case !(m.Share >= 0) || m.Share >= 1:
		return wrong("a share between 0 and 1, as 0.5", "treated_share %v is no such share", m.Share)
	case m.Treated != "" && m.Treated == m.Control:
		return wrong("two arms", "%s cannot be both treated and control", m.Treated)
	case m.Groups < 0 || m.Groups == 1 || m.Groups > 50:
		return wrong("2 to 50, or leave it out", "%d groups cannot be made", m.Groups)
	case !(m.Margin >= 0) || m.Margin > 1:
		return wrong("a share above 0 and up to 1", "margin %v is no share", m.Margin)
	case !(m.Discount >= 0) || m.Discount >= 10:
		return wrong("a yearly rate, as 0.1", "discount_rate %v is no rate", m.Discount)
	case !slices.Contains([]string{"", "net", "ignore"}, m.Returns):
		return wrong("net or ignore", "returns %q is neither", m.Returns)
	case !slices.Contains([]string{"", "week", "day"}, m.Unit):
		return wrong("week or day", "there is no unit %q", m.Unit)
	case m.Of != "" && !slices.Contains([]string{"category", "brand", "product", "channel"}, m.Of):
		return wrong("category, brand, product or channel", "there is no affinity of %q", m.Of)
	case m.Kind == ModelSendTime && (m.Target == TargetOrder || m.Target == TargetNoOrder):
		return wrong("the name of an event, as Order Completed", "target %q is no event", m.Target)
	case m.Method != "" && !slices.Contains(of.methods, m.Method):
		return wrong(listed(of.methods, "or")+", or leave it out", "there is no method %q", m.Method)
	case !slices.Contains([]string{"", "auto", "manual"}, m.Promote):
		return wrong("auto or manual", "promote %q is neither", m.Promote)
	}
	if _, err := m.Location(); err != nil {
		return err
	}
	for _, span := range []struct{ name, text string }{{"horizon", m.Horizon}, {"window", m.Window}, {"train_every", m.TrainEvery}, {"score_every", m.ScoreEvery}} {
		if span.text == "" {
			continue
		}
		if _, err := Days(span.text); err != nil {
			return Errorf(Invalid, "%s: %w", span.name, err).WithHint("%s", ErrorHint(err))
		}
	}
	return nil
}

// modelSetting is a setting that only some kinds have.
type modelSetting struct{ name, value, help string }

// settings are those that only some kinds have, "" where nothing is said.
func (m *Model) settings() []modelSetting {
	number := func(x float64) string {
		if x == 0 {
			return ""
		}
		return fmt.Sprint(x)
	}
	return []modelSetting{
		{"horizon", m.Horizon, "how far is to be predicted: 90d or 39w"},
		{"target", m.Target, "order, or the name of an event"},
		{"audience", m.Audience, "the name of an audience"},
		{"of", m.Of, "category, brand, product or channel"},
		{"zone", m.Zone, ""},
		{"method", m.Method, ""},
		{"unit", m.Unit, ""},
		{"window", m.Window, ""},
		{"returns", m.Returns, ""},
		{"currency", m.Currency, ""},
		{"top", number(m.Top), ""},
		{"groups", number(float64(m.Groups)), ""},
		{"experiment", m.Experiment, "the experiment_name or experiment_id of " + ExperimentViewed},
		{"treated", m.Treated, ""},
		{"control", m.Control, ""},
		{"treated_share", number(m.Share), ""},
	}
}

// Location is the time zone of hours.
func (m *Model) Location() (*time.Location, error) {
	zone, err := time.LoadLocation(m.Zone) // "" is UTC
	if err != nil || m.Zone == "Local" {
		return nil, Errorf(Invalid, "zone: there is no time zone %q", m.Zone).WithHint("write it like Asia/Bangkok or Europe/Paris")
	}
	return zone, nil
}

// Days reads a span of whole days: 90d, 39w, 12m (of 30 days) or 1y.
func Days(text string) (int, error) {
	units := map[string]int{"d": 1, "w": 7, "m": 30, "y": 365}
	if len(text) > 1 {
		n, err := strconv.Atoi(strings.TrimSpace(text[:len(text)-1]))
		if days := units[text[len(text)-1:]]; err == nil && days > 0 && n > 0 && n <= 36_500/days {
			return n * days, nil
		}
	}
	return 0, Errorf(Invalid, "%q is no span of days", text).WithHint("a number and d, w, m or y: 90d, 39w, 12m, 1y; at most 100 years")
}

// The states of a version.
const (
	VersionTrained    = "trained"     // it waits for somebody to promote it
	VersionPromoted   = "promoted"    // scores are of this version
	VersionRetired    = "retired"     // another took its place
	VersionRolledBack = "rolled_back" // somebody went back to the one before
	VersionRefused    = "refused"     // there was nothing to learn from; why says so
)

// ModelVersion is a training and what came of it.
type ModelVersion struct {
	Version    int                `json:"version"`
	State      string             `json:"state"`
	Why        string             `json:"why,omitempty"` // why it was refused, or not promoted by itself
	Quality    string             `json:"quality"`       // good, fair, poor or unknown
	By         string             `json:"by"`
	At         Micros             `json:"at"`
	From       Micros             `json:"from"`  // the first day that it learned from
	Until      Micros             `json:"until"` // the last
	Customers  int64              `json:"customers"`
	Code       string             `json:"code"` // version of the program
	Seed       uint64             `json:"seed"`
	TookMS     int64              `json:"took_ms"`
	Method     string             `json:"method"`
	Parameters map[string]float64 `json:"parameters,omitempty"`
	Metrics    map[string]float64 `json:"metrics,omitempty"`
	Artefact   string             `json:"artefact,omitempty"` // SHA-256 of what was learned
	Bytes      int64              `json:"artefact_bytes,omitempty"`
	Settings   Model              `json:"settings"` // as they were
}

// ModelScored is the last time that everybody was scored.
type ModelScored struct {
	Version  int       `json:"version"`
	At       Micros    `json:"at"`
	UpTo     Position  `json:"up_to"` // log position of the orders that were looked at
	Profiles int64     `json:"profiles"`
	Ranks    []float64 `json:"ranks,omitempty"` // what stands at each half percent, the least first
	// Ladder is of the kind lookalike: places of those outside the audience, 5 % apart, with the score of who has it.
	Ladder [][2]float64 `json:"ladder,omitempty"`
	Moved  []string     `json:"moved,omitempty"` // what is other than in the training, in sentences
}

// ModelRun is a training or scoring that is under way.
type ModelRun struct {
	Doing   string `json:"doing"` // waits, reads, trains, scores
	Since   Micros `json:"since"`
	Done    int64  `json:"done"` // profiles that are scored
	Of      int64  `json:"of,omitempty"`
	Version int    `json:"version,omitempty"`
}

// ModelInForce is a model with what became of it.
type ModelInForce struct {
	Model
	RuleOrigin
	Outputs  []ModelOutput `json:"outputs"`
	Promoted int           `json:"promoted"` // version; 0 = none
	Trained  *ModelVersion `json:"latest,omitempty"`
	Scored   *ModelScored  `json:"scored,omitempty"`
	Running  *ModelRun     `json:"running,omitempty"`
	Trouble  string        `json:"trouble,omitempty"` // why the last run did not end well
}

// ModelReport is what there is to know about a version before it is believed.
type ModelReport struct {
	Model   string `json:"model"`
	Version int    `json:"version"`
	State   string `json:"state"`
	Why     string `json:"why,omitempty"`
	Quality string `json:"quality"`
	// Summary says in sentences how good it is, Notes what to mind.
	Summary     []string       `json:"summary"`
	Notes       []string       `json:"notes,omitempty"`
	Tested      *ModelTested   `json:"backtest,omitempty"`
	Calibration []ModelBin     `json:"calibration,omitempty"`
	Lift        []ModelLift    `json:"lift,omitempty"`
	Drivers     []ModelDriver  `json:"drivers,omitempty"`
	Groups      []ModelGroup   `json:"groups,omitempty"`
	Measures    []ModelMeasure `json:"measures,omitempty"`
	Uplift      *UpliftReport  `json:"uplift,omitempty"`
}

// ModelTested says on what a version was held against what came.
type ModelTested struct {
	From      Micros `json:"from"`
	To        Micros `json:"to"`
	Customers int64  `json:"customers"`
	Better    bool   `json:"better_than_naive"`
}

// ModelMeasure is how near a guess came, the model's and naive ones.
type ModelMeasure struct {
	Name   string             `json:"name"`
	Naive  bool               `json:"naive"`
	Values map[string]float64 `json:"values"`
}

// ModelBin is people of like prediction: what was said and what came.
type ModelBin struct {
	Name   string  `json:"name"`
	People int64   `json:"people"`
	Said   float64 `json:"said"`
	Came   float64 `json:"came"`
}

// ModelLift is what the share of people that is ranked highest holds of all that came.
type ModelLift struct {
	Share float64 `json:"share"`
	Model float64 `json:"model"`
	Naive float64 `json:"naive,omitempty"`
	Best  float64 `json:"best,omitempty"` // with hindsight
}

// ModelDriver is what moves the predictions.
type ModelDriver struct {
	Name      string  `json:"name"`
	Weight    float64 `json:"weight"`
	Direction float64 `json:"direction"` // +1: more of it is a higher score
}

// ModelGroup is people of one tier or segment.
type ModelGroup struct {
	Name   string             `json:"name"`
	People int64              `json:"people"`
	Share  float64            `json:"share"`
	Values map[string]float64 `json:"values,omitempty"`
}

// PredictionJSON is what a Promotion calls an output of a model, as MODEL.OUTPUT.
func PredictionJSON(name string) string { return "\x02" + name }

// ModelBaseline holds an older baseline of value against the present one: who was worth most by what was known then, who is now, and because
// of what people moved.
type ModelBaseline struct {
	Model string        `json:"model"`
	Old   BaselineSide  `json:"old"`
	New   BaselineSide  `json:"new"`
	By    string        `json:"by"` // category or product
	Days  int           `json:"mix_days" doc:"Up to each day, the mix is of so many days."`
	Mix   []MixShift    `json:"mix" doc:"What weighs otherwise, what lost most first; at most 20."`
	Moves []TierMove    `json:"moves" doc:"People by their tier then and now; none is who had not ordered then."`
	Why   []BaselineWhy `json:"why" doc:"Of those who moved, because of what, most people first."`
	// Faded are yesterday's big spenders: people of the best tenth then who had spent most on what no longer weighs; FadedOut those of them who are no longer in it.
	Faded    int64    `json:"faded"`
	FadedOut int64    `json:"faded_out"`
	Summary  []string `json:"summary"`
	Notes    []string `json:"notes,omitempty"`
}

// BaselineSide is one of the two baselines.
type BaselineSide struct {
	Version int                `json:"version"`
	Day     Micros             `json:"day" doc:"Orders up to this day are known."`
	People  int64              `json:"people"`
	Value   float64            `json:"value" doc:"Expected of all."`
	Least   map[string]float64 `json:"least_value" doc:"By tier, the value of its least."`
}

// MixShift is a category or product with its share of all revenue then and now.
type MixShift struct {
	Name   string  `json:"name"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Weight string  `json:"weight,omitempty" enum:"lost,gained" doc:"Less than half, or more than twice of before; empty: neither, or too little."`
}

// TierMove is people of one tier then and one now.
type TierMove struct {
	From   string  `json:"from"`
	To     string  `json:"to"`
	People int64   `json:"people"`
	Before float64 `json:"value_before"`
	After  float64 `json:"value_after"`
}

// BaselineWhy is people who moved for one reason.
type BaselineWhy struct {
	Direction string  `json:"direction" enum:"up,down,new"`
	Why       string  `json:"why"`
	People    int64   `json:"people"`
	Before    float64 `json:"value_before"`
	After     float64 `json:"value_after"`
}
