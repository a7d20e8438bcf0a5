package interop_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/holdfast-go/holdfast/session"
	"github.com/labstack/echo/v5"
)

// A route is /cart/{id}: plain loads its session itself, replayed is under
// Replay, and safe is a HandlerFunc. reached counts what the router lets in.
type routes struct {
	plain, replayed, safe *contested
	reached               int
}

func newRoutes() *routes {
	return &routes{plain: new(contested), replayed: new(contested), safe: new(contested)}
}

// routers build the same routes, each under the Manager's Handler and in its
// router's own way.
var routers = []struct {
	name  string
	build func(*testing.T, manager, *routes) http.Handler
}{
	{"chi", buildChi},
	{"gin", buildGin},
	{"echo", buildEcho},
	{"echo with WrapMiddleware", buildEchoWrapped},
	{"http.ServeMux", buildMux},
}

func buildChi(t *testing.T, m manager, rs *routes) http.Handler {
	id := func(r *http.Request) string { return " " + chi.URLParam(r, "id") }
	r := chi.NewRouter()
	r.Use(m.Handler, middleware.Compress(5))
	r.Method("GET", rivalry, m.HandlerFunc(rival))
	r.Route("/cart", func(r chi.Router) {
		r.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rs.reached++
				next.ServeHTTP(w, r)
			})
		})
		r.Method("PUT", "/{id}", rs.plain.serve(t, id))
		r.Method("POST", "/{id}", m.Replay(rs.replayed.serve(t, id)))
		r.Method("GET", "/{id}", m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			w.Header().Set("Content-Type", "text/plain") // which Compress compresses
			io.WriteString(w, rs.safe.bump(s)+id(r))
		}))
	})
	return r
}

func buildGin(t *testing.T, m manager, rs *routes) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	id := func(r *http.Request) string { return " " + strings.TrimPrefix(r.URL.Path, "/cart/") }
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(500) }))
	e.GET(rivalry, gin.WrapH(m.HandlerFunc(rival)))
	cart := e.Group("/cart", func(*gin.Context) { rs.reached++ })
	cart.PUT("/:id", func(c *gin.Context) {
		s, err := session.Load(c.Request.Context())
		if err != nil {
			t.Error(err)
			return
		}
		c.String(200, rs.plain.bump(s)+" "+c.Param("id"))
	})
	cart.POST("/:id", gin.WrapH(m.Replay(rs.replayed.serve(t, id))))
	cart.GET("/:id", gin.WrapH(m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		io.WriteString(w, rs.safe.bump(s)+id(r))
	})))
	return m.Handler(e)
}

func buildEcho(t *testing.T, m manager, rs *routes) http.Handler {
	return m.Handler(echoRoutes(t, m, rs))
}

func buildEchoWrapped(t *testing.T, m manager, rs *routes) http.Handler {
	return echoRoutes(t, m, rs, echo.WrapMiddleware(m.Handler))
}

func echoRoutes(t *testing.T, m manager, rs *routes, use ...echo.MiddlewareFunc) *echo.Echo {
	id := func(r *http.Request) string { return " " + strings.TrimPrefix(r.URL.Path, "/cart/") }
	e := echo.New()
	e.Use(use...)
	e.GET(rivalry, echo.WrapHandler(m.HandlerFunc(rival)))
	cart := e.Group("/cart", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			rs.reached++
			return next(c)
		}
	})
	cart.PUT("/:id", func(c *echo.Context) error {
		s, err := session.Load(c.Request().Context())
		if err != nil {
			return err
		}
		return c.String(200, rs.plain.bump(s)+" "+c.Param("id"))
	})
	cart.POST("/:id", echo.WrapHandler(m.Replay(rs.replayed.serve(t, id))))
	cart.GET("/:id", echo.WrapHandler(m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		io.WriteString(w, rs.safe.bump(s)+id(r))
	})))
	return e
}

func buildMux(t *testing.T, m manager, rs *routes) http.Handler {
	id := func(r *http.Request) string { return " " + r.PathValue("id") }
	counted := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rs.reached++
			next.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+rivalry, m.HandlerFunc(rival))
	mux.Handle("PUT /cart/{id}", counted(rs.plain.serve(t, id)))
	mux.Handle("POST /cart/{id}", counted(m.Replay(rs.replayed.serve(t, id))))
	mux.Handle("GET /cart/{id}", counted(m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		io.WriteString(w, rs.safe.bump(s)+id(r))
	})))
	return m.Handler(mux)
}

func TestRoutersKeepTheSession(t *testing.T) {
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			b := serve(t, router.build(t, newManager(t), newRoutes()))
			if a := b.expect("PUT", "/cart/7", 200, "page 1 7"); a.cookies != 1 {
				t.Errorf("%d cookies with the first answer", a.cookies)
			}
			if a := b.expect("POST", "/cart/8", 200, "page 2 8"); a.cookies != 0 {
				t.Errorf("%d cookies with the second answer", a.cookies)
			}
			b.expect("GET", "/cart/9", 200, "page 3 9")
			b.expect("GET", "/nowhere", 404, "")
		})
	}
}

