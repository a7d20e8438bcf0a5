package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func newApp(t *testing.T) *app {
	return &app{sessiontest.NewManager(t, session.Config{Header: "Authorization"}), demoUser}
}

// post returns a form with the token that user gives a session.
func post(path string, visitor *http.Cookie, form url.Values) *http.Request {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(visitor)
	return r
}

func get(path string, visitor *http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", path, nil)
	r.AddCookie(visitor)
	return r
}

// user gives a session to a user, with a token for forms.
func user(t *testing.T, a *app, id, deviceName string) *http.Cookie {
	return sessiontest.Cookie(t, a.sessions, func(s *session.Session) {
		begin(s, id, deviceName)
		csrfToken.Set(s, "token")
	})
}

var token = url.Values{"csrf": {"token"}}

func send(a *app, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.routes().ServeHTTP(w, r)
	return w
}

func TestLogin(t *testing.T) {
	a := newApp(t)
	first := send(a, httptest.NewRequest("GET", "/", nil))
	visitor := sessiontest.Response(t, a.sessions, first.Result())
	form := url.Values{"name": {"ann"}, "password": {"open sesame"}}
	if w := send(a, post("/login", visitor, form)); w.Code != http.StatusForbidden {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
	sessiontest.Read(t, a.sessions, visitor, func(s *session.Session) {
		token, _ := csrfToken.Get(s)
		if !strings.Contains(first.Body.String(), `name="csrf" value="`+token+`"`) {
			t.Errorf("the page does not have the token:\n%s", first.Body)
		}
		form.Set("csrf", token)
	})
	w := send(a, post("/login", visitor, form))
	if w.Code != http.StatusSeeOther || sessiontest.Alive(t, a.sessions, visitor) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	in := sessiontest.Response(t, a.sessions, w.Result())
	if w := send(a, get("/", in)); !strings.Contains(w.Body.String(), "<p>Welcome, ann.</p>") || !strings.Contains(w.Body.String(), "You are ann.") {
		t.Error(w.Body)
	}
	if w := send(a, get("/", in)); strings.Contains(w.Body.String(), "Welcome") {
		t.Error("the message is shown twice")
	}
}

func TestWrongPassword(t *testing.T) {
	a := newApp(t)
	visitor := sessiontest.Cookie(t, a.sessions, func(s *session.Session) { csrfToken.Set(s, "token") })
	w := send(a, post("/login", visitor, url.Values{"csrf": {"token"}, "name": {"ann"}}))
	if w.Code != http.StatusSeeOther {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(a, get("/", visitor)); !strings.Contains(w.Body.String(), "wrong name or password") {
		t.Error(w.Body)
	}
}

func TestLogout(t *testing.T) {
	a := newApp(t)
	ann := user(t, a, "ann", "laptop")
	w := send(a, post("/logout", ann, token))
	if w.Code != http.StatusSeeOther || sessiontest.Alive(t, a.sessions, ann) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(a, get("/", sessiontest.Response(t, a.sessions, w.Result()))); !strings.Contains(w.Body.String(), "Good-bye.") {
		t.Error(w.Body)
	}
}

func TestDevices(t *testing.T) {
	a := newApp(t)
	laptop, phone, bob := user(t, a, "ann", "laptop"), user(t, a, "ann", "phone"), user(t, a, "bob", "tablet")
	if w := send(a, httptest.NewRequest("GET", "/devices", nil)); w.Code != http.StatusSeeOther {
		t.Errorf("a guest: %d", w.Code)
	}
	list := send(a, get("/devices", laptop)).Body.String()
	if !strings.Contains(list, "laptop (this device)") || !strings.Contains(list, "phone") || strings.Contains(list, "tablet") {
		t.Error(list)
	}
	for _, other := range []*http.Cookie{phone, bob} {
		sessiontest.Read(t, a.sessions, other, func(s *session.Session) {
			if w := send(a, post("/devices/"+s.PublicID()+"/end", laptop, token)); w.Code != http.StatusSeeOther {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	if sessiontest.Alive(t, a.sessions, phone) || !sessiontest.Alive(t, a.sessions, bob) {
		t.Error("the phone should be logged out, and bob should not")
	}
}

// Two clicks on "log in", in every order: both work, or one asks for another try.
func TestLoginClickedTwice(t *testing.T) {
	a := newApp(t)
	visitor := sessiontest.Cookie(t, a.sessions, func(s *session.Session) { csrfToken.Set(s, "token") })
	click := func() *http.Request {
		return post("/login", visitor, url.Values{"csrf": {"token"}, "name": {"ann"}, "password": {"open sesame"}})
	}
	sessiontest.Interleave(t, a.sessions, click, click, a.routes(), func(t testing.TB, order string, resA, resB *http.Response) {
		if resA.StatusCode != http.StatusSeeOther && resB.StatusCode != http.StatusSeeOther {
			t.Errorf("%d and %d", resA.StatusCode, resB.StatusCode)
		}
	})
}

func TestApp(t *testing.T) {
	a := newApp(t)
	login := func(authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/login", strings.NewReader(`{"name":"ann","password":"open sesame","device":"app"}`))
		r.Header.Set("Authorization", authorization)
		return send(a, r)
	}
	me := func(token string) string {
		r := httptest.NewRequest("GET", "/api/me", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return strings.TrimSpace(send(a, r).Body.String())
	}
	if w := login("Basic YTpi"); w.Code != http.StatusForbidden {
		t.Errorf("what is served by cookies needs a token of the form: %d", w.Code)
	}
	var got struct{ Token string }
	w := login("Bearer")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(w.Result().Cookies()) != 0 {
		t.Errorf("%v %s", err, w.Body)
	}
	if got := me(got.Token); got != `{"user":"ann"}` {
		t.Error(got)
	}
	if got := me("x"); got != `{"error":"please log in"}` {
		t.Error(got)
	}
	if got := me(user(t, a, "eve", "app").Value); got != `{"user":"eve"}` { // any session's token
		t.Error(got)
	}
}
