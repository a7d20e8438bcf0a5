package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A page is a Markdown file of the repository.
type page struct {
	name   string // its path from the root, with slashes
	text   string
	blocks []block
}

// A block is a fenced block of a page.
type block struct {
	line     int    // of the opening fence, from 1
	language string // the first word after the fence
	argument string // the rest of that line
	indent   string // of the fence, in a list
	code     string // the lines between the fences, without indent
	closing  int    // the line of the closing fence
}

// readPages returns the Markdown files below root, except those of tests' data.
func readPages(root string) ([]page, error) {
	var pages []page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		p, err := parsePage(filepath.ToSlash(name), string(text))
		pages = append(pages, p)
		return err
	})
	return pages, err
}

// parsePage finds the blocks of a page.
func parsePage(name, text string) (page, error) {
	p := page{name: name, text: text}
	var open *block
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		info, fence := strings.CutPrefix(trimmed, "```")
		switch {
		case open == nil && fence:
			language, argument, _ := strings.Cut(strings.TrimSpace(info), " ")
			indent := line[:len(line)-len(trimmed)]
			open = &block{line: i + 1, language: language, argument: strings.TrimSpace(argument), indent: indent}
		case open != nil && fence:
			open.closing = i + 1
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.code += strings.TrimPrefix(line, open.indent) + "\n"
		}
	}
	if open != nil {
		return p, fmt.Errorf("%s:%d: the block is not closed", name, open.line)
	}
	return p, nil
}

func (p page) path(root string) string { return filepath.Join(root, filepath.FromSlash(p.name)) }

// withCode returns the text of the page with the present code in its Go blocks.
func (p page) withCode(root string) (string, error) {
	lines := strings.Split(p.text, "\n")
	for _, b := range slices.Backward(p.blocks) {
		if b.language != "go" || b.argument == "" {
			continue
		}
		code, err := source(root, b.argument)
		if err != nil {
			return "", fmt.Errorf("%s:%d: %w", p.name, b.line, err)
		}
		var shown []string
		for line := range strings.Lines(code) {
			if line = strings.TrimSuffix(line, "\n"); line != "" {
				line = b.indent + line
			}
			shown = append(shown, line)
		}
		lines = slices.Replace(lines, b.line, b.closing-1, shown...)
	}
	return strings.Join(lines, "\n"), nil
}

// prose returns the text of the page outside of its blocks, with as many lines.
func (p page) prose() string {
	lines := strings.Split(p.text, "\n")
	for _, b := range p.blocks {
		for i := b.line - 1; i < b.closing; i++ {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}
