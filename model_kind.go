package clientele

import (
	"slices"
	"strings"
)

// ModelKind is what a model predicts.
type ModelKind string

// The kinds of models.
const (
	ModelLTV        ModelKind = "ltv"        // orders and value to come
	ModelEarly      ModelKind = "early"      // which new customers will be among the best
	ModelChurn      ModelKind = "churn"      // who does not order again
	ModelPropensity ModelKind = "propensity" // who orders, or does something else
	ModelDiscount   ModelKind = "discount"   // who waits for discounts
	ModelSegments   ModelKind = "segments"   // groups of customers that are alike
	ModelLookalike  ModelKind = "lookalike"  // who is like the people of an audience
	ModelUplift     ModelKind = "uplift"     // whom a treatment helps, by an experiment
	ModelOutside    ModelKind = "outside"    // scores that are given elsewhere
	ModelAffinity   ModelKind = "affinity"   // which category, brand, product or sales channel people prefer
	ModelSendTime   ModelKind = "send_time"  // at which hour of the day people respond
)

// ModelOutput is one of the values that a kind of model gives for a person.
type ModelOutput struct {
	Name string     `json:"name"`
	Type ColumnType `json:"type"`
	Doc  string     `json:"doc"`
}

// modelKind is what is fixed of a kind.
type modelKind struct {
	kind    ModelKind
	needs   []string // settings that it cannot be without
	takes   []string // settings that it has besides, of those that only some kinds have
	methods []string
	follows []string
	outputs []ModelOutput
}

var (
	percentileOutput = ModelOutput{"percentile", TypeDouble, "0 to 100: the share of customers that have less or as much"}
	reasonsOutput    = ModelOutput{"reasons", TypeText, "what moves it most for this person, + up and - down"}
	answerMethods    = []string{"logistic", "trees"}
	ofOrders         = []string{"orders", "returns"}
)

