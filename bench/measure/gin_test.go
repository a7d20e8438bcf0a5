package measure_test

import (
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-gonic/gin"
)

type ginSession struct{ sessions.Session }

func (s ginSession) count() int              { n, _ := s.Get("count").(int); return n }
func (s ginSession) setCount(n int)          { s.Set("count", n) }
func (s ginSession) text(i int) string       { t, _ := s.Get(names[i]).(string); return t }
func (s ginSession) setText(i int, t string) { s.Set(names[i], t) }

// ginApp has no idle timeout either, as gorilla.
func ginApp(name string, store sessions.Store) app {
	e := newGin()
	e.Use(sessions.Sessions("session", store))
	e.GET("/*any", func(c *gin.Context) {
		route := c.Request.URL.Path
		if route == "/untouched" {
			c.String(http.StatusOK, "ok")
			return
		}
		s := sessions.Default(c)
		body := answer(route, ginSession{s})
		if err := s.Save(); err != nil { // which does nothing unless something was set
			c.String(http.StatusInternalServerError, err.Error())
			return
		}
		c.String(http.StatusOK, body)
	})
	return app{name: name, net: e}
}

func bareGin() app {
	e := newGin()
	e.GET("/*any", func(c *gin.Context) { c.String(http.StatusOK, answer(c.Request.URL.Path, nothing{})) })
	return app{name: "bare-gin", net: e}
}

func newGin() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}
