package gorillaholdfast_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

var secret = []byte("the secret of the old store")

// olds are the stores of gorilla that need no server. Those that need one are in
// verify/interop/gorilla.
var olds = map[string]func(t *testing.T) sessions.Store{
	"CookieStore":     func(*testing.T) sessions.Store { return sessions.NewCookieStore(secret) },
	"FilesystemStore": func(t *testing.T) sessions.Store { return sessions.NewFilesystemStore(t.TempDir(), secret) },
}

// moved is an app that has moved from old, and a browser with a session of old.
func moved(t *testing.T, old sessions.Store, values map[any]any, opts ...gorillaholdfast.Option) *browser {
	t.Helper()
	b := newWorld(t, append(opts, gorillaholdfast.Import(old))...).browser()
	b.fill(old, values)
	return b
}

// fill gives the browser a session of old.
func (b *browser) fill(old sessions.Store, values map[any]any) {
	b.w.t.Helper()
	r, rec := b.request(), httptest.NewRecorder()
	s, err := old.New(r, name)
	if err != nil {
		b.w.t.Fatal(err)
	}
	s.Values = values
	if err := old.Save(r, rec, s); err != nil {
		b.w.t.Fatal(err)
	}
	b.take(rec)
}

func TestImport(t *testing.T) {
	for what, open := range olds {
		t.Run(what, func(t *testing.T) {
			old := open(t)
			values := map[any]any{"a": 1, userKey: "ann", "cart": cart{[]string{"book"}}, "_flash": []any{"welcome"}}
			b := moved(t, old, values)
			before := b.jar[name]

			page := b.visit() // a page that only reads
			if page.IsNew || page.ID != "" || !reflect.DeepEqual(page.Values, values) {
				t.Errorf("a page has %v, IsNew %t, ID %q", page.Values, page.IsNew, page.ID)
			}
			b.set("b", 2)
			if b.jar[name].Value == before.Value {
				t.Error("the cookie is the old one")
			}
			values["b"] = 2
			v := b.visit()
			if !reflect.DeepEqual(v.Values, values) || v.ID == "" {
				t.Errorf("got %v, ID %q", v.Values, v.ID)
			}
			v.Options.MaxAge = -1
			v.mustSave()

			after := b.w.browser()
			after.jar[name] = before
			if got := after.visit(); !got.IsNew || len(got.Values) > 0 {
				t.Errorf("the old cookie opens %v after a logout", got.Values)
			}
			if what == "FilesystemStore" {
				if s, err := old.New(after.request(), name); err == nil || !s.IsNew {
					t.Error("the old session is in the old store")
				}
			}
		})
	}
}

func TestOldSessionThatIsEndedByTheFirstSave(t *testing.T) {
	for what, open := range olds {
		t.Run(what, func(t *testing.T) {
			b := moved(t, open(t), map[any]any{"a": 1})
			before := b.jar[name]
			v := b.visit()
			v.Options.MaxAge = -1
			if v.mustSave(); len(b.jar) > 0 {
				t.Errorf("cookies %v", b.jar)
			}
			b.jar[name] = before
			want(t, "value", b.get("a"), nil)
		})
	}
}

