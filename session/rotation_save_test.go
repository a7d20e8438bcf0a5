package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRotationCannotFailARequest(t *testing.T) {
	for name, fault := range map[string]saveHook{
		"the save never arrives": dropped,
		"the store is full":      refused(provider.ErrFull),
		"its answer is lost":     landed,
	} {
		bubble(name, t, func(t *testing.T) {
			w, c, _ := begun(t, rotating)
			time.Sleep(rotateInterval)
			w.onSave(fault)
			c.visit(t, 0, 1)
			time.Sleep(graceIsOver)
			c.visit(t, 1, 1)
			time.Sleep(confirmedAfter)
			w.onSave(fault)
			c.visit(t, 0, 1)
			time.Sleep(time.Second)
			c.get(read(keyA)).wantPage(t)
			c.wantState("a=1")
			if w.log.has(slog.LevelError) {
				t.Error(w.log.String())
			}
		})
	}
	bubble("a request that only reads is rotated on top of what others have saved first", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		other := c.tab().at(w.manager()) // an instance without rotation
		w.onSave(before(func() { other.post(set("a=2")).wantPage(t) }), pass, before(func() { other.post(set("a=3")).wantPage(t) }))
		old := c.tab()
		a := c.get(read(keyA))
		a.wantPage(t)
		a.wantCookies(t, 1)
		time.Sleep(confirmedAfter)
		w.onSave(before(func() { other.post(set("b=4")).wantPage(t) }))
		c.get(read(keyA)).wantCookies(t, 0)
		time.Sleep(graceIsOver)
		c.wantState("a=3 b=4")
		old.wantState("empty")
	})
	bubble("a request that goes on after it reads what it has loaded", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		other := c.tab().at(w.manager())
		w.onSave(before(func() { other.post(set("a=2")).wantPage(t) }))
		c.handle(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			a, _ := keyA.Get(s)
			if a != 1 {
				t.Errorf("a is %d after the header", a)
			}
			keyA.Set(s, a+1)
			wantErr(t, s.Save(t.Context()), session.ErrConflict)
		}).wantCookies(t, 1)
		c.wantState("a=2")
	})
	bubble("a request does not rotate a session that has ended meanwhile", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		other := c.tab()
		w.onSave(before(func() { other.post(func(s *session.Session) { s.Destroy() }).wantPage(t) }))
		a := c.get(read(keyA))
		a.wantPage(t)
		a.wantCookies(t, 0)
		c.wantState("empty")
	})
	bubble("of requests that confirm an index at once, one saves it", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		c.rotate(t)
		time.Sleep(confirmedAfter)
		w.onSave(before(func() { c.visit(t, 0, 0) }))
		before := w.store.Saves.Load()
		c.tab().get(read(keyA)).wantPage(t)
		if n := w.store.Saves.Load() - before; n != 1 {
			t.Errorf("%d saves", n)
		}
	})
	bubble("a request gives up after some conflicts", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		w.onSave(slices.Repeat([]saveHook{refused(provider.ErrVersionConflict)}, 4)...)
		c.visit(t, 0, 4)
		c.visit(t, 1, 1)
	})
	bubble("a request does not rotate what another one has rotated first", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		other := c.tab().at(w.manager(rotating))
		w.onSave(before(func() { other.visit(t, 1, 1) }))
		c.visit(t, 0, 2)
	})
	bubble("a change whose answer is lost is read back, and sends the cookie", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		before := c.tab()
		w.onSave(landed)
		a := c.post(set("a=2"))
		a.wantPage(t)
		a.wantCookies(t, 1)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		time.Sleep(graceIsOver)
		before.wantState("empty")
	})
	bubble("the cookie of a save that took long is not sent", t, func(t *testing.T) {
		for _, use := range []func(s *session.Session){read(keyA), set("a=2")} {
			w, c, _ := begun(t, rotating, func(cfg *session.Config) { cfg.StoreTimeout = 2 * patience })
			time.Sleep(rotateInterval)
			slow := before(func() { time.Sleep(strictWindow + time.Millisecond) })
			w.onSave(slow)
			a := c.post(use)
			a.wantPage(t)
			a.wantCookies(t, 0)
			time.Sleep(graceIsOver)
			c.visit(t, 1, 1)
		}
	})
	bubble("a change that fails sends no cookie", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		w.onSave(refused(provider.ErrFull))
		a := c.post(set("a=2"))
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		a.wantCookies(t, 0)
		c.visit(t, 1, 1)
	})
	bubble("a change that meets a rotation goes on top of it, and sends no cookie", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		other := c.tab()
		w.onSave(before(func() { other.at(w.manager(rotating)).post(set("b=1")).wantCookies(t, 1) }))
		a := c.post(set("a=2"))
		a.wantPage(t)
		a.wantCookies(t, 0)
		c.wantState("a=2 b=1")
	})
}

