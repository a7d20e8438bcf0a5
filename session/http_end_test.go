package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestHTTPServerErrorCommitsNothing(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if r.URL.Path == "/save" {
				httpCount.Set(s, 1)
				if err := s.Save(r.Context()); err != nil {
					t.Errorf("Save: %v", err)
				}
			}
			httpName.Set(s, "half done")
			http.Error(w, "sorry", 500)
		})
		v := site.begun(t)
		logged := site.log.count(slog.LevelInfo)
		httpPage(t, v.must("POST", "/", nil), 500, "sorry\n", 0)
		v.expect(httpUnchanged)
		if site.log.count(slog.LevelInfo) == logged {
			t.Error("the dropped changes are not logged")
		}
		httpPage(t, v.must("POST", "/save", nil), 500, "sorry\n", 0)
		v.expect("new=false count=1 name=begun")

		v = site.visitor(t)
		httpPage(t, v.must("POST", "/", nil), 500, "sorry\n", 0)
		httpPage(t, v.must("POST", "/save", nil), 500, "sorry\n", 1)
		v.expect("new=false count=1 name=")
	})
}

func TestHTTPPanicCommitsNothingAndPropagates(t *testing.T) {
	for name, value := range map[string]any{"a string": "boom", "http.ErrAbortHandler": http.ErrAbortHandler} {
		for _, proto := range httpProtos {
			for _, shape := range httpShapes {
				t.Run(name+" "+proto+" "+shape.name, func(t *testing.T) {
					env := httpNew(t, session.Config{})
					inner := shape.wrap(env.Manager, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
						switch r.URL.Path {
						case "/save":
							httpCount.Set(s, 1)
							if err := s.Save(r.Context()); err != nil {
								t.Errorf("Save: %v", err)
							}
						case "/flush":
							httpCount.Set(s, 2)
							http.NewResponseController(w).Flush()
						}
						httpName.Set(s, "half done")
						panic(value)
					})
					var recovered []any
					site := env.serve(t, proto, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() {
							recovered = append(recovered, recover())
							panic(http.ErrAbortHandler)
						}()
						inner.ServeHTTP(w, r)
					}))
					v := site.begun(t)
					for path, want := range map[string]string{
						"/":      httpUnchanged,
						"/save":  "new=false count=1 name=begun",
						"/flush": "new=false count=2 name=begun",
					} {
						v.must("GET", "/session/begin", nil)
						recovered = nil
						if a, err := v.do("POST", path, nil); err == nil && a.err == nil {
							t.Errorf("%s: answer %v to a panic", path, a)
						}
						<-site.done
						if len(recovered) != 1 || recovered[0] != value {
							t.Errorf("%s: recovered %v, want %v", path, recovered, value)
						}
						v.expect(want)
					}
				})
			}
		}
	}
}

// httpTime is the context of a request that ends when the test says so. With a real
// timeout a slow machine might not even have loaded the session by then.
type httpTime struct {
	context.Context
	up chan struct{}
}

func (c httpTime) Done() <-chan struct{} { return c.up }

func (c httpTime) Err() error {
	select {
	case <-c.up:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// httpTimeoutHandler is an http.TimeoutHandler whose time is over when up is closed.
func httpTimeoutHandler(h http.Handler, up chan struct{}) http.Handler {
	timed := http.TimeoutHandler(h, time.Hour, "timeout")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timed.ServeHTTP(w, r.WithContext(httpTime{r.Context(), up}))
	})
}

func TestHTTPTimeoutHandlerInsideCommitsNothing(t *testing.T) {
	leaves := map[string]func(*session.Manager, httpLeaf) http.Handler{
		"a plain leaf": func(_ *session.Manager, leaf httpLeaf) http.Handler { return httpLoading(leaf) },
		"HandlerFunc":  httpWithHandlerFunc,
		"Replay":       func(m *session.Manager, leaf httpLeaf) http.Handler { return m.Replay(httpLoading(leaf)) },
	}
	for _, proto := range httpProtos {
		for name, inside := range leaves {
			t.Run(proto+" "+name, func(t *testing.T) {
				env := httpNew(t, session.Config{})
				up, answered, late := make(chan struct{}), make(chan struct{}), make(chan struct{})
				leaf := inside(env.Manager, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, "in time")
					close(up)
					<-r.Context().Done()
					<-answered
					httpName.Set(s, "too late")
					httpCount.Update(s, func(n int) int { return n + 1 })
					io.WriteString(w, "page")
					if name, _ := httpName.Get(s); name == "too late" {
						t.Error("a write after the request took effect")
					}
				})
				site := env.serve(t, proto, env.Handler(httpTimeoutHandler(
					http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer close(late)
						leaf.ServeHTTP(w, r)
					}), up)))
				v := site.begun(t)
				saves := site.store.Saves.Load()
				httpPage(t, v.get("/"), 503, "timeout", 0)
				<-site.done
				logged := site.log.count(slog.LevelError)
				close(answered)
				<-late
				if site.log.count(slog.LevelError) == logged {
					t.Error("the late writes are not logged")
				}
				v.expect(httpUnchanged)
				if n := site.store.Saves.Load() - saves; n != 0 {
					t.Errorf("%d saves", n)
				}
			})
		}
	}
}

// The outer handler answers 503, and the commit may still be saved. The documentation
// says so.
func TestHTTPTimeoutHandlerOutsideAnswersThoughTheCommitLands(t *testing.T) {
	for _, shape := range httpShapes {
		t.Run(shape.name, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			up, answered, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
			inner := shape.wrap(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				httpName.Set(s, "landed")
				io.WriteString(w, "page")
			})
			site := env.serve(t, httpProto1, httpTimeoutHandler(
				http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(over)
					inner.ServeHTTP(w, r)
				}), up))
			v := site.begun(t)
			site.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				close(up)
				<-answered
				return next(ctx, rec, expect)
			})
			httpPage(t, v.must("POST", "/", nil), 503, "timeout", 0)
			close(answered)
			<-over
			v.expect("new=false count=0 name=landed")
		})
	}
}

func TestHTTPClientHangingUpLosesNoChange(t *testing.T) {
	for _, after := range []string{"write", "nothing", "slow save"} {
		t.Run("then "+after, func(t *testing.T) {
			httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				ctx, hangUp := context.WithCancel(t.Context())
				defer hangUp()
				gone := make(chan struct{})
				site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, "kept")
					context.AfterFunc(r.Context(), func() { close(gone) })
					if after == "slow save" {
						return
					}
					hangUp()
					<-gone
					if after == "write" {
						io.WriteString(w, "page")
					}
				})
				v := site.begun(t)
				if after == "slow save" {
					site.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
						hangUp()
						<-gone
						if err := ctx.Err(); err != nil {
							t.Errorf("the commit's context: %v", err)
						}
						return next(ctx, rec, expect)
					})
				}
				req, _ := http.NewRequestWithContext(ctx, "POST", site.srv.URL, nil)
				if a, err := v.send(req); err == nil {
					t.Errorf("answer %v to a client that has hung up", a)
				}
				<-site.done
				site.onSave(nil)
				v.expect("new=false count=0 name=kept")
			})
		})
	}
}
