package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

const (
	watchedSessions   = 100
	watchersOfSession = 10
)

// A thousand contexts of a user's sessions end when another process revokes them all. If
// the store can broadcast, only its messages can have ended them, since the sessions are
// checked every hour.
func TestWatchedSessionsAreRevokedElsewhere(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		s.Server(t) // it stays for other tests
		witness.Leaks(t, patience)
		for name, awaitsListener := range map[string]bool{"at once": false, "while messages are heard": true} {
			t.Run(name, func(t *testing.T) {
				a := newApp(t, s, 2, spec{})
				p := s.At(t, a.server, a.space)
				broadcasts := canBroadcast(t, p)
				m := ownersManager(t, p, func(cfg *session.Config) {
					cfg.WatchInterval = 100 * time.Millisecond
					if broadcasts {
						cfg.WatchInterval = time.Hour
					}
				})
				watching := watchAll(t, m, signInAll(t, m))
				if awaitsListener && broadcasts {
					awaitListener(t, m)
				}
				if got := a.ask(1, "POST", "/revoke?owner=ann", ""); got.status != http.StatusOK {
					t.Fatalf("%+v", got)
				}
				wantAllEnded(t, watching)
				if st := m.WatchStats(); st != (session.WatchStats{}) {
					t.Errorf("%+v", st)
				}
			})
		}
	})
}

// canBroadcast reports whether the store can broadcast.
func canBroadcast(t *testing.T, p provider.Provider) bool {
	t.Helper()
	err := provider.Broadcast(t.Context(), p, []byte("test"))
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	return err == nil
}

// signInAll signs ann in on many devices, and returns her sessions.
func signInAll(t *testing.T, m *session.Manager) []*session.Session {
	t.Helper()
	for i := range watchedSessions {
		signedIn(t, m, "ann", fmt.Sprint("device ", i))
	}
	all, err := m.Sessions(t.Context(), "ann")
	if err != nil || len(all) != watchedSessions {
		t.Fatalf("%d sessions, error %v", len(all), err)
	}
	return all
}

// watchAll watches each session many times.
func watchAll(t *testing.T, m *session.Manager, all []*session.Session) []context.Context {
	t.Helper()
	var watching []context.Context
	for _, s := range all {
		for range watchersOfSession {
			ctx, stop := s.Watch(t.Context())
			t.Cleanup(stop)
			watching = append(watching, ctx)
		}
	}
	if st := m.WatchStats(); st.Contexts != len(watching) || st.Sessions != len(all) {
		t.Fatalf("%+v", st)
	}
	return watching
}

// awaitListener waits until messages are heard.
func awaitListener(t *testing.T, m *session.Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !m.WatchStats().Listening {
		if !witness.Wait(ctx, time.Millisecond) {
			t.Fatal("no messages are heard")
		}
	}
}

// wantAllEnded waits until every context has ended with its session.
func wantAllEnded(t *testing.T, watching []context.Context) {
	t.Helper()
	hanging := time.After(patience)
	for i, ctx := range watching {
		select {
		case <-ctx.Done():
		case <-hanging:
			t.Fatalf("context %d of %d has not ended", i, len(watching))
		}
		if cause := context.Cause(ctx); !errors.Is(cause, session.ErrEnded) {
			t.Fatalf("context %d has ended by %v", i, cause)
		}
	}
}
