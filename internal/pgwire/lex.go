package pgwire

import "strings"

type kind uint8

const (
	word    kind = iota // an identifier or keyword; text is in lower case
	quoted              // "an identifier"; text is what stands within
	literal             // a text in quotes of any form
	number
	param // $1; text is the number
	punct // operators, brackets, commas, dots; :: is one
)

// lexeme is a piece of a SQL text: its bytes from start up to end.
type lexeme struct {
	kind       kind
	start, end int
	text       string
}

func (t lexeme) is(text string) bool { return t.kind != literal && t.kind != quoted && t.text == text }

// name says whether the lexeme can be a name, and this one.
func (t lexeme) name(text string) bool {
	return (t.kind == word || t.kind == quoted) && t.text == text
}

const operators = "+-*/<>=~!@#%^&|`?"

// lex cuts a text into tokens. What is not closed ends with the text: the engine's parser says so.
func lex(sql string) []lexeme {
	var out []lexeme
	for i := 0; i < len(sql); {
		start := i
		add := func(k kind, end int, text string) {
			out = append(out, lexeme{k, start, end, text})
			i = end
		}
		c := sql[i]
		switch {
		case c <= ' ':
			i++
		case strings.HasPrefix(sql[i:], "--"):
			i += through(sql[i:], "\n")
		case strings.HasPrefix(sql[i:], "/*"):
			i = comment(sql, i)
		case c == '\'':
			add(literal, quotedEnd(sql, i, '\'', false), "")
		case c == '"':
			end := quotedEnd(sql, i, '"', false)
			add(quoted, end, strings.ReplaceAll(strings.Trim(sql[i:end], `"`), `""`, `"`))
		case (c == 'e' || c == 'E') && i+1 < len(sql) && sql[i+1] == '\'':
			add(literal, quotedEnd(sql, i+1, '\'', true), "")
		case c == '$' && i+1 < len(sql) && digit(sql[i+1]):
			end := i + 1
			for end < len(sql) && digit(sql[end]) {
				end++
			}
			add(param, end, sql[i+1:end])
		case c == '$':
			add(literal, dollarEnd(sql, i), "")
		case digit(c):
			end := i
			for end < len(sql) && (letter(sql[end]) || digit(sql[end]) || sql[end] == '.') {
				end++
			}
			add(number, end, sql[i:end])
		case letter(c):
			end := i
			for end < len(sql) && (letter(sql[end]) || digit(sql[end]) || sql[end] == '$') {
				end++
			}
			add(word, end, strings.ToLower(sql[i:end]))
		case strings.HasPrefix(sql[i:], "::"):
			add(punct, i+2, "::")
		case strings.IndexByte(operators, c) >= 0:
			end := i
			for end < len(sql) && strings.IndexByte(operators, sql[end]) >= 0 && !strings.HasPrefix(sql[end:], "--") && !strings.HasPrefix(sql[end:], "/*") {
				end++
			}
			add(punct, end, sql[i:end])
		default:
			add(punct, i+1, sql[i:i+1])
		}
	}
	return out
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// through is how many bytes there are up to the end of what is looked for.
func through(s, sub string) int {
	if i := strings.Index(s, sub); i >= 0 {
		return i + len(sub)
	}
	return len(s)
}

// comment is where a comment ends; PostgreSQL's are nested.
func comment(sql string, i int) int {
	depth := 0
	for i < len(sql) {
		switch {
		case strings.HasPrefix(sql[i:], "/*"):
			depth, i = depth+1, i+2
		case strings.HasPrefix(sql[i:], "*/"):
			if depth, i = depth-1, i+2; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return i
}

// quotedEnd is where a quoted piece that begins at i ends; a doubled quote is one within.
func quotedEnd(sql string, i int, quote byte, backslash bool) int {
	for i++; i < len(sql); i++ {
		switch {
		case backslash && sql[i] == '\\':
			i++
		case sql[i] == quote && i+1 < len(sql) && sql[i+1] == quote:
			i++
		case sql[i] == quote:
			return i + 1
		}
	}
	return len(sql)
}

// dollarEnd is where $tag$...$tag$ ends; a lone $ is by itself.
func dollarEnd(sql string, i int) int {
	end := i + 1
	for end < len(sql) && (letter(sql[end]) || digit(sql[end])) {
		end++
	}
	if end >= len(sql) || sql[end] != '$' {
		return i + 1
	}
	tag := sql[i : end+1]
	return end + 1 + through(sql[end+1:], tag)
}

// split cuts a text at its semicolons into statements that hold something, with where each begins.
func split(sql string) (texts []string, starts []int) {
	start, empty := 0, true
	take := func(end int) {
		if !empty {
			texts, starts = append(texts, sql[start:end]), append(starts, start)
		}
	}
	for _, t := range lex(sql) {
		if t.is(";") {
			take(t.start)
			start, empty = t.end, true
			continue
		}
		empty = false
	}
	take(len(sql))
	return texts, starts
}

// edit is a change of a text.
type edit struct {
	start, end int
	text       string
}

// apply makes changes, which are in order and apart from each other.
func apply(sql string, edits []edit) string {
	var b strings.Builder
	from := 0
	for _, e := range edits {
		b.WriteString(sql[from:e.start])
		b.WriteString(e.text)
		from = e.end
	}
	b.WriteString(sql[from:])
	return b.String()
}
