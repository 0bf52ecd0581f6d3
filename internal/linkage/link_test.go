package linkage_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/linkage"
	"clientele/internal/linkage/people"
	"clientele/internal/linkage/truth"
	"clientele/internal/race"
)

const shared = "../../../shared/data/identity/"

// rowsOf reads a file of the shared truth sets.
func rowsOf(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(shared + path)
	if err != nil {
		t.Skip("the shared truth sets are not there")
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	r := csv.NewReader(in)
	r.TrimLeadingSpace, r.FieldsPerRecord = true, -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// table makes a table of files, each with its header row.
func table(t testing.TB, files ...[][]string) *linkage.Table {
	return tableIn(t, 0, files...)
}

// tableIn is a table of so much memory.
func tableIn(t testing.TB, memory int64, files ...[][]string) *linkage.Table {
	tab, w := linkage.NewTable(2, memory)
	t.Cleanup(tab.Close)
	for i, rows := range files {
		w.Source(fmt.Sprintf("%c.csv", 'a'+i))
		w.Columns(rows[0])
		for _, r := range rows[1:] {
			if err := w.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Close()
	return tab
}

func link(t testing.TB, tab *linkage.Table, opt linkage.Options) *linkage.Result {
	t.Helper()
	res, err := linkage.Link(context.Background(), tab, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Close() })
	return res
}

// entity adds a column made of a row.
func entity(rows [][]string, of func(row []string) string) [][]string {
	for i := range rows {
		if i == 0 {
			rows[i] = append(rows[i], "truth")
		} else {
			rows[i] = append(rows[i], of(rows[i]))
		}
	}
	return rows
}

// TestTruthSets: nothing is configured, and the column of the truth is left out. The floors are the promise of docs/match.md.
func TestTruthSets(t *testing.T) {
	febrl := func(row []string) string { return strings.Split(row[0], "-")[1] }
	for _, c := range []struct {
		name        string
		f1, b3      float64
		truth       string
		files       []string
		entity      func(row []string) string
		slow        bool
		withKeyFile bool
	}{
		{name: "febrl1", f1: 0.998, truth: "truth", files: []string{"febrl/dataset1.csv"}, entity: febrl},
		{name: "febrl2", f1: 0.998, truth: "truth", files: []string{"febrl/dataset2.csv"}, entity: febrl, slow: true},
		{name: "febrl3", f1: 0.998, truth: "truth", files: []string{"febrl/dataset3.csv"}, entity: febrl, slow: true},
		{name: "RLdata500", f1: 0.97, truth: "ent_id", files: []string{"rldata/RLdata500.csv"}},
		{name: "fake_1000", f1: 0.90, truth: "cluster", files: []string{"splink/fake_1000.csv"}},
		{name: "Senzing", f1: 0.95, truth: "truth", files: []string{"senzing/customers.csv", "senzing/reference.csv"}, withKeyFile: true},
		{name: "synthetic", f1: 0.98, truth: "truth", files: []string{"synthetic/customers.csv.gz"}, slow: true},
		{name: "historical_50k", f1: 0.91, b3: 0.92, truth: "cluster", files: []string{"splink/historical_figures_with_errors_50k.csv.gz"}, slow: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.slow {
				race.Skip(t)
			}
			if c.withKeyFile {
				keys := map[string]string{}
				for _, r := range rowsOf(t, "senzing/actual_truthset_key.csv") {
					keys[r[2]+r[3]] = r[1]
				}
				c.entity = func(row []string) string { return keys[row[0]+row[1]] }
			}
			var files [][][]string
			for _, path := range c.files {
				rows := rowsOf(t, path)
				if c.entity != nil {
					rows = entity(rows, c.entity)
				}
				files = append(files, rows)
			}
			tab := table(t, files...)
			res := link(t, tab, linkage.Options{Ignore: map[string]bool{c.truth: true}})
			ids, _ := tab.Ids(c.truth)
			score, err := truth.Compare(res, ids)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("precision %.4f recall %.4f F1 %.4f B-cubed %.4f blocking %.4f", score.Precision, score.Recall, score.F1, score.BCubed.F1, score.Blocking)
			if score.F1 < c.f1 || score.BCubed.F1 < c.b3 {
				t.Errorf("F1 %.4f, want %.3f; B-cubed %.4f, want %.3f", score.F1, c.f1, score.BCubed.F1, c.b3)
			}
		})
	}
}

func madeUp(n int, seed uint64) [][]string {
	rows := [][]string{people.Header}
	people.Each(n, seed, func(r people.Row) bool {
		rows = append(rows, r[:])
		return true
	})
	return rows
}

// TestMadeUp: records of a seed that nothing was tuned by.
func TestMadeUp(t *testing.T) {
	tab := table(t, madeUp(4000, 99))
	res := link(t, tab, linkage.Options{Ignore: map[string]bool{"truth": true}})
	ids, _ := tab.Ids("truth")
	score, err := truth.Compare(res, ids)
	if err != nil {
		t.Fatal(err)
	}
	if score.F1 < 0.97 || score.Blocking < 0.95 || score.BCubed.F1 < 0.97 {
		t.Errorf("%+v", score)
	}
	last := score.Curve[0]
	for _, p := range score.Curve {
		if sum := p.TruePositive + p.FalsePositive + p.FalseNegative + p.TrueNegative; sum != 4000*3999/2 || p.TruePositive > last.TruePositive || p.FalsePositive > last.FalsePositive {
			t.Errorf("%+v does not follow %+v", p, last)
		}
		last = p
	}
}

// TestNamelessColumns: where columns have no names that say anything, their values do.
func TestNamelessColumns(t *testing.T) {
	rows := madeUp(3000, 21)
	copy(rows[0], []string{"a", "truth", "c1", "c2", "c3", "c4", "c5", "c6"})
	tab := table(t, rows)
	res := link(t, tab, linkage.Options{Ignore: map[string]bool{"truth": true}})
	var got []string
	for _, c := range res.Choices {
		got = append(got, string(c.Role))
	}
	if want := "ignore ignore given_name surname birth_date postcode email phone"; strings.Join(got, " ") != want {
		t.Errorf("columns are taken for %s, not %s", got, want)
	}
	ids, _ := tab.Ids("truth")
	if score, err := truth.Compare(res, ids); err != nil || score.F1 < 0.97 {
		t.Errorf("%+v, %v", score, err)
	}
}

// TestNamesInOneColumn: whole names are known by their words, and what has several words is no number of a row.
func TestNamesInOneColumn(t *testing.T) {
	rows := madeUp(3000, 21)
	one := [][]string{{"who is it", "when", "truth"}}
	for _, r := range rows[1:] {
		one = append(one, []string{r[2] + " " + r[3], r[4], r[1]})
	}
	res := link(t, table(t, one), linkage.Options{Ignore: map[string]bool{"truth": true}})
	if res.Choices[0].Role != linkage.FullName || res.Choices[1].Role != linkage.BirthDate {
		t.Errorf("%+v", res.Choices)
	}
}

// TestSameBits: neither the number of workers nor whether pairs or records went to files changes a bit.
func TestSameBits(t *testing.T) {
	rows := madeUp(3000, 5)
	var first *linkage.Result
	for i, opt := range []linkage.Options{{Workers: 1}, {Workers: 3}, {Workers: 2, Memory: 1}, {Workers: 3, Memory: 1}} {
		opt.Ignore = map[string]bool{"truth": true}
		memory := int64(i / 3) // the last has none for its records
		tab := tableIn(t, memory, rows)
		res := link(t, tab, opt)
		if files := tab.Files(); runtime.GOOS == "linux" && (files > 500<<10) != (memory > 0) {
			t.Errorf("%d bytes are in files, of memory %d", files, memory)
		}
		if first == nil {
			first = res
			continue
		}
		if !reflect.DeepEqual(first.Clusters, res.Clusters) || !reflect.DeepEqual(first.Model, res.Model) || first.Pairs != res.Pairs || first.Edges != res.Edges {
			t.Errorf("%+v gives another result", opt)
		}
		var a, b []float64
		for to, r := range map[*[]float64]*linkage.Result{&a: first, &b: res} {
			if err := r.EachEdge(func(x, y int, w float64) bool {
				*to = append(*to, float64(x), float64(y), w)
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%+v gives other pairs", opt)
		}
	}
}

// TestNoRoomForFiles: what cannot be had is told, and nothing breaks.
func TestNoRoomForFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("records go to files on Linux alone")
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	_, err := linkage.Link(context.Background(), tableIn(t, 1, madeUp(3000, 5)), linkage.Options{})
	if clientele.ErrorCode(err) != clientele.Unavailable || !strings.Contains(clientele.ErrorHint(err), "TMPDIR") {
		t.Errorf("%v", err)
	}
}

// TestConflicts: whatever the records weigh, what is told is kept.
func TestConflicts(t *testing.T) {
	rows := madeUp(800, 11)
	var shop, crm [][]string
	for i, r := range rows {
		r = append(r[:len(r):len(r)], []string{"red", "green", ""}[i%3])
		if i == 0 {
			r[len(r)-1] = "colour"
		}
		if i == 0 || i%2 == 0 {
			shop = append(shop, r)
		}
		if i == 0 || i%2 == 1 {
			crm = append(crm, r)
		}
	}
	ignore := map[string]bool{"truth": true, "colour": true}
	tab := table(t, shop, crm)
	free := link(t, tab, linkage.Options{Ignore: ignore})
	var apart [][2]int
	if err := free.EachEdge(func(a, b int, w float64) bool {
		if free.Clusters[a] == free.Clusters[b] {
			apart = append(apart, [2]int{b, a})
		}
		return len(apart) < 5
	}); err != nil {
		t.Fatal(err)
	}
	if len(apart) < 5 {
		t.Fatal("there is nothing to keep apart")
	}
	tied := link(t, tab, linkage.Options{Ignore: ignore, OneToOne: true, Conflict: []string{"colour"}, Apart: apart})
	colour, _ := tab.Ids("colour")
	seen := map[string]bool{}
	colours := map[uint32]uint32{}
	for i, c := range tied.Clusters {
		source, _ := tab.Source(i)
		if key := fmt.Sprint(c, source); seen[key] {
			t.Fatalf("a cluster has two records of source %d", source)
		} else {
			seen[key] = true
		}
		if colour[i] != 0 {
			if was := colours[c]; was != 0 && was != colour[i] {
				t.Fatal("a cluster has two colours")
			}
			colours[c] = colour[i]
		}
	}
	for _, p := range apart {
		if tied.Clusters[p[0]] == tied.Clusters[p[1]] {
			t.Errorf("%v are together", p)
		}
	}
	if tied.Count <= free.Count || tied.Refused == 0 {
		t.Errorf("%d people, %d without conflicts, %d refused", tied.Count, free.Count, tied.Refused)
	}
	if _, err := linkage.Link(context.Background(), tab, linkage.Options{Conflict: []string{"size"}}); err == nil {
		t.Error("a conflict of a column that is not there must be refused")
	}
}

// TestGarbage: what files hold that nobody meant. Each is done at once and gives what can be said.
func TestGarbage(t *testing.T) {
	race.Skip(t)
	repeat := func(n int, row func(i int) []string) [][]string {
		out := [][]string{{"first_name", "last_name", "email", "note"}}
		for i := range n {
			out = append(out, row(i))
		}
		return out
	}
	for _, c := range []struct {
		name  string
		rows  [][]string
		least int // people
		most  int
	}{
		{"identical and rich", repeat(100_000, func(int) []string { return []string{"ann", "smith", "ann.smith@example.com", "x"} }), 1, 1},
		{"identical and poor", repeat(50_000, func(i int) []string { return []string{"ann", "", "", fmt.Sprint(i)} }), 50_000, 50_000},
		{"one name everywhere", repeat(20_000, func(i int) []string { return []string{"ann", "smith", fmt.Sprintf("u%d@example.com", i*i), ""} }), 19_000, 20_000},
		{"empty columns", repeat(100, func(i int) []string { return []string{"", fmt.Sprintf("name%c%c", 'a'+i%26, 'a'+i/26), "", ""} }), 90, 100},
		{"mixed scripts", repeat(4, func(i int) []string {
			return [][]string{{"Ольга", "Иванова", "olga@example.com", ""}, {"Olga", "Ivanova", "olga@example.com", ""}, {"李", "小龍", "", ""}, {"محمد", "علي", "", ""}}[i]
		}), 3, 3},
		{"long cells", repeat(300, func(i int) []string { return []string{strings.Repeat("ann ", 10_000), fmt.Sprint("smith", i), "", ""} }), 1, 300},
		{"one record", repeat(1, func(int) []string { return []string{"ann", "smith", "a@b.c", ""} }), 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := link(t, table(t, c.rows), linkage.Options{})
			if n := len(c.rows) - 1; res.Count < c.least || res.Count > c.most || res.Pairs > int64(60*n) {
				t.Errorf("%d people of %d records, %d pairs", res.Count, n, res.Pairs)
			}
		})
	}
	rows := madeUp(120, 8)
	for _, role := range linkage.Roles { // any column alone will do, and any can be wrong about what it holds
		for _, column := range people.Header[2:] {
			roles := map[string]linkage.Role{column: role}
			if role == linkage.Ignored {
				continue
			}
			link(t, table(t, rows), linkage.Options{Roles: roles})
			only := map[string]bool{}
			for _, c := range people.Header {
				only[c] = c != column
			}
			res, err := linkage.Link(context.Background(), table(t, rows), linkage.Options{Roles: roles, Ignore: only})
			if err == nil {
				_ = res.Close()
			} else if clientele.ErrorCode(err) != clientele.Invalid {
				t.Errorf("%s as %s: %v", column, role, err)
			}
		}
	}
	for name, rows := range map[string][][]string{"no rows": {{"first_name"}}, "no columns": {{}, {}}, "nothing to go by": {{"id", "created_at"}, {"1", "2020-01-01"}, {"2", "2020-01-02"}}} {
		if _, err := linkage.Link(context.Background(), table(t, rows), linkage.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestTruthIsNotSeen: what is in the column of the truth changes nothing.
func TestTruthIsNotSeen(t *testing.T) {
	rows := madeUp(1000, 3)
	other := make([][]string, len(rows))
	for i, r := range rows {
		other[i] = append([]string{}, r...)
		if i > 0 {
			other[i][1] = fmt.Sprint(i % 3)
		}
	}
	opt := linkage.Options{Ignore: map[string]bool{"truth": true}}
	if a, b := link(t, table(t, rows), opt), link(t, table(t, other), opt); !reflect.DeepEqual(a.Clusters, b.Clusters) || !reflect.DeepEqual(a.Model, b.Model) {
		t.Error("the result depends on the column of the truth")
	}
}

// TestExplain: the waterfall adds up.
func TestExplain(t *testing.T) {
	tab := table(t, madeUp(1000, 3))
	res := link(t, tab, linkage.Options{Ignore: map[string]bool{"truth": true}})
	n := 0
	if err := res.EachEdge(func(a, b int, w float64) bool {
		e := res.Explain(a, b)
		sum := e.Prior - e.Household
		for _, term := range e.Terms {
			sum += term.Weight
		}
		if diff := sum - e.Weight; diff > 1e-9 || diff < -1e-9 || float32(e.Weight) != float32(w) || !e.Candidate || e.Same != (res.Clusters[a] == res.Clusters[b]) {
			t.Errorf("%+v: the terms make %v, the edge %v", e, sum, w)
		}
		n++
		return n < 500
	}); err != nil {
		t.Fatal(err)
	}
	if n < 500 {
		t.Errorf("%d pairs", n)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := linkage.Link(ctx, table(t, madeUp(100, 1)), linkage.Options{}); err == nil {
		t.Error("no error")
	}
}
