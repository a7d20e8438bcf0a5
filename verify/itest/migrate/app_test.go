package migrate_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// patience ends what would hang. No test waits for it to pass.
const patience = time.Minute

var tokens = session.NewKey[[]string]("tokens")

// newManager returns one whose signing keys are in the store.
func newManager(t testing.TB, p provider.Provider) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.Config{
		StoreTimeout: patience, // the machine may be slow
		Cookie:       session.Cookie{Insecure: true},
		ErrorHandler: sayWhatFailed,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A page is what the app answers when all is well.
type page struct {
	Owner  string // "": the visitor is anonymous
	Tokens []string
	Roster int // sessions of the owner
}

// routes serves /login?owner=, /add?token=, /read, /renew and /logout.
func routes(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, do func(s *session.Session, r *http.Request) error) {
		mux.Handle(path, m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if s.Owner() != "" || path == "/login" {
				if err := do(s, r); err != nil {
					sayWhatFailed(w, r, err)
					return
				}
			}
			p := page{Owner: s.Owner()}
			if path == "/read" {
				p.Tokens, _ = tokens.Get(s)
				all, err := m.Sessions(r.Context(), p.Owner)
				if err != nil && p.Owner != "" {
					sayWhatFailed(w, r, err)
					return
				}
				p.Roster = len(all)
			}
			_ = json.NewEncoder(w).Encode(p)
		}))
	}
	handle("/login", func(s *session.Session, r *http.Request) error {
		s.Renew()
		s.SetOwner(r.FormValue("owner"))
		return nil
	})
	handle("/add", func(s *session.Session, r *http.Request) error {
		tokens.Update(s, func(all []string) []string { return append(all, r.FormValue("token")) })
		return nil
	})
	handle("/read", func(*session.Session, *http.Request) error { return nil })
	handle("/renew", func(s *session.Session, _ *http.Request) error { s.Renew(); return nil })
	handle("/logout", func(s *session.Session, _ *http.Request) error { s.Destroy(); return nil })
	return mux
}

// What the app answers when something has failed.
const (
	saidUnknown = "it is unknown whether it was saved"
	saidRefused = "nothing was saved"
)

func sayWhatFailed(w http.ResponseWriter, _ *http.Request, err error) {
	text := saidRefused
	if errors.Is(err, session.ErrOutcomeUnknown) {
		text = saidUnknown
	}
	w.WriteHeader(session.StatusCode(err))
	_, _ = io.WriteString(w, text+": "+err.Error())
}
