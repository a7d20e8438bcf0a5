package claims_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/verify/claims"
)

const root = "../.."

// documents that make claims, and how many at least.
var documents = map[string]int{"docs/security.md": 101, "SECURITY.md": 13}

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

// A dash says that there is nothing.
func TestEveryRowIsComplete(t *testing.T) {
	each(t, func(t *testing.T, c claims.Claim) {
		for i, cell := range c.Cells {
			if cell == "" {
				t.Errorf("cell %d is empty", i+1)
			}
		}
	})
}

// That a test fails without the rule is for "go run ./verify/mutants -claims" to show.
func TestEveryRuleExists(t *testing.T) {
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
	each(t, func(t *testing.T, c claims.Claim) {
		for _, rule := range c.Rules {
			if !rules[rule] {
				t.Errorf("verify/mutants has no %q", rule)
			}
		}
	})
}

// Mutants are of the root module, and its tests alone can fail without a rule.
func TestEveryClaimWithTestsHasOneOfTheRootModule(t *testing.T) {
	each(t, func(t *testing.T, c claims.Claim) {
		for _, test := range c.Tests {
			if !nested(test.Package) {
				return
			}
		}
		if len(c.Tests) > 0 {
			t.Errorf("all of %v are in nested modules", c.Tests)
		}
	})
}

// nested reports whether a package is in a module inside the root module.
func nested(pkg string) bool {
	for dir := pkg; dir != "."; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root, dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

func TestParse(t *testing.T) {
	const (
		head       = "| ID | threat | design |\n|---|---|---|\n"
		claim      = "| T1 | theft | hashes |\n"
		references = "\n## Tests\n\n| ID | tests | rules |\n|---|---|---|\n"
		reference  = "| T1 | `session TestA/b,_c`, `verify/e2e TestD` | \"no hash\", \"AAL2, AAL3: a limit\" |\n"
	)
	t.Run("joins a claim and its tests", func(t *testing.T) {
		all, err := claims.Parse(head + claim + references + reference)
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		c := all[0]
		if c.ID != "T1" || c.Name != "T1 theft" || len(c.Cells) != 6 {
			t.Errorf("%+v", c)
		}
		if want := []claims.Test{{Package: "session", Name: "TestA/b,_c"}, {Package: "verify/e2e", Name: "TestD"}}; !slices.Equal(c.Tests, want) {
			t.Errorf("tests %v", c.Tests)
		}
		if want := []string{"no hash", "AAL2, AAL3: a limit"}; !slices.Equal(c.Rules, want) {
			t.Errorf("rules %q", c.Rules)
		}
	})
	t.Run("takes dashes for a claim without tests", func(t *testing.T) {
		all, err := claims.Parse(head + claim + references + "| T1 | — | — |\n")
		if err != nil || len(all) != 1 || len(all[0].Tests)+len(all[0].Rules) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
	for _, tc := range []struct{ name, text, want string }{
		{"a claim without a row of tests", head + claim + "| T2 | a | b |\n" + references + reference, "T2: no row of tests"},
		{"no table of tests", head + claim, "T1: no row of tests"},
		{"a row of tests without a claim", head + claim + references + reference + "| T2 | — | — |\n", "T2: tests without a claim"},
		{"two claims of one ID", head + claim + claim + references + reference, "T1: two claims"},
		{"two rows of tests of one ID", head + claim + references + reference + reference, "T1: two rows of tests"},
		{"a table without IDs", "| threat | design |\n|---|---|\n| theft | hashes |\n" + head + claim + references + reference, "want ID"},
		{"a cell too few", head + "| T1 | theft |\n" + references + reference, "T1: 2 cells; want 3"},
		{"tests without rules", head + claim + references + "| T1 | `session TestA` | — |\n", "T1: the rules are"},
		{"rules without tests", head + claim + references + "| T1 | — | \"no hash\" |\n", "T1: the tests are"},
		{"an empty cell of tests", head + claim + references + "| T1 |  | \"no hash\" |\n", "T1: the tests are"},
		{"a test without a package", head + claim + references + "| T1 | `session TestA` `TestB` | \"no hash\" |\n", "T1: the tests are"},
		{"a rule without quotes", head + claim + references + "| T1 | `session TestA` | \"no hash\" no salt |\n", "T1: the rules are"},
	} {
		t.Run("refuses "+tc.name, func(t *testing.T) {
			if _, err := claims.Parse(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error is %v; want %q", err, tc.want)
			}
		})
	}
}
