package fiberholdfast_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/session"
)

// With ErrorHandler, the app's ErrorHandler answers a conflict, like other errors. The
// header of middleware outside stays, that of the handler does not.
func TestErrorHandler(t *testing.T) {
	m := newManager(t, session.Config{ErrorHandler: fiberholdfast.ErrorHandler})
	var inBetween func()
	newApp := func(cfg fiber.Config) string {
		app := fiber.New(cfg)
		app.Use(func(c fiber.Ctx) error {
			c.Set("Outside", "yes")
			return c.Next()
		}, fiberholdfast.Sessions(m))
		app.Post("/", with(func(c fiber.Ctx, s *session.Session) error {
			n, _ := count.Get(s)
			inBetween()
			count.Set(s, n+1)
			c.Cookie(&fiber.Cookie{Name: "inside", Value: "yes"})
			c.Set("Inside", "yes")
			c.Status(http.StatusCreated)
			return c.JSON("page")
		}))
		return listen(t, app)
	}
	byDefault := newApp(fiber.Config{})
	asJSON := newApp(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		var status *fiber.Error
		if !errors.As(err, &status) {
			t.Errorf("the app's ErrorHandler got %v", err)
			return err
		}
		return c.Status(status.Code).JSON(errors.Is(err, session.ErrConflict))
	}})
	failing := newApp(fiber.Config{ErrorHandler: func(_ fiber.Ctx, err error) error { return err }})
	for url, want := range map[string]string{byDefault: "409 Conflict", asJSON: "409 true", failing: "500 Internal Server Error"} {
		cookies := addOne(m)
		inBetween = func() { addOne(m, cookies...) }
		res := send(t, "POST", url, "", cookies...)
		if got := fmt.Sprint(res.StatusCode, " ", res.body); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if res.Header.Get("Outside") != "yes" || res.Header.Get("Inside") != "" || len(res.Cookies()) != 0 || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("header %v", res.Header)
		}
		if n := counter(m, cookies); n != 2 {
			t.Errorf("the counter is %d, want 2", n)
		}
	}
}

// An ErrorHandler that sends nothing leaves nothing of the handler's response. A handler
// of net/http in fiber has no response of this package.
func TestOtherErrorHandlers(t *testing.T) {
	tooLarge := with(func(c fiber.Ctx, s *session.Session) error {
		large.Set(s, strings.Repeat("x", 1000))
		return c.Status(http.StatusCreated).SendString("page")
	})
	silent := newManager(t, session.Config{ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}})
	plain := newManager(t, session.Config{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		fiberholdfast.ErrorHandler(struct{ http.ResponseWriter }{w}, r, err) // hides what w is
	}})
	app := fiber.New()
	app.Post("/silent", fiberholdfast.Sessions(silent), tooLarge)
	app.Post("/plain", fiberholdfast.Sessions(plain), tooLarge)
	url := listen(t, app)
	if res := send(t, "POST", url+"/silent", ""); res.StatusCode != http.StatusOK || res.body != "" {
		t.Errorf("%d %q", res.StatusCode, res.body)
	}
	if res := send(t, "POST", url+"/plain", ""); res.StatusCode != http.StatusInternalServerError || res.body != "Internal Server Error\n" {
		t.Errorf("%d %q", res.StatusCode, res.body)
	}
}

