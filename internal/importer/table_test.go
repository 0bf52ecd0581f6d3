package importer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/importer"
)

// tableOf reads files without a mapping: their columns, then their rows, then what went wrong.
func tableOf(t *testing.T, files map[string]string, order ...string) ([]string, error) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, name := range order {
		paths = append(paths, filepath.Join(dir, name))
		if err := os.WriteFile(paths[len(paths)-1], []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	err := importer.ReadTable(context.Background(), importer.Options{Paths: paths}, importer.Table{
		File:    func(string) error { return nil },
		Columns: func(names []string) error { out = append(out, "# "+strings.Join(names, "|")); return nil },
		Row:     func(values []string) error { out = append(out, strings.Join(values, "|")); return nil },
		Bad:     func(line int64, fault string) { out = append(out, fmt.Sprintf("! %d %s", line, fault)) },
		Mended:  func(_ string, n int64) { out = append(out, fmt.Sprintf("~ %d", n)) },
		List:    "+",
	})
	return out, err
}

func TestReadTable(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"comma", "a.csv", "a, b\n1, 2 \n", []string{"# a|b", "1|2"}},
		{"semicolon", "a.csv", "a;b\n\"1,5\";2\n", []string{"# a|b", "1,5|2"}},
		{"tab and bar", "a.tsv", "a\tb\n1|2\t3\n", []string{"# a|b", "1|2|3"}},
		{"same header twice", "a.csv", "a,a,\n1,2,3\n", []string{"# a|a_2|column_3", "1|2|3"}},
		{"ragged", "a.csv", "a,b\n1\n1,2,3\n", []string{"# a|b", "1", "1|2|3"}},
		{"stray quote", "a.csv", "a,b\n1,say \"x\" now\n", []string{"# a|b", `1|say "x" now`}},
		{"windows", "a.csv", "a,b\nM\xfcller,2\nx,y\n", []string{"# a|b", "Müller|2", "x|y", "~ 1"}},
		{"byte order mark", "a.csv", "\ufeffa,b\n1,2\n", []string{"# a|b", "1|2"}},
		{"long cell", "a.csv", "a,b\n1," + strings.Repeat("x", 10<<20) + "\n3,4\n", []string{"# a|b", "! 2 the row is over 1 MB", "3|4"}},
		{"objects", "a.jsonl", `{"a":1,"b":{"c":"x","d":["y","z"]}}` + "\n{\"e\":true,\"a\":null}\nnot json\n", []string{"# a|b.c|b.d", "1|x|y+z", "# a|b.c|b.d|e", "|||true", "! 3 the row is not a JSON object"}},
		{"lists of objects", "a.jsonl", `{"f":[{"a":1},{"b":2,"a":3}]}` + "\n", []string{"# f.a|f.b", "1+3|2"}},
		{"empty", "a.csv", "", nil},
		{"header alone", "a.csv", "a,b\n", []string{"# a|b"}},
	} {
		got, err := tableOf(t, map[string]string{c.file: c.text}, c.file)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %.200q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, err := tableOf(t, map[string]string{"a.csv": "a\x00,\x00b\x00\n\x00"}, "a.csv"); clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
		t.Errorf("UTF-16 without a mark: %v", err)
	}
	if _, err := tableOf(t, map[string]string{"a.parquet": "x"}, "a.parquet"); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("Parquet without a reader: %v", err)
	}
}
