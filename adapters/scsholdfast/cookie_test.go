package scsholdfast_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCookie(t *testing.T) {
	m, _ := newManager(t)
	m.Lifetime = 48 * time.Hour
	m.Cookie.Domain, m.Cookie.Path, m.Cookie.SameSite, m.Cookie.Secure, m.Cookie.Partitioned = "example.com", "/app", http.SameSiteNoneMode, true, true
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), "a", 1) })
	res := v.do("GET", "/app")
	c := v.cookie
	if c.Domain != "example.com" || c.Path != "/app" || c.SameSite != http.SameSiteNoneMode || !c.Secure || !c.Partitioned || !c.HttpOnly {
		t.Errorf("cookie %v", c)
	}
	left, age := time.Until(c.Expires), time.Duration(c.MaxAge)*time.Second
	if left < 47*time.Hour || left > 49*time.Hour || age < 47*time.Hour || age > 49*time.Hour {
		t.Errorf("the cookie expires in %v, Max-Age %v, want 48 h", left, age)
	}
	if h := res.Header; h.Get("Vary") != "Cookie" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", h)
	}
}

// The attribute SameSite is left out if the app asks for that.
func TestCookieWithoutSameSite(t *testing.T) {
	m, _ := newManager(t)
	m.Cookie.SameSite = 0
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), "a", 1) })
	if line := v.do("GET", "/").Header.Get("Set-Cookie"); strings.Contains(line, "SameSite") {
		t.Errorf("cookie %s", line)
	}
}

// A request that changes values does not send the cookie again.
func TestCookieIsSentOnce(t *testing.T) {
	m, _ := newManager(t)
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), "a", r.URL.Path) })
	v.get("/1")
	if res := v.do("GET", "/2"); len(res.Cookies()) > 0 || res.Header.Get("Cache-Control") != "" {
		t.Errorf("header %v", res.Header)
	}
}

// The cookie has the attributes of scs however the response begins.
func TestCookieOfEveryWayToAnswer(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"nothing":     func(http.ResponseWriter) {},
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) },
		"Write":       func(w http.ResponseWriter) { fmt.Fprint(w, "x") },
		"ReadFrom": func(w http.ResponseWriter) {
			http.ServeContent(w, httptest.NewRequest("GET", "/", nil), "a.txt", time.Time{}, strings.NewReader("x"))
		},
		"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"early hints": func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); w.WriteHeader(http.StatusOK) },
		"controller": func(w http.ResponseWriter) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			server := httptest.NewServer(m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				m.Put(r.Context(), "a", 1)
				answer(w)
			})))
			defer server.Close()
			res, err := http.Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if lines := res.Header["Set-Cookie"]; len(lines) != 1 || !strings.Contains(lines[0], "; Expires=") || !strings.Contains(lines[0], "; Max-Age=") {
				t.Errorf("cookies %q", lines)
			}
		})
	}
}

// A cookie line of the app itself stays as it is.
func TestCookieLineOfTheApp(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", 1) })
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) { m.WriteSessionCookie(r.Context(), w, "", time.Time{}) })
	v.cookie = &http.Cookie{Name: "session", Value: token}
	if v.do("GET", "/"); v.cookie != nil {
		t.Errorf("cookie %v", v.cookie)
	}
}

func TestRememberMe(t *testing.T) {
	m, _ := newManager(t)
	m.Cookie.Persist = false
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/put":
			m.Put(r.Context(), "a", 1)
		case "/yes":
			m.RememberMe(r.Context(), true)
		case "/no":
			m.RememberMe(r.Context(), false)
		case "/renew":
			if err := m.RenewToken(r.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	for _, step := range []struct {
		path string
		sent bool
		age  bool
	}{{"/put", true, false}, {"/yes", true, true}, {"/put", false, false}, {"/renew", true, true}, {"/no", true, false}, {"/renew", true, false}} {
		before := v.cookie
		res := v.do("GET", step.path)
		cookies := res.Cookies()
		if (len(cookies) == 1) != step.sent || step.sent && (cookies[0].MaxAge > 0) != step.age {
			t.Errorf("%s: cookies %v", step.path, cookies)
		}
		if step.path == "/yes" && v.cookie.Value != before.Value {
			t.Error("RememberMe has changed the token")
		}
		if step.sent && res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a response with a cookie may be cached: %v", step.path, res.Header)
		}
	}
}

// A response that saves nothing does not promise a longer cookie.
func TestRememberMeOfAFailedRequest(t *testing.T) {
	m, _ := newManager(t)
	m.Cookie.Persist = false
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", 1) })
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		m.RememberMe(r.Context(), true)
		w.WriteHeader(http.StatusInternalServerError)
	})
	v.cookie = &http.Cookie{Name: "session", Value: token}
	if res := v.do("GET", "/"); len(res.Cookies()) > 0 {
		t.Errorf("cookies %v", res.Cookies())
	}
}

func TestWriteSessionCookie(t *testing.T) {
	m, _ := newManager(t)
	m.Cookie.Persist = false
	ctx, err := m.Load(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	write := func(token string, expiry time.Time) *http.Cookie {
		w := httptest.NewRecorder()
		w.Header().Set("CDN-Cache-Control", "max-age=60")
		m.WriteSessionCookie(ctx, w, token, expiry)
		if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("CDN-Cache-Control") != "no-store" {
			t.Errorf("header %v", h)
		}
		return w.Result().Cookies()[0]
	}
	if c := write("t", time.Now().Add(time.Hour)); c.Value != "t" || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("cookie %v", c)
	}
	m.RememberMe(ctx, true)
	if c := write("t", time.Now().Add(time.Hour)); c.MaxAge < 3600 || c.Expires.IsZero() {
		t.Errorf("remembered: cookie %v", c)
	}
	if c := write("t", time.Now().Add(-time.Hour)); c.MaxAge >= 0 {
		t.Errorf("expired: cookie %v", c)
	}
	if c := write("t", time.Now()); c.MaxAge >= 0 {
		t.Errorf("just expired: cookie %v", c)
	}
	if c := write("", time.Time{}); c.MaxAge >= 0 {
		t.Errorf("deleted: cookie %v", c)
	}
}
