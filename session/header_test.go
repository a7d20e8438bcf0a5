package session_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// tokenHeader is an option of newWorld.
func tokenHeader(name string, only bool) func(*session.Config) {
	return func(cfg *session.Config) { cfg.Header, cfg.HeaderOnly = name, only }
}

// reply sends a POST with that header to fn, and returns the response.
func (w *world) reply(header http.Header, fn func(*session.Session)) *http.Response {
	r := request(http.MethodPost, "")
	r.Header = header
	rec := httptest.NewRecorder()
	w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) }).ServeHTTP(rec, r)
	return rec.Result()
}

func TestRuleTokenInAHeader(t *testing.T) {
	w := newWorld(t, tokenHeader("Authorization", false))
	cookie := w.reply(http.Header{}, set("a=1")).Cookies()[0]
	token := w.reply(http.Header{"Authorization": {"Bearer"}}, set("b=2")).Header.Get("Session-Token")
	forged := strings.Repeat("A", len(token))
	for _, tc := range []struct {
		rule  string
		lines []string
		want  string
		trips int64
	}{
		{"opens its session, and not that of the cookie", []string{"Bearer " + token}, "b=2", 1},
		{"has a scheme in any case", []string{"bearer " + token}, "b=2", 1},
		{"may stand after several spaces", []string{"Bearer   " + token}, "b=2", 1},
		{"opens nothing if it is forged", []string{"Bearer " + forged}, "empty", 0},
		{"opens nothing if it is empty", []string{"Bearer "}, "empty", 0},
		{"is not looked for in an empty header, so the cookie counts", []string{""}, "a=1", 1},
		{"opens nothing without its scheme's space", []string{"Bearer" + token}, "a=1", 1},
		{"opens nothing if it is long", []string{"Bearer " + token + strings.Repeat("A", 8000)}, "empty", 0},
		{"opens nothing if it comes twice", []string{"Bearer " + token, "Bearer " + token}, "empty", 0},
		{"opens nothing in a list", []string{"Bearer " + token + ", Bearer " + token}, "empty", 0},
		{"opens nothing if a forged one is there, too", []string{"Bearer " + forged, "Bearer " + token}, "empty", 0},
		{"may be beside another scheme", []string{"Basic YTpi", "Bearer " + token}, "b=2", 1},
		{"is not looked for in another scheme, so the cookie counts", []string{"Basic " + token}, "a=1", 1},
		{"is missing, so the cookie counts", nil, "a=1", 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var got string
			header := http.Header{"Authorization": tc.lines, "Cookie": {"session=" + cookie.Value}}
			w.wantTrips(t, tc.trips, func() { w.reply(header, func(s *session.Session) { got = show(s) }) })
			if got != tc.want {
				t.Errorf("the request has %q; want %q", got, tc.want)
			}
		})
	}
}

func TestRuleResponseWithATokenInAHeader(t *testing.T) {
	renew := (*session.Session).Renew
	for _, tc := range []struct {
		rule     string
		header   string
		only     bool
		lines    []string // of the request
		response string   // the header with the new token; "": a cookie
		vary     []string
	}{
		{"Authorization is answered by Session-Token", "Authorization", false, []string{"Bearer x"}, "Session-Token", []string{"Authorization", "Cookie"}},
		{"another by itself", "x-session-token", false, []string{""}, "X-Session-Token", []string{"X-Session-Token", "Cookie"}},
		{"a request without it gets a cookie", "X-Session-Token", false, nil, "", []string{"X-Session-Token", "Cookie"}},
		{"but not with HeaderOnly", "X-Session-Token", true, nil, "X-Session-Token", []string{"X-Session-Token"}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, tokenHeader(tc.header, tc.only))
			name := http.CanonicalHeaderKey(tc.header)
			sent := http.Header{}
			if tc.lines != nil {
				sent[name] = tc.lines
			}
			res := w.reply(sent, func(s *session.Session) { set("a=1")(s); renew(s) })
			if got := res.Header["Vary"]; !slices.Equal(got, tc.vary) {
				t.Errorf("Vary is %q; want %q", got, tc.vary)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
			if got := len(res.Cookies()) > 0; got != (tc.response == "") {
				t.Errorf("the cookies are %v", res.Cookies())
			}
			if tc.response == "" {
				return
			}
			token := res.Header.Get(tc.response)
			if tc.header == "Authorization" {
				token = "Bearer " + token
			}
			held := http.Header{name: {token}}
			var got string
			res = w.reply(held, func(s *session.Session) { got = show(s) })
			if got != "a=1" || res.Header.Get("Cache-Control") != "" || res.Header.Get(tc.response) != "" {
				t.Errorf("a later request has %q, and the response %v", got, res.Header)
			}
			res = w.reply(held, (*session.Session).Destroy)
			if value, found := res.Header[tc.response]; !found || value[0] != "" || len(res.Cookies()) > 0 {
				t.Errorf("after Destroy the header is %v", res.Header)
			}
		})
	}
}

