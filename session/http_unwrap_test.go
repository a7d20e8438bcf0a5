package session_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpOutermost keeps the writer that the server has passed to the handler.
type httpOutermost struct{ w http.ResponseWriter }

func (o *httpOutermost) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.w = w
		next.ServeHTTP(w, r)
	})
}

func TestHTTPUnwrapCommitsAndReturnsTheServersWriter(t *testing.T) {
	for _, shape := range httpShapes {
		for _, proto := range httpProtos {
			t.Run(proto+" "+shape.name, func(t *testing.T) {
				env := httpNew(t, session.Config{})
				var outermost httpOutermost
				site := env.serve(t, proto, outermost.around(shape.wrap(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					httpName.Set(s, "unwrapped")
					below, err := session.Unwrap(w)
					if err != nil || below != outermost.w {
						t.Errorf("Unwrap: %T, %v; want the server's %T", below, err, outermost.w)
						return
					}
					if env.store.Saves.Load() == 0 {
						t.Error("Unwrap has not committed")
					}
					below.WriteHeader(201)
					io.WriteString(below, "from below")
					httpCount.Set(s, 7) // committed after the handler has returned
				})))
				v := site.visitor(t)
				httpPage(t, v.get("/"), 201, "from below", 1)
				v.expect("new=false count=7 name=unwrapped")
			})
		}
	}
}

func TestHTTPUnwrapAfterAFailedCommit(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			httpName.Set(s, "lost")
			if below, err := session.Unwrap(w); below != nil || !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Unwrap: %v, %v; want ErrUnavailable alone", below, err)
			}
		})
		v := site.begun(t)
		site.failSaves()
		httpUnavailable(t, v.get("/"))
		site.onSave(nil)
		v.expect(httpUnchanged)
	})
}

// A handler that has met a conflict in Unwrap runs again where that is allowed.
func TestHTTPUnwrapThatMeetsAConflict(t *testing.T) {
	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		var v *httpVisitor
		runs := 0
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			n, _ := httpCount.Get(s)
			if runs++; runs == 1 {
				v.get("/session/rival")
			}
			httpCount.Set(s, n+1)
			below, err := session.Unwrap(w)
			if err != nil {
				return
			}
			io.WriteString(below, "page")
		})
		v = site.begun(t)
		a := v.get("/")
		if replays := runs == 2; replays && (a.status != 200 || a.body != "page") || !replays && a.status != 409 {
			t.Errorf("%d %q after %d runs", a.status, a.body, runs)
		}
	})
}

// After Unwrap the Manager cannot know whether the header was sent. So it assumes that it
// was.
func TestHTTPUnwrapThenANewSessionIsLostAndLogged(t *testing.T) {
	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			below, err := session.Unwrap(w)
			if err != nil {
				t.Error(err)
				return
			}
			httpName.Set(s, "late")
			io.WriteString(below, "page")
		})
		httpPage(t, site.visitor(t).get("/"), 200, "page", 0)
		if site.store.Saves.Load() != 0 || site.log.count(slog.LevelWarn) == 0 {
			t.Errorf("%d saves, %d log lines; want none and one", site.store.Saves.Load(), site.log.count(slog.LevelWarn))
		}
	})
}
