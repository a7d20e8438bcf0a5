package echoholdfast_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/holdfast-go/holdfast/adapters/echoholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/session"
)

func TestEcho(t *testing.T) { frameworktest.Run(t, start) }

// start serves the routes of frameworktest.
func start(t *testing.T, a *frameworktest.App) string {
	e := newEcho(t, a)
	e.Use(echoholdfast.Sessions(a.Manager))
	addRoutes(e.Group(""), a)
	return frameworktest.Serve(t, e)
}

// newEcho returns an Echo with its logger, unless a is nil, and its recovery.
func newEcho(t *testing.T, a *frameworktest.App) *echo.Echo {
	e := echo.New()
	e.Logger = slog.New(slog.NewTextHandler(testLog{t}, nil))
	e.Filesystem = os.DirFS("/")
	e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus:   true,
		LogURIPath:  true,
		HandleError: true,
		LogValuesFunc: func(_ *echo.Context, v middleware.RequestLoggerValues) error {
			if a != nil {
				a.Logged(v.URIPath, v.Status)
			}
			return nil
		},
	}), middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
	return e
}

// testLog is the log of echo, which complains about a response that is written twice.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Errorf("echo logged: %s", p)
	return len(p), nil
}

// with returns a handler that loads the session.
func with(fn func(*echo.Context, *session.Session) error) echo.HandlerFunc {
	return func(c *echo.Context) error {
		s, err := echoholdfast.Load(c)
		if err != nil {
			return err
		}
		return fn(c, s)
	}
}

func addRoutes(e *echo.Group, a *frameworktest.App) {
	add := with(func(c *echo.Context, s *session.Session) error { return c.String(http.StatusOK, a.Add(s)) })
	show := with(func(c *echo.Context, s *session.Session) error { return c.String(http.StatusOK, a.Show(s)) })
	e.GET("/none", func(c *echo.Context) error { return c.String(http.StatusOK, "none") })
	e.GET("/show", show)
	e.POST("/add", add)
	e.POST("/nested/add", add, echoholdfast.Sessions(a.Manager))
	e.GET("/poll", show, echoholdfast.Passive(a.Manager))
	e.POST("/careless", with(func(c *echo.Context, s *session.Session) error {
		a.Careless(s)
		c.Response().Header().Set("Page", "yes")
		return c.Redirect(http.StatusSeeOther, "/elsewhere")
	}))
	e.POST("/empty", with(func(c *echo.Context, s *session.Session) error {
		a.Add(s)
		return c.NoContent(http.StatusNoContent)
	}))
	e.GET("/file", with(func(c *echo.Context, s *session.Session) error {
		a.Add(s)
		return c.FileFS(a.File[1:], os.DirFS("/"))
	}))
	e.GET("/events", with(func(c *echo.Context, s *session.Session) error { return streamEvents(c, a, s) }))
	e.POST("/login", with(func(c *echo.Context, s *session.Session) error {
		token, err := a.Login(c.Request().Context(), s)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, token)
	}))
	e.POST("/logout", with(func(c *echo.Context, s *session.Session) error {
		s.Destroy()
		return c.String(http.StatusOK, "bye")
	}))
	addFailures(e, a)
	addReplayed(e, a)
}

func addFailures(e *echo.Group, a *frameworktest.App) {
	e.POST("/fail", with(func(_ *echo.Context, s *session.Session) error {
		a.Spoil(s)
		return errors.New("boom")
	}))
	e.POST("/reject", with(func(_ *echo.Context, s *session.Session) error {
		a.Add(s)
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "no")
	}))
	e.POST("/panic", with(func(_ *echo.Context, s *session.Session) error {
		a.Spoil(s)
		panic("boom")
	}))
	e.POST("/save-panic", with(func(c *echo.Context, s *session.Session) error {
		a.Add(s)
		if err := s.Save(c.Request().Context()); err != nil {
			return err
		}
		panic("boom")
	}))
	e.POST("/save", with(func(c *echo.Context, s *session.Session) error {
		a.Careless(s)
		if err := s.Save(c.Request().Context()); err != nil {
			return err // the middleware knows its status
		}
		return c.String(http.StatusOK, "saved")
	}))
}

func addReplayed(e *echo.Group, a *frameworktest.App) {
	e.GET("/safe", echoholdfast.HandlerFunc(a.Manager, func(c *echo.Context, s *session.Session) error {
		c.Response().Header().Add("Run", "yes")
		return c.String(http.StatusOK, a.Careless(s))
	}))
	e.POST("/replayed", echoholdfast.Replay(a.Manager, with(func(c *echo.Context, s *session.Session) error {
		c.Response().Header().Add("Run", "yes")
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, a.Careless(s)+string(body))
	})))
}

func streamEvents(c *echo.Context, a *frameworktest.App, s *session.Session) error {
	a.Add(s)
	w := c.Response()
	w.Header().Set("Content-Type", "text/event-stream")
	for n := 1; n <= 2; n++ {
		if n == 2 {
			a.Wait()
		}
		if _, err := fmt.Fprintf(w, "data: %d\n\n", n); err != nil {
			return err
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
	}
	return nil
}
