package session_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// httpTempting are the answers that must not go out when their commit failed.
var httpTempting = []struct {
	kind string
	leaf http.HandlerFunc
}{
	{"page", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }},
	{"nothing", func(http.ResponseWriter, *http.Request) {}},
	{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/next", http.StatusSeeOther) }},
	{"other cookie", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "welcome", Value: "back"})
		io.WriteString(w, "page")
	}},
	{"copied page", func(w http.ResponseWriter, _ *http.Request) {
		io.Copy(w, httpOnlyReader{strings.NewReader("page")})
	}},
	{"flushed page", func(w http.ResponseWriter, _ *http.Request) {
		http.NewResponseController(w).Flush()
		io.WriteString(w, "page")
	}},
	{"hijacked page", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
		conn.Close()
	}},
	{"hint and page", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "page")
		w.Header().Set("Set-Cookie", "early=hint")
		w.WriteHeader(http.StatusEarlyHints)
	}},
}

func TestHTTPFailedSaveIsNeverFollowedByThePage(t *testing.T) {
	for _, c := range httpTempting {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, "lost")
					c.leaf(w, r)
				})
				for rule, v := range map[string]*httpVisitor{"new": site.visitor(t), "stored": site.begun(t)} {
					site.failSaves()
					a := v.must("POST", "/", nil)
					site.onSave(nil)
					httpUnavailable(t, a)
					if rule == "stored" {
						v.expect(httpUnchanged)
					}
				}
			})
		})
	}
}

func TestHTTPFailedFetchIsNeverFollowedByThePage(t *testing.T) {
	for _, c := range httpTempting {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				site := serve(func(w http.ResponseWriter, r *http.Request, _ *session.Session) { c.leaf(w, r) })
				v := site.begun(t)
				site.failFetches()
				a := v.get("/")
				site.onFetch(nil)
				httpUnavailable(t, a)
				v.expect(httpUnchanged)
			})
		})
	}
}

// What middleware outside has set is in the answer to an error as well: CORS, without
// which a script cannot read the answer, or a Content-Security-Policy. The doc's
// "Order of middleware" says so.
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

func TestHTTPDeadStoreDoesNotHurtWhoDoesNotLoad(t *testing.T) {
	for _, proto := range httpProtos {
		t.Run(proto, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			site := env.serve(t, proto, env.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "public")
				io.WriteString(w, "page")
			})))
			v := site.begun(t)
			site.failFetches()
			site.failSaves()
			trips := site.store.Trips()
			a := v.get("/")
			httpPage(t, a, 200, "page", 0)
			if a.header.Get("Vary") != "" || a.header.Get("Cache-Control") != "public" {
				t.Errorf("headers %v of an answer without session", a.header)
			}
			if n := site.store.Trips() - trips; n != 0 {
				t.Errorf("%d trips", n)
			}
		})
	}
}

func TestHTTPRedirectWaitsForTheSave(t *testing.T) {
	for _, shape := range httpShapes {
		t.Run(shape.name, func(t *testing.T) {
			var events httpEvents
			env := httpNew(t, session.Config{})
			inner := shape.wrap(env.Manager, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				httpName.Set(s, "saved")
				http.Redirect(w, r, "/session/peek", http.StatusSeeOther)
			})
			site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(httpWatched{w, &events}, r)
			}))
			site.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				events.add("save begins")
				defer events.add("save ends")
				return next(ctx, rec, expect)
			})
			v := site.visitor(t)
			v.client.CheckRedirect = nil
			if a, want := v.must("POST", "/", nil), "new=false count=0 name=saved"; a.body != want {
				t.Errorf("behind the redirect: %v; want %s", a, want)
			}
			if got := events.list(); !slices.Equal(got, []string{"save begins", "save ends", "303"}) {
				t.Errorf("order: %v", got)
			}
		})
	}
}

// httpWatched notes when the header goes out.
type httpWatched struct {
	http.ResponseWriter
	events *httpEvents
}

func (w httpWatched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w httpWatched) WriteHeader(code int) {
	w.events.add(strconv.Itoa(code))
	w.ResponseWriter.WriteHeader(code)
}

// httpEvents notes what happens in which order.
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

// A login that fails, at the new record or at the old one's tombstone, leaves
// the visitor who they were; so does a logout, which can be repeated.
func TestHTTPFailedRenewalOrLogoutKeepsTheCookie(t *testing.T) {
	for _, c := range []struct {
		rule  string
		does  func(*session.Session)
		saves int64 // that work
	}{
		{"renewal, no save works", (*session.Session).Renew, 0},
		{"renewal, only the first save works", (*session.Session).Renew, 1},
		{"logout", (*session.Session).Destroy, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				t.Parallel()
				site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					c.does(s)
					http.Redirect(w, r, "/next", http.StatusSeeOther)
				})
				v := site.begun(t)
				var saves atomic.Int64
				site.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
					if saves.Add(1) > c.saves {
						return errHTTPDown
					}
					return next(ctx, rec, expect)
				})
				httpUnavailable(t, v.must("POST", "/", nil))
				site.onSave(nil)
				v.expect(httpUnchanged)
			})
		})
	}
}

func TestHTTPConflictAfterTheHeaderIsLoggedOnly(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			io.WriteString(w, "page")
			http.NewResponseController(w).Flush()
			httpBump(s)
		})
		v := site.begun(t)
		v.rivalOnce()
		logged := site.log.count(slog.LevelWarn)
		httpPage(t, v.get("/"), 200, "page", 0)
		<-site.done
		if site.log.count(slog.LevelWarn) == logged {
			t.Error("the lost change is not logged")
		}
		v.expect("new=false count=100 name=begun")
	})
}

// A handler that has seen its Save fail may say so itself, but only as an error.
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
