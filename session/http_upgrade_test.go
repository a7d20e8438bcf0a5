package session_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestHTTPSwitchingProtocolsThenHijack(t *testing.T) {
	hijacks := map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
		"http.Hijacker": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return w.(http.Hijacker).Hijack()
		},
	}
	for name, hijack := range hijacks {
		t.Run(name, func(t *testing.T) {
			httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					httpName.Set(s, "upgraded")
					w.Header().Set("Connection", "Upgrade")
					w.Header().Set("Upgrade", "echo")
					w.WriteHeader(http.StatusSwitchingProtocols)
					conn, rw, err := hijack(w)
					if err != nil {
						t.Errorf("Hijack after 101: %v", err)
						return
					}
					httpEcho(conn, rw)
					httpCount.Set(s, 7)
				})
				v := site.visitor(t)
				res := httpUpgrade(t, v)
				v.client.Jar.SetCookies(res.Request.URL, res.Cookies())
				<-site.done
				v.expect("new=false count=7 name=upgraded")
			})
		})
	}
}

func TestHTTPCookiePendingAtHijackStaysInTheHeaderAndIsLogged(t *testing.T) {
	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			httpName.Set(s, "hijacked")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "echo")
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("Hijack: %v", err)
				return
			}
			io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\n")
			w.Header().Write(rw)
			io.WriteString(rw, "\r\n")
			rw.Flush()
			httpEcho(conn, rw)
		})
		v := site.visitor(t)
		res := httpUpgrade(t, v)
		v.client.Jar.SetCookies(res.Request.URL, res.Cookies())
		<-site.done
		if site.log.count(slog.LevelInfo) == 0 {
			t.Error("a cookie pending at Hijack is not logged")
		}
		v.expect("new=false count=0 name=hijacked")

		before := site.log.count(slog.LevelInfo)
		if res := httpUpgrade(t, v); len(res.Cookies()) != 0 {
			t.Errorf("cookies %v for a session that has one", res.Cookies())
		}
		<-site.done
		if n := site.log.count(slog.LevelInfo) - before; n != 0 {
			t.Errorf("%d log records where no cookie was pending", n)
		}
	})
}

// httpEcho serves a hijacked connection: it sends back one line.
func httpEcho(conn net.Conn, rw *bufio.ReadWriter) {
	defer conn.Close()
	line, err := rw.ReadString('\n')
	if err != nil {
		return
	}
	rw.WriteString(line)
	rw.Flush()
}

// httpUpgrade upgrades / to the echo protocol, tries it, and returns the 101.
func httpUpgrade(t *testing.T, v *httpVisitor) *http.Response {
	t.Helper()
	conn := v.raw("GET", "/", "Connection: Upgrade", "Upgrade: echo")
	defer conn.Close()
	res := conn.response(t)
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answer %v, want 101", res.Status)
	}
	res.Request, _ = http.NewRequest("GET", v.site.srv.URL, nil)
	io.WriteString(conn, "ping\n")
	if line, err := conn.ReadString('\n'); line != "ping\n" {
		t.Fatalf("echo: %q, %v", line, err)
	}
	return res
}

func TestHTTPPageAfterRefusedHijackCommits(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run("set "+when+" Hijack", func(t *testing.T) {
			httpEachShape(t, httpProto2, func(t *testing.T, serve func(httpLeaf) *httpSite) {
				site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					if when == "before" {
						httpName.Set(s, "refused")
					}
					if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
						t.Error("Hijack works over HTTP/2")
					}
					if when == "after" {
						httpName.Set(s, "refused")
					}
					io.WriteString(w, "page")
				})
				v := site.visitor(t)
				httpPage(t, v.get("/"), 200, "page", 1)
				v.expect("new=false count=0 name=refused")
			})
		})
	}
}
