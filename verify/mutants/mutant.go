package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// section is the mutants of one part of the documents.
type section struct {
	title   string
	mutants []mutant
}

// mutant is the code without one rule.
type mutant struct {
	rule  string   // that is left out
	in    string   // the directory of the package, or engine
	edits []string // old, new, old, new; each old occurs once in the package

	id      string
	build   *build // that has it
	where   string // file and function of the first edit
	home    string // the directory of that file
	verdict verdict
}

// without returns the mutant of a package without rule.
func without(rule, in string, edits ...string) mutant {
	return mutant{rule: rule, in: in, edits: edits}
}

// dirs returns the directories of the packages that m may be in.
func (m *mutant) dirs() []string {
	if m.in == engine {
		return enginePackages
	}
	return []string{m.in}
}

// files returns the files of m's packages with the edits, and which are changed.
func (m *mutant) files(root string) (files, changed fileSet, err error) {
	files = fileSet{}
	for _, dir := range m.dirs() {
		of, err := sources(filepath.Join(root, dir))
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(files, of)
	}
	names, err := m.apply(root, files)
	if err != nil {
		return nil, nil, err
	}
	changed = fileSet{}
	for _, name := range names {
		changed[name] = files[name]
	}
	return files, changed, nil
}

func writeOverlay(dir string, replace map[string]string) (string, error) {
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, list, 0o600)
}

// apply edits files, and returns the names of those it has changed.
func (m *mutant) apply(root string, files fileSet) (changed []string, err error) {
	for i := 0; i+1 < len(m.edits); i += 2 {
		file, err := files.edit(m.edits[i], m.edits[i+1])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			m.where = place(root, file, m.edits[0])
			m.home, _ = filepath.Rel(root, filepath.Dir(file))
		}
		changed = append(changed, file)
	}
	return changed, nil
}

// fileSet is the text of the files of some packages, by name.
type fileSet map[string]string

// dirs returns the directories of the files.
func (files fileSet) dirs() []string {
	var dirs []string
	for name := range files {
		if dir := filepath.Dir(name); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// in returns the files in dir.
func (files fileSet) in(dir string) fileSet {
	found := fileSet{}
	for name, text := range files {
		if filepath.Dir(name) == dir {
			found[name] = text
		}
	}
	return found
}

func sources(dir string) (fileSet, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	files := fileSet{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, nil
}

var (
	errAbsent    = errors.New("the code to change is not there")
	errAmbiguous = errors.New("the code to change is there more than once")
)

// edit replaces the one occurrence of before, and returns the file it was in.
func (files fileSet) edit(before, after string) (in string, err error) {
	for name, text := range files {
		switch n := strings.Count(text, before); {
		case n > 1 || n == 1 && in != "":
			return "", fmt.Errorf("%w: %q", errAmbiguous, before)
		case n == 1:
			in = name
		}
	}
	if in == "" {
		return "", fmt.Errorf("%w: %q", errAbsent, before)
	}
	files[in] = strings.Replace(files[in], before, after, 1)
	return in, nil
}

// place returns the file and the function that text is in.
func place(root, file, text string) string {
	name, _ := filepath.Rel(root, file)
	fset := token.NewFileSet()
	src, err := os.ReadFile(file)
	if err != nil {
		return name
	}
	tree, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return name
	}
	at := tree.FileStart + token.Pos(strings.Index(string(src), text)+len(text)-1)
	for _, d := range tree.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Pos() <= at && at < fn.End() {
			return name + ", " + fn.Name.Name
		}
	}
	return name
}
