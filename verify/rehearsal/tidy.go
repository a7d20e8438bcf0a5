package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// checkTidy reports the modules whose go.mod or go.sum is not that of "go mod tidy".
func checkTidy(modules []goModule, env []string) error {
	untidy := 0
	for _, m := range modules {
		cmd := exec.Command("go", "mod", "tidy", "-diff")
		cmd.Dir, cmd.Env = filepath.Join(m.root, m.dir), env
		var diff, problems bytes.Buffer
		cmd.Stdout, cmd.Stderr = &diff, &problems
		err := cmd.Run()
		if err != nil && diff.Len() == 0 {
			return fmt.Errorf("go mod tidy in %s: %w\n%s", cmd.Dir, err, &problems)
		}
		if changes(diff.String()) {
			log.Printf("go mod tidy changes the files of %s:\n%s", m.Path, &diff)
			untidy++
		}
	}
	if untidy > 0 {
		return fmt.Errorf("%d modules are not tidy; run make tidy", untidy)
	}
	return nil
}

// ours begins the lines of the repository's own modules in a go.sum file.
const ours = "github.com/holdfast-go/holdfast"

// makeTidy runs "go mod tidy" in the modules.
func makeTidy(modules []goModule, env []string) error {
	for _, m := range modules {
		cmd := exec.Command("go", "mod", "tidy")
		cmd.Dir, cmd.Env = filepath.Join(m.root, m.dir), env
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go mod tidy in %s: %w\n%s", cmd.Dir, err, out)
		}
		sums := filepath.Join(cmd.Dir, "go.sum")
		data, err := os.ReadFile(sums)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var kept strings.Builder
		for line := range strings.Lines(string(data)) {
			if !strings.HasPrefix(line, ours) {
				kept.WriteString(line)
			}
		}
		if err := os.WriteFile(sums, []byte(kept.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// changes reports whether a diff changes more than the checksums of the repository's own
// modules. Those differ in each commit, and the workspace needs none.
func changes(diff string) bool {
	for line := range strings.Lines(diff) {
		header := strings.HasPrefix(line, "+++ ") || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "diff ")
		changed := strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")
		if changed && !header && !strings.HasPrefix(line[1:], ours) {
			return true
		}
	}
	return false
}
