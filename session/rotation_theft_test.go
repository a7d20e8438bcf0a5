package session_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleTheft(t *testing.T) {
	bubble("whoever comes with the old cookie, the session ends for both", t, func(t *testing.T) {
		var o watcher
		w, c, thief, id := rotated(t, o.option)
		o.wantLife(t, created(id, ""))
		time.Sleep(rotateGrace - time.Millisecond)
		thief.wantState("a=1")
		if w.log.has(slog.LevelError) {
			t.Error(w.log.String())
		}
		time.Sleep(time.Millisecond)
		o.want(t, o.ops()...)
		thief.post(read(keyA)).wantPage(t)
		o.want(t, "load ended")
		o.wantLife(t, ended(id, "", session.EndTheft))
		c.wantState("empty")
		thief.wantState("empty")
		o.wantLife(t)
		log := w.log.String()
		if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, id) || strings.Count(log, "cookie was used") != 1 {
			t.Error(log)
		}
		for _, value := range []string{c.jar["session"], thief.jar["session"]} {
			if strings.Contains(log, value) {
				t.Error("the log has a token")
			}
		}
	})
	bubble("the browser of which the thief has the newer cookie shows the theft", t, func(t *testing.T) {
		_, thief, c, _ := rotated(t)
		time.Sleep(graceIsOver)
		c.wantState("empty")
		thief.wantState("empty")
	})
	bubble("a new session begins at once, as after a revocation", t, func(t *testing.T) {
		_, c, thief, _ := rotated(t)
		time.Sleep(graceIsOver)
		thief.post(set("b=1")).wantPage(t)
		thief.wantState("b=1")
		c.wantState("empty")
		c.post(signIn("ann")).wantPage(t)
		c.wantState("a=1")
	})
	bubble("the session is no longer one of its owner's", t, func(t *testing.T) {
		w, c := member(t, rotating)
		before := c.rotate(t)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		time.Sleep(graceIsOver)
		before.wantState("empty")
		w.wantTrips(t, 1, func() { // of the list, which has no entry
			if all, err := w.m.Sessions(t.Context(), "ann"); err != nil || len(all) != 0 {
				t.Errorf("%d sessions, %v", len(all), err)
			}
		})
	})
	bubble("a thief who polls and ignores new cookies is noticed", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		thief := c.tab()
		for range 30 {
			for range 20 {
				thief.tab().get(read(keyA))
				time.Sleep(3 * time.Second)
			}
			c.get(read(keyA))
		}
		c.wantState("empty")
	})
	bubble("a thief whose requests are saved all the time is noticed", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		thief := c.tab()
		time.Sleep(rotateInterval)
		thief.tab().get(read(keyA)).wantCookies(t, 1)
		during := func(fn func()) {
			w.onSave(before(fn))
			thief.tab().get(read(keyA)).wantPage(t)
		}
		time.Sleep(graceIsOver)
		during(func() { c.visit(t, 1, 1) })
		time.Sleep(confirmedAfter)
		during(func() { c.visit(t, 0, 1) })
		time.Sleep(graceIsOver)
		thief.wantState("empty")
		c.wantState("empty")
	})
	bubble("browser and thief cannot rotate in turn", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		thief := c.tab()
		for range 6 {
			for _, one := range []*client{c, thief} {
				time.Sleep(rotateInterval / 2)
				for range 3 {
					one.get(read(keyA))
					time.Sleep(time.Second)
				}
			}
		}
		c.wantState("empty")
		thief.wantState("empty")
	})
	bubble("the session stays without rotation, whatever the cookie", t, func(t *testing.T) {
		w, c, before, _ := rotated(t)
		time.Sleep(graceIsOver)
		off := w.manager()
		before.at(off).wantState("a=1")
		c.at(off).wantState("a=1")
	})
}

// ops returns the events since it was last called, for want.
func (o *watcher) ops() (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		all = append(all, string(e.Op)+" "+string(e.Outcome()))
	}
	return all
}

