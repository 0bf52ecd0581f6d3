package clientele_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"clientele"
)

// TestModelKinds: the description lists all kinds, and each has what a model needs.
func TestModelKinds(t *testing.T) {
	field, _ := reflect.TypeFor[clientele.Model]().FieldByName("Kind")
	var told []clientele.ModelKind
	for _, k := range strings.Split(field.Tag.Get("enum"), ",") {
		told = append(told, clientele.ModelKind(k))
	}
	if !slices.Equal(told, clientele.ModelKinds) {
		t.Errorf("the description lists %v, there are %v", told, clientele.ModelKinds)
	}
	for _, k := range clientele.ModelKinds {
		if len(k.Outputs()) == 0 {
			t.Errorf("%s has no outputs", k)
		}
		if !slices.ContainsFunc(k.Outputs()[:1], func(o clientele.ModelOutput) bool { return o.Type == clientele.TypeDouble }) {
			t.Errorf("%s does not begin with a number, which is the score of the history", k)
		}
	}
}

// TestModelCheck: what a kind cannot be without, and what it does not have.
func TestModelCheck(t *testing.T) {
	for _, c := range []struct {
		model clientele.Model
		wrong string // a part of the error; empty: none
	}{
		{clientele.Model{Kind: clientele.ModelLTV, Horizon: "90d", Method: "bg", Unit: "day", Window: "2y", Returns: "net", Currency: "THB", Margin: .4, Discount: .1}, ""},
		{clientele.Model{Kind: clientele.ModelLTV}, "horizon is missing"},
		{clientele.Model{Kind: clientele.ModelLTV, Horizon: "soon"}, "horizon: "},
		{clientele.Model{Kind: clientele.ModelLTV, Horizon: "90d", Method: "trees"}, "there is no method"},
		{clientele.Model{Kind: clientele.ModelLTV, Horizon: "90d", Target: "order"}, "target is of models of the kind propensity, uplift, outside or send_time"},
		{clientele.Model{Kind: clientele.ModelLTV, Horizon: "90d", Top: .1}, "top is of models of the kind early"},
		{clientele.Model{Kind: clientele.ModelEarly, Horizon: "1y", Top: .6}, "top 0.6"},
		{clientele.Model{Kind: clientele.ModelChurn, Horizon: "90d", Method: "trees"}, ""},
		{clientele.Model{Kind: clientele.ModelChurn, Horizon: "90d", Currency: "THB"}, "currency is of models"},
		{clientele.Model{Kind: clientele.ModelPropensity, Horizon: "90d", Target: "Signed Up"}, ""},
		{clientele.Model{Kind: clientele.ModelPropensity, Horizon: "90d", Target: "no order"}, "kind outside"},
		{clientele.Model{Kind: clientele.ModelPropensity, Horizon: "90d", Target: "order", Audience: "vip"}, "both"},
		{clientele.Model{Kind: clientele.ModelOutside, Horizon: "90d", Target: "no order"}, ""},
		{clientele.Model{Kind: clientele.ModelOutside, Horizon: "90d", Method: "trees"}, "method is of models"},
		{clientele.Model{Kind: clientele.ModelUplift, Horizon: "30d", Experiment: "e", Treated: "b", Control: "a", Share: .9, Method: "x", Target: "Visit"}, ""},
		{clientele.Model{Kind: clientele.ModelUplift, Horizon: "30d"}, "experiment is missing"},
		{clientele.Model{Kind: clientele.ModelUplift, Horizon: "30d", Experiment: "e", Treated: "a", Control: "a"}, "both treated and control"},
		{clientele.Model{Kind: clientele.ModelUplift, Horizon: "30d", Experiment: "e", Share: 1}, "treated_share 1"},
		{clientele.Model{Kind: clientele.ModelUplift, Horizon: "30d", Experiment: "e", Target: "no order"}, "kind outside"},
		{clientele.Model{Kind: clientele.ModelChurn, Horizon: "90d", Experiment: "e"}, "experiment is of models of the kind uplift"},
		{clientele.Model{Kind: clientele.ModelLookalike}, "audience is missing"},
		{clientele.Model{Kind: clientele.ModelLookalike, Audience: "vip", Horizon: "90d"}, "horizon is of models"},
		{clientele.Model{Kind: clientele.ModelSegments, Groups: 4, Currency: "THB"}, ""},
		{clientele.Model{Kind: clientele.ModelSegments, Groups: 1}, "1 groups"},
		{clientele.Model{Kind: clientele.ModelDiscount, Groups: 4}, "groups is of models of the kind segments"},
		{clientele.Model{Kind: clientele.ModelAffinity, Of: "brand"}, ""},
		{clientele.Model{Kind: clientele.ModelAffinity}, "of is missing"},
		{clientele.Model{Kind: clientele.ModelAffinity, Of: "shoe size"}, "no affinity of"},
		{clientele.Model{Kind: clientele.ModelAffinity, Of: "brand", Zone: "Asia/Bangkok"}, "zone is of models of the kind send_time"},
		{clientele.Model{Kind: clientele.ModelSendTime}, ""},
		{clientele.Model{Kind: clientele.ModelSendTime, Zone: "Asia/Bangkok", Target: "Product Viewed"}, ""},
		{clientele.Model{Kind: clientele.ModelSendTime, Zone: "Bangkok"}, "no time zone"},
		{clientele.Model{Kind: clientele.ModelSendTime, Zone: "Local"}, "no time zone"},
		{clientele.Model{Kind: clientele.ModelSendTime, Target: "order"}, "is no event"},
		{clientele.Model{Kind: "magic"}, "no kind"},
	} {
		c.model.Name = "m"
		err := c.model.Check()
		if c.wrong == "" && err != nil || c.wrong != "" && (clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%+v: %v", c.model, err)
		}
	}
}
