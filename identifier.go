package clientele

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Namespace says what kind of identifier a value is: "user_id", "anonymous_id", "email",
// "phone", "device_id", or, for an imported column nobody declared, "<source>:<column>".
type Namespace string

// The namespaces the product itself knows how to fill.
const (
	UserID      Namespace = "user_id"
	AnonymousID Namespace = "anonymous_id"
	Email       Namespace = "email"
	Phone       Namespace = "phone"
	DeviceID    Namespace = "device_id"
	// PreviousID holds the previousId of an alias: it stands for whichever user_id or
	// anonymous_id has that value, whenever one is seen.
	PreviousID Namespace = "previous_id"
)

// Limits of one identifier and of one record.
const (
	MaxNamespaceBytes   = 64
	MaxIdentifierBytes  = 512
	MaxRecordIdentities = 32
)

// Identifier is a value in a namespace, normalised. Two equal identifiers are the same
// evidence of the same person.
type Identifier struct {
	Namespace Namespace `json:"namespace" cbor:"1,keyasint"`
	Value     string    `json:"value" cbor:"2,keyasint"`
}

// String is NAMESPACE:VALUE, as the command line writes it. It is a personal datum: not for logs.
func (i Identifier) String() string { return string(i.Namespace) + ":" + i.Value }

// HashedNamespace is the namespace of hashes of the namespace's identifiers, as files of third parties
// have them: the SHA-256 in hexadecimal of the normalised value.
func HashedNamespace(ns Namespace) Namespace { return ns + "_sha256" }

// Hashed are the forms in which others may hold the identifier: its hashes for e-mail addresses and
// phone numbers (with and without the plus), itself for any other.
func (i Identifier) Hashed() []Identifier {
	values := []string{i.Value}
	switch i.Namespace {
	case Email:
	case Phone:
		if rest, ok := strings.CutPrefix(i.Value, "+"); ok {
			values = append(values, rest)
		}
	default:
		return []Identifier{i}
	}
	out := make([]Identifier, len(values))
	for n, v := range values {
		sum := sha256.Sum256([]byte(v))
		out[n] = Identifier{HashedNamespace(i.Namespace), hex.EncodeToString(sum[:])}
	}
	return out
}

// ParseIdentifier reads NAMESPACE:VALUE. The namespace of an imported column has a colon of
// its own (shop:customer_id:17), so the longest namespace that known accepts wins; with none
// accepted the first colon divides.
func ParseIdentifier(s string, known func(Namespace) bool) (Identifier, error) {
	first := strings.IndexByte(s, ':')
	if first <= 0 || first == len(s)-1 {
		return Identifier{}, Errorf(Invalid, "an identifier is written NAMESPACE:VALUE").
			WithHint("for example email:ann@example.com or id:p_0000000000k")
	}
	at := first
	for i := first; known != nil && i < len(s)-1; i++ {
		if s[i] == ':' && known(Namespace(s[:i])) {
			at = i
		}
	}
	return Identifier{Namespace(s[:at]), s[at+1:]}, nil
}

// Check says whether the identifier can be stored: both parts present, UTF-8, without control
// characters, within the limits.
func (i Identifier) Check() error {
	switch {
	case i.Namespace == "" || i.Value == "":
		return Errorf(Invalid, "identifier is empty")
	case len(i.Namespace) > MaxNamespaceBytes:
		return Errorf(Invalid, "namespace is over %d bytes", MaxNamespaceBytes)
	case len(i.Value) > MaxIdentifierBytes:
		return Errorf(Invalid, "%s is over %d bytes", i.Namespace, MaxIdentifierBytes)
	case !utf8.ValidString(i.Value) || !utf8.ValidString(string(i.Namespace)):
		return Errorf(Invalid, "%s is not UTF-8", i.Namespace)
	case strings.ContainsFunc(i.Value, isControl) || strings.ContainsFunc(string(i.Namespace), isControl):
		return Errorf(Invalid, "%s holds a control character", i.Namespace)
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// Anchor is the permanent number of an identifier, minted when it is first accepted:
// log position x 8192 + ordinal. It is the same on every rebuild and below 2^53, so it is exact
// in JSON. Zero means none: a record without a usable identifier.
type Anchor int64

// AnchorsPerFrame is how many anchors one log frame can mint.
const AnchorsPerFrame = 8192

// MaxPosition is the last log position whose anchors stay below 2^53.
const MaxPosition Position = 1<<40 - 1

// NewAnchor is the anchor minted as number ordinal of the frame at the position.
func NewAnchor(p Position, ordinal int) (Anchor, error) {
	if p == 0 || p > MaxPosition || ordinal < 0 || ordinal >= AnchorsPerFrame {
		return 0, Errorf(Invalid, "anchor %d of log position %d is out of range", ordinal, p)
	}
	return Anchor(p)*AnchorsPerFrame + Anchor(ordinal), nil
}

// Position is where in the log the anchor was minted.
func (a Anchor) Position() Position { return Position(a / AnchorsPerFrame) }

// ProfileID is the smallest anchor of a profile. Any anchor of the profile resolves to it; the
// others that once were ids of their own are its former ids. BIGINT in SQL.
type ProfileID int64

// crockford is Crockford's base 32 in lower case: no i, l, o or u, which people misread.
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// String is "p_" and 11 base-32 digits; "" for zero.
func (p ProfileID) String() string {
	if p <= 0 {
		return ""
	}
	b := []byte("p_00000000000")
	for i, v := len(b)-1, uint64(p); v > 0; i, v = i-1, v>>5 {
		b[i] = crockford[v&31]
	}
	return string(b)
}

// MarshalText makes JSON of it.
func (p ProfileID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what String wrote.
func (p *ProfileID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*p = 0
		return nil
	}
	*p, err = ParseProfileID(string(b))
	return err
}

// ParseProfileID reads what String wrote; upper case too.
func ParseProfileID(s string) (ProfileID, error) {
	low := strings.ToLower(s)
	if len(low) != 13 || low[:2] != "p_" {
		return 0, Errorf(Invalid, "a profile id is p_ and 11 letters or digits")
	}
	var v uint64
	for _, c := range low[2:] {
		d := strings.IndexRune(crockford, c)
		if d < 0 {
			return 0, Errorf(Invalid, "a profile id has no %q", c)
		}
		v = v<<5 | uint64(d)
	}
	if v == 0 || v >= 1<<53 {
		return 0, Errorf(Invalid, "profile id is out of range")
	}
	return ProfileID(v), nil
}
