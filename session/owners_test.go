package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleSessions(t *testing.T) {
	bubble("are listed by their last use, with what they hold", t, func(t *testing.T) {
		w := newWorld(t)
		begin := time.Now()
		laptop, phone, tablet := w.client(), w.client(), w.client()
		laptop.post(set("b=7")).wantPage(t)
		time.Sleep(time.Minute)
		for _, c := range []*client{laptop, phone, tablet} {
			c.post(signIn("ann")).wantPage(t)
			time.Sleep(10 * time.Minute)
		}
		laptop.post(read(keyA)).wantPage(t)
		all := w.sessions("ann")
		if len(all) != 3 {
			t.Fatalf("%d sessions", len(all))
		}
		for i, c := range []*client{laptop, tablet, phone} {
			if all[i].PublicID() != c.sessionID() {
				t.Errorf("number %d is another", i)
			}
		}
		s := all[0]
		if s.Owner() != "ann" || show(s) != "a=1 b=7" || s.IsNew() {
			t.Errorf("it is of %q, has %q, new %v", s.Owner(), show(s), s.IsNew())
		}
		now := begin.Add(31 * time.Minute)
		if !s.CreatedAt().Equal(begin) || !s.LastSeenAt().Equal(now) || !s.ExpiresAt().Equal(now.Add(time.Hour)) {
			t.Errorf("created %v, seen %v, expires %v", s.CreatedAt(), s.LastSeenAt(), s.ExpiresAt())
		}
	})

	t.Run("are those of this user alone", func(t *testing.T) {
		w, ann := member(t)
		bob, guest := w.client(), w.client()
		bob.post(signIn("bob"))
		guest.post(set("a=1"))
		w.wantSessions("ann", ann)
		w.wantSessions("bob", bob)
		w.wantSessions("")
		w.wantSessions("an")
	})

	t.Run("are those of this Namespace alone", func(t *testing.T) {
		w, ann := member(t)
		other := w.clientOf(w.manager(func(cfg *session.Config) { cfg.Namespace = "n" }))
		other.post(signIn("ann"))
		w.wantSessions("ann", ann)
		wantErr(t, other.m.RevokeAll(t.Context(), "ann"), nil)
		other.wantState("empty")
		ann.wantState("a=1")
	})

	bubble("are none that have expired", t, func(t *testing.T) {
		w, gone := member(t)
		time.Sleep(40 * time.Minute)
		c := w.client()
		c.post(signIn("ann"))
		time.Sleep(20 * time.Minute)
		gone.wantState("empty")
		w.wantSessions("ann", c)
	})

	bubble("are none that this Config's Lifetime has ended, and yet they stay another's", t, func(t *testing.T) {
		w, c := member(t)
		time.Sleep(30 * time.Minute)
		c.post(set("b=1"))
		time.Sleep(50 * time.Minute)
		short := w.manager(func(cfg *session.Config) { cfg.Lifetime = time.Hour })
		all, err := short.Sessions(t.Context(), "ann")
		if len(all) != 0 || err != nil {
			t.Errorf("%d sessions, error %v", len(all), err)
		}
		w.wantSessions("ann", c)
	})

	bubble("are those that last longer than this Config allows", t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.PersistLifetime = 300 * 24 * time.Hour })
		c := w.client()
		c.post(inOrder(signIn("ann"), func(s *session.Session) { s.Persist(200 * 24 * time.Hour) }))
		time.Sleep(100 * 24 * time.Hour)
		w.clientOf(w.manager()).post(signIn("ann")) // a Manager with a PersistLifetime of 30 days writes the owner index
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		c.wantState("empty")
	})

	for name, end := range map[string]func(*session.Session){
		"destroyed": destroy,
		"nobody's":  own(""),
		"another's": own("bob"),
	} {
		t.Run("are none that is "+name+", and no trip is spent on it", func(t *testing.T) {
			w, c := member(t)
			c.post(end).wantPage(t)
			w.wantTrips(t, 1, func() { w.wantSessions("ann") })
		})
	}

	t.Run("are one after a Renew, by its new public ID", func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		c.post(renew).wantPage(t)
		w.wantSessions("ann", c)
		if c.sessionID() == old {
			t.Error("the public ID is the old one")
		}
	})

	t.Run("take one trip, and one for each", func(t *testing.T) {
		w := newWorld(t)
		for n := range int64(4) {
			w.wantTrips(t, n+1, func() { w.publicIDs("ann") })
			w.client().post(signIn("ann"))
		}
	})

	t.Run("can be changed by Update, but not else", func(t *testing.T) {
		w, c := member(t)
		s := w.sessions("ann")[0]
		wantErr(t, s.Update(t.Context(), setting("c=3")), nil)
		keyB.Set(s, 1)
		wantErr(t, s.Update(t.Context(), setting("c=4")), session.ErrRequestDone)
		c.wantState("a=1 c=3")
	})

	t.Run("that cannot be read are passed over", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		rec := w.stored(tab.sessionID())
		rec.Data = []byte("cuneiform")
		wantErr(t, w.store.Provider.Save(t.Context(), rec, -1), nil)
		w.wantSessions("ann", c)
	})

	t.Run("fail with the store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := member(t)
			w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...)
			_, err := w.m.Sessions(t.Context(), "ann")
			wantErr(t, err, session.ErrUnavailable)
		})
	})

	t.Run("end with the context", func(t *testing.T) {
		w, _ := member(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		all, err := w.m.Sessions(ctx, "ann")
		if !errors.Is(err, context.Canceled) || all != nil {
			t.Errorf("%d sessions, error %v", len(all), err)
		}
	})
}

