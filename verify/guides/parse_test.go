package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a folder of files.
func write(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const shop = `package shop

// names of users.
var (
	first = "a" // of the person
	last  = "b"
)

// T is a type.
type T[X any] struct{ x X }

// M is a method.
func (t *T[X]) M() {
	println("m")
}

func plain() {}
`

func TestSource(t *testing.T) {
	root := write(t, map[string]string{"shop.go": shop})
	for argument, want := range map[string]string{
		"shop.go":           shop,
		"shop.go#last":      "// names of users.\nvar (\n\tfirst = \"a\" // of the person\n\tlast  = \"b\"\n)\n",
		"shop.go#T.M":       "// M is a method.\nfunc (t *T[X]) M() {\n\tprintln(\"m\")\n}\n",
		"shop.go#plain,T":   "func plain() {}\n\n// T is a type.\ntype T[X any] struct{ x X }\n",
		"shop.go#M":         "",
		"shop.go#nothing":   "",
		"other.go#anything": "",
	} {
		got, err := source(root, argument)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", argument, got, err, want)
		}
	}
}

func TestUpdatePutsTheCodeIntoThePage(t *testing.T) {
	root := write(t, map[string]string{
		"shop.go": shop,
		"docs/page.md": "# Page\n\n```go shop.go#plain\nold\nlines\n```\n\n- item\n\n  ```go shop.go#T.M\n  ```\n\n" +
			"```sh\nmake test\n```\n",
	})
	if changed, err := updatePages(root); err != nil || len(changed) != 1 || changed[0] != "docs/page.md" {
		t.Fatal(changed, err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs/page.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := "# Page\n\n```go shop.go#plain\nfunc plain() {}\n```\n\n- item\n\n  ```go shop.go#T.M\n  // M is a method.\n" +
		"  func (t *T[X]) M() {\n  \tprintln(\"m\")\n  }\n  ```\n\n```sh\nmake test\n```\n"
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

func TestBrokenLinks(t *testing.T) {
	root := write(t, map[string]string{
		"README.md": "# Top\n\n## `Key.Get` and [Set](x)!\n\n## Twice\n\n## Twice\n",
		"docs/a.md": strings.Join([]string{
			"[good](../README.md) [good](../README.md#keyget-and-set) [good](../README.md#twice-1) [good](#here) [good](../docs/)",
			"[good](https://example.com/x#y) `[code](nowhere)`", "# Here", "```", "[in a block](nowhere)", "```",
			"[bad](b.md) [bad](../README.md#twice-2) [bad](#there) [bad](/README.md) [bad](../../x) [bad](../docs) [bad](a.md/)",
			"[name]: c.md",
		}, "\n"),
	})
	list, err := readPages(root)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]page{}
	for _, p := range list {
		pages[p.name] = p
	}
	got := strings.Join(pages["docs/a.md"].brokenLinks(root, pages), "\n")
	want := strings.Join([]string{
		"docs/a.md: b.md: there is no such file",
		"docs/a.md: ../README.md#twice-2: there is no such heading",
		"docs/a.md: #there: there is no such heading",
		"docs/a.md: /README.md: the link must be relative",
		"docs/a.md: ../../x: the link leads out of the repository",
		"docs/a.md: ../docs: the link to a folder ends in a slash, and no other does",
		"docs/a.md: a.md/: the link to a folder ends in a slash, and no other does",
		"docs/a.md: c.md: there is no such file",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnknownNames(t *testing.T) {
	root := write(t, map[string]string{
		"session/s.go": "package session\n\ntype Session struct{}\n\nfunc (s *Session) Get() {}\n\ntype Config struct{ Name string }\n\nvar Err error\n",
	})
	p, err := parsePage("a.md", "`Session.Get()` `session.Err` `Config{Name: x}` `Config.Name` `session.Config.Name` `http.Handler`\n"+
		"`Session.Put` `session.Errs` `session.Config.Names`\n")
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := p.unknownNames(func(folder string) (map[string]bool, error) { return exported(filepath.Join(root, folder)) })
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(unknown, "\n")
	want := "a.md: `Session.Put`: package session has no Session.Put\n" +
		"a.md: `session.Errs`: package session has no Errs\n" +
		"a.md: `session.Config.Names`: package session has no Config.Names"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnclosedBlock(t *testing.T) {
	if _, err := parsePage("a.md", "text\n```go\nx\n"); err == nil {
		t.Error("no error")
	}
}
