// Package archtest holds the rules of the house that a program can check: who may import whom,
// how long a file gets, what no file may say. Its tests apply them to the whole repository and
// print for every breach the rule and the way out.
package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Breach is one place where a rule is broken.
type Breach struct {
	Where string // file or package, with the line where there is one
	Rule  string
	Fix   string
}

func (b Breach) String() string {
	return fmt.Sprintf("%s\n\trule: %s\n\tfix:  %s", b.Where, b.Rule, b.Fix)
}

// Module is the module's path, and the root package's.
const Module = "clientele"

// stages are the packages that meet on the log, in internal/resolve or in internal/app, never
// in one another. A name with a slash behind it is a family of packages.
var stages = []string{"collect", "webhook", "resolve", "identity", "profile", "commerce", "audience", "importer", "exporter", "archive", "linkage", "quality", "insight",
	"predict", "journey", "deliver", "measure", "privacy", "pgwire", "shop", "sources/", "destinations/"}

// resolveUses is the one exception: the resolver is made of these.
var resolveUses = []string{"identity", "profile", "commerce", "audience", "quality"}

// technologies are the libraries that one package alone knows, so that they can be replaced.
var technologies = []struct{ library, home string }{
	{"github.com/nats-io/", "internal/eventlog"},
	{"github.com/cockroachdb/pebble", "internal/store/pebblestore"},
	{"github.com/duckdb/", "internal/store/duckstore"},
	{"github.com/jackc/pgx/v5/pgproto3", "internal/pgwire"},
	{"github.com/jackc/pgx/v5/pgtype", "internal/pgwire"},
	{"github.com/jackc/pgx", "internal/store/pgstore"},
	{"github.com/danielgtaylor/huma", "internal/api"},
	{"github.com/spf13/cobra", "cmd/clientele"},
	{"github.com/nyaruka/phonenumbers", "internal/identity"},
	{"github.com/santhosh-tekuri/jsonschema", "internal/quality"},
	{"github.com/expr-lang/expr", "internal/quality"},
	{"github.com/prometheus/", "internal/observe"},
	{"go.opentelemetry.io/", "internal/observe"},
	{"github.com/minio/minio-go", "internal/objectstore"},
	{"github.com/parquet-go/parquet-go", "internal/exporter"},
	{"github.com/RoaringBitmap/roaring", "internal/audience/preview"},
}

var forbiddenNames = []string{"util", "utils", "common", "misc", "helper", "helpers", "types", "models", "base", "core", "shared"}

