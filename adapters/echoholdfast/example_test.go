package echoholdfast_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	"github.com/holdfast-go/holdfast/adapters/echoholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func ExampleSessions() {
	sessions, err := session.New(memory.New(), session.Config{ErrorHandler: echoholdfast.ErrorHandler})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New() // with RequestLogger and Recover before Sessions
	e.Use(echoholdfast.Sessions(sessions))
	e.GET("/", func(c *echo.Context) error {
		s, err := echoholdfast.Load(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint("visit ", visits.Update(s, func(n int) int { return n + 1 })))
	})

	first, second := httptest.NewRecorder(), httptest.NewRecorder()
	e.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	again := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	e.ServeHTTP(second, again)
	fmt.Println(first.Body, "and", second.Body)
	// Output: visit 1 and visit 2
}
