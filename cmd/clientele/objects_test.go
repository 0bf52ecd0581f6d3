package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// TestObjects: what was exported to an object store comes back from there, and Parquet comes in by
// standard input too.
func TestObjects(t *testing.T) {
	t.Chdir(t.TempDir())
	backend := s3mem.New()
	if err := backend.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	env := map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hush-hush", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": srv.URL, "CLIENTELE_S3_PATH_STYLE": "true"}
	ok := func(stdin string, args ...string) string {
		t.Helper()
		code, out, errs := call(t, stdin, env, args...)
		if code != 0 || strings.Contains(out+errs, "hush") {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	mapping := write(t, "m.yaml", "identifiers: {email: email}\nrecords:\n  - table: profiles\n    traits: {city: city}\n")
	back := write(t, "back.yaml", "identifiers: {email: value}\nrecords:\n  - table: profiles\n    traits: {seen_in: source}\n")
	ok("", "import", "--source", "crm", "--map", mapping, write(t, "c.csv", customers))
	ok("", "export", "--what", "identifiers", "--format", "csv", "--out", "s3://lake/parts", "--part-rows", "1")
	ok("", "export", "--what", "identifiers", "--out", "s3://lake/one.parquet")
	ok("", "export", "--what", "identifiers", "--out", "one.parquet")
	if out := ok("", "import", "--source", "a", "--map", back, "s3://lake/parts/*.csv"); !strings.HasPrefix(out, "3 rows in ") {
		t.Errorf("CSV: %s", out)
	}
	if out := ok("", "import", "--source", "b", "--map", back, "s3://lake/one.parquet", "s3://lake/*.parquet"); !strings.HasPrefix(out, "3 rows in ") {
		t.Errorf("Parquet: %s", out)
	}
	b, err := os.ReadFile("one.parquet")
	if err != nil {
		t.Fatal(err)
	}
	typed := write(t, "typed.yaml", "format: parquet\nidentifiers: {email: value}\nrecords:\n  - table: profiles\n    traits: {seen_in: source}\n")
	if out := ok(string(b), "import", "--source", "c", "--map", typed, "-"); !strings.HasPrefix(out, "3 rows in ") {
		t.Errorf("Parquet from standard input: %s", out)
	}
	if out := ok("", "import", "--check", "--source", "d", "--map", back, "s3://lake/one.parquet"); !strings.Contains(out, "3 rows read") {
		t.Errorf("check: %s", out)
	}
	for path, want := range map[string]string{"s3://lake/none/*": "no object matches", "s3://nowhere/x": "no such bucket", "s3://lake/../x": "as a part"} {
		if code, _, errs := call(t, "", env, "import", "--source", "a", "--map", back, path); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d %s", path, code, errs)
		}
	}
}
