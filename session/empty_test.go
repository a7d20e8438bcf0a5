package session_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// A visitor without a session whose requests only read takes no transaction. What such a
// request has read counts all the same once it changes something.
func TestAbsentValueCountsAsRead(t *testing.T) {
	a, b, c := session.NewKey[string]("a"), session.NewKey[string]("b"), session.NewKey[string]("c")
	for name, test := range map[string]struct {
		read, change session.Key[string]
		readBefore   func(s *session.Session)
	}{
		"the only key": {a, a, func(s *session.Session) { a.Get(s) }},
		"the first of two keys": {a, a, func(s *session.Session) {
			a.Get(s)
			b.Get(s)
		}},
		"the second of two keys": {b, b, func(s *session.Session) {
			a.Get(s)
			b.Get(s)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.client().post(func(s *session.Session) {
				test.readBefore(s)
				c.Set(s, "this begins the session")
				if err := s.Save(t.Context()); err != nil {
					t.Error(err)
				}
				if err := w.m.Update(t.Context(), s.PublicID(), func(s *session.Session) error {
					test.change.Set(s, "theirs")
					return nil
				}); err != nil {
					t.Error(err)
				}
				test.change.Set(s, "mine")
				if err := s.Save(t.Context()); !errors.Is(err, session.ErrConflict) {
					t.Errorf("got error %v, want ErrConflict", err)
				}
			})
		})
	}
}

func TestAbsentValueOfLastWriteWinsIsNoRead(t *testing.T) {
	a, c := session.NewKey[string]("a").LastWriteWins(), session.NewKey[string]("c")
	w := newWorld(t, func(cfg *session.Config) { cfg.Isolation = session.LevelSerializable })
	w.client().post(func(s *session.Session) {
		a.Get(s)
		c.Set(s, "this begins the session")
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		if err := w.m.Update(t.Context(), s.PublicID(), func(s *session.Session) error { a.Set(s, "theirs"); return nil }); err != nil {
			t.Error(err)
		}
		c.Set(s, "mine")
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestEmptySessionIsSafeForConcurrentUse(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	key := session.NewKey[int]("n")
	c.post(func(s *session.Session) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				key.Get(s)
				session.NewKey[int]("other").Get(s)
				key.Update(s, func(n int) int { return n + 1 })
				s.Owner()
				s.PublicID()
			})
		}
		wg.Wait()
	})
	if n, _ := key.Get(loaded(c)); n != 20 {
		t.Errorf("got %d, want 20", n)
	}
}

// An error response commits nothing, also of changes that come after it.
func TestEmptySessionAfterAnErrorResponse(t *testing.T) {
	w := newWorld(t)
	var late *session.Session
	a := w.client().send(http.MethodGet, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
		httpCount.Get(s)
		rw.WriteHeader(http.StatusInternalServerError)
		httpCount.Set(s, 1)
		late = s
	})
	if a.Code != http.StatusInternalServerError || len(a.Result().Cookies()) > 0 {
		t.Errorf("status %d, cookies %v", a.Code, a.Result().Cookies())
	}
	if n := len(w.savesSince(0)); n > 0 {
		t.Errorf("%d saves", n)
	}
	if err := late.Save(t.Context()); !errors.Is(err, session.ErrRequestDone) || !strings.Contains(err.Error(), "the response was an error") {
		t.Errorf("got error %v, want ErrRequestDone with the reason", err)
	}
}

func TestEmptySessionAfterTheRequest(t *testing.T) {
	w := newWorld(t)
	var late *session.Session
	w.client().get(func(s *session.Session) {
		httpCount.Get(s)
		late = s
	})
	if n, ok := httpCount.Get(late); ok || n != 0 {
		t.Errorf("got %d, %v", n, ok)
	}
	httpCount.Set(late, 1)
	if err := late.Save(t.Context()); !errors.Is(err, session.ErrRequestDone) {
		t.Errorf("got error %v, want ErrRequestDone", err)
	}
}
