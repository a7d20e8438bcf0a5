package main

import (
	"crypto/rand"
	"crypto/subtle"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
)

// oneTimeLogin serves a handler to the one browser that has opened the one-time address.
// The token in that address is exchanged for a cookie once: a copy of the address, in the
// history of the browser or of the terminal, is then worth nothing.
type oneTimeLogin struct {
	host   string // host:port that requests must name, against DNS rebinding
	next   http.Handler
	token  string // in the address
	secret string // in the cookie
	used   atomic.Bool
}

func newOneTimeLogin(host string, next http.Handler) *oneTimeLogin {
	return &oneTimeLogin{host: host, next: next, token: rand.Text(), secret: rand.Text()}
}

// loginPath is the path of the one-time address.
const loginPath = "/login"

func (l *oneTimeLogin) url() string {
	return (&url.URL{Scheme: "http", Host: l.host, Path: loginPath, RawQuery: url.Values{"token": {l.token}}.Encode()}).String()
}

// cookieName contains the port, because browsers do not keep the cookies of two ports apart.
func (l *oneTimeLogin) cookieName() string {
	_, port, _ := net.SplitHostPort(l.host)
	return "holdfast-admin-" + port
}

func (l *oneTimeLogin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != l.host:
		refuse(w, http.StatusMisdirectedRequest, "Open the page at the address that holdfast admin has printed.")
	case r.URL.Path == loginPath:
		l.login(w, r)
	case l.knows(r):
		l.next.ServeHTTP(w, r)
	default:
		refuse(w, http.StatusForbidden, "Open the address that holdfast admin has printed. It works once: if it was opened before, run holdfast admin again.")
	}
}

// login exchanges the token for the cookie.
func (l *oneTimeLogin) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") != "" { // nobody looks at a prefetched page
		refuse(w, http.StatusMethodNotAllowed, "Open this address in a browser.")
		return
	}
	if !equal(r.URL.Query().Get("token"), l.token) || !l.used.CompareAndSwap(false, true) {
		if l.knows(r) { // the browser that has the cookie, by its history
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		refuse(w, http.StatusForbidden, "This address was opened before, or is another one than holdfast admin has printed. Run holdfast admin again.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: l.cookieName(), Value: l.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// knows reports whether the request comes from the browser that has opened the address.
func (l *oneTimeLogin) knows(r *http.Request) bool {
	cookie, err := r.Cookie(l.cookieName())
	return err == nil && equal(cookie.Value, l.secret)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

var refusal = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Holdfast admin</title>
<h1>No access</h1><p>{{.}}</p></html>
`))

func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = refusal.Execute(w, text)
}
