package gorillaholdfast_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/session"
)

func TestIDIsThePublicID(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	want(t, "ID of a new session", v.ID, "")
	v.Values["a"] = 1
	v.mustSave()
	m, err := b.w.Manager(name)
	if err != nil {
		t.Fatal(err)
	}
	if v.ID == "" || v.ID != b.visit().ID || v.ID != b.w.Session(v.Session).PublicID() {
		t.Errorf("ID %q", v.ID)
	}
	wantErr(t, m.Revoke(t.Context(), v.ID), nil)
	want(t, "value of a revoked session", b.get("a"), nil)
}

func TestEmptyIDRenews(t *testing.T) {
	b := newWorld(t).browser()
	old := b.set("a", 1).ID
	stolen := b.jar[name]
	v := b.visit()
	v.ID = ""
	v.Values["user"] = "ann"
	if cookies := v.mustSave(); len(cookies) != 1 || cookies[0].Value == stolen.Value {
		t.Errorf("cookies %v", cookies)
	}
	again := b.visit()
	want(t, "a", again.Values["a"], 1)
	want(t, "user", again.Values["user"], "ann")
	if again.ID == old || again.ID != v.ID {
		t.Errorf("IDs %q, %q, %q", old, v.ID, again.ID)
	}
	b.jar[name] = stolen
	want(t, "number of values with the old cookie", len(b.visit().Values), 0)
}

func TestAnotherIDIsRefused(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	v.ID = "mine"
	v.Values["a"] = 1
	if _, err := v.save(); err == nil || b.w.trips.Trips() > 0 {
		t.Errorf("error %v after %d trips", err, b.w.trips.Trips())
	}
}

func TestNegativeMaxAgeEndsTheSession(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	late, v, cookie := b.visit(), b.visit(), b.jar[name]
	v.Options.MaxAge = -1
	cookies := v.mustSave()
	if len(cookies) != 1 || cookies[0].MaxAge >= 0 || cookies[0].Value != "" || len(b.jar) != 0 {
		t.Errorf("cookies %v", cookies)
	}
	want(t, "number of values", len(v.Values), 0)
	v.mustSave() // ends what has ended
	v.Options.MaxAge = 60
	v.Values["a"] = 2
	_, err := v.save()
	wantErr(t, err, session.ErrEnded)
	v.ID = ""
	v.mustSave()
	want(t, "value of the session that begins", b.get("a"), 2)

	late.Values["b"] = 1
	_, err = late.save()
	wantErr(t, err, session.ErrEnded)
	b.jar = map[string]*http.Cookie{name: cookie}
	want(t, "value with the old cookie", b.get("a"), nil)
}

func TestSessionThatBeginsInTheRequestOfALogout(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	v := b.visit()
	v.Options.MaxAge = -1
	v.mustSave()
	var err error
	v.Session, err = b.w.New(v.r, name)
	wantErr(t, err, nil)
	v.AddFlash("you are signed out")
	v.mustSave()
	want(t, "number of messages", len(b.visit().Flashes()), 1)
}

func TestLogoutAfterAFailedSave(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	v, other := b.visit(), b.visit()
	other.Values["a"], v.Values["a"] = 2, 3
	other.mustSave()
	_, err := v.save()
	wantErr(t, err, session.ErrConflict)
	v.Options.MaxAge = -1
	cookie := b.jar[name]
	v.mustSave()
	b.jar[name] = cookie
	want(t, "value", b.get("a"), nil)
}

func TestEmptySessionIsNotStored(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	if cookies := v.mustSave(); len(cookies) != 0 || b.w.trips.Trips() != 0 || v.ID != "" {
		t.Errorf("cookies %v, %d trips, ID %q", cookies, b.w.trips.Trips(), v.ID)
	}
}

func TestSeveralSavesInOneRequest(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	for i := range 3 {
		v.Values["a"] = i
		if cookies := v.mustSave(); len(cookies) != 1 {
			t.Errorf("%d cookies after Save %d", len(cookies), i)
		}
	}
	delete(v.Values, "a")
	v.Values["b"] = 1
	v.mustSave()
	got := b.visit().Values
	want(t, "a", got["a"], nil)
	want(t, "b", got["b"], 1)
}

func TestRegistry(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	r, rec := b.request(), httptest.NewRecorder()
	for _, n := range []string{"one", "two"} {
		s, _ := w.Get(r, n)
		if again, _ := w.Get(r, n); again != s {
			t.Error("Get returns another session")
		}
		s.Values["name"] = n
	}
	wantErr(t, sessions.Save(r, rec), nil)
	want(t, "number of cookies", len(b.take(rec)), 2)
	r = b.request()
	for _, n := range []string{"one", "two"} {
		s, err := w.Get(r, n)
		wantErr(t, err, nil)
		want(t, "name", s.Values["name"], n)
		want(t, "Store", s.Store(), sessions.Store(w.Store))
	}
	if s, err := w.Get(r, "not valid"); err == nil || s != nil {
		t.Errorf("%v, %v for a name that the registry refuses", s, err)
	}
	// The cookie of one session does not open another.
	b.jar["one"].Value, b.jar["two"].Value = b.jar["two"].Value, b.jar["one"].Value
	s, err := w.Get(b.request(), "one")
	if err == nil || len(s.Values) > 0 {
		t.Errorf("the cookie of two opens one: %v, %v", s.Values, err)
	}
}

