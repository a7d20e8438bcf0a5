package session_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleQueueReadBack(t *testing.T) {
	// The first request is in the queue, and its save is lost; the second waits
	// for it. If it did not, it would be first.
	bubble("who waits does so until the other's read-back has told", t, func(t *testing.T) {
		w, c, _ := begun(t)
		first, rival := c.tab(), c.tab()
		hang := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		done := make(chan *answer, 1)
		w.onSave(then(func() {
			w.onSave(then(func() { rival.post(add(keyB, 1)).wantPage(t) }, pass), pass, hang)
			go func() {
				done <- first.post(func(s *session.Session) { keyA.Update(s, func(n int) int { return 10 * n }) })
			}()
			synctest.Wait()
		}, pass))
		c.post(add(keyA, 1)).wantPage(t)
		(<-done).wantPage(t)
		c.wantState("a=11 b=1")
	})
}

func TestRuleStartOver(t *testing.T) {
	t.Run("the session is new", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			tab.post(login).wantPage(t)
			login(s)
			wantErr(t, s.Save(context.Background()), nil)
			if !s.IsNew() {
				t.Error("it is not")
			}
		}).wantPage(t)
	})

	t.Run("what was read of the old data before does not get into it", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			n, _ := keyA.Get(s)
			runs := 0
			err := s.Update(context.Background(), func(s *session.Session) error {
				if runs++; runs == 1 {
					tab.post(login).wantPage(t)
				}
				s.Renew()
				keyA.Set(s, n+1)
				return nil
			})
			wantErr(t, err, session.ErrEnded)
			if runs != 1 {
				t.Errorf("%d runs", runs)
			}
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		c.wantState("empty")
	})

	t.Run("its changes keep the codec they are encoded in", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		name := session.NewKey[string]("name")
		c.m = w.manager(func(cfg *session.Config) { cfg.Codec = session.JSON() })
		c.post(func(s *session.Session) {
			tab.post(login).wantPage(t)
			name.Set(s, "Ada")
			s.Renew()
		}).wantPage(t)
		c.post(func(s *session.Session) {
			if got, ok := name.Get(s); got != "Ada" {
				t.Errorf("the name is %q, %v", got, ok)
			}
		}).wantPage(t)
	})
}

func TestRulePersistNeverShortens(t *testing.T) {
	bubble("Persist ends no session sooner", t, func(t *testing.T) {
		w, c, id := begun(t)
		before := w.stored(id).ExpiresAt
		c.post(func(s *session.Session) { s.Persist(time.Minute) }).wantPage(t)
		if after := w.stored(id).ExpiresAt; after.Before(before) {
			t.Errorf("from %v to %v", before, after)
		}
	})
}
