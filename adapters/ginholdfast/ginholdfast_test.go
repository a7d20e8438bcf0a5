package ginholdfast_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/adapters/ginholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var count = session.NewKey[int]("count")

// Sessions for a group, and not for the engine.
func TestSessionsOfAGroup(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		r := newRouter(a)
		addRoutes(r.Group("/", ginholdfast.Sessions(a.Manager)), a)
		r.NoRoute(ginholdfast.Sessions(a.Manager))
		return frameworktest.Serve(t, r)
	})
}

// Manager.Handler around the engine works as well, with the functions of the package
// inside. gin's own logger is then inside, too, and sees the status before a failed commit.
func TestHandlerAroundTheEngine(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		r := gin.New()
		r.Use(gin.RecoveryWithWriter(io.Discard))
		addRoutes(r, a)
		return frameworktest.Serve(t, a.Log(a.Handler(r)))
	})
}

func newManager(t *testing.T, cfg session.Config) *session.Manager {
	t.Helper()
	cfg.Cookie.Insecure = true
	cfg.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(memory.New(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// HandlerFunc and Replay without Sessions.
func TestHandlerFuncAlone(t *testing.T) {
	m := newManager(t, session.Config{})
	bump := func(c *gin.Context, s *session.Session) {
		c.String(http.StatusOK, "count %d", count.Update(s, func(n int) int { return n + 1 }))
	}
	r := gin.New()
	r.GET("/func", ginholdfast.HandlerFunc(m, bump))
	r.POST("/replay", ginholdfast.Replay(m, with(bump)))
	for _, req := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/func", nil),
		httptest.NewRequest(http.MethodPost, "/replay", nil),
	} {
		rec := httptest.NewRecorder()
		r.ServeHTTP(closeNotifier{rec}, req)
		if res := rec.Result(); res.StatusCode != 200 || len(res.Cookies()) != 1 || rec.Body.String() != "count 1" {
			t.Errorf("%s: %d %q with the cookies %v", req.URL, res.StatusCode, rec.Body, res.Cookies())
		}
	}
}

// closeNotifier is what gin expects of a server's ResponseWriter.
type closeNotifier struct{ *httptest.ResponseRecorder }

func (closeNotifier) CloseNotify() <-chan bool { return nil }

// The handlers after a conflict see the values of the Context as the first run did.
func TestHandlerFuncRestoresTheContext(t *testing.T) {
	m := newManager(t, session.Config{})
	rival := m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		count.Update(s, func(n int) int { return n + 100 })
	})
	runs := 0
	var errs []string
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Set("kept", true)
		c.Next()
		errs = c.Errors.Errors()
	})
	r.GET("/begin", gin.WrapH(rival))
	r.GET("/", ginholdfast.HandlerFunc(m, func(c *gin.Context, s *session.Session) {
		runs++
		_, again := c.Get("run")
		if !c.GetBool("kept") || again || c.Writer.Status() != http.StatusOK {
			t.Errorf("run %d begins with the keys %v and status %d", runs, c.Keys, c.Writer.Status())
		}
		c.Set("run", runs)
		_ = c.Error(fmt.Errorf("of run %d", runs))
		n, _ := count.Get(s)
		if runs == 1 {
			rival(httptest.NewRecorder(), c.Request.Clone(context.Background()))
		}
		count.Set(s, n+1)
		c.String(http.StatusAccepted, "page %d", n+1)
	}))
	first := httptest.NewRecorder()
	r.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/begin", nil))
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.AddCookie(first.Result().Cookies()[0])
	rec := httptest.NewRecorder()
	r.ServeHTTP(closeNotifier{rec}, req)
	if rec.Code != http.StatusAccepted || rec.Body.String() != "page 201" || runs != 2 {
		t.Errorf("%d %q after %d runs", rec.Code, rec.Body, runs)
	}
	if !slices.Equal(errs, []string{"of run 2"}) {
		t.Errorf("the errors of the request are %q", errs)
	}
}

