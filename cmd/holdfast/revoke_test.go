package main

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestARequestUnderWayBringsNothingBack(t *testing.T) {
	s := newMemorySite(t)
	ada := s.signIn("ada")
	if code := ada.visit(func(sess *session.Session) {
		s.must("revoke", sess.PublicID())
		name.Set(sess, "late")
	}); code != http.StatusConflict {
		t.Errorf("the request under way: %d", code)
	}
	s.wantEnded(ada)
}

func TestRevokeFollowsARenewal(t *testing.T) {
	s := newMemorySite(t)
	ada := s.signIn("ada")
	before := ada.publicID()
	ada.visit((*session.Session).Renew)
	s.must("revoke", before)
	s.wantEnded(ada)
}

func TestRevokeAsksBeforeItEndsSeveral(t *testing.T) {
	for name, tc := range map[string]struct {
		asks  bool
		input string
		flags []string
		code  int
		says  string
	}{
		"yes":             {asks: true, input: "y\n"},
		"in full":         {asks: true, input: "Yes\n"},
		"-yes":            {flags: []string{"-yes"}},
		"no":              {asks: true, input: "n\n", code: 1, says: "nothing was ended"},
		"enter":           {asks: true, input: "\n", code: 1, says: "nothing was ended"},
		"end of input":    {asks: true, code: 2, says: "give -yes"},
		"nobody is there": {input: "y\n", code: 2, says: "give -yes"},
	} {
		for _, by := range []string{"user", "public IDs"} {
			t.Run(name+"/"+by, func(t *testing.T) {
				s := newMemorySite(t)
				laptop, phone := s.signIn("ada"), s.signIn("ada")
				s.asks, s.input = tc.asks, tc.input
				args := append([]string{"revoke"}, tc.flags...)
				if by == "user" {
					args = append(args, "-user", "ada")
				} else {
					args = append(args, laptop.publicID(), phone.publicID())
				}
				r := s.run(args...)
				if r.code != tc.code || !strings.Contains(r.errOut, tc.says) {
					t.Errorf("exit code %d, want %d and %q\n%s", r.code, tc.code, tc.says, r.errOut)
				}
				if asked := strings.HasPrefix(r.errOut, "End 2 sessions "); asked != tc.asks {
					t.Errorf("it asked: %v", asked)
				}
				if tc.code == 0 {
					s.wantEnded(laptop)
					s.wantEnded(phone)
				} else {
					s.wantAlive(laptop)
					s.wantAlive(phone)
				}
			})
		}
	}
}

func TestRevokeSaysWhatIsNoSession(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{})
	ada := s.signIn("ada")
	live := ada.publicID()
	gone := s.signIn("bob")
	ended := gone.publicID()
	gone.visit((*session.Session).Destroy)
	s.fails(1, ended+" has ended before; nothing was ended", "revoke", "-yes", live, ended)
	s.fails(1, "no session with the public ID nonesuch", "revoke", "-yes", live, "nonesuch")
	s.fails(1, `no session with the public ID "\x1b[2J"`, "revoke", "\x1b[2J")
	s.fails(1, "-namespace", "revoke", "-user", "nobody")
	s.wantAlive(ada)
	ended = ada.publicID()
	ada.visit((*session.Session).Renew)
	if err := s.store.Delete(t.Context(), ada.publicID()); err != nil {
		t.Fatal(err)
	}
	s.fails(1, ended+" was not ended", "revoke", ended)
	for publicID, kind := range s.others() {
		s.fails(1, "its kind is "+string(kind), "revoke", publicID)
	}
}

// others returns the records that are no sessions and no tombstones.
func (s *site) others() map[string]session.Kind {
	s.t.Helper()
	found := map[string]session.Kind{}
	for rec, err := range s.store.(*memory.Provider).List(s.t.Context(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		info, err := session.Inspect(rec)
		if err == nil && (info.Kind == session.KindOwnerIndex || info.Kind == session.KindKeyring) {
			found[rec.ID] = info.Kind
		}
	}
	return found
}

func TestNamespace(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{Namespace: "shop"})
	ada := s.signIn("ada")
	s.fails(1, "-namespace", "revoke", "-user", "ada")
	s.fails(1, "-namespace", "list", "-user", "ada")
	if got := s.listed("-user", "ada", "-namespace", "shop"); !same(got, []string{ada.publicID()}) {
		t.Errorf("list -namespace: %q", got)
	}
	s.must("revoke", "-user", "ada", "-namespace", "shop")
	s.wantEnded(ada)
}

// The program's Config may be wider than the defaults.
func TestSessionsOlderThanTheDefaultsAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const year = 365 * 24 * time.Hour
		s := newSite(t, memory.New(), session.Config{IdleTimeout: year, Lifetime: year})
		ada := s.signIn("ada")
		time.Sleep(200 * 24 * time.Hour)
		if got := s.listed("-user", "ada"); !same(got, []string{ada.publicID()}) {
			t.Errorf("list: %q", got)
		}
		s.must("revoke", "-user", "ada")
		s.wantEnded(ada)
	})
}

// list changes nothing, not even what the Manager would tidy up.
func TestListSavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemorySite(t)
		s.signIn("ada")
		time.Sleep(90 * time.Minute) // its session has expired, but stays in the owner index
		s.signIn("ada")
		before := s.must("stats", "-json")
		if got := s.listed("-user", "ada"); len(got) != 1 {
			t.Errorf("list: %q", got)
		}
		if after := s.must("stats", "-json"); after != before {
			t.Errorf("before\n%safter\n%s", before, after)
		}
	})
}
