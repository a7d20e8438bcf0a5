package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

const (
	watchedSessions   = 50
	watchersOfSession = 20
)

// watchedSite is two instances: the connections of one, which watches, go through a proxy.
type watchedSite struct {
	site
	watching, other *session.Manager
	sessions        []*session.Session // of ann, at watching
}

// These are what happens to the connections of the watching instance, or to the server,
// when the sessions are revoked.
var watchFaults = map[string]func(*testing.T, *watchedSite){
	"cut, and back after the revocation": func(t *testing.T, w *watchedSite) {
		w.proxy.poison(resetRequests...)
		w.proxy.poison(resetAnswers...)
		eventually(t, func() bool { return !w.watching.WatchStats().Listening }, func() string { return "it still listens" })
		w.revokeAll(t)
		w.proxy.heal()
	},
	"cut again and again during the revocation": func(t *testing.T, w *watchedSite) {
		for i, s := range w.sessions {
			if i%5 == 0 {
				w.proxy.move(w.server.Addr)
			}
			if err := w.other.Revoke(t.Context(), s.PublicID()); err != nil {
				t.Error(err)
			}
		}
	},
	"killed server": func(t *testing.T, w *watchedSite) {
		w.server.Kill()
		w.server.Restart()
		eventually(t, func() bool { return w.other.RevokeAll(t.Context(), "ann") == nil }, func() string { return "no revocation" })
	},
}

// A thousand contexts of sessions that another instance revokes end, whatever becomes of
// the messages. The sessions are checked every hour, so only the broadcast, and what is
// done when it is lost, can have ended them.
func TestWatchedSessionsAreNotMissed(t *testing.T) {
	for _, s := range subjects {
		if !s.broadcasts {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			checkLeaks(t)
			server := s.serve(t)
			for name, strike := range watchFaults {
				t.Run(name, func(t *testing.T) { testWatchFault(t, s, server, strike) })
			}
		})
	}
}

func testWatchFault(t *testing.T, s subject, server *testserver.Server, strike func(*testing.T, *watchedSite)) {
	p, space := newProxy(t, server.Addr), stores.Space()
	direct := s.At(t, server.URL, space)
	if err := provider.Broadcast(t.Context(), direct, []byte("test")); err != nil {
		t.Fatalf("the store cannot broadcast: %v", err)
	}
	w := &watchedSite{site: site{server, p}, other: watchingManager(t, direct), watching: watchingManager(t, s.At(t, p.through(server.URL), space))}
	for range watchedSessions {
		signInAsAnn(t, w.other)
	}
	var err error
	if w.sessions, err = w.watching.Sessions(t.Context(), "ann"); err != nil || len(w.sessions) != watchedSessions {
		t.Fatalf("%d sessions, error %v", len(w.sessions), err)
	}
	var all []context.Context
	for _, s := range w.sessions {
		for range watchersOfSession {
			ctx, stop := s.Watch(t.Context())
			defer stop()
			all = append(all, ctx)
		}
	}
	eventually(t, func() bool { return w.watching.WatchStats().Listening }, func() string { return "it does not listen" })
	for _, ctx := range all {
		if ctx.Err() != nil {
			t.Fatalf("a context has ended before: %v", context.Cause(ctx))
		}
	}
	strike(t, w)
	for i, ctx := range all {
		eventually(t, func() bool { return ctx.Err() != nil }, func() string {
			return fmt.Sprintf("context %d of %d has not ended; %+v", i, len(all), w.watching.WatchStats())
		})
		if cause := context.Cause(ctx); !errors.Is(cause, session.ErrEnded) {
			t.Fatalf("context %d has ended by %v", i, cause)
		}
	}
}

func (w *watchedSite) revokeAll(t *testing.T) {
	t.Helper()
	if err := w.other.RevokeAll(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
}

func watchingManager(t *testing.T, p provider.Provider) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.Config{
		SigningKeys:   [][]byte{bytes.Repeat([]byte("k"), 32)},
		StoreTimeout:  patience,
		WatchInterval: time.Hour,
		Logger:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func signInAsAnn(t *testing.T, m *session.Manager) {
	t.Helper()
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
}
