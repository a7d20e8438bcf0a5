package binding_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/binding"
	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestSite(t *testing.T) {
	site, err := binding.New(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	h, browser := site.Routes(), dbsctest.New()
	browser.Do(h, "POST", "/login?user=ann")
	want(t, browser.Do(h, "GET", "/"), "ann, bound")
	want(t, browser.Do(h, "POST", "/pay"), "paid by ann")

	thief := browser.Thief()
	delete(thief.Cookies, "__Host-session-bound")
	want(t, thief.Do(h, "GET", "/"), ", none")
	if res := thief.Do(h, "POST", "/pay"); res.StatusCode != http.StatusForbidden {
		t.Errorf("the thief pays: %s", res.Status)
	}
}

func want(t *testing.T, res *http.Response, text string) {
	t.Helper()
	if body, _ := io.ReadAll(res.Body); string(body) != text {
		t.Errorf("got %s %q; want %q", res.Status, body, text)
	}
}
