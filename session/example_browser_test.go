package session_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// browser visits a site in the examples: it keeps the site's cookies and prints the
// answers.
type browser struct {
	site    http.Handler
	cookies map[string]*http.Cookie
	second  string
	tokens  map[string]string
}

func newBrowser(site http.Handler) *browser {
	return &browser{site: site, cookies: make(map[string]*http.Cookie)}
}

// send sends a request such as "GET /cart".
func (b *browser) send(request string) {
	method, path, _ := strings.Cut(request, " ")
	b.exchange(request, method, path)
}

func (b *browser) exchange(request, method, path string) {
	r := httptest.NewRequest(method, "https://example.com"+path, nil)
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	fmt.Println(strings.TrimSpace(fmt.Sprintf("%s: %d %.40s", request, w.Code, w.Body)))
}

// remember keeps the token of a form.
func (b *browser) remember(form, token string) {
	if b.tokens == nil {
		b.tokens = make(map[string]string)
	}
	b.tokens[form] = token
}

// post sends a form with its token.
func (b *browser) post(path, form string) {
	query := url.Values{"csrf": {b.tokens[form]}}.Encode()
	b.exchange("POST "+path+" with the token of form "+form, "POST", path+"?"+query)
}

// race sends two requests at once. The second is faster: it is answered while
// the first one's handler is in overtake.
func (b *browser) race(first, second string) {
	b.second = second
	b.send(first)
}

func (b *browser) overtake() {
	if second := b.second; second != "" {
		b.second = ""
		b.send(second)
	}
}

// copy returns a browser with the same cookies.
func (b *browser) copy() *browser {
	return &browser{site: b.site, cookies: maps.Clone(b.cookies)}
}

// must ends the program on an error that is a mistake in it.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
