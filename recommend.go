package clientele

// Recommendation is a product for a person, a visitor, or to go with another.
type Recommendation struct {
	Item      string   `json:"item" doc:"Its SKU; its product id where there is none."`
	Name      string   `json:"name,omitempty"`
	Category  string   `json:"category,omitempty"`
	Kind      string   `json:"kind" enum:"together,again,popular"`
	Score     float64  `json:"score" doc:"To be compared within one list and kind."`
	Reason    string   `json:"reason"`
	Because   []string `json:"because,omitempty" doc:"Products that it goes together with."`
	Available *float64 `json:"available,omitempty" doc:"In stock, all places together, where it is known."`
}

// RecommendQuery is what may be recommended.
type RecommendQuery struct {
	Limit       int      `json:"limit,omitempty"`
	Include     []string `json:"include,omitempty"`
	Exclude     []string `json:"exclude,omitempty"`
	PerCategory int      `json:"per_category,omitempty"`
	SoldOut     bool     `json:"sold_out,omitempty"`
}

// Recommendations are two lists that never mix, as of the model's last training and the person's purchases up to now.
type Recommendations struct {
	New     []Recommendation `json:"new" doc:"Products that the person has not bought; of a product, those that go with it."`
	Again   []Recommendation `json:"again" doc:"What the person buys again."`
	Trained Micros           `json:"trained"`
}

// RecommendStatus is how the model of recommendations is.
type RecommendStatus struct {
	Trained   Micros          `json:"trained" doc:"0: not yet. The model is a function of the stored orders; it is made anew after a start."`
	Training  bool            `json:"training"`
	Seconds   float64         `json:"seconds" doc:"That the last training took."`
	Customers int             `json:"customers"`
	Products  int             `json:"products"`
	Lines     int             `json:"lines" doc:"Of orders, that it learned from."`
	Error     string          `json:"error,omitempty" doc:"Why the last training made no model."`
	Backtest  []RecommendTest `json:"backtest" doc:"Learned without the last fifth of the time and held against it, beside what is popular."`
}

// RecommendTest is how good a list of ten was.
type RecommendTest struct {
	List      string  `json:"list" enum:"new,again"`
	Name      string  `json:"name"`
	Precision float64 `json:"precision_at_10"`
	Hit       float64 `json:"hit_rate_at_10"`
	NDCG      float64 `json:"ndcg_at_10"`
	People    int     `json:"people"`
}
