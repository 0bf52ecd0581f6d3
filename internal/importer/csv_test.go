package importer_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"clientele/internal/importer"
)

func TestCSV(t *testing.T) {
	type row = importer.CSVRow
	for _, c := range []struct {
		name, in string
		lazy     bool
		want     []row
	}{
		{"plain", "a,b\r\n1,\n", false, []row{{1, []string{"a", "b"}, "", "a,b"}, {2, []string{"1", ""}, "", "1,"}}},
		{"quotes", "\"a,\"\"b\"\"\",c\n", false, []row{{1, []string{`a,"b"`, "c"}, "", `"a,""b""",c`}}},
		{"lines in a value", "\"a\r\nb\",c\nd,e", false, []row{{1, []string{"a\nb", "c"}, "", "\"a\r\nb\",c"}, {3, []string{"d", "e"}, "", "d,e"}}},
		{"blank lines", "\n\na\n\r\nb\n", false, []row{{3, []string{"a"}, "", "a"}, {5, []string{"b"}, "", "b"}}},
		{"bare quote", "a\"b,c\nd,e\n", false, []row{{1, nil, "a quote stands within a value without quotes", "a\"b,c"}, {2, []string{"d", "e"}, "", "d,e"}}},
		{"bare quote, lazy", "a\"b,c\n", true, []row{{1, []string{`a"b`, "c"}, "", "a\"b,c"}}},
		// A quote too many costs its own row, not those behind it.
		{"lost quote", "1,\"x,2\n3,\"y\",4\n5,6\n", false, []row{{1, nil, "a quoted value goes on behind its closing quote", "1,\"x,2"}, {2, []string{"3", "y", "4"}, "", "3,\"y\",4"}, {3, []string{"5", "6"}, "", "5,6"}}},
		{"open at the end", "a,b\n1,\"x\n2,y\n", false, []row{{1, []string{"a", "b"}, "", "a,b"}, {2, nil, "a quoted value is not closed", "1,\"x"}, {3, []string{"2", "y"}, "", "2,y"}}},
		{"NUL", "a\x00,b\nc,d\n", false, []row{{1, nil, "the row has a NUL byte", "a\x00,b"}, {2, []string{"c", "d"}, "", "c,d"}}},
		{"not UTF-8", "caf\xe9,b\nc,d\n", false, []row{{1, nil, "the row is not UTF-8: say encoding: in the mapping", "caf\xe9,b"}, {2, []string{"c", "d"}, "", "c,d"}}},
	} {
		got, _, err := importer.ReadCSV(iotest.OneByteReader(strings.NewReader(c.in)), ',', c.lazy)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %d rows %+v, %v", c.name, len(got), got, err)
			continue
		}
		for i, w := range c.want {
			g := got[i]
			if g.Line != w.Line || g.Fault != w.Fault || g.Raw != w.Raw || w.Fault == "" && !slices.Equal(g.Texts, w.Texts) {
				t.Errorf("%s: row %d is %+v, want %+v", c.name, i, g, w)
			}
		}
	}
}

// TestCSVBounded reads rows far over the limit and demands that the reader's memory stays small.
func TestCSVBounded(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for name, in := range map[string]string{
		"a long line":           "1," + long + "\n2,b\n",
		"a long quoted value":   "1,\"" + long + "\"\n2,b\n",
		"a lost quote":          "1,\"lost\n" + strings.Repeat("2,b\n", 1<<19),
		"long behind the quote": "1,\"a\nb\"," + long + "\n2,b\n",
	} {
		got, buffered, err := importer.ReadCSV(strings.NewReader(in), ',', false)
		if err != nil || buffered > 4<<20 {
			t.Fatalf("%s: %d bytes held, %v", name, buffered, err)
		}
		if len(got) < 2 || got[0].Fault == "" || got[0].Line != 1 || len(got[0].Raw) > 4<<10 {
			t.Errorf("%s: %d rows, the first with %d bytes and fault %q", name, len(got), len(got[0].Raw), got[0].Fault)
			continue
		}
		if last := got[len(got)-1]; last.Fault != "" || !slices.Equal(last.Texts, []string{"2", "b"}) {
			t.Errorf("%s: the row behind is lost: fault %q", name, last.Fault)
		}
	}
}

// FuzzCSV compares with encoding/csv on whatever that accepts.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\r\n\"x\"\"y\",\"1\r\n2\"\n", false)
	f.Add("a\"b,\"c\"d\n", true)
	f.Add("\"\r\r\n\",\r\n\r", false)
	f.Fuzz(func(t *testing.T, in string, lazy bool) {
		got, _, err := importer.ReadCSV(strings.NewReader(in), ',', lazy)
		if err != nil {
			t.Fatal(err)
		}
		slow, _, _ := importer.ReadCSV(iotest.OneByteReader(strings.NewReader(in)), ',', lazy)
		if len(slow) != len(got) {
			t.Fatalf("%d rows in one read, %d in many", len(got), len(slow))
		}
		std := csv.NewReader(bytes.NewReader([]byte(in)))
		std.FieldsPerRecord, std.LazyQuotes = -1, lazy
		var want [][]string
		for {
			rec, err := std.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			want = append(want, rec)
		}
		if len(want) != len(got) {
			t.Fatalf("%d rows, encoding/csv has %d", len(got), len(want))
		}
		for i := range got {
			if got[i].Fault == "" && !slices.Equal(got[i].Texts, want[i]) {
				t.Fatalf("row %d is %q, encoding/csv has %q", i, got[i].Texts, want[i])
			}
			if got[i].Fault != "" && !strings.ContainsRune(in, 0) && strings.ToValidUTF8(in, "") == in {
				t.Fatalf("row %d is refused (%s), encoding/csv has %q", i, got[i].Fault, want[i])
			}
		}
	})
}
