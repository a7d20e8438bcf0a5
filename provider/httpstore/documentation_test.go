package httpstore_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
)

// The commands in docs/httpstore.md print what the page says.
func TestDocumentation(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("HOLDFAST_TEST_NOSKIP") == "1" {
			t.Fatal("install curl")
		}
		t.Skip("install curl")
	}
	text, err := os.ReadFile("../../docs/httpstore.md")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler(t, memory.New()))
	t.Cleanup(server.Close)
	script, want := "", ""
	for _, block := range strings.Split(string(text), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script += command
			} else {
				want += line
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Env = append(os.Environ(), "STORE="+server.URL, "HOLDFAST_TOKEN="+token)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(string(out)); got != lines(want) {
		t.Errorf("got\n%s\nwant\n%s", got, lines(want))
	}
}

// lines joins the lines that are not empty: curl ends no body with one.
func lines(text string) (joined string) {
	text = strings.ReplaceAll(text, "HTTP/1.1 ", "\nHTTP/1.1 ")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			joined += line + "\n"
		}
	}
	return joined
}
