package gorilla_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	// What the borrowed tests import is in go.mod for them.
	_ "github.com/markbates/goth/gothic"
	_ "github.com/markbates/goth/providers/faux"
	_ "github.com/quasoft/memstore"
	_ "github.com/stretchr/testify/assert"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// suite is a package whose tests are run over gorillaholdfast: they are copied out of the
// module and compiled with the shim in testdata, which has the store's constructors.
type suite struct {
	name    string // of the folder in testdata
	pkg     string
	replace map[string]string // in the text of the tests
	files   map[string]string // that are left out, and why
	tests   map[string]string // that are left out, and why
}

// For testdata/backend.
const (
	storeVariable = "HOLDFAST_BORROWED_STORE"
	tokenVariable = "HOLDFAST_BORROWED_TOKEN"
	storeToken    = "the-token-of-the-borrowed-tests"
)

const connection = "is about the connection to Redis"

var suites = []suite{
	{
		name:  "gorilla",
		pkg:   "github.com/gorilla/sessions",
		files: map[string]string{"cookie_test.go": "tests a function that gorilla does not export, and no store"},
	},
	{
		name: "redistore",
		pkg:  "github.com/boj/redistore",
		tests: map[string]string{
			"TestPingGoodPort":                    connection,
			"TestPingBadPort":                     connection,
			"TestNewRediStoreWithURL/Invalid_URL": connection,
		},
	},
	{
		name:  "memstore",
		pkg:   "github.com/quasoft/memstore",
		files: map[string]string{"cache_test.go": "tests the map that is memstore's storage"},
	},
	{
		name:    "gothic",
		pkg:     "github.com/markbates/goth/gothic",
		replace: map[string]string{"Store = NewProviderStore()": "Store = newStore()"},
	},
}

func TestBorrowedTestsPass(t *testing.T) {
	module := borrowedModule(t)
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			program := s.build(t, module)
			all := listTests(t, program)
			each(t, func(t *testing.T, url string) {
				var skip []string
				for name := range s.tests {
					skip = append(skip, "^"+strings.ReplaceAll(name, "/", "$/^")+"$")
				}
				cmd := exec.Command(program, "-test.v", "-test.skip", strings.Join(skip, "|"))
				cmd.Env = append(os.Environ(), storeVariable+"="+serve(t, open(t, url)), tokenVariable+"="+storeToken)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				var passed []string
				for _, found := range regexp.MustCompile(`(?m)^--- PASS: (\S+)`).FindAllStringSubmatch(string(out), -1) {
					passed = append(passed, found[1])
				}
				for _, name := range all {
					if _, leftOut := s.tests[name]; leftOut == slices.Contains(passed, name) {
						t.Errorf("%s: passed %t, left out %t", name, slices.Contains(passed, name), leftOut)
					}
				}
				t.Logf("%d tests of %s pass", len(passed), s.pkg)
			})
		})
	}
}

// serve serves a store over HTTP, and returns its URL.
func serve(t *testing.T, store provider.Provider) string {
	t.Helper()
	handler, err := httpstore.Handler(store, httpstore.HandlerOptions{Token: storeToken})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// ownModule matches a requirement of a module of this repository, and its folder.
var ownModule = regexp.MustCompile(`(?m)^(?:require)?\s+(github\.com/holdfast-go/holdfast(\S*)) v`)

// borrowedModule returns the folder of a module with the requirements of this one.
func borrowedModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text := strings.Replace(read(t, "go.mod"), "/interop/gorilla\n", "/interop/gorilla/borrowed\n", 1)
	for _, required := range ownModule.FindAllStringSubmatch(text, -1) {
		absolute, err := filepath.Abs(filepath.Join("../../..", required[2]))
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("\nreplace %s => %q\n", required[1], absolute)
	}
	write(t, filepath.Join(dir, "go.mod"), text)
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	write(t, filepath.Join(dir, "backend", "backend.go"), read(t, "testdata/backend/backend.go"))
	return dir
}

// build compiles the suite in the module, and returns the program.
func (s suite) build(t *testing.T, module string) string {
	t.Helper()
	source := strings.TrimSpace(goTool(t, ".", "list", "-f", "{{.Dir}}", s.pkg))
	dir := filepath.Join(module, s.name)
	shims, err := filepath.Glob(filepath.Join("testdata", s.name, "*.go"))
	if err != nil || len(shims) == 0 {
		t.Fatalf("no shim: %v", err)
	}
	for _, shim := range shims {
		write(t, filepath.Join(dir, filepath.Base(shim)), read(t, shim))
	}
	tests, err := filepath.Glob(filepath.Join(source, "*_test.go"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests in %s: %v", s.pkg, err)
	}
	replaced := map[string]bool{}
	for _, file := range tests {
		if _, leftOut := s.files[filepath.Base(file)]; leftOut {
			continue
		}
		text := read(t, file)
		for old, replacement := range s.replace {
			replaced[old] = replaced[old] || strings.Contains(text, old)
			text = strings.ReplaceAll(text, old, replacement)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), text)
	}
	for old := range s.replace {
		if !replaced[old] {
			t.Errorf("%q is not in the tests of %s", old, s.pkg)
		}
	}
	program := filepath.Join(dir, "borrowed.test")
	goTool(t, dir, "test", "-c", "-o", program, ".")
	return program
}

// listTests returns the tests of a program, without its examples and benchmarks.
func listTests(t *testing.T, program string) []string {
	t.Helper()
	cmd := exec.Command(program, "-test.list", "^Test")
	cmd.Env = append(os.Environ(), storeVariable+"=http://127.0.0.1:1", tokenVariable+"="+storeToken) // not used
	out, err := cmd.Output()
	names := strings.Fields(string(out))
	if err != nil || len(names) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	return names
}

// goTool runs the go command. Outside of the workspace, the module may need other versions
// of libraries than in it, and gets them as any module does.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	if filepath.IsAbs(dir) { // not in the workspace
		cmd.Env = append(os.Environ(), "GOWORK=off")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
