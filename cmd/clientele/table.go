package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"clientele"
	"clientele/internal/api"
)

const (
	null     = "null"
	minWidth = 8 // a column is not cut below this
)

// writeTable writes aligned columns. With a width (of a terminal) wide columns are cut to fit;
// 0 cuts nothing.
func writeTable(w io.Writer, r *clientele.QueryResult, width int) error {
	cells := make([][]string, 0, len(r.Rows)+1)
	head := make([]string, len(r.Columns))
	widths, right := make([]int, len(r.Columns)), make([]bool, len(r.Columns))
	for i, c := range r.Columns {
		head[i] = printable(c.Name)
		widths[i], right[i] = widthOfText(head[i]), isNumeric(c.Type)
	}
	cells = append(cells, head)
	for _, row := range r.Rows {
		line := make([]string, len(r.Columns))
		for i := range line {
			if i >= len(row) || row[i] == nil {
				line[i] = null
			} else if text, err := api.Text(row[i]); err != nil {
				return err
			} else {
				line[i] = printable(text)
			}
			widths[i] = max(widths[i], widthOfText(line[i]))
		}
		cells = append(cells, line)
	}
	fit(widths, width)
	var b strings.Builder
	for n, line := range cells {
		b.Reset()
		for i, text := range line {
			if i > 0 {
				b.WriteString("  ")
			}
			writeCell(&b, text, widths[i], right[i], i == len(line)-1)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return nil // the reader has gone away, like head does
		}
		if n == 0 {
			rule := make([]string, len(widths))
			for i := range rule {
				rule[i] = strings.Repeat("-", widths[i])
			}
			fmt.Fprintln(w, strings.TrimRight(strings.Join(rule, "  "), " "))
		}
	}
	return nil
}

func writeCell(b *strings.Builder, text string, width int, right, last bool) {
	if n := widthOfText(text); n > width {
		text = cut(text, width)
	}
	pad := strings.Repeat(" ", max(0, width-widthOfText(text)))
	switch {
	case right:
		b.WriteString(pad + text)
	case last:
		b.WriteString(text)
	default:
		b.WriteString(text + pad)
	}
}

// fit makes the widest columns narrower until all fit, or none can be made narrower.
func fit(widths []int, width int) {
	if width <= 0 || len(widths) == 0 {
		return
	}
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for total > width {
		widest := 0
		for i, n := range widths {
			if n > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= minWidth {
			return
		}
		widths[widest]--
		total--
	}
}

// cut shortens text to the width, with … at its end.
func cut(text string, width int) string {
	n := 0
	for i, r := range text {
		if n+runeWidth(r) > width-1 {
			return text[:i] + "…"
		}
		n += runeWidth(r)
	}
	return text
}

// printable shows what would move the cursor or change the terminal as escapes.
func printable(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func widthOfText(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is how many cells of a terminal a character takes: none for combining marks, two
// for Chinese, Japanese, Korean and emoji, else one.
func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

func isNumeric(sqlType string) bool {
	t := strings.ToUpper(sqlType)
	for _, p := range []string{"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER", "DOUBLE", "FLOAT", "REAL", "DECIMAL", "NUMERIC"} {
		if strings.HasPrefix(t, p) {
			return !strings.HasSuffix(t, "]")
		}
	}
	return false
}

// writeCSV writes a header line and the rows; null is an empty field.
func writeCSV(w io.Writer, r *clientele.QueryResult) error {
	cw := csv.NewWriter(w)
	line := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		line[i] = c.Name
	}
	if err := cw.Write(line); err != nil {
		return nil // the reader has gone away
	}
	for _, row := range r.Rows {
		line = line[:0]
		for _, v := range row {
			text, err := api.Text(v)
			if err != nil {
				return err
			}
			line = append(line, text)
		}
		if err := cw.Write(line); err != nil {
			return nil
		}
	}
	cw.Flush()
	return nil
}

// writeJSON writes the value with two spaces of indentation.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return clientele.Errorf(clientele.Internal, "json: %w", err)
	}
	return nil
}
