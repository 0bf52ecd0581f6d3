package main

import (
	"bytes"
	"strings"
	"testing"

	"clientele"
)

func TestTable(t *testing.T) {
	r := &clientele.QueryResult{
		Columns: []clientele.QueryColumn{{Name: "amount", Type: "DECIMAL(18,4)"}, {Name: "name", Type: "VARCHAR"}, {Name: "note", Type: "JSON"}},
		Rows: [][]any{
			{"12.5", "สวัสดี", nil}, {int64(1234567), "東京", map[string]any{"a": 1.0}}, {nil, "a\x1b[31m", strings.Repeat("x", 60)},
		},
	}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, ` amount  name      note
-------  --------  ------------------------------------------------------------
   12.5  สวัสดี      null
1234567  東京      {"a":1}
   null  a\x1b[31m  ` + strings.Repeat("x", 60) + "\n"},
		{40, ` amount  name      note
-------  --------  ---------------------
   12.5  สวัสดี      null
1234567  東京      {"a":1}
   null  a\x1b[31m  ` + strings.Repeat("x", 19) + "…\n"},
	} {
		var b bytes.Buffer
		if err := writeTable(&b, r, tt.width); err != nil {
			t.Fatal(err)
		}
		if !sameLines(b.String(), tt.want) {
			t.Errorf("width %d:\n%s\nwant\n%s", tt.width, b.String(), tt.want)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if tt.width > 0 && widthOfText(line) > tt.width {
				t.Errorf("%q is wider than %d", line, tt.width)
			}
		}
	}
}

// sameLines compares without counting the padding that marks of no width make unclear to read.
func sameLines(a, b string) bool {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if strings.Join(strings.Fields(x[i]), " ") != strings.Join(strings.Fields(y[i]), " ") && !strings.HasPrefix(x[i], "---") {
			return false
		}
	}
	return true
}

func TestTableColumnsAlign(t *testing.T) {
	r := &clientele.QueryResult{Columns: []clientele.QueryColumn{{Name: "a"}, {Name: "b"}},
		Rows: [][]any{{"ไทย", "x"}, {"東京", "x"}, {"plain", "x"}, {"e\u0301", "x"}}}
	var b bytes.Buffer
	if err := writeTable(&b, r, 0); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n")[2:] {
		if at := widthOfText(strings.TrimSuffix(line, "x")); at != 7 {
			t.Errorf("the second column of %q begins at %d, want 7", line, at)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("%d = %s", n, got)
		}
	}
}