// Requests with the old cookie that are under way when another imports the session.
func TestImportByParallelRequests(t *testing.T) {
	begin := func(t *testing.T) (*browser, *visit, *visit) {
		b := moved(t, sessions.NewCookieStore(secret), map[any]any{"a": 1, "b": 2})
		return b, b.visit(), b.visit()
	}
	t.Run("merges their changes into one session", func(t *testing.T) {
		b, one, two := begin(t)
		late := b.request()
		one.Values["a"], two.Values["b"] = 5, 6
		two.AddFlash("hello")
		one.mustSave()
		want(t, "number of cookies of the second", len(two.mustSave()), 0)
		want(t, "ID", two.ID, one.ID)
		two.Values["c"] = 7
		two.mustSave()
		two.Values["a"] = 9 // which the first has changed, and this one has not seen
		_, err := two.save()
		wantErr(t, err, session.ErrConflict)

		rec := httptest.NewRecorder()
		s, err := b.w.Get(late, name)
		wantErr(t, err, nil)
		want(t, "value of a third", s.Values["c"], 7)
		want(t, "ID of a third", s.ID, one.ID)
		s.Values["d"] = 8
		wantErr(t, s.Save(late, rec), nil)
		want(t, "number of cookies of the third", len(b.take(rec)), 0)

		got := b.visit().Values
		if !reflect.DeepEqual(got, map[any]any{"a": 5, "b": 6, "c": 7, "d": 8, "_flash": []any{"hello"}}) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("reports a conflict", func(t *testing.T) {
		b, one, two := begin(t)
		one.Values["a"], two.Values["a"] = 5, 6
		one.mustSave()
		_, err := two.save()
		wantErr(t, err, session.ErrConflict)
		want(t, "value", b.get("a"), 5)
	})
	t.Run("does not undo a logout", func(t *testing.T) {
		b, one, two := begin(t)
		one.Values["a"], two.Values["b"] = 5, 6
		late := b.request()
		one.mustSave()
		v := b.visit()
		v.Options.MaxAge = -1
		v.mustSave()
		_, err := two.save()
		wantErr(t, err, session.ErrEnded)
		s, err := b.w.Get(late, name)
		wantErr(t, err, nil)
		want(t, "number of values", len(s.Values), 0)
	})
	t.Run("lets a second one log out", func(t *testing.T) {
		b, one, two := begin(t)
		one.Values["a"] = 5
		one.mustSave()
		two.Options.MaxAge = -1
		cookie := b.jar[name]
		two.mustSave()
		b.jar[name] = cookie
		want(t, "value", b.get("a"), nil)
	})
	t.Run("does not renew without the cookie", func(t *testing.T) {
		b, one, _ := begin(t)
		late := b.request()
		one.Values["a"] = 5
		one.mustSave()
		s, err := b.w.Get(late, name)
		wantErr(t, err, nil)
		s.ID = ""
		wantErr(t, s.Save(late, httptest.NewRecorder()), session.ErrEnded)
	})
	bubble("is over after 30 seconds", t, func(t *testing.T) {
		b, one, _ := begin(t)
		late := b.request()
		one.Values["a"] = 5
		one.mustSave()
		time.Sleep(31 * time.Second)
		s, err := b.w.Get(late, name)
		wantErr(t, err, nil)
		want(t, "number of values", len(s.Values), 0)
	})
}

func TestImportStoresOneSession(t *testing.T) {
	b := moved(t, sessions.NewCookieStore(secret), map[any]any{"a": 1})
	one, two := b.visit(), b.visit()
	one.mustSave()
	two.mustSave()
	late := b.visit()
	want(t, "value", late.Values["a"], 1)
	want(t, "ID", late.ID, one.ID)
	want(t, "number of sessions that are alive", alive(t, b.w), 1)
}

// Base64 ends with bits that are ignored, so that a cookie has several spellings.
func TestCookieWithAnotherSpellingIsImportedOnce(t *testing.T) {
	old := sessions.NewCookieStore(secret)
	var b *browser
	for text := "x"; ; text += "x" {
		if b = moved(t, old, map[any]any{"a": text}); strings.HasSuffix(b.jar[name].Value, "=") {
			break
		}
	}
	before := b.jar[name].Value
	b.set("b", 2)
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := strings.IndexByte(before, '=') - 1
	respelled := []byte(before)
	respelled[at] = digits[strings.IndexByte(digits, respelled[at])+1]
	b.jar[name].Value = string(respelled)
	if s, err := old.New(b.request(), name); err != nil || s.IsNew {
		t.Fatalf("the old store refuses the cookie: %v", err)
	}
	v := b.visit() // within the time of parallel requests
	want(t, "b", v.Values["b"], 2)
	v.Options.MaxAge = -1
	v.mustSave()
	b.jar[name] = &http.Cookie{Name: name, Value: string(respelled)}
	want(t, "number of values after a logout", len(b.visit().Values), 0)
}

func TestOldCookieBesideOthers(t *testing.T) {
	b := moved(t, sessions.NewCookieStore(secret), map[any]any{"a": 1})
	r := b.request()
	r.Header.Set("Cookie", name+"=planted; "+name+"="+b.jar[name].Value)
	s, err := b.w.Get(r, name)
	wantErr(t, err, nil)
	want(t, "value", s.Values["a"], 1)
}

func TestCookieThatTheOldStoreRefuses(t *testing.T) {
	b := moved(t, sessions.NewCookieStore(secret), map[any]any{"a": 1})
	b.jar[name].Value = "forged"
	s, err := b.w.Get(b.request(), name)
	var decode securecookie.Error
	if !errors.As(err, &decode) || !decode.IsDecode() || !s.IsNew {
		t.Errorf("error %v, session %v", err, s)
	}

	files := sessions.NewFilesystemStore(t.TempDir(), secret)
	b = moved(t, files, map[any]any{"a": 1})
	r := b.request()
	old, _ := files.New(r, name)
	old.Options.MaxAge = -1
	wantErr(t, files.Save(r, httptest.NewRecorder(), old), nil)
	want(t, "IsNew after the old session was ended", b.visit().IsNew, true)
}

// failing is an old store that is down.
type failing struct{ sessions.Store }

func (f failing) New(*http.Request, string) (*sessions.Session, error) {
	return sessions.NewSession(f, name), errDown
}

func TestImportFromAStoreThatIsDown(t *testing.T) {
	old := sessions.NewCookieStore(secret)
	b := newWorld(t, gorillaholdfast.Import(failing{old})).browser()
	b.fill(old, map[any]any{"a": 1})
	r, rec := b.request(), httptest.NewRecorder()
	s, err := b.w.Get(r, name)
	wantErr(t, err, session.ErrUnavailable)
	s.Values["b"] = 1
	wantErr(t, s.Save(r, rec), session.ErrUnavailable)
	want(t, "number of cookies", len(b.take(rec)), 0)
}

func TestImportWhileTheStoreFails(t *testing.T) {
	b := moved(t, sessions.NewCookieStore(secret), map[any]any{"a": 1})
	b.w.browser().set("warm", 1) // reads the ring of keys
	b.w.trips.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errDown }
	_, err := b.w.Get(b.request(), name)
	wantErr(t, err, session.ErrUnavailable)
	b.w.trips.OnFetch = nil

	v := b.visit()
	b.w.trips.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if rec.Format == "gorillaholdfast/import" {
			return errDown
		}
		return next(ctx, rec, expect)
	}
	v.Values["b"] = 2
	cookies, err := v.save()
	wantErr(t, err, session.ErrUnavailable)
	want(t, "number of cookies", len(cookies), 0)

	lost := 3 // answers of the store
	b.w.trips.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		err := next(ctx, rec, expect)
		if rec.Format == "gorillaholdfast/import" && lost > 0 {
			lost--
			return errDown
		}
		return err
	}
	b.set("b", 2)
	got := b.visit().Values
	want(t, "a", got["a"], 1)
	want(t, "b", got["b"], 2)
}

