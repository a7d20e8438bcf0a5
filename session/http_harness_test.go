package session_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The keys of the HTTP tests.
var (
	httpCount = session.NewKey[int]("count")
	httpName  = session.NewKey[string]("name")
)

// httpPatience ends a request that would otherwise hang a failing test. No
// test waits for it to pass.
const httpPatience = 2 * patience

// httpLeaf is a handler that receives its session.
type httpLeaf = func(http.ResponseWriter, *http.Request, *session.Session)

// httpShapes are the ways to put a leaf below a Manager.
var httpShapes = []struct {
	name string
	wrap func(*session.Manager, httpLeaf) http.Handler
}{
	{"Handler", httpWithHandler},
	{"HandlerFunc", httpWithHandlerFunc},
	{"HandlerFunc in Handler", func(m *session.Manager, leaf httpLeaf) http.Handler {
		return m.Handler(m.HandlerFunc(leaf))
	}},
	{"Replay in Handler", httpWithReplay},
	{"HandlerFunc in Replay", func(m *session.Manager, leaf httpLeaf) http.Handler {
		return m.Replay(m.HandlerFunc(leaf))
	}},
}

// httpReplays reports whether a shape replays a request with that method.
func httpReplays(shape, method string) bool {
	return strings.Contains(shape, "Replay") ||
		strings.Contains(shape, "HandlerFunc") && method != "POST" && method != "PUT"
}

func httpWithHandler(m *session.Manager, leaf httpLeaf) http.Handler {
	return m.Handler(httpLoading(leaf))
}

func httpWithHandlerFunc(m *session.Manager, leaf httpLeaf) http.Handler { return m.HandlerFunc(leaf) }

func httpWithReplay(m *session.Manager, leaf httpLeaf) http.Handler {
	return m.Handler(m.Replay(httpLoading(leaf)))
}

// httpLoading returns leaf as a plain handler that loads its session itself.
func httpLoading(leaf httpLeaf) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, err.Error(), session.StatusCode(err))
			return
		}
		leaf(w, r, s)
	})
}

// httpEnv is a Manager over a counted memory store whose calls a test can
// intercept, and what the Manager logs.
type httpEnv struct {
	*session.Manager
	store *storetest.Store
	log   *httpLog
	fetch atomic.Pointer[httpFetchHook]
	save  atomic.Pointer[httpSaveHook]
}

type (
	httpFetchHook = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error)
	httpSaveHook  = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error
)

// httpSigningKey is the key of most HTTP tests, so that they need no key ring and no
// trips for it.
var httpSigningKey = bytes.Repeat([]byte("k"), 32)

// httpNew returns a Manager for plain HTTP with httpSigningKey.
func httpNew(t testing.TB, cfg session.Config) *httpEnv {
	t.Helper()
	cfg.SigningKeys = [][]byte{httpSigningKey}
	return httpNewRing(t, cfg)
}

// httpNewRing is httpNew with the signing keys in cfg; none: a key ring.
func httpNewRing(t testing.TB, cfg session.Config) *httpEnv {
	t.Helper()
	env := &httpEnv{store: &storetest.Store{Provider: memory.New()}, log: new(httpLog)}
	env.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		if hook := env.fetch.Load(); hook != nil && *hook != nil {
			return (*hook)(ctx, id, next)
		}
		return next(ctx, id)
	}
	env.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if hook := env.save.Load(); hook != nil && *hook != nil {
			return (*hook)(ctx, rec, expect, next)
		}
		return next(ctx, rec, expect)
	}
	cfg.StoreTimeout = cmp.Or(cfg.StoreTimeout, patience)
	cfg.Cookie.Insecure = true
	cfg.Logger = slog.New(env.log)
	m, err := session.New(env.store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	env.Manager = m
	return env
}

var errHTTPDown = errors.New("store is down")

// onFetch and onSave intercept the calls of the store from now on; a nil hook ends that.
func (e *httpEnv) onFetch(hook httpFetchHook) { e.fetch.Store(&hook) }

func (e *httpEnv) onSave(hook httpSaveHook) { e.save.Store(&hook) }

// failSaves and failFetches make every call of their kind fail before it reaches the
// store.
func (e *httpEnv) failSaves() {
	e.onSave(func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errHTTPDown })
}

func (e *httpEnv) failFetches() {
	e.onFetch(func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errHTTPDown })
}

