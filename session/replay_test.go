package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// contested doubles a and writes its value as the page, while in each of its
// first n runs a rival adds ten. It calls also first, if there is one.
type contested struct {
	rival *client
	n     int
	also  leaf
	runs  int
}

func (h *contested) serve(w http.ResponseWriter, r *http.Request, s *session.Session) {
	h.runs++
	if h.also != nil {
		h.also(w, r, s)
	}
	v, _ := keyA.Get(s)
	keyA.Set(s, 2*v)
	if h.runs <= h.n {
		h.rival.post(add(keyA, 10))
	}
	fmt.Fprintf(w, "page %d", 2*v)
}

// wantReplayed checks that the second run's page was sent, and nothing else.
func (h *contested) wantReplayed(t testing.TB, a *answer) {
	t.Helper()
	a.wantPage(t)
	if a.Body.String() != "page 22" || h.runs != 2 {
		t.Errorf("got %q after %d runs; want \"page 22\" after 2", a.Body, h.runs)
	}
}

// wantRefused checks that there was no second run.
func (h *contested) wantRefused(t testing.TB, a *answer) {
	t.Helper()
	a.wantError(t, http.StatusConflict, session.ErrConflict)
	if h.runs != 1 {
		t.Errorf("%d runs; want 1", h.runs)
	}
}

func TestRuleReplayWhat(t *testing.T) {
	t.Run("Handler never replays", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.wantRefused(t, c.serve(c.m.Handler(loading(h.serve)), request("GET", "")))
	})

	for _, tc := range []struct {
		method, body string
		safe         bool
	}{
		{"GET", "", true},
		{"HEAD", "", true},
		{"OPTIONS", "", true},
		{"GET", "body", false},
		{"POST", "", false},
		{"POST", "body", false},
		{"PUT", "body", false},
		{"PATCH", "body", false},
		{"DELETE", "", false},
	} {
		name := strings.TrimSpace(tc.method + " " + tc.body)
		t.Run(fmt.Sprintf("HandlerFunc replays %s: %v", name, tc.safe), func(t *testing.T) {
			_, c, _ := begun(t)
			h := &contested{rival: c.tab(), n: 1}
			a := c.serve(c.m.HandlerFunc(h.serve), request(tc.method, tc.body))
			if tc.safe {
				h.wantReplayed(t, a)
			} else {
				h.wantRefused(t, a)
			}
		})
		t.Run("Replay replays "+name, func(t *testing.T) {
			_, c, _ := begun(t)
			h := &contested{rival: c.tab(), n: 1}
			h.wantReplayed(t, c.serve(replay(c.m, h.serve), request(tc.method, tc.body)))
			c.wantState("a=22")
		})
	}

	t.Run("Replay replays a HandlerFunc, whatever the method", func(t *testing.T) {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			_, c, _ := begun(t)
			h := &contested{rival: c.tab(), n: 1}
			h.wantReplayed(t, c.serve(c.m.Handler(c.m.Replay(c.m.HandlerFunc(h.serve))), request(method, "")))
			c.wantState("a=22")
		}
	})

	t.Run("Replay replays a HandlerFunc ReplayAttempts times in all", func(t *testing.T) {
		for _, method := range []string{"GET", "POST"} {
			_, c, _ := begun(t, func(cfg *session.Config) { cfg.ReplayAttempts = 3 })
			h := &contested{rival: c.tab(), n: 100}
			c.serve(c.m.Replay(c.m.HandlerFunc(h.serve)), request(method, "")).wantError(t, http.StatusConflict, session.ErrConflict)
			if h.runs != 3 {
				t.Errorf("%s: %d runs", method, h.runs)
			}
		}
	})

	t.Run("Replay works alone", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.wantReplayed(t, c.serve(c.m.Replay(loading(h.serve)), request("POST", "")))
	})

	t.Run("HandlerFunc inside its Manager's Handler replays and commits once", func(t *testing.T) {
		w, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		saves := w.store.Saves.Load()
		h.wantReplayed(t, c.serve(c.m.Handler(c.m.HandlerFunc(h.serve)), request("GET", "")))
		if n := w.store.Saves.Load() - saves; n != 3 {
			t.Errorf("%d saves; want the rival's, the conflict and one commit", n)
		}
	})

	t.Run("ReplayAttempts is the total of runs", func(t *testing.T) {
		for attempts, want := range map[int]int{1: 1, 3: 3, 0: 10} {
			t.Run(fmt.Sprint(attempts), func(t *testing.T) {
				_, c, _ := begun(t, func(cfg *session.Config) { cfg.ReplayAttempts = attempts })
				h := &contested{rival: c.tab(), n: 100}
				c.serve(c.m.HandlerFunc(h.serve), request("GET", "")).wantError(t, http.StatusConflict, session.ErrConflict)
				if h.runs != want {
					t.Errorf("%d runs; want %d", h.runs, want)
				}
			})
		}
	})

	t.Run("an unknown outcome is not replayed", func(t *testing.T) {
		w, c, id := begun(t)
		h := &contested{}
		w.onSave(after(dropped, func() { w.erase(id) }))
		c.serve(replay(c.m, h.serve), request("GET", "")).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
		if h.runs != 1 {
			t.Errorf("%d runs", h.runs)
		}
	})

	t.Run("a save that turns out to have landed is not replayed", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		h := &contested{}
		w.onSave(after(landed, func() { rival.post(add(keyA, 10)) }))
		c.serve(replay(c.m, h.serve), request("GET", "")).wantPage(t)
		if h.runs != 1 {
			t.Errorf("%d runs", h.runs)
		}
		c.wantState("a=12")
	})

	t.Run("a conflict after the header is not replayed", func(t *testing.T) {
		w, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1, also: func(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
			http.NewResponseController(w).Flush()
		}}
		c.serve(replay(c.m, h.serve), request("GET", "")).wantPage(t)
		if h.runs != 1 || !w.log.has(slog.LevelWarn) {
			t.Errorf("%d runs, logged %q", h.runs, w.log.String())
		}
		c.wantState("a=11")
	})
}

