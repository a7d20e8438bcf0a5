package session_test

import (
	"context"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleOwner(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	laptop, phone, guest := w.client(), w.client(), w.client()
	guest.post(set("a=7"))
	laptop.post(signIn("ann")).wantPage(t)
	phone.post(set("b=1")).wantPage(t)
	phone.post(signIn("ann")).wantPage(t)
	if got := w.handles("ann"); len(got) != 2 || !slices.Contains(got, phone.sessionID()) || !slices.Contains(got, laptop.sessionID()) {
		t.Errorf("ann has %q", got)
	}
	if got := w.handles("bob"); got != nil {
		t.Errorf("bob has %q", got)
	}
	laptop.post((*session.Session).Renew).wantPage(t)
	if got := w.handles("ann"); len(got) != 2 {
		t.Errorf("after a Renew ann has %q", got)
	}
	if n := w.trips(func() { w.handles("ann") }); n != 3 {
		t.Errorf("Sessions took %d trips", n)
	}
	wantErr(t, w.m.Revoke(ctx, laptop.sessionID()), nil)
	laptop.wantState("empty")
	phone.wantState("a=1 b=1")
	guest.wantState("a=7")
	laptop.post(signIn("ann")).wantPage(t)
	phone.post(func(s *session.Session) { wantErr(t, w.m.RevokeOthers(ctx, s), nil) }).wantPage(t)
	laptop.wantState("empty")
	phone.wantState("a=1 b=1")
	wantErr(t, w.m.RevokeAll(ctx, "ann"), nil)
	phone.wantState("empty")
	guest.wantState("a=7")
	if n := w.trips(func() { w.handles("ann") }); n != 1 {
		t.Errorf("after RevokeAll Sessions took %d trips", n)
	}
}
