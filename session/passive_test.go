package session_test

import (
	"net/http"
	"testing"
	"time"

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
				w.wantTrips(t, 1, func() { c.serve(poll, request("GET", "")).wantPage(t) })
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

	// passively sends a request to a passive handler.
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
			passively(c, func(s *session.Session) { // the request does not extend it
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
