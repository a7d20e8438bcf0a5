package session_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
const httpPatience = 10 * time.Second

// httpLeaf is a handler with its session.
type httpLeaf = func(http.ResponseWriter, *http.Request, *session.Session)

// httpShapes are the ways a leaf can stand under a Manager.
var httpShapes = []struct {
	name string
	wrap func(*session.Manager, httpLeaf) http.Handler
}{
	{"Handler", httpWithHandler},
	{"HandlerFunc", (*session.Manager).HandlerFunc},
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

func httpWithReplay(m *session.Manager, leaf httpLeaf) http.Handler {
	return m.Handler(m.Replay(httpLoading(leaf)))
}

// httpLoading is leaf as a plain handler that loads its session itself.
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

// httpSigningKey spares the tests the key ring and its trips.
var httpSigningKey = bytes.Repeat([]byte("k"), 32)

// httpNew returns a Manager for plain HTTP with a signing key of its own.
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

// onFetch and onSave intercept the store from now on; nil ends it.
func (e *httpEnv) onFetch(hook httpFetchHook) { e.fetch.Store(&hook) }
func (e *httpEnv) onSave(hook httpSaveHook)   { e.save.Store(&hook) }

// failSaves and failFetches let no call of their kind reach the store.
func (e *httpEnv) failSaves() {
	e.onSave(func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errHTTPDown })
}

func (e *httpEnv) failFetches() {
	e.onFetch(func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errHTTPDown })
}

// httpLog is a slog.Handler that counts.
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

// httpSite is an httpEnv on a real server: the handler under test at /, and
// under /session/ what a test needs to make a session and look into it.
type httpSite struct {
	*httpEnv
	srv  *httptest.Server
	done chan struct{} // one for every request to the handler under test that is over
}

const (
	httpProto1 = "HTTP/1.1"
	httpProto2 = "HTTP/2"
)

var httpProtos = []string{httpProto1, httpProto2}

// serve starts h on a real server, with HTTP/2 through TLS.
func (e *httpEnv) serve(t *testing.T, proto string, h http.Handler) *httpSite {
	return e.serveOn(t, proto, h, nil)
}

// serveOn is serve on a listener that wrap, if any, makes of the server's own.
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
			default: // nobody waits for so many
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

// httpEach runs a test for each protocol and shape. It gives it a function
// that serves a leaf so.
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
				env := httpNew(t, session.Config{StoreTimeout: httpStoreTimeout})
				return env.serve(t, proto, shape.wrap(env.Manager, leaf))
			})
		})
	}
}

// httpStoreTimeout keeps the tests of a failing store short.
const httpStoreTimeout = time.Second

// httpVisitor is one browser.
type httpVisitor struct {
	t      *testing.T
	site   *httpSite
	client *http.Client
}

// visitor returns a browser without cookies, which follows no redirect.
func (s *httpSite) visitor(t *testing.T) *httpVisitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *s.srv.Client()
	client.Jar = jar
	client.Timeout = httpPatience
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &httpVisitor{t, s, &client}
}

// begun returns a browser whose session is stored.
func (s *httpSite) begun(t *testing.T) *httpVisitor {
	t.Helper()
	v := s.visitor(t)
	if a := v.get("/session/begin"); a.status != 200 || len(a.cookies) != 1 {
		t.Fatalf("beginning a session: %v", a)
	}
	return v
}

// httpAnswer is a whole response.
type httpAnswer struct {
	status  int
	header  http.Header
	trailer http.Header
	cookies []*http.Cookie
	body    string
	early   []httpEarly // the 1xx answers before it
	err     error       // of the body
}

type httpEarly struct {
	status int
	header textproto.MIMEHeader
}

func (a httpAnswer) String() string { return fmt.Sprintf("%d %q %v", a.status, a.body, a.header) }

// get is do for a GET that must be answered.
func (v *httpVisitor) get(path string) httpAnswer {
	v.t.Helper()
	return v.must("GET", path, nil)
}

