package interop_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/holdfast-go/holdfast/internal/frameworktest"
	"github.com/holdfast-go/holdfast/session"
)

// The routers that take net/http middleware need no module of their own.

func TestServeMux(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		mux := http.NewServeMux()
		for route, h := range netHTTPRoutes(a) {
			mux.Handle(route, h)
		}
		return frameworktest.Serve(t, a.Log(frameworktest.Recover(a.Handler(mux))))
	})
}

func TestChi(t *testing.T) {
	frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
		r := chi.NewRouter()
		r.Use(middleware.RequestLogger(chiLog{a: a}), middleware.Recoverer, a.Handler)
		for route, h := range netHTTPRoutes(a) {
			r.Handle(route, h)
		}
		return frameworktest.Serve(t, r)
	})
}

// chi compresses inside of Handler or around it.
func TestChiCompresses(t *testing.T) {
	for name, use := range map[string]func(chi.Router, *frameworktest.App){
		"inside": func(r chi.Router, a *frameworktest.App) { r.Use(a.Handler, middleware.Compress(5)) },
		"around": func(r chi.Router, a *frameworktest.App) { r.Use(middleware.Compress(5), a.Handler) },
	} {
		t.Run(name, func(t *testing.T) {
			frameworktest.Run(t, func(t *testing.T, a *frameworktest.App) string {
				r := chi.NewRouter()
				r.Use(middleware.RequestLogger(chiLog{a: a}), middleware.Recoverer)
				use(r, a)
				for route, h := range netHTTPRoutes(a) {
					r.Handle(route, h)
				}
				return frameworktest.Serve(t, r)
			})
		})
	}
}

// chiLog is chi's logger.
type chiLog struct {
	a    *frameworktest.App
	path string
}

func (l chiLog) NewLogEntry(r *http.Request) middleware.LogEntry { return chiLog{l.a, r.URL.Path} }
func (l chiLog) Panic(any, []byte)                               {}
func (l chiLog) Write(status, _ int, _ http.Header, _ time.Duration, _ any) {
	if status == 0 { // nothing was written
		status = http.StatusOK
	}
	l.a.Logged(l.path, status)
}

// with returns a handler that loads the session.
func with(fn func(http.ResponseWriter, *http.Request, *session.Session)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, "no session", session.StatusCode(err))
			return
		}
		fn(w, r, s)
	})
}

// netHTTPRoutes returns the routes of frameworktest.
func netHTTPRoutes(a *frameworktest.App) map[string]http.Handler {
	add := with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { io.WriteString(w, a.Add(s)) })
	show := with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { io.WriteString(w, a.Show(s)) })
	return map[string]http.Handler{
		"GET /none":        http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "none") }),
		"GET /show":        show,
		"POST /add":        add,
		"POST /nested/add": a.Handler(add),
		"GET /poll":        a.Passive(show),
		"POST /careless": with(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			a.Careless(s)
			w.Header().Set("Page", "yes")
			http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
		}),
		"POST /empty": with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			a.Add(s)
			w.WriteHeader(http.StatusNoContent)
		}),
		"GET /file": with(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			a.Add(s)
			http.ServeFile(w, r, a.File)
		}),
		"GET /events": with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			a.Add(s)
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			a.Wait()
			io.WriteString(w, "data: 2\n\n")
		}),
		"POST /login": with(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			token, err := a.Login(r.Context(), s)
			if err != nil {
				http.Error(w, "not signed in", session.StatusCode(err))
				return
			}
			io.WriteString(w, token)
		}),
		"POST /logout": with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.Destroy()
			io.WriteString(w, "bye")
		}),
		"POST /fail": with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			a.Spoil(s)
			http.Error(w, "boom", http.StatusInternalServerError)
		}),
		"POST /reject": with(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			a.Add(s)
			http.Error(w, "no", http.StatusUnprocessableEntity)
		}),
		"POST /panic": with(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			a.Spoil(s)
			panic("boom")
		}),
		"POST /save-panic": with(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			a.Add(s)
			if s.Save(r.Context()) == nil {
				panic("boom")
			}
		}),
		"POST /save": with(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			a.Careless(s)
			if err := s.Save(r.Context()); err != nil {
				http.Error(w, "not saved", session.StatusCode(err))
				return
			}
			io.WriteString(w, "saved")
		}),
		"GET /safe": a.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			w.Header().Add("Run", "yes")
			io.WriteString(w, a.Careless(s))
		}),
		"POST /replayed": a.Replay(with(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			w.Header().Add("Run", "yes")
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, "no body", http.StatusBadRequest)
				return
			}
			io.WriteString(w, a.Careless(s)+string(body))
		})),
	}
}
