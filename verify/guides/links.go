package main

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

var (
	inlineCode = regexp.MustCompile("`[^`\n]+`")
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	definition = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]:\s*(\S+)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6}\s+(.*?)\s*#*$`)
	anchorTag  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	headLink   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// brokenLinks returns what is wrong with the relative links of p. The pages are all pages
// of the repository by name.
func (p page) brokenLinks(root string, pages map[string]page) []string {
	var broken []string
	text := inlineCode.ReplaceAllString(p.prose(), "")
	targets := link.FindAllStringSubmatch(text, -1)
	targets = append(targets, definition.FindAllStringSubmatch(text, -1)...)
	for _, t := range targets {
		if problem := p.brokenLink(root, pages, t[1]); problem != "" {
			broken = append(broken, fmt.Sprintf("%s: %s: %s", p.name, t[1], problem))
		}
	}
	return broken
}

// brokenLink returns what is wrong with a link, or "".
func (p page) brokenLink(root string, pages map[string]page, target string) string {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return err.Error()
	case u.Scheme != "":
		return "" // another site
	case strings.HasPrefix(u.Path, "/"):
		return "the link must be relative"
	}
	to := p.name
	if u.Path != "" {
		to = path.Join(path.Dir(p.name), u.Path)
	}
	if to == ".." || strings.HasPrefix(to, "../") {
		return "the link leads out of the repository"
	}
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(to)))
	switch {
	case err != nil:
		return "there is no such file"
	case info.IsDir() != strings.HasSuffix(u.Path, "/") && u.Path != "":
		return "the link to a folder ends in a slash, and no other does"
	case u.Fragment == "":
		return ""
	case info.IsDir():
		return "a folder has no headings"
	}
	linked, isPage := pages[to]
	if !isPage || !linked.anchors()[u.Fragment] {
		return "there is no such heading"
	}
	return ""
}

// anchors returns the anchors of the page's headings, as GitHub makes them.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(p.prose(), -1) {
		base := anchor(h[1])
		name := base
		for n := 1; all[name]; n++ {
			name = fmt.Sprint(base, "-", n)
		}
		all[name] = true
	}
	for _, tag := range anchorTag.FindAllStringSubmatch(p.prose(), -1) {
		all[tag[1]] = true
	}
	return all
}

// anchor returns the anchor of a heading: in lower case, blanks as hyphens, and of the
// other characters only letters, digits, hyphens and underscores.
func anchor(title string) string {
	title = headLink.ReplaceAllString(title, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}
