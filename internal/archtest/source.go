package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Lengths beyond which a file or a function holds more than one subject.
const (
	MaxFileLines     = 700
	MaxFunctionLines = 100
)

// exceptions are files ("path") and functions ("path name") that may be longer, with the reason.
var exceptions = map[string]string{}

// environmentReaders are the folders that may: commands, the one package of configuration,
// and the suite whose crash tests start themselves again as another process.
var environmentReaders = []string{"cmd/", "examples/", "internal/config/", "internal/store/storetest/"}

// Source is what the rules want to know of one Go file.
type Source struct {
	Package  string   // its name
	Imports  []string // as written
	Doc      bool     // has the package's comment
	Breaches []Breach
}

// ReadSource parses a file and applies the rules that need nothing else. File is the path in
// the repository, with slashes.
func ReadSource(file string, content []byte) (*Source, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	s := &Source{Package: tree.Name.Name, Doc: tree.Doc != nil && strings.TrimSpace(tree.Doc.Text()) != ""}
	for _, spec := range tree.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			s.Imports = append(s.Imports, p)
		}
	}
	report := func(pos token.Pos, rule, fix string) {
		s.Breaches = append(s.Breaches, Breach{Where: fmt.Sprintf("%s:%d", file, set.Position(pos).Line), Rule: rule, Fix: fix})
	}
	if lines := set.File(tree.FileStart).LineCount(); lines > MaxFileLines && exceptions[file] == "" {
		report(tree.FileStart, fmt.Sprintf("a file has at most %d lines, this one %d", MaxFileLines, lines),
			"divide it by subject, or list it among the exceptions of internal/archtest with the reason")
	}
	test := strings.HasSuffix(file, "_test.go")
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || test {
			continue
		}
		if fn.Name.Name == "init" && fn.Recv == nil {
			report(fn.Pos(), "no init functions: the program is a list you can read", "call it from where the parts are put together")
		}
		lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1
		if lines > MaxFunctionLines && exceptions[file+" "+fn.Name.Name] == "" {
			report(fn.Pos(), fmt.Sprintf("a function has at most %d lines, %s has %d", MaxFunctionLines, fn.Name.Name, lines),
				"name its steps and make them functions, or list it among the exceptions of internal/archtest with the reason")
		}
	}
	if !test && !slices.ContainsFunc(environmentReaders, func(dir string) bool { return strings.HasPrefix(file, dir) }) {
		ast.Inspect(tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && readsEnvironment(call) {
				report(call.Pos(), "configuration is a value: packages do not read the environment", "take it as an argument; internal/config reads the environment once")
			}
			return true
		})
	}
	return s, nil
}

func readsEnvironment(s *ast.SelectorExpr) bool {
	pkg, ok := s.X.(*ast.Ident)
	return ok && pkg.Name == "os" && (s.Sel.Name == "Getenv" || s.Sel.Name == "LookupEnv" || s.Sel.Name == "Environ")
}
