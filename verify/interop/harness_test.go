package interop_test

import (
	"bytes"
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

// rivalry is the path of a rival's request: it adds 100.
const rivalry = "/rival"

func rival(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
	count.Update(s, func(n int) int { return n + 100 })
}
