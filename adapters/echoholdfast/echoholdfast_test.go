package echoholdfast_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/holdfast-go/holdfast/adapters/echoholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var (
	count = session.NewKey[int]("count")
	large = session.NewKey[string]("large") // which makes the session too large
)

// Sessions for each route, and not for the Echo.
func TestSessionsOfAGroup(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		e := newEcho(t, a)
		addRoutes(e.Group("", echoholdfast.Sessions(a.Manager)), a)
		return frameworktest.Serve(t, e)
	})
}

// Manager.Handler around the Echo works as well, with the functions of the package inside.
func TestHandlerAroundTheEcho(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		e := newEcho(t, nil)
		e.HTTPErrorHandler = func(c *echo.Context, err error) { // in place of Sessions, which knows the status
			if status := session.StatusCode(err); status != http.StatusInternalServerError {
				err = echo.NewHTTPError(status, "").Wrap(err)
			}
			echo.DefaultHTTPErrorHandler(false)(c, err)
		}
		addRoutes(e.Group(""), a)
		return frameworktest.Serve(t, a.Log(a.Handler(e)))
	})
}

func newManager(t *testing.T, cfg session.Config) *session.Manager {
	t.Helper()
	cfg.Cookie.Insecure = true
	cfg.MaxSize = 256
	cfg.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(memory.New(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// post sends a request to "POST /" of an Echo that has h there, under Sessions. It returns
// the error that the middleware around Sessions gets.
func post(m *session.Manager, e *echo.Echo, h echo.HandlerFunc) (*httptest.ResponseRecorder, error) {
	var got error
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			got = next(c)
			return got
		}
	}, echoholdfast.Sessions(m))
	e.POST("/", h)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", nil))
	return rec, got
}

// The middleware around Sessions gets the error of a failed commit with its status,
// whatever the handler was doing.
func TestFailedCommitIsReturned(t *testing.T) {
	for name, answer := range map[string]echo.HandlerFunc{
		"a page":     func(c *echo.Context) error { return c.JSON(http.StatusCreated, "page") },
		"a status":   func(c *echo.Context) error { return c.NoContent(http.StatusCreated) },
		"a redirect": func(c *echo.Context) error { return c.Redirect(http.StatusSeeOther, "/elsewhere") },
		"an error":   func(*echo.Context) error { return echo.ErrBadRequest },
		"a flush":    func(c *echo.Context) error { return http.NewResponseController(c.Response()).Flush() },
		"nothing":    func(*echo.Context) error { return nil },
	} {
		for handler, cfg := range map[string]session.Config{
			"the default ErrorHandler": {},
			"the app's ErrorHandler":   {ErrorHandler: echoholdfast.ErrorHandler},
		} {
			t.Run(name+"/"+handler, func(t *testing.T) {
				e := echo.New()
				e.Logger = slog.New(slog.DiscardHandler)
				rec, err := post(newManager(t, cfg), e, with(func(c *echo.Context, s *session.Session) error {
					large.Set(s, strings.Repeat("x", 1000))
					return answer(c)
				}))
				if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "page") || rec.Header().Get("Location") != "" {
					t.Errorf("%d %q %v", rec.Code, rec.Body, rec.Header())
				}
				if !errors.Is(err, session.ErrTooLarge) {
					t.Errorf("the middleware around Sessions got %v", err)
				}
				if isJSON := strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json"); isJSON != (cfg.ErrorHandler != nil) {
					t.Errorf("Content-Type %q", rec.Header().Get("Content-Type"))
				}
			})
		}
	}
}

