package fiberholdfast

import (
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/holdfast-go/holdfast/session"
)

// Sessions returns middleware that gives the handlers after it the sessions of m, as
// [session.Manager.Handler] does: for App.Use, for a group or for a single route. Handlers
// get the session from [Load]. A request whose handlers do not load it takes no storage
// trip.
//
// Use it after middleware that must see the final response, such as logger, recover and
// compress, and after middleware that sets headers for every response.
//
// An error that a handler returns is passed to the app's ErrorHandler before the session
// is committed, since its status decides whether anything is committed. The middleware
// then returns nil.
func Sessions(m *session.Manager) fiber.Handler {
	m.Handler(nil) // panics unless session.New has made m
	return func(c fiber.Ctx) error {
		return serve(c, m.Handler, c.Next)
	}
}

// HandlerFunc returns fn with the visitor's session, as [session.Manager.HandlerFunc]
// does: for a route, with Sessions before it or without. If the session cannot be loaded,
// ErrorHandler answers.
//
// If a GET, HEAD or OPTIONS request meets a conflict, fn runs again on the newest session
// and with the response as it was. What a run has stored by Locals stays. fn must not call
// Next.
func HandlerFunc(m *session.Manager, fn func(fiber.Ctx, *session.Session) error) fiber.Handler {
	m.Handler(nil)
	return func(c fiber.Ctx) error {
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
// the method, as [session.Manager.Replay] does: for a route, with Sessions before it or
// without. Each run begins with the response as it was. What a run has stored by Locals
// stays. h must not call Next.
//
// h does not run again if fiber streams the request's body (Config.StreamRequestBody) and
// the body is over 256 KiB or of unknown length, since a stream cannot be read twice. A
// shorter body is read before h runs.
func Replay(m *session.Manager, h fiber.Handler) fiber.Handler {
	m.Handler(nil)
	return func(c fiber.Ctx) error {
		wrap := m.Replay
		if !keepBody(c.Request()) {
			wrap = m.Handler
		}
		return serve(c, wrap, func() error { return h(c) })
	}
}

// Passive returns middleware whose requests do not count as use of the session, as
// [session.Manager.Passive] does, for requests that a page makes without its user. It
// works before or after Sessions.
func Passive(m *session.Manager) fiber.Handler {
	m.Handler(nil)
	return func(c fiber.Ctx) (err error) {
		base := c.Context()
		m.Passive(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			defer restoreContext(c, base)
			c.SetContext(&handlerContext{base, r.Context()})
			err = c.Next()
		})).ServeHTTP(nil, new(http.Request).WithContext(base))
		return err
	}
}

// Load returns the session of the request, as session.Load(c.Context()) does. The first
// call in a request reads the store, unless the visitor has no session yet. An error
// contains a [fiber.Error] with the status of [session.StatusCode], so that a handler can
// return it.
func Load(c fiber.Ctx) (*session.Session, error) {
	s, err := session.Load(c.Context())
	return s, withStatus(err)
}

// serve runs handle inside of wrap, which is one of m's ways to wrap a handler. fasthttp
// sends a response when all handlers have returned, so the commit after handle comes
// before the first byte.
func serve(c fiber.Ctx, wrap func(http.Handler) http.Handler, handle func() error) (err error) {
	base, w := c.Context(), newResponse(c)
	returned := false
	defer func() {
		if !returned && !c.IsAbandoned() {
			w.apply() // a panic: the token of a session that Save has stored
		}
	}()
	wrap(http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		w.beginRun()
		c.SetContext(&handlerContext{base, r.Context()})
		defer restoreContext(c, base)
		handlerErr := handle()
		if c.IsAbandoned() { // by the timeout middleware, which has answered
			err = handlerErr
			inner.WriteHeader(http.StatusServiceUnavailable) // commits nothing
			return
		}
		if handlerErr != nil {
			answer(c, withStatus(handlerErr))
		}
		w.endRun(inner)
	})).ServeHTTP(w, request(c, base))
	w.end()
	returned = true
	return err
}

// maxReplayBody is the default of session.Config.MaxReplayBody.
const maxReplayBody = 256 << 10

// keepBody reads the body of a request if fiber streams it, and reports whether it can be
// read more than once.
func keepBody(r *fasthttp.Request) bool {
	if !r.IsBodyStream() {
		return true
	}
	if n := r.Header.ContentLength(); n < 0 || n > maxReplayBody {
		return false
	}
	_ = r.Body()
	return !r.IsBodyStream()
}

// answer has the app's ErrorHandler answer.
func answer(c fiber.Ctx, err error) {
	if err := c.App().ErrorHandler(c, err); err != nil {
		_ = c.SendStatus(http.StatusInternalServerError) // as fiber does; it returns nil
	}
}
