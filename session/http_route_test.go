package session_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestHTTPPatternAndPathValue(t *testing.T) {
	const pattern = "GET /item/{id}"
	for _, where := range []string{"outside", "inside"} {
		for _, shape := range httpShapes {
			t.Run("ServeMux "+where+" "+shape.name, func(t *testing.T) {
				env := httpNew(t, session.Config{})
				leaf := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, r.PathValue("id"))
					fmt.Fprint(w, r.Pattern, " ", r.PathValue("id"))
				}
				mux := http.NewServeMux()
				mux.Handle(pattern, shape.wrap(env.Manager, leaf))
				h := http.Handler(mux)
				if where == "inside" {
					h = env.Handler(mux)
				}
				var after string // the pattern that an outer logger reads
				site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					h.ServeHTTP(w, r)
					after = r.Pattern
				}))
				v := site.visitor(t)
				httpPage(t, v.get("/item/7"), 200, pattern+" 7", 1)
				<-site.done
				if after != pattern {
					t.Errorf("Pattern outside: %q, want %q", after, pattern)
				}
				v.expect("new=false count=0 name=7")
			})
		}
	}
}

// HandlerFunc returns an http.HandlerFunc, so that functions that take one accept it.
func TestHTTPServeMuxHandleFuncTakesHandlerFunc(t *testing.T) {
	env := httpNew(t, session.Config{})
	leaf := func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprint(w, httpCount.Update(s, func(n int) int { return n + 1 }))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", env.HandlerFunc(leaf))
	mux.HandleFunc("/inside", env.Handler(env.HandlerFunc(leaf)).ServeHTTP)
	v := env.serve(t, httpProto1, mux).visitor(t)
	httpPage(t, v.get("/"), 200, "1", 1)
	httpPage(t, v.get("/inside"), 200, "2", 0)
}

func TestHTTPNestedManagersKeepApart(t *testing.T) {
	for _, proto := range httpProtos {
		t.Run(proto, func(t *testing.T) {
			outer := httpNew(t, session.Config{})
			inner := httpNew(t, session.Config{Cookie: session.Cookie{Name: "inner"}})
			load := func(who string, s *session.Session, err error) *session.Session {
				if err != nil {
					t.Errorf("%s: %v", who, err)
				}
				return s
			}
			bump := func(n int) int { return n + 1 }
			site := outer.serve(t, proto, outer.Handler(inner.Handler(http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) {
					s, err := session.Load(r.Context())
					a := load("innermost", s, err)
					s, err = inner.Load(r.Context())
					b := load("inner", s, err)
					s, err = outer.Load(r.Context())
					c := load("outer", s, err)
					if a != b || b == c {
						t.Error("Load is not the innermost Manager's")
						return
					}
					fmt.Fprint(w, httpCount.Update(b, bump), " ", httpCount.Update(c, func(n int) int { return n + 10 }))
				}))))
			v := site.visitor(t)
			a := v.get("/")
			httpPage(t, a, 200, "1 10", 2)
			httpPage(t, v.get("/"), 200, "2 20", 0)
			v.expect("new=false count=20 name=")
			if n := inner.store.Saves.Load(); n != 2 {
				t.Errorf("%d saves of the inner session, want 2", n)
			}
		})
	}
}

func TestHTTPNestedManagersOfWhichOneFails(t *testing.T) {
	for _, fails := range []string{"outer", "inner"} {
		t.Run(fails, func(t *testing.T) {
			outer := httpNew(t, session.Config{})
			inner := httpNew(t, session.Config{Cookie: session.Cookie{Name: "inner"}})
			site := outer.serve(t, httpProto1, outer.Handler(inner.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, "inner")
					s, err := outer.Load(r.Context())
					if err != nil {
						t.Error(err)
						return
					}
					httpName.Set(s, "outer")
					fmt.Fprint(w, "page")
				})))
			v := site.begun(t)
			map[string]*httpEnv{"outer": outer, "inner": inner}[fails].failSaves()
			httpUnavailable(t, v.must("POST", "/", nil))
			v.expect(httpUnchanged)
		})
	}
}

