package sessiontest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

var (
	count   = session.NewKey[int]("count")
	voucher = session.NewKey[int]("voucher") // its value in cents
	user    = session.NewKey[string]("user")
)

type handlerFunc = func(http.ResponseWriter, *http.Request, *session.Session)

// recorder is a testing.TB that records what is reported to it.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors []string
	logs   []string
	ended  bool // by FailNow
}

// record runs f with a recorder, in a goroutine of its own, and waits for it.
func record(t *testing.T, f func(tb *recorder)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r
}

func (r *recorder) error(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, text)
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.errors) > 0
}

func (r *recorder) FailNow() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Fail()                     { r.error("failed") }
func (r *recorder) Error(args ...any)         { r.error(fmt.Sprintln(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.error(fmt.Sprintf(f, a...)) }
func (r *recorder) Fatal(args ...any)         { r.Error(args...); r.FailNow() }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); r.FailNow() }
func (r *recorder) Log(args ...any)           { r.Logf("%s", fmt.Sprintln(args...)) }

func (r *recorder) Logf(f string, a ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(f, a...))
}

// wants fails t unless one of the errors contains every one of the texts; without texts,
// unless there are no errors.
func (r *recorder) wants(t *testing.T, texts ...string) {
	t.Helper()
	all := strings.Join(r.errors, "\n")
	if len(texts) == 0 && all != "" {
		t.Errorf("got errors; want none:\n%s", all)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("got errors:\n%s\nwant one with %q", all, text)
		}
	}
}

// race is a test of two requests.
type race struct {
	m       *session.Manager
	cookie  *http.Cookie // of both requests, unless it is nil
	handler http.Handler
	reset   func()                                                      // the state of the program, in a
	check   func(t testing.TB, order string, resA, resB *http.Response) // nil: every order is good
	paths   [2]string                                                   // default "/a" and "/b"
	method  string                                                      // default POST
	limit   int                                                         // default that of Interleave
	change  func(r *http.Request) *http.Request                         // of each request
	orders  []string                                                    // those that were checked
}

func newRace(t testing.TB, cfg session.Config, fill func(*session.Session), handler handlerFunc) *race {
	m := sessiontest.NewManager(t, cfg)
	return &race{m: m, cookie: sessiontest.Cookie(t, m, fill), handler: m.HandlerFunc(handler)}
}

func (c *race) request(i int) *http.Request {
	method, path := c.method, c.paths[i]
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = [2]string{"/a", "/b"}[i]
	}
	r := httptest.NewRequest(method, path, nil)
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	if c.change != nil {
		r = c.change(r)
	}
	return r
}

// run calls Interleave and returns what it reports.
func (c *race) run(t *testing.T) *recorder {
	limit := c.limit
	if limit == 0 {
		limit = sessiontest.MaxInterleavings
	}
	return record(t, func(tb *recorder) {
		sessiontest.InterleaveWithin(t, tb, limit, c.m, c.a, c.b, c.handler, c.checkOne)
	})
}

func (c *race) a() *http.Request {
	if c.reset != nil {
		c.reset()
	}
	return c.request(0)
}

func (c *race) b() *http.Request { return c.request(1) }

func (c *race) checkOne(t testing.TB, order string, resA, resB *http.Response) {
	c.orders = append(c.orders, order)
	if c.check != nil {
		c.check(t, order, resA, resB)
	}
}

// successes returns the number of responses with a status below 400.
func successes(responses ...*http.Response) (n int) {
	for _, res := range responses {
		if res.StatusCode < 400 {
			n++
		}
	}
	return n
}
