package session_test

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// wantLife checks the creations and ends of sessions since it was last called, and returns
// the events.
func (o *watcher) wantLife(t *testing.T, want ...session.Event) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.life
	o.life = nil
	for i := range got {
		got[i].Start = time.Time{}
	}
	if !slices.Equal(got, want) {
		t.Errorf("observed %+v; want %+v", got, want)
	}
}

func created(id, owner string) session.Event {
	return session.Event{Op: session.OpCreate, PublicID: id, Owner: owner}
}

func ended(id, owner string, why session.EndReason) session.Event {
	return session.Event{Op: session.OpEnd, PublicID: id, Owner: owner, EndReason: why}
}

func TestRuleObserverOfLife(t *testing.T) {
	observed := func(rule string, test func(t *testing.T, w *world, o *watcher), opts ...func(*session.Config)) {
		bubble(rule, t, func(t *testing.T) {
			var o watcher
			test(t, newWorld(t, append(opts, o.option)...), &o)
		})
	}
	observed("a session is created once it is stored", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(read(keyA))
		o.wantLife(t)
		c.post(set("a=1"))
		o.wantLife(t, created(c.sessionID(), ""))
		c.post(set("a=2"))
		o.wantLife(t)
	})
	observed("a sign-in without a session creates one, with its owner", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(signIn("ann"))
		o.wantLife(t, created(c.sessionID(), "ann"))
	})
	observed("Renew ends a session, which goes on as its successor", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		old := c.sessionID()
		o.wantLife(t, created(old, ""))
		c.post(signIn("ann"))
		want := ended(old, "", session.EndRenewed)
		want.Successor = c.sessionID()
		o.wantLife(t, want)
		old = c.sessionID()
		c.post(renew)
		want = ended(old, "ann", session.EndRenewed)
		want.Successor = c.sessionID()
		o.wantLife(t, want)
	})
	observed("Destroy ends the session", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(signIn("ann"))
		id := c.sessionID()
		o.wantLife(t, created(id, "ann"))
		tab := c.tab()
		c.post(destroy)
		o.wantLife(t, ended(id, "ann", session.EndDestroyed))
		tab.post(destroy)
		o.wantLife(t)
	})
	observed("Revoke, RevokeAll and RevokeOthers end sessions", func(t *testing.T, w *world, o *watcher) {
		c, other := w.client(), w.client()
		for _, revoke := range []func() error{
			func() error { return w.m.Revoke(t.Context(), c.sessionID()) },
			func() error { return w.m.RevokeAll(t.Context(), "ann") },
			func() error {
				other.post(signIn("ann"))
				o.wantLife(t, created(other.sessionID(), "ann"))
				return w.m.RevokeOthers(t.Context(), loaded(other))
			},
		} {
			c = w.client()
			c.post(signIn("ann"))
			id := c.sessionID()
			o.wantLife(t, created(id, "ann"))
			wantErr(t, revoke(), nil)
			o.wantLife(t, ended(id, "ann", session.EndRevoked))
		}
	})
	observed("a sign-in above OwnerLimit ends the oldest session", func(t *testing.T, w *world, o *watcher) {
		c, next := w.client(), w.client()
		c.post(signIn("ann"))
		id := c.sessionID()
		o.wantLife(t, created(id, "ann"))
		time.Sleep(time.Second)
		next.post(signIn("ann"))
		o.wantLife(t, ended(id, "ann", session.EndLimit), created(next.sessionID(), "ann"))
	}, limit(1, false))
	observed("a new session ends those whose cookies came with it", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		revoked := c.sessionID()
		wantErr(t, w.m.Revoke(t.Context(), revoked), nil)
		tab := c.tab()
		c.post(set("b=1"))
		begun := c.sessionID()
		o.wantLife(t, created(revoked, ""), ended(revoked, "", session.EndRevoked), created(begun, ""))
		tab.post(signIn("ann"))
		o.wantLife(t, ended(begun, "", session.EndReplaced), created(tab.sessionID(), "ann"))
	})
	observed("a session that is missed is reported once", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		id := c.sessionID()
		o.wantLife(t, created(id, ""))
		w.erase(id)
		c.post(read(keyA))
		c.post(read(keyA))
		o.wantLife(t, ended(id, "", session.EndMissing))
	})
	observed("a session over a Lifetime that was shortened is reported once, with its owner", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(signIn("ann"))
		id := c.sessionID()
		o.wantLife(t, created(id, "ann"))
		c.m = w.manager(o.option, func(cfg *session.Config) { cfg.Lifetime, cfg.IdleTimeout = time.Minute, time.Minute })
		time.Sleep(time.Minute)
		c.post(read(keyA))
		c.post(read(keyA))
		o.wantLife(t, ended(id, "ann", session.EndExpired))
	})
	t.Run("nothing is reported of a commit that fails", func(t *testing.T) {
		var o watcher
		w := newWorld(t, o.option)
		c := w.client()
		c.post(set("a=1"))
		id := c.sessionID()
		o.wantLife(t, created(id, ""))
		w.onSave(dropped, dropped, dropped, dropped, dropped)
		c.post(destroy)
		o.wantLife(t)
	})
}

