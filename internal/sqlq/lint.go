package sqlq

import (
	"fmt"
	"regexp"
	"strings"
)

// Lint says what in a hand-written SQL text would not give the same rows on DuckDB, PostgreSQL
// and Citus; nil when nothing is found. It reads the text, not its meaning: it knows the traps
// that were met, each with the form to write instead.
func Lint(sql string) []string {
	sql = strings.ToLower(blank(sql))
	var found []string
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, t := range traps() {
		if m := regexp.MustCompile(t.pattern).FindString(sql); m != "" {
			add("%s: %s", strings.Join(strings.Fields(m), " "), t.instead)
		}
	}
	for _, m := range regexp.MustCompile(`->>\s*(?:''|\$?\w+)\s*(\S*)`).FindAllStringSubmatch(sql, -1) {
		if next := m[1]; next != "" && !strings.HasPrefix(next, ")") && !strings.HasPrefix(next, ",") && !strings.HasPrefix(next, "->") &&
			next != "as" && next != "from" {
			add("->>: write (j->>'k') in parentheses, DuckDB binds what follows first")
			break
		}
	}
	for _, at := range regexp.MustCompile(`\bdate_trunc\s*\(`).FindAllStringIndex(sql, -1) {
		if x := argument(sql[at[1]:]); !strings.Contains(x, "at time zone") && !strings.Contains(x, "utc_time(") {
			add("date_trunc: write date_trunc('day', ts at time zone 'UTC'), or utc_time(ts), on timestamptz it is slow in DuckDB and wrong on Citus")
			break
		}
	}
	for _, m := range regexp.MustCompile(`(?:\bwith|\brecursive|\)\s*,)\s+(\w+)\s*(?:\([^()]*\)\s*)?as\s*(?:materialized\s*)?\(`).FindAllStringSubmatch(sql, -1) {
		uses := regexp.MustCompile(`(?:\bfrom|\bjoin|,)\s+`+m[1]+`\b(?:[^(\s]|\s+[^a(]|\s+a[^s]|\s*$)`).FindAllString(sql, -1)
		if len(uses) > 1 {
			add("%s: a common table expression used more than once is shipped between nodes by Citus; write subqueries", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`/\s*(nullif\s*\(|\d|[^\s])`).FindAllStringSubmatch(sql, -1) {
		if !strings.HasPrefix(m[1], "nullif") && (m[1][0] < '0' || m[1][0] > '9') {
			add("/: divide by nullif(x, 0), a division by zero is infinite on DuckDB and an error on PostgreSQL")
			break
		}
	}
	return found
}

type trap struct{ pattern, instead string }

func traps() []trap {
	return []trap{
		{`!?~\*?`, "matches the whole text on DuckDB and a part on PostgreSQL; write re_match(s, r)"},
		{`\bsimilar\s+to\b`, "write re_match(s, r)"},
		{`@>|<@|#>>?|\?\||\?&`, "is not in DuckDB for JSON; write json_has(j, v) or (j->>'k')"},
		{`\b(?:to_char|make_interval|date_bin|width_bucket|every|hashtext|strftime|time_bucket|approx_count_distinct|jsonb_\w+|json_agg|json_object|json_merge_patch|clock_timestamp)\s*\(`,
			"exists on one side only; use the prelude, interval arithmetic or extract"},
		{`\b(?:rollup|cube|grouping\s+sets)\b`, "is not in Citus; write a union all of two group bys"},
		{`\bqualify\b`, "is DuckDB only; filter row_number() in an outer query"},
		{`\bgroup\s+by\s+all\b`, "is DuckDB only; name the columns"},
		{`\bfor\s+update\b`, "is not in DuckDB"},
		{`\bsavepoint\b|\bpg_advisory_\w+`, "is PostgreSQL only"},
		{`\bunnest\s*\([^()]*,`, "write select unnest(a), unnest(b) in a subquery"},
	}
}

// blank empties string literals and drops comments, so that only the SQL itself is looked at.
func blank(sql string) string {
	return regexp.MustCompile(`(?s)'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/`).ReplaceAllStringFunc(sql, func(m string) string {
		if m[0] == '\'' {
			return "''"
		}
		return " "
	})
}

// argument is the text up to the bracket that closes an already open one.
func argument(s string) string {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[:i]
			}
		}
	}
	return s
}