// The request that an ErrorHandler or an Observer gets is a copy: fasthttp uses the memory
// of its own again for the next request of the connection.
func TestRequestIsACopy(t *testing.T) {
	var kept *http.Request
	m := newManager(t, session.Config{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		kept = r
		w.WriteHeader(session.StatusCode(err))
	}})
	app := fiber.New()
	app.Use(fiberholdfast.Sessions(m))
	app.All("/*", with(func(c fiber.Ctx, s *session.Session) error {
		if c.Method() == "DELETE" {
			large.Set(s, strings.Repeat("x", 1000))
		}
		return c.SendString("page")
	}))
	url := listen(t, app)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	responses := bufio.NewReader(conn)
	for _, method := range []string{"DELETE", "OPTION", "SEARCH"} { // of one length
		fmt.Fprintf(conn, "%s /%s?q=%s HTTP/1.1\r\nHost: example\r\nX-Test: %s\r\n\r\n", method, method, method, method)
		res, err := http.ReadResponse(responses, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	got := fmt.Sprint(kept.Method, kept.URL, kept.Host, kept.Header["X-Test"], kept.RequestURI, kept.Proto, kept.ContentLength, kept.TLS == nil)
	if want := "DELETE/DELETE?q=DELETEexample[DELETE]/DELETE?q=DELETEHTTP/1.10 true"; got != want {
		t.Errorf("the request is\n%s, want\n%s", got, want)
	}
}

// The function of a stream runs after the handlers. Its context goes on, and it changes
// the session by Update. A change without Update is refused.
func TestSessionInAStream(t *testing.T) {
	m := newManager(t, session.Config{})
	app := fiber.New()
	app.Use(fiberholdfast.Sessions(m))
	handled := make(chan struct{})
	app.Get("/", with(func(c fiber.Ctx, s *session.Session) error {
		count.Set(s, 1)
		ctx := c.Context()
		return c.SendStreamWriter(func(w *bufio.Writer) {
			fmt.Fprintln(w, "begin") // fasthttp sends the header with the first event
			if err := w.Flush(); err != nil {
				t.Error(err)
			}
			<-handled
			if err := ctx.Err(); err != nil {
				t.Errorf("the context has ended: %v", err)
			}
			err := s.Update(ctx, func(s *session.Session) error {
				count.Update(s, func(n int) int { return n + 10 })
				return nil
			})
			count.Set(s, 666)
			fmt.Fprintln(w, err, errors.Is(s.Save(ctx), session.ErrRequestDone))
		})
	}))
	url := listen(t, app)
	res, err := http.Get(url) // returns at the header
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	close(handled)
	if stream, err := io.ReadAll(res.Body); string(stream) != "begin\n<nil> true\n" {
		t.Errorf("the stream is %q, %v", stream, err)
	}
	if n := counter(m, res.Cookies()); n != 11 {
		t.Errorf("the counter is %d, want 11", n)
	}
}

// The function of a stream that is not sent, because of a conflict, finds that it cannot
// write.
func TestStreamThatIsNotSentEnds(t *testing.T) {
	m := newManager(t, session.Config{})
	app := fiber.New()
	app.Use(fiberholdfast.Sessions(m))
	begun, ended := make(chan struct{}), make(chan error, 1)
	app.Get("/", with(func(c fiber.Ctx, s *session.Session) error {
		large.Set(s, strings.Repeat("x", 1000))
		return c.SendStreamWriter(func(w *bufio.Writer) {
			<-begun
			for {
				fmt.Fprintln(w, "event")
				if err := w.Flush(); err != nil {
					ended <- err
					return
				}
			}
		})
	}))
	res := send(t, "GET", listen(t, app), "")
	close(begun)
	if res.StatusCode != http.StatusInternalServerError || strings.Contains(res.body, "event") {
		t.Errorf("%d %q", res.StatusCode, res.body)
	}
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}

// A connection is not taken over by a handler whose response is not sent.
func TestHijackAfterAFailedCommit(t *testing.T) {
	m := newManager(t, session.Config{})
	app := fiber.New()
	app.Use(fiberholdfast.Sessions(m))
	app.Get("/", with(func(c fiber.Ctx, s *session.Session) error {
		large.Set(s, strings.Repeat("x", 1000))
		c.RequestCtx().Hijack(func(net.Conn) { t.Error("the connection was taken over") })
		return c.SendStatus(http.StatusSwitchingProtocols)
	}))
	if res := send(t, "GET", listen(t, app), ""); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("%d %q", res.StatusCode, res.body)
	}
}

// Load outside of Sessions says where to look.
func TestLoadWithoutSessions(t *testing.T) {
	app := fiber.New()
	app.Get("/", func(c fiber.Ctx) error {
		_, err := fiberholdfast.Load(c)
		if !errors.Is(err, session.ErrNoHandler) || !strings.Contains(err.Error(), "Routers and frameworks") {
			t.Errorf("Load: %v", err)
		}
		return c.SendString("page")
	})
	send(t, "GET", listen(t, app), "")
}

// The Ctx has its own context again after the middleware.
func TestSessionsRestoresTheContext(t *testing.T) {
	type key struct{}
	m := newManager(t, session.Config{})
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		base := context.WithValue(c.Context(), key{}, "outside")
		c.SetContext(base)
		err := c.Next()
		if c.Context() != base {
			t.Error("the Ctx has another context")
		}
		return err
	}, fiberholdfast.Passive(m), fiberholdfast.Sessions(m))
	app.Get("/", func(c fiber.Ctx) error {
		if c.Context().Value(key{}) != "outside" {
			t.Error("a value of the context is missing")
		}
		return c.SendStatus(http.StatusNoContent)
	})
	send(t, "GET", listen(t, app), "")
}
