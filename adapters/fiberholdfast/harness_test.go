package fiberholdfast_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var (
	count = session.NewKey[int]("count")
	large = session.NewKey[string]("large") // which makes the session too large
)

// Sessions for a group, and not for the app.
func TestSessionsOfAGroup(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		app := newApp(a)
		addRoutes(app.Group("/", fiberholdfast.Sessions(a.Manager)), a)
		return listen(t, app)
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

// answer is a response and its body.
type answer struct {
	*http.Response
	body string
}

// send sends a request with the cookies of an earlier response, if any.
func send(t *testing.T, method, url, body string, cookies ...*http.Cookie) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return answer{Response: &http.Response{}}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return answer{res, string(text)}
}

// addOne adds one to the counter of the session of cookies, or of a new one, in a request
// of its own. It returns the cookie of a new session.
func addOne(m *session.Manager, cookies ...*http.Cookie) []*http.Cookie {
	rec := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		count.Update(s, func(n int) int { return n + 1 })
	})(rec, carrying(cookies))
	return rec.Result().Cookies()
}

// counter returns the counter of the session of cookies.
func counter(m *session.Manager, cookies []*http.Cookie) (n int) {
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		n, _ = count.Get(s)
	})(httptest.NewRecorder(), carrying(cookies))
	return n
}

func carrying(cookies []*http.Cookie) *http.Request {
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		req.AddCookie(c)
	}
	return req
}

// A Manager that session.New has not made is refused when the routes are built.
func TestNoManager(t *testing.T) {
	for name, build := range map[string]func() fiber.Handler{
		"Sessions":    func() fiber.Handler { return fiberholdfast.Sessions(nil) },
		"HandlerFunc": func() fiber.Handler { return fiberholdfast.HandlerFunc(nil, nil) },
		"Replay":      func() fiber.Handler { return fiberholdfast.Replay(nil, nil) },
		"Passive":     func() fiber.Handler { return fiberholdfast.Passive(nil) },
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
