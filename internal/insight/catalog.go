package insight

// fact is a table whose rows are counted, summed and put in order. In SQL it is f.
type fact struct {
	table  string
	ts     string // the time of a row, a timestamptz
	date   bool   // ts is a date: its rows have a day and no hour
	id     string // tells rows of one instant and source apart
	person bool   // rows belong to people: f.profile_id
	money  string // the currency of its amounts; "" when they are in the base currency
	sku    string // what products and stock are joined by; "" when it has none
	named  map[string]named
	joins  []string // joins of whose columns bare names may be
}

// named is a dimension with a name of its own.
type named struct {
	sql  string
	join string // the join that it needs, of joins
	kind typ
	need string // the column of the fact that has to be there
}

// typ is what a dimension holds.
type typ int

const (
	text typ = iota
	number
	boolean
	instantly // timestamptz
	daily     // date
	raw       // JSON
)

const (
	catalogSKU = "coalesce(f.sku, f.product_id)"
	lineProd   = "coalesce(f.product_id, f.sku)"
)

// device tells of what kind a device is by what the library says of it, else by its user agent.
const device = `case when (f.context->'device'->>'type') in ('ios', 'android') then 'phone'
 when (f.context->>'userAgent') is null then null
 when (f.context->>'userAgent') like '%iPad%' or (f.context->>'userAgent') like '%Tablet%' then 'tablet'
 when (f.context->>'userAgent') like '%Mobile%' or (f.context->>'userAgent') like '%iPhone%' then 'phone'
 else 'desktop' end`

// facts are the tables that questions can be about.
var facts = map[string]*fact{
	"profiles": {table: "profiles", ts: "f.first_seen", id: "f.profile_id", person: true},
	"events": {table: "events", ts: "f.ts", id: "f.event_id", person: true, named: map[string]named{
		"event":    {sql: "f.name"},
		"product":  {sql: "f.product_id", need: "product_id"},
		"page":     {sql: "(f.context->'page'->>'path')"},
		"device":   {sql: device},
		"campaign": {sql: "(f.context->'campaign'->>'name')"},
		"medium":   {sql: "(f.context->'campaign'->>'medium')"},
		"referrer": {sql: "(f.context->'page'->>'referrer')"},
		"locale":   {sql: "(f.context->>'locale')"},
	}},
	"orders":      {table: "orders", ts: "f.ts", id: "f.order_id", person: true, money: "f.currency", named: map[string]named{"channel": {sql: "f.sales_channel"}}},
	"order_lines": {table: "order_lines", ts: "f.ts", id: "f.order_id || ' ' || f.line", person: true, money: "o.currency", sku: catalogSKU, joins: []string{"order"}, named: map[string]named{"product": {sql: lineProd}, "channel": {sql: "o.sales_channel", join: "order"}}},
	"returns": {table: "returns", ts: "f.ts", id: "f.return_id", person: true, money: "o.currency", sku: "f.sku", joins: []string{"order of any source"}, named: map[string]named{
		"product": {sql: "f.sku"}, "channel": {sql: "o.sales_channel", join: "order of any source"}}},
	"conversations":    {table: "conversations", ts: "f.started_at", id: "f.conversation_id", person: true, named: map[string]named{"service_topic": {sql: "f.topic"}}},
	"messages":         {table: "messages", ts: "f.ts", id: "f.message_id", person: true},
	"payments":         {table: "payments", ts: "f.ts", id: "f.payment_id", money: "o.currency", joins: []string{"order of any source"}},
	"ad_spend":         {table: "ad_spend", ts: "f.date", date: true, money: "f.currency"},
	"audience_members": {table: "audience_members", ts: "f.entered_at", id: "f.profile_id", person: true, named: map[string]named{"audience": {sql: "f.audience"}}},
	"audience_exits":   {table: "audience_members", ts: "f.exited_at", id: "f.profile_id", person: true, named: map[string]named{"audience": {sql: "f.audience"}}},
	"consents":         {table: "consents", ts: "f.ts", id: "f.event_id", person: true},
	"inventory":        {table: "inventory", ts: "f.as_of", sku: "f.sku", named: map[string]named{"product": {sql: "f.sku"}}},
}

