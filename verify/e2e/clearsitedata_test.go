package e2e_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// leaveTraces stores something of the site in each place that scripts have.
const leaveTraces = `(async () => {
	localStorage.setItem("note", "secret");
	sessionStorage.setItem("note", "secret");
	await caches.open("notes");
	await new Promise((resolve, reject) => {
		const opening = indexedDB.open("notes");
		opening.onsuccess = () => { opening.result.close(); resolve(); };
		opening.onerror = reject;
	});
	await (await fetch("/notes")).text();
	return "left";
})()`

// traces tells what of it is there.
const traces = `(async () => JSON.stringify({
	local: localStorage.getItem("note") !== null,
	session: sessionStorage.getItem("note") !== null,
	caches: (await caches.keys()).length,
	databases: (await indexedDB.databases()).length,
}))()`

// With Config.ClearSiteData the browser forgets the site at the logout.
func TestALogoutClearsTheData(t *testing.T) {
	const all, none = `{"local":true,"session":true,"caches":1,"databases":1}`, `{"local":false,"session":false,"caches":0,"databases":0}`
	for name, tc := range map[string]struct {
		types    []string
		kept     string
		requests int64 // for the page that may be cached, before the logout and after it
	}{
		"cache and storage": {[]string{"cache", "storage"}, none, 2},
		"storage":           {[]string{"storage"}, none, 1},
		"cache":             {[]string{"cache"}, all, 2},
		"nothing":           {nil, all, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			p := visitSite(t, session.Config{ClearSiteData: tc.types}, func(m *session.Manager) http.Handler {
				mux := http.NewServeMux()
				mux.HandleFunc("GET /notes", func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					w.Header().Set("Cache-Control", "max-age=3600")
					fmt.Fprint(w, "notes")
				})
				mux.Handle("/", m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					switch r.URL.Path {
					case "/login":
						s.Renew()
						s.SetOwner("ann")
					case "/logout":
						s.Destroy()
					}
					showPage(w, `<p id="user">%s</p>`, s.Owner())
				}))
				return mux
			})
			p.open("/login")
			p.signedIn("ann")
			if got := eval[string](p, leaveTraces); got != "left" {
				t.Fatal(got)
			}
			p.open("/")
			if got := eval[string](p, traces); got != all {
				t.Fatalf("before the logout the browser has %s", got)
			}
			eval[string](p, `fetch("/notes").then(r => r.text())`)
			if n := requests.Load(); n != 1 {
				t.Fatalf("the browser has not cached the page: %d requests", n)
			}
			p.open("/logout")
			p.signedIn("")
			if got := eval[string](p, traces); got != tc.kept {
				t.Errorf("after the logout the browser has %s, want %s", got, tc.kept)
			}
			eval[string](p, `fetch("/notes").then(r => r.text())`)
			if n := requests.Load(); n != tc.requests {
				t.Errorf("%d requests for the page that was cached, want %d", n, tc.requests)
			}
		})
	}
}
