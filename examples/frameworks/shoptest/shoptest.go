// Package shoptest tests the apps beside it as their visitors meet them.
package shoptest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// NewManager returns a Manager for a test over plain HTTP.
func NewManager(t *testing.T, cfg session.Config) *session.Manager {
	t.Helper()
	cfg.Cookie.Insecure = true
	m, err := session.New(memory.New(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Serve serves h until the test ends and returns its URL.
func Serve(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// Run visits the app at a URL.
func Run(t *testing.T, url string) {
	for name, test := range map[string]func(*visitor){
		"sign in and out": signInAndOut,
		"basket":          fillBasket,
		"other sites":     crossSite,
		"messages":        messages,
	} {
		t.Run(name, func(t *testing.T) { test(newVisitor(t, url)) })
	}
}

type visitor struct {
	t      *testing.T
	url    string
	client *http.Client
}

func newVisitor(t *testing.T, url string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t, url, &http.Client{Jar: jar, Transport: transport}}
}

// send sends a form, or gets a page if form is nil, and follows the redirect. It returns
// the status and the page.
func (v *visitor) send(path string, form url.Values, header ...string) (int, string) {
	method := http.MethodPost
	if form == nil {
		method = http.MethodGet
	}
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Error(err)
		return 0, ""
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Error(err)
	}
	return res.StatusCode, string(page)
}

// see sends a request and checks the status and that the page contains a text.
func (v *visitor) see(path string, form url.Values, status int, text string, header ...string) {
	v.t.Helper()
	if got, page := v.send(path, form, header...); got != status || !strings.Contains(page, text) {
		v.t.Errorf("%s: %d, want %d and %q in\n%s", path, got, status, text, page)
	}
}

func (v *visitor) cookies() []*http.Cookie {
	at, _ := url.Parse(v.url)
	return v.client.Jar.Cookies(at)
}

var (
	ada   = url.Values{"name": {"ada"}, "password": {"engine"}}
	wrong = url.Values{"name": {"ada"}, "password": {"compiler"}}
	none  = url.Values{}
)

func signInAndOut(v *visitor) {
	v.see("/", nil, 200, "Password")
	v.see("/login", wrong, 200, "do not match")
	v.see("/login", url.Values{"name": {"nobody"}, "password": {"nobody's password"}}, 200, "do not match")
	before := v.cookies()
	v.see("/login", ada, 200, "Signed in as ada")
	in := v.cookies()
	if len(before) != 1 || len(in) != 1 || before[0].Value == in[0].Value {
		v.t.Errorf("the login has left the cookie %v as %v", before, in)
	}
	v.see("/logout", none, 200, "You are signed out.")
	at, _ := url.Parse(v.url)
	v.client.Jar.SetCookies(at, in)
	v.see("/", nil, 200, "Password") // the old cookie opens no session
}

func fillBasket(v *visitor) {
	v.see("/basket/tea", none, 200, "Please sign in first.")
	v.see("/login", ada, 200, "Signed in as ada")
	var clicks sync.WaitGroup
	for range 20 {
		clicks.Go(func() {
			if status, page := v.send("/basket/tea", none); status != 200 {
				v.t.Errorf("%d %s", status, page)
			}
		})
	}
	clicks.Wait()
	v.see("/", nil, 200, "20 × tea")
	v.see("/basket/gold", none, 404, "")
	v.see("/nowhere", nil, 404, "")
}

func crossSite(v *visitor) {
	v.see("/login", ada, 200, "Signed in as ada")
	v.see("/basket/tea", none, 403, "", "Sec-Fetch-Site", "cross-site")
	v.see("/logout", none, 403, "", "Origin", "https://evil.example")
	v.see("/basket/coffee", none, 200, "1 × coffee", "Sec-Fetch-Site", "same-origin")
	if _, page := v.send("/", nil); strings.Contains(page, "tea</li>") {
		v.t.Errorf("a page of another site has filled the basket:\n%s", page)
	}
}

// A message is shown once, also if several tabs are opened at once.
func messages(v *visitor) {
	v.see("/login", ada, 200, "You are signed in.")
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.see("/basket/tea", none, 303, "")
	var tabs sync.WaitGroup
	shown := make(chan int, 10)
	for range cap(shown) {
		tabs.Go(func() {
			status, page := v.send("/", nil)
			if status != 200 {
				v.t.Errorf("%d %s", status, page)
			}
			shown <- strings.Count(page, "In your basket: tea")
		})
	}
	tabs.Wait()
	close(shown)
	sum := 0
	for n := range shown {
		sum += n
	}
	if sum != 1 {
		v.t.Errorf("the message was shown %d times", sum)
	}
}
