package session_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Creating a session, where the outcome of the save is unknown.
func TestRuleCreate(t *testing.T) {
	t.Run("that landed keeps its ID", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		w.onSave(landed)
		a := c.post(set("a=1"))
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=1")
		if n := len(w.savesSince(0)); n != 1 {
			t.Errorf("%d saves", n)
		}
	})

	for name, fault := range map[string]func(*world) saveHook{
		"lost": func(*world) saveHook { return dropped },
		"late": func(w *world) saveHook { return w.late },
	} {
		t.Run("that reads back absent is retried under a new token and ID: "+name, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			w.onSave(fault(w))
			a := c.post(set("a=1"))
			a.wantPage(t)
			a.wantCookies(t, 1)
			c.wantState("a=1")
			saves := w.savesSince(0)
			if len(saves) != 2 || saves[0].ID == saves[1].ID || saves[0].expect != 0 || saves[1].expect != 0 {
				t.Fatalf("want two creates of different IDs, got %d saves", len(saves))
			}
			if id := c.sessionID(); id != saves[1].ID {
				t.Error("the cookie does not open the second")
			}
			c.post((*session.Session).Destroy).wantPage(t)
			c.wantState("empty")
		})
	}

	t.Run("that cannot be read back sets no cookie", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			w.onSave(then(func() { w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...) }, dropped))
			a := c.post(set("a=1"))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
			a.wantCookies(t, 0)
		})
	})

	t.Run("that never gets through sets no cookie", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(set("a=1"))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
		})
	})
}

// The stored bytes open no session: neither the ID nor the data contain the token.
func TestRuleTokenIsNotStored(t *testing.T) {
	w, c, _ := begun(t)
	c.post(login).wantPage(t)
	signed, err := base64.URLEncoding.DecodeString(c.jar["session"])
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(signed), "|")
	if len(parts) < 3 {
		t.Fatalf("the cookie has %d parts", len(parts))
	}
	token, err := base64.URLEncoding.DecodeString(parts[1])
	if err != nil || len(token) != 32 {
		t.Fatalf("the cookie holds %d bytes, %v", len(token), err)
	}
	for _, s := range w.savesSince(0) {
		for _, spelling := range []string{
			string(token),
			base64.RawURLEncoding.EncodeToString(token),
			base64.RawStdEncoding.EncodeToString(token),
		} {
			if strings.Contains(s.ID, spelling) || strings.Contains(string(s.Data), spelling) {
				t.Errorf("the record %q tells the token", s.ID)
			}
		}
	}
}

// A flood of new sessions that fills the memory does not keep users whose session exists
// from going on, signing in or signing out.
func TestFloodOfNewSessionsLeavesRoom(t *testing.T) {
	for name, wrap := range map[string]func(*memory.Provider) provider.Provider{
		"memory":         func(p *memory.Provider) provider.Provider { return p },
		"memory, around": func(p *memory.Provider) provider.Provider { return &storetest.Store{Provider: p} },
	} {
		t.Run(name, func(t *testing.T) {
			p := memory.New(memory.MaxBytes(100_000))
			w := newWorld(t)
			m, err := session.New(wrap(p), session.Config{
				SigningKeys:  [][]byte{make([]byte, 32)},
				Cookie:       session.Cookie{Insecure: true},
				StoreTimeout: patience,
				ErrorHandler: answerError,
			})
			if err != nil {
				t.Fatal(err)
			}
			visitor, user := w.clientOf(m), w.clientOf(m)
			visitor.post(set("a=1")).wantPage(t)
			user.post(func(s *session.Session) { s.SetOwner("ada") }).wantPage(t)

			var refused *answer
			for refused == nil {
				if a := w.clientOf(m).post(set("a=1")); a.err != nil {
					refused = a
				}
			}
			refused.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			if !errors.Is(refused.err, provider.ErrFull) {
				t.Errorf("got error %v, want ErrFull", refused.err)
			}

			user.post(add(keyA, 1)).wantPage(t)
			visitor.post((*session.Session).Renew).wantPage(t)
			visitor.post(func(s *session.Session) { s.Renew(); s.SetOwner("bob") }).wantPage(t)
			visitor.wantState("a=1")
			w.clientOf(m).post(func(s *session.Session) { s.Renew(); s.SetOwner("eve") }).wantPage(t)
			user.post((*session.Session).Destroy).wantPage(t)
			if used := p.Bytes(); used > 100_000 {
				t.Errorf("%d bytes are in use, 100,000 are allowed", used)
			}
		})
	}
}
