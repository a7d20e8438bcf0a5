package frameworktest

import "strings"

func bearer(v *visitor) {
	token := v.expect("POST /login", 200, "", "Authorization", "Bearer").body
	in := []string{"Authorization", "Bearer " + token}
	if res := v.expect("POST /add", 200, "count 1", in...); len(res.Cookies()) != 0 ||
		!strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Authorization") {
		v.t.Errorf("a request with a header got %v", res.Header)
	}
	v.expect("GET /show", 200, `count 1 user "ada"`, in...)

	res := v.expect("POST /login", 200, "", in...) // renews
	renewed := res.Header.Get("Session-Token")
	if renewed == "" || renewed == token || renewed != res.body || len(res.Cookies()) != 0 {
		v.t.Errorf("a renewal got Session-Token %q, the body %q and the cookies %v", renewed, res.body, res.Cookies())
	}
	v.expect("GET /show", 200, "count 0", in...)
	in[1] = "Bearer " + renewed
	v.expect("GET /show", 200, "count 1", in...)

	if res := v.expect("POST /logout", 200, "bye", in...); res.Header["Session-Token"] == nil || res.Header.Get("Session-Token") != "" {
		v.t.Errorf("a logout got %v", res.Header)
	}
	v.expect("GET /show", 200, "count 0", in...)

	v.expect("POST /add", 200, "count 1") // cookies work beside it
	v.expect("POST /add", 200, "count 2")
}

func headerOnly(v *visitor) {
	res := v.expect("POST /add", 200, "count 1")
	token := res.Header.Get("X-Session-Token")
	if token == "" || len(res.Cookies()) != 0 {
		v.t.Errorf("the first response has %v", res.Header)
	}
	v.expect("POST /add", 200, "count 2", "X-Session-Token", token)
	v.expect("GET /show", 200, "count 2", "X-Session-Token", token)
	v.expect("GET /show", 200, "count 0", "Cookie", "session="+token)
}

func severalHeaders(v *visitor) {
	token := v.expect("POST /login", 200, "", "Authorization", "Bearer").body
	v.expect("GET /show", 200, `user "ada"`, "Authorization", "Bearer "+token)
	before := v.a.Store.Trips()
	v.expect("GET /show", 200, `user ""`, "Authorization", "Bearer "+token, "Authorization", "Bearer "+token)
	v.expect("GET /show", 200, `user ""`, "Authorization", "Bearer forged")
	if n := v.a.Store.Trips() - before; n != 0 {
		v.t.Errorf("%d trips for headers that stand for no session", n)
	}
}

// sent is the header of a request with the cookies of several visitors.
func sent(visitors ...*visitor) string {
	var pairs []string
	for _, v := range visitors {
		for _, c := range v.cookies() {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

func severalCookies(v *visitor) {
	dead := v.other()
	dead.expect("POST /add", 200, "count 1")
	header := sent(dead)
	dead.expect("POST /logout", 200, "bye")
	v.expect("POST /add", 200, "count 1")
	v.expect("POST /add", 200, "count 2")
	v.other().expect("GET /show", 200, "count 2", "Cookie", header+"; "+sent(v))
}

func rivals(v *visitor) {
	a, b := v.other(), v.other()
	a.expect("POST /add", 200, "count 1")
	b.expect("POST /add", 200, "count 1")
	v.expect("GET /show", 200, "count 0", "Cookie", sent(a, b)) // nobody knows whose it is
	req := v.request("POST /logout", "", "Cookie", sent(a, b))
	req.Host = "app.example.com" // an IP address has no parent domains
	res := v.do(req)
	scopes := map[string]bool{}
	for _, c := range res.Cookies() {
		if c.MaxAge >= 0 || c.Value != "" {
			v.t.Errorf("the logout sets %v", c)
		}
		scopes[c.Domain+c.Path] = true
	}
	if len(scopes) < 3 {
		v.t.Errorf("the logout clears %v, want several scopes", res.Header["Set-Cookie"])
	}
	a.expect("GET /show", 200, "count 0")
	b.expect("GET /show", 200, "count 0")
}
