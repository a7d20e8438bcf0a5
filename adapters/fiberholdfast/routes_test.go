package fiberholdfast_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/logger"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/session"
)

func TestFiber(t *testing.T) { frameworktest.Run(t, start) }

// start serves the routes of frameworktest.
func start(t *testing.T, a *frameworktest.App) string {
	app := newApp(a)
	app.Use(fiberholdfast.Sessions(a.Manager))
	addRoutes(app, a)
	return listen(t, app)
}

// newApp returns an app with fiber's logger and recovery.
func newApp(a *frameworktest.App) *fiber.App {
	app := fiber.New()
	app.Use(logger.New(logger.Config{Stream: io.Discard, Done: func(c fiber.Ctx, _ []byte) {
		a.Logged(strings.Clone(c.Path()), c.Response().StatusCode())
	}}), recoverer.New())
	return app
}

// listen serves app until the test ends, and returns its URL.
func listen(t *testing.T, app *fiber.App) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

// with returns a handler that loads the session.
func with(fn func(fiber.Ctx, *session.Session) error) fiber.Handler {
	return func(c fiber.Ctx) error {
		s, err := fiberholdfast.Load(c)
		if err != nil {
			return err
		}
		return fn(c, s)
	}
}

func addRoutes(app fiber.Router, a *frameworktest.App) {
	add := with(func(c fiber.Ctx, s *session.Session) error { return c.SendString(a.Add(s)) })
	show := with(func(c fiber.Ctx, s *session.Session) error { return c.SendString(a.Show(s)) })
	app.Get("/none", func(c fiber.Ctx) error { return c.SendString("none") })
	app.Get("/show", show)
	app.Post("/add", add)
	app.Post("/nested/add", fiberholdfast.Sessions(a.Manager), add)
	app.Get("/poll", fiberholdfast.Passive(a.Manager), show)
	app.Post("/careless", with(func(c fiber.Ctx, s *session.Session) error {
		a.Careless(s)
		c.Set("Page", "yes")
		return c.Redirect().Status(http.StatusSeeOther).To("/elsewhere")
	}))
	app.Post("/empty", with(func(c fiber.Ctx, s *session.Session) error {
		a.Add(s)
		return c.SendStatus(http.StatusNoContent)
	}))
	app.Get("/file", with(func(c fiber.Ctx, s *session.Session) error {
		a.Add(s)
		return c.SendFile(a.File)
	}))
	app.Get("/events", with(func(c fiber.Ctx, s *session.Session) error {
		a.Add(s)
		c.Set("Content-Type", "text/event-stream")
		return c.SendStreamWriter(func(w *bufio.Writer) {
			for n := 1; n <= 2; n++ {
				if n == 2 {
					a.Wait()
				}
				fmt.Fprintf(w, "data: %d\n\n", n)
				if w.Flush() != nil {
					return // the client is gone, or the response is another one
				}
			}
		})
	}))
	app.Post("/login", with(func(c fiber.Ctx, s *session.Session) error {
		token, err := a.Login(c.Context(), s)
		if err != nil {
			return err
		}
		return c.SendString(token)
	}))
	app.Post("/logout", with(func(c fiber.Ctx, s *session.Session) error {
		s.Destroy()
		return c.SendString("bye")
	}))
	addFailures(app, a)
	addReplayed(app, a)
}

func addFailures(app fiber.Router, a *frameworktest.App) {
	app.Post("/fail", with(func(_ fiber.Ctx, s *session.Session) error {
		a.Spoil(s)
		return errors.New("boom")
	}))
	app.Post("/reject", with(func(_ fiber.Ctx, s *session.Session) error {
		a.Add(s)
		return fiber.NewError(http.StatusUnprocessableEntity, "no")
	}))
	app.Post("/panic", with(func(_ fiber.Ctx, s *session.Session) error {
		a.Spoil(s)
		panic("boom")
	}))
	app.Post("/save-panic", with(func(c fiber.Ctx, s *session.Session) error {
		a.Add(s)
		if err := s.Save(c.Context()); err != nil {
			return err
		}
		panic("boom")
	}))
	app.Post("/save", with(func(c fiber.Ctx, s *session.Session) error {
		a.Careless(s)
		if err := s.Save(c.Context()); err != nil {
			return err // the middleware knows its status
		}
		return c.SendString("saved")
	}))
}

func addReplayed(app fiber.Router, a *frameworktest.App) {
	app.Get("/safe", fiberholdfast.HandlerFunc(a.Manager, func(c fiber.Ctx, s *session.Session) error {
		c.Response().Header.Add("Run", "yes")
		return c.SendString(a.Careless(s))
	}))
	app.Post("/replayed", fiberholdfast.Replay(a.Manager, with(func(c fiber.Ctx, s *session.Session) error {
		c.Response().Header.Add("Run", "yes")
		return c.SendString(a.Careless(s) + string(c.Body()))
	})))
}