func TestHTTPLoadOutsideNamesTheFix(t *testing.T) {
	env, other := httpNew(t, session.Config{}), httpNew(t, session.Config{})
	site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, err := session.Load(r.Context()); s != nil || err == nil {
			t.Errorf("Load: %v, %v", s, err)
		}
		other.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if s, err := env.Load(r.Context()); s != nil || err == nil {
				t.Errorf("Load of a Manager whose Handler is not there: %v, %v", s, err)
			}
		})).ServeHTTP(w, r)
	}))
	site.visitor(t).get("/")
}

// However often a request meets its Manager, it has one Session and one commit.
func TestHTTPSameManagerInsideAddsNoSecondCommit(t *testing.T) {
	insides := map[string]func(*session.Manager, httpLeaf) http.Handler{
		"HandlerFunc":            httpWithHandlerFunc,
		"Handler":                httpWithHandler,
		"Replay":                 func(m *session.Manager, leaf httpLeaf) http.Handler { return m.Replay(httpLoading(leaf)) },
		"HandlerFunc in Handler": func(m *session.Manager, leaf httpLeaf) http.Handler { return m.Handler(m.HandlerFunc(leaf)) },
	}
	for name, inside := range insides {
		t.Run(name, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			var outer *session.Session
			inner := inside(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				if s != outer {
					t.Error("another Session")
				}
				httpName.Set(s, "inside")
				fmt.Fprint(w, "page")
			})
			site := env.serve(t, httpProto1, httpWithHandler(env.Manager,
				func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					outer = s
					httpCount.Set(s, 7)
					inner.ServeHTTP(w, r)
				}))
			v := site.begun(t)
			fetches, saves := site.store.Fetches.Load(), site.store.Saves.Load()
			httpPage(t, v.get("/"), 200, "page", 0)
			fetches, saves = site.store.Fetches.Load()-fetches, site.store.Saves.Load()-saves
			if fetches != 1 || saves != 1 {
				t.Errorf("%d fetches and %d saves, want one each", fetches, saves)
			}
			v.expect("new=false count=7 name=inside")
		})
	}
}

// The costs of the table in docs/costs.md, in every shape.
func TestHTTPCosts(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		leaf := map[string]func(*session.Session){
			"/read":  func(s *session.Session) { httpCount.Get(s) },
			"/same":  func(s *session.Session) { httpCount.Set(s, 0); httpName.Set(s, "begun") },
			"/set":   func(s *session.Session) { httpName.Set(s, "changed") },
			"/renew": func(s *session.Session) { s.Renew() },
		}
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			leaf[r.URL.Path](s)
			fmt.Fprint(w, "page")
		})
		stored := site.begun(t)
		for _, c := range []struct {
			who            string
			v              *httpVisitor
			path           string
			fetches, saves int64
			cookies        int
		}{
			{"anonymous", site.visitor(t), "/read", 0, 0, 0},
			{"first change", site.visitor(t), "/set", 0, 1, 1},
			{"stored", stored, "/read", 1, 0, 0},
			{"stored", stored, "/same", 1, 0, 0},
			{"stored", stored, "/set", 1, 1, 0},
			{"stored", stored, "/renew", 1, 2, 1},
		} {
			fetches, saves := site.store.Fetches.Load(), site.store.Saves.Load()
			httpPage(t, c.v.get(c.path), 200, "page", c.cookies)
			<-site.done
			fetches, saves = site.store.Fetches.Load()-fetches, site.store.Saves.Load()-saves
			if n := site.log.count(slog.LevelInfo); n != 0 {
				t.Fatalf("%s, %s: %d log records where all is well", c.who, c.path, n)
			}
			if fetches != c.fetches || saves != c.saves {
				t.Errorf("%s, %s: %d fetches and %d saves; want %d and %d", c.who, c.path, fetches, saves, c.fetches, c.saves)
			}
		}
	})
}
