package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// realData is a file of the folder shared beside the project, or the test is skipped.
func realData(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv("CLIENTELE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	file := filepath.Join(dir, path)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is not here: put the real data sets into a folder named shared beside the project, or name it by CLIENTELE_SHARED", path)
	}
	return file
}

// TestRealFiles: the two real sets, imported into one directory with the example mappings, give
// the numbers that are known of them; imported again they change nothing.
func TestRealFiles(t *testing.T) {
	whole(t)
	retail := realData(t, "data/commerce/online_retail/online_retail.csv.gz")
	cdnow := realData(t, "data/commerce/cdnow/CDNOW_master.txt")
	data := filepath.Join(t.TempDir(), "data")
	load := func(source, mapping, file string) {
		t.Helper()
		start := time.Now()
		out := done(t, "import", "--data", data, "--source", source, "--map", filepath.Join("..", "examples", mapping), file)
		rows, _, _ := strings.Cut(out, "\n")
		t.Logf("%s: %s, resolved and queryable after %s", source, rows, time.Since(start).Round(time.Millisecond))
	}
	load("online_retail", "online_retail.yaml", retail)
	load("cdnow", "cdnow.yaml", cdnow)

	for _, tt := range []struct{ sql, want string }{
		{"SELECT count(DISTINCT profile_id) FROM identifiers WHERE source = 'online_retail'", "4372"},
		{"SELECT count(DISTINCT profile_id) FROM orders WHERE source = 'online_retail'", "4372"},
		{"SELECT count(*) FROM orders WHERE source = 'online_retail'", "25900"},
		{"SELECT count(*) FROM order_lines WHERE source = 'online_retail'", "541909"},
		{"SELECT CAST(sum(quantity * price) AS DECIMAL(18,2)) FROM order_lines WHERE source = 'online_retail'", "9747747.93"},
		{"SELECT count(*) FROM order_lines WHERE source = 'online_retail' AND profile_id IS NULL", "135080"},
		{"SELECT count(*) FROM returns WHERE source = 'online_retail'", "9288"},
		{"SELECT count(DISTINCT profile_id) FROM identifiers WHERE source = 'cdnow'", "23570"},
		{"SELECT count(DISTINCT profile_id) FROM orders WHERE source = 'cdnow'", "23570"},
		{"SELECT count(*) FROM orders WHERE source = 'cdnow'", "69659"},
		{"SELECT count(*) FROM (SELECT DISTINCT profile_id, CAST(ts AS DATE) FROM orders WHERE source = 'cdnow') AS days", "67591"},
		{"SELECT CAST(sum(revenue) AS DECIMAL(18,2)) FROM orders WHERE source = 'cdnow'", "2500315.63"},
		{"SELECT count(*) FROM profiles", "27942"},
		{"SELECT count(DISTINCT profile_id) FROM orders", "27942"},
		{"SELECT count(*) FROM events", "0"},
	} {
		out := done(t, "sql", "--data", data, "--format", "csv", tt.sql)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		got := strings.Trim(lines[len(lines)-1], "\r\"")
		t.Logf("%12s  %s", got, tt.sql)
		if got != tt.want {
			t.Errorf("%s: %s, not %s", tt.sql, got, tt.want)
		}
	}

	// Again, as if nothing were known of the first time but what the records themselves say.
	before := digests(t, "--data", data)
	must(t, os.RemoveAll(filepath.Join(data, "imports")))
	load("online_retail", "online_retail.yaml", retail)
	load("cdnow", "cdnow.yaml", cdnow)
	sameDigests(t, "imported again", before, digests(t, "--data", data))
	var list struct{ Items []any }
	must(t, json.Unmarshal([]byte(done(t, "quarantine", "list", "--json", "--data", data)), &list))
	if len(list.Items) != 0 {
		t.Errorf("%d records are in quarantine", len(list.Items))
	}
	status := done(t, "status", "--data", data)
	t.Logf("duplicates: %s", regexp.MustCompile(`duplicates +\d+`).FindString(status))
}
