package session_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// httpSpy accepts connections that count the bytes that they are asked to send from a
// file.
type httpSpy struct {
	net.Listener
	mu   sync.Mutex
	sent int64 // bytes sent by ReadFrom of an *os.File, which sendfile(2) needs
}

type httpSpyConn struct {
	*net.TCPConn
	spy *httpSpy
}

func (l *httpSpy) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return httpSpyConn{conn.(*net.TCPConn), l}, nil
}

func (c httpSpyConn) ReadFrom(src io.Reader) (int64, error) {
	n, err := c.TCPConn.ReadFrom(src)
	if lr, ok := src.(*io.LimitedReader); ok {
		src = lr.R
	}
	if _, ok := src.(*os.File); ok {
		c.spy.mu.Lock()
		c.spy.sent += n
		c.spy.mu.Unlock()
	}
	return n, err
}

// httpHidden hides everything but the three methods, as a middleware does that prevents
// sendfile.
type httpHidden struct{ http.ResponseWriter }

func TestHTTPFilesGoOutBySendfile(t *testing.T) {
	const size = 4 << 20
	path := filepath.Join(t.TempDir(), "film")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	leaf := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		httpName.Set(s, "watched")
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeFile(w, r, path)
	}
	// run returns the number of bytes that the connection has read from the file itself.
	run := func(t *testing.T, wrap func(*httpEnv) http.Handler) int64 {
		env, spy := httpNew(t, session.Config{}), new(httpSpy)
		site := env.serveOn(t, httpProto1, wrap(env), func(l net.Listener) net.Listener {
			spy.Listener = l
			return spy
		})
		v := site.visitor(t)
		if a := v.get("/"); len(a.body) != size || len(a.cookies) != 1 {
			t.Errorf("%d bytes and %d cookies, want %d and 1", len(a.body), len(a.cookies), size)
		}
		v.expect("new=false count=0 name=watched")
		<-site.done // the last byte is sent before it is counted
		spy.mu.Lock()
		defer spy.mu.Unlock()
		return spy.sent
	}
	for _, shape := range httpShapes {
		t.Run(shape.name, func(t *testing.T) {
			sent := run(t, func(env *httpEnv) http.Handler { return shape.wrap(env.Manager, leaf) })
			if sent < size-512 { // net/http copies the first 512 bytes itself
				t.Errorf("%d of %d bytes by sendfile", sent, size)
			}
		})
	}
	t.Run("the spy tells where it is hidden", func(t *testing.T) {
		sent := run(t, func(env *httpEnv) http.Handler {
			h := httpWithHandler(env.Manager, leaf)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(httpHidden{w}, r) })
		})
		if sent != 0 {
			t.Errorf("%d bytes by sendfile through a writer that hides it", sent)
		}
	})
}
