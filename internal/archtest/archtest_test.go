package archtest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/archtest"
)

// TestRepository applies every rule to every file.
func TestRepository(t *testing.T) {
	root := moduleRoot(t)
	documented := map[string]bool{} // package directory -> has a comment
	sources := 0
	for _, file := range files(t, root) {
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and git has not been told
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(content[:min(len(content), 8000)], 0) < 0 && path.Base(file) != "package-lock.json" { // lock files name their registry by design
			report(t, archtest.CheckText(file, content)...)
		}
		if !strings.HasSuffix(file, ".go") || strings.Contains("/"+file, "/testdata/") {
			continue
		}
		sources++
		s, err := archtest.ReadSource(file, content)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		report(t, s.Breaches...)
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		pkg := path.Join(archtest.Module, path.Dir(file))
		documented[pkg] = documented[pkg] || s.Doc
		if b, bad := archtest.CheckName(pkg, s.Package); bad {
			report(t, b)
		}
		for _, imported := range s.Imports {
			if b, bad := archtest.CheckImport(pkg, imported); bad {
				report(t, b)
			}
		}
	}
	for pkg, ok := range documented {
		if !ok {
			report(t, archtest.Breach{Where: "package " + pkg, Rule: "every package has a comment", Fix: "say above its package clause what it is for and what it is not"})
		}
	}
	if sources < 20 {
		t.Errorf("only %d Go files were found under %s", sources, root)
	}
}

func report(t *testing.T, breaches ...archtest.Breach) {
	t.Helper()
	for _, b := range breaches {
		t.Error(b)
	}
}