// removeExpired makes the store remove the expired records of every shard.
func removeExpired(t *testing.T, store *memory.Provider) {
	t.Helper()
	for i := range 4000 {
		rec := &provider.Record{ID: string(rune(0x4e00 + i)), Version: 1, Format: "other"}
		if err := store.Save(t.Context(), rec, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRuleObserverOfExpiredSessions(t *testing.T) {
	bubble("the provider tells of an expired session, with its owner", t, func(t *testing.T) {
		var o watcher
		store, cfg := memory.New(), session.Config{}
		o.option(&cfg)
		m := newManager(t, store, cfg)
		var id string
		cookieAfter(t, m, nil, func(s *session.Session) {
			s.SetOwner("ann")
			wantErr(t, s.Save(t.Context()), nil)
			id = s.PublicID()
		})
		o.wantLife(t, created(id, "ann"))
		time.Sleep(time.Hour)
		removeExpired(t, store)
		runtime.KeepAlive(m) // a Manager that is not in use is told of nothing
		o.wantLife(t, ended(id, "ann", session.EndExpired))
	})
	bubble("it tells of no tombstone, of no list of sessions, and of nothing of another format", t, func(t *testing.T) {
		var o watcher
		store, cfg := memory.New(), session.Config{}
		o.option(&cfg)
		m := newManager(t, store, cfg)
		cookie := cookieAfter(t, m, nil, func(s *session.Session) { s.SetOwner("ann") })
		serveOne(m, cookie, destroy)
		rec := &provider.Record{ID: "other", Version: 1, ExpiresAt: time.Now().Add(time.Minute), Format: "other", Data: []byte{2}}
		wantErr(t, store.Save(t.Context(), rec, 0), nil)
		o.life = nil
		time.Sleep(1000 * time.Hour)
		removeExpired(t, store)
		o.wantLife(t)
	})
}

// listening is a provider that counts who listens for expired records.
type listening struct {
	*memory.Provider
	count atomic.Int64
}

func (l *listening) OnExpired(func(*provider.Record)) (stop func()) {
	l.count.Add(1)
	return func() { l.count.Add(-1) }
}

// A Manager needs no closing, and the provider may outlive it.
func TestManagerThatIsGoneListensNoMore(t *testing.T) {
	store := &listening{Provider: memory.New()}
	newManager(t, store, session.Config{})
	if store.count.Load() != 0 {
		t.Error("a Manager without an Observer listens")
	}
	m := newManager(t, store, session.Config{Observer: func(context.Context, session.Event) {}})
	runtime.GC()
	if n := store.count.Load(); n != 1 {
		t.Fatalf("%d listen", n)
	}
	runtime.KeepAlive(m)
	storetest.Eventually(t, "nobody listens", func() bool {
		runtime.GC()
		return store.count.Load() == 0
	})
}
