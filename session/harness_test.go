// The harness of this package's tests. A world is a store with a Manager over it, where the
// test sees every call; a client is a browser that keeps its cookies in a map, so that every
// request runs in-process and ends before post, get or serve return.
//
//	w := newWorld(t)                       // memory store, one signing key, Insecure cookie
//	c := w.client()                        // no cookie yet
//	c.post(func(s *session.Session) {...}) // a request whose handler is never run again
//	other := c.tab()                       // begins with the same cookies, keeps its own from then on
//
//	w, c, id := begun(t)                   // a world, and a client whose session has a=1
//	w, all := several(t, 3)                // a world, and clients with a session each
//	w, c := member(t)                      // a world, and a client that has signed in as ann
//	w, c, id := revoked(t)                 // as begun, and then the session was revoked
//
// This file has the world and the ways to begin; harness_client_test.go the clients, their
// answers, and handlers such as set, read and login; harness_faults_test.go the faults of the
// store, and how requests overlap; harness_owner_test.go the owners of sessions. The tests
// over real connections, in the files http_*_test.go, have a harness of their own in
// http_harness_test.go.
//
// The tests decide how requests interleave. Most need no goroutine: a handler that calls
// another client's post has that whole request inside its own, and
// w.onSave(before(func() {...})) has it inside the next save. Where two requests must truly
// overlap, there are pause and barrier.
//
// Faults are hooks, used up in the order of the calls: w.onSave(pass, dropped) loses the
// second save from now on. With landed, dropped, w.late and refused a save fails, with
// failing a fetch. The store's counters, w.wantTrips and w.savesSince show the calls that
// have reached the store; w.stored reads a record without being counted.
package session_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

const day = 24 * time.Hour

// The keys that most tests use, and that client.state shows.
var (
	keyA = session.NewKey[int]("a")
	keyB = session.NewKey[int]("b")
	keyC = session.NewKey[int]("c")
)

// patience is the StoreTimeout of the tests that are not about it. A busy machine may
// stand still for seconds.
const patience = time.Minute

// strictWindow is the time for which a request cannot begin a session over a tombstone
// that a request of the same browser has made.
const strictWindow = 30 * time.Second

// world is a store under watch and a Manager over it.
type world struct {
	t     testing.TB
	store *storetest.Store
	m     *session.Manager
	log   logbook

	mu         sync.Mutex
	saves      []save // every call of Save, in the order they began
	saveHooks  []saveHook
	fetchHooks []fetchHook
	lateSaves  []func()
}

// manager returns another instance over the same store.
func (w *world) manager(opts ...func(*session.Config)) *session.Manager {
	w.t.Helper()
	cfg := session.Config{
		SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
		StoreTimeout: patience,
		Cookie:       session.Cookie{Insecure: true},
		Logger:       slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ErrorHandler: answerError,
	}
	carrier.configure(&cfg)
	for _, opt := range opts {
		opt(&cfg)
	}
	m, err := session.New(w.store, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// trips returns the number of trips to the store that fn causes.
func (w *world) trips(fn func()) int64 {
	n := w.store.Trips()
	fn()
	return w.store.Trips() - n
}

// wantTrips checks the number of trips to the store that fn causes.
func (w *world) wantTrips(t testing.TB, want int64, fn func()) {
	t.Helper()
	if n := w.trips(fn); n != want {
		t.Errorf("%d trips; want %d", n, want)
	}
}

// stored returns the record in the store, or nil. The call is not counted and uses up no
// hook.
func (w *world) stored(id string) *provider.Record {
	rec, err := w.store.Provider.Fetch(context.Background(), id)
	if err != nil && !errors.Is(err, provider.ErrNotFound) {
		w.t.Error(err)
	}
	return rec
}

// lives reports whether the record is that of a session that has not ended.
func (w *world) lives(id string) bool {
	rec := w.stored(id)
	if rec == nil {
		return false
	}
	info, err := session.Inspect(rec)
	if err != nil {
		w.t.Error(err)
		return false
	}
	return info.Kind == session.KindSession
}

// erase deletes a record without the session's knowledge.
func (w *world) erase(id string) {
	if err := w.store.Provider.Delete(context.Background(), id); err != nil {
		w.t.Error(err)
	}
}

// savesSince returns the saves from the nth on.
func (w *world) savesSince(n int64) []save {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.saves[n:])
}

func (w *world) save(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	cp := *rec
	cp.Data = bytes.Clone(rec.Data)
	w.mu.Lock()
	i := len(w.saves)
	w.saves = append(w.saves, save{Record: &cp, expect: expect})
	hook := shift(&w.saveHooks)
	w.mu.Unlock()
	if hook == nil {
		hook = pass
	}
	err := hook(ctx, rec, expect, next)
	w.mu.Lock()
	w.saves[i].err = err
	w.mu.Unlock()
	return err
}

func (w *world) fetch(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
	w.mu.Lock()
	hook := shift(&w.fetchHooks)
	w.mu.Unlock()
	if hook == nil {
		hook = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			return next(ctx, id)
		}
	}
	rec, err := hook(ctx, id, next)
	w.mu.Lock()
	late := w.lateSaves
	w.lateSaves = nil
	w.mu.Unlock()
	for _, land := range late {
		land()
	}
	return rec, err
}

