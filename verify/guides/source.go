package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// source returns the code that the argument of a Go block names: a file, or declarations
// in it, as in docs/code/login/login.go#signIn,signOut. A method is named with its type,
// as in shop.signIn. A name in a group of variables stands for the group.
func source(root, argument string) (string, error) {
	name, list, some := strings.Cut(argument, "#")
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if !some {
		return string(text), nil
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	var parts []string
	for want := range strings.SplitSeq(list, ",") {
		decl := find(file, want)
		if decl == nil {
			return "", fmt.Errorf("%s declares no %s", name, want)
		}
		start := decl.Pos()
		if doc := docOf(decl); doc != nil {
			start = doc.Pos()
		}
		end := files.Position(decl.End()).Offset
		for end < len(text) && text[end] != '\n' { // a comment at the end of the line
			end++
		}
		parts = append(parts, string(text[files.Position(start).Offset:end])+"\n")
	}
	return strings.Join(parts, "\n"), nil
}

// find returns the declaration of that name.
func find(file *ast.File, name string) ast.Decl {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if receiver(d)+d.Name.Name == name {
				return d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.Name == name {
						return d
					}
				case *ast.ValueSpec:
					for _, id := range s.Names {
						if id.Name == name {
							return d
						}
					}
				}
			}
		}
	}
	return nil
}

// receiver returns the name of a method's type with a dot, or "".
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	id, ok := t.(*ast.Ident)
	if !ok {
		return ""
	}
	return id.Name + "."
}

func docOf(decl ast.Decl) *ast.CommentGroup {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}
