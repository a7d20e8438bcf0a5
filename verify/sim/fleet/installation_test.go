package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// size is how large an installation is.
type size struct {
	instances int
	users     int
	workers   int           // of the database
	think     time.Duration // between two pages of a user, on average
}

// installation is an application with many instances on one database.
type installation struct {
	seed uint64
	size
	clock    *clock
	tally    *tally
	database *database
	config   session.Config
	users    []*user
	work     sync.WaitGroup // pages that are being visited

	mu        sync.Mutex
	rng       *rand.Rand
	instances []http.Handler // each takes the same share of the requests
}

// newInstallation starts the instances, and signs the users in.
func newInstallation(s size, seed uint64, cfg session.Config) *installation {
	in := &installation{seed: seed, size: s, clock: newClock(), tally: &tally{began: time.Now()}, config: cfg}
	in.database = newDatabase(seed, s.workers, in.clock, in.tally)
	in.rng = rand.New(rand.NewPCG(seed, 0xf1ee7))
	in.instances = make([]http.Handler, s.instances)
	for i := range in.instances {
		in.replace(i)
	}
	in.signInAll()
	return in
}

// replace starts an instance in place of one that takes no more requests.
func (in *installation) replace(i int) {
	cfg := in.config
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(session.StatusCode(err))
	}
	m, err := session.New(&client{database: in.database}, cfg)
	if err != nil {
		panic(err)
	}
	handler := m.HandlerFunc(handle)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.instances[i] = handler
}

// signInAll signs the users in over the time after which a session is touched, and the time
// until a user's next page, so that the sessions are later touched one after the other.
func (in *installation) signInAll() {
	in.database.instant = true
	span := touchInterval + in.think
	for i := range in.size.users {
		u := &user{owner: strconv.Itoa(i)}
		if in.send(u, login, in.rng.IntN(len(in.instances))) != served {
			panic("fleet: a login without load has failed")
		}
		in.users = append(in.users, u)
		time.Sleep(span / time.Duration(in.size.users))
	}
	in.database.instant = false
	in.tally.restart()
}

const touchInterval = 6 * time.Minute // the default

var (
	userKey   = session.NewKey[string]("user")
	visitsKey = session.NewKey[int]("visits")
)

// job is what a request does.
type job int

const (
	read job = iota
	change
	login
)

type jobKey struct{}

// request is what a handler has to know.
type request struct {
	job   job
	owner string
}

func handle(w http.ResponseWriter, r *http.Request, s *session.Session) {
	req, _ := r.Context().Value(jobKey{}).(request)
	switch req.job {
	case change:
		visitsKey.Update(s, func(n int) int { return n + 1 })
	case login:
		s.Renew()
		userKey.Set(s, req.owner)
		s.SetOwner(req.owner)
		if err := s.Save(r.Context()); err != nil {
			w.WriteHeader(session.StatusCode(err))
			return
		}
	}
	name, _ := userKey.Get(s)
	visits, _ := visitsKey.Get(s)
	_, _ = fmt.Fprintf(w, "%s %d %s", name, visits, s.PublicID())
}

// answer is a response.
type answer struct {
	header http.Header
	status int
	body   strings.Builder
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

var page = &url.URL{Scheme: "https", Host: "app.example", Path: "/"}

// serve lets an instance answer a request with that cookie.
func serve(instance http.Handler, req request, cookie string) *answer {
	method := http.MethodGet
	if req.job != read {
		method = http.MethodPost
	}
	r := &http.Request{Method: method, URL: page, Host: page.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	a := &answer{header: http.Header{}}
	instance.ServeHTTP(a, r.WithContext(context.WithValue(context.Background(), jobKey{}, req)))
	return a
}