// A commit that fails is one of gin's errors, once, and nothing of the response's status
// is left, even if the ErrorHandler sends nothing.
func TestFailedCommitIsAnErrorOfGin(t *testing.T) {
	m := newManager(t, session.Config{MaxSize: 256, ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}})
	large := session.NewKey[string]("large")
	for name, answer := range map[string]func(*gin.Context){
		"a page":     func(c *gin.Context) { c.JSON(http.StatusCreated, gin.H{"page": true}) },
		"a status":   func(c *gin.Context) { c.Status(http.StatusCreated) },
		"a redirect": func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/elsewhere") },
		"a header":   func(c *gin.Context) { c.Writer.WriteHeaderNow() },
		"a flush":    func(c *gin.Context) { c.Writer.Flush() },
		"a string":   func(c *gin.Context) { _, _ = c.Writer.WriteString("page") },
	} {
		t.Run(name, func(t *testing.T) {
			var errs []*gin.Error
			aborted := false
			r := gin.New()
			r.Use(func(c *gin.Context) {
				c.Next()
				errs, aborted = c.Errors, c.IsAborted()
			}, ginholdfast.Sessions(m))
			r.POST("/", with(func(c *gin.Context, s *session.Session) {
				large.Set(s, strings.Repeat("x", 1000))
				answer(c)
			}))
			rec := httptest.NewRecorder()
			r.ServeHTTP(closeNotifier{rec}, httptest.NewRequest(http.MethodPost, "/", nil))
			if rec.Code != http.StatusOK || rec.Body.Len() != 0 || rec.Header().Get("Location") != "" {
				t.Errorf("%d %q %v", rec.Code, rec.Body, rec.Header())
			}
			if len(errs) != 1 || !errors.Is(errs[0], session.ErrTooLarge) || !aborted {
				t.Errorf("gin's errors are %v; aborted: %t", errs, aborted)
			}
		})
	}
}

// Middleware outside may still add headers after Next, as without sessions.
func TestHeaderIsNotSentEarly(t *testing.T) {
	m := newManager(t, session.Config{})
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		if c.Writer.Written() {
			t.Error("the header was sent before the outer middleware went on")
		}
		c.Header("Late", "yes")
	}, ginholdfast.Sessions(m))
	r.POST("/", with(func(c *gin.Context, s *session.Session) {
		count.Set(s, 1)
		c.Status(http.StatusAccepted)
	}))
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", nil))
	if res := rec.Result(); res.StatusCode != http.StatusAccepted || res.Header.Get("Late") != "yes" || len(res.Cookies()) != 1 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// A hijacked connection has its session committed, and the cookie in the header map.
func TestHijack(t *testing.T) {
	m := newManager(t, session.Config{})
	r := gin.New()
	r.Use(ginholdfast.Sessions(m))
	r.GET("/", with(func(c *gin.Context, s *session.Session) {
		count.Set(s, 7)
		conn, buf, err := c.Writer.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\nSet-Cookie: %s\r\n\r\n", c.Writer.Header().Get("Set-Cookie"))
		_ = buf.Flush()
	}))
	r.GET("/show", with(func(c *gin.Context, s *session.Session) {
		n, _ := count.Get(s)
		c.String(http.StatusOK, "count %d", n)
	}))
	url := frameworktest.Serve(t, r)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || len(res.Cookies()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	req := httptest.NewRequest(http.MethodGet, "/show", nil)
	req.AddCookie(res.Cookies()[0])
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	if rec.Body.String() != "count 7" {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
}

// http.ResponseController and session.Unwrap find their way through the writer.
func TestUnwrap(t *testing.T) {
	m := newManager(t, session.Config{})
	r := gin.New()
	r.Use(ginholdfast.Sessions(m))
	r.GET("/", with(func(c *gin.Context, s *session.Session) {
		count.Set(s, 1)
		if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		below, err := session.Unwrap(c.Writer)
		if err != nil {
			t.Error(err)
			return
		}
		if _, ok := below.(gin.ResponseWriter); ok {
			t.Errorf("Unwrap returned %T", below)
		}
		below.WriteHeader(http.StatusAccepted)
	}))
	res, err := http.Get(frameworktest.Serve(t, r))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted || len(res.Cookies()) != 1 {
		t.Errorf("%d with the cookies %v", res.StatusCode, res.Cookies())
	}
}

// A Manager that session.New has not made is refused when the router is built.
func TestNoManager(t *testing.T) {
	for name, build := range map[string]func(){
		"Sessions":    func() { ginholdfast.Sessions(nil) },
		"HandlerFunc": func() { ginholdfast.HandlerFunc(nil, nil) },
		"Replay":      func() { ginholdfast.Replay(nil, nil) },
		"Passive":     func() { ginholdfast.Passive(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s accepts nil", name)
				}
			}()
			build()
		}()
	}
}