func TestRuleLastSeen(t *testing.T) {
	bubble("is told by use, give or take TouchInterval", t, func(t *testing.T) {
		w, c := member(t)
		begin := time.Now()
		time.Sleep(6*time.Minute - time.Second)
		c.post(read(keyA))
		if got := w.sessions("ann")[0].LastSeenAt(); !got.Equal(begin) {
			t.Errorf("it is %v", got.Sub(begin))
		}
		time.Sleep(2 * time.Second)
		c.post(read(keyA))
		if got := w.sessions("ann")[0].LastSeenAt(); !got.Equal(time.Now()) {
			t.Errorf("it is %v", got.Sub(begin))
		}
	})

	for _, tc := range []struct {
		rule  string
		user  string
		touch int64
	}{
		{"of a persistent session is told as well", "ann", 2}, // the owner index is read, too
		{"of a persistent session that is nobody's costs nothing", "", 0},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(signIn(tc.user), func(s *session.Session) { s.Persist(10 * 24 * time.Hour) })).wantPage(t)
			id := c.sessionID()
			expires := w.stored(id).ExpiresAt
			time.Sleep(3 * time.Hour)
			w.wantTrips(t, 1+tc.touch, func() { c.post(read(keyA)) })
			w.wantTrips(t, 1, func() { c.post(read(keyA)) })
			if got := w.stored(id).ExpiresAt; !got.Equal(expires) {
				t.Errorf("its end went from %v to %v", expires, got)
			}
			if all := w.sessions("ann"); len(all) == 1 && !all[0].LastSeenAt().Equal(time.Now()) {
				t.Errorf("it is %v ago", time.Since(all[0].LastSeenAt()))
			}
		})
	}

	bubble("is told at the end of the lifetime, where use extends nothing", t, func(t *testing.T) {
		w, c := member(t)
		for range 47 {
			time.Sleep(30 * time.Minute)
			c.post(read(keyA))
		}
		time.Sleep(20 * time.Minute)
		c.post(read(keyA))
		if got := w.sessions("ann")[0].LastSeenAt(); !got.Equal(time.Now()) {
			t.Errorf("it is %v ago", time.Since(got))
		}
	})

	t.Run("is zero until the session is stored", func(t *testing.T) {
		newWorld(t).client().post(func(s *session.Session) {
			if !s.LastSeenAt().IsZero() {
				t.Errorf("it is %v", s.LastSeenAt())
			}
		})
	})
}

// Where a use does not extend the session, it saves the time of the use, and checks the
// list of the owner's sessions.
func TestRuleLastSeenIsSavedAtExactlyTouchInterval(t *testing.T) {
	for idle, trips := range map[time.Duration]int64{6*time.Minute - time.Millisecond: 1, 6 * time.Minute: 3} {
		bubble(idle.String(), t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(signIn("ann"), func(s *session.Session) { s.Persist(10 * 24 * time.Hour) })).wantPage(t)
			time.Sleep(idle)
			w.wantTrips(t, trips, func() { c.post(read(keyA)) })
		})
	}
}
