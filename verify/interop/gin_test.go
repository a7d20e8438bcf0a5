package interop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/session"
)

// A middleware of gin's that hands Handler's request on, but not its writer, answers
// past the session: no cookie can be set. The log says so, and nothing is stored that
// no cookie leads to. The ways that work are ginholdfast and Handler around the engine.
func TestGinMiddlewareThatKeepsItsWriterIsLogged(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	m := newManager(t)
	naive := func(c *gin.Context) {
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
	}
	e := gin.New()
	e.GET("/naive", naive, func(c *gin.Context) {
		s, err := session.Load(c.Request.Context())
		if err != nil {
			t.Error(err)
			return
		}
		count.Update(s, func(n int) int { return n + 1 })
		c.String(200, "page")
	})
	b := serve(t, e)
	for range 2 {
		if a := b.expect("GET", "/naive", 200, "page"); a.cookies != 0 {
			t.Errorf("%d cookies", a.cookies)
		}
	}
	if n := strings.Count(m.log.String(), "another ResponseWriter"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, m.log)
	}
}
