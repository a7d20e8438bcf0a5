package main

import (
	"os"
	"strings"
	"testing"
)

// follow rehearses a page without modules of its own.
func follow(t *testing.T, text string) error {
	t.Helper()
	return rehearse(t.TempDir(), page(t, text), t.TempDir(), os.Environ())
}

func TestStepsShareFolderAndVariables(t *testing.T) {
	err := follow(t, "~~~sh\nmkdir a && cd a\nexport X=1\n~~~\n"+
		"<!-- rehearsal: b/c.txt -->\n~~~text\nhello\n~~~\n"+
		"~~~sh\n[ $X = 1 ] && [ $(basename $PWD) = a ] && [ -d ../b ]\n~~~\n"+
		"<!-- rehearsal: in b -->\n~~~sh\ngrep hello c.txt\n~~~\n")
	if err != nil {
		t.Error(err)
	}
}

func TestACommandThatFailsIsReported(t *testing.T) {
	err := follow(t, "~~~sh\necho before\nfalse\necho after\n~~~\n")
	if err == nil || !strings.Contains(err.Error(), "page.md:2") || !strings.Contains(err.Error(), "before\n") {
		t.Error(err)
	}
}

func TestServers(t *testing.T) {
	const program = "<!-- rehearsal: s/main.go -->\n~~~go\npackage main\n\nimport (\n\t\"fmt\"\n\t\"net\"\n\t\"net/http\"\n)\n\n" +
		"func main() {\n\tl, _ := net.Listen(\"tcp\", \"127.0.0.1:0\")\n\tfmt.Printf(\"open http://%s\\n\", l.Addr())\n\tHANDLE\n\thttp.Serve(l, nil)\n}\n~~~\n" +
		"<!-- rehearsal: serves in s -->\n~~~sh\ngo mod init s\ngo run .\n~~~\n"
	ok := strings.Replace(program, "HANDLE", `http.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})`, 1)
	if err := follow(t, ok); err != nil {
		t.Error(err)
	}
	if err := follow(t, strings.Replace(program, "HANDLE", "", 1)); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a server without pages: %v", err)
	}
	if err := follow(t, "<!-- rehearsal: serves -->\n~~~sh\necho hello\n~~~\n"); err == nil || !strings.Contains(err.Error(), "printed no URL") {
		t.Errorf("no server: %v", err)
	}
}