// With ErrorHandler, HTTPErrorHandler answers conflicts and failures of the store, like
// other errors.
func TestErrorHandler(t *testing.T) {
	m := newManager(t, session.Config{ErrorHandler: echoholdfast.ErrorHandler})
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		if r, _ := echo.UnwrapResponse(c.Response()); r != nil && r.Committed {
			return
		}
		if err := c.JSON(echo.StatusCode(err), map[string]bool{"conflict": errors.Is(err, session.ErrConflict)}); err != nil {
			t.Error(err)
		}
	}
	rival := m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { count.Set(s, 100) })
	e.GET("/wrapped", echo.WrapHandler(m.Replay(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			t.Error(err)
		}
		large.Set(s, strings.Repeat("x", 1000))
	}))))
	first := httptest.NewRecorder()
	rival(first, httptest.NewRequest(http.MethodGet, "/", nil))
	e.POST("/direct", with(func(c *echo.Context, s *session.Session) error {
		n, _ := count.Get(s)
		again := httptest.NewRequest(http.MethodGet, "/", nil)
		again.AddCookie(first.Result().Cookies()[0])
		m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			count.Update(s, func(n int) int { return n + 1 })
		})(httptest.NewRecorder(), again)
		count.Set(s, n+1)
		return c.JSON(http.StatusOK, "page")
	}), echoholdfast.Sessions(m))

	req := httptest.NewRequest(http.MethodPost, "/direct", nil)
	req.AddCookie(first.Result().Cookies()[0])
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	if rec.Code != http.StatusConflict || strings.TrimSpace(rec.Body.String()) != `{"conflict":true}` || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v", rec.Code, rec.Body, rec.Header())
	}

	rec = httptest.NewRecorder() // not in a function of the package
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/wrapped", nil))
	if rec.Code != http.StatusInternalServerError || rec.Body.String() != "Internal Server Error\n" {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
}

// A status that HTTPErrorHandler chooses decides whether the session is committed, and its
// page may use the session.
func TestHTTPErrorHandlerIsInsideOfTheSession(t *testing.T) {
	errNoBook := errors.New("no such book")
	for _, c := range []struct{ status, cookies int }{{http.StatusNotFound, 1}, {http.StatusBadGateway, 0}} {
		e := echo.New()
		e.HTTPErrorHandler = func(ctx *echo.Context, err error) {
			if r, _ := echo.UnwrapResponse(ctx.Response()); r != nil && r.Committed {
				return
			}
			s, loadErr := echoholdfast.Load(ctx)
			if !errors.Is(err, errNoBook) || loadErr != nil {
				t.Errorf("HTTPErrorHandler got %v, and Load %v", err, loadErr)
				return
			}
			count.Update(s, func(n int) int { return n + 1 })
			if err := ctx.String(c.status, "error page"); err != nil {
				t.Error(err)
			}
		}
		rec, err := post(newManager(t, session.Config{}), e, func(*echo.Context) error { return errNoBook })
		if res := rec.Result(); res.StatusCode != c.status || len(res.Cookies()) != c.cookies || rec.Body.String() != "error page" {
			t.Errorf("%d %q with the cookies %v, want %d with %d", res.StatusCode, rec.Body, res.Cookies(), c.status, c.cookies)
		}
		if !errors.Is(err, errNoBook) {
			t.Errorf("the middleware around Sessions got %v", err)
		}
	}
}

// HandlerFunc and Replay without Sessions; HEAD by the handler of GET.
func TestHandlerFuncAlone(t *testing.T) {
	m := newManager(t, session.Config{})
	bump := func(c *echo.Context, s *session.Session) error {
		count.Update(s, func(n int) int { return n + 1 })
		return c.String(http.StatusOK, "page")
	}
	e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true})})
	e.GET("/func", echoholdfast.HandlerFunc(m, bump))
	e.POST("/replay", echoholdfast.Replay(m, with(bump)))
	e.GET("/sessions", with(bump), echoholdfast.Sessions(m))
	for route, body := range map[string]string{
		"GET /func": "page", "POST /replay": "page", "GET /sessions": "page", "HEAD /func": "", "HEAD /sessions": "",
	} {
		method, path, _ := strings.Cut(route, " ")
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
		if res := rec.Result(); res.StatusCode != 200 || len(res.Cookies()) != 1 || rec.Body.String() != body {
			t.Errorf("%s: %d %q with the cookies %v", route, res.StatusCode, rec.Body, res.Cookies())
		}
	}
}

// The Context has its own request and response again after the middleware.
func TestSessionsRestoresTheContext(t *testing.T) {
	m := newManager(t, session.Config{})
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			w, r := c.Response(), c.Request()
			err := next(c)
			if c.Response() != w || c.Request() != r {
				t.Error("the Context has another request or response")
			}
			return err
		}
	}, echoholdfast.Sessions(m), echoholdfast.Passive(m))
	e.GET("/", func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

// A Manager that session.New has not made is refused when the routes are built.
func TestNoManager(t *testing.T) {
	for name, build := range map[string]func(){
		"Sessions":    func() { echoholdfast.Sessions(nil) },
		"HandlerFunc": func() { echoholdfast.HandlerFunc(nil, nil) },
		"Replay":      func() { echoholdfast.Replay(nil, nil) },
		"Passive":     func() { echoholdfast.Passive(nil) },
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
