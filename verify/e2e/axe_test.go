package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readAxe returns the script of axe-core, which .ci/install puts into the cache. It skips
// the test where it is missing.
func readAxe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("HOLDFAST_TEST_AXE")
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(cache, "holdfast", "axe-core", "axe.min.js")
	}
	script, err := os.ReadFile(path)
	if err == nil {
		return string(script)
	}
	const hint = "run .ci/install, which gets axe-core from npm, or name its axe.min.js in HOLDFAST_TEST_AXE"
	if os.Getenv("HOLDFAST_TEST_NOSKIP") == "1" {
		t.Fatal(hint, err)
	}
	t.Skip(hint)
	return ""
}

// violation is a rule of axe-core that a page breaks.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.ID, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n%s\n%s", n.HTML, n.Summary)
	}
	return b.String()
}

// violations runs axe-core, with all its rules, on the page.
func (p *tab) violations(script string) []violation {
	p.t.Helper()
	p.do(p.js(script + "; undefined"))
	return eval[[]violation](p, `axe.run(document, { resultTypes: ["violations"] }).then(r => r.violations)`)
}

func TestInaccessiblePagesAreFound(t *testing.T) {
	script := readAxe(t)
	p := visitAdmin(t)
	for name, change := range map[string]string{
		"color-contrast": `document.querySelector("h1").style.color = "#ccc"`,
		"label":          `document.querySelectorAll("label").forEach(l => l.replaceWith(...l.childNodes))`,
		"html-has-lang":  `document.documentElement.removeAttribute("lang")`,
	} {
		p.open("/admin/find")
		p.scheme("light")
		p.do(p.js(change))
		found := fmt.Sprint(p.violations(script))
		if !strings.Contains(found, name+":") {
			t.Errorf("axe-core has not found %s, but %s", name, found)
		}
	}
}
