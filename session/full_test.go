package session_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A flood of new sessions that fills the memory keeps nobody who is there from signing
// in and out, or from going on.
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
