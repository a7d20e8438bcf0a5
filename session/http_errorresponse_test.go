package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpWatched records when the header is sent.
type httpWatched struct {
	http.ResponseWriter
	events *httpEvents
}

func (w httpWatched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w httpWatched) WriteHeader(code int) {
	w.events.add(strconv.Itoa(code))
	w.ResponseWriter.WriteHeader(code)
}

// httpEvents records events in their order.
type httpEvents struct {
	mu  sync.Mutex
	all []string
}

func (e *httpEvents) add(event string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

func (e *httpEvents) list() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// The answer to an error has the headers that outer middleware has set: CORS, without
// which a script cannot read the answer, or a Content-Security-Policy. See "Order of
// middleware" in the package documentation.
func TestHTTPErrorAnswersHaveTheHeadersThatWereSetOutside(t *testing.T) {
	setting := func(name string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, "set")
			next.ServeHTTP(w, r)
		})
	}
	for _, shape := range httpShapes {
		t.Run(shape.name, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			leaf := shape.wrap(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				w.Header().Set("X-Handler", "set")
				httpName.Set(s, "lost")
			})
			site := env.serve(t, httpProto1, setting("Access-Control-Allow-Origin", env.Handler(leaf)))
			v := site.begun(t)
			site.failSaves()
			a := v.get("/")
			httpUnavailable(t, a)
			if a.header.Get("Access-Control-Allow-Origin") == "" || a.header.Get("X-Handler") != "" {
				t.Errorf("header %v; want that from outside alone", a.header)
			}
		})
	}
	t.Run("but not what was set inside of Handler", func(t *testing.T) {
		env := httpNew(t, session.Config{})
		leaf := httpLoading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { httpName.Set(s, "lost") })
		site := env.serve(t, httpProto1, env.Handler(setting("Access-Control-Allow-Origin", leaf)))
		v := site.begun(t)
		site.failSaves()
		a := v.get("/")
		httpUnavailable(t, a)
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("header %v", a.header)
		}
	})
}

func TestHTTPHeaderOfAFailedAnswerIsTheOuterOne(t *testing.T) {
	for _, proto := range httpProtos {
		for _, shape := range httpShapes {
			t.Run(proto+" "+shape.name, func(t *testing.T) {
				t.Parallel()
				env := httpNew(t, session.Config{})
				inner := shape.wrap(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					httpName.Set(s, "lost")
					h := w.Header()
					for _, name := range []string{"Location", "Etag", "Content-Encoding", "Last-Modified", "Link"} {
						h.Set(name, "handler")
					}
					h.Set("Content-Length", "4")
					h.Set("Trailer", "X-Sum")
					h.Add("Vary", "X-Handler")
					h["X-Outer"][0] = "handler"
					h.Del("X-Gone")
					io.WriteString(w, "page")
				})
				site := env.serve(t, proto, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Vary", "Accept-Encoding")
					w.Header().Set("X-Outer", "outer")
					w.Header().Set("X-Gone", "outer")
					inner.ServeHTTP(w, r)
				}))
				v := site.begun(t)
				site.failSaves()
				a := v.get("/")
				httpUnavailable(t, a)
				for _, name := range []string{"Location", "Etag", "Content-Encoding", "Last-Modified", "Link", "Trailer"} {
					if got := a.header.Values(name); got != nil {
						t.Errorf("%s: %q of the failed answer", name, got)
					}
				}
				if vary := strings.Join(a.header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Encoding") ||
					strings.Contains(vary, "X-Handler") {
					t.Errorf("Vary: %q; want the outer one", vary)
				}
				if x, g := a.header.Get("X-Outer"), a.header.Get("X-Gone"); x != "outer" || g != "outer" {
					t.Errorf("X-Outer: %q, X-Gone: %q; want what the outer handler set", x, g)
				}
				if len(a.trailer) != 0 {
					t.Errorf("trailers %v", a.trailer)
				}
			})
		}
	}
}

func TestHTTPFailedCommitCancelsTheHandlersContext(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		t.Parallel()
		type key struct{}
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			httpName.Set(s, "lost")
			derived, cancel := context.WithCancel(context.WithValue(r.Context(), key{}, 1))
			defer cancel()
			if err := r.Context().Err(); err != nil {
				t.Errorf("before the commit: %v", err)
			}
			n, err := io.WriteString(w, "page")
			if n != 0 || !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Write: %d, %v; want the error of the commit", n, err)
			}
			for name, ctx := range map[string]context.Context{"own": r.Context(), "derived": derived} {
				<-ctx.Done()
				if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(context.Cause(ctx), session.ErrUnavailable) {
					t.Errorf("%s context: %v because of %v", name, ctx.Err(), context.Cause(ctx))
				}
			}
			if _, err := io.Copy(w, httpOnlyReader{strings.NewReader("page")}); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("ReadFrom: %v", err)
			}
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Flush: %v", err)
			}
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Hijack: %v", err)
			}
			w.Header().Set("Location", "/after")
			w.WriteHeader(http.StatusSeeOther)
		})
		v := site.begun(t)
		site.failSaves()
		httpUnavailable(t, v.must("POST", "/", nil))
	})
}

func TestHTTPErrorHandlerHasALiveContext(t *testing.T) {
	for _, shape := range httpShapes {
		t.Run(shape.name, func(t *testing.T) {
			env := httpNew(t, session.Config{
				ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
					if r.Context().Err() != nil {
						t.Errorf("context of ErrorHandler: %v", context.Cause(r.Context()))
					}
					http.Error(w, "sorry: "+r.URL.Path, 599)
				},
			})
			returned := false
			site := env.serve(t, httpProto1, shape.wrap(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				httpName.Set(s, "lost")
				io.WriteString(w, "page")
				returned = true
			}))
			v := site.begun(t)
			site.failSaves()
			a := v.must("POST", "/", nil)
			if a.status != 599 || a.body != "sorry: /\n" || !returned {
				t.Errorf("answer %v, handler returned: %t", a, returned)
			}
		})
	}
}

// A handler that has seen its Save fail may answer by itself, but only with an error.
func TestHTTPHandlerMayAnswerAFailedSaveAsAnErrorOnly(t *testing.T) {
	for status, want := range map[int]int{200: 503, 303: 503, 409: 409, 502: 502} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				t.Parallel()
				site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, "lost")
					if err := s.Save(r.Context()); !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("Save: %v", err)
					}
					w.Header().Set("Location", "/next")
					w.WriteHeader(status)
					io.WriteString(w, "own words")
				})
				v := site.begun(t)
				site.failSaves()
				a := v.must("POST", "/", nil)
				if a.status != want || (a.body == "own words") != (status == want) {
					t.Errorf("answer %v to %d; want %d", a, status, want)
				}
			})
		})
	}
}
