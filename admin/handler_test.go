package admin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/session"
)

// pagesOf returns the pages that a right to view shows.
func pagesOf(id string) []string {
	return []string{"", "find", "sessions", "sessions?owner=ann", "sessions?label=tenant&value=acme", "session?id=" + id, "keys", "health"}
}

// actsOf returns the acts with their targets and the right that each needs.
func actsOf(id string) map[string]admin.Rights {
	return map[string]admin.Rights{
		"values?id=" + id:                   {View: true, Values: true},
		"end-session?id=" + id:              {View: true, End: true},
		"end-owner?owner=ann":               {View: true, End: true},
		"end-label?label=tenant&value=acme": {View: true, End: true},
		"end-all":                           {View: true, EndAll: true},
		"rotate-signing-key":                {View: true, RotateKeys: true},
	}
}

func inAcme(s *session.Session) { s.SetLabel("tenant", "acme") }

func TestEveryPageIsShown(t *testing.T) {
	s := newMemorySite(t)
	_, id := s.signIn("ann", inAcme)
	for _, page := range pagesOf(id) {
		a := s.get(page).want(http.StatusOK, "olga", "UTC")
		if head := s.ask(http.MethodHead, "/admin/"+page, nil); head.status != http.StatusOK {
			t.Errorf("HEAD %s: %d", page, head.status)
		}
		a.wantNot("secret of ann", "<script", " style=", "ZgotmplZ")
	}
	s.get("nothing").want(http.StatusNotFound, "no such page")
	s.ask(http.MethodGet, "/admin/x/sessions", nil).want(http.StatusOK)
	s.wantAudited()
}

// Links of the pages are relative, so that the mux may strip a prefix or not.
func TestHandlerAtAnyPath(t *testing.T) {
	s := newMemorySite(t)
	_, id := s.signIn("ann")
	inner := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/admin" + strings.TrimPrefix(r.URL.Path, "/deep/er")
		inner.ServeHTTP(w, r)
	})
	for _, page := range pagesOf(id) {
		body := s.ask(http.MethodGet, "/deep/er/"+page, nil).want(http.StatusOK).body
		for _, absolute := range []string{`href="/`, `src="/`, `action="/`, `href="http`, `src="http`} {
			if strings.Contains(body, absolute) {
				t.Errorf("%s has %s", page, absolute)
			}
		}
	}
	a := s.ask(http.MethodPost, "/deep/er/end-session", url.Values{"id": {id}}).want(http.StatusSeeOther)
	if to := a.header.Get("Location"); to != "sessions?done=ended&owner=ann" {
		t.Errorf("redirected to %q", to)
	}
}

func TestNoRightsByDefault(t *testing.T) {
	s := newMemorySite(t)
	cookie, id := s.signIn("ann", inAcme)
	for name, o := range map[string]admin.Options{
		"no Authorize": {},
		"no rights":    {Authorize: func(*http.Request) (string, admin.Rights) { return "olga", admin.Rights{} }},
		"no name":      {Authorize: func(*http.Request) (string, admin.Rights) { return "", admin.AllRights() }},
		"everything but View": {Authorize: func(*http.Request) (string, admin.Rights) {
			return "olga", admin.Rights{Values: true, End: true, EndAll: true, RotateKeys: true}
		}},
	} {
		o.Audit, o.Stats = s.audit, s.stats
		mux := http.NewServeMux()
		mux.Handle("/admin/", admin.Handler(s.m, o))
		s.handler = mux
		for _, page := range pagesOf(id) {
			s.get(page).want(http.StatusForbidden, "No access").wantNot(id, "secret")
		}
		for act := range actsOf(id) {
			s.get(act).want(http.StatusForbidden, "No access")
			s.post(act, "word", "end all").want(http.StatusForbidden, "No access").wantNot("secret")
		}
		if !s.lives(cookie) {
			t.Fatalf("%s: the session has ended", name)
		}
	}
	s.wantAudited()
}

// Each act needs its own right: all others together are not enough.
func TestEachRight(t *testing.T) {
	s := newMemorySite(t)
	cookie, id := s.signIn("ann", inAcme)
	for act, needs := range actsOf(id) {
		s.may = admin.AllRights()
		switch {
		case needs.Values:
			s.may.Values = false
		case needs.End:
			s.may.End = false
		case needs.EndAll:
			s.may.EndAll = false
		case needs.RotateKeys:
			s.may.RotateKeys = false
		}
		s.get(act).want(http.StatusForbidden, "No right to do this")
		s.post(act, "word", "end all").want(http.StatusForbidden, "No right to do this").wantNot("secret")
		link := `href="` + strings.SplitN(act, "?", 2)[0]
		for _, page := range pagesOf(id) {
			if strings.Contains(s.get(page).body, link) {
				t.Errorf("%s offers %s", page, act)
			}
		}
		s.may = needs
		s.get(act).want(http.StatusOK)
	}
	if !s.lives(cookie) {
		t.Error("the session has ended")
	}
	s.wantAudited()
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	s := newMemorySite(t)
	cookie, id := s.signIn("ann", inAcme)
	for act := range actsOf(id) {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"} {
			s.ask(http.MethodPost, "/admin/"+act, url.Values{"word": {"end all"}}, func(r *http.Request) {
				r.Header.Del("Sec-Fetch-Site")
				r.Header.Set(name, value)
			}).want(http.StatusForbidden, "another site")
		}
	}
	if !s.lives(cookie) {
		t.Error("the session has ended")
	}
	s.wantAudited()
}

func TestHeaders(t *testing.T) {
	s := newMemorySite(t)
	_, id := s.signIn("ann")
	check := func(page string, a *answer) {
		t.Helper()
		h := a.header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", page, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy is %q", page, csp)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", page, h)
		}
	}
	for _, page := range append(pagesOf(id), "nothing", "end-session?id="+id) {
		check(page, s.get(page))
	}
	check("an act", s.post("end-session", "id", id))
	s.may = admin.Rights{}
	check("a refusal", s.get(""))
}

func TestAssets(t *testing.T) {
	s := newMemorySite(t)
	s.may = admin.Rights{}
	for name, contentType := range map[string]string{"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		a := s.get(name).want(http.StatusOK)
		if a.header.Get("Content-Type") != contentType {
			t.Errorf("%s has the type %q", name, a.header.Get("Content-Type"))
		}
		again := s.ask(http.MethodGet, "/admin/"+name, nil, func(r *http.Request) { r.Header.Set("If-None-Match", a.header.Get("ETag")) })
		if again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s again: %d", name, again.status)
		}
	}
}

func TestMethods(t *testing.T) {
	s := newMemorySite(t)
	_, id := s.signIn("ann")
	for _, page := range pagesOf(id) {
		if a := s.post(page).want(http.StatusMethodNotAllowed); a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s allows %q", page, a.header.Get("Allow"))
		}
	}
	if a := s.ask(http.MethodPut, "/admin/end-session?id="+id, nil).want(http.StatusMethodNotAllowed); a.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("an act allows %q", a.header.Get("Allow"))
	}
}

func TestALargeFormIsRefused(t *testing.T) {
	s := newMemorySite(t)
	cookie, id := s.signIn("ann")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/end-session", io.MultiReader(
		strings.NewReader("x="+strings.Repeat("x", 1<<20)), strings.NewReader("&id="+id)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound || !s.lives(cookie) {
		t.Errorf("got %d", w.Code)
	}
}

func TestHandlerOfNoManagerPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	admin.Handler(nil, admin.Options{})
}
