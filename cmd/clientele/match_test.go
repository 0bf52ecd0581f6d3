package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/linkage/people"
)

// matchRun calls the program in a folder of its own.
func matchRun(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.Background(), append([]string{"match"}, args...), streams{in: strings.NewReader(""), out: &out, err: &err, env: func(string) (string, bool) { return "1", false }})
	return out.String(), err.String(), code
}

func peopleFile(t testing.TB, n int, seed uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("people%d.csv", seed))
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := people.Write(f, n, seed); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMatch(t *testing.T) {
	a, b := peopleFile(t, 600, 1), peopleFile(t, 400, 2)
	dir := t.TempDir()
	out, pairs, page := filepath.Join(dir, "clusters.csv"), filepath.Join(dir, "pairs.csv"), filepath.Join(dir, "report.html")
	stdout, stderr, code := matchRun(t, "--truth", "truth", "--out", out, "--pairs", pairs, "--report", page, a, b)
	if code != exitDone {
		t.Fatalf("%d: %s", code, stderr)
	}
	for _, want := range []string{"first_name  given_name", "1,000 records", "B-cubed", "blocking recall", "from weight"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	read := func(path string) [][]string {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := read(out)
	if got := strings.Join(rows[0], ","); got != "cluster_id,source,row,"+strings.Join(people.Header, ",") {
		t.Errorf("header %s", got)
	}
	if len(rows) != 1001 || rows[1][1] != "people1.csv" || rows[1][2] != "1" || rows[601][1] != "people2.csv" || rows[601][2] != "1" || rows[601][3] != "1" {
		t.Errorf("%d rows, %q, %q", len(rows), rows[1], rows[601])
	}
	cluster := map[string]string{} // of a source and row
	for _, r := range rows[1:] {
		cluster[r[1]+r[2]] = r[0]
	}
	for _, r := range read(pairs)[1:] {
		if cluster[r[1]+r[2]] != r[0] || cluster[r[3]+r[4]] != r[0] || r[7] == "" {
			t.Errorf("pair %q is not of its cluster", r)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(text, []byte("</html>")) || !bytes.Contains(text, []byte("Against the truth")) || bytes.Contains(text, []byte("http")) || bytes.Contains(text, []byte("ZgotmplZ")) {
		t.Errorf("the page of %d bytes is not whole, or not complete in itself: %v", len(text), err)
	}
}

func TestMatchExplain(t *testing.T) {
	a := peopleFile(t, 300, 1)
	stdout, _, code := matchRun(t, "--ignore", "truth", "--explain", "1,people1.csv:2", a)
	if code != exitDone || !strings.Contains(stdout, "(any two records)") || !strings.Contains(stdout, "probability") {
		t.Errorf("%d %s", code, stdout)
	}
	stdout, _, code = matchRun(t, "--ignore", "truth", "--explain", "1,2", "--json", a)
	var doc struct {
		Records int
		Explain struct {
			A, B  int
			Terms []struct{ Field string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil || code != exitDone || doc.Records != 300 || doc.Explain.B != 2 || len(doc.Explain.Terms) < 5 {
		t.Errorf("%d %v %+v", code, err, doc)
	}
}

func TestMatchRefuses(t *testing.T) {
	a := peopleFile(t, 50, 1)
	rules := func(text string) string {
		path := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{a}, exitUsage, "--out is missing"},
		{[]string{"--out", "-", a, "nowhere.csv"}, exitFailed, "nowhere.csv"},
		{[]string{"--out", "-", "--truth", "trut", a}, exitFailed, "did you mean truth?"},
		{[]string{"--out", "-", "--explain", "1", a}, exitUsage, "two records"},
		{[]string{"--out", "-", "--explain", "1,999", a}, exitFailed, "999"},
		{[]string{"--out", "-", "--config", rules("colums: {}"), a}, exitFailed, "rules.yaml"},
		{[]string{"--out", "-", "--config", rules("columns: {last_name: surnam}"), a}, exitFailed, "did you mean surname?"},
		{[]string{"--out", "-", "--config", rules("threshold: 2"), a}, exitFailed, "no probability"},
		{[]string{"--out", "-", "--config", rules("apart: [[\"1\"]]"), a}, exitFailed, "two records"},
		{[]string{"--out", filepath.Join(t.TempDir(), "no", "x.csv"), a}, exitFailed, "cannot be written"},
	} {
		_, stderr, code := matchRun(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: %d %s", c.args, code, stderr)
		}
	}
	stdout, _, code := matchRun(t, "--truth", "truth", "--config", rules("columns: {last_name: ignore}\nthreshold: 0.9\none_to_one: true\nconflict: [birth_date]\napart: [[\"1\", \"2\"]]\nregion: US\n"), a, peopleFile(t, 50, 2))
	if code != exitDone || !strings.Contains(stdout, "last_name   ignore") {
		t.Errorf("%d %s", code, stdout)
	}
}

// TestMatchGarbage: files that nobody meant to write so. Each gives what can be said of it, or says what is wrong.
func TestMatchGarbage(t *testing.T) {
	lines := func(n int, line string) string { return "first_name,last_name,email\n" + strings.Repeat(line+"\n", n) }
	utf16 := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			b.Write([]byte{byte(r), byte(r >> 8)})
		}
		return b.String()
	}
	random := make([]byte, 100_000)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
	two := "first_name,last_name,email\nAnn,Müller,ann@example.com\nAnn,Müller,ann@example.com\n"
	for _, c := range []struct {
		name, text string
		code       int
		want       []string // of what is printed
	}{
		{"identical", lines(100_000, "ann,smith,ann.smith@example.com"), exitDone, []string{"100,000 records, 1 people", "0 pairs compared"}},
		{"empty columns", "first_name,last_name,email,,\nann,smith,,,\nann,smyth,,,\n", exitDone, []string{"it is empty", "2 records"}},
		{"nothing but empty columns", "first_name,last_name\n,\n,\n", exitFailed, []string{"no column says who a record is of"}},
		{"a cell of 10 MB", lines(2, "ann,smith,"+strings.Repeat("x", 10<<20)) + "ann,smith,ann.smith@example.com\n", exitDone, []string{"the row at line 2 is left out: the row is over 1 MB", "1 records, 1 people"}},
		{"a header twice", "name,email,email\nann smith,a@example.com,b@example.com\nann smith,b@example.com,\n", exitDone, []string{"email_2", "2 records"}},
		{"Windows-1252", strings.ReplaceAll(two, "ü", "\xfc"), exitDone, []string{"2 rows are not UTF-8 and were read as Windows-1252", "2 records, 1 people"}},
		{"UTF-16", utf16("\ufeff" + two), exitDone, []string{"2 records, 1 people"}},
		{"UTF-16 without a mark", utf16(two), exitFailed, []string{"save it as UTF-8"}},
		{"mixed scripts", "Имя,Фамилия,почта\nОльга,Иванова,olga@example.com\nOlga,Ivanova,olga@example.com\n李,小龍,\n", exitDone, []string{"3 records, 2 people"}},
		{"no rows", "first_name,last_name\n", exitFailed, []string{"there are no records"}},
		{"nothing", "", exitFailed, []string{"there are no records"}},
		{"random bytes", string(random), exitFailed, []string{"NUL"}},
		{"ragged", "first_name,last_name,email\nann\nann,smith,a@example.com,1,2,3\n", exitDone, []string{"2 records"}},
	} {
		path := filepath.Join(t.TempDir(), "a.csv")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := matchRun(t, "--out", filepath.Join(t.TempDir(), "out.csv"), path)
		for _, want := range c.want {
			if code != c.code || !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s: %d, %q is not in\n%s%s", c.name, code, want, stdout, stderr)
			}
		}
	}
}

var matchRecords = flag.Int("records", 1_000_000, "records that BenchmarkMatch links")

// BenchmarkMatch is the command from file to file, once, with what it printed and the memory that the process has taken:
//
//	go test -run '^$' -bench Match -benchtime 1x ./cmd/clientele -args -records 1000000
func BenchmarkMatch(b *testing.B) {
	path := peopleFile(b, *matchRecords, 1)
	out := filepath.Join(b.TempDir(), "clusters.csv")
	for b.Loop() {
		stdout, stderr, code := matchRun(b, "--truth", "truth", "--out", out, path)
		if code != exitDone {
			b.Fatal(stderr)
		}
		_, result, _ := strings.Cut(stdout, "\n\n")
		b.Logf("%s\n%s", result, peakMemory())
	}
	b.ReportMetric(float64(*matchRecords)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// peakMemory is the most memory that the process has had, where the system tells.
func peakMemory() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "VmHWM") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
