package scsholdfast_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// store counts the storage trips to a provider in memory, and fails if it is told to.
type store struct {
	*memory.Provider
	trips  atomic.Int64
	broken atomic.Bool
	beside atomic.Pointer[func()] // runs before the next Save
}

func newStore() *store { return &store{Provider: memory.New()} }

var errBroken = errors.New("the store is broken")

func (s *store) trip() error {
	s.trips.Add(1)
	if s.broken.Load() {
		return errBroken
	}
	return nil
}

func (s *store) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := s.trip(); err != nil {
		return nil, err
	}
	return s.Provider.Fetch(ctx, id)
}

func (s *store) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if beside := s.beside.Swap(nil); beside != nil {
		(*beside)()
	}
	if err := s.trip(); err != nil {
		return err
	}
	return s.Provider.Save(ctx, rec, expectVersion)
}

func (s *store) Delete(ctx context.Context, id string) error {
	if err := s.trip(); err != nil {
		return err
	}
	return s.Provider.Delete(ctx, id)
}

// Shared overrides the memory provider's, whose use would bypass s.
func (s *store) Shared() provider.Provider { return nil }

// beforeSave makes fn run before the next Save, as a parallel request would.
func (s *store) beforeSave(fn func()) { s.beside.Store(&fn) }

// newManager returns a SessionManager over a new store, whose signing keys need no trip.
func newManager(t *testing.T) (*scsholdfast.SessionManager, *store) {
	t.Helper()
	s := newStore()
	m := scsholdfast.New()
	m.Store = s
	m.Config.SigningKeys = [][]byte{make([]byte, 32)}
	m.Config.Logger = slog.New(slog.DiscardHandler)
	return m, s
}

// visitor is a browser: it sends one cookie of the session's name.
type visitor struct {
	t       *testing.T
	handler http.Handler
	cookie  *http.Cookie
}

// app returns a visitor of m's app, whose handler is h.
func app(t *testing.T, m *scsholdfast.SessionManager, h http.HandlerFunc) *visitor {
	return &visitor{t: t, handler: m.LoadAndSave(h)}
}

// do sends a request and keeps the cookie of the response.
func (v *visitor) do(method, path string) *http.Response {
	v.t.Helper()
	res := v.send(method, path)
	for _, c := range res.Cookies() {
		if c.Name == "session" {
			v.cookie = c
			if c.MaxAge < 0 {
				v.cookie = nil
			}
		}
	}
	return res
}

// send sends a request and ignores the cookies of the response.
func (v *visitor) send(method, path string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	if v.cookie != nil {
		r.AddCookie(&http.Cookie{Name: v.cookie.Name, Value: v.cookie.Value})
	}
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	return w.Result()
}

// get sends a GET and returns the body.
func (v *visitor) get(path string) string {
	v.t.Helper()
	res := v.do("GET", path)
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: status %d: %s", path, res.StatusCode, b)
	}
	return string(b)
}

// use calls fn in a session that Load has opened, and commits it.
func use(t *testing.T, m *scsholdfast.SessionManager, token string, fn func(ctx context.Context)) (newToken string) {
	t.Helper()
	ctx, err := m.Load(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	fn(ctx)
	newToken, _, err = m.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return newToken
}

func mustPanic(t *testing.T, fn func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	fn()
}
