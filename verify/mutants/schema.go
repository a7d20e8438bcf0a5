package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Building each mutant by itself would take most of the time. So one build of a
// package has all of its mutants that change nothing but the bodies of
// functions: each such function begins by asking an environment variable which
// variant of it to run.
const (
	activeName = "mutants_active"
	activeEnv  = "HOLDFAST_MUTANT"
	activeFile = "package %s\n\nimport \"os\"\n\nvar " + activeName + " = os.Getenv(\"" + activeEnv + "\")\n"
)

// schema is a package with the variants of its functions.
type schema struct {
	files    fileSet
	pkg      string
	funcs    map[string]*function // by receiver and name
	skeleton string               // the text around the functions
}

// function is a function of the package as it is.
type function struct {
	file     string
	decl     *ast.FuncDecl
	text     string
	variants []variant
}

type variant struct {
	mutant string
	text   string
}

func newSchema(files fileSet) (*schema, error) {
	s := &schema{files: files, funcs: map[string]*function{}}
	var skeleton strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.pkg = tree.Name.Name
		at := 0
		for _, d := range tree.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			from, to := offset(tree, decl.Pos()), offset(tree, decl.End())
			key := receiver(text, tree, decl) + "." + decl.Name.Name
			s.funcs[key] = &function{file: name, decl: decl, text: text[from:to]}
			skeleton.WriteString(text[at:from] + key)
			at = to
		}
		skeleton.WriteString(text[at:])
	}
	s.skeleton = skeleton.String()
	return s, nil
}

func offset(tree *ast.File, p token.Pos) int { return int(p - tree.FileStart) }

// at returns the offset of p in the function's text.
func (f *function) at(p token.Pos) int { return int(p - f.decl.Pos()) }

func receiver(text string, tree *ast.File, decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return ""
	}
	t := decl.Recv.List[0].Type
	return text[offset(tree, t.Pos()):offset(tree, t.End())]
}

// add takes in the variants that make up the mutant, whose files these are. It
// reports whether it could: not if more than bodies have changed.
func (s *schema) add(mutant string, files fileSet) bool {
	changed, err := newSchema(files)
	if err != nil || changed.skeleton != s.skeleton {
		return false
	}
	found := map[*function]string{}
	for key, now := range changed.funcs {
		was := s.funcs[key]
		if now.text == was.text {
			continue
		}
		if now.text[:now.at(now.decl.Body.Pos())] != was.signature() || !was.callable() {
			return false
		}
		found[was] = now.text
	}
	for f, text := range found {
		f.variants = append(f.variants, variant{mutant, text})
	}
	return len(found) > 0
}

func (f *function) signature() string { return f.text[:f.at(f.decl.Body.Pos())] }

// callable reports whether the function can pass on what it was given.
func (f *function) callable() bool {
	lists := []*ast.FieldList{f.decl.Type.Params}
	if f.decl.Recv != nil {
		lists = append(lists, f.decl.Recv)
	}
	for _, list := range lists {
		for _, field := range list.List {
			if len(field.Names) == 0 || slices.ContainsFunc(field.Names, func(n *ast.Ident) bool { return n.Name == "_" }) {
				return false
			}
		}
	}
	return true
}

// render returns the function that chooses, and its variants.
func (f *function) render() string {
	body := f.at(f.decl.Body.Lbrace) + 1
	name := f.at(f.decl.Name.Pos())
	after := name + len(f.decl.Name.Name)
	var choice, variants strings.Builder
	for _, v := range f.variants {
		other := f.decl.Name.Name + "_mutant_" + v.mutant
		call := other + f.arguments()
		if f.decl.Recv != nil {
			call = f.decl.Recv.List[0].Names[0].Name + "." + call
		}
		if f.decl.Type.Results != nil {
			call = "return " + call
		} else {
			call += "\n\t\treturn"
		}
		fmt.Fprintf(&choice, "\tcase %q:\n\t\t%s\n", v.mutant, call)
		fmt.Fprintf(&variants, "\n\n%s%s%s", v.text[:name], other, v.text[after:])
	}
	return f.text[:body] + "\n\tswitch " + activeName + " {\n" + choice.String() + "\t}\n" + f.text[body:] + variants.String()
}

// arguments returns what passes on the parameters.
func (f *function) arguments() string {
	var types, args []string
	if f.decl.Type.TypeParams != nil {
		for _, field := range f.decl.Type.TypeParams.List {
			for _, n := range field.Names {
				types = append(types, n.Name)
			}
		}
	}
	for _, field := range f.decl.Type.Params.List {
		for _, n := range field.Names {
			arg := n.Name
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	call := "(" + strings.Join(args, ", ") + ")"
	if types != nil {
		call = "[" + strings.Join(types, ", ") + "]" + call
	}
	return call
}

// overlay writes the package with all variants to dir, and returns the name of
// the overlay.json that puts it in place.
func (s *schema) overlay(dir string) (string, error) {
	changed := maps.Clone(s.files)
	for _, f := range s.funcs {
		if f.variants != nil {
			changed[f.file] = strings.Replace(changed[f.file], f.text, f.render(), 1)
		}
	}
	for name := range s.files {
		changed[filepath.Join(filepath.Dir(name), activeName+".go")] = fmt.Sprintf(activeFile, s.pkg)
	}
	return changed.overlay(dir)
}

// overlay writes the files and the list that puts them in place to dir.
func (files fileSet) overlay(dir string) (string, error) {
	replace := map[string]string{}
	for name, text := range files {
		replace[name] = filepath.Join(dir, strconv.Itoa(len(replace))+"-"+filepath.Base(name)) // files of two packages may have one name
		if err := os.WriteFile(replace[name], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return writeOverlay(dir, replace)
}
