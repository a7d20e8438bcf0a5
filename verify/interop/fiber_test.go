package interop_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/holdfast-go/holdfast/session"
)

// fiberSessions gives fiber's own handlers the sessions of m, by
// session.Load(c.Context()). It is the middleware of docs/frameworks.md.
func fiberSessions(m *session.Manager) fiber.Handler {
	return func(c fiber.Ctx) error {
		return adaptor.HTTPHandler(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.SetContext(r.Context())
			if err := c.Next(); err != nil {
				_ = c.App().ErrorHandler(c, err)
			}
			// The header goes through w, which commits the session first.
			res := c.Response()
			for name, value := range res.Header.All() {
				w.Header().Add(string(name), string(value))
			}
			status := res.StatusCode()
			res.Header.Reset()
			w.WriteHeader(status)
		})))(c)
	}
}

// serveFiber starts a fiber app and returns a browser of it.
func serveFiber(t *testing.T, app *fiber.App) *browser {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: parallel}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &browser{t, "http://" + listener.Addr().String(), &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute}}
}

// fiberApp has the routes of the tests: handlers of net/http, converted as a whole,
// and fiber's own under fiberSessions.
func fiberApp(t *testing.T, m manager, own fiber.Handler) *fiber.App {
	app := fiber.New()
	app.All(rivalry, adaptor.HTTPHandler(m.HandlerFunc(rival)))
	app.Get("/peek", adaptor.HTTPHandler(m.HandlerFunc(peek)))
	app.Get("/plain", adaptor.HTTPHandler(m.Handler(new(contested).serve(t, func(*http.Request) string { return "" }))))
	app.Use("/own", fiberSessions(m.Manager))
	app.All("/own/:id", own)
	return app
}

// fiberBump adds one to the counter.
func fiberBump(c fiber.Ctx) error {
	s, err := session.Load(c.Context())
	if err != nil {
		return err
	}
	n := count.Update(s, func(n int) int { return n + 1 })
	c.Set("Cache-Control", "public")
	return c.Status(201).SendString(fmt.Sprint("page ", n, " ", c.Params("id")))
}

func TestFiberKeepsTheSession(t *testing.T) {
	b := serveFiber(t, fiberApp(t, newManager(t), fiberBump))
	if a := b.expect("GET", "/plain", 200, "page 1"); a.cookies != 1 {
		t.Errorf("%d cookies with the first answer of a converted handler", a.cookies)
	}
	b.expect("GET", "/plain", 200, "page 2")
	if a := b.expect("GET", "/own/7", 201, "page 3 7"); a.cookies != 0 || a.header.Get("Cache-Control") != "public" {
		t.Errorf("%d cookies and %v with a later answer", a.cookies, a.header)
	}

	b = serveFiber(t, fiberApp(t, newManager(t), fiberBump))
	a := b.expect("GET", "/own/7", 201, "page 1 7")
	if a.cookies != 1 || strings.Join(a.header.Values("Cache-Control"), ", ") != "no-store" {
		t.Errorf("%d cookies and %v with the first answer of fiber's own handler", a.cookies, a.header)
	}
	b.expect("GET", "/peek", 200, "1")
}

func TestFiberParallelRequestsLoseNothing(t *testing.T) {
	b := serveFiber(t, fiberApp(t, newManager(t), func(c fiber.Ctx) error { return errors.Join(fiberBump(c), c.SendStatus(200)) }))
	b.expect("GET", "/own/7", 200, "")
	b.storm(func(int) string { return "/own/7" })
	b.expect("GET", "/peek", 200, fmt.Sprint(1+parallel))
}

// The page and the header of a handler whose session could not be saved are gone.
func TestFiberUnderConflict(t *testing.T) {
	var b *browser
	b = serveFiber(t, fiberApp(t, newManager(t), func(c fiber.Ctx) error {
		s, err := session.Load(c.Context())
		if err != nil {
			return err
		}
		n, _ := count.Get(s)
		b.expect("GET", rivalry, 200, "")
		count.Set(s, n+1)
		c.Set("Location", "/elsewhere")
		return c.Status(303).SendString("page")
	}))
	b.expect("GET", rivalry, 200, "")
	a := b.expect("GET", "/own/7", 409, "")
	if strings.Contains(a.body, "page") || a.header.Get("Location") != "" || a.cookies != 0 {
		t.Errorf("409 with %q and %v", a.body, a.header)
	}
	b.expect("GET", "/peek", 200, "200")
}

func TestFiberServerErrorCommitsNothing(t *testing.T) {
	b := serveFiber(t, fiberApp(t, newManager(t), func(c fiber.Ctx) error {
		return errors.Join(fiberBump(c), errors.New("boom"))
	}))
	b.expect("GET", rivalry, 200, "")
	b.expect("GET", "/own/7", 500, "")
	b.expect("GET", "/peek", 200, "100")
}

// fiber's HTTPMiddleware returns before the handler runs, so no session can span it.
// The error says where to look.
func TestFiberHTTPMiddlewareHasNoSession(t *testing.T) {
	m := newManager(t)
	app := fiber.New()
	app.Use(adaptor.HTTPMiddleware(m.Handler))
	app.Get("/", func(c fiber.Ctx) error {
		_, err := session.Load(c.Context())
		if !errors.Is(err, session.ErrNoHandler) || !strings.Contains(err.Error(), "Routers and frameworks") {
			t.Errorf("Load: %v; want ErrNoHandler with what to do", err)
		}
		return c.SendString("page")
	})
	serveFiber(t, app).expect("GET", "/", 200, "page")
}

// The middleware that the documentation shows is the one that is tested here.
func TestFiberMiddlewareIsTheOneOfTheDocuments(t *testing.T) {
	page, err := os.ReadFile("../../docs/frameworks.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("fiber_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "func fiberSessions")
	shown, _, found := strings.Cut(rest, "```")
	if !found || !strings.Contains(string(source), "func fiberSessions"+shown) {
		t.Errorf("docs/frameworks.md shows other code:\n%s", shown)
	}
}
