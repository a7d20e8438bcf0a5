package session_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpBackend is a server behind the proxy. Its /upgrade speaks the echo protocol; every
// other path is a page.
func httpBackend(t *testing.T) *httputil.ReverseProxy {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "echo")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("backend: %v", err)
				return
			}
			httpEcho(conn, rw)
			return
		}
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		http.SetCookie(w, &http.Cookie{Name: "backend", Value: "1"})
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("ETag", `"backend"`)
		io.WriteString(w, "backend page")
		w.Header().Set("X-Sum", "12")
	}))
	t.Cleanup(srv.Close)
	backend, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return httpProxyTo(backend)
}

func httpProxyTo(backend *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(backend) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

func TestHTTPReverseProxyAsHandler(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		proxy := httpBackend(t)
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			httpName.Set(s, "proxied")
			proxy.ServeHTTP(w, r)
		})
		v := site.visitor(t)
		a := v.get("/")
		httpPage(t, a, 200, "backend page", 2)
		if len(a.early) != 1 || a.early[0].header.Get("Set-Cookie") != "" {
			t.Errorf("1xx answers %v; want the backend's, without a cookie", a.early)
		}
		if a.trailer.Get("X-Sum") != "12" || a.header.Get("ETag") == "" {
			t.Errorf("trailer %v, header %v; want the backend's", a.trailer, a.header)
		}
		v.expect("new=false count=0 name=proxied")
	})
}

// After a failed Write ReverseProxy panics with http.ErrAbortHandler, which would cut the
// connection where the visitor should get the error.
func TestHTTPReverseProxyWithAFailingCommitIsNoAbort(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		t.Parallel()
		proxy := httpBackend(t)
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			httpName.Set(s, "lost")
			proxy.ServeHTTP(w, r)
		})
		v := site.begun(t)
		site.failSaves()
		a := v.must("POST", "/", nil)
		a.early = nil // the backend's hint came before the commit
		httpUnavailable(t, a)
		if a.header.Get("ETag") != "" || len(a.trailer) != 0 {
			t.Errorf("the backend's headers: %v, %v", a.header, a.trailer)
		}
	})
}

func TestHTTPReverseProxyWithAConflict(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		for _, shape := range httpShapes {
			t.Run(method+" "+shape.name, func(t *testing.T) {
				proxy, env := httpBackend(t), httpNew(t, session.Config{})
				site := env.serve(t, httpProto1, shape.wrap(env.Manager,
					func(w http.ResponseWriter, r *http.Request, s *session.Session) {
						n, _ := httpCount.Get(s)
						httpCount.Set(s, n+1)
						proxy.ServeHTTP(w, r)
					}))
				v := site.begun(t)
				v.rivalOnce()
				a := v.must(method, "/", nil)
				status := 409
				if httpReplays(shape.name, method) {
					status = 200
				}
				if a.status != status {
					t.Errorf("answer %v, want %d", a, status)
				}
				if status == 200 {
					httpPage(t, a, 200, "backend page", 1)
					v.expect("new=false count=101 name=begun")
				} else {
					v.expect("new=false count=100 name=begun")
				}
			})
		}
	}
}

func TestHTTPUpgradeThroughReverseProxy(t *testing.T) {
	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		proxy := httpBackend(t)
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			httpName.Set(s, "upgraded")
			proxy.ServeHTTP(w, r)
		})
		v := site.visitor(t)
		res := httpUpgrade(t, v)
		v.client.Jar.SetCookies(res.Request.URL, res.Cookies())
		<-site.done
		v.expect("new=false count=0 name=upgraded")
	})
}

func TestHTTPUpgradeThroughReverseProxyWithAFailingCommit(t *testing.T) {
	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		t.Parallel()
		proxy := httpBackend(t)
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			httpName.Set(s, "lost")
			proxy.ServeHTTP(w, r)
		})
		v := site.begun(t)
		site.failSaves()
		conn := v.raw("GET", "/", "Connection: Upgrade", "Upgrade: echo")
		if res := conn.response(t); res.StatusCode != 503 || len(res.Cookies()) != 0 || res.Header.Get("Upgrade") != "" {
			t.Errorf("answer %v; want a bare 503", res)
		}
	})
}

// A backend may answer while the client is still sending. ReverseProxy then
// closes the body in the middle of a Read, which HTTP/2 allows.
func TestHTTPReverseProxyAnswersAStreamingClient(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.WriteString(w, "enough")
	}))
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httpProxyTo(target)
	check := func(t *testing.T, site *httpSite) {
		body, _ := httpStream(t) // no byte ever arrives
		a, err := site.visitor(t).do("POST", "/", body)
		if err != nil || a.err != nil || a.body != "enough" {
			t.Errorf("answer %v, %v, %v", a, err, a.err)
		}
	}
	t.Run("without a session", func(t *testing.T) {
		check(t, httpNew(t, session.Config{}).serve(t, httpProto2, proxy))
	})
	httpEachShape(t, httpProto2, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		check(t, serve(func(w http.ResponseWriter, r *http.Request, _ *session.Session) { proxy.ServeHTTP(w, r) }))
	})
}
