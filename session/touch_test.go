package session_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleTouch(t *testing.T) {
	due := 10 * time.Minute

	bubble("that conflicts is dropped", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(due)
		tab := c.tab()
		c.post(func(*session.Session) { tab.post(set("a=7")).wantPage(t) }).wantPage(t)
		c.wantState("a=7")
		if n := len(w.savesSince(1)); n > 2 {
			t.Errorf("%d saves; the touch was tried again", n)
		}
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	for name, meanwhile := range map[string]func(w *world, tab *client, id string){
		"absent":    func(w *world, _ *client, id string) { w.erase(id) },
		"destroyed": func(_ *world, tab *client, _ string) { tab.post(destroy) },
		"renewed":   func(_ *world, tab *client, _ string) { tab.post(renew) },
	} {
		bubble("of a session that is gone ends quietly: "+name, t, func(t *testing.T) {
			w, c, id := begun(t)
			time.Sleep(due)
			a := c.post(func(*session.Session) { meanwhile(w, c.tab(), id) })
			a.wantPage(t)
			a.wantCookies(t, 0)
			c.wantState("empty")
		})
	}

	for name, fault := range map[string]saveHook{
		"broken": dropped,
		"hung": func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"full": refused(provider.ErrFull),
	} {
		bubble("that fails is dropped and logged: "+name, t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(due)
			w.onSave(fault, fault, fault, fault, fault)
			c.post(read(keyA)).wantPage(t)
			w.calm()
			if w.log.String() == "" {
				t.Error("nothing is logged")
			}
			c.wantState("a=1")
		})
	}

	bubble("is no change, at LevelStrict", t, func(t *testing.T) {
		_, c, _ := begun(t, level(session.LevelStrict))
		tab := c.tab()
		time.Sleep(due)
		c.post(func(s *session.Session) {
			keyA.Get(s)
			keyA.Set(s, 2)
			tab.post(read(keyA)) // touches
		}).wantPage(t)
		c.wantState("a=2")
	})

	bubble("does not undo what was set meanwhile", t, func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		time.Sleep(due)
		w.onSave(before(func() { tab.post(set("b=2")) }))
		c.post(read(keyA)).wantPage(t)
		c.wantState("a=1 b=2")
	})

	bubble("and a change are one save", t, func(t *testing.T) {
		w, c, _ := begun(t)
		time.Sleep(due)
		c.post(func(s *session.Session) { keyA.Set(s, 2) }).wantPage(t)
		if n := len(w.savesSince(1)); n != 1 {
			t.Errorf("%d saves; a change is a touch, too", n)
		}
	})

	bubble("does not follow a change, however long the response is", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.handle(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
			s, _ := session.Load(r.Context())
			keyA.Set(s, 2)
			io.WriteString(rw, "page")
			time.Sleep(due)
		}).wantPage(t)
		if n := len(w.savesSince(1)); n != 1 {
			t.Errorf("%d saves of one request", n)
		}
	})
}

func TestRuleTouchAtExactlyTouchInterval(t *testing.T) {
	for idle, trips := range map[time.Duration]int64{6*time.Minute - time.Millisecond: 1, 6 * time.Minute: 2} {
		bubble(idle.String(), t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(idle)
			w.wantTrips(t, trips, func() { c.post(read(keyA)) })
		})
	}
}

func TestTouch(t *testing.T) {
	bubble("extends the session after its request", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		for range 12 {
			time.Sleep(30 * time.Minute)
			w.wantTrips(t, 2, func() { wantErr(t, s.Touch(t.Context()), nil) })
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
		w.wantTrips(t, 2+2, func() { wantErr(t, s.Touch(t.Context()), nil) }) // two for the session, a read and a write of the index
		w.wantSessions("ann", c)
	})

	bubble("takes one trip where little of the idle window is used up", t, func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		before := w.stored(id).Version
		time.Sleep(5 * time.Minute)
		w.wantTrips(t, 1, func() { wantErr(t, s.Touch(t.Context()), nil) })
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

// A websocket's handler that learns from an Update that its session has ended has lost no
// change, and the log reports none.
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

// The context of a Touch does not bound it, as that of a Save does not.
func TestTouchOfAVisitorWhoHasLeft(t *testing.T) {
	_, c, _ := begun(t)
	s := loaded(c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, s.Touch(ctx), nil)
}

// If a Touch has waited in the queue and the session cannot be read then, the session has
// not ended.
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
			w.onFetch(read, failing, failing, failing, failing) // the first one reads back
		}), pass)
		wantErr(t, s.Touch(t.Context()), session.ErrUnavailable)
		(<-done).wantPage(t)
		w.calm()
		wantErr(t, s.Touch(t.Context()), nil)
	})
}
