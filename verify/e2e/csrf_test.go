package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The page is on another port. For a cookie's SameSite that is the same site, if
// only the host is the shop's: so this is not left to SameSite.
func TestAPostFromAnotherOriginIsRefused(t *testing.T) {
	p := visit(t)
	name := p.signUp()
	p.add("Rope")
	forger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><form method="post" action="%s/signout"><button>Win a prize</button></form>`, p.shop.url)
	}))
	t.Cleanup(forger.Close)

	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run(host, func(t *testing.T) {
			b := p.in(t).another()
			b.load(200, navigate(strings.Replace(forger.URL, "127.0.0.1", host, 1)))
			b.load(403, click("button"))
			b.open("/")
			b.signedIn(name)
			b.says("#count-rope", "1")
		})
	}
}
