package session_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpChrome is the beginning of the User-Agents of browsers.
const httpChrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// Browsers drop a Secure cookie that arrives over plain HTTP, except from localhost.
func TestHTTPSecureCookieAboutToBeLostIsLoggedOnce(t *testing.T) {
	for _, c := range []struct {
		rule, host, header, value string
		logged                    int
	}{
		{"another host", "example.com", "", "", 1},
		{"another host with a port", "example.com:8080", "", "", 1},
		{"another address", "192.0.2.1:8080", "", "", 1},
		{"localhost", "localhost:8080", "", "", 0},
		{"a host below localhost", "app.localhost", "", "", 0},
		{"127.0.0.1", "127.0.0.1:8080", "", "", 0},
		{"::1", "[::1]:8080", "", "", 0},

		{"a browser that would keep it", "example.com", "Sec-Fetch-Site", "none", 0},
		{"no browser", "example.com", "User-Agent", "Go-http-client/1.1", 0},

		{"X-Forwarded-Proto https", "example.com", "X-Forwarded-Proto", "https", 0},
		{"X-Forwarded-Proto HTTPS", "example.com", "X-Forwarded-Proto", "HTTPS", 0},
		{"X-Forwarded-Proto https, http", "example.com", "X-Forwarded-Proto", "https, http", 0},
		{"X-Forwarded-Proto https,http", "example.com", "X-Forwarded-Proto", "https,http", 0},
		{"X-Forwarded-Proto http,https", "example.com", "X-Forwarded-Proto", "http,https", 0},
		{"X-Forwarded-Proto wss", "example.com", "X-Forwarded-Proto", "wss", 0},
		{"X-Forwarded-Proto http", "example.com", "X-Forwarded-Proto", "http", 1},
		{"X-Forwarded-Proto ws", "example.com", "X-Forwarded-Proto", "ws", 1},
		{"X-Forwarded-Protocol https", "example.com", "X-Forwarded-Protocol", "https", 0},
		{"X-Forwarded-Scheme https", "example.com", "X-Forwarded-Scheme", "https", 0},
		{"X-Forwarded-Scheme http", "example.com", "X-Forwarded-Scheme", "http", 1},
		{"X-Url-Scheme https", "example.com", "X-Url-Scheme", "https", 0},
		{"X-Scheme https", "example.com", "X-Scheme", "https", 0},
		{"CloudFront-Forwarded-Proto https", "example.com", "CloudFront-Forwarded-Proto", "https", 0},
		{"CF-Visitor https", "example.com", "CF-Visitor", `{"scheme":"https"}`, 0},
		{"CF-Visitor http", "example.com", "CF-Visitor", `{"scheme":"http"}`, 1},
		{"Forwarded https", "example.com", "Forwarded", "for=192.0.2.1;proto=https;by=203.0.113.4", 0},
		{"Forwarded https in quotes", "example.com", "Forwarded", `for=192.0.2.1;Proto="https"`, 0},
		{"Forwarded https of the second of two", "example.com", "Forwarded", "for=192.0.2.1, for=192.0.2.2;proto=https", 0},
		{"Forwarded http", "example.com", "Forwarded", "for=192.0.2.1;proto=http", 1},
		{"Forwarded http for a host that is named https", "example.com", "Forwarded", "proto=http;host=https.example.com", 1},
		{"X-Forwarded-Ssl on", "example.com", "X-Forwarded-Ssl", "on", 0},
		{"X-Forwarded-Ssl off", "example.com", "X-Forwarded-Ssl", "off", 1},
		{"Front-End-Https on", "example.com", "Front-End-Https", "On", 0},
		{"Fastly-SSL 1", "example.com", "Fastly-SSL", "1", 0},
		{"Fastly-SSL 0", "example.com", "Fastly-SSL", "0", 1},
		{"X-AppEngine-Https on", "example.com", "X-AppEngine-Https", "on", 0},
		{"X-ARR-SSL with a certificate", "example.com", "X-ARR-SSL", "2048|256|C=US", 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			env, logged := httpNew(t, session.Config{}), new(httpLog)
			m, err := session.New(env.store, session.Config{SigningKeys: [][]byte{httpSigningKey}, Logger: slog.New(logged)})
			if err != nil {
				t.Fatal(err)
			}
			site := env.serve(t, httpProto1, m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				httpName.Set(s, "lost?")
			}))
			for range 3 {
				req, _ := http.NewRequest("GET", site.srv.URL, nil)
				req.Host = c.host
				req.Header.Set("User-Agent", httpChrome)
				if c.header != "" {
					req.Header.Set(c.header, c.value)
				}
				a, err := site.visitor(t).send(req)
				if err != nil {
					t.Fatal(err)
				}
				httpPage(t, a, 200, "", 1)
			}
			if n := logged.count(slog.LevelWarn); n != c.logged {
				t.Errorf("logged %d times, want %d", n, c.logged)
			}
		})
	}
}

