package fiberholdfast_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/timeout"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/session"
)

// A handler that the timeout middleware inside of Sessions has given up commits nothing. It
// may still be using the Ctx.
func TestLateHandlerCommitsNothing(t *testing.T) {
	m := newManager(t, session.Config{})
	cookies := addOne(m)
	goOn, done := make(chan struct{}), make(chan error, 1)
	late := with(func(c fiber.Ctx, s *session.Session) error {
		count.Update(s, func(n int) int { return n + 100 })
		<-goOn
		_, err := fiberholdfast.Load(c)
		done <- err
		return err
	})
	app := fiber.New()
	app.Get("/", fiberholdfast.Sessions(m), timeout.New(late, timeout.Config{Timeout: time.Millisecond}))
	res := send(t, "GET", listen(t, app), "", cookies...)
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%d %q", res.StatusCode, res.body)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Errorf("Load of the late handler: %v", err)
	}
	if n := counter(m, cookies); n != 1 {
		t.Errorf("the counter is %d, want 1", n)
	}
}

// fiber's timeout middleware answers 408 also for a handler that has noticed the timeout.
func TestRequestTimeoutCommitsNothing(t *testing.T) {
	m := newManager(t, session.Config{})
	cookies := addOne(m)
	app := fiber.New()
	app.Get("/", fiberholdfast.Sessions(m), with(func(_ fiber.Ctx, s *session.Session) error {
		count.Set(s, 666)
		return fiber.ErrRequestTimeout
	}))
	if res := send(t, "GET", listen(t, app), "", cookies...); res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%d %q", res.StatusCode, res.body)
	}
	if n := counter(m, cookies); n != 1 {
		t.Errorf("the counter is %d, want 1", n)
	}
}

// A body that fiber streams cannot be read twice, so Replay runs the handler once.
func TestReplayOfAStreamedBody(t *testing.T) {
	m := newManager(t, session.Config{})
	for _, c := range []struct {
		size, runs, status int
	}{{10, 2, http.StatusOK}, {300 << 10, 1, http.StatusConflict}} {
		runs := 0
		cookies := addOne(m)
		app := fiber.New(fiber.Config{StreamRequestBody: true, ReadBufferSize: 4096, BodyLimit: 4096})
		app.Post("/", fiberholdfast.Replay(m, with(func(c fiber.Ctx, s *session.Session) error {
			runs++
			n, _ := count.Get(s)
			if runs == 1 {
				addOne(m, cookies...)
			}
			count.Set(s, n+len(c.Body()))
			return c.SendString("page")
		})))
		res := send(t, "POST", listen(t, app), strings.Repeat("x", c.size), cookies...)
		if res.StatusCode != c.status || runs != c.runs {
			t.Errorf("%d bytes: %d after %d runs, want %d after %d", c.size, res.StatusCode, runs, c.status, c.runs)
		}
	}
}
