package ginholdfast_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/adapters/ginholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/session"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	m.Run()
}

func TestGin(t *testing.T) { frameworktest.Run(t, start) }

// start serves the routes of frameworktest.
func start(t *testing.T, a *frameworktest.App) string {
	r := newRouter(a)
	r.Use(ginholdfast.Sessions(a.Manager))
	addRoutes(r, a)
	return frameworktest.Serve(t, r)
}

// newRouter returns a router with gin's logger and recovery.
func newRouter(a *frameworktest.App) *gin.Engine {
	r := gin.New()
	r.Use(gin.LoggerWithConfig(gin.LoggerConfig{Output: io.Discard, Formatter: func(p gin.LogFormatterParams) string {
		a.Logged(p.Path, p.StatusCode)
		return ""
	}}), gin.RecoveryWithWriter(io.Discard))
	return r
}

// with returns a handler that loads the session.
func with(fn func(*gin.Context, *session.Session)) gin.HandlerFunc {
	return func(c *gin.Context) {
		s, err := ginholdfast.Load(c)
		if err != nil {
			_ = c.AbortWithError(session.StatusCode(err), err)
			return
		}
		fn(c, s)
	}
}

func addRoutes(r gin.IRoutes, a *frameworktest.App) {
	add := with(func(c *gin.Context, s *session.Session) { c.String(http.StatusOK, "%s", a.Add(s)) })
	show := with(func(c *gin.Context, s *session.Session) { c.String(http.StatusOK, "%s", a.Show(s)) })
	r.GET("/none", func(c *gin.Context) { c.String(http.StatusOK, "none") })
	r.GET("/show", show)
	r.POST("/add", add)
	r.POST("/nested/add", ginholdfast.Sessions(a.Manager), add)
	r.GET("/poll", ginholdfast.Passive(a.Manager), show)
	r.POST("/careless", with(func(c *gin.Context, s *session.Session) {
		a.Careless(s)
		c.Header("Page", "yes")
		c.Redirect(http.StatusSeeOther, "/elsewhere")
	}))
	r.POST("/empty", with(func(c *gin.Context, s *session.Session) {
		a.Add(s)
		c.Status(http.StatusNoContent)
	}))
	r.GET("/file", with(func(c *gin.Context, s *session.Session) {
		a.Add(s)
		c.File(a.File)
	}))
	r.GET("/events", with(func(c *gin.Context, s *session.Session) { streamEvents(c, a, s) }))
	r.POST("/login", with(func(c *gin.Context, s *session.Session) {
		token, err := a.Login(c.Request.Context(), s)
		if err != nil {
			_ = c.AbortWithError(session.StatusCode(err), err)
			return
		}
		c.String(http.StatusOK, "%s", token)
	}))
	r.POST("/logout", with(func(c *gin.Context, s *session.Session) {
		s.Destroy()
		c.String(http.StatusOK, "bye")
	}))
	addFailures(r, a)
	addReplayed(r, a)
}

func addFailures(r gin.IRoutes, a *frameworktest.App) {
	r.POST("/fail", with(func(c *gin.Context, s *session.Session) {
		a.Spoil(s)
		_ = c.AbortWithError(http.StatusInternalServerError, errors.New("boom"))
	}))
	r.POST("/reject", with(func(c *gin.Context, s *session.Session) {
		a.Add(s)
		c.AbortWithStatus(http.StatusUnprocessableEntity)
	}))
	r.POST("/panic", with(func(_ *gin.Context, s *session.Session) {
		a.Spoil(s)
		panic("boom")
	}))
	r.POST("/save-panic", with(func(c *gin.Context, s *session.Session) {
		a.Add(s)
		if err := s.Save(c.Request.Context()); err != nil {
			_ = c.AbortWithError(session.StatusCode(err), err)
			return
		}
		panic("boom")
	}))
	r.POST("/save", with(func(c *gin.Context, s *session.Session) {
		a.Careless(s)
		if err := s.Save(c.Request.Context()); err != nil {
			c.AbortWithStatusJSON(session.StatusCode(err), gin.H{"error": "not saved"})
			return
		}
		c.String(http.StatusOK, "saved")
	}))
}

func addReplayed(r gin.IRoutes, a *frameworktest.App) {
	r.GET("/safe", ginholdfast.HandlerFunc(a.Manager, func(c *gin.Context, s *session.Session) {
		c.Writer.Header().Add("Run", "yes")
		c.String(http.StatusOK, "%s", a.Careless(s))
	}))
	r.POST("/replayed", ginholdfast.Replay(a.Manager, with(func(c *gin.Context, s *session.Session) {
		c.Writer.Header().Add("Run", "yes")
		body, err := c.GetRawData()
		if err != nil {
			_ = c.AbortWithError(http.StatusBadRequest, err)
			return
		}
		c.String(http.StatusOK, "%s%s", a.Careless(s), body)
	})))
}

func streamEvents(c *gin.Context, a *frameworktest.App, s *session.Session) {
	a.Add(s)
	c.Header("Content-Type", "text/event-stream")
	n := 0
	c.Stream(func(w io.Writer) bool {
		if n++; n == 2 {
			a.Wait()
		}
		_, err := io.WriteString(w, "data: "+string(rune('0'+n))+"\n\n")
		return err == nil && n < 2
	})
}
