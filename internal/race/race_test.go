package race_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// Whatever is left out with the race detector is in a package that make e2e tests without it.
func TestLeftOutIsRunElsewhere(t *testing.T) {
	root := os.DirFS("../..")
	text, err := fs.ReadFile(root, "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(text), "\ne2e:")
	recipe, _, _ = strings.Cut(recipe, "\n\n")
	leaves := regexp.MustCompile(`\brace\.(Skip|Cases)\(`)
	found := 0
	for _, top := range []string{"bench", "client", "cmd", "deploy", "internal"} {
		err := fs.WalkDir(root, top, func(file string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(file, "_test.go") {
				return err
			}
			b, err := fs.ReadFile(root, file)
			if err != nil || !leaves.Match(b) || strings.HasPrefix(file, "internal/race/") {
				return err
			}
			found++
			dir := path.Dir(file)
			named := regexp.MustCompile(`\./` + regexp.QuoteMeta(dir) + `\s|\./` + regexp.QuoteMeta(path.Dir(dir)) + `/\.\.\.\s`)
			if !named.MatchString(recipe + "\n") {
				t.Errorf("%s leaves something out with the race detector: let make e2e test ./%s without it", file, dir)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 10 {
		t.Errorf("only %d files were found", found)
	}
}
