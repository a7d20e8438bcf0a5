// The harness of this package's tests. A world is a store under watch with a
// Manager over it; a client is a browser that carries its cookies by hand, so
// that every request runs in-process and ends before post, get or serve return.
//
//	w := newWorld(t)                       // memory store, one signing key, Insecure cookie
//	c := w.client()                        // no cookie yet
//	c.post(func(s *session.Session) {...}) // a request whose handler is never run again
//	other := c.tab()                       // the same cookies, a jar of its own from here on
//
// Interleavings are decided, not hoped for. Most need no goroutine: a handler
// that calls another client's post has that whole request inside its own, and
// w.onSave(before(func() {...})) has it inside the next save. Where two requests
// must truly overlap there are pause and barrier.
//
// Faults are hooks, used up in the order of the calls: w.onSave(pass, dropped)
// loses the second save from now on. landed, dropped, w.late and refused are the
// ways in which a save goes wrong, failing the way a fetch does. The store's
// counters and w.saves tell what reached the store; w.stored looks at it unseen.
package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The keys that most tests use, and state prints.
var (
	keyA = session.NewKey[int]("a")
	keyB = session.NewKey[int]("b")
	keyC = session.NewKey[int]("c")
)

// patience is the StoreTimeout of the tests that are not about it. A machine with more to
// do than it can may stand still for seconds.
const patience = time.Minute

// world

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

// save is what one call of Save was given, and with what it ended.
type save struct {
	*provider.Record
	expect int64
	err    error
}

func newWorld(t testing.TB, opts ...func(*session.Config)) *world {
	t.Helper()
	w := &world{t: t, store: &storetest.Store{Provider: memory.New()}}
	w.store.OnSave, w.store.OnFetch = w.save, w.fetch
	w.m = w.manager(opts...)
	return w
}

// manager returns one more instance over the same store.
func (w *world) manager(opts ...func(*session.Config)) *session.Manager {
	w.t.Helper()
	cfg := session.Config{
		SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
		StoreTimeout: patience,
		Cookie:       session.Cookie{Insecure: true},
		Logger:       slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ErrorHandler: answerError,
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	m, err := session.New(w.store, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// level is an option of newWorld.
func level(l session.Isolation) func(*session.Config) {
	return func(cfg *session.Config) { cfg.Isolation = l }
}

// trips returns how often fn goes to the store.
func (w *world) trips(fn func()) int64 {
	n := w.store.Trips()
	fn()
	return w.store.Trips() - n
}

// stored returns the record as the store has it, nil if it has none. It is not
// counted and meets no hook.
func (w *world) stored(id string) *provider.Record {
	rec, err := w.store.Provider.Fetch(context.Background(), id)
	if err != nil && !errors.Is(err, provider.ErrNotFound) {
		w.t.Error(err)
	}
	return rec
}

// lives reports whether the record is that of a session that goes on.
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

// erase removes a record behind everybody's back.
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

func shift[T any](s *[]T) (first T) {
	if len(*s) > 0 {
		first, *s = (*s)[0], (*s)[1:]
	}
	return first
}

// faults

type (
	saveHook  func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error
	fetchHook func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error)
)

var errBroken = errors.New("broken connection")

// onSave lines up hooks for the next saves, one each.
func (w *world) onSave(hooks ...saveHook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saveHooks = append(w.saveHooks, hooks...)
}

// onFetch lines up hooks for the next fetches, one each.
func (w *world) onFetch(hooks ...fetchHook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetchHooks = append(w.fetchHooks, hooks...)
}

// calm forgets the hooks that are still lined up.
func (w *world) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saveHooks, w.fetchHooks, w.lateSaves = nil, nil, nil
}

// pass is no fault.
func pass(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	return next(ctx, rec, expect)
}

// landed is a save whose acknowledgement is lost.
func landed(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	if err := next(ctx, rec, expect); err != nil {
		return err
	}
	return fmt.Errorf("reading the reply: %w", context.DeadlineExceeded)
}

// dropped is a save that is lost itself.
func dropped(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errBroken }

// late is a save that reports a broken connection and lands right after the next fetch.
func (w *world) late(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	cp := *rec
	cp.Data = bytes.Clone(rec.Data)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lateSaves = append(w.lateSaves, func() { _ = next(context.WithoutCancel(ctx), &cp, expect) })
	return errBroken
}

// refused is a save that the provider turns down with err.
func refused(err error) saveHook {
	return func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return err }
}

// failing is a fetch that fails.
func failing(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
	return nil, errBroken
}

// before runs fn when the save is about to reach the store.
func before(fn func()) saveHook { return then(fn, pass) }

// then runs fn and goes on with hook.
func then(fn func(), hook saveHook) saveHook {
	return func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		fn()
		return hook(ctx, rec, expect, next)
	}
}

// after goes on with hook and runs fn before the caller hears of it.
func after(hook saveHook, fn func()) saveHook {
	return func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		defer fn()
		return hook(ctx, rec, expect, next)
	}
}

// clients

// client is a browser: it sends its cookies and keeps those it is sent.
type client struct {
	w   *world
	m   *session.Manager
	mu  sync.Mutex
	jar map[string]string
}

func (w *world) client() *client { return w.clientOf(w.m) }

// clientOf returns a client of another instance.
func (w *world) clientOf(m *session.Manager) *client {
	return &client{w: w, m: m, jar: map[string]string{}}
}

// tab returns a client that starts with the same cookies.
func (c *client) tab() *client {
	t := c.w.clientOf(c.m)
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, value := range c.jar {
		t.jar[name] = value
	}
	return t
}

// post runs fn as the handler of a POST, which nobody replays, and answers "page".
func (c *client) post(fn func(s *session.Session)) *answer { return c.do(http.MethodPost, fn) }