// Handler answers 409 and does not call the router again, which could not serve
// one request twice. Replay and HandlerFunc are inside, where it can be done.
func TestRoutersUnderConflict(t *testing.T) {
	for _, router := range routers {
		for _, c := range []struct {
			rule, method string
			of           func(*routes) *contested
			status, runs int
			body         string
		}{
			{"a leaf of Handler answers 409", "PUT", func(rs *routes) *contested { return rs.plain }, 409, 1, ""},
			{"a leaf of Replay runs again", "POST", func(rs *routes) *contested { return rs.replayed }, 200, 2, "page 201 7"},
			{"a leaf of HandlerFunc runs again", "GET", func(rs *routes) *contested { return rs.safe }, 200, 2, "page 201 7"},
		} {
			t.Run(router.name+"/"+c.rule, func(t *testing.T) {
				rs := newRoutes()
				leaf := c.of(rs)
				b := serve(t, router.build(t, newManager(t), rs))
				b.race(leaf)
				a := b.expect(c.method, "/cart/7", c.status, c.body)
				if strings.Contains(a.body, "page") != (c.status == 200) {
					t.Errorf("answer %d %q", a.status, a.body)
				}
				if leaf.runs != c.runs || rs.reached != 1 {
					t.Errorf("%d runs of the leaf and %d of the router, want %d and 1", leaf.runs, rs.reached, c.runs)
				}
			})
		}
	}
}

// gin and echo turn a panic, and echo a returned error, into a 500.
func TestRoutersServerErrorCommitsNothing(t *testing.T) {
	fail := func(s *session.Session) { count.Set(s, 666) }
	for name, build := range map[string]func(manager) http.Handler{
		"chi with Recoverer inside": func(m manager) http.Handler {
			r := chi.NewRouter()
			r.Use(m.Handler, middleware.RequestLogger(quiet{}), middleware.Recoverer)
			r.Method("GET", rivalry, m.HandlerFunc(rival))
			r.Method("POST", "/fail", m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				fail(s)
				panic("boom")
			}))
			return r
		},
		"gin with Recovery": func(m manager) http.Handler {
			gin.SetMode(gin.ReleaseMode)
			e := gin.New()
			e.Use(gin.RecoveryWithWriter(io.Discard))
			e.GET(rivalry, gin.WrapH(m.HandlerFunc(rival)))
			e.POST("/fail", func(c *gin.Context) {
				s, _ := session.Load(c.Request.Context())
				fail(s)
				panic("boom")
			})
			return m.Handler(e)
		},
		"echo with a returned error": func(m manager) http.Handler {
			e := echo.New()
			e.GET(rivalry, echo.WrapHandler(m.HandlerFunc(rival)))
			e.POST("/fail", func(c *echo.Context) error {
				s, _ := session.Load(c.Request().Context())
				fail(s)
				return errors.New("boom")
			})
			return m.Handler(e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			mux := http.NewServeMux()
			mux.Handle("/", build(m))
			mux.Handle("/peek", m.HandlerFunc(peek))
			b := serve(t, mux)
			b.expect("GET", rivalry, 200, "")
			b.expect("POST", "/fail", 500, "")
			b.expect("GET", "/peek", 200, "100")
		})
	}
}

// quiet keeps chi's Recoverer from printing.
type quiet struct{}

func (quiet) NewLogEntry(*http.Request) middleware.LogEntry         { return quiet{} }
func (quiet) Write(_, _ int, _ http.Header, _ time.Duration, _ any) {}
func (quiet) Panic(any, []byte)                                     {}

// gin's Context.Stream asks the writer for http.CloseNotifier, and panics
// without one.
func TestGinStreams(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/", func(c *gin.Context) {
		if s, err := session.Load(c.Request.Context()); err == nil {
			count.Set(s, 1)
		}
		left := 3
		c.Stream(func(w io.Writer) bool {
			io.WriteString(w, "event ")
			left--
			return left > 0
		})
	})
	m := newManager(t)
	for name, c := range map[string]struct {
		handler http.Handler
		cookies int
	}{
		"without a session": {e, 0},
		"Handler":           {m.Handler(e), 1},
		"HandlerFunc":       {m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *session.Session) { e.ServeHTTP(w, r) }), 1},
	} {
		t.Run(name, func(t *testing.T) {
			if a := serve(t, c.handler).expect("GET", "/", 200, "event event event "); a.cookies != c.cookies {
				t.Errorf("%d cookies with the stream, want %d", a.cookies, c.cookies)
			}
		})
	}
}

// A middleware of gin's that hands Handler's request on, but not its writer, answers
// past the session: no cookie can be set. The log says so, and nothing is stored that
// no cookie leads to. The way that works is Handler around the engine.
func TestGinMiddlewareThatKeepsItsWriterIsLogged(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	m := newManager(t)
	naive := func(c *gin.Context) {
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
	}
	bump := func(c *gin.Context) {
		s, err := session.Load(c.Request.Context())
		if err != nil {
			t.Error(err)
			return
		}
		c.String(200, new(contested).bump(s))
	}
	e := gin.New()
	e.GET("/naive", naive, bump)
	e.GET("/bump", bump)
	b := serve(t, m.Handler(e))
	if a := b.expect("GET", "/bump", 200, "page 1"); a.cookies != 1 {
		t.Errorf("%d cookies with Handler around the engine", a.cookies)
	}
	b.expect("GET", "/bump", 200, "page 2")

	b = serve(t, e)
	for range 2 {
		if a := b.expect("GET", "/naive", 200, "page 1"); a.cookies != 0 {
			t.Errorf("%d cookies", a.cookies)
		}
	}
	if n := strings.Count(m.log.String(), "another ResponseWriter"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, m.log)
	}
}
