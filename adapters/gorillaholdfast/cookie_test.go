package gorillaholdfast_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// attributes returns what follows the value of the cookie that v's response sets.
func (v *visit) attributes() string {
	lines := v.rec.Header()["Set-Cookie"]
	if len(lines) != 1 {
		v.b.w.t.Fatalf("Set-Cookie %q", lines)
	}
	_, rest, _ := strings.Cut(lines[0], "; ")
	var kept []string
	for part := range strings.SplitSeq(rest, "; ") {
		if !strings.HasPrefix(part, "Expires=") {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "; ")
}

func TestCookieHasTheOptions(t *testing.T) {
	b := newWorld(t).browser()
	v := b.set("a", 1)
	want(t, "default", v.attributes(), "Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax")

	b.w.Options = &sessions.Options{Path: "/shop", Domain: "example.org", MaxAge: 60, Secure: true, Partitioned: true}
	b = b.w.browser()
	v = b.set("a", 1)
	want(t, "of the Store", v.attributes(), "Path=/shop; Domain=example.org; Max-Age=60; Secure; Partitioned")

	v = b.w.browser().visit()
	v.Options = &sessions.Options{SameSite: http.SameSiteStrictMode}
	v.Values["a"] = 1
	v.mustSave()
	want(t, "of the session", v.attributes(), "SameSite=Strict")

	b.w.MaxAge(120)
	want(t, "of MaxAge", b.w.browser().set("a", 1).attributes(), "Path=/shop; Domain=example.org; Max-Age=120; Secure; Partitioned")
}

// A cookie that is sent without need may arrive after that of a renewal, and sign the
// visitor out.
func TestCookieIsSentOnlyIfTheBrowserHasToBeTold(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	want(t, "number of cookies of a change", len(b.set("a", 2).rec.Header()["Set-Cookie"]), 0)
	v := b.visit()
	v.Options.Path = "/folder"
	v.mustSave()
	want(t, "attributes after a change of Path", v.attributes(), "Path=/folder; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax")
	v = b.visit()
	v.Options.Path = "/folder"
	v.Values["a"] = 3
	want(t, "number of cookies with the same Path", len(v.mustSave()), 0)
	v = b.visit()
	v.Options.Path, v.Options.Secure = "/folder", false
	v.mustSave()
	want(t, "attributes without Secure", v.attributes(), "Path=/folder; Max-Age=2592000; HttpOnly; SameSite=Lax")
	want(t, "value", b.get("a"), 3)
}

func TestCookieThatBrowsersWouldDrop(t *testing.T) {
	for what, tc := range map[string]struct {
		name   string
		change func(*sessions.Options)
		ok     bool
	}{
		"__Host- with the default Options":   {"__Host-a", func(*sessions.Options) {}, true},
		"__Host- with a Path":                {"__Host-a", func(o *sessions.Options) { o.Path = "/a" }, false},
		"__Host- without a Path":             {"__Host-a", func(o *sessions.Options) { o.Path = "" }, false},
		"__Host- with a Domain":              {"__Host-a", func(o *sessions.Options) { o.Domain = "example.org" }, false},
		"__host- without Secure":             {"__host-a", func(o *sessions.Options) { o.Secure = false }, false},
		"__Secure- with a Path":              {"__Secure-a", func(o *sessions.Options) { o.Path = "/a" }, true},
		"__Secure- without Secure":           {"__Secure-a", func(o *sessions.Options) { o.Secure = false }, false},
		"__Http- without HttpOnly":           {"__Http-a", func(o *sessions.Options) { o.HttpOnly = false }, false},
		"__Host-Http- without HttpOnly":      {"__Host-Http-a", func(o *sessions.Options) { o.HttpOnly = false }, false},
		"__Host- without HttpOnly":           {"__Host-a", func(o *sessions.Options) { o.HttpOnly = false }, true},
		"without Secure":                     {"a", func(o *sessions.Options) { o.Secure = false }, true},
		"SameSite=None without Secure":       {"a", func(o *sessions.Options) { o.Secure, o.SameSite = false, http.SameSiteNoneMode }, false},
		"SameSite=None":                      {"a", func(o *sessions.Options) { o.SameSite = http.SameSiteNoneMode }, true},
		"Partitioned without Secure":         {"a", func(o *sessions.Options) { o.Secure, o.Partitioned = false, true }, false},
		"a Domain that is none":              {"a", func(o *sessions.Options) { o.Domain = "not a domain" }, false},
		"a Path with a semicolon":            {"a", func(o *sessions.Options) { o.Path = "/;" }, false},
		"a name with a blank":                {"my session", func(*sessions.Options) {}, true},
		"a name with a percent sign, quoted": {"a%b c", func(*sessions.Options) {}, true},
	} {
		w := newWorld(t)
		b := w.browser()
		r, rec := b.request(), httptest.NewRecorder()
		s, err := w.New(r, tc.name)
		wantErr(t, err, nil)
		tc.change(s.Options)
		s.Values["a"] = 1
		if err := s.Save(r, rec); (err == nil) != tc.ok {
			t.Errorf("%s: error %v", what, err)
		}
		if !tc.ok {
			want(t, what+": trips", w.trips.Trips(), int64(0))
			continue
		}
		b.take(rec)
		again, err := w.New(b.request(), tc.name)
		wantErr(t, err, nil)
		want(t, what+": value", again.Values["a"], 1)
	}
}

func TestNamesWithBlanksAreDifferentSessions(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	names := []string{"a b c", "a%20b c", "a b%20c"}
	for i, n := range names {
		r, rec := b.request(), httptest.NewRecorder()
		s, err := w.New(r, n)
		wantErr(t, err, nil)
		s.Values["i"] = i
		wantErr(t, s.Save(r, rec), nil)
		b.take(rec)
	}
	for i, n := range names {
		s, err := w.New(b.request(), n)
		wantErr(t, err, nil)
		want(t, "value of "+n, s.Values["i"], i)
	}
}

func TestResponseWithTheCookieIsNotCached(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	h := v.rec.Header()
	h.Set("Cache-Control", "public")
	h.Set("CDN-Cache-Control", "public")
	h.Set("Surrogate-Control", "max-age=60")
	h.Set("X-Accel-Expires", "60")
	h.Set("Expires", "later")
	h.Set("Vary", "Accept-Encoding")
	h.Add("Set-Cookie", "other=1")
	v.Values["a"] = 1
	v.mustSave()
	for key, value := range map[string]string{
		"Cache-Control": "no-store", "CDN-Cache-Control": "no-store", "Surrogate-Control": "no-store", "X-Accel-Expires": "0", "Expires": "",
		"Vary": "Accept-Encoding", "Set-Cookie": "other=1",
	} {
		want(t, key, h.Get(key), value)
	}
	want(t, "number of Vary", strings.Join(h["Vary"], ", "), "Accept-Encoding, Cookie")
	want(t, "number of Set-Cookie", len(h["Set-Cookie"]), 2)

	v = b.visit()
	v.rec.Header().Set("Vary", "accept, cookie")
	v.mustSave()
	want(t, "Vary of a page", strings.Join(v.rec.Header()["Vary"], ", "), "accept, cookie")
	want(t, "Cache-Control of a page", v.rec.Header().Get("Cache-Control"), "")
}

func TestForgedCookie(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	good := b.jar[name].Value
	for what, value := range map[string]string{
		"of another form": "old", "changed": good[:40] + "xxxx" + good[44:], "of an app with other keys": foreignCookie(t),
	} {
		b.jar[name] = &http.Cookie{Name: name, Value: value}
		trips := b.w.trips.Trips()
		s, err := b.w.Get(b.request(), name)
		var multi securecookie.MultiError
		var decode securecookie.Error
		if !errors.As(err, &multi) || !errors.As(err, &decode) || !decode.IsDecode() {
			t.Errorf("%s: error %v, want one of securecookie", what, err)
		}
		if s == nil || !s.IsNew || len(s.Values) > 0 {
			t.Errorf("%s: session %v", what, s)
		}
		want(t, what+": trips", b.w.trips.Trips()-trips, int64(0))
	}
	// An app that ignores the error gets a session.
	r, rec := b.request(), httptest.NewRecorder()
	s, _ := b.w.Get(r, name)
	s.Values["a"] = 2
	wantErr(t, s.Save(r, rec), nil)
	b.take(rec)
	want(t, "value", b.get("a"), 2)
}

// foreignCookie is a cookie of the name that another app has signed.
func foreignCookie(t *testing.T) string {
	b := newWorld(t).browser()
	b.set("a", 1)
	return b.jar[name].Value
}

func TestCookieOfAnEndedSessionIsNoError(t *testing.T) {
	b := newWorld(t).browser()
	id := b.set("a", 1).ID
	if err := b.w.trips.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	want(t, "IsNew", b.visit().IsNew, true)
	b.jar[name] = &http.Cookie{Name: name}
	want(t, "IsNew with an empty cookie", b.visit().IsNew, true)
}

func TestSeveralCookiesOfTheName(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	good := b.jar[name].Value
	request := func(values ...string) *http.Request {
		r := httptest.NewRequest("GET", "https://example.org/folder/page", nil)
		for _, value := range values {
			r.Header.Add("Cookie", name+`="`+value+`"; other=1`)
		}
		return r
	}
	for _, values := range [][]string{{"planted", good}, {good, "planted"}, {good, good}} {
		s, err := b.w.Get(request(values...), name)
		wantErr(t, err, nil)
		want(t, "value", s.Values["a"], 1)
	}
	many := []string{good}
	for range 10 {
		many = append(many, "planted")
	}
	r, rec := request(many...), httptest.NewRecorder()
	s, _ := b.w.Get(r, name)
	want(t, "IsNew with more cookies than are looked at", s.IsNew, true)
	s.Values["a"] = 2
	wantErr(t, s.Save(r, rec), nil)
	paths := map[string]int{}
	for _, c := range (&http.Response{Header: rec.Header()}).Cookies() {
		paths[c.Path] += c.MaxAge
	}
	if paths["/folder"] >= 0 || paths["/"] <= 0 {
		t.Errorf("Max-Age by Path: %v", paths)
	}

	r, rec = request(good, "planted"), httptest.NewRecorder()
	s, _ = b.w.Get(r, name)
	s.Options.MaxAge = -1
	wantErr(t, s.Save(r, rec), nil)
	for _, c := range (&http.Response{Header: rec.Header()}).Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("cookie %v after a logout", c)
		}
		delete(paths, c.Path)
	}
	want(t, "number of Paths that are not cleared", len(paths), 0)
}