// An app may make the session itself. It replaces that of the request.
func TestSessionOfNewSession(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	old := b.jar[name]
	r, rec := b.request(), httptest.NewRecorder()
	s := sessions.NewSession(b.w, name)
	s.Values["b"] = 2
	wantErr(t, s.Save(r, rec), nil)
	b.take(rec)
	got := b.visit()
	want(t, "a", got.Values["a"], nil)
	want(t, "b", got.Values["b"], 2)
	b.jar[name] = old
	want(t, "number of values with the old cookie", len(b.visit().Values), 0)

	s = sessions.NewSession(b.w, name)
	s.ID, s.Values["c"] = got.ID, 3 // not the ID of this request's session
	if err := s.Save(b.request(), httptest.NewRecorder()); err == nil {
		t.Error("it replaces a session of another browser")
	}
}

func TestCopyOfASessionIsThatOfItsID(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1, "b", 2)
	v := b.visit()
	s := sessions.NewSession(b.w, name)
	s.ID = v.ID
	s.Values["a"] = 1
	s.Values["c"] = 3
	wantErr(t, s.Save(b.request(), httptest.NewRecorder()), nil)
	got := b.visit().Values
	want(t, "a", got["a"], 1)
	want(t, "b", got["b"], nil)
	want(t, "c", got["c"], 3)
}

// Gothic gets a session by New and saves it, and later gets one by Get.
func TestSessionThatIsOpenedAgainInTheSameRequest(t *testing.T) {
	b := newWorld(t).browser()
	r, rec := b.request(), httptest.NewRecorder()
	first, _ := b.w.New(r, name)
	early, _ := b.w.New(r, name)
	first.Values["a"] = 1
	wantErr(t, first.Save(r, rec), nil)
	again, err := b.w.Get(r, name)
	wantErr(t, err, nil)
	want(t, "value", again.Values["a"], 1)
	again.ID = ""
	wantErr(t, again.Save(r, rec), nil)
	third, _ := b.w.New(r, name)
	want(t, "value after it was renewed", third.Values["a"], 1)
	want(t, "ID", third.ID, again.ID)

	early.Values["b"] = 2 // loaded before there was a session
	wantErr(t, early.Save(r, rec), nil)
	want(t, "ID of a session that was loaded before", early.ID, again.ID)
	want(t, "number of cookies", len(b.take(rec)), 1)
	got := b.visit().Values
	want(t, "a", got["a"], 1)
	want(t, "b", got["b"], 2)

	early.Options.MaxAge = -1
	wantErr(t, early.Save(r, rec), nil)
	last, err := b.w.New(r, name)
	wantErr(t, err, nil)
	want(t, "number of values after it was ended", len(last.Values), 0)
	want(t, "value with its cookie", b.get("a"), nil)
}

func TestSessionThatEndsOneOfTheSameRequest(t *testing.T) {
	b := newWorld(t).browser()
	r, rec := b.request(), httptest.NewRecorder()
	early, _ := b.w.Get(r, name)
	first, _ := b.w.New(r, name)
	first.Values["a"] = 1
	wantErr(t, first.Save(r, rec), nil)
	b.take(rec)
	cookie := b.jar[name]
	early.Options.MaxAge = -1
	wantErr(t, early.Save(r, rec), nil)
	b.jar[name] = cookie
	want(t, "value", b.get("a"), nil)
}

func TestSaveWithAnotherRequest(t *testing.T) {
	b := newWorld(t).browser()
	v := b.set("a", 1)
	r := httptest.NewRequest("GET", "https://example.org/", nil)
	wantErr(t, v.Session.Save(r, httptest.NewRecorder()), nil)
	s, err := b.w.Get(r, name)
	wantErr(t, err, nil)
	want(t, "value", s.Values["a"], 1)
}

func TestOwner(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	b.w.Session(v.Session).SetOwner("ann")
	v.mustSave()
	m, err := b.w.Manager(name)
	if err != nil {
		t.Fatal(err)
	}
	found, err := m.Sessions(t.Context(), "ann")
	if err != nil || len(found) != 1 || found[0].PublicID() != v.ID {
		t.Fatalf("%v, %v", found, err)
	}
	wantErr(t, m.RevokeAll(t.Context(), "ann"), nil)
	want(t, "IsNew", b.visit().IsNew, true)
	want(t, "session of another store", b.w.Session(sessions.NewSession(nil, name)), (*session.Session)(nil))
}

func TestKeysOfPackageSession(t *testing.T) {
	b := newWorld(t).browser()
	v := b.set("visits", 5, "cart", cart{[]string{"book"}})
	m, err := b.w.Manager(name)
	if err != nil {
		t.Fatal(err)
	}
	visits, items := session.NewKey[int]("visits"), session.NewKey[cart]("cart")
	pointer, text := session.NewKey[*cart]("cart"), session.NewKey[string]("visits")
	wantErr(t, m.Update(t.Context(), v.ID, func(s *session.Session) error {
		visits.Update(s, func(n int) int { return n + 1 })
		got, _ := items.Get(s)
		want(t, "item", got.Items[0], "book")
		same, _ := pointer.Get(s)
		want(t, "item of the pointer", same.Items[0], "book")
		if got, ok := text.Get(s); ok {
			t.Errorf("an int is %q", got)
		}
		pointer.Set(s, &cart{[]string{"pen"}})
		return nil
	}), nil)
	got := b.visit().Values
	want(t, "visits", got["visits"], 6)
	want(t, "item", got["cart"].(cart).Items[0], "pen")
}

func TestOptionsThatAreMissing(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	v.Options = nil
	v.Values["a"] = 1
	if c := v.mustSave(); len(c) != 1 || c[0].Path != "/" || !c[0].Secure {
		t.Errorf("cookies %v", c)
	}
	b.w.Options = nil
	want(t, "value", b.get("a"), 1)
}
