package frameworktest

import (
	"net/http"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

func firstCookie(v *visitor) {
	res := v.expect("POST /add", 200, "count 1")
	cookies := res.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" {
		v.t.Errorf("the first response sets %v", cookies)
	}
	if got := res.Header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		v.t.Errorf("the first response has Cache-Control %q", got)
	}
	res = v.expect("POST /add", 200, "count 2")
	if len(res.Cookies()) != 0 {
		v.t.Errorf("the second response sets %v", res.Cookies())
	}
	if got := strings.Join(res.Header.Values("Vary"), ", "); !strings.Contains(got, "Cookie") {
		v.t.Errorf("the second response has Vary %q", got)
	}
	v.expect("GET /show", 200, "count 2")
}

func file(v *visitor) {
	if res := v.expect("GET /file", 200, FileContent); len(res.Cookies()) != 1 || len(res.body) != len(FileContent) {
		v.t.Errorf("%d bytes with the cookies %v", len(res.body), res.Cookies())
	}
	v.expect("GET /show", 200, "count 1")
}

func empty(v *visitor) {
	if res := v.expect("POST /empty", 204, ""); len(res.Cookies()) != 1 {
		v.t.Errorf("204 with the cookies %v", res.Cookies())
	}
	v.expect("GET /show", 200, "count 1")
	v.logged("/empty", 204)
}

func trips(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	for _, c := range []struct {
		route string
		text  string
		trips int64
	}{
		{"GET /none", "none", 0},
		{"GET /show", "count 1", 1},
		{"POST /add", "count 2", 2},
	} {
		before := v.a.Store.Trips()
		v.expect(c.route, 200, c.text)
		if got := v.a.Store.Trips() - before; got != c.trips {
			v.t.Errorf("%s took %d trips, want %d", c.route, got, c.trips)
		}
	}
}

func notFound(v *visitor) {
	res := v.expect("GET /nowhere", 404, "")
	if !strings.Contains(strings.ToLower(res.body), "not found") || len(res.Cookies()) != 0 {
		v.t.Errorf("404 with %q and the cookies %v", res.body, res.Cookies())
	}
	v.logged("/nowhere", 404)
}

func nested(v *visitor) {
	if res := v.expect("POST /nested/add", 200, "count 1"); len(res.Cookies()) != 1 {
		v.t.Errorf("the response sets %v", res.Cookies())
	}
	v.expect("POST /nested/add", 200, "count 2")
	if got := v.a.statuses("/nested/add"); len(got) != 2 || got[1] != 200 {
		v.t.Errorf("the framework's logger saw %v", got)
	}
}

func loginLogout(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	old := v.cookies()
	v.expect("POST /login", 200, "")
	v.expect("GET /show", 200, `count 1 user "ada"`)
	in := v.cookies()
	v.withCookies(old).expect("GET /show", 200, `count 0 user ""`)

	if res := v.expect("POST /logout", 200, "bye"); len(res.Cookies()) != 1 || res.Cookies()[0].MaxAge >= 0 {
		v.t.Errorf("the logout sets %v", res.Cookies())
	}
	if len(v.cookies()) != 0 {
		v.t.Errorf("after the logout the browser has %v", v.cookies())
	}
	v.withCookies(in).expect("GET /show", 200, `count 0 user ""`)
}

func passive(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	before := v.a.Store.Saves.Load()
	saved := func() bool { return v.a.Store.Saves.Load() != before }
	for range 20 {
		v.expect("GET /poll", 200, "count 1")
	}
	if saved() {
		v.t.Error("a passive request extended the session")
	}
	for tries := 0; !saved(); tries++ { // an expiry has milliseconds
		if tries == 10_000 {
			v.t.Fatal("no ordinary request extended the session: the test shows nothing")
		}
		v.expect("GET /show", 200, "count 1")
	}
}

// withCookies returns another visitor who sends these cookies.
func (v *visitor) withCookies(cookies []*http.Cookie) *visitor {
	o := v.other()
	o.client.Jar.SetCookies(o.request("GET /", "").URL, cookies)
	return o
}

// errorHandlerConfig answers failed requests with JSON.
func errorHandlerConfig() session.Config {
	return session.Config{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(session.StatusCode(err))
		_, _ = w.Write([]byte(`{"path":"` + r.URL.Path + `"}`))
	}}
}
