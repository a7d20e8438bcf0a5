package session_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

// httpVisitor is one browser.
type httpVisitor struct {
	t      *testing.T
	site   *httpSite
	client *http.Client
}

// visitor returns a browser without cookies, which follows no redirect.
func (s *httpSite) visitor(t *testing.T) *httpVisitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *s.srv.Client()
	client.Jar = jar
	client.Timeout = httpPatience
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &httpVisitor{t, s, &client}
}

// begun returns a browser whose session is stored.
func (s *httpSite) begun(t *testing.T) *httpVisitor {
	t.Helper()
	v := s.visitor(t)
	if a := v.get("/session/begin"); a.status != 200 || len(a.cookies) != 1 {
		t.Fatalf("beginning a session: %v", a)
	}
	return v
}

// httpAnswer is a whole response.
type httpAnswer struct {
	status  int
	header  http.Header
	trailer http.Header
	cookies []*http.Cookie
	body    string
	early   []httpEarly // the 1xx answers before the final one
	err     error       // of the body
}

type httpEarly struct {
	status int
	header textproto.MIMEHeader
}

func (a httpAnswer) String() string { return fmt.Sprintf("%d %q %v", a.status, a.body, a.header) }

// get is do for a GET that must be answered.
func (v *httpVisitor) get(path string) httpAnswer {
	v.t.Helper()
	return v.must("GET", path, nil)
}

// must is do for a request that must be answered in full.
func (v *httpVisitor) must(method, path string, body io.Reader) httpAnswer {
	v.t.Helper()
	a, err := v.do(method, path, body)
	if err == nil {
		err = a.err
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// do sends a request. It may be called from any goroutine.
func (v *httpVisitor) do(method, path string, body io.Reader) (httpAnswer, error) {
	req, err := http.NewRequest(method, v.site.srv.URL+path, body)
	if err != nil {
		return httpAnswer{}, err
	}
	return v.send(req)
}

// send sends req and reads the whole answer.
func (v *httpVisitor) send(req *http.Request) (a httpAnswer, err error) {
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			a.early = append(a.early, httpEarly{code, header})
			return nil
		},
	})
	res, err := v.client.Do(req.WithContext(ctx))
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	a.status, a.header, a.trailer, a.cookies = res.StatusCode, res.Header, res.Trailer, res.Cookies()
	a.body, a.err = string(body), err
	return a, nil
}

// expect checks the values in the visitor's session.
func (v *httpVisitor) expect(want string) {
	v.t.Helper()
	if got := v.get("/session/peek").body; got != want {
		v.t.Errorf("session now: %s; want %s", got, want)
	}
}

// The session's values after begun.
const httpUnchanged = "new=false count=0 name=begun"

// rivalOnce makes a parallel request change count just before the next save.
func (v *httpVisitor) rivalOnce() { v.rivals(1) }

// rivals makes a parallel request change count before each of the next n saves.
func (v *httpVisitor) rivals(n int64) {
	var left atomic.Int64
	left.Store(n)
	var inside atomic.Bool // the rival's own save
	v.site.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if inside.CompareAndSwap(false, true) {
			if left.Add(-1) >= 0 {
				if a, err := v.do("GET", "/session/rival", nil); err != nil || a.status != 200 {
					v.t.Errorf("rival: %v, %v", a, err)
				}
			}
			inside.Store(false)
		}
		return next(ctx, rec, expect)
	})
}

// httpPage checks a whole page with its cookie, if it should have one.
func httpPage(t *testing.T, a httpAnswer, status int, body string, cookies int) {
	t.Helper()
	if a.status != status || a.body != body || len(a.cookies) != cookies {
		t.Errorf("answer: %v; want %d %q with %d cookies", a, status, body, cookies)
	}
}

// httpOnlyReader hides all methods but Read, so that io.Copy uses the writer's ReadFrom.
type httpOnlyReader struct{ io.Reader }

// httpStream is the body of a request. It ends with the test, or after httpPatience if
// the test hangs: http.Transport would wait for the body forever.
func httpStream(t *testing.T) (*io.PipeReader, *io.PipeWriter) {
	r, w := io.Pipe()
	timer := time.AfterFunc(httpPatience, func() { w.CloseWithError(context.DeadlineExceeded) })
	t.Cleanup(func() {
		timer.Stop()
		w.Close()
	})
	return r, w
}

// httpRaw is a bare connection to a site.
type httpRaw struct {
	net.Conn
	*bufio.Reader
}

// Read first reads the bytes that the buffer holds.
func (c httpRaw) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// raw opens a bare connection to an HTTP/1.1 site and sends a request with the
// visitor's cookies.
func (v *httpVisitor) raw(method, path string, header ...string) httpRaw {
	v.t.Helper()
	conn, err := net.Dial("tcp", v.site.srv.Listener.Addr().String())
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(httpPatience))
	req, err := http.NewRequest(method, v.site.srv.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(req.URL) {
		header = append(header, "Cookie: "+c.String())
	}
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: " + req.URL.Host}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		v.t.Fatal(err)
	}
	return httpRaw{conn, bufio.NewReader(conn)}
}

// response reads the head of an answer.
func (c httpRaw) response(t *testing.T) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
