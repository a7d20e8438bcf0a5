package session_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// HandlerFunc replays safe requests that have no body. An HTTP/2 request has a Body in
// any case.
func TestHTTPSafeRequestsAreReplayed(t *testing.T) {
	for _, proto := range httpProtos {
		for _, shape := range httpShapes {
			for _, c := range []struct {
				method, body string
				replayed     bool
			}{
				{"GET", "", httpReplays(shape.name, "GET")},
				{"HEAD", "", httpReplays(shape.name, "HEAD")},
				{"OPTIONS", "", httpReplays(shape.name, "OPTIONS")},
				{"POST", "", httpReplays(shape.name, "POST")},
				{"PUT", "body", httpReplays(shape.name, "PUT")},
				{"GET", "body", httpReplays(shape.name, "POST")},
			} {
				t.Run(strings.TrimSpace(fmt.Sprint(proto, " ", shape.name, " ", c.method, " ", c.body)), func(t *testing.T) {
					env := httpNew(t, session.Config{})
					runs := 0
					site := env.serve(t, proto, shape.wrap(env.Manager,
						func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
							runs++
							httpBump(s)
							w.WriteHeader(http.StatusNoContent)
						}))
					v := site.begun(t)
					v.rivalOnce()
					var body io.Reader
					if c.body != "" {
						body = strings.NewReader(c.body)
					}
					a := v.must(c.method, "/", body)
					status, want := 409, 1
					if c.replayed {
						status, want = 204, 2
					}
					if a.status != status || runs != want {
						t.Errorf("answer %v after %d runs; want %d after %d", a, runs, status, want)
					}
				})
			}
		}
	}
}

func TestHTTPEachRunGetsARequestOfItsOwn(t *testing.T) {
	runs := 0
	env := httpNew(t, session.Config{})
	mux := http.NewServeMux()
	mux.Handle("POST /item/{id}", env.Replay(httpLoading(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		runs++
		httpBump(s)
		if r.URL.Path != "/item/7" || r.PathValue("id") != "7" || r.Pattern != "POST /item/{id}" ||
			r.Header.Get("X-Own") != "client" || r.Form != nil || w.Header().Get("X-Run") != "" {
			t.Errorf("run %d sees what the one before has changed: %v %v", runs, r, w.Header())
		}
		if got := r.FormValue("color"); got != "red" {
			t.Errorf("run %d: form value %q", runs, got)
		}
		r.URL.Path = "/changed"
		r.Header.Set("X-Own", "changed")
		r.SetPathValue("id", "changed")
		w.Header().Set("X-Run", fmt.Sprint(runs))
		io.WriteString(w, "page")
	})))
	site := env.serve(t, httpProto1, env.Handler(mux))
	v := site.begun(t)
	v.rivalOnce()
	req, _ := http.NewRequest("POST", site.srv.URL+"/item/7", strings.NewReader("color=red"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Own", "client")
	a, err := v.send(req)
	if err != nil {
		t.Fatal(err)
	}
	httpPage(t, a, 200, "page", 0)
	if got := a.header.Values("X-Run"); len(got) != 1 || got[0] != "2" {
		t.Errorf("X-Run: %v; want the last run's alone", got)
	}
	v.expect("new=false count=101 name=begun")
}

// A run that ends with http.ErrAbortHandler because its commit failed is discarded; after
// any other panic the handler does not run again.
func TestHTTPReplayOfAPanickingRun(t *testing.T) {
	for _, c := range []struct {
		rule  string
		value any
		runs  int
	}{
		{"ErrAbortHandler after a failed commit is swallowed", http.ErrAbortHandler, 2},
		{"any other panic propagates", "boom", 1},
	} {
		t.Run(c.rule, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			runs := 0
			inner := httpWithReplay(env.Manager, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				runs++
				httpBump(s)
				if _, err := io.WriteString(w, "page"); err != nil {
					panic(c.value)
				}
			})
			var recovered any
			site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if recovered = recover(); recovered != nil {
						panic(http.ErrAbortHandler)
					}
				}()
				inner.ServeHTTP(w, r)
			}))
			v := site.begun(t)
			v.rivalOnce()
			a, err := v.do("POST", "/", nil)
			<-site.done
			if runs != c.runs {
				t.Errorf("%d runs, want %d", runs, c.runs)
			}
			if c.runs == 2 {
				if err != nil {
					t.Fatal(err)
				}
				httpPage(t, a, 200, "page", 0)
				v.expect("new=false count=101 name=begun")
				return
			}
			if recovered != c.value || err == nil && a.err == nil {
				t.Errorf("answer %v, recovered %v", a, recovered)
			}
			v.expect("new=false count=100 name=begun")
		})
	}
}
