package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// version is what the modules are published as in the rehearsal. The nested modules
// require it of each other.
const version = "v0.1.0"

func main() {
	log.SetFlags(0)
	log.SetPrefix("rehearsal: ")
	var tidy tidying
	flag.BoolVar(&tidy.check, "tidy", false, "compare go.mod and go.sum files with those of go mod tidy")
	flag.BoolVar(&tidy.write, "w", false, "with -tidy, write them")
	only := flag.String("page", "", "only the `page`, such as README.md")
	flag.Parse()
	if err := run(tidy, *only); err != nil {
		log.Fatal(err)
	}
}

// tidying says what to do about go.mod and go.sum files.
type tidying struct{ check, write bool }

func run(tidy tidying, only string) error {
	root, err := output(".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "rehearsal")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	files := root
	if !tidy.check {
		files = filepath.Join(temp, "commit")
		if err := checkOut(root, files); err != nil {
			return err
		}
	}
	modules, err := findModules(files)
	if err != nil {
		return err
	}
	proxy := filepath.Join(temp, "proxy")
	for _, m := range modules {
		if err := m.publish(proxy); err != nil {
			return err
		}
	}
	env, err := environment(temp, proxy)
	if err != nil {
		return err
	}
	switch {
	case tidy.check && tidy.write:
		return makeTidy(modules, env)
	case tidy.check:
		return checkTidy(modules, env)
	}
	pages, err := findPages(files)
	if err != nil {
		return err
	}
	for _, page := range pages {
		if only != "" && page != only {
			continue
		}
		if err := rehearse(root, filepath.Join(files, page), temp, env); err != nil {
			return err
		}
	}
	return nil
}

// environment returns the environment of commands that get the modules from proxy, and
// all others from the cache of this machine or where it usually gets them from.
func environment(temp, proxy string) ([]string, error) {
	usual, err := output(".", "go", "env", "GOPROXY", "GOMODCACHE", "GONOSUMDB", "GOCACHE")
	if err != nil {
		return nil, err
	}
	vars := strings.Split(usual, "\n")
	for len(vars) < 4 {
		vars = append(vars, "")
	}
	gopath := filepath.Join(temp, "gopath")
	return append(os.Environ(),
		"GOWORK=off",
		"GOPATH="+gopath,
		"GOMODCACHE="+filepath.Join(gopath, "pkg", "mod"),
		"GOCACHE="+vars[3],
		"GOFLAGS=-modcacherw",
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(vars[1], "cache", "download")+","+vars[0],
		"GONOSUMDB="+strings.TrimPrefix(vars[2]+",github.com/holdfast-go", ","),
		"PATH="+filepath.Join(gopath, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
	), nil
}

// checkOut writes the files of the last commit to dir.
func checkOut(root, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	_, err := output(root, "bash", "-c", `set -o pipefail; git archive HEAD | tar -x -C "$0"`, dir)
	return err
}

// output returns what a command prints, without the last newline.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
