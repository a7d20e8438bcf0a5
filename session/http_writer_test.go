package session_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestHTTPFirstSetAfterFlushIsLostAndLogged(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			http.NewResponseController(w).Flush()
			httpName.Set(s, "late")
			io.WriteString(w, "page")
		})
		v := site.visitor(t)
		httpPage(t, v.get("/"), 200, "page", 0)
		if n := site.store.Saves.Load(); n != 0 {
			t.Errorf("%d saves of a session whose cookie cannot be sent", n)
		}
		if site.log.count(slog.LevelWarn) == 0 {
			t.Error("the loss is not logged")
		}
		v.expect("new=true count=0 name=")
	})
}

func TestHTTPSetAfterFlushIsCommittedAtReturn(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			http.NewResponseController(w).Flush()
			httpName.Set(s, "late")
			io.WriteString(w, "page")
		})
		v := site.begun(t)
		httpPage(t, v.get("/"), 200, "page", 0)
		v.expect("new=false count=0 name=late")
	})
}

// httpTelling is a router's ResponseWriter that reports whether it has sent the header.
type httpTelling struct {
	http.ResponseWriter
	written bool
}

func (w *httpTelling) Written() bool { return w.written }

func (w *httpTelling) Write(p []byte) (int, error) {
	w.written = true
	return w.ResponseWriter.Write(p)
}

// A handler that answers through the ResponseWriter of outer middleware has sent the
// header. Then a new session is dropped, since no cookie would lead to it, and that is
// logged once. Changes of an existing session are saved.
func TestHTTPAnswerByTheWriterAround(t *testing.T) {
	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		var around *httpTelling
		site := serve(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			httpName.Set(s, "past")
			if r.URL.Path != "/silent" {
				io.WriteString(around, "page")
			}
		})
		inner := site.srv.Config.Handler
		site.srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			around = &httpTelling{ResponseWriter: w}
			inner.ServeHTTP(around, r)
		})
		stranger := site.visitor(t)
		for range 2 {
			httpPage(t, stranger.get("/"), 200, "page", 0)
		}
		if n := site.store.Saves.Load(); n != 0 {
			t.Errorf("%d saves of a session that no cookie leads to", n)
		}
		if n := site.log.countText("another ResponseWriter"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
		httpPage(t, stranger.get("/silent"), 200, "", 1) // a handler that has not written yet
		v := site.begun(t)
		httpPage(t, v.get("/"), 200, "page", 0)
		v.expect("new=false count=0 name=past")
	})
}

func TestHTTPEarlyHintsCommitNothing(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			httpCount.Set(s, 1)
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			httpName.Set(s, "after 103")
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, "made")
		})
		v := site.visitor(t)
		a := v.get("/")
		httpPage(t, a, 201, "made", 1)
		if len(a.early) != 1 || a.early[0].status != 103 {
			t.Fatalf("1xx answers: %v; want one 103", a.early)
		}
		if h := a.early[0].header; h.Get("Link") == "" || h.Get("Set-Cookie") != "" {
			t.Errorf("103 with %v; want the Link and no cookie", h)
		}
		if n := site.store.Saves.Load(); n != 1 {
			t.Errorf("%d saves, want 1", n)
		}
		v.expect("new=false count=1 name=after 103")
	})
}

func TestHTTPInformationalPassesThrough(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		codes := []int{102, 103, 104, 199}
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			for _, code := range codes {
				w.WriteHeader(code)
			}
			httpName.Set(s, "after 199")
		})
		v := site.visitor(t)
		a := v.get("/")
		httpPage(t, a, 200, "", 1)
		var got []int
		for _, e := range a.early {
			got = append(got, e.status)
		}
		if fmt.Sprint(got) != fmt.Sprint(codes) {
			t.Errorf("1xx answers %v, want %v", got, codes)
		}
		v.expect("new=false count=0 name=after 199")
	})
}

// An empty io.Copy commits but sends no header: a later first Set can still set the
// cookie.
func TestHTTPSetAfterEmptyCopyStillGetsItsCookie(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			if n, err := io.Copy(w, httpOnlyReader{strings.NewReader("")}); n != 0 || err != nil {
				t.Errorf("empty copy: %d, %v", n, err)
			}
			httpName.Set(s, "copied")
			io.WriteString(w, "page")
		})
		v := site.visitor(t)
		httpPage(t, v.get("/"), 200, "page", 1)
		v.expect("new=false count=0 name=copied")
	})
}

