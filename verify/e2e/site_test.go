package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// visitSite serves an app of one test, and opens a tab of a visitor without cookies. Over
// plain HTTP, Chromium keeps Secure cookies of localhost, and obeys Clear-Site-Data of it.
func visitSite(t *testing.T, cfg session.Config, routes func(*session.Manager) http.Handler) *tab {
	t.Helper()
	needChromium(t)
	m, err := session.New(memory.New(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(routes(m))
	t.Cleanup(server.Close)
	c, err := theChromium()
	if err != nil {
		t.Fatal(err)
	}
	return newTab(t, &shop{url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}, c.ctx, chromedp.WithNewBrowserContext())
}

// showPage answers with a page.
func showPage(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,">`+format, args...)
}
