package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// clients

// client is a browser: it sends its cookies and keeps those it is sent.
type client struct {
	w   *world
	m   *session.Manager
	mu  sync.Mutex
	jar map[string]string
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

// elsewhere returns a tab whose requests another instance serves. So its commits are not
// saved together with those of c.
func (c *client) elsewhere() *client {
	t := c.tab()
	t.m = c.w.manager()
	return t
}

// post runs fn as the handler of a POST, which is never replayed, and answers "page".
func (c *client) post(fn func(s *session.Session)) *answer { return c.do(http.MethodPost, fn) }

// get runs fn as the handler of a GET, which HandlerFunc replays.
func (c *client) get(fn func(s *session.Session)) *answer { return c.do(http.MethodGet, fn) }

func (c *client) do(method string, fn func(s *session.Session)) *answer {
	if carrier.open {
		return c.commit(fn)
	}
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
	carrier.attach(r, c.jar)
	c.mu.Unlock()
	h.ServeHTTP(a, r.WithContext(context.WithValue(r.Context(), answerKey{}, a)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(a)
	return a
}

// keep keeps the tokens of a.
func (c *client) keep(a *answer) {
	for name, value := range carrier.tokens(a) {
		if value == "" {
			delete(c.jar, name)
		} else {
			c.jar[name] = value
		}
	}
}

// sessionID returns the public ID of the session that the client's cookie opens; "" if it
// opens none.
func (c *client) sessionID() (id string) {
	c.tab().post(func(s *session.Session) { id = s.PublicID() })
	return id
}

// state returns the keys and values of the client's session, as "a=1 b=2" or "empty".
func (c *client) state() (text string) {
	a := c.tab().post(func(s *session.Session) { text = show(s) })
	if a.err != nil {
		return a.err.Error()
	}
	return text
}

// wantState checks the keys and values of the client's session.
func (c *client) wantState(want string) {
	c.w.t.Helper()
	if got := c.state(); got != want {
		c.w.t.Errorf("the session has %q; want %q", got, want)
	}
}

// client returns a client without cookies.
func (w *world) client() *client { return w.clientOf(w.m) }

// clientOf returns a client of another instance.
func (w *world) clientOf(m *session.Manager) *client {
	return &client{w: w, m: m, jar: map[string]string{}}
}

// answers

// answer is the response that a client has received.
type answer struct {
	*httptest.ResponseRecorder
	err   error // the last error that ErrorHandler was given
	asked int   // how often ErrorHandler was called
	early []int // the informational responses
}

// WriteHeader collects the informational responses apart, as net/http does.
func (a *answer) WriteHeader(code int) {
	if code >= 100 && code < 200 && code != http.StatusSwitchingProtocols {
		a.early = append(a.early, code)
		return
	}
	a.ResponseRecorder.WriteHeader(code)
}

// cookies returns the lines that give the visitor a token or take it.
func (a *answer) cookies() []string { return a.Result().Header.Values(carrier.header()) }

// cleared reports whether there is one such line, which takes the token.
func (a *answer) cleared() bool {
	for _, value := range carrier.tokens(a) {
		return value == "" && len(a.cookies()) == 1
	}
	return false
}

// wantPage checks that the handler's page came through.
func (a *answer) wantPage(t testing.TB) {
	t.Helper()
	if a.Code != http.StatusOK || a.err != nil {
		t.Errorf("got status %d, error %v; want the page", a.Code, a.err)
	}
}

// wantError checks that the answer is the error handler's and contains nothing else.
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

type answerKey struct{}

// answerError is the ErrorHandler of every world.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	if a, ok := r.Context().Value(answerKey{}).(*answer); ok {
		a.err = err
		a.asked++
	}
	http.Error(w, err.Error(), session.StatusCode(err))
}

// requests and handlers

// request returns a request with that body, if any.
func request(method, body string) *http.Request {
	if body == "" {
		return httptest.NewRequest(method, "/", nil)
	}
	return httptest.NewRequest(method, "/", strings.NewReader(body))
}

// load is session.Load where that must not fail.
func load(t testing.TB, r *http.Request) *session.Session {
	t.Helper()
	s, err := session.Load(r.Context())
	if err != nil {
		t.Error(err)
	}
	return s
}

// leaf is a handler that receives its session.
type leaf = func(http.ResponseWriter, *http.Request, *session.Session)

// loading returns a handler that loads its session by session.Load.
func loading(fn leaf) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fn(w, r, s)
	})
}

// replay returns fn below Handler and Replay.
func replay(m *session.Manager, fn leaf) http.Handler { return m.Handler(m.Replay(loading(fn))) }

// hijackable returns h with a ResponseWriter that can be hijacked.
func hijackable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(hijacker{w}, r) })
}

type hijacker struct{ http.ResponseWriter }

func (h hijacker) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	server, client := net.Pipe()
	client.Close()
	return server, bufio.NewReadWriter(bufio.NewReader(server), bufio.NewWriter(server)), nil
}

// conflict is the result, in place of a state, that a table of interleavings wants for a
// conflict.
const conflict = "conflict"

// show returns the keys and values of s, as "a=1 b=2" or "empty".
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

// increment is for Key.Update.
func increment(n int) int { return n + 1 }

func add(k session.Key[int], d int) func(*session.Session) {
	return func(s *session.Session) { k.Update(s, func(n int) int { return n + d }) }
}

func del(keys ...session.Key[int]) func(*session.Session) {
	return func(s *session.Session) {
		for _, k := range keys {
			k.Delete(s)
		}
	}
}

func read(keys ...session.Key[int]) func(*session.Session) {
	return func(s *session.Session) {
		for _, k := range keys {
			k.Get(s)
		}
	}
}

func clearAll(s *session.Session) { s.Clear() }

// inOrder runs several handlers as one.
func inOrder(fns ...func(*session.Session)) func(*session.Session) {
	return func(s *session.Session) {
		for _, fn := range fns {
			fn(s)
		}
	}
}

func destroy(s *session.Session) { s.Destroy() }

func pop(s *session.Session) { keyA.Pop(s) }

// renew does the part of a login that changes the cookie.
func renew(s *session.Session) { s.Renew() }

// login sets the user, c, and renews.
func login(s *session.Session) { keyC.Set(s, 1); s.Renew() }

// setting is set for Session.Update.
func setting(text string) func(*session.Session) error {
	return func(s *session.Session) error { set(text)(s); return nil }
}

// loaded returns the client's session after its request is over.
func loaded(c *client) (s *session.Session) {
	c.tab().post(func(now *session.Session) { s = now })
	return s
}