// Runs that may not be repeated.
func TestRuleNotReplayed(t *testing.T) {
	ctx := context.Background()
	token := session.NewKey[string]("token")
	begin := func(t *testing.T) *client {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) { token.Set(s, "secret") })
		return c
	}
	for _, tc := range []struct {
		rule         string
		also         func(*session.Session)
		auto, replay bool // replayed by HandlerFunc, by Replay
	}{
		{"a run that saved itself", func(s *session.Session) { keyB.Set(s, 1); s.Save(ctx) }, false, false},
		{"a run that updated itself", func(s *session.Session) { s.Update(ctx, setting("b=1")) }, false, false},
		{"a run that popped a key", func(s *session.Session) { token.Pop(s) }, false, true},
		{"a run that popped what may be lost", func(s *session.Session) { token.LastWriteWins().Pop(s) }, true, true},
		{"a run that renewed", (*session.Session).Renew, false, true},
		{"a run that did nothing such", func(*session.Session) {}, true, true},
		{"a run whose own Update failed in fn", func(s *session.Session) {
			s.Update(ctx, func(*session.Session) error { return errors.New("failed") })
		}, true, true},
	} {
		for name, way := range map[string]struct {
			wrap  func(*session.Manager, leaf) http.Handler
			again bool
		}{
			"HandlerFunc": {httpWithHandlerFunc, tc.auto},
			"Replay":      {replay, tc.replay},
		} {
			t.Run(tc.rule+"/"+name, func(t *testing.T) {
				c := begin(t)
				h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { tc.also(s) }}
				a := c.serve(way.wrap(c.m, h.serve), request("GET", ""))
				if way.again {
					h.wantReplayed(t, a)
				} else {
					h.wantRefused(t, a)
				}
			})
		}
	}

	t.Run("a run that destroyed", func(t *testing.T) {
		c := begin(t)
		rival := c.tab()
		runs := 0
		c.get(func(s *session.Session) {
			runs++
			token.Pop(s)
			s.Destroy()
			rival.post(func(s *session.Session) { token.Set(s, "other") })
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		if runs != 1 {
			t.Errorf("%d runs", runs)
		}
	})

	t.Run("a run that destroyed, where Replay opted in, is replayed", func(t *testing.T) {
		c := begin(t)
		rival := c.tab()
		var took []string
		a := c.serve(replay(c.m, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			v, _ := token.Pop(s)
			s.Destroy()
			if took = append(took, v); len(took) == 1 {
				rival.post(func(s *session.Session) { token.Set(s, "other") })
			}
		}), request("POST", ""))
		a.wantPage(t)
		if !slices.Equal(took, []string{"secret", "other"}) {
			t.Errorf("the runs took %q", took)
		}
		rival.wantState("empty")
	})

	t.Run("after a failed commit that run's Session is dead", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		runs := 0
		c.serve(c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			if runs++; runs > 1 {
				return
			}
			keyA.Get(s)
			rival.post(set("a=7"))
			keyA.Set(s, 2)
			_, err := io.WriteString(w, "page")
			wantErr(t, err, session.ErrConflict)
			keyB.Set(s, 9)
			wantErr(t, s.Save(ctx), session.ErrConflict)
			wantErr(t, s.Update(ctx, setting("c=9")), session.ErrConflict)
		}), request("GET", ""))
		c.wantState("a=7")
	})
}
