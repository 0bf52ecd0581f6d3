package collect

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
)

// IPMode says what is kept of a person's address.
type IPMode string

// The modes. Truncated, an IPv4 address keeps 24 bits and an IPv6 address 48.
const (
	IPFull     IPMode = ""
	IPTruncate IPMode = "truncate"
	IPDrop     IPMode = "drop"
)

// Edge is what is taken out of a source's events before they are anywhere on disk.
type Edge struct {
	IP   IPMode
	Hash [][]string // paths of members whose values become keyed hashes, "traits", "email"
}

// ipPaths is where addresses stand in events: of Segment's form, and of PostHog's.
var ipPaths = [][]string{{"context", "ip"}, {"properties", "$ip"}}

// apply is the event with what the source wants taken out; everything else stays byte for byte. The
// event is a JSON object; key is that of the hashes.
func (x *Edge) apply(raw, key []byte) []byte {
	var edits []replacement
	if x.IP != IPFull {
		for _, path := range ipPaths {
			edits = find(raw, 0, path, edits, x.address)
		}
	}
	for _, path := range x.Hash {
		edits = find(raw, 0, path, edits, func(v []byte) []byte { return hashed(v, key) })
	}
	if len(edits) == 0 {
		return raw
	}
	slices.SortFunc(edits, func(a, b replacement) int { return cmp.Compare(a.at.start, b.at.start) })
	out, at := make([]byte, 0, len(raw)+64*len(edits)), 0
	for _, e := range edits {
		if e.at.start < at { // inside of what was replaced already
			continue
		}
		out = append(append(out, raw[at:e.at.start]...), e.with...)
		at = e.at.end
	}
	return append(out, raw[at:]...)
}

type replacement struct {
	at   span
	with []byte
}

// find replaces every member at the path: of two of one name both are kept in the log.
func find(raw []byte, base int, path []string, edits []replacement, with func([]byte) []byte) []replacement {
	var names []byte
	for w := walk(raw); w.next(true); {
		if string(w.name(&names)) != path[0] {
			continue
		}
		v := w.value()
		switch {
		case len(path) > 1 && isObject(v):
			edits = find(v, base+w.start, path[1:], edits, with)
		case len(path) == 1 && !isNothing(v):
			edits = append(edits, replacement{span{base + w.start, base + w.end}, with(v)})
		}
	}
	return edits
}

var null = []byte("null")

func (x *Edge) address(v []byte) []byte {
	var names []byte
	ip, err := netip.ParseAddr(strings.TrimSpace(string(unquote(v, &names))))
	if err != nil || x.IP == IPDrop { // what is no address is not kept either
		return null
	}
	ip = ip.WithZone("").Unmap()
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return null
	}
	return []byte(`"` + p.Addr().String() + `"`)
}

// hashed is the keyed hash of a value: of a text without blanks at its ends and in lower case, so that
// what people type in two ways is one.
func hashed(v, key []byte) []byte {
	var names []byte
	text := v
	if v[0] == '"' {
		text = bytes.ToLower(bytes.TrimSpace(unquote(v, &names)))
	}
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return []byte(`"h_` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`)
}
