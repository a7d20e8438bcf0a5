package e2e_test

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// warningTime is how long before its end the script warns.
const warningTime = 2 * time.Minute

// The script of docs/timeouts.md warns before the session ends, closes the warning if the
// user stays, and leaves the page when the session has ended.
func TestTheWarningBeforeTheEnd(t *testing.T) {
	var asked atomic.Int64
	p := visitSite(t, session.Config{}, func(m *session.Manager) http.Handler {
		mux := http.NewServeMux()
		page := m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if r.URL.Path == "/login" {
				showPage(w, `<p id="login">Please log in.</p>`)
				return
			}
			if idle, err := time.ParseDuration(r.FormValue("idle")); err == nil {
				s.Renew()
				s.SetOwner("ann")
				s.SetLimits(idle, 0)
			}
			showPage(w, `<dialog id="warning"><p>You are about to be logged out.</p><button id="stay">Stay logged in</button></dialog>
				<script src="/warning.js"></script>`)
		})
		left := func(w http.ResponseWriter, s *session.Session) {
			seconds := 0
			if s.Owner() != "" {
				seconds = max(int(time.Until(s.ExpiresAt())/time.Second), 0)
			}
			_ = json.NewEncoder(w).Encode(map[string]int{"seconds": seconds})
		}
		mux.Handle("/", page)
		mux.Handle("GET /session", m.Passive(m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			asked.Add(1)
			left(w, s)
		})))
		mux.Handle("POST /session", m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if err := s.Touch(r.Context()); err != nil {
				http.Error(w, "please log in", session.StatusCode(err))
				return
			}
			left(w, s)
		}))
		mux.HandleFunc("POST /extend", m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.SetLimits(time.Hour, 0)
		}))
		mux.HandleFunc("GET /warning.js", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, "../../docs/code/timeouts/warning.js")
		})
		return mux
	})
	open := func() bool { return eval[bool](p, `document.getElementById("warning").open`) }
	answered := func() {
		p.t.Helper()
		p.eventually("the script to ask how long the session goes on", func() bool { return asked.Load() > 0 })
	}

	t.Run("there is none while there is time", func(t *testing.T) {
		p := p.in(t)
		asked.Store(0)
		p.open("/?idle=1h")
		answered()
		if open() {
			t.Error("the warning shows an hour before the end")
		}
	})
	t.Run("it shows, and goes if the user stays", func(t *testing.T) {
		p := p.in(t)
		p.open("/?idle=" + (warningTime - 10*time.Second).String())
		p.until(`document.getElementById("warning").open`)
		eval[any](p, `fetch("/extend", { method: "POST" })`)
		p.do(click("#stay"))
		p.until(`!document.getElementById("warning").open`)
	})
	t.Run("the page is left at the end", func(t *testing.T) {
		p := p.in(t)
		p.open("/?idle=2s")
		p.until(`location.pathname === "/login" && document.readyState === "complete"`)
		p.says("#login", "Please log in.")
	})
}
