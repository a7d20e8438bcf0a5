package session_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestPassive(t *testing.T) {
	look := func(_ http.ResponseWriter, r *http.Request) {
		if s, err := session.Load(r.Context()); err == nil {
			keyA.Get(s)
		}
	}
	handed := func(w http.ResponseWriter, r *http.Request, s *session.Session) { look(w, r) }
	for name, wrap := range map[string]func(m *session.Manager) http.Handler{
		"around Handler":      func(m *session.Manager) http.Handler { return m.Passive(m.Handler(http.HandlerFunc(look))) },
		"inside Handler":      func(m *session.Manager) http.Handler { return m.Handler(m.Passive(http.HandlerFunc(look))) },
		"around HandlerFunc":  func(m *session.Manager) http.Handler { return m.Passive(m.HandlerFunc(handed)) },
		"around Replay":       func(m *session.Manager) http.Handler { return m.Passive(m.Replay(http.HandlerFunc(look))) },
		"inside Replay":       func(m *session.Manager) http.Handler { return m.Replay(m.Passive(http.HandlerFunc(look))) },
		"between two":         func(m *session.Manager) http.Handler { return m.Handler(m.Passive(m.HandlerFunc(handed))) },
		"around two":          func(m *session.Manager) http.Handler { return m.Passive(m.Handler(m.HandlerFunc(handed))) },
		"after it was loaded": func(m *session.Manager) http.Handler { return m.Handler(loadFirst(m.Passive(http.HandlerFunc(look)))) },
		"around a ServeMux": func(m *session.Manager) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("GET /", m.HandlerFunc(handed))
			return m.Passive(mux)
		},
	} {
		bubble("polling does not keep a session: "+name, t, func(t *testing.T) {
			w, c, id := begun(t)
			before := w.stored(id)
			poll := wrap(w.m)
			for range 11 {
				time.Sleep(5 * time.Minute)
				if n := w.trips(func() { c.serve(poll, request("GET", "")).wantPage(t) }); n != 1 {
					t.Errorf("%d trips", n)
				}
			}
			if rec := w.stored(id); rec == nil || rec.Version != before.Version {
				t.Error("the session was saved")
			}
			time.Sleep(5 * time.Minute)
			c.wantState("empty")
		})
	}

	bubble("other requests keep it", t, func(t *testing.T) {
		_, c, _ := begun(t)
		for range 12 {
			time.Sleep(10 * time.Minute)
			c.handle("GET", look).wantPage(t)
		}
		c.wantState("a=1")
	})

	// passively sends a request of a passive handler.
	passively := func(c *client, fn func(*session.Session)) *answer {
		return c.serve(c.m.Passive(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) })), request("POST", ""))
	}

	bubble("a change is saved, and the times stay", t, func(t *testing.T) {
		w, c := member(t)
		id := c.sessionID()
		before := loaded(c)
		for i := range 3 {
			time.Sleep(19 * time.Minute)
			passively(c, func(s *session.Session) { keyB.Set(s, i) }).wantPage(t)
		}
		after := w.stored(id)
		info, err := session.Inspect(after)
		wantErr(t, err, nil)
		if !after.ExpiresAt.Equal(before.ExpiresAt()) || !info.LastSeenAt.Equal(before.LastSeenAt()) || info.Commits < 3 {
			t.Errorf("expires %v, seen %v; want %v, %v", after.ExpiresAt, info.LastSeenAt, before.ExpiresAt(), before.LastSeenAt())
		}
	})

	bubble("a user who is seen there is not noted as such", t, func(t *testing.T) {
		_, c := member(t)
		before := loaded(c).LastSeenAt()
		time.Sleep(30 * time.Minute)
		passively(c, func(s *session.Session) {
			if !s.LastSeenAt().Equal(before) {
				t.Errorf("seen at %v, want %v", s.LastSeenAt(), before)
			}
		}).wantPage(t)
	})

	bubble("what another request has extended stays so", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(30 * time.Minute)
		passively(c, func(s *session.Session) {
			keyB.Set(s, 2)
			c.tab().post(func(s *session.Session) { keyC.Set(s, 3) }).wantPage(t)
		}).wantPage(t)
		if left := time.Until(w.stored(id).ExpiresAt); left != time.Hour {
			t.Errorf("it ends in %v", left)
		}
		c.wantState("a=1 b=2 c=3")
	})

	for name, do := range map[string]func(*session.Session){
		"a session that begins has all of its time": func(s *session.Session) { s.Destroy(); keyA.Set(s, 1) },
		"Renew restarts the time":                   func(s *session.Session) { s.Renew() },
		"Persist is heard":                          func(s *session.Session) { s.Persist(time.Hour) },
		"Touch extends":                             func(s *session.Session) { wantErr(t, s.Touch(t.Context()), nil) },
	} {
		bubble(name, t, func(t *testing.T) {
			_, c, _ := begun(t)
			time.Sleep(30 * time.Minute)
			passively(c, do).wantPage(t)
			passively(c, func(s *session.Session) { // which does not extend it
				if left := time.Until(s.ExpiresAt()); left != time.Hour {
					t.Errorf("it ends in %v", left)
				}
			}).wantPage(t)
		})
	}

	bubble("another Manager's session is used", t, func(t *testing.T) {
		w, c, id := begun(t)
		other := w.manager(func(cfg *session.Config) { cfg.Cookie.Name = "other" })
		time.Sleep(30 * time.Minute)
		c.serve(other.Passive(w.m.Handler(http.HandlerFunc(look))), request("GET", "")).wantPage(t)
		if left := time.Until(w.stored(id).ExpiresAt); left != time.Hour {
			t.Errorf("it ends in %v", left)
		}
	})
}

