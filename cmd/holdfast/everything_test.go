package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

const within = 10 * time.Second

// inBubble tests a program over a store that it shares with others, in a bubble whose time
// begins on 2000-01-01. Without what provider/memory has in addition to a Provider, the
// store counts as that of another process.
func inBubble(t *testing.T, cfg session.Config, test func(t *testing.T, s *site)) {
	synctest.Test(t, func(t *testing.T) {
		cfg.RevokeEverythingWithin = within
		test(t, newSite(t, struct{ provider.Provider }{memory.New()}, cfg))
	})
}

func TestRevokeEverything(t *testing.T) {
	inBubble(t, session.Config{}, func(t *testing.T, s *site) {
		ada, guest := s.signIn("ada"), s.device()
		guest.visit(func(s *session.Session) { name.Set(s, "guest") })
		time.Sleep(time.Minute)
		began := time.Now()
		r := s.run("revoke", "-everything", "-within", "10s", "-yes")
		if r.code != 0 || r.out != "ended every session that began before 2000-01-01 00:01:00Z\n" || !strings.Contains(r.errOut, "on each instance of the program within 10s") {
			t.Errorf("exit code %d\n%s%s", r.code, r.out, r.errOut)
		}
		if took := time.Since(began); took < within {
			t.Errorf("it ended after %v, before every instance had noticed", took)
		}
		s.wantEnded(ada)
		s.wantEnded(guest)
		s.wantAlive(s.signIn("ada"))
	})
}

func TestRevokeEverythingOfANamespace(t *testing.T) {
	inBubble(t, session.Config{Namespace: "shop"}, func(t *testing.T, s *site) {
		ada := s.signIn("ada")
		s.run("revoke", "-everything", "-within", "10s", "-yes")
		s.wantAlive(ada)
		r := s.run("revoke", "-everything", "-within", "10s", "-yes", "-namespace", "shop")
		if r.code != 0 || !strings.Contains(r.out, "every session of the namespace shop") {
			t.Errorf("exit code %d\n%s%s", r.code, r.out, r.errOut)
		}
		s.wantEnded(ada)
	})
}

// One session is enough to ask.
func TestRevokeEverythingAsks(t *testing.T) {
	for name, tc := range map[string]struct {
		asks  bool
		input string
		code  int
		says  string
	}{
		"no":              {asks: true, input: "n\n", code: 1, says: "nothing was ended"},
		"enter":           {asks: true, input: "\n", code: 1, says: "nothing was ended"},
		"nobody is there": {input: "y\n", code: 2, says: "this ends every session and needs a confirmation"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, session.Config{}, func(t *testing.T, s *site) {
				ada := s.signIn("ada")
				s.asks, s.input = tc.asks, tc.input
				if r := s.run("revoke", "-everything", "-within", "10s"); r.code != tc.code || !strings.Contains(r.errOut, tc.says) {
					t.Errorf("exit code %d, want %d and %q\n%s", r.code, tc.code, tc.says, r.errOut)
				}
				time.Sleep(2 * within)
				s.wantAlive(ada)
			})
		})
	}
	inBubble(t, session.Config{}, func(t *testing.T, s *site) {
		ada := s.signIn("ada")
		s.asks, s.input = true, "y\n"
		if r := s.run("revoke", "-everything", "-within", "10s"); r.code != 0 || !strings.HasPrefix(r.errOut, "End every session? ") {
			t.Errorf("exit code %d\n%s", r.code, r.errOut)
		}
		s.wantEnded(ada)
	})
}

// After an interruption the sessions end all the same, which the line before it says.
func TestRevokeEverythingInterrupted(t *testing.T) {
	inBubble(t, session.Config{}, func(t *testing.T, s *site) {
		ada := s.signIn("ada")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := s.runIn(ctx, "revoke", "-everything", "-within", "10s", "-yes")
		if r.code != 1 || r.out != "" || !strings.HasPrefix(r.errOut, "holdfast: the sessions end now") || !strings.HasSuffix(r.errOut, "\nholdfast: interrupted\n") {
			t.Errorf("exit code %d\n%s%s", r.code, r.out, r.errOut)
		}
		time.Sleep(within)
		s.wantEnded(ada)
	})
}
