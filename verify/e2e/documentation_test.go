package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// pkgsite is what pkg.go.dev runs.
const pkgsite = "golang.org/x/pkgsite/cmd/pkgsite@v0.6.0"

// TestDocumentation reads the documentation of all packages as pkg.go.dev shows it.
func TestDocumentation(t *testing.T) {
	needChromium(t)
	root := filepath.Join("..", "..")
	site := startDocumentation(t, root)
	for _, path := range packages(t, root) {
		if page := site.get(t, path); strings.Contains(page, "Internal Server Error") || !strings.Contains(page, "UnitDoc") {
			t.Errorf("%s has no page", path)
		}
	}
	site.wantNoWarnings(t)

	browser, err := theChromium()
	if err != nil {
		t.Fatal(err)
	}
	tab, cancel := chromedp.NewContext(browser.ctx)
	defer cancel()
	ctx, stop := context.WithTimeout(tab, patience)
	defer stop()
	if err := chromedp.Do(ctx, chromedp.Navigate(site.url+"/github.com/holdfast-go/holdfast/session#example-Session.Renew")); err != nil {
		t.Fatal(err)
	}
	titles, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".Documentation-exampleDetails")].map(e => e.id)`))
	if err != nil {
		t.Fatal(err)
	}
	output, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById("example-Session.Renew").innerText`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"example-package", "example-New", "example-Key.Update", "example-Manager.HandlerFunc", "example-Manager.Open", "example-Session.Renew", "example-Session.Token"} {
		if !strings.Contains(strings.Join(titles, " ")+" ", want+" ") {
			t.Errorf("the page of package session lacks %s; it has %q", want, titles)
		}
	}
	if !strings.Contains(output, "please log in") {
		t.Errorf("the output of the example of Renew is %q", output)
	}
}

// packages returns the import paths of the root module's packages that are not internal.
func packages(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for path := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(path, "/internal/") {
			all = append(all, path)
		}
	}
	if len(all) < 10 {
		t.Fatalf("go list finds %q", all)
	}
	return all
}

// documentation is a running pkgsite.
type documentation struct {
	url string
	mu  sync.Mutex
	log bytes.Buffer
}

func (d *documentation) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(p)
}

// startDocumentation starts a pkgsite that shows the module in root, until the test ends.
func startDocumentation(t *testing.T, root string) *documentation {
	t.Helper()
	bin := t.TempDir()
	install := exec.Command("go", "install", pkgsite)
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOWORK=off", "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", pkgsite, err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	d := &documentation{url: "http://" + address}
	cmd := exec.Command(filepath.Join(bin, "pkgsite"), "-list=false", "-http", address, ".")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, d, d
	ended, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		res, err := http.Get(d.url)
		if err == nil {
			_ = res.Body.Close()
			return d
		}
		if time.Now().After(deadline) {
			t.Fatalf("pkgsite does not answer: %v\n%s", err, d.printed())
		}
	}
}

func (d *documentation) printed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// get returns the page of a package.
func (d *documentation) get(t *testing.T, path string) string {
	t.Helper()
	res, err := http.Get(d.url + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Error(fmt.Errorf("%s: %s", path, res.Status))
	}
	return string(page)
}

// wantNoWarnings checks what pkgsite has logged, except that it looks at other sites.
func (d *documentation) wantNoWarnings(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(d.printed()) {
		if strings.Contains(line, ": fetching url from ") {
			continue
		}
		if strings.Contains(line, " Warning: ") || strings.Contains(line, " Error: ") || strings.Contains(line, " Critical: ") {
			t.Error(strings.TrimSpace(line))
		}
	}
}