// loadFirst loads the session before next does.
func loadFirst(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = session.Load(r.Context())
		next.ServeHTTP(w, r)
	})
}

func TestTouch(t *testing.T) {
	bubble("extends the session after its request", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		for range 12 {
			time.Sleep(30 * time.Minute)
			if n := w.trips(func() { wantErr(t, s.Touch(t.Context()), nil) }); n != 2 {
				t.Errorf("%d trips", n)
			}
			if left := time.Until(w.stored(id).ExpiresAt); left != time.Hour || time.Until(s.ExpiresAt()) != left {
				t.Errorf("it ends in %v; ExpiresAt says %v", left, time.Until(s.ExpiresAt()))
			}
		}
		if !s.LastSeenAt().Equal(time.Now()) {
			t.Errorf("seen at %v", s.LastSeenAt())
		}
		c.wantState("a=1")
	})

	bubble("lists the session of a user again whose list was lost", t, func(t *testing.T) {
		w, c := member(t)
		s := loaded(c)
		w.erase(w.index())
		time.Sleep(30 * time.Minute)
		if n := w.trips(func() { wantErr(t, s.Touch(t.Context()), nil) }); n != 4 {
			t.Errorf("%d trips; want 2, and a read and a write of the list", n)
		}
		w.wantSessions("ann", c)
	})

	bubble("takes one trip where little of the idle window is used up", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		before := w.stored(id).Version
		time.Sleep(5 * time.Minute)
		if n := w.trips(func() { wantErr(t, s.Touch(t.Context()), nil) }); n != 1 {
			t.Errorf("%d trips", n)
		}
		if w.stored(id).Version != before {
			t.Error("it was saved")
		}
	})

	bubble("tells what another request has extended it to", t, func(t *testing.T) {
		_, c, _ := begun(t)
		s := loaded(c)
		time.Sleep(30 * time.Minute)
		c.post(set("a=2")).wantPage(t)
		wantErr(t, s.Touch(t.Context()), nil)
		if left := time.Until(s.ExpiresAt()); left != time.Hour {
			t.Errorf("ExpiresAt says %v", left)
		}
		if v, _ := keyA.Get(s); v != 1 {
			t.Errorf("a is %d", v)
		}
		wantErr(t, s.Update(t.Context(), setting("b=2")), nil)
		c.wantState("a=2 b=2")
	})

	bubble("does not extend it beyond its lifetime", t, func(t *testing.T) {
		_, c, _ := begun(t)
		s := loaded(c)
		for range 24 * 4 {
			time.Sleep(15 * time.Minute)
			if time.Until(s.ExpiresAt()) <= 0 {
				break
			}
			wantErr(t, s.Touch(t.Context()), nil)
		}
		wantErr(t, s.Touch(t.Context()), session.ErrEnded)
		c.wantState("empty")
	})

	for name, end := range map[string]func(w *world, c *client){
		"destroyed": func(w *world, c *client) { c.post(destroy) },
		"renewed":   func(w *world, c *client) { c.post(renew) },
		"revoked":   func(w *world, c *client) { wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil) },
		"expired":   func(*world, *client) { time.Sleep(2 * time.Hour) },
		"absent":    func(w *world, c *client) { w.erase(c.sessionID()) },
	} {
		bubble("is ErrEnded of a session that is "+name, t, func(t *testing.T) {
			w, c, _ := begun(t)
			s := loaded(c)
			end(w, c)
			wantErr(t, s.Touch(t.Context()), session.ErrEnded)
		})
	}

	t.Run("is ErrEnded of a session that is not stored", func(t *testing.T) {
		newWorld(t).client().post(func(s *session.Session) {
			wantErr(t, s.Touch(t.Context()), session.ErrEnded)
			keyA.Set(s, 1)
		}).wantPage(t)
	})

	bubble("is ErrEnded where it is ended meanwhile", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		time.Sleep(30 * time.Minute)
		w.onSave(before(func() { wantErr(t, w.m.Revoke(t.Context(), id), nil) }))
		wantErr(t, s.Touch(t.Context()), session.ErrEnded)
	})

	bubble("fails with the store", t, func(t *testing.T) {
		w, c, _ := begun(t)
		s := loaded(c)
		w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...)
		wantErr(t, s.Touch(t.Context()), session.ErrUnavailable)
		w.calm()
		time.Sleep(30 * time.Minute)
		w.onSave(slices.Repeat([]saveHook{refused(provider.ErrTooLarge)}, 10)...)
		wantErr(t, s.Touch(t.Context()), session.ErrTooLarge)
	})

	bubble("a touch whose acknowledgement was lost has landed", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		time.Sleep(30 * time.Minute)
		w.onSave(landed)
		wantErr(t, s.Touch(t.Context()), nil)
		if left := time.Until(w.stored(id).ExpiresAt); left != time.Hour {
			t.Errorf("it ends in %v", left)
		}
	})

	bubble("extends what another request has saved meanwhile without extending it", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		time.Sleep(30 * time.Minute)
		passive := w.m.Passive(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyB.Set(s, 2) }))
		w.onSave(before(func() { c.serve(passive, request("POST", "")).wantPage(t) }))
		wantErr(t, s.Touch(t.Context()), nil)
		if left := time.Until(w.stored(id).ExpiresAt); left != time.Hour {
			t.Errorf("it ends in %v", left)
		}
		c.wantState("a=1 b=2")
	})

	for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		bubble("is in the way of nothing that the request has read or changed, level "+[]string{"merge", "serializable", "strict"}[level], t, func(t *testing.T) {
			_, c, _ := begun(t, func(cfg *session.Config) { cfg.Isolation = level })
			time.Sleep(30 * time.Minute)
			c.post(func(s *session.Session) {
				n, _ := keyA.Get(s)
				keyA.Set(s, n+1)
				keyB.Update(s, increment)
				wantErr(t, s.Touch(t.Context()), nil)
				if n, _ := keyA.Get(s); n != 2 {
					t.Errorf("a is %d", n)
				}
			}).wantPage(t)
			c.wantState("a=2 b=1")
		})
	}

	bubble("is observed where it saves or fails", t, func(t *testing.T) {
		var o watcher
		_, c, id := begun(t, o.option)
		s := loaded(c)
		o.events = nil
		wantErr(t, s.Touch(t.Context()), nil)
		time.Sleep(30 * time.Minute)
		wantErr(t, s.Touch(t.Context()), nil)
		if events := o.want(t, "touch ok"); events[0].PublicID != id {
			t.Errorf("got %+v", events[0])
		}
		c.post(destroy)
		o.events = nil
		wantErr(t, s.Touch(t.Context()), session.ErrEnded)
		o.want(t, "touch ended")
	})
}

