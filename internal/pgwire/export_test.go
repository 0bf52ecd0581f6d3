package pgwire

import (
	"fmt"
	"strings"
)

// CheckText says what is wrong with how a text is cut and rewritten.
func CheckText(sql string) error {
	last := 0
	tokens := lex(sql)
	for _, t := range tokens {
		if t.start < last || t.end <= t.start || t.end > len(sql) {
			return fmt.Errorf("a piece from %d to %d behind %d", t.start, t.end, last)
		}
		last = t.end
	}
	if d := ofData(sql, tokens, map[string]bool{"orders": true}); len(d) != len(sql) {
		return fmt.Errorf("%q became %q", sql, d)
	}
	_, rules := Catalog()
	asksCatalog(tokens)
	hints(tokens)
	ofCatalog(sql, tokens, rules.Functions, "u", 1)
	texts, starts := split(sql)
	for i, s := range texts {
		if !strings.HasPrefix(sql[starts[i]:], s) {
			return fmt.Errorf("%q is not at %d", s, starts[i])
		}
	}
	return nil
}
