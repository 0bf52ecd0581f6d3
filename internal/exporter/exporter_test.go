package exporter_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/exporter"
)

var now = func() time.Time { return time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC) }

func request(format, compression string) clientele.ExportRequest {
	return clientele.ExportRequest{Selection: clientele.Selection{Table: "profiles"}, Format: format, Compression: compression}
}

// folder is what lies in the folder, name by name.
func folder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = b
	}
	return out
}

type manifest struct {
	State string
	Rows  int64
	Parts []struct {
		Name        string
		Rows, Bytes int64
		SHA256      string `json:"sha256"`
		First, Last []string
	}
	Snapshots []struct {
		FromPart int `json:"from_part"`
		Position int
	}
}

// whole checks the folder against its manifest and answers both with the rows of all parts, CSV
// without header lines.
func whole(t *testing.T, dir string) (manifest, string) {
	t.Helper()
	files := folder(t, dir)
	var m manifest
	if err := json.Unmarshal(files[exporter.ManifestName], &m); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, p := range m.Parts {
		b := files[p.Name]
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != p.SHA256 || int64(len(b)) != p.Bytes {
			t.Errorf("%s is not what the manifest says", p.Name)
		}
		_, rows, _ := strings.Cut(string(b), "\n")
		if int64(strings.Count(rows, "\n")) != p.Rows {
			t.Errorf("%s has other than %d rows", p.Name, p.Rows)
		}
		all.WriteString(rows)
		delete(files, p.Name)
	}
	delete(files, exporter.ManifestName)
	if len(files) > 0 && m.State == "done" {
		t.Errorf("there are %d more files", len(files))
	}
	return m, all.String()
}

func wanted(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,row %d\n", i, i)
	}
	return b.String()
}

// TestParts: an export is cut into parts of bounded size, and the manifest tells of each.
func TestParts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	var last exporter.Progress
	p, err := exporter.Run(context.Background(), exporter.Options{Request: request("csv", ""), Source: plain(95), Place: exporter.NewFolder(dir), PartRows: 30, Now: now,
		Progress: func(p exporter.Progress) { last = p }})
	if err != nil || p.Rows != 95 || p.Parts != 4 || p.Position != 7 || last.Rows != 95 || last.Total != 95 {
		t.Fatalf("%+v, last %+v: %v", p, last, err)
	}
	m, rows := whole(t, dir)
	if m.State != "done" || rows != wanted(95) || m.Parts[1].First[0] != "30" || m.Parts[3].Last[0] != "94" {
		t.Errorf("%+v\n%s", m, rows)
	}
	if st, _ := os.Stat(filepath.Join(dir, m.Parts[0].Name)); st.Mode().Perm() != 0o600 {
		t.Errorf("everybody can read an export: %s", st.Mode())
	}
	for _, again := range []clientele.ExportRequest{request("csv", ""), request("jsonl", "")} {
		if _, err := exporter.Run(context.Background(), exporter.Options{Request: again, Source: plain(5), Place: exporter.NewFolder(dir), Now: now}); clientele.ErrorCode(err) != clientele.Conflict {
			t.Errorf("a second export into it: %v", err)
		}
	}
	strange := t.TempDir()
	if err := os.WriteFile(filepath.Join(strange, "part-000001.csv"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exporter.Run(context.Background(), exporter.Options{Request: request("csv", ""), Source: plain(5), Place: exporter.NewFolder(strange), Now: now}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("into a folder with somebody's files: %v", err)
	}
	if string(folder(t, strange)["part-000001.csv"]) != "mine" {
		t.Error("somebody's file was written over")
	}
	wide := plain(95)
	wide.value = func(int) []any { return []any{nil, strings.Repeat("x", 20_000)} }
	small := exporter.Options{Request: request("csv", ""), Source: wide, Place: exporter.NewFolder(filepath.Join(t.TempDir(), "small")), PartBytes: 1, Now: now}
	if p, err := exporter.Run(context.Background(), small); err != nil || p.Parts != 10 {
		t.Errorf("parts of a byte: %+v, %v", p, err)
	}
	empty := exporter.Options{Request: request("csv", ""), Source: plain(0), Place: exporter.NewFolder(filepath.Join(t.TempDir(), "none")), Now: now}
	if p, err := exporter.Run(context.Background(), empty); err != nil || p.Parts != 0 || p.Position != 7 {
		t.Errorf("no rows: %+v, %v", p, err)
	}
}

// shaky is a place that fails at the n-th call, as a disk or a network does, or a kill: then
// nothing is cleaned up.
type shaky struct {
	exporter.Place
	calls, at int
	kill      bool
}

var errShaky = clientele.Errorf(clientele.Unavailable, "the place fails")

func (s *shaky) fails() bool { s.calls++; return s.calls >= s.at }

func (s *shaky) Create(ctx context.Context, name string) (exporter.File, error) {
	if s.fails() {
		return nil, errShaky
	}
	f, err := s.Place.Create(ctx, name)
	return &shakyFile{f, s}, err
}

type shakyFile struct {
	exporter.File
	s *shaky
}

func (f *shakyFile) Write(b []byte) (int, error) {
	if f.s.fails() {
		return 0, errors.New("the disk fails")
	}
	return f.File.Write(b)
}

func (f *shakyFile) Commit() error {
	if f.s.fails() {
		if !f.s.kill {
			return errors.Join(errShaky, f.File.Abort())
		}
		return errShaky
	}
	return f.File.Commit()
}

func (f *shakyFile) Abort() error {
	if f.s.kill {
		return nil
	}
	return f.File.Abort()
}

// TestInterrupted: wherever an export is interrupted, no half file has its final name, and going on
// until it is done gives every row once.
func TestInterrupted(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for at := 1; at < 40; at++ {
		for _, kill := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "out")
			tries := 0
			for fail := at; ; fail = rnd.IntN(40) + 1 {
				tries++
				source := plain(95)
				source.position = clientele.Position(tries)
				place := &shaky{Place: exporter.NewFolder(dir), at: fail, kill: kill}
				if tries > 50 {
					place.at = math.MaxInt
				}
				_, err := exporter.Run(context.Background(), exporter.Options{ID: "x", Request: request("csv", ""), Source: source, Place: place, PartRows: 20, Now: now})
				if _, is := os.Stat(dir); is == nil {
					for name := range folder(t, dir) {
						if strings.HasPrefix(name, ".") && !kill && err != nil {
							t.Fatalf("at %d: %s was left", at, name)
						}
					}
					if _, is := os.Stat(filepath.Join(dir, exporter.ManifestName)); is == nil {
						whole(t, dir)
					}
				}
				if err == nil {
					break
				}
			}
			m, rows := whole(t, dir)
			if m.State != "done" || rows != wanted(95) || m.Rows != 95 {
				t.Fatalf("at %d, kill %v: after %d tries %d rows\n%s", at, kill, tries, m.Rows, rows)
			}
			if m.Snapshots[0].Position < 1 {
				t.Errorf("snapshots %+v", m.Snapshots)
			}
		}
	}
}

