package resolve

import (
	"bytes"
	"strings"
	"unicode"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
)

// Survey counts what an erasure of the anchors would delete, by table.
func Survey(rows clientele.Rows, anchors []clientele.Anchor) (map[string]int64, error) {
	counts := map[string]int64{"identifiers": int64(len(anchors))}
	for _, a := range anchors {
		h, err := loadHead(rows, a)
		if err != nil {
			return nil, err
		}
		if h != nil && h.Said != nil {
			counts["traits"] += int64(len(h.Said.Traits))
			counts["decisions"] += int64(len(h.Said.Consents))
		}
		err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(a)), func(k clientele.Key, v []byte) (bool, error) {
			t, err := ReadTimelineEntry(k, v)
			if err == nil && t.Position != 0 {
				counts["events"]++
			}
			return true, err
		})
		if err != nil {
			return nil, err
		}
		if err := commerce.Owned(rows, a, func(k commerce.Keyed) error { counts[k.Table.Name]++; return nil }); err != nil {
			return nil, err
		}
	}
	for k, n := range counts {
		if n == 0 {
			delete(counts, k)
		}
	}
	return counts, nil
}

// minNamed is the length from which a value is looked for anywhere in a text; a shorter one only
// where the record says that it is an identifier.
const minNamed = 6

// Names says whether the record, which may be no proper one, names one of the identifiers.
func Names(kind clientele.Kind, rec *clientele.Record, ids []clientele.Identifier, rules *identity.Rules, sources func(string) Source) bool {
	parsed := Decode(1, &clientele.Frame{Kind: kind, Records: []clientele.Record{*rec}}, Rules{Identity: rules}, sources).Records[0]
	for _, o := range parsed.ids {
		for _, id := range ids {
			if o.ID == id {
				return true
			}
		}
	}
	text := bytes.ToLower(rec.Raw)
	for _, id := range ids {
		value := strings.ToLower(id.Value)
		if id.Namespace == clientele.Phone && len(value) > 8 {
			digits := bytes.Map(func(r rune) rune {
				if strings.ContainsRune(" ()-./", r) {
					return -1
				}
				return r
			}, text)
			if named(digits, value[len(value)-8:], false) {
				return true
			}
		}
		if len(value) >= minNamed && named(text, value, true) || len(value) < minNamed && asIdentifier(text, value) {
			return true
		}
	}
	return false
}

// named finds the value in the text, with whole true only as a word of its own.
func named(text []byte, value string, whole bool) bool {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(value))
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(value)
		if !whole || !letterAt(text, start-1) && !letterAt(text, end) {
			return true
		}
		from = start + 1
	}
}

func letterAt(text []byte, i int) bool {
	return i >= 0 && i < len(text) && (text[i] >= 0x80 || unicode.IsLetter(rune(text[i])) || unicode.IsDigit(rune(text[i])))
}

// identifierNames are the members that hold identifiers, in lower case.
var identifierNames = []string{"userid", "anonymousid", "previousid", "id", "v", "email", "phone"}

func asIdentifier(text []byte, value string) bool {
	for _, name := range identifierNames {
		for from := 0; ; {
			i := bytes.Index(text[from:], []byte(`"`+name+`"`))
			if i < 0 {
				break
			}
			from += i + len(name) + 2
			rest := bytes.TrimLeft(text[from:], " \t\r\n:")
			rest = bytes.TrimPrefix(rest, []byte(`"`))
			if bytes.HasPrefix(rest, []byte(value)) && !letterAt(rest, len(value)) {
				return true
			}
		}
	}
	return false
}
