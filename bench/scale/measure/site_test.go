package measure_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

var (
	countKey = session.NewKey[int]("count")
	cartKey  = session.NewKey[string]("cart")
)

// cartBytes is the length of the text in a session. Together with the rest of the record
// this makes about 300 bytes.
const cartBytes = 250

// lifetime is longer than a run, so that no session expires by itself, and touchInterval
// too, so that a read does not write.
const (
	lifetime      = 48 * time.Hour
	touchInterval = 24 * time.Hour
)

// newManager returns a Manager that all stores of a run have in common: a cookie is good for
// each of them.
func newManager(t *testing.T, p provider.Provider) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.Config{
		SigningKeys:   [][]byte{bytes.Repeat([]byte("k"), 32)},
		IdleTimeout:   lifetime,
		Lifetime:      lifetime,
		TouchInterval: touchInterval,
		Cookie:        session.Cookie{Insecure: true},
		Logger:        slog.New(slog.DiscardHandler),
		ErrorHandler:  answerError,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// statusUnknown is the answer to a change that was perhaps saved.
const statusUnknown = http.StatusGatewayTimeout

func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	if errors.Is(err, session.ErrOutcomeUnknown) {
		w.WriteHeader(statusUnknown)
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

// pages are the handlers of a site.
func pages(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/begin", m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		cartKey.Set(s, randomText(cartBytes))
		countKey.Set(s, 1)
		if owner := r.Header.Get("Owner"); owner != "" {
			s.SetOwner(owner)
		}
		if err := s.Save(r.Context()); err != nil {
			answerError(w, r, err)
			return
		}
		io.WriteString(w, s.PublicID())
	}))
	mux.Handle("/read", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		n, _ := countKey.Get(s)
		io.WriteString(w, strconv.Itoa(n))
	}))
	mux.Handle("/change", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		io.WriteString(w, strconv.Itoa(countKey.Update(s, func(n int) int { return n + 1 })))
	}))
	return mux
}

func randomText(n int) string {
	text := make([]byte, n)
	var bits uint64
	for i := range text {
		if i%16 == 0 {
			bits = rand.Uint64()
		}
		text[i] = 'a' + byte(bits&15)
		bits >>= 4
	}
	return string(text)
}

// A site is a program whose sessions are in a store.
type site struct {
	manager *session.Manager
	handler http.Handler
	cookies []string // of some of its visitors
}

// openSite opens a store that exists.
func openSite(t *testing.T, url string, cookies []string) *site {
	t.Helper()
	store, err := storeurl.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	m := newManager(t, store.Provider)
	return &site{m, pages(m), cookies}
}

func (s *site) randomCookie() string { return s.cookies[rand.IntN(len(s.cookies))] }

// An answer is what a visitor gets.
type answer struct {
	status     int
	body       string
	cookie     string // that the visitor has from now on
	start, end time.Time
}

func (a answer) took() time.Duration { return a.end.Sub(a.start) }

// ask sends a request with the cookie of a visitor.
func ask(handler http.Handler, path, cookie, owner string) answer {
	header := http.Header{}
	if cookie != "" {
		header["Cookie"] = []string{cookie}
	}
	if owner != "" {
		header["Owner"] = []string{owner}
	}
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path}, Host: "localhost", Header: header, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	w := httptest.NewRecorder()
	a := answer{cookie: cookie, start: time.Now()}
	handler.ServeHTTP(w, r)
	a.end, a.status, a.body = time.Now(), w.Code, w.Body.String()
	if set := w.Header().Get("Set-Cookie"); set != "" {
		a.cookie, _, _ = strings.Cut(set, ";")
	}
	return a
}
