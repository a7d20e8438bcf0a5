package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// goModule is a module of the repository.
type goModule struct {
	module.Version
	root string // of the repository's files
	dir  string // within the repository; "": the root module
}

// findModules returns the modules of the workspace.
func findModules(root string) ([]goModule, error) {
	data, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil, err
	}
	var all []goModule
	for _, use := range work.Use {
		gomod, err := os.ReadFile(filepath.Join(root, use.Path, "go.mod"))
		if err != nil {
			return nil, err
		}
		all = append(all, goModule{module.Version{Path: modfile.ModulePath(gomod), Version: version}, root, use.Path})
	}
	return all, nil
}

// publish adds the module to a proxy on the disk; see "GOPROXY protocol" in the Go
// Modules Reference.
func (m goModule) publish(proxy string) error {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	dir := filepath.Join(proxy, path, "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	gomod, err := os.ReadFile(filepath.Join(m.root, m.dir, "go.mod"))
	if err != nil {
		return err
	}
	for name, content := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, version),
		version + ".mod":  string(gomod),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		return err
	}
	if err := zip.CreateFromDir(f, m.Version, filepath.Join(m.root, m.dir)); err != nil {
		_ = f.Close()
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	return f.Close()
}
