// Echo is the shop with echo and echoholdfast.
//
//	go run ./echo
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/holdfast-go/holdfast/adapters/echoholdfast"
	"github.com/holdfast-go/holdfast/examples/frameworks/shop"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func main() {
	// echo's HTTPErrorHandler answers conflicts, too.
	sessions, err := session.New(memory.New(), session.Config{ErrorHandler: echoholdfast.ErrorHandler})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(newApp(sessions).Start("localhost:8080"))
}

func newApp(sessions *session.Manager) *echo.Echo {
	e := echo.New()
	e.Renderer = &echo.TemplateRenderer{Template: shop.Template}
	e.Use(middleware.RequestLogger(), middleware.Recover(), sameOrigin(), echoholdfast.Sessions(sessions))
	e.GET("/", echoholdfast.HandlerFunc(sessions, home)) // runs again if it meets a conflict
	e.POST("/login", with(login))
	e.POST("/logout", with(logout))
	e.POST("/basket/:item", with(put), signedIn)
	return e
}

// sameOrigin refuses requests that pages of other sites make a browser send (CSRF).
func sameOrigin() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return echo.ErrForbidden.Wrap(err)
			}
			return next(c)
		}
	}
}

// with returns a handler that loads the session.
func with(fn func(*echo.Context, *session.Session) error) echo.HandlerFunc {
	return func(c *echo.Context) error {
		s, err := echoholdfast.Load(c)
		if err != nil {
			return err
		}
		return fn(c, s)
	}
}

// signedIn is middleware: it lets only visitors in who are signed in.
func signedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return with(func(c *echo.Context, s *session.Session) error {
		if !shop.SignedIn(s) {
			return c.Redirect(http.StatusSeeOther, "/")
		}
		return next(c)
	})
}

func home(c *echo.Context, s *session.Session) error {
	page, err := shop.Open(c.Request().Context(), s)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, "page", page)
}

func login(c *echo.Context, s *session.Session) error {
	shop.SignIn(s, c.FormValue("name"), c.FormValue("password"))
	return c.Redirect(http.StatusSeeOther, "/")
}

func logout(c *echo.Context, s *session.Session) error {
	shop.SignOut(s)
	return c.Redirect(http.StatusSeeOther, "/")
}

func put(c *echo.Context, s *session.Session) error {
	if !shop.Put(s, c.Param("item")) {
		return echo.ErrNotFound
	}
	return c.Redirect(http.StatusSeeOther, "/")
}