// A websocket's handler that has been told by an Update that its session is gone has
// lost nothing that the log is to tell of.
func TestAFailedUpdateWithoutChangesIsNotLogged(t *testing.T) {
	w, c, id := begun(t)
	c.send(http.MethodGet, func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
		_ = http.NewResponseController(rw).Flush()
		wantErr(t, w.m.Revoke(r.Context(), id), nil)
		wantErr(t, s.Update(r.Context(), func(*session.Session) error { return nil }), session.ErrEnded)
		wantErr(t, s.Touch(r.Context()), session.ErrEnded)
	})
	if w.log.has(0) {
		t.Errorf("logged %q", w.log.String())
	}
}

// The context of a Touch bounds it no more than that of a Save does.
func TestTouchOfAVisitorWhoHasLeft(t *testing.T) {
	_, c, _ := begun(t)
	s := loaded(c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, s.Touch(ctx), nil)
}

// The session of a Touch that has queued up behind others and then cannot be read has not
// ended.
func TestTouchThatCannotReadAgainIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.TouchInterval = 1 })
		s := loaded(c)
		first, second, third := c.tab(), c.tab(), c.tab()
		hang := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		done := make(chan *answer, 1)
		w.onSave(before(func() { second.post(add(keyB, 1)).wantPage(t) }), pass, hang)
		go func() { done <- first.post(add(keyA, 1)) }() // it conflicts and keeps its place
		synctest.Wait()
		time.Sleep(time.Second)

		w.onSave(before(func() {
			third.post(add(keyB, 1)).wantPage(t)
			read := func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
				return next(ctx, id)
			}
			w.onFetch(read, failing, failing, failing, failing) // the one that is first reads back
		}), pass)
		wantErr(t, s.Touch(t.Context()), session.ErrUnavailable)
		(<-done).wantPage(t)
		w.calm()
		wantErr(t, s.Touch(t.Context()), nil)
	})
}
