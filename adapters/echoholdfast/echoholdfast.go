package echoholdfast

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/holdfast-go/holdfast/session"
)

// Sessions returns middleware that gives the handlers after it the sessions of m, as
// [session.Manager.Handler] does: for Echo.Use, for a group or for a single route.
// Handlers get the session from [Load]. A request whose handlers do not load it takes no
// storage trip.
//
// Use it after middleware that must see the final response, such as RequestLogger, Recover
// and Gzip, and after middleware that sets headers for every response.
//
// An error that a handler returns is passed to Echo.HTTPErrorHandler before the session is
// committed, since its status decides whether anything is committed. The middleware also
// returns the error, as echo's RequestLogger does with HandleError: a HTTPErrorHandler must
// not answer a response that is committed.
func Sessions(m *session.Manager) echo.MiddlewareFunc {
	m.Handler(nil) // panics unless session.New has made m
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			return serve(c, m.Handler, func() error { return next(c) })
		}
	}
}

// HandlerFunc returns fn with the visitor's session, as [session.Manager.HandlerFunc]
// does: for a route, with Sessions around it or without. If the session cannot be loaded,
// ErrorHandler answers.
//
// If a GET, HEAD or OPTIONS request without a body meets a conflict, fn runs again on the
// newest session. What a run has stored by Context.Set stays.
func HandlerFunc(m *session.Manager, fn func(*echo.Context, *session.Session) error) echo.HandlerFunc {
	m.Handler(nil)
	return func(c *echo.Context) error {
		var s *session.Session
		wrap := func(next http.Handler) http.Handler {
			return m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, loaded *session.Session) {
				s = loaded
				next.ServeHTTP(w, r)
			})
		}
		return serve(c, wrap, func() error { return fn(c, s) })
	}
}

// Replay returns h such that it runs again when its session has met a conflict, whatever
// the method, as [session.Manager.Replay] does: for a route, with Sessions around it or
// without. Each run reads the request's body from its beginning. What a run has stored by
// Context.Set stays.
func Replay(m *session.Manager, h echo.HandlerFunc) echo.HandlerFunc {
	m.Handler(nil)
	return func(c *echo.Context) error {
		return serve(c, m.Replay, func() error { return h(c) })
	}
}

// Passive returns middleware whose requests do not count as use of the session, as
// [session.Manager.Passive] does, for requests that a page makes without its user. It
// works around Sessions or inside of it.
func Passive(m *session.Manager) echo.MiddlewareFunc {
	m.Handler(nil)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) (err error) {
			request := c.Request()
			defer c.SetRequest(request)
			m.Passive(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				err = next(c)
			})).ServeHTTP(c.Response(), request)
			return err
		}
	}
}

// Load returns the session of the request, as session.Load(c.Request().Context()) does. The
// first call in a request reads the store, unless the visitor has no session yet. An error
// is an [echo.HTTPError] with the status of [session.StatusCode], so that a handler can
// return it.
func Load(c *echo.Context) (*session.Session, error) {
	s, err := session.Load(c.Request().Context())
	return s, withStatus(err)
}

// serve runs handle inside of wrap, which is one of m's ways to wrap a handler.
func serve(c *echo.Context, wrap func(http.Handler) http.Handler, handle func() error) error {
	outer, request := &outerWriter{ResponseWriter: c.Response(), c: c}, c.Request()
	var last http.ResponseWriter // of the Manager
	var err error
	wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer.over, outer.reached, outer.failed = false, false, false
		last = w
		inner := echo.NewResponse(w, c.Logger())
		c.SetRequest(r)
		c.SetResponse(inner)
		defer func() {
			c.SetRequest(request)
			c.SetResponse(outer.ResponseWriter)
			outer.over = true
		}()
		err = withStatus(handle())
		if err != nil && !inner.Committed {
			c.Echo().HTTPErrorHandler(c, err)
		}
		outer.failed = inner.Committed && !outer.reached
	})).ServeHTTP(outer, request)
	if outer.failed && last != nil {
		_, err = last.Write(nil) // which writes nothing after a commit that failed
		return withStatus(err)
	}
	return err
}
