package main

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// signInAt returns the device of a user who has signed in at a tenant.
func (s *site) signInAt(tenant, user string) *device {
	s.t.Helper()
	d := s.signIn(user)
	if code := d.visit(func(s *session.Session) { s.SetLabel("tenant", tenant) }); code != 200 {
		s.t.Fatalf("setting the label: %d", code)
	}
	return d
}

func TestSessionsOfALabel(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{Namespace: "shop"})
	ada, bob, eve := s.signInAt("acme=1", "ada"), s.signInAt("acme=1", "bob"), s.signInAt("other", "eve")
	by := []string{"-label", "tenant=acme=1", "-namespace", "shop"}
	if got := s.listed(by...); !same(got, []string{ada.publicID(), bob.publicID()}) {
		t.Errorf("list: %q", got)
	}
	if got := s.listed(append(by, "-prefix", bob.publicID())...); !same(got, []string{bob.publicID()}) {
		t.Errorf("list -prefix: %q", got)
	}
	s.fails(1, "there is no session with the label tenant=acme; if the program has a Config.Namespace", "revoke", "-label", "tenant=acme", "-namespace", "shop")
	s.fails(1, "give it as -namespace", "list", "-label", "tenant=acme=1")
	s.asks, s.input = true, "n\n"
	if r := s.run(append([]string{"revoke"}, by...)...); r.code != 1 || !strings.HasPrefix(r.errOut, "End 2 sessions with the label tenant=acme=1?") {
		t.Errorf("exit code %d\n%s", r.code, r.errOut)
	}
	s.wantAlive(ada)
	if out := s.must(append([]string{"revoke", "-yes"}, by...)...); out != "ended 2 sessions with the label tenant=acme=1\n" {
		t.Errorf("output %q", out)
	}
	s.wantEnded(ada)
	s.wantEnded(bob)
	s.wantAlive(eve)
}
