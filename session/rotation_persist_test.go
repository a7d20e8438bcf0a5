package session_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRotationAndPersist(t *testing.T) {
	persist := func(s *session.Session) { s.Persist(day) }
	bubble("the new cookie is kept for the rest of the time", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		c.post(persist)
		time.Sleep(rotateInterval)
		a := c.get(read(keyA))
		a.wantCookies(t, 1)
		if want := int((day - rotateInterval).Seconds()); a.Result().Cookies()[0].MaxAge != want {
			t.Errorf("Max-Age %d; want %d", a.Result().Cookies()[0].MaxAge, want)
		}
	})
	bubble("Persist and the rotation are one save and one cookie", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		before := c.tab()
		time.Sleep(rotateInterval)
		a := c.post(persist)
		a.wantCookies(t, 1)
		if age := a.Result().Cookies()[0].MaxAge; age != int(day.Seconds()) {
			t.Errorf("Max-Age %d", age)
		}
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		time.Sleep(graceIsOver)
		before.wantState("empty")
	})
	bubble("Persist sends the present cookie again", t, func(t *testing.T) {
		_, c, before, _ := rotated(t)
		c.post(persist).wantCookies(t, 1)
		c.wantState("a=1")
		time.Sleep(graceIsOver)
		c.wantState("a=1")
		before.wantState("empty")
	})
	bubble("Persist with an older cookie saves the time, and sends no cookie", t, func(t *testing.T) {
		_, c, id := begun(t, rotating)
		time.Sleep(rotateInterval)
		slow := c.tab()
		slow.post(func(s *session.Session) {
			c.visit(t, 1, 1)
			s.Persist(day)
		}).wantCookies(t, 0)
		if got := c.expiry(id); got != day {
			t.Errorf("it ends in %v", got)
		}
	})
	bubble("the cookie of a Save long before the response is not sent", t, func(t *testing.T) {
		for name, save := range map[string]func(s *session.Session) error{
			"Save":   func(s *session.Session) error { s.Persist(day); return s.Save(t.Context()) },
			"Update": func(s *session.Session) error { return s.Update(t.Context(), persisting) },
		} {
			_, c, _ := begun(t, rotating)
			quick := func(s *session.Session) {
				wantErr(t, save(s), nil)
				time.Sleep(strictWindow)
			}
			c.post(quick).wantCookies(t, 1)
			slow := c.tab().post(func(s *session.Session) {
				wantErr(t, save(s), nil)
				if token := s.Token(); !token.Changed {
					t.Errorf("%s: the token is %v", name, token)
				}
				c.rotate(t)
				time.Sleep(confirmedAfter)
				c.visit(t, 0, 1)
				if token := s.Token(); token.Changed {
					t.Errorf("%s: the token is %v", name, token)
				}
			})
			slow.wantPage(t)
			slow.wantCookies(t, 0)
			time.Sleep(graceIsOver)
			c.wantState("a=1")
		}
	})
	bubble("the cookie of a session that the request itself has begun is sent however long that takes", t, func(t *testing.T) {
		for _, begin := range []func(s *session.Session){login, renew} {
			_, c, _ := begun(t, rotating)
			c.post(func(s *session.Session) {
				begin(s)
				wantErr(t, s.Save(t.Context()), nil)
				s.Persist(day)
				wantErr(t, s.Save(t.Context()), nil)
				time.Sleep(time.Hour)
			}).wantCookies(t, 1)
			if c.state() == "empty" {
				t.Error("the browser has the old cookie")
			}
		}
	})
	bubble("without rotation it is sent as well", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			s.Persist(day)
			wantErr(t, s.Save(t.Context()), nil)
			time.Sleep(time.Hour)
		}).wantCookies(t, 1)
	})
	bubble("Manager.Update cannot persist a session, whatever its index", t, func(t *testing.T) {
		w, c, id := begun(t, rotating)
		wantErr(t, w.m.Update(t.Context(), id, persisting), session.ErrHeaderSent)
		c.rotate(t)
		wantErr(t, w.m.Update(t.Context(), id, persisting), session.ErrHeaderSent)
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
		wantErr(t, w.m.Update(t.Context(), id, persisting), session.ErrHeaderSent)
	})
	bubble("where rotation was turned off, Persist sends the newest cookie", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		before := c.rotate(t)
		off := before.at(w.manager())
		off.wantState("a=1")
		off.post(persist).wantCookies(t, 1)
		on := off.at(w.m)
		time.Sleep(confirmedAfter)
		on.visit(t, 0, 1)
		time.Sleep(graceIsOver)
		c.wantState("a=1") // the same cookie, by another way
		before.wantState("empty")
	})
}

// persisting is for Session.Update.
func persisting(s *session.Session) error { s.Persist(day); return nil }
