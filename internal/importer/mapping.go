package importer

import (
	"regexp"
	"time"

	"clientele"
)

// Mapping is a parsed and checked mapping file: how to read files and what a row becomes.
type Mapping struct {
	digest     hash128
	file       fileSpec
	currency   string
	each       string // of documents: the list whose elements are rows
	namespaces map[string]bool
	records    []*recordSpec
	memos      int
	needs      []string // every column some part of the mapping reads
}

// Digest names the mapping's bytes.
func (m *Mapping) Digest() string { return string(m.digest.appendHex(nil, 32)) }

// Columns are the columns of the files that the mapping reads.
func (m *Mapping) Columns() []string { return append([]string(nil), m.needs...) }

// format is how rows lie in a file.
type format string

const (
	formatAuto       format = ""
	formatCSV        format = "csv"
	formatTSV        format = "tsv"
	formatJSONL      format = "jsonl"
	formatParquet    format = "parquet"
	formatWhitespace format = "whitespace"
)

// fileSpec says how to read files.
type fileSpec struct {
	format    format
	delimiter byte // 0 = the format's
	quote     byte // 0 = none
	comment   byte // 0 = none
	header    bool
	columns   []string // names instead of, or without, a header line
	encoding  string   // "" = UTF-8, or what a byte order mark says
	skipRows  int
	lenient   bool // other numbers of columns are accepted
	lazy      bool // quotes within unquoted values are accepted
	nulls     map[string]bool
}

// recordSpec is one thing that rows become.
type recordSpec struct {
	line        int // in the mapping
	table       *clientele.Table
	event       *valueSpec // name of the track event; table is nil then
	when        []conditions
	key         []*valueSpec
	onlyChanges bool
	identifiers []identifierSpec
	ts          *valueSpec
	sharedIDs   bool        // the identifiers are those of the file
	sharedTS    bool        // the time is that of the file
	fields      []fieldSpec // by name
	traits      []fieldSpec // by name; the properties of an event
	traitsFrom  *valueSpec  // a JSON object with more of them
	consents    []consentSpec
	autoID      string // the column that takes an id made from the record id, or ""
	takesOrder  bool   // order_id comes from the row's order
	takesLine   bool   // line comes from the row's order line
	fillTS      bool   // the column ts takes the record's time
	autoLine    bool   // line is made from the record
	required    []string
	emptyKeys   []string // key columns that may be missing: sent as empty text
}

// name is the table, or "events".
func (r *recordSpec) name() string {
	if r.table == nil {
		return "events"
	}
	return r.table.Name
}

// fieldSpec is a value with a name.
type fieldSpec struct {
	name  string
	json  []byte // the name in quotes and a colon
	value *valueSpec
	must  bool // a row without it is bad
	empty bool // a key column: sent as empty text when there is no value
}

// identifierSpec is where an identifier of a row comes from.
type identifierSpec struct {
	name      string // as the mapping writes it
	declared  bool   // the name is the namespace; else it is <source>:<name>
	value     *valueSpec
	verified  bool
	verifiedC *valueSpec // a column that says it; nil = the constant
}

// consentSpec is a decision that a row holds.
type consentSpec struct {
	purpose, channel, granted, basis, jurisdiction, text, expires *valueSpec
}

// valueType is what a value becomes.
type valueType uint8

const (
	asFound   valueType = iota // text stays text, a JSON number a number, and so on
	asText                     // JSON text
	asNumber                   // JSON number, any precision
	asInteger                  // JSON number, or text beyond 2^53
	asDecimal                  // JSON text of a clientele.Decimal
	asDouble                   // JSON number
	asBool
	asTime // RFC 3339 text in UTC
	asDate // YYYY-MM-DD text
	asList
	asJSON
)

// valueSpec is where a value comes from and what is done to it.
type valueSpec struct {
	line       int
	columns    []string
	needs      []int // of columns, in Mapping.needs
	join       string
	constant   *cell
	typ        valueType
	transforms []transform
	fallback   *cell // when the column is empty
	numbers    numberSpec
	times      timeSpec
	memoAt     int // of row.memos
}

// memo keeps the last time that was read: neighbouring rows often have the same one.
type memo struct {
	in string
	at clientele.Micros
	ok bool
}

// numberSpec is how numbers are written.
type numberSpec struct {
	decimal  byte   // '.', ',' or 0 = found out
	currency string // an ISO code in the text must be this one; "" = any
}

// timeSpec is how times are written.
type timeSpec struct {
	format   timeFormat
	zone     *time.Location
	order    string // dmy, mdy or ymd: for dates that do not begin with the year
	calendar string // gregorian, buddhist, jalali
	clock    int64  // microseconds after midnight, for dates without a time of day
}

// conditions must all hold.
type conditions []condition

// condition is a question about one column.
type condition struct {
	column  string
	need    int
	op      string
	texts   map[string]bool
	pattern *regexp.Regexp
	number  float64
	numbers numberSpec
}
