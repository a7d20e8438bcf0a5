package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// page writes a page. Its fences are "~~~" in text, to be readable here.
func page(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "~~~", "```")), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReadSteps(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []step
	}{
		"commands":            {"~~~sh\nmake\n\nls\n~~~\n", []step{{line: 2, text: "make\n\nls\n"}}},
		"another language":    {"~~~go\npackage main\n~~~\n", nil},
		"a server":            {"<!-- rehearsal: serves -->\n~~~sh\ngo run .\n~~~\n", []step{{line: 3, text: "go run .\n", serves: true}}},
		"a server elsewhere":  {"<!-- rehearsal: serves in a/b -->\n~~~sh\nx\n~~~\n", []step{{line: 3, text: "x\n", serves: true, in: "a/b"}}},
		"a folder":            {"<!-- rehearsal: in a -->\n\n~~~sh\nx\n~~~\n", []step{{line: 4, text: "x\n", in: "a"}}},
		"a file":              {"<!-- rehearsal: a/main.go -->\n~~~go\nx\n~~~\n", []step{{line: 3, text: "x\n", file: "a/main.go"}}},
		"left out":            {"<!-- rehearsal: not run: no store -->\n~~~sh\nx\n~~~\n~~~sh\ny\n~~~\n", []step{{line: 6, text: "y\n"}}},
		"a comment too early": {"<!-- rehearsal: serves -->\ntext\n~~~sh\nx\n~~~\n", []step{{line: 4, text: "x\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readSteps(page(t, tc.text))
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
	for name, text := range map[string]string{
		"an unknown comment":         "<!-- rehearsal: server -->\n~~~sh\nx\n~~~\n",
		"a server of another kind":   "<!-- rehearsal: serves -->\n~~~go\nx\n~~~\n",
		"commands that are no file":  "<!-- rehearsal: main.go -->\n~~~sh\nx\n~~~\n",
		"a reason that is not given": "<!-- rehearsal: not run -->\n~~~sh\nx\n~~~\n",
	} {
		if steps, err := readSteps(page(t, text)); err == nil {
			t.Errorf("%s: %+v", name, steps)
		}
	}
}

func TestChanges(t *testing.T) {
	const header = "diff current/go.sum tidy/go.sum\n--- current/go.sum\n+++ tidy/go.sum\n@@ -1,2 +1,3 @@\n"
	for diff, want := range map[string]bool{
		"": false,
		header + " a\n+github.com/holdfast-go/holdfast v0.1.0 h1:x\n": false,
		header + " a\n+github.com/other v0.1.0 h1:x\n":                true,
		header + "-github.com/other v0.1.0 h1:x\n":                    true,
	} {
		if got := changes(diff); got != want {
			t.Errorf("%q: %v", diff, got)
		}
	}
}
