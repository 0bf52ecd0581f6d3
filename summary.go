package clientele

// Summary is what who serves a person has at hand: what the person is worth, what was bought and said last, and what
// the person looks for. Amounts are in Currency, the base currency, but for an order's own revenue.
type Summary struct {
	Profile       ProfileID             `json:"profile"`
	Currency      string                `json:"currency"`
	Orders        int64                 `json:"orders" doc:"That were not cancelled."`
	Revenue       float64               `json:"revenue" doc:"Of these: goods after discount, without tax and shipping. What there is no rate for is left out."`
	Returns       int64                 `json:"returns"`
	Returned      float64               `json:"returned" doc:"Amount of the returns."`
	Net           float64               `json:"net_revenue" doc:"Revenue less the amount of returns."`
	Contacts      int64                 `json:"contacts" doc:"Conversations with service."`
	FirstOrder    Micros                `json:"first_order,omitzero"`
	LastOrder     Micros                `json:"last_order,omitzero"`
	LastOrders    []SummaryOrder        `json:"last_orders" doc:"The latest five, cancelled ones too."`
	Conversations []SummaryConversation `json:"conversations" doc:"The latest five."`
	Loyalty       []SummaryLoyalty      `json:"loyalty" doc:"Accounts, the one with the most points first."`
	Sizes         []SummarySize         `json:"sizes" doc:"What was bought most often, first."`
	Viewed        []SummaryViewed       `json:"viewed" doc:"Products that were viewed or put into a cart in the last 60 days, and not bought since; at most five."`
}

// The parts are rows of tables under the names of their columns, so that what is personal of a table is masked in them, too.

// SummaryOrder is an order.
type SummaryOrder struct {
	ID       string   `json:"order_id"`
	TS       Micros   `json:"ts,omitzero"`
	Status   string   `json:"status,omitempty"`
	Revenue  *float64 `json:"revenue" doc:"In the order's own currency."`
	Currency string   `json:"currency,omitempty"`
	Channel  string   `json:"sales_channel,omitempty"`
	Store    string   `json:"store,omitempty"`
	Items    []string `json:"items" doc:"Names of what was ordered."`
}

// RowOf is the table.
func (SummaryOrder) RowOf() string { return "orders" }

// SummaryConversation is a conversation with service.
type SummaryConversation struct {
	ID       string `json:"conversation_id"`
	Started  Micros `json:"started_at,omitzero"`
	Channel  string `json:"channel,omitempty"`
	Topic    string `json:"topic,omitempty"`
	Agent    string `json:"agent,omitempty"`
	OrderID  string `json:"order_id,omitempty"`
	Resolved *bool  `json:"resolved" doc:"null: nobody has said."`
}

// RowOf is the table.
func (SummaryConversation) RowOf() string { return "conversations" }

// SummaryLoyalty is a loyalty account.
type SummaryLoyalty struct {
	ID     string  `json:"loyalty_id"`
	Tier   string  `json:"tier,omitempty"`
	Points float64 `json:"points"`
}

// RowOf is the table.
func (SummaryLoyalty) RowOf() string { return "loyalty_accounts" }

// SummarySize is a size that the person buys.
type SummarySize struct {
	Category string `json:"category,omitempty"`
	Size     string `json:"size"`
	Bought   int64  `json:"bought" doc:"Lines of orders."`
}

// RowOf is the table.
func (SummarySize) RowOf() string { return "order_lines" }

// SummaryViewed is a product that the person looks for.
type SummaryViewed struct {
	Item    string         `json:"product_id,omitempty" doc:"Its SKU; its product id where events name no SKU."`
	Name    string         `json:"name"`
	Size    string         `json:"size,omitempty"`
	Times   int64          `json:"times"`
	Last    Micros         `json:"last"`
	InStock []SummaryStock `json:"in_stock,omitempty" doc:"It, and the same product in other sizes, as far as there is stock."`
}

// RowOf is the table.
func (SummaryViewed) RowOf() string { return "products" }

// SummaryStock is a size of a product that is in stock.
type SummaryStock struct {
	SKU       string  `json:"sku"`
	Size      string  `json:"size,omitempty"`
	Available float64 `json:"available" doc:"All places together."`
}

// RowOf is the table.
func (SummaryStock) RowOf() string { return "inventory" }