func TestImportReplacesACookieOfAnotherScope(t *testing.T) {
	old := sessions.NewCookieStore(secret)
	old.Options.Path = "/folder"
	b := moved(t, old, map[any]any{"a": 1})
	v := b.visit()
	cleared := false
	for _, c := range v.mustSave() {
		cleared = cleared || c.Path == "/folder" && c.MaxAge < 0
	}
	want(t, "cookie of the old path is cleared", cleared, true)
}

func TestImportOfAValueThatCannotBeStored(t *testing.T) {
	b := moved(t, stuck{sessions.NewCookieStore(secret)}, map[any]any{"a": 1})
	v := b.visit()
	_, err := v.save()
	wantErr(t, err, session.ErrEncode)
	delete(v.Values, "func")
	v.mustSave()
	want(t, "value", b.get("a"), 1)
}

// stuck is a store that holds something that gob cannot encode.
type stuck struct{ sessions.Store }

func (s stuck) New(r *http.Request, name string) (*sessions.Session, error) {
	found, err := s.Store.New(r, name)
	found.Values["func"] = func() {}
	return found, err
}

func TestImportLeavesSessionsOfThisStoreAlone(t *testing.T) {
	b := newWorld(t, gorillaholdfast.Import(sessions.NewCookieStore(secret))).browser()
	b.set("a", 1)
	want(t, "value", b.get("a"), 1)
	v := b.visit()
	cookie := b.jar[name]
	v.Options.MaxAge = -1
	v.mustSave()
	b.jar[name] = cookie
	want(t, "IsNew after a logout", b.visit().IsNew, true)
}
