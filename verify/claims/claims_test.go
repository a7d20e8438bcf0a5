package claims_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/verify/claims"
)

const root = "../.."

// documents that make claims, and how many at least.
var documents = map[string]int{"docs/security.md": 60, "SECURITY.md": 12}

func each(t *testing.T, fn func(t *testing.T, c claims.Claim)) {
	for file, least := range documents {
		all, err := claims.Read(root, file)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < least {
			t.Errorf("%s: %d claims; want %d or more", file, len(all), least)
		}
		for _, c := range all {
			t.Run(file+"/"+c.Name, func(t *testing.T) { fn(t, c) })
		}
	}
}

func TestEveryTestExists(t *testing.T) {
	packages := map[string]testNames{}
	each(t, func(t *testing.T, c claims.Claim) {
		for _, test := range c.Tests {
			names, known := packages[test.Package]
			if !known {
				names = namesIn(t, test.Package)
				packages[test.Package] = names
			}
			if !names.funcs[test.Func()] {
				t.Errorf("there is no %s", test)
			}
			for _, part := range strings.Split(test.Name, "/")[1:] {
				if !names.texts[part] {
					t.Errorf("%s: no text in the package's tests reads %q", test, part)
				}
			}
		}
	})
}

// testNames are the functions of a package's tests, and the texts in them as
// package testing writes the names of subtests.
type testNames struct{ funcs, texts map[string]bool }

func namesIn(t *testing.T, pkg string) testNames {
	t.Helper()
	names := testNames{map[string]bool{}, map[string]bool{}}
	for _, file := range parseAll(t, filepath.Join(root, pkg, "*_test.go")) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					names.funcs[n.Name.Name] = true
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					names.texts[strings.ReplaceAll(text, " ", "_")] = true
				}
			}
			return true
		})
	}
	return names
}

func parseAll(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// A row without a test says so, and what to do instead.
func TestEveryRowIsComplete(t *testing.T) {
	each(t, func(t *testing.T, c claims.Claim) {
		for i, cell := range c.Cells {
			if cell == "" {
				t.Errorf("cell %d is empty; a dash says that there is nothing", i+1)
			}
		}
	})
}

// That a test fails without the rule is for "go run ./verify/mutants -claims"
// to show. It can for the module that the mutants are of.
func TestEveryTestHasARuleItFailsWithout(t *testing.T) {
	rules := map[string]bool{}
	for _, file := range parseAll(t, filepath.Join(root, "verify/mutants/rules_*.go")) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			fn, _ := call.Fun.(*ast.Ident)
			if lit, ok := call.Args[0].(*ast.BasicLit); ok && fn != nil && fn.Name == "without" {
				text, _ := strconv.Unquote(lit.Value)
				rules[text] = true
			}
			return true
		})
	}
	all, err := claims.Read(root, "docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, rule := range c.Rules {
			if !rules[rule] {
				t.Errorf("%s: verify/mutants has no %q", c.Name, rule)
			}
		}
		for _, test := range c.Tests {
			if nested := strings.HasPrefix(test.Package, "e2e") || strings.HasPrefix(test.Package, "itest"); !nested && len(c.Rules) == 0 {
				t.Errorf("%s: without which rule does %s fail?", c.Name, test)
			}
		}
	}
}
