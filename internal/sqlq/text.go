package sqlq

import (
	"strings"
	"unicode/utf8"

	"clientele"
)

// Limits of a user's SQL text, so that the parser and the gate take bounded time and memory.
const (
	MaxTextBytes = 100 << 10
	maxBrackets  = 400 // nested; the gate's own limit on the tree is lower for most texts
)

// CheckText refuses what must not even reach the parser: too long, not UTF-8, nested too
// deeply. Brackets are counted without regard to quotes: a text cannot hide depth by quoting.
func CheckText(sql string) error {
	switch {
	case strings.TrimSpace(sql) == "":
		return clientele.Errorf(clientele.Invalid, "the query is empty")
	case len(sql) > MaxTextBytes:
		return clientele.Errorf(clientele.TooLarge, "the query is over %d KB", MaxTextBytes>>10).
			WithHint("give long lists as a parameter: where profile_id in (select unnest($1::bigint[]))")
	case !utf8.ValidString(sql) || strings.IndexByte(sql, 0) >= 0:
		return clientele.Errorf(clientele.Invalid, "the query is not UTF-8 text")
	}
	open, deepest := 0, 0
	for i := 0; i < len(sql); i++ {
		switch sql[i] {
		case '(', '[', '{':
			open++
			deepest = max(deepest, open)
		case ')', ']', '}':
			open = max(0, open-1)
		}
	}
	if deepest > maxBrackets {
		return tooDeep()
	}
	return nil
}

func tooDeep() error {
	return clientele.Errorf(clientele.TooLarge, "the query is nested too deeply").
		WithHint("use common table expressions (with ... as) instead of nesting")
}