// joins are what a fact can be joined with, each by a name. %[1]s is the time of a row, %[2]s its SKU. None of them
// makes more rows of one, but for audience, in several of which a person may be.
var joins = map[string]string{
	"person":       "left join profiles p on p.profile_id = f.profile_id",
	"audience":     "left join (select audience, profile_id from audience_members where exited_at is null group by audience, profile_id) au on au.profile_id = f.profile_id",
	"stage":        "left join lifecycle lc on lc.profile_id = f.profile_id and lc.entered_at <= %[1]s and (lc.left_at is null or lc.left_at > %[1]s)",
	"stage of now": "left join lifecycle lc on lc.profile_id = f.profile_id and lc.left_at is null",
	"tier": "left join (select profile_id, tier from (select profile_id, tier, row_number() over (partition by profile_id order by points desc nulls last, loyalty_id, source) as nth" +
		" from loyalty_accounts where profile_id is not null) la where nth = 1) lt on lt.profile_id = f.profile_id",
	"first order": "left join (select profile_id, min(ts) as first_order from orders where coalesce(status, '') <> 'cancelled' group by profile_id) fo on fo.profile_id = f.profile_id",
	"order":       "left join orders o on o.source = f.source and o.order_id = f.order_id",
	// Returns, payments and talks are told by other systems than orders are.
	"order of any source": "left join (select order_id, max(currency) as currency, max(sales_channel) as sales_channel, max(store) as store, max(coupon) as coupon, max(agent) as agent," +
		" max(shipping_method) as shipping_method from orders group by order_id) o on o.order_id = f.order_id",
	"product": "left join (select sku, max(name) as name, max(brand) as brand, max(category) as category, max(size) as size, max(colour) as colour, max(unit_cost) as unit_cost," +
		" max(list_price) as list_price from products where sku is not null group by sku) pr on pr.sku = %[2]s",
	"stock": "left join (select sku, sum(available) as available from (select sku, available, row_number() over (partition by source, sku, location order by as_of desc) as nth" +
		" from inventory) i where nth = 1 group by sku) st on st.sku = %[2]s",
}

// lowStock is below how many pieces of all locations together an article is low.
const lowStock = "5"

// ofProducts are columns that products have and rows about articles may have.
var ofProducts = []string{"category", "brand", "size", "colour"}

// common are dimensions that several facts have, through a join.
var common = []struct {
	name string
	named
	of  string // person, sku or order: what the fact must have
	doc string
}{
	{"audience", named{sql: "au.audience", join: "audience"}, "person", "audiences that the person is in now; a row counts in each of them"},
	{"stage", named{sql: "lc.stage", join: "stage"}, "person", "the lifecycle stage at that time; of profiles the one of now"},
	{"tier", named{sql: "lt.tier", join: "tier"}, "person", "the loyalty tier of now, of the account with the most points"},
	{"stock", named{sql: "case when st.available is null then null when st.available <= 0 then 'out' when st.available < " + lowStock + " then 'low' else 'in' end", join: "stock"}, "sku",
		"whether the article is in stock now: in, low (fewer than " + lowStock + " pieces in all places) or out"},
	{"product_name", named{sql: "pr.name", join: "product"}, "sku", "name of the article in products"},
	{"category", named{sql: "pr.category", join: "product"}, "sku", "category of the article: the row's, else that in products; so too brand, size and colour"},
	{"brand", named{sql: "pr.brand", join: "product"}, "sku", "brand of the article in products"},
	{"size", named{sql: "pr.size", join: "product"}, "sku", "size of the article in products"},
	{"colour", named{sql: "pr.colour", join: "product"}, "sku", "colour of the article in products"},
	{"store", named{sql: "o.store"}, "order", "store of the order"},
	{"sales_channel", named{sql: "o.sales_channel"}, "order", "sales channel of the order"},
	{"coupon", named{sql: "o.coupon"}, "order", "coupon of the order"},
	{"shipping_method", named{sql: "o.shipping_method"}, "order", "how the order was sent"},
}

// times are the grains of time. %s is the row's time in the zone, a timestamp.
type timeGrain struct {
	name, sql, doc string
	kind           typ
}

var times = []timeGrain{
	{"hour", "date_trunc('hour', %s)", "hour", text},
	{"day", "cast(%s as date)", "day", daily},
	{"week", "cast(date_trunc('week', %s) as date)", "week, by its Monday", daily},
	{"month", "cast(date_trunc('month', %s) as date)", "month, by its first day", daily},
	{"quarter", "cast(date_trunc('quarter', %s) as date)", "quarter, by its first day", daily},
	{"year", "cast(date_trunc('year', %s) as date)", "year, by its first day", daily},
	{"hour_of_day", "cast(extract(hour from %s) as integer)", "0 to 23", number},
	{"weekday", "cast(extract(isodow from %s) as integer)", "1 Monday to 7 Sunday", number},
}

// measure is something that is counted or summed: over one of several facts, or made of two others.
type measure struct {
	doc  string
	unit string // money, percent, seconds or ""
	of   []reading
	a, b string // or a and b:
	op   string // / or -
	per  float64
}

// reading is how a measure is taken of a fact. sql may hold {money: AMOUNT}, which becomes the amount in the
// question's currency.
type reading struct {
	fact  string
	sql   string
	where string
	joins []string
}

const (
	notCancelled = "coalesce(f.status, '') <> 'cancelled'"
	lineStatus   = "coalesce(o.status, '') <> 'cancelled'"
	lineAmount   = "(f.quantity * f.price - coalesce(f.discount, 0))"
)

