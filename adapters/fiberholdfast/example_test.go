package fiberholdfast_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func ExampleSessions() {
	sessions, err := session.New(memory.New(), session.Config{ErrorHandler: fiberholdfast.ErrorHandler})
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New() // with logger and recover before Sessions
	app.Use(fiberholdfast.Sessions(sessions))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := fiberholdfast.Load(c)
		if err != nil {
			return err
		}
		return c.SendString(fmt.Sprint("visit ", visits.Update(s, func(n int) int { return n + 1 })))
	})

	req := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	for range 2 {
		res, err := app.Test(req)
		if err != nil {
			log.Fatal(err)
		}
		page, err := io.ReadAll(res.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(page))
		for _, cookie := range res.Cookies() {
			req.AddCookie(cookie)
		}
	}
	// Output:
	// visit 1
	// visit 2
}
