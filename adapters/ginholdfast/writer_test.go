package ginholdfast_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/adapters/ginholdfast"
	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/session"
)

// post serves POST / by h under Sessions, in a middleware that calls outside before and
// after it.
func post(m *session.Manager, outside func(c *gin.Context), h func(*gin.Context, *session.Session)) *http.Response {
	r := gin.New()
	r.Use(outside, ginholdfast.Sessions(m))
	r.POST("/", with(h))
	rec := httptest.NewRecorder()
	r.ServeHTTP(closeNotifier{rec}, httptest.NewRequest(http.MethodPost, "/", nil))
	return rec.Result()
}

// A status of 500 commits nothing, whichever method of the writer sends it.
func TestServerErrorCommitsNothing(t *testing.T) {
	m := newManager(t, session.Config{})
	for name, answer := range map[string]func(*gin.Context, int){
		"String":         func(c *gin.Context, status int) { c.String(status, "page") },
		"JSON":           func(c *gin.Context, status int) { c.JSON(status, "page") },
		"Status":         func(c *gin.Context, status int) { c.Status(status) },
		"WriteHeaderNow": func(c *gin.Context, status int) { c.Status(status); c.Writer.WriteHeaderNow() },
		"WriteString":    func(c *gin.Context, status int) { c.Status(status); _, _ = c.Writer.WriteString("page") },
		"Flush":          func(c *gin.Context, status int) { c.Status(status); c.Writer.Flush() },
	} {
		for status, cookies := range map[int]int{http.StatusBadGateway: 0, http.StatusNotFound: 1} {
			res := post(m, (*gin.Context).Next, func(c *gin.Context, s *session.Session) {
				count.Set(s, 1)
				answer(c, status)
			})
			if res.StatusCode != status || len(res.Cookies()) != cookies {
				t.Errorf("%s: %d with the cookies %v, want %d with %d", name, res.StatusCode, res.Cookies(), status, cookies)
			}
		}
	}
}

// WriteHeaderNow sends the header at once, as gin's own does.
func TestWriteHeaderNow(t *testing.T) {
	res := post(newManager(t, session.Config{}), (*gin.Context).Next, func(c *gin.Context, s *session.Session) {
		count.Set(s, 1)
		c.Status(http.StatusAccepted)
		if c.Writer.WriteHeaderNow(); !c.Writer.Written() || c.Writer.Status() != http.StatusAccepted {
			t.Errorf("written: %t, status %d", c.Writer.Written(), c.Writer.Status())
		}
		c.Status(http.StatusTeapot) // too late
	})
	if res.StatusCode != http.StatusAccepted || len(res.Cookies()) != 1 {
		t.Errorf("%d with the cookies %v", res.StatusCode, res.Cookies())
	}
}

// A stream whose session cannot be stored ends, even if its function never looks.
func TestStreamEndsAfterAFailedCommit(t *testing.T) {
	m := newManager(t, session.Config{MaxSize: 256})
	large := session.NewKey[string]("large")
	res := post(m, (*gin.Context).Next, func(c *gin.Context, s *session.Session) {
		large.Set(s, strings.Repeat("x", 1000))
		steps := 0
		gone := c.Stream(func(w io.Writer) bool {
			_, _ = io.WriteString(w, "event")
			<-c.Request.Context().Done()
			runtime.Gosched()
			steps++
			return steps < 1e6
		})
		if !gone {
			t.Errorf("the stream went on for %d steps", steps)
		}
	})
	if res.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d", res.StatusCode)
	}
}

// The Context has its own request and writer again after the middleware.
func TestTheContextIsRestored(t *testing.T) {
	m := newManager(t, session.Config{})
	for name, inside := range map[string]gin.HandlerFunc{
		"Sessions":    ginholdfast.Sessions(m),
		"Passive":     ginholdfast.Passive(m),
		"HandlerFunc": ginholdfast.HandlerFunc(m, func(*gin.Context, *session.Session) {}),
	} {
		r := gin.New()
		r.GET("/", func(c *gin.Context) {
			w, req := c.Writer, c.Request
			c.Next()
			if c.Writer != w || c.Request != req {
				t.Errorf("%s: the Context has another request or writer", name)
			}
		}, inside)
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}
}

// A hijacked connection has its session committed, and the cookie in the header map.
func TestHijack(t *testing.T) {
	m := newManager(t, session.Config{})
	r := gin.New()
	r.Use(ginholdfast.Sessions(m))
	r.GET("/", with(func(c *gin.Context, s *session.Session) {
		count.Set(s, 7)
		conn, buf, err := c.Writer.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\nSet-Cookie: %s\r\n\r\n", c.Writer.Header().Get("Set-Cookie"))
		_ = buf.Flush()
	}))
	r.GET("/show", with(func(c *gin.Context, s *session.Session) {
		n, _ := count.Get(s)
		c.String(http.StatusOK, "count %d", n)
	}))
	url := frameworktest.Serve(t, r)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || len(res.Cookies()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	req := httptest.NewRequest(http.MethodGet, "/show", nil)
	req.AddCookie(res.Cookies()[0])
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	if rec.Body.String() != "count 7" {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
}

// http.ResponseController and session.Unwrap find their way through the writer.
func TestUnwrap(t *testing.T) {
	m := newManager(t, session.Config{})
	r := gin.New()
	r.Use(ginholdfast.Sessions(m))
	r.GET("/", with(func(c *gin.Context, s *session.Session) {
		count.Set(s, 1)
		if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		below, err := session.Unwrap(c.Writer)
		if err != nil {
			t.Error(err)
			return
		}
		if _, ok := below.(gin.ResponseWriter); ok {
			t.Errorf("Unwrap returned %T", below)
		}
		below.WriteHeader(http.StatusAccepted)
	}))
	res, err := http.Get(frameworktest.Serve(t, r))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted || len(res.Cookies()) != 1 {
		t.Errorf("%d with the cookies %v", res.StatusCode, res.Cookies())
	}
}
