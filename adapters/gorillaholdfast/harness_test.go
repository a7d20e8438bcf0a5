package gorillaholdfast_test

import (
	"encoding/gob"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

const name = "session-name" // of the sessions

type cart struct{ Items []string }

type keyType int

const userKey keyType = 3

// vague is a type of keys that all look alike.
type vague int

func (vague) GoString() string { return "vague" }

func init() {
	gob.Register(cart{})
	gob.Register(keyType(0))
	gob.Register(vague(0))
}

// world is a Store over a provider that counts.
type world struct {
	t     *testing.T
	trips *storetest.Store
	*gorillaholdfast.Store
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func newWorld(t *testing.T, opts ...gorillaholdfast.Option) *world {
	t.Helper()
	return worldOver(t, memory.New(), opts...)
}

// worldOver is another instance of an app over the same store.
func worldOver(t *testing.T, p *memory.Provider, opts ...gorillaholdfast.Option) *world {
	t.Helper()
	trips := &storetest.Store{Provider: p}
	opts = append([]gorillaholdfast.Option{gorillaholdfast.WithConfig(session.Config{Logger: quiet})}, opts...)
	return &world{t, trips, gorillaholdfast.NewStore(trips, opts...)}
}

// browser keeps cookies by name.
type browser struct {
	w   *world
	jar map[string]*http.Cookie
}

func (w *world) browser() *browser { return &browser{w, map[string]*http.Cookie{}} }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest("GET", "https://example.org/folder/page", nil)
	for _, c := range b.jar {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// take keeps the cookies of a response.
func (b *browser) take(rec *httptest.ResponseRecorder) []*http.Cookie {
	cookies := (&http.Response{Header: rec.Header()}).Cookies()
	for _, c := range cookies {
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
		} else {
			b.jar[c.Name] = c
		}
	}
	return cookies
}

// visit is one request with its session.
type visit struct {
	*sessions.Session
	b   *browser
	r   *http.Request
	rec *httptest.ResponseRecorder
}

// visit begins a request that gets the session without an error.
func (b *browser) visit() *visit {
	b.w.t.Helper()
	v := &visit{b: b, r: b.request(), rec: httptest.NewRecorder()}
	var err error
	if v.Session, err = b.w.Get(v.r, name); err != nil {
		b.w.t.Fatal(err)
	}
	return v
}

// save saves the session and ends the request.
func (v *visit) save() ([]*http.Cookie, error) {
	err := v.Session.Save(v.r, v.rec)
	return v.b.take(v.rec), err
}

// mustSave is save without an error.
func (v *visit) mustSave() []*http.Cookie {
	v.b.w.t.Helper()
	cookies, err := v.save()
	if err != nil {
		v.b.w.t.Fatal(err)
	}
	return cookies
}

// set sets keys and saves.
func (b *browser) set(pairs ...any) *visit {
	b.w.t.Helper()
	v := b.visit()
	for i := 0; i < len(pairs); i += 2 {
		v.Values[pairs[i]] = pairs[i+1]
	}
	v.mustSave()
	return v
}

// get returns the value of a key.
func (b *browser) get(key any) any {
	b.w.t.Helper()
	return b.visit().Values[key]
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// bubble runs a test in which time passes only in time.Sleep.
func bubble(name string, t *testing.T, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}
