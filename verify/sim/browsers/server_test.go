package browsers

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var (
	userKey   = session.NewKey[string]("user")
	visitsKey = session.NewKey[int]("visits")
)

const (
	user     = "ada"
	lifetime = 300 * 24 * time.Hour // longer than any life here
)

var errBroken = errors.New("browsers: connection reset by peer")

// server is an application with two instances on one store.
type server struct {
	instances [2]http.Handler
	seen      *sights

	failing atomic.Bool // the store fails now and then
	mu      sync.Mutex
	rng     *rand.Rand // of the store
	thefts  int        // told to the Observer
}

// silent is a store that cannot broadcast: the age of a copy alone decides, and nothing
// listens when a life ends.
type silent struct{ provider.Provider }

// options are what differs between the servers of two browsers.
type options struct {
	interval time.Duration // Config.RotateInterval
	copies   bool          // Config.ReadCache
}

func newServer(rng *rand.Rand, o options, seen *sights) *server {
	s := &server{seen: seen, rng: rng}
	store := silent{&storetest.Store{Provider: memory.New(), OnFetch: s.fetch, OnSave: s.save}}
	for i := range s.instances {
		cfg := session.Config{
			SigningKeys:     [][]byte{[]byte("a signing key of thirty-two bytes")},
			IdleTimeout:     lifetime,
			Lifetime:        lifetime,
			PersistLifetime: lifetime,
			RotateInterval:  o.interval,
			RotateGrace:     grace,
			Logger:          slog.New(slog.DiscardHandler),
			Observer:        s.observe,
		}
		if o.copies {
			cfg.ReadCache.MaxStale = time.Second
		}
		m, err := session.New(store, cfg)
		if err != nil {
			panic(err)
		}
		s.instances[i] = m.HandlerFunc(handle)
	}
	return s
}

func (s *server) observe(_ context.Context, e session.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Op == session.OpRotate && e.Err == nil:
		s.seen.add("rotated")
	case e.Op == session.OpLoad && e.Age > 0:
		s.seen.add("served from a copy")
	case e.Op == session.OpEnd && e.EndReason == session.EndTheft:
		s.thefts++
	}
}

// noticed is how many thefts were noticed.
func (s *server) noticed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.thefts
}

// trip is the time that a call of the store takes.
func (s *server) trip() {
	s.mu.Lock()
	d := time.Duration(s.rng.Int64N(int64(10 * time.Millisecond)))
	s.mu.Unlock()
	time.Sleep(d)
}

// fails reports whether a call of the store is to fail.
func (s *server) fails() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing.Load() && s.rng.IntN(60) == 0
}

func (s *server) fetch(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
	s.trip()
	if s.fails() {
		return nil, errBroken
	}
	rec, err := next(ctx, id)
	s.trip()
	return rec, err
}

// save may have an effect though it fails.
func (s *server) save(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	s.trip()
	if s.fails() {
		return errBroken
	}
	err := next(ctx, rec, expect)
	s.trip()
	if s.fails() {
		s.seen.add("a save without an answer")
		return errBroken
	}
	return err
}

// kind is what a request does.
type kind uint8

const (
	read      kind = iota
	change         // a counter
	saveEarly      // the same, saved before the work is done
	persist        // "keep me signed in": the cookie is set again
	login
)

type job struct {
	kind kind
	work time.Duration
}

type jobKey struct{}

// handle does the job of a request, and answers with the user who is signed in.
func handle(w http.ResponseWriter, r *http.Request, s *session.Session) {
	j, _ := r.Context().Value(jobKey{}).(job)
	switch j.kind {
	case change, saveEarly:
		visitsKey.Update(s, func(n int) int { return n + 1 })
	case persist:
		s.Persist(lifetime / 2)
	case login:
		s.Renew()
		userKey.Set(s, user)
	}
	if j.kind == saveEarly {
		if err := s.Save(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	time.Sleep(j.work)
	name, _ := userKey.Get(s)
	_, _ = io.WriteString(w, name)
}

// serve lets an instance answer a request with these cookies.
func (s *server) serve(instance int, j job, c cookies) *http.Response {
	method := http.MethodGet
	if j.kind != read {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(context.WithValue(context.Background(), jobKey{}, j), method, "https://app.example/", nil)
	if len(c) > 0 {
		r.Header.Set("Cookie", c.header())
	}
	w := httptest.NewRecorder()
	s.instances[instance].ServeHTTP(w, r)
	return w.Result()
}
