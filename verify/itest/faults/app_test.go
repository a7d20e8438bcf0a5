package faults_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// app is a web app with sessions. What it is asked to keep are tokens, so that one
// that is lost or kept twice shows.
type app struct {
	url      string
	client   *http.Client
	requests lately

	grace    *grace
	patient  sync.Mutex
	handlers map[time.Duration]http.Handler // by the factor of their timeout
}

var (
	updated = session.NewKey[[]string]("updated") // by Key.Update
	set     = session.NewKey[[]string]("set")     // by Get and Set
)

// What the app answers.
const (
	saidDone    = "done"
	saidStatic  = "static"
	saidUnknown = "it is unknown whether it was saved"
	saidRefused = "nothing was saved"
)

func newApp(t *testing.T, store provider.Provider, timeout time.Duration) *app {
	t.Helper()
	a := &app{}
	m := a.newManager(t, store, timeout)
	a.serve(t, m.Handler(routes(m)))
	return a
}

// newGraciousApp returns an app with storeTimeout, or by the grace more.
func newGraciousApp(t *testing.T, store provider.Provider, g *grace) *app {
	t.Helper()
	a := &app{grace: g, handlers: map[time.Duration]http.Handler{}}
	handler := func(factor time.Duration) http.Handler {
		a.patient.Lock()
		defer a.patient.Unlock()
		if a.handlers[factor] == nil {
			m := a.newManager(t, store, storeTimeout*factor)
			a.handlers[factor] = m.Handler(routes(m))
		}
		return a.handlers[factor]
	}
	a.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(g.factor()).ServeHTTP(w, r)
	}))
	return a
}

// newManager may be called by any goroutine.
func (a *app) newManager(t *testing.T, store provider.Provider, timeout time.Duration) *session.Manager {
	m, err := session.New(store, session.Config{
		StoreTimeout: timeout,
		Cookie:       session.Cookie{Insecure: true},
		ErrorHandler: a.sayWhatFailed,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Error(err)
	}
	return m
}

func (a *app) serve(t *testing.T, handler http.Handler) {
	srv := httptest.NewServer(handler)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() { transport.CloseIdleConnections(); srv.Close() })
	a.url, a.client = srv.URL, &http.Client{Transport: transport, Timeout: patience}
}

func routes(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/static", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, saidStatic) })
	mux.Handle("POST /begin", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		updated.Set(s, nil)
		io.WriteString(w, saidDone)
	}))
	mux.Handle("POST /update", m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		updated.Update(s, func(list []string) []string { return append(list, r.FormValue("token")) })
		io.WriteString(w, saidDone)
	}))
	mux.Handle("POST /set", m.HandlerFunc(getAndSet))
	mux.Handle("POST /replay", m.Replay(m.HandlerFunc(getAndSet)))
	mux.Handle("POST /renew", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew()
		io.WriteString(w, saidDone)
	}))
	mux.Handle("POST /end", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Destroy()
		io.WriteString(w, saidDone)
	}))
	mux.Handle("/tokens", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		first, _ := updated.Get(s)
		second, _ := set.Get(s)
		fmt.Fprintf(w, "new=%t %s", s.IsNew(), strings.Join(slices.Concat(first, second), " "))
	}))
	return mux
}

func getAndSet(w http.ResponseWriter, r *http.Request, s *session.Session) {
	list, _ := set.Get(s)
	set.Set(s, append(list, r.FormValue("token")))
	io.WriteString(w, saidDone)
}

func (a *app) sayWhatFailed(w http.ResponseWriter, r *http.Request, err error) {
	a.requests.note("%s failed: %v", r.URL.RequestURI(), err)
	text := saidRefused
	if errors.Is(err, session.ErrOutcomeUnknown) {
		text = saidUnknown
	}
	w.WriteHeader(session.StatusCode(err))
	io.WriteString(w, text)
}

// An answer is what a visitor gets to see.
type answer struct {
	status int
	body   string
	cookie *http.Cookie // nil: none is set
}

// ask sends a request with a cookie, if any.
func (a *app) ask(method, path string, cookie *http.Cookie) (answer, error) {
	req, err := http.NewRequest(method, a.url+path, nil)
	if err != nil {
		return answer{}, err
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	began := time.Now()
	resp, err := a.client.Do(req)
	if err != nil {
		a.requests.note("%s: %v", path, err)
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	got := answer{status: resp.StatusCode, body: string(body)}
	if cookies := resp.Cookies(); len(cookies) > 0 {
		got.cookie = cookies[0]
	}
	a.requests.note("%s: answer %d after %v", path, got.status, time.Since(began))
	return got, err
}

// insist asks until the answer is 200.
func (a *app) insist(t *testing.T, method, path string, cookie *http.Cookie) (got answer) {
	t.Helper()
	var err error
	gracefully(t, a.grace, func() bool {
		got, err = a.ask(method, path, cookie)
		return err == nil && got.status == http.StatusOK
	}, func() string { return fmt.Sprintf("%s: answer %d %q, %v", path, got.status, got.body, err) })
	return got
}

// verdict is what an answer says about a change.
type verdict int

const (
	nonsense verdict = iota
	done
	refused
	unknown
)

func (a answer) verdict() verdict {
	switch {
	case a.status == 200 && a.body == saidDone:
		return done
	case a.status == 503 && a.body == saidUnknown && a.cookie == nil:
		return unknown
	case a.body == saidRefused && a.cookie == nil && (a.status == 503 || a.status == 409):
		return refused
	default:
		return nonsense
	}
}

// tokens returns what an answer of /tokens lists, and whether the session is new.
func (a answer) tokens() (list []string, isNew bool) {
	state, rest, _ := strings.Cut(a.body, " ")
	return strings.Fields(rest), state == "new=true"
}
