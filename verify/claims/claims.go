// Package claims reads the tables of docs/security.md and SECURITY.md: what is
// promised, the tests that hold it, and the rules without which they fail.
package claims

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Claim is a row of a table.
type Claim struct {
	Name  string   // the first cell
	Cells []string // all
	Tests []Test   // of the column "test"
	Rules []string // of the column "without": mutants of verify/mutants
}

// Test names a test as `package TestName/subtest`.
type Test struct{ Package, Name string }

func (t Test) String() string { return t.Package + " " + t.Name }

// Func returns the name of the test's function.
func (t Test) Func() string {
	name, _, _ := strings.Cut(t.Name, "/")
	return name
}

// Pattern returns what go test -run has to match.
func (t Test) Pattern() string {
	parts := strings.Split(t.Name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// Read returns the claims in a file: the rows of those of its tables that have a
// column "test".
func Read(root, file string) ([]Claim, error) {
	text, err := os.ReadFile(path.Join(root, file))
	if err != nil {
		return nil, err
	}
	return parse(string(text)), nil
}

var (
	quoted  = regexp.MustCompile("`([^`]+)`")
	rule    = regexp.MustCompile(`"([^"]+)"`)
	divider = regexp.MustCompile(`^[-: ]+$`)
)

func parse(text string) (all []Claim) {
	var header []string // of the table that the line is in
	for line := range strings.Lines(text) {
		cells := cellsOf(line)
		switch {
		case cells == nil:
			header = nil
		case header == nil:
			header = cells
		case slices.Contains(header, "test") && !divider.MatchString(cells[0]):
			all = append(all, claimOf(header, cells))
		}
	}
	return all
}

// cellsOf returns the cells of a line of a table, nil for any other.
func cellsOf(line string) (cells []string) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") || len(line) < 2 {
		return nil
	}
	for cell := range strings.SplitSeq(line[1:len(line)-1], "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	return cells
}

func claimOf(header, cells []string) Claim {
	c := Claim{Name: cells[0], Cells: cells}
	for i, cell := range cells {
		switch {
		case i >= len(header):
		case header[i] == "test":
			for _, found := range quoted.FindAllStringSubmatch(cell, -1) {
				pkg, name, _ := strings.Cut(found[1], " ")
				c.Tests = append(c.Tests, Test{pkg, name})
			}
		case header[i] == "without":
			for _, found := range rule.FindAllStringSubmatch(cell, -1) {
				c.Rules = append(c.Rules, found[1])
			}
		}
	}
	return c
}
