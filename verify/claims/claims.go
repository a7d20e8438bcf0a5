// Package claims reads the tables of docs/security.md and SECURITY.md.
//
// A claim is a row of a table whose first column is "ID". The tests of a claim, and the
// rules without which they fail, are in a table with the columns "ID", "tests" and
// "rules", in the row of the same ID. Readers of the claims need not read that table.
package claims

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Claim is a claim with its tests and rules.
type Claim struct {
	ID    string
	Name  string   // the ID and the cell after it
	Cells []string // of the claim, then of its tests
	Tests []Test
	Rules []string // mutants of verify/mutants
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

// Read returns the claims in a file. It reports every claim without a row of tests, and
// every row of tests without a claim.
func Read(root, file string) ([]Claim, error) {
	text, err := os.ReadFile(path.Join(root, file))
	if err != nil {
		return nil, err
	}
	all, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", file, err)
	}
	return all, nil
}

// None is the cell of a claim without tests.
const None = "—"

var (
	referenceHeader = []string{"ID", "tests", "rules"}

	quoted  = regexp.MustCompile("`([^` ]+) ([^` ]+)`")
	rule    = regexp.MustCompile(`"([^"]+)"`)
	divider = regexp.MustCompile(`^:?-+:?$`)
)

// Parse returns the claims in the text of a file.
func Parse(text string) ([]Claim, error) {
	var (
		all        []Claim
		references = map[string][]string{}
		errs       []error
	)
	claimed := func(id string) bool {
		return slices.ContainsFunc(all, func(c Claim) bool { return c.ID == id })
	}
	for _, t := range tablesOf(text) {
		if t.header[0] != "ID" {
			errs = append(errs, fmt.Errorf("line %d: the first column of a table is %q; want ID", t.line, t.header[0]))
			continue
		}
		for _, row := range t.rows {
			id := row[0]
			switch {
			case len(row) != len(t.header):
				errs = append(errs, fmt.Errorf("%s: %d cells; want %d", id, len(row), len(t.header)))
			case slices.Equal(t.header, referenceHeader):
				if references[id] != nil {
					errs = append(errs, fmt.Errorf("%s: two rows of tests", id))
				}
				references[id] = row
			case claimed(id):
				errs = append(errs, fmt.Errorf("%s: two claims", id))
			default:
				all = append(all, Claim{ID: id, Name: id + " " + row[1], Cells: row})
			}
		}
	}
	for i := range all {
		errs = append(errs, all[i].refer(references[all[i].ID]))
	}
	for id := range references {
		if !claimed(id) {
			errs = append(errs, fmt.Errorf("%s: tests without a claim", id))
		}
	}
	return all, errors.Join(errs...)
}

// refer sets the tests and rules of c, which are in the row that has its ID.
func (c *Claim) refer(row []string) error {
	if row == nil {
		return fmt.Errorf("%s: no row of tests", c.ID)
	}
	tests, rules := row[1], row[2]
	c.Cells = slices.Concat(c.Cells, row)
	if tests == None && rules == None {
		return nil
	}
	for _, found := range quoted.FindAllStringSubmatch(tests, -1) {
		c.Tests = append(c.Tests, Test{Package: found[1], Name: found[2]})
	}
	for _, found := range rule.FindAllStringSubmatch(rules, -1) {
		c.Rules = append(c.Rules, found[1])
	}
	if len(c.Tests) == 0 || !nothingBut(tests, quoted) {
		return fmt.Errorf("%s: the tests are %q; want `package Test`, …", c.ID, tests)
	}
	if len(c.Rules) == 0 || !nothingBut(rules, rule) {
		return fmt.Errorf(`%s: the rules are %q; want "rule", …`, c.ID, rules)
	}
	return nil
}

// nothingBut reports whether all of cell matches item, apart from commas.
func nothingBut(cell string, item *regexp.Regexp) bool {
	return strings.Trim(item.ReplaceAllString(cell, ""), ", ") == ""
}

type table struct {
	line   int // of its header
	header []string
	rows   [][]string
}

func tablesOf(text string) (all []table) {
	inside := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		cells := cellsOf(line)
		switch {
		case cells == nil:
			inside = false
		case !inside:
			inside = true
			all = append(all, table{line: number, header: cells})
		case !divider.MatchString(cells[0]):
			last := &all[len(all)-1]
			last.rows = append(last.rows, cells)
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
