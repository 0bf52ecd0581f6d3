package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const customers = "email,city\nann@example.com,Hanoi\nbob@example.com,Hue\ncleo@example.com,\"Da, Nang\"\n"

// TestExport: to a folder, a file and standard output, from a data directory that no server holds.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	mapping := write(t, "m.yaml", "identifiers: {email: email}\nrecords:\n  - table: profiles\n    traits: {city: city}\n")
	file := write(t, "c.csv", customers)
	if code, out, errs := call(t, "", nil, "import", "--source", "crm", "--map", mapping, file); code != 0 {
		t.Fatalf("import: exit %d\n%s%s", code, out, errs)
	}
	code, out, errs := call(t, "", nil, "export", "--what", "profiles", "--columns", "city", "--out", "-")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != 0 || len(lines) != 4 || lines[0] != "city" || !strings.Contains(out, `"Da, Nang"`) {
		t.Errorf("standard output: exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = call(t, "", nil, "export", "--what", "identifiers", "--format", "jsonl", "--out", "parts", "--part-rows", "1")
	if code != 0 || !strings.HasPrefix(out, "3 rows in ") || !strings.Contains(out, "manifest.json in parts") {
		t.Errorf("a folder: exit %d\n%s%s", code, out, errs)
	}
	if b, err := os.ReadFile(filepath.Join("parts", "part-000001.jsonl")); err != nil || !strings.Contains(string(b), "cleo@example.com") {
		t.Errorf("a part: %v\n%s", err, b)
	}
	if code, _, errs = call(t, "", nil, "export", "--what", "identifiers", "--format", "jsonl", "--out", "parts"); code != 1 || !strings.Contains(errs, "hint: export to another place") {
		t.Errorf("again: exit %d\n%s", code, errs)
	}
	for _, name := range []string{"p.csv", "sub/p.jsonl.gz", "p.csv.zst", "p.parquet"} {
		if code, out, errs := call(t, "", nil, "export", "--what", "profiles", "--out", name); code != 0 || !strings.HasPrefix(out, "3 rows in ") {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
		}
		if st, err := os.Stat(name); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	code, out, errs = call(t, "", nil, "exports", "list")
	if code != 0 || strings.Count(out, "done") != 6 || !strings.Contains(out, "cli") {
		t.Errorf("list: exit %d\n%s%s", code, out, errs)
	}
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"export --out -":                                            {2, "--what is missing"},
		"export --what profiles":                                    {2, "--out is missing"},
		"export --what audience:vip --out x.csv":                    {1, "there is no audience of that name"},
		"export --what nothing --out x.csv":                         {1, "there is no table of that name"},
		"export --what profiles --format xml --out x":               {2, "there is no format"},
		"export --what profiles --format csv --out x.parquet":       {2, "says another format"},
		"export --what profiles --format csv --compression x --out": {2, "flag needs an argument"},
		"export --what profiles --since yesterday --out x.csv":      {2, "--since: not a time"},
		"export --what products --since 2026-01-01 --out x.csv":     {1, "has no time"},
		"export --what profiles --columns nope --out x.csv":         {1, "there is no column"},
		"export --what profiles --out s3://lake/x":                  {1, "there are no credentials"},
		"exports start --what profiles --to x":                      {1, "no server holds the data directory"},
		"exports cancel nobody":                                     {1, "no export of that id"},
	} {
		code, _, errs := call(t, "", nil, strings.Fields(args)...)
		if code != want.code || !strings.Contains(errs, want.text) || code == 1 && !strings.Contains(errs, "hint: ") && !strings.Contains(args, "cancel") {
			t.Errorf("%s: exit %d\n%s", args, code, errs)
		}
		if _, err := os.Stat("x.csv"); err == nil {
			t.Fatalf("%s left a file", args)
		}
	}
}