// get runs fn as the handler of a GET, which HandlerFunc replays.
func (c *client) get(fn func(s *session.Session)) *answer { return c.do(http.MethodGet, fn) }

func (c *client) do(method string, fn func(s *session.Session)) *answer {
	return c.send(method, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fn(s)
		io.WriteString(w, "page")
	})
}

// send sends a request without a body to HandlerFunc(fn).
func (c *client) send(method string, fn func(http.ResponseWriter, *http.Request, *session.Session)) *answer {
	return c.serve(c.m.HandlerFunc(fn), httptest.NewRequest(method, "/", nil))
}

// handle sends a request to Handler(fn).
func (c *client) handle(method string, fn http.HandlerFunc) *answer {
	return c.serve(c.m.Handler(fn), httptest.NewRequest(method, "/", nil))
}

// serve sends r with the client's cookies to h.
func (c *client) serve(h http.Handler, r *http.Request) *answer {
	a := &answer{ResponseRecorder: httptest.NewRecorder()}
	c.mu.Lock()
	for name, value := range c.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	c.mu.Unlock()
	h.ServeHTTP(a, r.WithContext(context.WithValue(r.Context(), answerKey{}, a)))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ck := range a.Result().Cookies() {
		if ck.MaxAge < 0 {
			delete(c.jar, ck.Name)
		} else {
			c.jar[ck.Name] = ck.Value
		}
	}
	return a
}

// public ID of the session that the client's cookie opens; "" if it opens none.
func (c *client) sessionID() (id string) {
	c.tab().post(func(s *session.Session) { id = s.PublicID() })
	return id
}

// state prints the keys that the client's session has, as "a=1 b=2" or "empty".
func (c *client) state() (text string) {
	a := c.tab().post(func(s *session.Session) { text = show(s) })
	if a.err != nil {
		return a.err.Error()
	}
	return text
}

func show(s *session.Session) string {
	var all []string
	for _, name := range slices.Sorted(slices.Values(s.Keys())) {
		v, ok := session.NewKey[int](name).Get(s)
		if !ok {
			all = append(all, name+"=?")
			continue
		}
		all = append(all, fmt.Sprintf("%s=%d", name, v))
	}
	if all == nil {
		return "empty"
	}
	return strings.Join(all, " ")
}

// set returns a handler that sets keys to values: set("a=1 b=2").
func set(text string) func(*session.Session) {
	return func(s *session.Session) {
		for pair := range strings.FieldsSeq(text) {
			var v int
			name, value, _ := strings.Cut(pair, "=")
			fmt.Sscan(value, &v)
			session.NewKey[int](name).Set(s, v)
		}
	}
}

// answers

// answer is what a client got.
type answer struct {
	*httptest.ResponseRecorder
	err   error // what ErrorHandler was given, the last time
	asked int   // how often ErrorHandler was called
	early []int // the informational responses
}

type answerKey struct{}

// WriteHeader keeps the informational responses apart, as net/http does.
func (a *answer) WriteHeader(code int) {
	if code >= 100 && code < 200 && code != http.StatusSwitchingProtocols {
		a.early = append(a.early, code)
		return
	}
	a.ResponseRecorder.WriteHeader(code)
}

// cookies returns the Set-Cookie lines.
func (a *answer) cookies() []string { return a.Result().Header.Values("Set-Cookie") }

// cleared reports whether the only Set-Cookie deletes a cookie.
func (a *answer) cleared() bool {
	all := a.Result().Cookies()
	return len(all) == 1 && all[0].MaxAge < 0
}

// wantPage checks that the handler's page came through.
func (a *answer) wantPage(t testing.TB) {
	t.Helper()
	if a.Code != http.StatusOK || a.err != nil {
		t.Errorf("got status %d, error %v; want the page", a.Code, a.err)
	}
}

// wantError checks that the answer is the error handler's, and nothing else.
func (a *answer) wantError(t testing.TB, code int, err error) {
	t.Helper()
	if a.Code != code || !errors.Is(a.err, err) {
		t.Errorf("got status %d, error %v; want %d, %v", a.Code, a.err, code, err)
	}
	if strings.Contains(a.Body.String(), "page") {
		t.Errorf("an error is followed by the page: %q", a.Body)
	}
}

// wantCookies checks the number of Set-Cookie lines.
func (a *answer) wantCookies(t testing.TB, n int) {
	t.Helper()
	if got := a.cookies(); len(got) != n {
		t.Errorf("got Set-Cookie %q; want %d", got, n)
	}
}

// answerError is the ErrorHandler of every world.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	if a, ok := r.Context().Value(answerKey{}).(*answer); ok {
		a.err = err
		a.asked++
	}
	http.Error(w, err.Error(), session.StatusCode(err))
}

// wantState checks what the client's session has.
func (c *client) wantState(want string) {
	c.w.t.Helper()
	if got := c.state(); got != want {
		c.w.t.Errorf("the session has %q; want %q", got, want)
	}
}

// wantErr checks an error with errors.Is; a nil want wants none.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v; want %v", err, want)
	}
}

// overlap

// pause stops a goroutine in the middle: it calls here, the test waits until it
// is reached and lets it go on with resume.
type pause struct{ at, on chan struct{} }

func newPause() pause { return pause{make(chan struct{}), make(chan struct{})} }

func (p pause) here()    { close(p.at); <-p.on }
func (p pause) reached() { <-p.at }
func (p pause) resume()  { close(p.on) }

// barrier returns a function that returns when n goroutines have called it.
func barrier(n int) func() {
	var wg sync.WaitGroup
	wg.Add(n)
	return func() { wg.Done(); wg.Wait() }
}

// parallel runs fn n times at once and waits for all.
func parallel(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// logbook keeps what was logged.
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
