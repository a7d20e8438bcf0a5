package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// httpTempting are the answers that must not be sent when their commit has failed.
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

// A login that fails, at the new record or at the old one's tombstone, leaves the
// visitor's session as it was; so does a logout, which can be repeated.
func TestHTTPFailedRenewalOrLogoutKeepsTheCookie(t *testing.T) {
	for _, c := range []struct {
		rule  string
		does  func(*session.Session)
		saves int64 // saves that succeed
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
