// Package browser visits the sites of the guides as a browser does: over TLS, with a
// cookie jar, without following redirects.
package browser

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A Browser is one visitor of a site.
type Browser struct {
	URL    string
	Client *http.Client
	tb     testing.TB
	header http.Header
}

// An Answer is a response whose body was read.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// New serves the site and returns a visitor without cookies.
func New(tb testing.TB, site http.Handler) *Browser {
	tb.Helper()
	server := httptest.NewTLSServer(site)
	tb.Cleanup(server.Close)
	b := &Browser{URL: server.URL, Client: server.Client(), tb: tb}
	return b.Other()
}

// Other returns another visitor of the same site, without cookies.
func (b *Browser) Other() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.tb.Fatal(err)
	}
	return b.with(jar)
}

// Thief returns another visitor, who has stolen the present cookies.
func (b *Browser) Thief() *Browser {
	thief := b.Other()
	site, err := url.Parse(b.URL)
	if err != nil {
		b.tb.Fatal(err)
	}
	var stolen []*http.Cookie
	for _, c := range b.Client.Jar.Cookies(site) {
		stolen = append(stolen, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
	}
	thief.Client.Jar.SetCookies(site, stolen)
	return thief
}

func (b *Browser) with(jar http.CookieJar) *Browser {
	client := &http.Client{Transport: b.Client.Transport, Jar: jar}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{URL: b.URL, Client: client, tb: b.tb, header: http.Header{}}
}

// Send adds headers, such as "Origin", "https://evil.example", to every request that
// follows.
func (b *Browser) Send(name, value string) { b.header.Set(name, value) }

// Get requests a page.
func (b *Browser) Get(path string) Answer {
	b.tb.Helper()
	return b.Do(http.MethodGet, path, nil)
}

// Post sends a form with fields such as "name", "ann".
func (b *Browser) Post(path string, fields ...string) Answer {
	b.tb.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.Do(http.MethodPost, path, strings.NewReader(form.Encode()))
}

// Do sends a request. A body is a form unless Send has set another Content-Type.
func (b *Browser) Do(method, path string, body io.Reader) Answer {
	b.tb.Helper()
	req, err := http.NewRequest(method, b.URL+path, body)
	if err != nil {
		b.tb.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range b.header {
		req.Header[name] = values
	}
	res, err := b.Client.Do(req)
	if err != nil {
		b.tb.Error(err)
		return Answer{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.tb.Error(err)
	}
	return Answer{res.StatusCode, res.Header, strings.TrimSpace(string(text))}
}

// Want fails the test if the answer is another one. A redirect is given by its target.
func (a Answer) Want(tb testing.TB, status int, body string) {
	tb.Helper()
	got := a.Body
	if to := a.Header.Get("Location"); to != "" {
		got = to
	}
	if a.Status != status || got != body {
		tb.Errorf("%d %q; want %d %q", a.Status, got, status, body)
	}
}