// CheckImport applies the import rules to one import of one package. Both are given as Go
// writes them; pkg is below Module or Module itself. Tests are not bound by these rules: they
// put real parts together.
func CheckImport(pkg, imported string) (Breach, bool) {
	from := strings.TrimPrefix(strings.TrimPrefix(pkg, Module), "/")
	to, ours := within(imported)
	breach := func(rule, fix string) (Breach, bool) {
		return Breach{Where: fmt.Sprintf("%s imports %s", pkg, imported), Rule: rule, Fix: fix}, true
	}
	switch {
	case from == "" && !isStandard(imported):
		return breach("1: the root package imports the standard library only", "move what needs the import into a package under internal")
	case below(from, "connector") && !isStandard(imported) && imported != Module && !below(to, "connector"):
		return breach("1: connector imports the root package and the standard library only", "declare an interface in connector and let internal/app fill it")
	case ours && below(to, "cmd"):
		return breach("1: nothing imports cmd", "move what is wanted into a package under internal")
	}
	if !ours {
		for _, t := range technologies {
			if !strings.HasPrefix(imported, t.library) {
				continue
			}
			if !below(from, t.home) {
				return breach("4: one technology, one package", fmt.Sprintf("use it through %s, behind an interface of your own", t.home))
			}
			break // the part of a library that is named before the whole has a home of its own
		}
		return Breach{}, false
	}
	fromStage, toStage := stage(from), stage(to)
	switch {
	case fromStage != "" && toStage != "" && fromStage != toStage && !(fromStage == "resolve" && slices.Contains(resolveUses, toStage)):
		return breach("2: stages never import each other",
			"declare the small interface you need in your own package and let internal/app fill it, or meet on the log")
	case below(from, "internal/store") && to == "internal/sqlq":
		// The gate and the dialect are what a SQL driver is made of; sqlq knows no technology.
	case isDriver(from) && to != "" && to != from && !strings.HasPrefix(to, from+"/"):
		return breach("3: a driver imports the root package and its technology only", "pass what is needed as an argument, or move the type to the root package")
	case isDriver(to) && !isDriver(from) && from != "internal/app":
		return breach("3: drivers are known to internal/app only", "declare the small interface you need; put the guard (var _ X = (*driver.Store)(nil)) in internal/app")
	case (below(from, "internal/api") || below(from, "internal/console")) && (toStage != "" || to == "internal/app"):
		return breach("5: api and console depend on small interfaces of their own", "declare the interface in the package and let internal/app fill it")
	case below(to, "internal/observe") && from != "internal/app" && !below(from, "internal/observe"):
		return breach("4: only internal/app knows internal/observe", "expose a count or a status, or take a small func that internal/app fills")
	case to == "internal/app" && !below(from, "cmd") && !below(from, "e2e"):
		return breach("5: internal/app knows everything, so only cmd knows internal/app", "turn the dependency round: take an interface, and let internal/app pass it in")
	}
	return Breach{}, false
}

// CheckName applies the rule about package names.
func CheckName(pkg, name string) (Breach, bool) {
	for _, n := range []string{name, path.Base(pkg)} {
		if slices.Contains(forbiddenNames, n) {
			return Breach{Where: "package " + pkg, Rule: "6: no package is named " + n, Fix: "name it after the noun it holds, or put each part where it is used"}, true
		}
	}
	return Breach{}, false
}

// within is the path of a package of this module, below the module's.
func within(imported string) (rest string, ours bool) {
	if imported == Module {
		return "", true
	}
	return strings.CutPrefix(imported, Module+"/")
}

// below says whether a path is the directory or below it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// isStandard: the first element of every other import path has a dot, but for this module's.
func isStandard(imported string) bool {
	if _, ours := within(imported); ours {
		return false
	}
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// stage is the stage that a path belongs to, "" for none. Packages of a family are stages each.
func stage(p string) string {
	rest, ok := strings.CutPrefix(p, "internal/")
	if !ok {
		return ""
	}
	for _, s := range stages {
		if strings.HasSuffix(s, "/") {
			if strings.HasPrefix(rest, s) {
				return rest
			}
		} else if below(rest, s) {
			return s
		}
	}
	return ""
}

// isDriver says whether a package is a driver. The suite that drivers pass is bound by the same
// rule as they are.
func isDriver(p string) bool {
	return p == "internal/eventlog" || strings.HasPrefix(p, "internal/store/")
}

// Words that no file may hold: folders of somebody's machine, and addresses of package
// registries, which belong into the settings of whoever builds. They are put together here so
// that this file does not hold them.
func forbiddenWords() []string {
	return []string{
		"/wo" + "rk/",
		"proxy." + "golang.org", "sum." + "golang.org", "goproxy." + "io", "goproxy." + "cn",
		"registry." + "npmjs.org", "registry." + "yarnpkg.com", "pypi" + ".org", "files." + "pythonhosted.org",
		"crates" + ".io", "repo1." + "maven.org", "deb." + "debian.org",
	}
}

// CheckText applies the rule about words to one file, one breach a line.
func CheckText(file string, content []byte) []Breach {
	var found []Breach
	words := forbiddenWords()
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue
			}
			found = append(found, Breach{Where: fmt.Sprintf("%s:%d", file, number), Rule: fmt.Sprintf("no file says %q", word),
				Fix: "use a relative path or an environment variable; leave registries to the settings of whoever builds"})
		}
	}
	return found
}