// measures by name. Of several readings the first is taken whose fact has all dimensions that are asked for:
// revenue by category is summed from lines, revenue by store from orders.
var measures = map[string]measure{
	"customers":        {doc: "profiles, at the time they were first seen", of: []reading{{fact: "profiles", sql: "count(distinct f.profile_id)"}}},
	"active":           {doc: "people with an event", of: []reading{{fact: "events", sql: "count(distinct f.profile_id)"}}},
	"events":           {doc: "events", of: []reading{{fact: "events", sql: "count(*)"}}},
	"orders":           {doc: "orders that were not cancelled", of: []reading{{fact: "orders", sql: "count(*)", where: notCancelled}, {fact: "order_lines", sql: "count(distinct f.source || ' ' || f.order_id)", where: lineStatus, joins: []string{"order"}}}},
	"buyers":           {doc: "people with an order that was not cancelled", of: []reading{{fact: "orders", sql: "count(distinct f.profile_id)", where: notCancelled}, {fact: "order_lines", sql: "count(distinct f.profile_id)", where: lineStatus, joins: []string{"order"}}}},
	"new_buyers":       {doc: "people with their first order that was not cancelled", of: []reading{{fact: "orders", sql: "count(distinct f.profile_id)", where: notCancelled + " and f.ts = fo.first_order", joins: []string{"first order"}}}},
	"returning_buyers": {doc: "people with an order that was not cancelled, and an earlier one whenever", of: []reading{{fact: "orders", sql: "count(distinct f.profile_id)", where: notCancelled + " and f.ts > fo.first_order", joins: []string{"first order"}}}},
	"revenue":          {doc: "goods after discount, without tax and shipping, of orders that were not cancelled", unit: "money", of: []reading{{fact: "orders", sql: "sum({revenue})", where: notCancelled}, {fact: "order_lines", sql: "sum({money: " + lineAmount + "})", where: lineStatus, joins: []string{"order"}}}},
	"discount":         {doc: "discount of orders that were not cancelled", unit: "money", of: []reading{{fact: "orders", sql: "sum({money: f.discount})", where: notCancelled}, {fact: "order_lines", sql: "sum({money: f.discount})", where: lineStatus, joins: []string{"order"}}}},
	"margin":           {doc: "revenue less what the goods cost, of the lines whose cost is known: the line's, in its order's currency, else the article's, in the base currency", unit: "money", of: []reading{{fact: "order_lines", sql: "sum({money: " + lineAmount + "} - f.quantity * coalesce({money: f.unit_cost}, {base: pr.unit_cost}))", where: lineStatus, joins: []string{"order", "product"}}}},
	"units":            {doc: "pieces sold", of: []reading{{fact: "order_lines", sql: "sum(f.quantity)", where: lineStatus, joins: []string{"order"}}}},
	"returns":          {doc: "rows of returns", of: []reading{{fact: "returns", sql: "count(*)"}}},
	"returned":         {doc: "amount of returns", unit: "money", of: []reading{{fact: "returns", sql: "sum({money: f.amount})", joins: []string{"order of any source"}}}},
	"returned_units":   {doc: "pieces returned", of: []reading{{fact: "returns", sql: "sum(f.quantity)"}}},
	"returners":        {doc: "people who returned something", of: []reading{{fact: "returns", sql: "count(distinct f.profile_id)"}}},
	"messages":         {doc: "messages", of: []reading{{fact: "messages", sql: "count(*)"}}},
	"contacts":         {doc: "conversations with service", of: []reading{{fact: "conversations", sql: "count(*)"}}},
	"service_cost":     {doc: "cost of conversations, in the base currency", unit: "money", of: []reading{{fact: "conversations", sql: "sum({base: f.cost})"}}},
	"csat":             {doc: "average rating of conversations", of: []reading{{fact: "conversations", sql: "avg(f.csat)"}}},
	"entries":          {doc: "times that somebody came into an audience", of: []reading{{fact: "audience_members", sql: "count(*)"}}},
	"exits":            {doc: "times that somebody left an audience", of: []reading{{fact: "audience_exits", sql: "count(*)"}}},
	"ad_cost":          {doc: "cost of advertising", unit: "money", of: []reading{{fact: "ad_spend", sql: "sum({money: f.cost})"}}},
	"ad_clicks":        {doc: "clicks on advertisements", of: []reading{{fact: "ad_spend", sql: "sum(f.clicks)"}}},
	"repeat_rate":      {doc: "people with an order and an earlier one, per 100 with an order", unit: "percent", a: "returning_buyers", b: "buyers", op: "/", per: 100},
	"acquisition_cost": {doc: "cost of advertising per person with a first order", unit: "money", a: "ad_cost", b: "new_buyers", op: "/", per: 1},
	"average_order":    {doc: "revenue per order", unit: "money", a: "revenue", b: "orders", op: "/", per: 1},
	"net_revenue":      {doc: "revenue less the amount of returns", unit: "money", a: "revenue", b: "returned", op: "-"},
	"return_rate":      {doc: "pieces returned per 100 sold", unit: "percent", a: "returned_units", b: "units", op: "/", per: 100},
	"orders_per_buyer": {doc: "orders per person with an order", a: "orders", b: "buyers", op: "/", per: 1},
}
