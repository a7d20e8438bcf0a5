package frameworktest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// parallel is the number of requests that are sent at once.
const parallel = 50

// visitor is a client with a cookie jar.
type visitor struct {
	t      *testing.T
	a      *App
	url    string
	client *http.Client
}

// visit starts an app and returns a visitor of it.
func visit(t *testing.T, start Start, cfg session.Config) *visitor {
	t.Helper()
	a := newApp(t, cfg)
	return newVisitor(t, a, start(t, a))
}

func newVisitor(t *testing.T, a *App, url string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: parallel}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t, a, url, &http.Client{
		Jar: jar, Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// other returns another visitor of the same app, without cookies.
func (v *visitor) other() *visitor { return newVisitor(v.t, v.a, v.url) }

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

// request returns a request; header has names and values in turn.
func (v *visitor) request(route, body string, header ...string) *http.Request {
	v.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

// do sends a request. It may be called from any goroutine.
func (v *visitor) do(req *http.Request) answer {
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
		return answer{Response: &http.Response{Header: http.Header{}}}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return answer{res, string(body)}
}

// expect sends a request, and checks the status and that the body contains text.
func (v *visitor) expect(route string, status int, text string, header ...string) answer {
	v.t.Helper()
	res := v.do(v.request(route, "", header...))
	if res.StatusCode != status || !strings.Contains(res.body, text) {
		v.t.Errorf("%s: %d %q, want %d with %q\nlog: %s", route, res.StatusCode, res.body, status, text, v.a.log.String())
	}
	return res
}

// cookies returns the cookies of the jar.
func (v *visitor) cookies() []*http.Cookie {
	at, _ := url.Parse(v.url)
	return v.client.Jar.Cookies(at)
}

// logged checks the statuses that the framework's logger has logged for a path.
func (v *visitor) logged(path string, want int) {
	v.t.Helper()
	if got := v.a.statuses(path); len(got) != 1 || got[0] != want {
		v.t.Errorf("the framework's logger saw %v for %s, want [%d]", got, path, want)
	}
}

// loseOnce makes the first call of Careless meet a conflict: another request of the
// visitor adds one to the counter in between.
func (v *visitor) loseOnce() {
	v.t.Helper()
	v.a.Between = func() {
		if v.a.runsOf() == 1 {
			v.expect("POST /add", 200, "count")
		}
	}
}

func tempFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(path, []byte(FileContent), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