func moduleRoot(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// files are those that git holds or would take, or, outside a repository, all there are.
func files(t *testing.T, root string) []string {
	git := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	git.Dir = root
	if out, err := git.Output(); err == nil && len(out) > 0 {
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	var found []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && (name == ".git" || name == "bin" || name == "node_modules" || name == "dist" || name == "clientele-data" || name == "generated"):
			return filepath.SkipDir
		case d.Type().IsRegular():
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			found = append(found, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImportRules(t *testing.T) {
	for _, c := range []struct{ from, to, rule string }{
		{"clientele", "strings", ""},
		{"clientele", "github.com/zeebo/xxh3", "1"},
		{"clientele", "clientele/internal/sqlq", "1"},
		{"clientele/connector", "clientele", ""},
		{"clientele/connector", "clientele/internal/sqlq", "1"},
		{"clientele/connector/connectortest", "clientele/connector", ""},
		{"clientele/internal/app", "clientele/cmd/clientele", "1"},
		{"clientele/internal/collect", "clientele", ""},
		{"clientele/internal/collect", "net/http", ""},
		{"clientele/internal/collect", "clientele/internal/identity", "2"},
		{"clientele/internal/identity", "clientele/internal/rowcache", ""},
		{"clientele/internal/identity", "clientele/internal/identity/rules", ""},
		{"clientele/internal/sources/shopify", "clientele/internal/sources/stripe", "2"},
		{"clientele/internal/resolve", "clientele/internal/identity", ""},
		{"clientele/internal/resolve", "clientele/internal/profile", ""},
		{"clientele/internal/resolve", "clientele/internal/collect", "2"},
		{"clientele/internal/identity", "clientele/internal/resolve", "2"},
		{"clientele/internal/store/pebblestore", "clientele", ""},
		{"clientele/internal/store/pebblestore", "clientele/internal/identity", "3"},
		{"clientele/internal/store/duckstore", "clientele/internal/store/pebblestore", "3"},
		{"clientele/internal/eventlog", "clientele/internal/sqlq", "3"},
		{"clientele/internal/collect", "clientele/internal/eventlog", "3"},
		{"clientele/cmd/clientele", "clientele/internal/store/duckstore", "3"},
		{"clientele/internal/app", "clientele/internal/store/duckstore", ""},
		{"clientele/internal/app", "clientele/internal/collect", ""},
		{"clientele/internal/collect", "github.com/nats-io/nats.go", "4"},
		{"clientele/internal/eventlog", "github.com/nats-io/nats.go/jetstream", ""},
		{"clientele/internal/app", "github.com/cockroachdb/pebble/v2", "4"},
		{"clientele/internal/store/pebblestore", "github.com/cockroachdb/pebble/v2/vfs", ""},
		{"clientele/internal/importer", "github.com/duckdb/duckdb-go/v2", "4"},
		{"clientele/internal/resolve", "github.com/prometheus/client_golang/prometheus", "4"},
		{"clientele/internal/app", "go.opentelemetry.io/otel/sdk/trace", "4"},
		{"clientele/internal/observe", "go.opentelemetry.io/otel/trace", ""},
		{"clientele/internal/collect", "clientele/internal/observe", "4"},
		{"clientele/internal/app", "clientele/internal/observe", ""},
		{"clientele/internal/api", "clientele/internal/identity", "5"},
		{"clientele/internal/api", "clientele/internal/app", "5"},
		{"clientele/internal/console", "clientele/internal/collect", "5"},
		{"clientele/internal/api", "clientele/internal/token", ""},
		{"clientele/internal/config", "clientele/internal/app", "5"},
		{"clientele/cmd/clientele", "clientele/internal/app", ""},
	} {
		b, bad := archtest.CheckImport(c.from, c.to)
		got, _, _ := strings.Cut(b.Rule, ":")
		if got != c.rule || bad != (c.rule != "") {
			t.Errorf("%s -> %s breaks rule %q, want %q", c.from, c.to, got, c.rule)
		}
		if bad && (b.Fix == "" || !strings.Contains(b.Where, c.to)) {
			t.Errorf("%s does not say what to do about what", b)
		}
	}
	for name, want := range map[string]bool{"util": true, "shared": true, "identity": false} {
		if _, bad := archtest.CheckName("clientele/internal/"+name, name); bad != want {
			t.Errorf("package name %s: %v", name, bad)
		}
	}
}

func TestSourceRules(t *testing.T) {
	long := "package x\n\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", archtest.MaxFunctionLines-1) + "}\n"
	for _, c := range []struct{ name, file, text, rule string }{
		{"fine", "internal/x/x.go", "package x\n\nfunc f() {}\n", ""},
		{"long function", "internal/x/x.go", long, "a function has at most"},
		{"long test", "internal/x/x_test.go", long, ""},
		{"long file", "internal/x/x_test.go", "package x\n" + strings.Repeat("\n", archtest.MaxFileLines), "a file has at most"},
		{"init", "internal/x/x.go", "package x\n\nfunc init() {}\n", "no init"},
		{"method of that name", "internal/x/x.go", "package x\n\ntype t int\n\nfunc (t) init() {}\n", ""},
		{"environment", "internal/x/x.go", "package x\n\nimport \"os\"\n\nvar a = os.Getenv(\"A\")\n", "configuration is a value"},
		{"environment in config", "internal/config/x.go", "package config\n\nimport \"os\"\n\nvar a = os.Getenv(\"A\")\n", ""},
	} {
		s, err := archtest.ReadSource(c.file, []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(s.Breaches)
		if c.rule == "" && len(s.Breaches) > 0 || c.rule != "" && (len(s.Breaches) != 1 || !strings.Contains(got, c.rule)) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	s, err := archtest.ReadSource("a.go", []byte("// Package a is.\npackage a\n\nimport \"fmt\"\n\nvar _ = fmt.Sprint\n"))
	if err != nil || !s.Doc || len(s.Imports) != 1 || s.Imports[0] != "fmt" || s.Package != "a" {
		t.Errorf("%+v, %v", s, err)
	}
	bad := "fine\nsee /wo" + "rk/main and registry." + "npmjs.org\n"
	if b := archtest.CheckText("README.md", []byte(bad)); len(b) != 2 || b[0].Where != "README.md:2" {
		t.Errorf("%v", b)
	}
}