func TestRuleRotationIsKeptByOtherSaves(t *testing.T) {
	for name, save := range map[string]func(t *testing.T, w *world, c *client, id string){
		"a change": func(t *testing.T, _ *world, c *client, _ string) { c.post(set("b=1")).wantPage(t) },
		"Session.Update": func(t *testing.T, _ *world, c *client, _ string) {
			c.post(func(s *session.Session) { wantErr(t, s.Update(t.Context(), setting("b=1")), nil) })
		},
		"Manager.Update": func(t *testing.T, w *world, _ *client, id string) {
			wantErr(t, w.m.Update(t.Context(), id, setting("b=1")), nil)
		},
		"a lease": func(t *testing.T, _ *world, c *client, _ string) {
			c.post(func(s *session.Session) {
				_, err := keyA.Refresh(t.Context(), s, is(1), func(context.Context, int) (int, error) { return 2, nil })
				wantErr(t, err, nil)
			})
		},
		"SetOwner": func(t *testing.T, _ *world, c *client, _ string) { c.post(own("ann")).wantPage(t) },
		"an instance without rotation": func(t *testing.T, w *world, c *client, _ string) {
			c.at(w.manager()).post(set("b=1")).wantCookies(t, 0)
		},
	} {
		bubble(name, t, func(t *testing.T) {
			w, c, before, id := rotated(t)
			save(t, w, c, id)
			time.Sleep(graceIsOver)
			before.wantState("empty")
		})
	}
}

func TestRotationEvents(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		var o watcher
		_, c, id := begun(t, rotating, o.option)
		o.want(t, o.ops()...)
		time.Sleep(rotateInterval)
		c.get(read(keyA))
		for _, e := range o.want(t, "load ok", "rotate ok", "touch ok") {
			if e.PublicID != id {
				t.Errorf("%+v", e)
			}
		}
		time.Sleep(confirmedAfter)
		c.get(read(keyA))
		o.want(t, "load ok", "touch ok")
		time.Sleep(rotateInterval)
		c.post(set("a=2"))
		o.want(t, "load ok", "rotate ok", "save ok")
	})
}

func TestTokenOfCommitIsTheNewOne(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		old := c.jar["session"]
		open := func(token string) *session.Session {
			s, err := w.m.Open(t.Context(), token)
			wantErr(t, err, nil)
			return s
		}
		commit := func(s *session.Session, changed bool) session.Token {
			token, err := s.Commit(t.Context())
			wantErr(t, err, nil)
			if token.Changed != changed {
				t.Errorf("changed: %t", token.Changed)
			}
			return token
		}
		time.Sleep(rotateInterval)
		s := open(old)
		token := commit(s, true)
		if token.Value == old {
			t.Error("the token is the old one")
		}
		s.Persist(day) // of a later commit of the same Session
		if again := commit(s, true); again.MaxAge != day {
			t.Errorf("kept for %v", again.MaxAge)
		}
		time.Sleep(confirmedAfter)
		commit(open(token.Value), false)
		time.Sleep(graceIsOver)
		if a, ok := keyA.Get(open(old)); ok {
			t.Errorf("the old token shows %d", a)
		}
	})
}