// Middleware that has authenticated a request often deletes the header, so that it does
// not get to another server.
func TestRuleHandlerDeletesTheHeader(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		token   string
		do      func(*session.Session)
		cleared bool
	}{
		{"after a load without a token", "", set("a=1"), false},
		{"before a Destroy that clears a forged token", " forged", (*session.Session).Destroy, true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, tokenHeader("Authorization", false))
			r := request(http.MethodPost, "")
			r.Header = http.Header{"Authorization": {"Bearer" + tc.token}, "Cookie": {"session=x"}}
			rec := httptest.NewRecorder()
			w.m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				r.Header.Del("Authorization")
				r.Header.Del("Cookie")
				tc.do(s)
			}).ServeHTTP(rec, r)
			value := rec.Header()["Session-Token"]
			if len(value) != 1 || (value[0] == "") != tc.cleared || rec.Header()["Set-Cookie"] != nil {
				t.Errorf("the response has %v", rec.Header())
			}
		})
	}
}

func TestHeaderOnlyIgnoresCookies(t *testing.T) {
	w, c, _ := begun(t)
	w.m = w.manager(tokenHeader("X-Session-Token", true))
	c.m = w.m
	w.wantTrips(t, 0, func() { c.wantState("empty") })
}

func TestClearCookieOfARequestWithAHeader(t *testing.T) {
	w := newWorld(t, tokenHeader("X-Session-Token", false))
	r := request(http.MethodGet, "")
	r.Header.Set("X-Session-Token", "x")
	rec := httptest.NewRecorder()
	w.m.ClearCookie(rec, r)
	if value, found := rec.Header()["X-Session-Token"]; !found || value[0] != "" || rec.Header()["Set-Cookie"] != nil {
		t.Errorf("the header is %v", rec.Header())
	}
}

func TestHeaderMistakes(t *testing.T) {
	for name, want := range map[string]string{
		"Session Token": "not the name of an HTTP header",
		"Sitzung-Ä":     "not the name of an HTTP header",
		"cookie":        "another meaning in HTTP",
		"host":          "another meaning in HTTP",
		"cache-control": "another meaning in HTTP",
		"content-type":  "another meaning in HTTP",
		"expires":       "another meaning in HTTP",
		"vary":          "another meaning in HTTP",

		"X-Cache-Control": "another meaning in HTTP",
	} {
		if _, err := session.New(memory.New(), session.Config{Header: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := session.New(memory.New(), session.Config{HeaderOnly: true}); err == nil || !strings.Contains(err.Error(), "HeaderOnly needs a Header") {
		t.Error(err)
	}
}

func TestNestedManagersWithOneHeaderAreReported(t *testing.T) {
	for names, want := range map[[2]string]int{
		{"X-Token", "X-Token"}:             1,
		{"X-Token", "X-Other-Token"}:       0,
		{"Authorization", "Session-Token"}: 1, // of the response
		{"Session-Token", "Authorization"}: 1,
	} {
		var log bytes.Buffer
		cfg := session.Config{Header: names[0], Logger: slog.New(slog.NewTextHandler(&log, nil))}
		outer := newManager(t, memory.New(), cfg)
		cfg.Header, cfg.Cookie.Name = names[1], "other"
		inner := newManager(t, memory.New(), cfg)
		for range 2 {
			outer.Handler(inner.Handler(http.NotFoundHandler())).ServeHTTP(httptest.NewRecorder(), request(http.MethodGet, ""))
		}
		if got := bytes.Count(log.Bytes(), []byte("different Config.Headers")); got != want {
			t.Errorf("%s: logged %d times, want %d", names, got, want)
		}
	}
}

func TestManagersWithoutCookiesDoNotOverwriteThem(t *testing.T) {
	for i := range 2 {
		var log bytes.Buffer
		cfg := session.Config{Header: "X-Token", Logger: slog.New(slog.NewTextHandler(&log, nil))}
		both := [2]*session.Manager{newManager(t, memory.New(), session.Config{Logger: cfg.Logger})}
		cfg.HeaderOnly = true
		both[1] = newManager(t, memory.New(), cfg)
		both[i].Handler(both[1-i].Handler(http.NotFoundHandler())).ServeHTTP(httptest.NewRecorder(), request(http.MethodGet, ""))
		if log.Len() > 0 {
			t.Errorf("logged %s", &log)
		}
	}
}