func TestRuleTheftMeetsOthers(t *testing.T) {
	bubble("a renewal meanwhile is left alone", t, func(t *testing.T) {
		w, c, thief, _ := rotated(t)
		time.Sleep(graceIsOver)
		w.onSave(before(func() { c.post(signIn("ann")).wantPage(t) }))
		thief.wantState("empty")
		c.wantState("a=1")
		if w.log.has(slog.LevelError) {
			t.Error(w.log.String())
		}
	})
	bubble("a logout meanwhile is no theft", t, func(t *testing.T) {
		var o watcher
		w, c, thief, id := rotated(t, o.option)
		time.Sleep(graceIsOver)
		w.onSave(before(func() { c.post(destroy).wantPage(t) }))
		o.wantLife(t, created(id, ""))
		thief.wantState("empty")
		o.wantLife(t, ended(id, "", session.EndDestroyed))
	})
	bubble("a change meanwhile does not save the session", t, func(t *testing.T) {
		w, c, thief, _ := rotated(t)
		time.Sleep(graceIsOver)
		w.onSave(before(func() { c.post(set("b=1")).wantPage(t) }))
		thief.wantState("empty")
		c.wantState("empty")
	})
	bubble("the user who has signed in meanwhile is told", t, func(t *testing.T) {
		var o watcher
		w, c, thief, id := rotated(t, o.option)
		time.Sleep(graceIsOver)
		o.wantLife(t, created(id, ""))
		w.onSave(before(func() { c.post(own("ann")).wantPage(t) }))
		thief.wantState("empty")
		o.wantLife(t, ended(id, "ann", session.EndTheft))
		w.wantTrips(t, 1, func() { // of the list, which has no entry
			if all, err := w.m.Sessions(t.Context(), "ann"); err != nil || len(all) != 0 {
				t.Errorf("%d sessions, %v", len(all), err)
			}
		})
	})
	bubble("RevokeAll meanwhile is no theft", t, func(t *testing.T) {
		var o watcher
		w, c, thief, id := rotated(t, o.option)
		c.post(own("ann")).wantPage(t)
		time.Sleep(graceIsOver)
		o.wantLife(t, created(id, ""))
		w.onSave(before(func() {
			wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		}))
		thief.wantState("empty")
		o.wantLife(t, ended(id, "ann", session.EndRevoked))
		if w.log.has(slog.LevelError) {
			t.Error(w.log.String())
		}
	})
	bubble("two requests that show it end the session once", t, func(t *testing.T) {
		var o watcher
		w, _, thief, id := rotated(t, o.option)
		time.Sleep(graceIsOver)
		o.wantLife(t, created(id, ""))
		w.onSave(before(func() { thief.at(w.m).wantState("empty") }))
		thief.wantState("empty")
		o.wantLife(t, ended(id, "", session.EndTheft))
	})
	bubble("a request under way saves nothing more", t, func(t *testing.T) {
		_, c, thief, _ := rotated(t)
		time.Sleep(graceIsOver)
		c.post(func(s *session.Session) {
			thief.wantState("empty")
			keyB.Set(s, 1)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		c.wantState("empty")
	})
	bubble("a request that was loaded in time is served however long it takes", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		slow := c.tab()
		slow.post(func(s *session.Session) {
			c.rotate(t)
			time.Sleep(confirmedAfter)
			c.visit(t, 0, 1)
			time.Sleep(graceIsOver)
			keyB.Set(s, 1)
		}).wantPage(t)
		c.wantState("a=1 b=1")
		if w.log.has(slog.LevelError) {
			t.Error(w.log.String())
		}
	})
	bubble("while the store fails, nobody is served, and nothing is logged as a theft", t, func(t *testing.T) {
		w, c, thief, id := rotated(t)
		time.Sleep(graceIsOver)
		w.store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errBroken }
		thief.get(read(keyA)).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		c.wantState("a=1")
		w.store.OnSave = w.save
		if !w.lives(id) || strings.Contains(w.log.String(), "thief") {
			t.Error("the session has ended")
		}
		thief.wantState("empty")
		c.wantState("empty")
	})
	bubble("two cookies of one session count as the newer one", t, func(t *testing.T) {
		_, c, before, _ := rotated(t)
		time.Sleep(graceIsOver)
		r := request(http.MethodGet, "")
		r.Header.Set("Cookie", "session="+before.jar["session"]+"; session="+c.jar["session"]+"; session="+before.jar["session"])
		var state string
		c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { state = show(s) }).
			ServeHTTP(httptest.NewRecorder(), r)
		if state != "a=1" {
			t.Errorf("the session has %q", state)
		}
		c.wantState("a=1")
	})
}

func TestRuleHonestBrowserIsNotSignedOut(t *testing.T) {
	honest := func(rule string, fn func(t *testing.T, w *world, c *client)) {
		bubble(rule, t, func(t *testing.T) {
			w, c, _ := begun(t, rotating)
			fn(t, w, c)
			c.wantState("a=1")
			if w.log.has(slog.LevelError) {
				t.Error(w.log.String())
			}
		})
	}
	honest("the answers with its cookies are lost", func(t *testing.T, _ *world, c *client) {
		time.Sleep(rotateInterval)
		for range 10 {
			c.tab().get(read(keyA)).wantPage(t)
			time.Sleep(rotateGrace)
		}
		c.visit(t, 1, 1)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
	})
	honest("it crashes before it has written the cookie", func(t *testing.T, _ *world, c *client) {
		disk := c.rotate(t)
		for range 6 { // the answer and the flush take half a minute each, and a request the grace
			time.Sleep(10 * time.Second)
			c.visit(t, 0, 0)
		}
		time.Sleep(rotateGrace)
		c.visit(t, 0, 0)
		c.jar = disk.jar
		time.Sleep(time.Second)
		c.visit(t, 1, 1)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		time.Sleep(graceIsOver)
	})
	honest("a request that was sent before the crash has a slow handler", func(t *testing.T, _ *world, c *client) {
		disk := c.rotate(t)
		c.tab().get(func(*session.Session) { time.Sleep(day / 2) })
		c.jar = disk.jar
	})
	honest("its requests arrive late, as long as the grace", func(t *testing.T, _ *world, c *client) {
		before := c.rotate(t)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		time.Sleep(rotateGrace - time.Millisecond)
		before.visit(t, 0, 0)
	})
	honest("the store loses the saves of the rotation", func(t *testing.T, w *world, c *client) {
		id := c.sessionID()
		rec := w.stored(id)
		c.rotate(t)
		w.erase(id)
		if err := w.store.Provider.Save(t.Context(), rec, 0); err != nil {
			t.Fatal(err)
		}
		c.visit(t, 0, 0)
		c.tab().get(read(keyA)).wantPage(t)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		time.Sleep(graceIsOver)
		c.wantState("a=1")
	})
	honest("a request with the cookie before is issued another after that loss", func(t *testing.T, w *world, c *client) {
		id := c.sessionID()
		rec := w.stored(id)
		before := c.rotate(t)
		w.erase(id)
		if err := w.store.Provider.Save(t.Context(), rec, 0); err != nil {
			t.Fatal(err)
		}
		before.visit(t, 1, 1) // its answer is lost
		c.visit(t, 0, 0)
	})
}