// TestDamaged: parts that are missing or cut are not gone on with.
func TestDamaged(t *testing.T) {
	for what, do := range map[string]func(dir string) error{
		"a part is gone": func(dir string) error { return os.Remove(filepath.Join(dir, "part-000001.csv")) },
		"a part is cut":  func(dir string) error { return os.Truncate(filepath.Join(dir, "part-000002.csv"), 5) },
		"no manifest": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, exporter.ManifestName), []byte("{"), 0o600)
		},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		source := plain(95)
		source.before = func(i int) error {
			if i == 50 {
				return errShaky
			}
			return nil
		}
		o := exporter.Options{Request: request("csv", ""), Source: source, Place: exporter.NewFolder(dir), PartRows: 20, Now: now}
		if _, err := exporter.Run(context.Background(), o); !errors.Is(err, errShaky) {
			t.Fatal(err)
		}
		if err := do(dir); err != nil {
			t.Fatal(err)
		}
		o.Source = plain(95)
		if _, err := exporter.Run(context.Background(), o); clientele.ErrorCode(err) != clientele.Corrupt {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestOutside: a name or a link leads nowhere outside the folder.
func TestOutside(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	f := exporter.NewFolder(dir)
	if _, err := f.Create(context.Background(), "../x"); err == nil {
		t.Error("a file above the folder was made")
	}
	if err := os.Symlink(filepath.Join(other, "victim"), filepath.Join(dir, ".part-of-export-a.tmp")); err != nil {
		t.Fatal(err)
	}
	if file, err := f.Create(context.Background(), "a"); err == nil {
		file.Abort()
		t.Error("a link was followed out of the folder")
	}
	if len(folder(t, other)) > 0 {
		t.Error("something was written outside")
	}
	for _, path := range []string{"..", "a/../../b", "/etc", "", "a/../.."} {
		if _, err := exporter.NewFolderBelow(dir, path); clientele.ErrorCode(err) != clientele.Denied {
			t.Errorf("%q: %v", path, err)
		}
	}
	if err := os.Symlink(other, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"link", "link/deeper"} {
		below, err := exporter.NewFolderBelow(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := below.Create(context.Background(), "a"); err == nil {
			t.Errorf("%s was followed out of the folder", path)
		}
	}
	if len(folder(t, other)) > 0 {
		t.Error("something was written outside")
	}
	below, err := exporter.NewFolderBelow(dir, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	file, err := below.Create(context.Background(), "c")
	if err == nil {
		err = file.Commit()
	}
	if _, is := os.Stat(filepath.Join(dir, "a", "b", "c")); err != nil || is != nil {
		t.Errorf("below: %v, %v", err, is)
	}
}

// kinds has a column of every type.
func kinds() *numbered {
	var cs []clientele.ExportColumn
	for typ := clientele.TypeText; typ <= clientele.TypeJSON; typ++ {
		cs = append(cs, clientele.ExportColumn{Name: typ.String(), Type: typ})
	}
	rows := [][]any{
		{"a", int64(1), 1.5, true, int64(1_700_000_000_123_456), int64(20_000), int64(125_000), `{"a":[1,"x"]}`},
		{nil, nil, nil, nil, nil, nil, nil, nil},
		{"", int64(math.MaxInt64), 1e300, false, int64(-1), int64(-1), int64(-1), `null`},
		{"a \"quoted\", text\nof two lines\r", int64(-1 << 53), -0.1, true, int64(0), int64(0), int64(clientele.MaxDecimal), "{\n \"a\": \"b\\nc\"}"},
		{" ünï ", int64(1<<53 + 1), math.Inf(1), false, int64(clientele.MaxTime), int64(80_000), int64(-10_000), `"x"`},
	}
	return &numbered{n: len(rows), page: 2, columns: cs, value: func(i int) []any { return rows[i] }}
}

func stream(t *testing.T, s *numbered, format, compression string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := exporter.Stream(context.Background(), s, request(format, compression), &b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden fixes the bytes that other programs read.
func TestGolden(t *testing.T) {
	const csv = "text,bigint,double,boolean,timestamp,date,decimal,json\n" +
		"a,1,1.5,true,2023-11-14T22:13:20.123456Z,2024-10-04,12.5,\"{\"\"a\"\":[1,\"\"x\"\"]}\"\n" +
		",,,,,,,\n" +
		"\"\",9223372036854775807,1e+300,false,1969-12-31T23:59:59.999999Z,1969-12-31,-0.0001,null\n" +
		"\"a \"\"quoted\"\", text\nof two lines\r\",-9007199254740992,-0.1,true,1970-01-01T00:00:00.000000Z,1970-01-01,99999999999999.9999,\"{\n \"\"a\"\": \"\"b\\nc\"\"}\"\n" +
		"\" ünï \",9007199254740993,Infinity,false,2200-01-01T00:00:00.000000Z,2189-01-12,-1,\"\"\"x\"\"\"\n"
	if got := string(stream(t, kinds(), "csv", "")); got != csv {
		t.Errorf("CSV:\n%s\nwant:\n%s", got, csv)
	}
	const jsonl = `{"text":"a","bigint":1,"double":1.5,"boolean":true,"timestamp":"2023-11-14T22:13:20.123456Z","date":"2024-10-04","decimal":"12.5","json":{"a":[1,"x"]}}
{}
{"text":"","bigint":"9223372036854775807","double":1e+300,"boolean":false,"timestamp":"1969-12-31T23:59:59.999999Z","date":"1969-12-31","decimal":"-0.0001","json":null}
{"text":"a \"quoted\", text\nof two lines\r","bigint":-9007199254740992,"double":-0.1,"boolean":true,"timestamp":"1970-01-01T00:00:00.000000Z","date":"1970-01-01","decimal":"99999999999999.9999","json":{"a":"b\nc"}}
{"text":" ünï ","bigint":"9007199254740993","double":"Infinity","boolean":false,"timestamp":"2200-01-01T00:00:00.000000Z","date":"2189-01-12","decimal":"-1","json":"x"}
`
	if got := string(stream(t, kinds(), "jsonl", "")); got != jsonl {
		t.Errorf("JSON Lines:\n%s\nwant:\n%s", got, jsonl)
	}
	one := &numbered{n: 2, page: 2, columns: []clientele.ExportColumn{{Name: "x", Type: clientele.TypeText}}, value: func(i int) []any { return []any{[]any{nil, "y"}[i]} }}
	if got := string(stream(t, one, "csv", "")); got != "x\n\"\"\ny\n" {
		t.Errorf("one column: %q", got)
	}
}

func TestFormats(t *testing.T) {
	for name, want := range map[string][2]string{"a.csv": {"csv", ""}, "b/a.jsonl.gz": {"jsonl", "gzip"}, "a.csv.zst": {"csv", "zstd"}, "a.parquet": {"parquet", ""}, "a": {}, "a.gz": {"", "gzip"}} {
		if f, c := exporter.FormatOf(name); f != want[0] || f != "" && c != want[1] {
			t.Errorf("%s is %s %s", name, f, c)
		}
	}
	for _, bad := range [][2]string{{"xml", ""}, {"", ""}, {"csv", "brotli"}, {"parquet", "gzip"}} {
		if err := exporter.CheckFormat(bad[0], bad[1]); clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
