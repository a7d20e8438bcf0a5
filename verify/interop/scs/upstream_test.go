package scs_test

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

//go:embed testdata/shim.go.txt
var shim embed.FS

// rewrites adapt scs's tests, which look into the SessionManager, to a shim over
// scsholdfast. Each must match.
var rewrites = []struct {
	file, old, with string
	why             string
}{
	{
		"data_test.go", `sd\.status\b`, `sd.nowStatus()`,
		"the state is not in a struct of the test's package",
	},
	{
		"data_test.go", `, ok (:?=) sd\.values\["(\w+)"\]`, `, ok $1 sd.lookup("$2")`,
		"the values are not in a map",
	},
	{
		"data_test.go", `(if |, )sd\.values\["(\w+)"\]( !=|, )`, `${1}sd.value("$2")$3`,
		"the values are not in a map",
	},
	{
		"data_test.go", `context\.WithValue\(context\.Background\(\), s\.contextKey, `, `s.addSessionDataToContext(context.Background(), `,
		"the key of the context is private to scsholdfast",
	},
	{
		"data_test.go", `(\w+)\.Value\(s\.contextKey\)\.\(\*sessionData\)`, `s.dataIn($1)`,
		"the key of the context is private to scsholdfast",
	},
	{
		"data_test.go", `expected := "example"`, `expected := exampleToken`,
		"only a token of the length that scs gives to tokens is looked for in the store of scs",
	},
	{
		"data_test.go", `expectedToken := "[^"]+"`, `expectedToken := s.storedToken()`,
		"no session can have a token that the test makes up",
	},
	{
		"session_test.go", `\btime\.(Millisecond|Second)\b`, `5*time.$1`,
		"a busy machine may take longer than the margins of these tests",
	},
	{
		"session_test.go", `token2 := extractTokenFromCookie\(header\.Get\("Set-Cookie"\)\)`, `token2 := ts.heldToken(t)`,
		"a cookie that has not changed is not sent again: it could replace a newer one of a parallel request",
	},
}

// leftOut are the tests of scs that do not apply.
var leftOut = []struct{ test, why string }{
	{
		"TestSessionManager_Load/happy_path",
		"a session in the store of scs is imported and gets a token of its own: TestImport",
	},
	{
		"TestSessionManager_Commit/with_expired_deadline",
		"it saves a session with an idle timeout of a millisecond under a token that it makes up",
	},
	{
		"TestSessionManager_Commit/with_error_committing_to_store",
		"it expects the bytes that scs passes to its store: TestStoreFails in adapters/scsholdfast",
	},
}

// Every other test of scs passes over scsholdfast.
func TestOfSCS(t *testing.T) {
	source := output(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/alexedwards/scs/v2")
	dir := t.TempDir()
	for _, name := range []string{"session_test.go", "data_test.go", "session_go120_test.go"} {
		write(t, filepath.Join(dir, name), adapted(t, name, read(t, filepath.Join(source, name))))
	}
	text, err := shim.ReadFile("testdata/shim.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "shim_test.go"), string(text))
	write(t, filepath.Join(dir, "go.mod"), read(t, "go.mod")+replacements(t))
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))

	var skip []string
	for _, l := range leftOut {
		var parts []string
		for part := range strings.SplitSeq(l.test, "/") {
			parts = append(parts, "^"+part+"$")
		}
		skip = append(skip, strings.Join(parts, "/"))
		t.Logf("left out: %s: %s", l.test, l.why)
	}
	got := output(t, dir, "go", "test", "-count=1", "-v", "-skip", strings.Join(skip, "|"), ".")
	for _, want := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(read(t, filepath.Join(source, "session_test.go"))+read(t, filepath.Join(source, "data_test.go")), -1) {
		if !strings.Contains(got, "--- PASS: "+want[1]+" ") {
			t.Errorf("%s has not passed", want[1])
		}
	}
	ran := len(regexp.MustCompile(`(?m)^ *--- PASS: `).FindAllString(got, -1))
	if strings.Contains(got, "--- SKIP") || ran < 40 {
		t.Errorf("%d tests passed, or some were skipped:\n%s", ran, got)
	}
	t.Logf("%d tests and subtests of scs pass", ran)
}

// adapted returns a file of scs's tests after the rewrites.
func adapted(t *testing.T, name, text string) string {
	for _, r := range rewrites {
		if r.file != name {
			continue
		}
		old := regexp.MustCompile(r.old)
		if !old.MatchString(text) {
			t.Errorf("%s: nothing matches %s", name, r.old)
		}
		text = old.ReplaceAllString(text, r.with)
	}
	return text
}

// replacements returns the lines of a go.mod that replace the modules of the repository.
func replacements(t *testing.T) (lines string) {
	for module, dir := range map[string]string{
		"github.com/holdfast-go/holdfast":                      "../../..",
		"github.com/holdfast-go/holdfast/adapters/scsholdfast": "../../../adapters/scsholdfast",
	} {
		path, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		lines += fmt.Sprintf("\nreplace %s => %q\n", module, path)
	}
	return lines
}

func output(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if dir != "." {
		cmd.Env = append(os.Environ(), "GOWORK=off")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