// writer is gin's: it tells whether it has sent the header.
type writer struct {
	*httptest.ResponseRecorder
	sent bool
}

func (w *writer) Written() bool { return w.sent }

// outer is a middleware's writer.
type outer struct{ http.ResponseWriter }

func (o outer) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func TestSaveAfterTheHeaderWasSent(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	v.Values["a"] = 1
	late := outer{&writer{v.rec, true}}
	wantErr(t, v.Session.Save(v.r, late), session.ErrHeaderSent)
	want(t, "trips", b.w.trips.Trips(), int64(0))
	wantErr(t, v.Session.Save(v.r, outer{&writer{v.rec, false}}), nil)
	b.take(v.rec)

	v = b.visit()
	v.Values["a"], v.Options.Path = 2, "/elsewhere"
	wantErr(t, v.Session.Save(v.r, outer{&writer{v.rec, true}}), nil)
	want(t, "number of cookies", len(v.rec.Header()["Set-Cookie"]), 0)
	want(t, "value", b.get("a"), 2)
	v.ID = ""
	wantErr(t, v.Session.Save(v.r, outer{&writer{v.rec, true}}), session.ErrHeaderSent)
}

func TestNamesThatRequestsMake(t *testing.T) {
	w := worldOver(t, memory.New())
	b := w.browser()
	b.set("a", 1)
	for i := range 1000 {
		if _, err := w.New(b.request(), strings.Repeat("x", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := gorillaholdfast.Managers(w.Store); n > 256 {
		t.Errorf("%d Managers are kept", n)
	}
	want(t, "value", b.get("a"), 1)
	if _, err := w.New(b.request(), strings.Repeat("x", 5000)); err == nil {
		t.Error("a name that is too long for a cookie has no error")
	}
}
