package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func allPages(t *testing.T) map[string]page {
	t.Helper()
	pages, err := readPages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 30 {
		t.Fatalf("only %d pages are found", len(pages))
	}
	byName := map[string]page{}
	for _, p := range pages {
		byName[p.name] = p
	}
	return byName
}

// isGuide reports whether a page is for users of the library.
func isGuide(name string) bool {
	return name == "README.md" || name == "adapters/README.md" || strings.HasPrefix(name, "docs/")
}

func TestEveryGoBlockShowsAFile(t *testing.T) {
	for name, p := range allPages(t) {
		t.Run(name, func(t *testing.T) {
			for _, b := range p.blocks {
				if b.language == "go" && b.argument == "" {
					t.Errorf("%s:%d: name the file that the block shows, as in ```go docs/code/login/login.go#signIn", name, b.line)
				}
				if b.language == "" && isGuide(name) && name != "docs/protocol.md" { // which shows executions
					t.Errorf("%s:%d: name the language of the block", name, b.line)
				}
			}
			text, err := p.withCode(root)
			if err != nil {
				t.Fatal(err)
			}
			if text != p.text {
				t.Errorf("%s shows other code than its files; run go run ./verify/guides -update", name)
			}
		})
	}
}

// The code that the pages show is in a folder with tests, or below one.
func TestShownCodeIsTested(t *testing.T) {
	for name, p := range allPages(t) {
		for _, b := range p.blocks {
			if b.language != "go" || b.argument == "" {
				continue
			}
			file, _, _ := strings.Cut(b.argument, "#")
			if file != "examples/hello/main.go" && !tested(t, path.Dir(file)) {
				t.Errorf("%s:%d: there is no test of %s", name, b.line, file)
			}
		}
	}
}

// tested reports whether the folder or one above it has tests.
func tested(t *testing.T, folder string) bool {
	for ; folder != "."; folder = path.Dir(folder) {
		tests, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if len(tests) > 0 {
			return true
		}
	}
	return false
}

func TestLinks(t *testing.T) {
	pages := allPages(t)
	for name, p := range pages {
		t.Run(name, func(t *testing.T) {
			for _, problem := range p.brokenLinks(root, pages) {
				t.Error(problem)
			}
		})
	}
}

// Every page of docs/ can be found from the index.
func TestTheIndexHasEveryPage(t *testing.T) {
	pages := allPages(t)
	index := pages["docs/README.md"].text
	for name := range pages {
		base, isDoc := strings.CutPrefix(name, "docs/")
		if isDoc && base != "README.md" && !strings.Contains(index, "]("+base+")") {
			t.Errorf("docs/README.md has no link to %s", base)
		}
	}
}

func TestNamesOfTheAPI(t *testing.T) {
	packages := map[string]map[string]bool{}
	api := func(folder string) (map[string]bool, error) {
		if names, ok := packages[folder]; ok {
			return names, nil
		}
		names, err := exported(filepath.Join(root, folder))
		packages[folder] = names
		return names, err
	}
	for name, p := range allPages(t) {
		if !isGuide(name) {
			continue
		}
		unknown, err := p.unknownNames(api)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range unknown {
			t.Error(problem)
		}
	}
}

var (
	runFolder  = regexp.MustCompile(`go run (\./[\w./-]+)`)
	makeTarget = regexp.MustCompile(`(?m)^(?:\w+=\S+ )?make (\w+)`)
)

// The rehearsal runs the commands of the pages for users, except for those that need a
// server. What those name in the repository exists all the same.
func TestCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range allPages(t) {
		for _, b := range p.blocks {
			if b.language != "sh" {
				continue
			}
			if b.argument != "" {
				t.Errorf("%s:%d: the rehearsal knows no ```sh %s", name, b.line, b.argument)
			}
			for _, m := range runFolder.FindAllStringSubmatch(b.code, -1) {
				_, fromRoot := os.Stat(filepath.Join(root, m[1]))
				_, fromPage := os.Stat(filepath.Join(root, path.Dir(name), m[1]))
				if fromRoot != nil && fromPage != nil {
					t.Errorf("%s:%d: %s: there is no such folder", name, b.line, m[0])
				}
			}
			for _, m := range makeTarget.FindAllStringSubmatch(b.code, -1) {
				if !strings.Contains(string(makefile), "\n"+m[1]+":") {
					t.Errorf("%s:%d: the Makefile has no target %s", name, b.line, m[1])
				}
			}
		}
	}
}
