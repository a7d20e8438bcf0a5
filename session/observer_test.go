package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// watcher is an Observer that keeps the events, as "op outcome", and apart from them those
// of the life of sessions.
type watcher struct {
	mu     sync.Mutex
	events []session.Event
	life   []session.Event // OpCreate and OpEnd
}

func (o *watcher) option(cfg *session.Config) {
	cfg.Observer = func(ctx context.Context, e session.Event) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if ctx == nil || e.Start.IsZero() || e.Duration < 0 {
			panic(fmt.Sprintf("%+v", e))
		}
		if e.Op == session.OpCreate || e.Op == session.OpEnd {
			o.life = append(o.life, e)
			return
		}
		o.events = append(o.events, e)
	}
}

// want checks the events since it was last called, and returns them.
func (o *watcher) want(t *testing.T, want ...string) []session.Event {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	var got []string
	for _, e := range events {
		got = append(got, string(e.Op)+" "+string(e.Outcome()))
	}
	if !slices.Equal(got, want) {
		t.Errorf("observed %q; want %q", got, want)
	}
	return events
}

func TestObserver(t *testing.T) {
	each := func(name string, level session.Isolation, test func(t *testing.T, w *world, o *watcher)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o watcher
				w := newWorld(t, o.option, func(cfg *session.Config) { cfg.Isolation = level })
				test(t, w, &o)
			})
		})
	}
	each("an anonymous visitor is none", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		w.client().post(func(s *session.Session) { keyA.Get(s) })
		o.want(t)
	})
	each("a session's life", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		created := o.want(t, "save ok")
		if created[0].PublicID != c.sessionID() || created[0].Attempts != 1 {
			t.Errorf("got %+v", created[0])
		}
		o.want(t, "load ok")
		old := c.tab()
		c.post((*session.Session).Renew)
		o.want(t, "load ok", "renew ok")
		old.post(func(s *session.Session) { keyA.Set(s, 2) })
		o.want(t, "load ended", "save ended")
		time.Sleep(30 * time.Minute)
		c.post(func(s *session.Session) { keyA.Get(s) })
		o.want(t, "load ok", "touch ok")
		id := c.sessionID()
		o.want(t, "load ok")
		c.post((*session.Session).Destroy)
		if events := o.want(t, "load ok", "destroy ok"); events[1].PublicID != id {
			t.Errorf("got %+v, want the public ID %s", events[1], id)
		}
	})
	each("a cookie of no session", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		w.erase(c.sessionID())
		o.want(t, "save ok", "load ok")
		c.post(func(*session.Session) {})
		if events := o.want(t, "fault ok", "load none"); events[0].Fault != session.FaultVanished {
			t.Errorf("got %+v", events[0])
		}
	})
	each("a merge, a conflict, a replay", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1 b=1"))
		o.want(t, "save ok")
		c.post(func(s *session.Session) {
			c.tab().post(set("a=2"))
			keyB.Set(s, 5)
		})
		if events := o.want(t, "load ok", "load ok", "save ok", "save merged"); events[3].Attempts != 2 {
			t.Errorf("got %+v", events[3])
		}
		increment := func(s *session.Session) {
			v, _ := keyA.Get(s)
			if v == 2 {
				c.tab().post(set("a=3"))
			}
			keyA.Set(s, v+1)
		}
		c.post(increment).wantError(t, 409, session.ErrConflict)
		o.want(t, "load ok", "load ok", "save ok", "save conflict")
		c.post(set("a=2"))
		o.want(t, "load ok", "save ok")
		c.get(increment).wantPage(t)
		o.want(t, "load ok", "load ok", "save ok", "save conflict", "replay ok", "save ok")
	})
	each("an Update that runs again", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		id, first := c.sessionID(), true
		o.want(t, "save ok", "load ok")
		wantErr(t, w.m.Update(t.Context(), id, func(s *session.Session) error {
			if first {
				first = false
				c.tab().post(set("b=1"))
			}
			keyA.Set(s, 2)
			return nil
		}), nil)
		o.want(t, "load ok", "save ok", "replay ok", "save ok")
	})
	each("faults", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		o.want(t, "save ok")
		w.onFetch(failing)
		c.post(set("a=2"))
		if events := o.want(t, "load unavailable"); !errors.Is(events[0].Err, errBroken) {
			t.Errorf("got %+v", events[0])
		}
		visitor, hangUp := context.WithCancel(t.Context())
		c.serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.Renew()
			hangUp()
		}), httptest.NewRequestWithContext(visitor, http.MethodPost, "/", nil))
		o.want(t, "load ok", "renew canceled")
		w.onSave(dropped, dropped, dropped, dropped)
		c.post(set("a=2"))
		o.want(t, "load ok", "save unknown")
		c.post(func(s *session.Session) { session.NewKey[[]string]("a").Get(s) })
		if events := o.want(t, "load ok", "undecodable unreadable"); events[1].Key != "a" {
			t.Errorf("got %+v", events[1])
		}
		c.post(func(s *session.Session) { session.NewKey[[]byte]("c").Set(s, make([]byte, 100_000)) })
		o.want(t, "load ok", "save refused")
		time.Sleep(30 * time.Minute)
		w.onSave(dropped)
		c.post(func(*session.Session) {})
		if events := o.want(t, "load ok", "touch unavailable"); !errors.Is(events[1].Err, errBroken) {
			t.Errorf("got %+v", events[1])
		}
	})
	each("what comes to nothing", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(func(s *session.Session) { session.NewKey[any]("a").Set(s, func() {}) })
		o.want(t, "save refused")
		c.post((*session.Session).Destroy)
		o.want(t)
		c.post(set("a=1"))
		id := c.sessionID()
		o.want(t, "save ok", "load ok")
		w.onFetch(failing, failing, failing, failing)
		wantErr(t, w.m.Update(t.Context(), id, func(*session.Session) error { return nil }), session.ErrUnavailable)
		o.want(t, "save unavailable")
		wantErr(t, w.m.Update(t.Context(), "unknown", func(*session.Session) error { return nil }), session.ErrEnded)
		o.want(t, "save ended")
	})
	each("what was dropped", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		var kept *session.Session
		c.post(func(s *session.Session) { kept = s; keyA.Set(s, 1) })
		o.want(t, "save ok")
		keyA.Set(kept, 2)
		o.want(t)
		wantErr(t, kept.Save(t.Context()), session.ErrRequestDone)
		wantErr(t, kept.Update(t.Context(), setting("a=3")), session.ErrRequestDone)
		if events := o.want(t, "save dropped", "save dropped"); events[0].PublicID != c.sessionID() {
			t.Errorf("got %+v", events[0])
		}
		o.want(t, "load ok")
		c.post(func(s *session.Session) {
			kept = s
			keyA.Get(s)
			c.tab().post(set("a=7"))
			keyA.Set(s, 2)
		})
		o.want(t, "load ok", "load ok", "save ok", "save conflict")
		wantErr(t, kept.Save(t.Context()), session.ErrConflict)
		o.want(t, "save dropped")
	})
	each("revocation", session.LevelMerge, func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(signIn("ann"))
		o.want(t, "renew ok")
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		o.want(t, "revoke ok")
	})
}

// A tracer may load the session to learn more about it.
func TestObserverMayLoad(t *testing.T) {
	var seen int
	w := newWorld(t, func(cfg *session.Config) {
		cfg.Observer = func(ctx context.Context, e session.Event) {
			if s, err := session.Load(ctx); e.Op == session.OpLoad && err == nil {
				seen, _ = keyA.Get(s)
			}
		}
	})
	c := w.client()
	c.post(set("a=7"))
	c.post(func(s *session.Session) { keyA.Get(s) })
	if seen != 7 {
		t.Errorf("got %d", seen)
	}
}
