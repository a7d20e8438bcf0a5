package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
)

// verifier tells in a moment, without the go command, whether mutants fit the
// code and compile.
type verifier struct {
	root    string
	fset    *token.FileSet
	imports types.Importer
}

func newVerifier(root string) (*verifier, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./session", "./provider/memory", "./provider/sealed", "./provider/migrate", "./admin")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	export := map[string]string{}
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		export[path] = file
	}
	f := &verifier{root: root, fset: token.NewFileSet()}
	f.imports = importer.ForCompiler(f.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	return f, nil
}

// verify returns what is wrong with m.
func (f *verifier) verify(m *mutant) error {
	files, changed, err := m.files(f.root)
	if err != nil {
		return err
	}
	for _, dir := range changed.dirs() {
		if err := f.check(dir, files.in(dir)); err != nil {
			return err
		}
	}
	return nil
}

// check returns why a package of these files does not compile.
func (f *verifier) check(dir string, files fileSet) error {
	var trees []*ast.File
	for name, text := range files {
		tree, err := parser.ParseFile(f.fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		trees = append(trees, tree)
	}
	_, err := (&types.Config{Importer: f.imports}).Check(dir, f.fset, trees, nil)
	return err
}

// verifyAll returns how many of the chosen mutants are wrong, and says why.
func (f *verifier) verifyAll(chosen []*mutant, complain func(*mutant, error)) (bad int) {
	for _, m := range chosen {
		if err := f.verify(m); err != nil {
			complain(m, err)
			bad++
		}
	}
	return bad
}
