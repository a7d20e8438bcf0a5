package session_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// listing is the label by which the tests of owners list sessions: a user's sessions are
// those whose label has the user as its value.
type listing struct {
	set      func(s *session.Session, user string)
	of       func(s *session.Session) (user string)
	sessions func(ctx context.Context, m *session.Manager, user string) ([]*session.Session, error)
	revoke   func(ctx context.Context, m *session.Manager, user string) error
}

var byOwner = listing{
	set: (*session.Session).SetOwner,
	of:  (*session.Session).Owner,
	sessions: func(ctx context.Context, m *session.Manager, user string) ([]*session.Session, error) {
		return m.Sessions(ctx, user)
	},
	revoke: func(ctx context.Context, m *session.Manager, user string) error { return m.RevokeAll(ctx, user) },
}

var byLabel = listing{
	set: func(s *session.Session, user string) { s.SetLabel("user", user) },
	of:  func(s *session.Session) string { return s.Label("user") },
	sessions: func(ctx context.Context, m *session.Manager, user string) ([]*session.Session, error) {
		return m.SessionsBy(ctx, "user", user)
	},
	revoke: func(ctx context.Context, m *session.Manager, user string) error {
		return m.RevokeBy(ctx, "user", user)
	},
}

// listed is the listing of the present test.
var listed = byOwner

// signIn returns the handler of a login as user.
func signIn(user string) func(*session.Session) {
	return func(s *session.Session) {
		s.Renew()
		listed.set(s, user)
		keyA.Set(s, 1)
	}
}

// own returns a handler that makes the session the user's and does nothing else.
func own(user string) func(*session.Session) {
	return func(s *session.Session) { listed.set(s, user) }
}

// member returns a new world and a client that has signed in as ann.
func member(t testing.TB, opts ...func(*session.Config)) (*world, *client) {
	t.Helper()
	w := newWorld(t, opts...)
	c := w.client()
	c.post(signIn("ann")).wantPage(t)
	return w, c
}

// revoked returns what begun does, after it has revoked the session.
func revoked(t *testing.T, opts ...func(*session.Config)) (*world, *client, string) {
	t.Helper()
	w, c, id := begun(t, opts...)
	wantErr(t, w.m.Revoke(t.Context(), id), nil)
	return w, c, id
}

// limit is an option of newWorld.
func limit(n int, refuses bool) func(*session.Config) {
	return func(cfg *session.Config) { cfg.OwnerLimit, cfg.OwnerLimitRefuses = n, refuses }
}

// revokeAll ends the user's sessions.
func (w *world) revokeAll(user string) error { return listed.revoke(context.Background(), w.m, user) }

// sessions returns the user's sessions.
func (w *world) sessions(user string) []*session.Session {
	w.t.Helper()
	sessions, err := listed.sessions(context.Background(), w.m, user)
	if err != nil {
		w.t.Errorf("Sessions(%q): %v", user, err)
	}
	return sessions
}

// publicIDs returns the public IDs of the user's sessions.
func (w *world) publicIDs(user string) (publicIDs []string) {
	w.t.Helper()
	for _, s := range w.sessions(user) {
		publicIDs = append(publicIDs, s.PublicID())
	}
	return publicIDs
}

// wantSessions checks that the user's sessions are those of the clients, in any
// order.
func (w *world) wantSessions(user string, clients ...*client) {
	w.t.Helper()
	var want []string
	for _, c := range clients {
		want = append(want, c.sessionID())
	}
	got := w.publicIDs(user)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s has the sessions %q; want %q", user, got, want)
	}
}

// owner returns the owner of the session that the client's cookie opens.
func (c *client) owner() (user string) {
	c.tab().post(func(s *session.Session) { user = listed.of(s) })
	return user
}

// owners returns the owners of all sessions that are alive, by public ID.
func (w *world) owners() map[string]string {
	w.t.Helper()
	found := map[string]string{}
	for _, sv := range w.savesSince(0) {
		if sv.Format == epochFormat {
			continue
		}
		err := w.m.Update(context.Background(), sv.ID, func(s *session.Session) error {
			found[sv.ID] = listed.of(s)
			return nil
		})
		if err != nil && !errors.Is(err, session.ErrEnded) {
			w.t.Errorf("looking for whose a session is: %v", err)
		}
	}
	maps.DeleteFunc(found, func(_, owner string) bool { return owner == "" })
	return found
}

// wantRevocable checks that every session that is alive is in its owner's list, and that
// RevokeAll leaves none alive.
func (w *world) wantRevocable() {
	w.t.Helper()
	live := w.owners()
	for publicID, owner := range live {
		if !slices.Contains(w.publicIDs(owner), publicID) {
			w.t.Errorf("a session of %s lives and is not listed", owner)
		}
	}
	for _, owner := range live {
		wantErr(w.t, w.revokeAll(owner), nil)
	}
	for _, owner := range w.owners() {
		w.t.Errorf("after RevokeAll a session of %s lives", owner)
	}
}