// modelKinds are all kinds. How each learns and scores is listed in internal/app.
var modelKinds = []modelKind{
	{kind: ModelLTV, needs: []string{"horizon"}, takes: []string{"method", "unit", "window", "returns", "currency"}, methods: []string{"pareto", "mbg", "bg", "nbd", "auto"}, follows: ofOrders,
		outputs: []ModelOutput{{"expected_value", TypeDouble, "money over the horizon, in the currency, times the margin"}, {"expected_orders", TypeDouble, "orders over the horizon"},
			{"p_alive", TypeDouble, "chance of being a customer still; missing where no drop-out can be seen"}, percentileOutput, {"tier", TypeText, "top_1, top_5, top_10, top_25 or rest, by expected value"}}},
	{kind: ModelEarly, needs: []string{"horizon"}, takes: []string{"method", "top"}, methods: answerMethods, follows: ofOrders,
		outputs: []ModelOutput{{"probability", TypeDouble, "chance to be among the best by what comes within the horizon of the first order"}, percentileOutput,
			{"stage", TypeText, "what is known: first visit, first day, first 7 days or first 30 days"}, reasonsOutput}},
	{kind: ModelChurn, needs: []string{"horizon"}, takes: []string{"method"}, methods: answerMethods, follows: ofOrders,
		outputs: []ModelOutput{{"probability", TypeDouble, "chance that no order comes within the horizon"}, percentileOutput, reasonsOutput}},
	{kind: ModelPropensity, needs: []string{"horizon"}, takes: []string{"method", "target", "audience"}, methods: answerMethods, follows: ofOrders,
		outputs: []ModelOutput{{"probability", TypeDouble, "chance of yes within the horizon"}, percentileOutput, reasonsOutput}},
	{kind: ModelDiscount, takes: []string{"returns", "currency"}, follows: ofOrders,
		outputs: []ModelOutput{{"share", TypeDouble, "share of orders with a discount, nearer to that of all the fewer orders there are"}, {"low", TypeDouble, "with 80 % the share is above"},
			{"high", TypeDouble, "and below"}, percentileOutput, {"tier", TypeText, "waits for discounts, between, or pays the full price"}}},
	{kind: ModelSegments, takes: []string{"groups", "returns", "currency"}, follows: ofOrders,
		outputs: []ModelOutput{{"segment_id", TypeDouble, "stays when groups are learned again"}, {"segment", TypeText, "what the group has more or less of than all"}}},
	{kind: ModelLookalike, needs: []string{"audience"}, follows: ofOrders,
		outputs: []ModelOutput{{"similarity", TypeDouble, "0 to 1: the share of the audience's people who are no more alike"}, {"rank", TypeDouble, "1 is the most alike of those who are not in the audience; missing in it"},
			percentileOutput, reasonsOutput}},
	{kind: ModelUplift, needs: []string{"horizon", "experiment"}, takes: []string{"method", "target", "treated", "control", "treated_share"}, methods: []string{"t", "s", "x"}, follows: ofOrders,
		outputs: []ModelOutput{{"effect", TypeDouble, "by how much the treatment raises the chance of the target within the horizon; below 0: it lowers it"}, {"low", TypeDouble, "with 95 % the mean effect of people of like score is above"},
			{"high", TypeDouble, "and below"}, percentileOutput, {"advice", TypeText, "contact, leave alone, or no difference: none is shown"}, reasonsOutput}},
	{kind: ModelOutside, needs: []string{"horizon"}, takes: []string{"target"},
		outputs: []ModelOutput{{"score", TypeDouble, "the latest that was given"}, percentileOutput}},
	{kind: ModelAffinity, needs: []string{"of"}, follows: []string{"orders", "order_lines"},
		outputs: append(shareOutputs("share of days with orders that have it, nearer to that of all the fewer days there are"),
			ModelOutput{"choice", TypeText, "what is likeliest on the next day with an order"}, ModelOutput{"second", TypeText, "what is likeliest behind it"})},
	{kind: ModelSendTime, takes: []string{"target", "zone"},
		outputs: append(shareOutputs("share of days with a response that have one in the hour, nearer to that of all the fewer days there are"),
			ModelOutput{"hour", TypeDouble, "0 to 23: the hour of the zone that is likeliest on the next day"}, ModelOutput{"weekday", TypeText, "Monday to Sunday; missing where the day of the week tells nothing"})},
}

func shareOutputs(doc string) []ModelOutput {
	return []ModelOutput{{"share", TypeDouble, doc}, {"low", TypeDouble, "with 80 % the share is above"}, {"high", TypeDouble, "and below"},
		{"index", TypeDouble, "the share against that of all: 2 is twice as much"}, percentileOutput}
}

// ModelKinds are all kinds.
var ModelKinds = kindsWith("")

// kindsWith are the kinds that have a setting; "" all.
func kindsWith(setting string) (out []ModelKind) {
	for _, k := range modelKinds {
		if setting == "" || slices.Contains(k.needs, setting) || slices.Contains(k.takes, setting) {
			out = append(out, k.kind)
		}
	}
	return out
}

// fixed is what is fixed of the kind; nil when there is no such kind.
func (k ModelKind) fixed() *modelKind {
	for i := range modelKinds {
		if modelKinds[i].kind == k {
			return &modelKinds[i]
		}
	}
	return nil
}

// Outputs are the values that the kind gives, those by which people are ranked first.
func (k ModelKind) Outputs() []ModelOutput {
	if f := k.fixed(); f != nil {
		return f.outputs
	}
	return nil
}

// Follows are the tables all of whose rows change the scores of whose they are at once. Rows that there are more of do so at a pace: internal/app.
func (k ModelKind) Follows() []string {
	if f := k.fixed(); f != nil {
		return f.follows
	}
	return nil
}

// listed writes names as a, b and c.
func listed[T ~string](names []T, last string) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(" " + last + " ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}
