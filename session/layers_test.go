package session_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the packages of the engine and of sessiontest, each above those that it may
// import.
var layers = []string{
	"session/sessiontest",
	"session",
	"session/internal/watch",
	"session/internal/readcache",
	"session/internal/broadcast",
	"session/internal/txn",
	"session/internal/rotation",
	"session/internal/binding",
	"session/internal/dbsc",
	"session/internal/owners",
	"session/internal/token",
	"session/internal/keyring",
	"session/internal/epoch",
	"session/internal/records",
	"session/internal/queue",
	"session/internal/envelope",
	"session/internal/observe",
	"provider/memory",
	"provider",
}

// Imports run down only, and only packages session and sessiontest know net/http.
func TestLayers(t *testing.T) {
	const module = "github.com/holdfast-go/holdfast/"
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		pkg := filepath.ToSlash(filepath.Join("session", filepath.Dir(path)))
		at := slices.Index(layers, pkg)
		if at < 0 {
			t.Errorf("%s is in no layer", path)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if name == "net/http" && at > slices.Index(layers, "session") {
				t.Errorf("%s imports %s", path, name)
			}
			if rel, ours := strings.CutPrefix(name, module); ours && slices.Index(layers, rel) <= at {
				t.Errorf("%s imports %s, which is not below", path, rel)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
