package sessions_test

import (
	"encoding/binary"
	"flag"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

var waitForTheft = flag.Bool("theft", false, "wait two minutes until a rotation is confirmed and an old cookie is theft")

const (
	rotateInterval = time.Hour
	rotateGrace    = 30 * time.Second
)

// Parallel requests at two instances get one new cookie of a session. Both cookies are good,
// until the new one is confirmed.
func TestRotation(t *testing.T) {
	for _, s := range []stores.Store{stores.Redis, stores.Postgres} {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			var fleet []*session.Manager
			instances := s.Instances(t, 2)
			for _, p := range instances {
				fleet = append(fleet, ownersManager(t, p, func(cfg *session.Config) {
					cfg.RotateInterval, cfg.RotateGrace = rotateInterval, rotateGrace
				}))
			}
			first := signedIn(t, fleet[0], "ann", "phone")
			id := wantVisit(t, fleet[0], first, nil, "ann")
			beginEarlier(t, instances[0], id)

			const parallel = 16
			cookies := make(chan *http.Cookie, parallel)
			var wg sync.WaitGroup
			for i := range parallel {
				wg.Go(func() { wantVisit(t, fleet[i%len(fleet)], first, cookies, "ann") })
			}
			wg.Wait()
			if len(cookies) != 1 {
				t.Fatalf("%d new cookies", len(cookies))
			}
			second := <-cookies
			for _, m := range fleet {
				for _, cookie := range []*http.Cookie{first, second} {
					if got := wantVisit(t, m, cookie, nil, "ann"); got != id {
						t.Errorf("the ID is %q; want %q", got, id)
					}
				}
			}
			if !*waitForTheft {
				return
			}
			time.Sleep(65*time.Second + rotateGrace + time.Second)
			wantVisit(t, fleet[0], second, nil, "ann") // confirms
			wantVisit(t, fleet[1], first, nil, "ann")
			time.Sleep(rotateGrace + time.Second)
			wantVisit(t, fleet[1], second, nil, "ann")
			wantVisit(t, fleet[1], first, nil, "")
			wantVisit(t, fleet[0], second, nil, "")
		})
	}
}

// wantVisit sends a request with that cookie, checks whose session it reads, and returns its
// public ID. New cookies go to cookies; nil means that there must be none.
func wantVisit(t *testing.T, m *session.Manager, cookie *http.Cookie, cookies chan<- *http.Cookie, owner string) (id string) {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	r.AddCookie(cookie)
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		id = s.PublicID()
		if got := s.Owner(); got != owner {
			t.Errorf("the session is that of %q; want %q", got, owner)
		}
	}).ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookies == nil {
			t.Error("an unexpected cookie")
			continue
		}
		cookies <- cookie
	}
	return id
}

// beginEarlier makes the session of that ID an interval older. The layout of its record is in
// section 3 of docs/protocol.md.
func beginEarlier(t *testing.T, p provider.Provider, id string) {
	t.Helper()
	rec, err := p.Fetch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	const created = 10 // the offset of that field
	_, n := binary.Uvarint(rec.Data[created:])
	started := rec.Data[created+n:]
	at, _ := binary.Uvarint(started)
	binary.PutUvarint(started, at-uint64(rotateInterval.Milliseconds()))
	before := rec.Version
	rec.Version += 1 << 32
	if err := p.Save(t.Context(), rec, before); err != nil {
		t.Fatal(err)
	}
}
