package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// findPages returns the pages that a newcomer reads, README.md first.
func findPages(root string) ([]string, error) {
	pages := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "adapters/*.md", "adapters/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			page, err := filepath.Rel(root, file)
			if err != nil {
				return nil, err
			}
			pages = append(pages, page)
		}
	}
	return pages, nil
}

// step is a block of a page that the rehearsal runs or writes.
type step struct {
	line   int // of the block's first line
	text   string
	serves bool
	in     string // the folder, from that in which the page begins; "": that of the last step
	file   string // to be written, from that folder; "": commands to be run
}

const mark = "<!-- rehearsal: "

// shells are the languages of blocks of commands.
var shells = []string{"sh", "bash", "shell", "console"}

// readSteps returns the steps of a page.
func readSteps(file string) ([]step, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var steps []step
	var marked, language string
	var block *step
	for n, line := range strings.Split(string(data), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case block != nil && trimmed == "```":
			taken, err := block.take(language, marked)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, block.line, err)
			}
			if taken {
				steps = append(steps, *block)
			}
			block, marked = nil, ""
		case block != nil:
			block.text += line + "\n"
		case strings.HasPrefix(trimmed, "```"):
			language, block = strings.TrimPrefix(trimmed, "```"), &step{line: n + 2}
		case strings.HasPrefix(trimmed, mark):
			marked = strings.TrimSuffix(strings.TrimPrefix(trimmed, mark), " -->")
		case trimmed != "":
			marked = ""
		}
	}
	return steps, nil
}

// take reports whether a block is a step, and completes it by the comment before it.
func (s *step) take(language, marked string) (bool, error) {
	isShell := slices.Contains(shells, language)
	what, in, _ := strings.Cut(marked, "in ")
	switch what = strings.TrimSpace(what); {
	case strings.HasPrefix(marked, "not run: "):
		return false, nil
	case marked == "":
		return isShell, nil
	case isShell && (what == "serves" || what == "" && in != ""):
		s.serves, s.in = what == "serves", in
		return true, nil
	case !isShell && !strings.Contains(marked, " ") && strings.Contains(marked, "."):
		s.file = marked
		return true, nil
	}
	return false, fmt.Errorf("the comment %q before the block of %q is none that the rehearsal knows", marked, language)
}
