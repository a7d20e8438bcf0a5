// Gin is the shop with gin and ginholdfast.
//
//	go run ./gin
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/adapters/ginholdfast"
	"github.com/holdfast-go/holdfast/examples/frameworks/shop"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func main() {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(newApp(sessions).Run("localhost:8080"))
}

func newApp(sessions *session.Manager) *gin.Engine {
	r := gin.New()
	r.SetHTMLTemplate(shop.Template)
	r.Use(gin.Logger(), gin.Recovery(), sameOrigin(), ginholdfast.Sessions(sessions))
	r.GET("/", ginholdfast.HandlerFunc(sessions, home)) // runs again if it meets a conflict
	r.POST("/login", with(login))
	r.POST("/logout", with(logout))
	r.POST("/basket/:item", with(signedIn), with(put))
	return r
}

// sameOrigin refuses requests that pages of other sites make a browser send (CSRF).
func sameOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		if err := protection.Check(c.Request); err != nil {
			c.AbortWithStatus(http.StatusForbidden)
		}
	}
}

// with returns a handler that loads the session.
func with(fn func(*gin.Context, *session.Session)) gin.HandlerFunc {
	return func(c *gin.Context) {
		s, err := ginholdfast.Load(c)
		if err != nil {
			_ = c.AbortWithError(session.StatusCode(err), err)
			return
		}
		fn(c, s)
	}
}

// signedIn is middleware: it lets only visitors in who are signed in.
func signedIn(c *gin.Context, s *session.Session) {
	if !shop.SignedIn(s) {
		c.Redirect(http.StatusSeeOther, "/")
		c.Abort()
	}
}

func home(c *gin.Context, s *session.Session) {
	page, err := shop.Open(c.Request.Context(), s)
	if err != nil {
		_ = c.AbortWithError(session.StatusCode(err), err)
		return
	}
	c.HTML(http.StatusOK, "page", page)
}

func login(c *gin.Context, s *session.Session) {
	shop.SignIn(s, c.PostForm("name"), c.PostForm("password"))
	c.Redirect(http.StatusSeeOther, "/")
}

func logout(c *gin.Context, s *session.Session) {
	shop.SignOut(s)
	c.Redirect(http.StatusSeeOther, "/")
}

func put(c *gin.Context, s *session.Session) {
	if !shop.Put(s, c.Param("item")) {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	c.Redirect(http.StatusSeeOther, "/")
}
