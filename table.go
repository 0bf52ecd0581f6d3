package clientele

import "slices"

// ColumnType is the type of a column of the SQL schema.
type ColumnType uint8

// The column types, with the Go type of a value in a TableRows row. Their numbers are on disk.
const (
	TypeText    ColumnType = 1 // VARCHAR; string
	TypeBigint  ColumnType = 2 // BIGINT; int64
	TypeDouble  ColumnType = 3 // DOUBLE; float64
	TypeBool    ColumnType = 4 // BOOLEAN; bool
	TypeTime    ColumnType = 5 // TIMESTAMPTZ; int64, Micros
	TypeDate    ColumnType = 6 // DATE; int64, days since 1970-01-01
	TypeDecimal ColumnType = 7 // DECIMAL(18,4); int64, Decimal
	TypeJSON    ColumnType = 8 // JSON; string
)

var typeNames = []string{"", "text", "bigint", "double", "boolean", "timestamp", "date", "decimal", "json"}

func (t ColumnType) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// MarshalText makes JSON of its name.
func (t ColumnType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the name.
func (t *ColumnType) UnmarshalText(b []byte) error {
	i := slices.Index(typeNames, string(b))
	if i < 1 {
		return Errorf(Invalid, "there is no column type of that name")
	}
	*t = ColumnType(i)
	return nil
}

// Fold says which value of a column stays when a row is told of more than once.
type Fold uint8

// The folds. All of them give the same row in whatever order the records come.
const (
	Latest   Fold = iota // the value with the latest Stamp
	Earliest             // the smallest value: an order's time is its earliest line's
)

// Column is a column of the SQL schema.
type Column struct {
	Name   string
	Type   ColumnType
	Fold   Fold
	Hidden bool // stored, not part of the contract's view
}

// Table is a table of the SQL schema: what analysts query and imports fill.
type Table struct {
	Name    string
	Columns []Column
	Key     []string // names of the columns that identify a row
	Person  bool     // rows belong to a person: anchor_id is stored, the view gives profile_id
	Import  bool     // imports may write it
	Added   int      // columns at the end that rows of changes written by earlier versions do not have
}

// Column is the index of the named column, or -1.
func (t *Table) Column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// TableNamed is the table, or nil.
func TableNamed(name string) *Table {
	for _, t := range Schema {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// MaxPromoted is how many promoted columns a table can have.
const MaxPromoted = 300

func text(names ...string) []Column    { return columns(TypeText, names) }
func decimal(names ...string) []Column { return columns(TypeDecimal, names) }
func times(names ...string) []Column   { return columns(TypeTime, names) }
func columns(t ColumnType, names []string) (out []Column) {
	for _, n := range names {
		out = append(out, Column{Name: n, Type: t})
	}
	return out
}

var (
	anchorID  = []Column{{Name: "anchor_id", Type: TypeBigint, Hidden: true}}
	profileID = []Column{{Name: "profile_id", Type: TypeBigint}}
	rowID     = []Column{{Name: "row_id", Type: TypeText, Hidden: true}}
	source    = text("source")
)

// Schema is every table of the SQL schema, its columns in the order of the contract. A Person
// table has anchor_id (immutable, hidden, 0 = nobody) and profile_id (as of the commit, null =
// nobody). Promoted columns are added behind these by the store.
var Schema = []*Table{
	{Name: "events", Key: []string{"source", "event_id"}, Person: true, Columns: slices.Concat(anchorID,
		text("event_id"), profileID, times("ts", "received_at"), source,
		text("type", "name", "anonymous_id", "user_id"), columns(TypeJSON, []string{"properties", "context"}))},
	{Name: "profiles", Key: []string{"profile_id"}, Import: true, Columns: slices.Concat(
		profileID, times("first_seen", "last_seen"), columns(TypeJSON, []string{"traits", "consent", "computed"}), source, columns(TypeJSON, []string{"predictions"})), Added: 1},
	{Name: "identifiers", Key: []string{"namespace", "value"}, Person: true, Columns: slices.Concat(anchorID,
		text("namespace", "value"), profileID, source, columns(TypeBool, []string{"verified"}), times("first_seen", "last_seen"))},
	{Name: "orders", Key: []string{"source", "order_id"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("order_id"), profileID, []Column{{Name: "ts", Type: TypeTime, Fold: Earliest}}, text("status"),
		decimal("revenue", "revenue_base", "discount", "shipping", "tax"),
		text("currency", "coupon", "sales_channel", "store", "agent", "shipping_method"), source)},
	{Name: "order_lines", Key: []string{"source", "order_id", "line"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("order_id", "line"), profileID, times("ts"), text("product_id", "sku", "name", "category", "size", "colour"),
		decimal("quantity", "price", "list_price", "unit_cost", "discount"), source)},
	{Name: "returns", Key: []string{"source", "return_id"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("return_id", "order_id", "line"), profileID, times("ts"), text("sku"), decimal("quantity", "amount"),
		text("method", "reason"), source)},
	{Name: "payments", Key: []string{"source", "payment_id"}, Import: true, Columns: slices.Concat(
		text("payment_id", "order_id"), times("ts"), text("method"), decimal("amount", "fee"), text("status"), source)},
	{Name: "products", Key: []string{"source", "product_id"}, Import: true, Columns: slices.Concat(
		text("product_id", "sku", "name", "brand", "category", "size", "colour"), decimal("list_price", "unit_cost"),
		text("status"), source)},
	{Name: "prices", Key: []string{"source", "sku", "valid_from"}, Import: true, Columns: slices.Concat(
		text("sku"), decimal("price"), times("valid_from", "valid_to"), source)},
	{Name: "inventory", Key: []string{"source", "sku", "location", "as_of"}, Import: true, Columns: slices.Concat(
		text("sku", "location"), decimal("available"), times("expected_at", "as_of"), source)},
	{Name: "fx_rates", Key: []string{"source", "date", "currency"}, Import: true, Columns: slices.Concat(
		columns(TypeDate, []string{"date"}), text("currency"), columns(TypeDouble, []string{"rate"}), source)},
	{Name: "loyalty_accounts", Key: []string{"source", "loyalty_id"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("loyalty_id"), profileID, text("tier"), decimal("points"), source)},
	{Name: "loyalty_ledger", Key: []string{"source", "row_id"}, Import: true, Columns: slices.Concat(rowID,
		text("loyalty_id"), times("ts"), decimal("points"), text("reason"), source)},
	{Name: "conversations", Key: []string{"source", "conversation_id"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("conversation_id"), profileID, text("channel", "direction"), times("started_at", "ended_at"),
		text("queue", "agent", "topic", "page", "order_id"), columns(TypeBool, []string{"resolved"}),
		columns(TypeDouble, []string{"csat"}), decimal("cost"), source)},
	{Name: "messages", Key: []string{"source", "message_id"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("message_id"), profileID, text("platform", "channel", "direction", "campaign", "journey", "step", "template"),
		times("ts"), text("status", "reason"), decimal("cost"), source)},
	{Name: "decisions", Key: []string{"source", "decision_id"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		text("decision_id"), profileID, times("ts"), text("action", "runner_up"), columns(TypeDouble, []string{"propensity", "chance"}),
		decimal("value", "cost"), text("segment", "place", "agent", "options", "outcome"), times("outcome_at"), text("reason"),
		decimal("revenue"), source)},
	{Name: "ad_spend", Key: []string{"source", "date", "platform", "campaign", "country"}, Import: true, Columns: slices.Concat(
		columns(TypeDate, []string{"date"}), text("platform", "campaign", "country"),
		columns(TypeBigint, []string{"impressions", "clicks"}), decimal("cost"), text("currency"), source)},
	{Name: "consents", Key: []string{"source", "event_id", "purpose", "channel"}, Person: true, Import: true, Columns: slices.Concat(anchorID,
		profileID, text("identifier", "purpose", "channel"), columns(TypeBool, []string{"granted"}), times("ts"), source,
		text("legal_basis", "jurisdiction", "text_version", "event_id"), times("expires_at"))},
	{Name: "audience_members", Key: []string{"audience", "profile_id", "entered_at"}, Columns: slices.Concat(
		text("audience"), profileID, times("entered_at", "exited_at"), text("entered_reason", "exited_reason"), source)},
	{Name: "audience_lists", Key: []string{"audience", "anchor_id"}, Person: true, Columns: slices.Concat(anchorID,
		text("audience"), profileID, times("added_at"), source)},
	{Name: "predictions", Key: []string{"model", "anchor_id", "as_of"}, Person: true, Columns: slices.Concat(anchorID,
		profileID, text("model"), columns(TypeBigint, []string{"version"}), times("as_of"), columns(TypeDouble, []string{"score"}),
		columns(TypeJSON, []string{"outputs"}), source)},
	{Name: "lifecycle", Key: []string{"profile_id", "stage", "entered_at"}, Columns: slices.Concat(
		profileID, text("stage"), times("entered_at", "left_at"), source)},
}
