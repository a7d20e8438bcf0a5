package ginholdfast

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/session"
)

// Sessions returns middleware that gives the handlers after it the sessions of m, as
// [session.Manager.Handler] does: for gin.Engine.Use, for a group or for a single route.
// Handlers get the session from [Load]. A request whose handlers do not load it takes no
// storage trip.
//
// Use it after middleware that must see the final response, such as gin.Logger,
// gin.Recovery and compression, and after middleware that sets headers for every response.
func Sessions(m *session.Manager) gin.HandlerFunc {
	m.Handler(nil) // panics unless session.New has made m
	return func(c *gin.Context) {
		serve(c, m.Handler, c.Next)
	}
}

// HandlerFunc returns fn with the visitor's session, as [session.Manager.HandlerFunc]
// does: as the last handler of a route, with Sessions before it or without. If the session
// cannot be loaded, ErrorHandler answers.
//
// If a GET, HEAD or OPTIONS request without a body meets a conflict, fn runs again on the
// newest session. Each run begins with the Keys and Errors of the Context, and the status,
// as the first did. fn must not call Next.
func HandlerFunc(m *session.Manager, fn func(*gin.Context, *session.Session)) gin.HandlerFunc {
	m.Handler(nil)
	return func(c *gin.Context) {
		var s *session.Session
		wrap := func(next http.Handler) http.Handler {
			return m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, loaded *session.Session) {
				s = loaded
				next.ServeHTTP(w, r)
			})
		}
		serve(c, wrap, func() { fn(c, s) })
	}
}

// Replay returns h such that it runs again when its session has met a conflict, whatever
// the method, as [session.Manager.Replay] does: as the last handler of a route, with
// Sessions before it or without. Each run reads the request's body from its beginning, and
// begins with the Keys and Errors of the Context, and the status, as the first did. h must
// not call Next.
func Replay(m *session.Manager, h gin.HandlerFunc) gin.HandlerFunc {
	m.Handler(nil)
	return func(c *gin.Context) {
		serve(c, m.Replay, func() { h(c) })
	}
}

// Passive returns middleware whose requests do not count as use of the session, as
// [session.Manager.Passive] does, for requests that a page makes without its user. It
// works before or after Sessions.
func Passive(m *session.Manager) gin.HandlerFunc {
	m.Handler(nil)
	return func(c *gin.Context) {
		request := c.Request
		defer func() { c.Request = request }()
		m.Passive(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, request)
	}
}

// Load returns the session of the request: it is session.Load(c.Request.Context()). The
// first call in a request reads the store, unless the visitor has no session yet. Answer
// an error with the status of [session.StatusCode].
func Load(c *gin.Context) (*session.Session, error) { return session.Load(c.Request.Context()) }

// serve runs handle inside of wrap, which is one of m's ways to wrap a handler.
func serve(c *gin.Context, wrap func(http.Handler) http.Handler, handle func()) {
	outer, request := &outerWriter{ResponseWriter: c.Writer}, c.Request
	status, keys, errs := c.Writer.Status(), maps.Clone(c.Keys), len(c.Errors)
	var failure error
	runs := 0
	wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if runs++; runs > 1 {
			c.Keys, c.Errors = maps.Clone(keys), c.Errors[:errs]
		}
		outer.reached = false
		inner := &innerWriter{ResponseWriter: outer.ResponseWriter, session: w, outer: outer}
		c.Writer, c.Request = inner, r
		defer func() { c.Writer, c.Request = outer.ResponseWriter, request }()
		handle()
		inner.begin()
		if failure = inner.failure(); failure != nil {
			outer.ResponseWriter.WriteHeader(status) // not the handler's
		}
	})).ServeHTTP(outer, request)
	if failure != nil {
		record(c, failure)
	}
}

// record adds err to c's errors, where gin's logger and other middleware look. A handler
// that wrote to the response may have done so.
func record(c *gin.Context, err error) {
	if !slices.ContainsFunc(c.Errors, func(e *gin.Error) bool { return errors.Is(e, err) }) {
		_ = c.Error(err)
	}
	c.Abort()
}
