package ginholdfast_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/adapters/ginholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func ExampleSessions() {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	router := gin.New() // with gin.Logger and gin.Recovery before Sessions
	router.Use(ginholdfast.Sessions(sessions))
	router.GET("/", func(c *gin.Context) {
		s, err := ginholdfast.Load(c)
		if err != nil {
			_ = c.AbortWithError(session.StatusCode(err), err)
			return
		}
		c.String(http.StatusOK, "visit %d", visits.Update(s, func(n int) int { return n + 1 }))
	})

	first, second := httptest.NewRecorder(), httptest.NewRecorder()
	router.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	again := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	router.ServeHTTP(second, again)
	fmt.Println(first.Body, "and", second.Body)
	// Output: visit 1 and visit 2
}

// A page that creates a CSRF token once: if parallel pages do so, the function runs again
// and shows the token that is stored.
func ExampleHandlerFunc() {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	token := session.NewKey[string]("csrf")
	router := gin.New()
	router.GET("/form", ginholdfast.HandlerFunc(sessions, func(c *gin.Context, s *session.Session) {
		c.String(http.StatusOK, "token %s", token.GetOrSet(s, func() string { return "T0KEN" })) // crypto/rand.Text
	}))

	rec := httptest.NewRecorder()
	router.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "https://example.com/form", nil))
	fmt.Println(rec.Body)
	// Output: token T0KEN
}