// save is one call of Save and its result.
type save struct {
	*provider.Record
	expect int64
	err    error
}

// newWorld returns a world whose Config is changed by opts.
func newWorld(t testing.TB, opts ...func(*session.Config)) *world {
	t.Helper()
	w := &world{t: t, store: &storetest.Store{Provider: memory.New()}}
	w.store.OnSave, w.store.OnFetch = w.save, w.fetch
	w.m = w.manager(opts...)
	return w
}

// begun returns a new world, a client whose session has a=1, and the session's ID.
func begun(t testing.TB, opts ...func(*session.Config)) (*world, *client, string) {
	t.Helper()
	w := newWorld(t, opts...)
	c := w.client()
	c.post(set("a=1")).wantPage(t)
	return w, c, c.sessionID()
}

// several returns a new world and n clients, each with a session that has a=1.
func several(t *testing.T, n int, opts ...func(*session.Config)) (*world, []*client) {
	t.Helper()
	w := newWorld(t, opts...)
	all := make([]*client, n)
	for i := range all {
		all[i] = w.client()
		all[i].post(set("a=1")).wantPage(t)
	}
	return w, all
}

// level is an option of newWorld.
func level(l session.Isolation) func(*session.Config) {
	return func(cfg *session.Config) { cfg.Isolation = l }
}

func shift[T any](s *[]T) (first T) {
	if len(*s) > 0 {
		first, *s = (*s)[0], (*s)[1:]
	}
	return first
}

// wantErr checks an error with errors.Is; a nil want wants no error.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v; want %v", err, want)
	}
}

// logbook collects the log.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// has reports whether anything was logged at that level or above.
func (l *logbook) has(level slog.Level) bool {
	for at := level; at <= slog.LevelError; at += 4 {
		if strings.Contains(l.String(), "level="+at.String()) {
			return true
		}
	}
	return false
}

// bubble runs fn in a synctest bubble, where time.Sleep takes no time.
func bubble(name string, t *testing.T, fn func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, fn) })
}

// newManager returns a Manager over p without a world.
func newManager(t *testing.T, p provider.Provider, cfg session.Config) *session.Manager {
	t.Helper()
	cfg.StoreTimeout = cmp.Or(cfg.StoreTimeout, patience)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	m, err := session.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// serveOne runs do in a request with that cookie, if any.
func serveOne(m *session.Manager, cookie *http.Cookie, do func(*session.Session)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "https://example.org/", nil)
	if cookie != nil {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { do(s) }).ServeHTTP(w, r)
	return w
}

// cookieOf returns the cookie of a new session of m's.
func cookieOf(t *testing.T, m *session.Manager) *http.Cookie {
	t.Helper()
	return cookieAfter(t, m, nil, func(s *session.Session) { keyA.Set(s, 1) })
}

// cookieAfter returns the cookie that a request which runs do sets, if any.
func cookieAfter(t *testing.T, m *session.Manager, cookie *http.Cookie, do func(*session.Session)) *http.Cookie {
	t.Helper()
	w := serveOne(m, cookie, do)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		return c
	}
	return nil
}

// knows reports whether the cookie opens the session of cookieOf at m.
func knows(m *session.Manager, cookie *http.Cookie) bool {
	known := false
	serveOne(m, cookie, func(s *session.Session) { _, known = keyA.Get(s) })
	return known
}
