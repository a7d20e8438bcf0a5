package interop_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var count = session.NewKey[int]("count")

// manager is a Manager for plain HTTP over the memory provider.
type manager struct {
	*session.Manager
	log *logbook
}

func newManager(t testing.TB) manager {
	t.Helper()
	book := new(logbook)
	m, err := session.New(memory.New(), session.Config{
		SigningKeys: [][]byte{bytes.Repeat([]byte("k"), 32)},
		Cookie:      session.Cookie{Insecure: true},
		Logger:      slog.New(slog.NewTextHandler(book, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return manager{m, book}
}

// logbook keeps what was logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// browser is a client with a cookie jar and the server that it talks to.
type browser struct {
	t      testing.TB
	url    string
	client *http.Client
}

func serve(t testing.TB, h http.Handler) *browser {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = parallel
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, srv.URL, &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute}}
}

// answer is a status, the body, and how many cookies came with them.
type answer struct {
	status  int
	body    string
	cookies int
	header  http.Header
}

// send may be called from any goroutine.
func (b *browser) send(method, path string) answer {
	req, err := http.NewRequest(method, b.url+path, nil)
	if err != nil {
		b.t.Error(err)
		return answer{}
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Error(err)
		return answer{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Errorf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, string(body), len(res.Cookies()), res.Header}
}

// expect sends a request and checks the answer.
func (b *browser) expect(method, path string, status int, body string) answer {
	b.t.Helper()
	a := b.send(method, path)
	if a.status != status || body != "" && a.body != body {
		b.t.Errorf("%s %s: %d %q, want %d %q", method, path, a.status, a.body, status, body)
	}
	return a
}

// contested is a counter that loses a race once: its first run has a rival add
// 100 before it is done. It counts its runs.
type contested struct {
	runs  int
	rival func()
}

// bump reads and sets, which is what conflicts.
func (c *contested) bump(s *session.Session) string {
	c.runs++
	n, _ := count.Get(s)
	if c.runs == 1 && c.rival != nil {
		c.rival()
	}
	count.Set(s, n+1)
	return fmt.Sprint("page ", n+1)
}

// serve is bump as a leaf that loads its session.
func (c *contested) serve(t testing.TB, suffix func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(w, c.bump(s)+suffix(r))
	})
}

// rivalry is the path of a rival's request, for every router: it adds 100.
const rivalry = "/rival"

func rival(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
	count.Update(s, func(n int) int { return n + 100 })
}

// race begins a session and has c lose a race in it.
func (b *browser) race(c *contested) {
	b.t.Helper()
	b.expect("GET", rivalry, 200, "")
	c.rival = func() { b.expect("GET", rivalry, 200, "") }
}
