package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// packages are the packages whose names may appear in the text of a page, by the name
// that the pages use.
var packages = map[string]string{
	"session":          "session",
	"sessiontest":      "session/sessiontest",
	"provider":         "provider",
	"memory":           "provider/memory",
	"sealed":           "provider/sealed",
	"migrate":          "provider/migrate",
	"redisprovider":    "provider/redis",
	"postgresprovider": "provider/postgres",
	"dynamodbprovider": "provider/dynamodb",
	"otelholdfast":     "adapters/otelholdfast",
	"gorillaholdfast":  "adapters/gorillaholdfast",
	"scsholdfast":      "adapters/scsholdfast",
	"ginholdfast":      "adapters/ginholdfast",
	"echoholdfast":     "adapters/echoholdfast",
	"fiberholdfast":    "adapters/fiberholdfast",
}

// types are the types of package session that pages name without the package.
var types = []string{"Session", "Manager", "Config", "Key", "Cookie", "Token", "Event", "Info"}

var qualified = regexp.MustCompile(`\b([A-Za-z]+)\.([A-Z][A-Za-z0-9]*)(?:\.([A-Z][A-Za-z0-9]*))?`)

// exported returns the exported names of the package in the folder: functions, types,
// constants and variables, and methods and fields as Type.Name.
func exported(folder string) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: %w", folder, os.ErrNotExist)
	}
	names := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			addNames(names, decl)
		}
	}
	return names, nil
}

func addNames(names map[string]bool, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		names[receiver(d)+d.Name.Name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range s.Names {
					names[id.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				addMembers(names, s.Name.Name, s.Type)
			}
		}
	}
}

// addMembers adds the fields of a struct and the methods of an interface.
func addMembers(names map[string]bool, of string, t ast.Expr) {
	var members *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		members = t.Fields
	case *ast.InterfaceType:
		members = t.Methods
	default:
		return
	}
	for _, member := range members.List {
		for _, id := range member.Names {
			names[of+"."+id.Name] = true
		}
	}
}

// unknownNames returns the names in the inline code of p that no package exports, such
// as `Session.Renew` and `memory.New`.
func (p page) unknownNames(api func(folder string) (map[string]bool, error)) ([]string, error) {
	var unknown []string
	for _, span := range inlineCode.FindAllString(p.prose(), -1) {
		for _, m := range qualified.FindAllStringSubmatch(span, -1) {
			folder, isPackage := packages[m[1]]
			want := m[2]
			switch {
			case isPackage && m[3] != "":
				want += "." + m[3]
			case isPackage:
			case slices.Contains(types, m[1]):
				folder, want = "session", m[1]+"."+m[2]
			default:
				continue
			}
			names, err := api(folder)
			if err != nil {
				return nil, err
			}
			if !names[want] {
				unknown = append(unknown, fmt.Sprintf("%s: %s: package %s has no %s", p.name, span, folder, want))
			}
		}
	}
	return unknown, nil
}
