package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// Response returns the session cookie that the response sets in the visitor's browser. It
// is nil if the response sets none, so that the browser keeps the one that it has. Its
// MaxAge is negative if the response clears the browser's cookie. Response ends the test
// by tb.Fatal if res is nil, if the cookie is malformed, or if the response sets it more
// than once, as with two Managers whose cookies have the same name.
//
// With Config.HeaderOnly it is a cookie with the token in the response's header as its
// Value.
func Response(tb testing.TB, m *session.Manager, res *http.Response) *http.Cookie {
	tb.Helper()
	if res == nil {
		tb.Fatal("sessiontest: Response: the response is nil")
	}
	scope, header := own(m)
	if header != "" {
		return inHeader(m, res.Header[header])
	}
	var found *http.Cookie
	for _, line := range res.Header["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		if strings.TrimSpace(name) != scope.Name {
			continue
		}
		c, err := http.ParseSetCookie(line)
		switch {
		case err != nil:
			tb.Fatalf("sessiontest: Response: the line %q is not a cookie: %v", "Set-Cookie: "+line, err)
		case !sameScope(c, scope): // clears a cookie that another Config has set
		case found != nil:
			tb.Fatalf("sessiontest: Response: the response sets the cookie %q twice; do two Managers have the same Config.Cookie.Name?", c.Name)
		default:
			found = c
		}
	}
	return found
}

// sameScope reports whether a browser keeps two cookies of the same name as one.
func sameScope(a, b *http.Cookie) bool {
	return a.Path == b.Path && a.Domain == b.Domain && a.Partitioned == b.Partitioned
}

// inHeader returns the cookie of the token in a header of a response, or nil.
func inHeader(m *session.Manager, lines []string) *http.Cookie {
	if len(lines) == 0 {
		return nil
	}
	return m.Cookie(session.Token{Value: lines[0], Changed: true})
}

// own returns a cookie that has the name and the scope of the Manager's cookies. With
// Config.HeaderOnly it also returns the header in which responses have the token.
func own(m *session.Manager) (scope *http.Cookie, header string) {
	w := httptest.NewRecorder()
	m.ClearCookie(w, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	if len(w.Header()["Set-Cookie"]) == 0 {
		for name, lines := range w.Header() {
			if lines[0] == "" { // the client is to forget its token
				header = name
			}
		}
	}
	return m.Cookie(session.Token{}), header
}

// attach adds the token of the cookie to a request: as a cookie, or with
// Config.HeaderOnly in the header.
func attach(m *session.Manager, r *http.Request, c *http.Cookie) {
	switch _, header := own(m); header {
	case "":
		r.AddCookie(c)
	case "Session-Token": // the answer to the header Authorization, too
		r.Header.Set("Authorization", "Bearer "+c.Value)
		fallthrough
	default:
		r.Header.Set(header, c.Value)
	}
}