// When a page of another site makes the browser post here, the Lax cookie is not sent,
// and a change begins a session that replaces the visitor's own.
func TestHTTPSessionBegunFromAnotherSiteIsLoggedOnce(t *testing.T) {
	set := func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { httpName.Set(s, "begun") }
	destroy := func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() }
	for _, c := range []struct {
		rule, method string
		header       []string
		mode         http.SameSite
		known        bool // the cookie was sent all the same
		do           httpLeaf
		logged       int
	}{
		{"a form of another site's", "POST", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, false, set, 1},
		{"with the cookie", "POST", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, true, set, 0},
		{"with the cookie, which it renews", "POST", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, true, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Renew() }, 0},
		{"that ends the session of its cookie", "POST", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, true, destroy, 0},
		{"that sets nothing", "POST", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, false, func(http.ResponseWriter, *http.Request, *session.Session) {}, 0},
		{"that ends a session", "POST", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, false, destroy, 0},
		{"a link of another site's", "GET", []string{"cross-site", "navigate"}, http.SameSiteLaxMode, false, set, 0},
		{"a link of another site's, Strict", "GET", []string{"cross-site", "navigate"}, http.SameSiteStrictMode, false, set, 1},
		{"a form of another site's, None", "POST", []string{"cross-site", "navigate"}, http.SameSiteNoneMode, false, set, 0},
		{"a script of another site's, whose cookie browsers do not keep", "POST", []string{"cross-site", "no-cors"}, http.SameSiteLaxMode, false, set, 0},
		{"a form of the same site's", "POST", []string{"same-origin", "navigate"}, http.SameSiteLaxMode, false, set, 0},
		{"a browser that does not say", "POST", []string{"", ""}, http.SameSiteLaxMode, false, set, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			env, logged := httpNew(t, session.Config{}), new(httpLog)
			m, err := session.New(env.store, session.Config{
				SigningKeys: [][]byte{httpSigningKey},
				Logger:      slog.New(logged),
				Cookie:      session.Cookie{SameSite: c.mode},
			})
			if err != nil {
				t.Fatal(err)
			}
			mux := http.NewServeMux()
			mux.HandleFunc("/begin", m.HandlerFunc(set))
			mux.HandleFunc("/", m.HandlerFunc(c.do))
			site := env.serve(t, httpProto2, mux)
			for range 3 {
				v := site.visitor(t)
				if c.known {
					v.get("/begin")
				}
				req, _ := http.NewRequest(c.method, site.srv.URL, nil)
				req.Header.Set("Sec-Fetch-Site", c.header[0])
				req.Header.Set("Sec-Fetch-Mode", c.header[1])
				if a, err := v.send(req); err != nil || a.status != 200 {
					t.Errorf("%v, %v", a, err)
				}
			}
			if n := logged.countText("another site"); n != c.logged {
				t.Errorf("logged %d times, want %d", n, c.logged)
			}
		})
	}
}
