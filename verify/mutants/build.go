package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// build is an overlay and the test binaries made with it.
type build struct {
	root    string
	dir     string
	overlay string

	mu   sync.Mutex
	made map[string]func() (string, error) // by package
}

func (b *runner) newBuild(write func(dir string) (overlay string, err error)) (*build, error) {
	dir, err := os.MkdirTemp(b.temp, "")
	if err != nil {
		return nil, err
	}
	overlay, err := write(dir)
	return &build{root: b.root, dir: dir, overlay: overlay, made: map[string]func() (string, error){}}, err
}

// tests returns the test binary of pkg.
func (b *build) tests(pkg string) (bin string, err error) {
	b.mu.Lock()
	once := b.made[pkg]
	if once == nil {
		once = sync.OnceValues(func() (string, error) { return b.compile(pkg) })
		b.made[pkg] = once
	}
	b.mu.Unlock()
	return once()
}

func (b *build) compile(pkg string) (bin string, err error) {
	bin = filepath.Join(b.dir, strings.ReplaceAll(pkg, "/", "-")+".test")
	cmd := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-overlay", b.overlay, "-o", bin, "./"+pkg)
	cmd.Dir = b.root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("does not compile: %w: %s", err, bytes.ReplaceAll(text, []byte("\n"), []byte(" ")))
	}
	return bin, nil
}

// plan gives each mutant a build: those of a package share one if they can.
func (b *runner) plan(chosen []*mutant) error {
	schemas := map[string]*schema{}
	shared := map[string][]*mutant{}
	for i, m := range chosen {
		m.id = strconv.Itoa(i + 1)
		files, changed, err := m.files(b.root)
		if err != nil {
			return err
		}
		dir := changed.dirs()[0]
		s := schemas[dir]
		if s == nil {
			if s, err = openSchema(dir); err != nil {
				return err
			}
			schemas[dir] = s
		}
		if len(changed.dirs()) == 1 && s.add(m.id, files.in(dir)) {
			shared[dir] = append(shared[dir], m)
		} else if m.build, err = b.newBuild(changed.overlay); err != nil {
			return err
		}
	}
	for dir, mutants := range shared {
		all, err := b.newBuild(schemas[dir].overlay)
		if err != nil {
			return err
		}
		for _, m := range mutants {
			m.build = all
		}
	}
	return nil
}

func openSchema(dir string) (*schema, error) {
	files, err := sources(dir)
	if err != nil {
		return nil, err
	}
	return newSchema(files)
}
