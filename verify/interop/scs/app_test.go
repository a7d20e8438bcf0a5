package scs_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// At most 3 lines of the app differ after the move, beside the comment of the package.
func TestMovedLines(t *testing.T) {
	before, after := code(t, "scsapp"), code(t, "movedapp")
	if len(before) != len(after) {
		t.Fatalf("%d lines before, %d after", len(before), len(after))
	}
	var changed []string
	for i := range before {
		if before[i] != after[i] {
			changed = append(changed, before[i]+"\n"+after[i])
		}
	}
	if len(changed) == 0 || len(changed) > 3 {
		t.Errorf("%d lines differ:\n%s", len(changed), strings.Join(changed, "\n"))
	}
}

// code returns the lines from the package clause on.
func code(t *testing.T, name string) []string {
	lines := strings.Split(read(t, filepath.Join(name, "main.go")), "\n")
	return lines[slices.Index(lines, "package main"):]
}

// Both apps show a visitor the same pages.
func TestMovedApp(t *testing.T) {
	var pages []string
	for _, name := range []string{"scsapp", "movedapp"} {
		v := newVisitor(t, start(t, name))
		var shown strings.Builder
		for _, step := range []struct {
			path string
			form url.Values
		}{
			{"/", nil},
			{"/cart", url.Values{"item": {"eggs"}}},
			{"/cart", url.Values{"item": {"milk"}}},
			{"/login", url.Values{"name": {"Ann"}, "remember": {"on"}}},
			{"/", nil},
			{"/cart", url.Values{"item": {"eggs"}}},
			{"/logout", url.Values{}},
			{"/", nil},
			{"/cart", url.Values{"item": {"tea"}}},
		} {
			fmt.Fprintf(&shown, "%s: %s", step.path, v.visit(step.path, step.form))
			fmt.Fprintln(&shown, "cookie:", v.has("session"))
		}
		pages = append(pages, shown.String())
	}
	if pages[0] != pages[1] {
		t.Errorf("before:\n%s\nafter:\n%s", pages[0], pages[1])
	}
	if !strings.Contains(pages[0], "Welcome, Ann\nuser Ann\ncart map[eggs:1 milk:1] total 2\n") {
		t.Errorf("pages:\n%s", pages[0])
	}
}

// After the move, each request whose change is lost answers 409, and no other change is
// lost.
func TestMovedAppLosesNoUpdate(t *testing.T) {
	for _, name := range []string{"scsapp", "movedapp"} {
		v := newVisitor(t, start(t, name))
		v.visit("/cart", url.Values{"item": {"eggs"}})
		var mu sync.Mutex
		acknowledged, conflicts := 1, 0
		for range 20 {
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					res := v.post("/cart", url.Values{"item": {"eggs"}})
					mu.Lock()
					defer mu.Unlock()
					switch res.StatusCode {
					case http.StatusSeeOther:
						acknowledged++
					case http.StatusConflict:
						conflicts++
					default:
						t.Errorf("status %d", res.StatusCode)
					}
				})
			}
			wg.Wait()
		}
		page := v.visit("/", nil)
		var counted, total int
		if _, err := fmt.Sscanf(page, "cart map[eggs:%d] total %d", &counted, &total); err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		t.Logf("%s: %d acknowledged, %d conflicts, %d lost", name, acknowledged, conflicts, acknowledged-counted)
		if name == "movedapp" && (counted != acknowledged || total != acknowledged) {
			t.Errorf("%d and %d counted, %d acknowledged", counted, total, acknowledged)
		}
	}
}

// start builds the app and runs it over a Redis server of its own. It returns its URL.
func start(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	output(t, ".", "go", "build", "-o", program, "./"+name)
	addr := testserver.FreeAddr(t)
	cmd := exec.Command(program, "-addr", addr, "-redis", "redis://"+testserver.Redis(t).Addr)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, log.Bytes())
		}
	})
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// visitor is a browser.
type visitor struct {
	t      *testing.T
	url    string
	client *http.Client // follows no redirect
}

func newVisitor(t *testing.T, at string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, at, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// visit gets a page, or posts a form and gets the page that it redirects to.
func (v *visitor) visit(path string, form url.Values) string {
	v.t.Helper()
	if form != nil {
		res := v.post(path, form)
		if res.StatusCode != http.StatusSeeOther {
			v.t.Fatalf("POST %s: status %d", path, res.StatusCode)
		}
		path = res.Header.Get("Location")
	}
	res, err := v.client.Get(v.url + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: status %d, %v", path, res.StatusCode, err)
	}
	return string(body)
}

func (v *visitor) post(path string, form url.Values) *http.Response {
	res, err := v.client.PostForm(v.url+path, form)
	if err != nil {
		v.t.Error(err)
		return &http.Response{}
	}
	_ = res.Body.Close()
	return res
}

// has reports whether the visitor holds the cookie.
func (v *visitor) has(name string) bool { return v.cookie(name) != "" }

func (v *visitor) cookie(name string) string {
	u, err := url.Parse(v.url)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}
