// Package frameworktest tests that sessions keep their guarantees under a web framework:
// over real connections, whatever the framework does with statuses, errors and streams.
package frameworktest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Start serves the routes of an app, each written as the framework's users would write
// it, until the test ends. It returns the URL of the server. Sessions is used for all
// routes, after the framework's logger and its recovery from panics.
//
//	POST /add          200, the text of Add
//	POST /careless     303 to /elsewhere, with the header Page: yes, after Careless
//	GET  /show         200, the text of Show
//	GET  /none         200 "none", without a session
//	POST /fail         the framework's error response of status 500, after Spoil
//	POST /reject       the framework's error response of status 422, after Add
//	POST /panic        panics after Spoil
//	POST /save-panic   panics after Add and Session.Save
//	POST /save         Careless and Session.Save; answers its error, as the framework
//	                   answers errors, with session.StatusCode; else 200 "saved"
//	POST /empty        204 without a body, after Add
//	GET  /file         the file App.File, after Add
//	GET  /events       200 text/event-stream: after Add the event "data: 1\n\n", which is
//	                   flushed, then Wait, then the event "data: 2\n\n"
//	POST /login        Login; 200, its text
//	POST /logout       Session.Destroy; 200 "bye"
//	GET  /poll         200, the text of Show, in a Passive request
//	GET  /safe         a HandlerFunc: 200, the text of Careless, with one more header Run: yes
//	POST /replayed     a Replay: 200, the text of Careless and the request's body, with one
//	                   more header Run: yes
//	POST /nested/add   200, the text of Add, where Sessions is used once more
type Start func(t *testing.T, a *App) (url string)

// App is what the handlers of the routes call. A test sets its fields before Start.
type App struct {
	*session.Manager
	Store *storetest.Store
	File  string // the path of a file with the content FileContent

	// Between is called by Careless between reading and writing. It may be nil.
	Between func()

	events chan struct{} // closed: Wait returns

	mu     sync.Mutex
	runs   int
	logged map[string][]int
	log    bytes.Buffer
}

// FileContent is the content of App.File.
const FileContent = "The content of a file.\n"

var (
	count = session.NewKey[int]("count")
	user  = session.NewKey[string]("user")
)

func newApp(t *testing.T, cfg session.Config) *App {
	t.Helper()
	a := &App{
		Store:  &storetest.Store{Provider: memory.New()},
		File:   tempFile(t),
		events: make(chan struct{}),
		logged: map[string][]int{},
	}
	cfg.SigningKeys = [][]byte{bytes.Repeat([]byte("k"), 32)}
	cfg.Cookie.Insecure = true
	cfg.StoreTimeout = time.Minute // a machine may stand still for seconds
	cfg.Logger = slog.New(slog.NewTextHandler(lockedLog{a}, nil))
	var err error
	if a.Manager, err = session.New(a.Store, cfg); err != nil {
		t.Fatal(err)
	}
	return a
}

// Add adds one to the counter by Key.Update, and returns it as a text.
func (a *App) Add(s *session.Session) string {
	return fmt.Sprint("count ", count.Update(s, func(n int) int { return n + 1 }))
}

// Careless adds one to the counter by Get and Set, and returns it as a text.
func (a *App) Careless(s *session.Session) string {
	a.mu.Lock()
	a.runs++
	a.mu.Unlock()
	n, _ := count.Get(s)
	if a.Between != nil {
		a.Between()
	}
	count.Set(s, n+1)
	return fmt.Sprint("count ", n+1)
}

// Show returns the counter and the user as a text.
func (a *App) Show(s *session.Session) string {
	n, _ := count.Get(s)
	name, _ := user.Get(s)
	return fmt.Sprintf("count %d user %q", n, name)
}

// Spoil sets the counter to a value that must never be stored.
func (a *App) Spoil(s *session.Session) { count.Set(s, 666) }

// Login renews the session, stores it and returns its token.
func (a *App) Login(ctx context.Context, s *session.Session) (string, error) {
	s.Renew()
	user.Set(s, "ada")
	if err := s.Save(ctx); err != nil {
		return "", err
	}
	return s.Token().Value, nil
}

// Wait waits until the test wants the rest of a stream.
func (a *App) Wait() { <-a.events }

// Logged is called by the framework's logger, with the status that it would log.
func (a *App) Logged(path string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logged[path] = append(a.logged[path], status)
}

// runsOf returns how often Careless was called.
func (a *App) runsOf() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.runs
}

// statuses returns what the framework's logger has logged for a path.
func (a *App) statuses(path string) []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]int(nil), a.logged[path]...)
}

// lockedLog is the log of the Manager.
type lockedLog struct{ a *App }

func (l lockedLog) Write(p []byte) (int, error) {
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	return l.a.log.Write(p)
}
