package httpstore_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestURLs(t *testing.T) {
	for url, valid := range map[string]bool{
		"https://host":               true,
		"https://host:8443/a/b/":     true,
		"http://localhost:8090":      true,
		"http://127.0.0.1:8090/":     true,
		"http://[::1]:8090":          true,
		"unix:///run/holdfast.sock":  true,
		"http://host":                false,
		"http://10.0.0.1":            false,
		"http://localhost.evil.test": false,
		"":                           false,
		"host:8090":                  false,
		"https://":                   false,
		"https://:8090":              false,
		"https://u:secret@host":      false,
		"https://secret@host":        false,
		"https://host/?token=secret": false,
		"https://host/?":             false,
		"https://host/#secret":       false,
		"https:secret":               false,
		"ftp://secret":               false,
		"unix://secret/x.sock":       false,
		"unix:///":                   false,
		"unix:secret.sock":           false,
		"https://secret\x7f":         false,
		"https://secret:port":        false,
	} {
		p, err := httpstore.New(url, httpstore.Options{Token: token})
		if (err == nil) != valid {
			t.Errorf("New(%q): got error %v, want none: %t", url, err, valid)
		}
		if err != nil && (p != nil || strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "httpstore: ")) {
			t.Errorf("New(%q): got error %q", url, err)
		}
	}
	if _, err := httpstore.New("http://host", httpstore.Options{PlainHTTP: true}); err != nil {
		t.Errorf("PlainHTTP: got error %v", err)
	}
}

func TestTokens(t *testing.T) {
	for name, tc := range map[string]struct {
		options httpstore.HandlerOptions
		valid   bool
	}{
		"a token":            {httpstore.HandlerOptions{Token: "0123456789abcdef"}, true},
		"more tokens":        {httpstore.HandlerOptions{Token: token, MoreTokens: []string{token + "2"}}, true},
		"only more tokens":   {httpstore.HandlerOptions{MoreTokens: []string{token}}, true},
		"no token is needed": {httpstore.HandlerOptions{NoToken: true}, true},
		"none":               {httpstore.HandlerOptions{}, false},
		"both":               {httpstore.HandlerOptions{Token: token, NoToken: true}, false},
		"a short one":        {httpstore.HandlerOptions{Token: "secret789abcdef"}, false},
		"an empty one":       {httpstore.HandlerOptions{Token: token, MoreTokens: []string{""}}, false},
		"with a blank":       {httpstore.HandlerOptions{Token: "secret 789abcdefgh"}, false},
		"with a line break":  {httpstore.HandlerOptions{Token: "secret789abcdefgh\n"}, false},
		"not ASCII":          {httpstore.HandlerOptions{Token: "secret789abcdefghé"}, false},
		"negative MaxBytes":  {httpstore.HandlerOptions{Token: token, MaxBytes: -1}, false},
		"negative requests":  {httpstore.HandlerOptions{Token: token, MaxRequests: -1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := httpstore.Handler(memory.New(), tc.options)
			if (err == nil) != tc.valid || (h != nil) != tc.valid {
				t.Errorf("Handler: got error %v, want none: %t", err, tc.valid)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error %q quotes the token", err)
			}
			if tc.options.NoToken || tc.options.Token == "" || tc.options.MaxBytes != 0 || tc.options.MaxRequests != 0 || len(tc.options.MoreTokens) > 0 {
				return
			}
			if _, err := httpstore.New("https://host", httpstore.Options{Token: tc.options.Token}); (err == nil) != tc.valid {
				t.Errorf("New: got error %v, want none: %t", err, tc.valid)
			}
		})
	}
	if _, err := httpstore.Handler(nil, httpstore.HandlerOptions{NoToken: true}); err == nil {
		t.Error("Handler of a nil Provider: got no error")
	}
}

// While a token is being replaced, clients with the old and with the new one are served.
func TestEveryTokenIsAccepted(t *testing.T) {
	h, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: token, MoreTokens: []string{"another " + token, "yet-another-" + token}[1:]})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	rec := storetest.NewRecord()
	for _, accepted := range []string{token, "yet-another-" + token} {
		storetest.Save(t, client(t, server.URL, httpstore.Options{Token: accepted}), rec, -1, nil)
	}
	for _, refused := range []string{"", "a-third-" + token, token + "x", strings.ToUpper(token)} {
		p := client(t, server.URL, httpstore.Options{Token: refused})
		err := storetest.Save(t, p, rec, -1, provider.ErrRefused)
		if !strings.Contains(err.Error(), "does not accept the token") || refused != "" && strings.Contains(err.Error(), refused) {
			t.Errorf("the error is %q", err)
		}
	}
}

// The environment may name a proxy, which must not see the token, and neither must the
// target of a redirect.
func TestNothingButTheURLIsFollowed(t *testing.T) {
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.URL.Path) }))
	t.Cleanup(other.Close)
	t.Setenv("HTTP_PROXY", other.URL)
	t.Setenv("http_proxy", other.URL)
	p := client(t, "http://store.invalid", httpstore.Options{Token: token, PlainHTTP: true})
	storetest.Save(t, p, storetest.NewRecord(), -1, provider.ErrNotSaved)
	for _, status := range []int{301, 302, 303, 307, 308} {
		p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			if len(r.Cookies()) > 0 {
				t.Error("a cookie comes back")
			}
			http.Redirect(w, r, other.URL, status)
		}))
		rec := storetest.NewRecord()
		for range 2 {
			err := storetest.Save(t, p, rec, -1, provider.ErrRefused)
			if !strings.Contains(err.Error(), "redirect") {
				t.Errorf("%d: the error is %q", status, err)
			}
		}
	}
	if len(seen) > 0 {
		t.Errorf("the other server was asked for %q", seen)
	}
}

func TestNegativeMaxConns(t *testing.T) {
	if _, err := httpstore.New("https://host", httpstore.Options{MaxConns: -1}); err == nil || !strings.Contains(err.Error(), "MaxConns") {
		t.Errorf("got error %v", err)
	}
}
