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
func Response(tb testing.TB, m *session.Manager, res *http.Response) *http.Cookie {
	tb.Helper()
	if res == nil {
		tb.Fatal("sessiontest: Response: the response is nil")
	}
	scope := own(m)
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

// own returns a cookie that has the name and the scope of the Manager's cookies.
func own(m *session.Manager) *http.Cookie {
	w := httptest.NewRecorder()
	m.ClearCookie(w, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	return w.Result().Cookies()[0]
}