// httpLog is a slog.Handler that keeps the records.
type httpLog struct {
	mu      sync.Mutex
	records []slog.Record
}

func (l *httpLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *httpLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *httpLog) WithGroup(string) slog.Handler            { return l }

func (l *httpLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

// count returns how many records of at least level there are.
func (l *httpLog) count(level slog.Level) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if r.Level >= level {
			n++
		}
	}
	return n
}

// last returns the text of the last line.
func (l *httpLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) == 0 {
		return ""
	}
	return l.records[len(l.records)-1].Message
}

// countText returns how many records have text in their message.
func (l *httpLog) countText(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if strings.Contains(r.Message, text) {
			n++
		}
	}
	return n
}

// httpSite is an httpEnv on a real server: the handler under test at /, and below
// /session/ handlers that begin, change and show a session.
type httpSite struct {
	*httpEnv
	srv  *httptest.Server
	done chan struct{} // one for every request that the handler under test has finished
}

const (
	httpProto1 = "HTTP/1.1"
	httpProto2 = "HTTP/2"
)

var httpProtos = []string{httpProto1, httpProto2}

// serve starts h on a real server: HTTP/2 with TLS, HTTP/1.1 without.
func (e *httpEnv) serve(t *testing.T, proto string, h http.Handler) *httpSite {
	return e.serveOn(t, proto, h, nil)
}

// serveOn is serve; if wrap is not nil, it wraps the server's listener.
func (e *httpEnv) serveOn(t *testing.T, proto string, h http.Handler, wrap func(net.Listener) net.Listener) *httpSite {
	t.Helper()
	site := &httpSite{httpEnv: e, done: make(chan struct{}, 16)}
	mux := http.NewServeMux()
	mux.Handle("/session/begin", e.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		httpCount.Set(s, 0)
		httpName.Set(s, "begun")
	}))
	mux.Handle("/session/rival", e.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		httpCount.Update(s, func(n int) int { return n + 100 })
	}))
	mux.Handle("/session/peek", e.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		n, _ := httpCount.Get(s)
		name, _ := httpName.Get(s)
		fmt.Fprintf(w, "new=%t count=%d name=%s", s.IsNew(), n, name)
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			select {
			case site.done <- struct{}{}:
			default: // no test waits for so many
			}
		}()
		h.ServeHTTP(w, r)
	})
	site.srv = httptest.NewUnstartedServer(mux)
	var serverLog logbook
	site.srv.Config.ErrorLog = log.New(&serverLog, "", 0)
	if wrap != nil {
		site.srv.Listener = wrap(site.srv.Listener)
	}
	if proto == httpProto2 {
		site.srv.EnableHTTP2 = true
		site.srv.StartTLS()
	} else {
		site.srv.Start()
	}
	t.Cleanup(func() {
		site.srv.Close()
		if text := serverLog.String(); strings.Contains(text, "superfluous") {
			t.Errorf("net/http complains: %s", text)
		}
	})
	return site
}

// httpEach runs a test for each protocol and shape, with a function that serves a leaf in
// that way.
func httpEach(t *testing.T, run func(t *testing.T, serve func(httpLeaf) *httpSite)) {
	for _, proto := range httpProtos {
		httpEachShape(t, proto, run)
	}
}

// httpEachShape is httpEach for one protocol.
func httpEachShape(t *testing.T, proto string, run func(t *testing.T, serve func(httpLeaf) *httpSite)) {
	for _, shape := range httpShapes {
		t.Run(proto+" "+shape.name, func(t *testing.T) {
			run(t, func(leaf httpLeaf) *httpSite {
				env := httpNew(t, session.Config{})
				return env.serve(t, proto, shape.wrap(env.Manager, leaf))
			})
		})
	}
}

// httpBump reads and sets count, so that a rival's change conflicts.
func httpBump(s *session.Session) {
	n, _ := httpCount.Get(s)
	httpCount.Set(s, n+1)
}

// httpUnavailable checks that a is a 503 without the page, early responses, cookies or
// Location.
func httpUnavailable(t *testing.T, a httpAnswer) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "page") || len(a.early) != 0 ||
		len(a.cookies) != 0 || a.header.Get("Location") != "" {
		t.Errorf("answer %v after %v; want a bare 503", a, a.early)
	}
}
