package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// Cookie stores a new session in m and returns its cookie, for http.Request.AddCookie or
// for a cookie jar. Fill sets the values of the session, and may call its other methods,
// such as SetOwner and Persist. If the session cannot be stored, or fill leaves it empty,
// Cookie ends the test by tb.Fatal. For a request with the token in a header, use the Value
// of the cookie.
func Cookie(tb testing.TB, m *session.Manager, fill func(*session.Session)) *http.Cookie {
	tb.Helper()
	var err error
	res := serve(m, nil, func(w http.ResponseWriter, r *http.Request) {
		var s *session.Session
		if s, err = m.Load(r.Context()); err == nil {
			fill(s)
			err = s.Save(r.Context())
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError) // commits nothing
		}
	})
	if err != nil {
		tb.Fatalf("sessiontest: Cookie: the session was not stored: %v", err)
	}
	c := Response(tb, m, res)
	if c == nil || c.MaxAge < 0 {
		tb.Fatal("sessiontest: Cookie: there is no session to store: fill must set a value or an owner")
	}
	return c
}

// Read calls look with the session of cookie c as it is stored now. The session is
// neither extended nor changed. Look must only read: if it changes the session, the change
// is dropped and the test fails. Look must not call Session.Update or Session.Touch, which
// work outside of a request, too. If c is not the cookie of a live session, Read ends the
// test by tb.Fatal.
func Read(tb testing.TB, m *session.Manager, c *http.Cookie, look func(*session.Session)) {
	tb.Helper()
	s, err := load(m, c)
	if err != nil {
		tb.Fatalf("sessiontest: Read: %v", err)
	}
	look(s)
	if err := s.Save(context.Background()); err != nil {
		tb.Errorf("sessiontest: Read: look has changed the session, which was not saved: %v", err)
	}
}

// Alive reports whether c is the cookie of a live session. It is false for nil, for a
// cookie with a negative MaxAge as Response returns it, and for the cookie of a session
// that was destroyed, renewed or revoked or has expired. If that cannot be determined,
// Alive ends the test by tb.Fatal.
func Alive(tb testing.TB, m *session.Manager, c *http.Cookie) bool {
	tb.Helper()
	_, err := load(m, c)
	if err != nil && !errors.Is(err, errNotAlive) {
		tb.Fatalf("sessiontest: Alive: %v", err)
	}
	return err == nil
}

// errNotAlive: a cookie is not that of a live session.
var errNotAlive = errors.New("there is no live session")

// load returns the session of cookie c. Its request has ended.
func load(m *session.Manager, c *http.Cookie) (s *session.Session, err error) {
	switch name := m.Cookie(session.Token{}).Name; {
	case c == nil:
		return nil, fmt.Errorf("%w: the cookie is nil", errNotAlive)
	case c.Name != name:
		return nil, fmt.Errorf("the cookie has the name %q; those of the Manager have the name %q", c.Name, name)
	case c.MaxAge < 0:
		return nil, fmt.Errorf("%w: the cookie has a negative MaxAge, which clears it in the browser", errNotAlive)
	}
	serve(m, c, func(_ http.ResponseWriter, r *http.Request) { s, err = m.Load(r.Context()) })
	switch {
	case err != nil:
		return nil, err
	case s.IsNew():
		return nil, fmt.Errorf("%w: that of the cookie was destroyed, renewed or revoked or has expired, or the cookie is not of this Manager", errNotAlive)
	}
	return s, nil
}

// serve sends a request to handler inside of m, with the cookie c if it is not nil.
func serve(m *session.Manager, c *http.Cookie, handler http.HandlerFunc) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	if c != nil {
		attach(m, r, c)
	}
	w := httptest.NewRecorder()
	m.Passive(m.Handler(handler)).ServeHTTP(w, r)
	return w.Result()
}
