package clientele

import "strings"

// EnrichmentRows is the table of rows of enrichment in the log. It is no SQL table: what they say becomes traits.
const EnrichmentRows = "enrichment"

// EnrichmentPrefix leads the names of traits that come from third parties: ext_SOURCE_NAME.
const EnrichmentPrefix = "ext_"

// Limits of enrichment.
const (
	MaxEnrichedRows   = 20_000 // of one request
	MaxEnrichedTraits = 100    // of one person and source
)

// EnrichedTrait is the name of the trait that a source's attribute becomes.
func EnrichedTrait(source, name string) string { return EnrichmentPrefix + source + "_" + name }

// Enriched is an attribute that a third party says of a person.
type Enriched struct {
	Source    string `json:"source"`
	Trait     string `json:"trait"`
	Value     any    `json:"value"`
	At        Micros `json:"at"` // of the import
	ExpiresAt Micros `json:"expires_at"`
}

// EnrichmentRow is what a file says of one person.
type EnrichmentRow struct {
	Key    string         `json:"key"` // an identifier of the request's namespace, or its SHA-256
	Traits map[string]any `json:"traits"`
}

// EnrichmentRequest is a part of a file of attributes. What a source says of a person takes the place of all that it said before.
type EnrichmentRequest struct {
	Source    string          // name of the third party: lower-case letters, digits and _
	Revision  string          // names the import that the part is of
	Namespace Namespace       // of the keys; hashes (SHA-256, hexadecimal or base64) of e-mail addresses and phone numbers are recognised
	ExpiresAt Micros          // when it goes again
	Keep      bool            // keep what is said of people nobody knows yet, until it expires
	Rows      []EnrichmentRow // at most MaxEnrichedRows
}

// Enrichment is what the last import of a source came to.
type Enrichment struct {
	Source    string    `json:"source"`
	Revision  string    `json:"revision"`
	Namespace Namespace `json:"namespace"`
	By        string    `json:"by"`
	At        Micros    `json:"at"`
	ExpiresAt Micros    `json:"expires_at"`
	Rows      int64     `json:"rows"`
	Matched   int64     `json:"matched"` // rows of people that there are
	Held      int64     `json:"held"`    // rows that wait for who comes with the identifier
	MatchRate float64   `json:"match_rate"`
	Traits    []string  `json:"traits"`
	EndedAt   Micros    `json:"ended_at,omitzero" doc:"Since when what it had said goes; 0 when it holds until it expires."`
}

// CheckEnrichmentName says whether the name can be a part of a trait's name: a lower-case letter, then letters, digits and _.
func CheckEnrichmentName(what, name string) error {
	ok := name != "" && len(name) <= 40 && name[0] >= 'a' && name[0] <= 'z' && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
	})
	if !ok {
		return Errorf(Invalid, "%s %q is not made of lower-case letters, digits and _", what, name).WithHint("for example income_band; at most 40, a letter first")
	}
	return nil
}