// must is do for a request that must be answered in full.
func (v *httpVisitor) must(method, path string, body io.Reader) httpAnswer {
	v.t.Helper()
	a, err := v.do(method, path, body)
	if err == nil {
		err = a.err
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// do sends a request. It may be called from any goroutine.
func (v *httpVisitor) do(method, path string, body io.Reader) (httpAnswer, error) {
	req, err := http.NewRequest(method, v.site.srv.URL+path, body)
	if err != nil {
		return httpAnswer{}, err
	}
	return v.send(req)
}

// send sends req and reads the whole answer.
func (v *httpVisitor) send(req *http.Request) (a httpAnswer, err error) {
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			a.early = append(a.early, httpEarly{code, header})
			return nil
		},
	})
	res, err := v.client.Do(req.WithContext(ctx))
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	a.status, a.header, a.trailer, a.cookies = res.StatusCode, res.Header, res.Trailer, res.Cookies()
	a.body, a.err = string(body), err
	return a, nil
}

// expect checks what the visitor's session now holds.
func (v *httpVisitor) expect(want string) {
	v.t.Helper()
	if got := v.get("/session/peek").body; got != want {
		v.t.Errorf("session now: %s; want %s", got, want)
	}
}

// The state after begun, unchanged.
const httpUnchanged = "new=false count=0 name=begun"

// rivalOnce has a parallel request change count just before the next save.
func (v *httpVisitor) rivalOnce() { v.rivals(1) }

// rivals has a parallel request change count before each of the next n saves.
func (v *httpVisitor) rivals(n int64) {
	var left atomic.Int64
	left.Store(n)
	var inside atomic.Bool // the rival's own save
	v.site.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if inside.CompareAndSwap(false, true) {
			if left.Add(-1) >= 0 {
				if a, err := v.do("GET", "/session/rival", nil); err != nil || a.status != 200 {
					v.t.Errorf("rival: %v, %v", a, err)
				}
			}
			inside.Store(false)
		}
		return next(ctx, rec, expect)
	})
}

// httpPage checks a whole page with its cookie, if it should have one.
func httpPage(t *testing.T, a httpAnswer, status int, body string, cookies int) {
	t.Helper()
	if a.status != status || a.body != body || len(a.cookies) != cookies {
		t.Errorf("answer: %v; want %d %q with %d cookies", a, status, body, cookies)
	}
}

// httpOnlyReader hides all but Read, so that io.Copy uses the writer's ReadFrom.
type httpOnlyReader struct{ io.Reader }

// httpStream is the body of a request, which ends when the test is over, or
// when it hangs: http.Transport then waits for the body in vain.
func httpStream(t *testing.T) (*io.PipeReader, *io.PipeWriter) {
	r, w := io.Pipe()
	timer := time.AfterFunc(httpPatience, func() { w.CloseWithError(context.DeadlineExceeded) })
	t.Cleanup(func() {
		timer.Stop()
		w.Close()
	})
	return r, w
}

// httpRaw is a bare connection to a site.
type httpRaw struct {
	net.Conn
	*bufio.Reader
}

// Read reads what the buffer still holds first.
func (c httpRaw) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// raw opens a bare connection to an HTTP/1.1 site and sends a request with the
// visitor's cookies.
func (v *httpVisitor) raw(method, path string, header ...string) httpRaw {
	v.t.Helper()
	conn, err := net.Dial("tcp", v.site.srv.Listener.Addr().String())
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(httpPatience))
	req, err := http.NewRequest(method, v.site.srv.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(req.URL) {
		header = append(header, "Cookie: "+c.String())
	}
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: " + req.URL.Host}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		v.t.Fatal(err)
	}
	return httpRaw{conn, bufio.NewReader(conn)}
}

// response reads the head of an answer.
func (c httpRaw) response(t *testing.T) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
