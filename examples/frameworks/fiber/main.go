// Fiber is the shop with fiber and fiberholdfast.
//
//	go run ./fiber
package main

import (
	"log"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/logger"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/examples/frameworks/shop"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func main() {
	// fiber's ErrorHandler answers conflicts, too.
	sessions, err := session.New(memory.New(), session.Config{ErrorHandler: fiberholdfast.ErrorHandler})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(newApp(sessions).Listen("localhost:8080"))
}

func newApp(sessions *session.Manager) *fiber.App {
	app := fiber.New()
	app.Use(logger.New(), recoverer.New(), sameOrigin(), fiberholdfast.Sessions(sessions))
	app.Get("/", fiberholdfast.HandlerFunc(sessions, home)) // runs again if it meets a conflict
	app.Post("/login", with(login))
	app.Post("/logout", with(logout))
	app.Post("/basket/:item", with(signedIn), with(put))
	return app
}

// sameOrigin refuses requests that pages of other sites make a browser send (CSRF).
func sameOrigin() fiber.Handler {
	protection := http.NewCrossOriginProtection()
	return func(c fiber.Ctx) error {
		r, err := adaptor.ConvertRequest(c, false)
		if err != nil {
			return fiber.ErrBadRequest
		}
		if protection.Check(r) != nil {
			return fiber.ErrForbidden
		}
		return c.Next()
	}
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

// signedIn is middleware: it lets only visitors in who are signed in.
func signedIn(c fiber.Ctx, s *session.Session) error {
	if !shop.SignedIn(s) {
		return toHome(c)
	}
	return c.Next()
}

func toHome(c fiber.Ctx) error { return c.Redirect().Status(fiber.StatusSeeOther).To("/") }

func home(c fiber.Ctx, s *session.Session) error {
	page, err := shop.Open(c.Context(), s)
	if err != nil {
		return err
	}
	c.Type("html", "utf-8")
	return page.Render(c)
}

func login(c fiber.Ctx, s *session.Session) error {
	shop.SignIn(s, c.FormValue("name"), c.FormValue("password"))
	return toHome(c)
}

func logout(c fiber.Ctx, s *session.Session) error {
	shop.SignOut(s)
	return toHome(c)
}

func put(c fiber.Ctx, s *session.Session) error {
	if !shop.Put(s, c.Params("item")) {
		return fiber.ErrNotFound
	}
	return toHome(c)
}