func TestHTTPEventStreamWhileTheHandlerRuns(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		seen := make(chan struct{}) // closed by the client
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			httpCount.Set(s, 1)
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				w.(http.Flusher).Flush()
				select {
				case <-seen:
				case <-r.Context().Done():
					t.Error("the client did not see the event")
					return
				}
			}
			httpName.Set(s, "streamed")
		})
		v := site.begun(t)
		saves := site.store.Saves.Load()
		req, _ := http.NewRequest("GET", site.srv.URL, nil)
		res, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body := bufio.NewReader(res.Body)
		for i := range 3 {
			event, err := body.ReadString('\n')
			if want := fmt.Sprintf("data: %d\n", i); event != want {
				t.Fatalf("event %q, %v; want %q", event, err, want)
			}
			body.ReadString('\n')
			if n := site.store.Saves.Load() - saves; n != 1 {
				t.Errorf("%d saves at event %d, want the one before the first event", n, i)
			}
			if i == 0 {
				v.expect("new=false count=1 name=begun")
			}
			seen <- struct{}{}
		}
		if rest, err := io.ReadAll(body); len(rest) != 0 || err != nil {
			t.Errorf("after the events: %q, %v", rest, err)
		}
		<-site.done
		v.expect("new=false count=1 name=streamed")
	})
}

func TestHTTPResponseControllerWorksThrough(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			rc := http.NewResponseController(w)
			for name, err := range map[string]error{
				"SetReadDeadline":  rc.SetReadDeadline(time.Now().Add(time.Hour)),
				"SetWriteDeadline": rc.SetWriteDeadline(time.Now().Add(time.Hour)),
				"EnableFullDuplex": rc.EnableFullDuplex(),
				"Flush":            rc.Flush(),
			} {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			rc.SetReadDeadline(time.Unix(1, 0))
			if _, err := io.ReadAll(r.Body); err == nil {
				t.Error("a body is read past its deadline")
			}
			io.WriteString(w, "page")
		})
		body, _ := httpStream(t) // never ends by itself
		a, err := site.visitor(t).do("POST", "/", body)
		if err != nil {
			t.Fatal(err)
		}
		if a.status != 200 {
			t.Errorf("answer %v", a)
		}
	})
}

func TestHTTPWriteDeadlineCutsTheAnswer(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			httpName.Set(s, "cut")
			io.WriteString(w, "page")
			http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		})
		v := site.begun(t)
		if a, err := v.do("POST", "/", nil); err == nil && a.err == nil {
			t.Errorf("answer %v past its deadline", a)
		}
		<-site.done
		v.expect("new=false count=0 name=cut")
	})
}

func TestHTTPFullDuplex(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			rc := http.NewResponseController(w)
			rc.EnableFullDuplex()
			httpName.Set(s, "talked")
			rc.Flush()
			lines := bufio.NewScanner(r.Body)
			for lines.Scan() {
				fmt.Fprintf(w, "heard %s\n", lines.Text())
				rc.Flush()
			}
		})
		v := site.visitor(t)
		body, say := httpStream(t)
		defer say.Close()
		req, _ := http.NewRequest("POST", site.srv.URL, body)
		res, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answers := bufio.NewReader(res.Body)
		for i := range 3 {
			fmt.Fprintf(say, "%d\n", i)
			got, err := answers.ReadString('\n')
			if want := fmt.Sprintf("heard %d\n", i); got != want {
				t.Fatalf("%q, %v; want %q", got, err, want)
			}
		}
		say.Close()
		if rest, err := io.ReadAll(answers); len(rest) != 0 || err != nil {
			t.Errorf("after the talk: %q, %v", rest, err)
		}
		v.expect("new=false count=0 name=talked")
	})
}

func TestHTTPTrailers(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			httpName.Set(s, "trailed")
			w.Header().Set("Trailer", "X-Announced")
			io.WriteString(w, "page")
			w.Header().Set("X-Announced", "1")
			w.Header().Set(http.TrailerPrefix+"X-Unannounced", "2")
			http.NewResponseController(w).Flush()
		})
		v := site.visitor(t)
		a := v.get("/")
		httpPage(t, a, 200, "page", 1)
		if a.trailer.Get("X-Announced") != "1" || a.trailer.Get("X-Unannounced") != "2" {
			t.Errorf("trailers %v", a.trailer)
		}
		v.expect("new=false count=0 name=trailed")
	})
}

func TestHTTPAnswersWithoutBodyCommit(t *testing.T) {
	cases := []struct {
		rule, method string
		leaf         http.HandlerFunc
		status       int
		length       string
	}{
		{
			"HEAD", "HEAD",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "4")
				io.WriteString(w, "page")
			},
			200, "4",
		},
		{"304", "GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, 304, ""},
		{"204", "POST", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, ""},
		{"a handler that writes nothing", "POST", func(http.ResponseWriter, *http.Request) {}, 200, "0"},
		{"an empty Write", "POST", func(w http.ResponseWriter, _ *http.Request) { w.Write(nil) }, 200, "0"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					httpName.Set(s, c.rule)
					c.leaf(w, r)
				})
				v := site.visitor(t)
				a := v.must(c.method, "/", nil)
				httpPage(t, a, c.status, "", 1)
				if got := a.header.Get("Content-Length"); got != c.length {
					t.Errorf("Content-Length %q, want %q", got, c.length)
				}
				v.expect("new=false count=0 name=" + c.rule)
			})
		})
	}
}
