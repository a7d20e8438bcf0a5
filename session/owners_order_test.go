package session_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// deed is an operation of a request on the sessions of an owner.
type deed struct {
	name string
	opts []func(*session.Config)
	of   func(w *world) func() // prepares the world, and returns the operation
}

// deeds are the operations that write an owner index or end a session in it.
var deeds = []deed{
	{name: "login", of: func(w *world) func() {
		c := w.client()
		return func() { c.post(signIn("ann")) }
	}},
	{name: "login of a visitor", of: func(w *world) func() {
		c := w.client()
		c.post(set("b=1"))
		return func() { c.post(signIn("ann")) }
	}},
	{name: "login without Renew", of: func(w *world) func() {
		c := w.client()
		c.post(set("b=1"))
		return func() { c.post(own("ann")) }
	}},
	{name: "login within Update", of: func(w *world) func() {
		c := w.client()
		c.post(set("b=1"))
		return func() {
			c.post(func(s *session.Session) {
				_ = s.Update(context.Background(), func(s *session.Session) error { signIn("ann")(s); return nil })
			})
		}
	}},
	signedIn("renewal", renew),
	signedIn("renewal and more", inOrder(renew, set("b=2"))),
	signedIn("another user", signIn("bob")),
	signedIn("another user, without Renew", own("bob")),
	signedIn("nobody", own("")),
	signedIn("logout", destroy),
	signedIn("logout and login", inOrder(destroy, signIn("bob"))),
	signedIn("persist", func(s *session.Session) { s.Persist(1 << 50) }),
	signedIn("change", set("a=2")),
	{name: "login over the limit", opts: []func(*session.Config){limit(1, false)}, of: func(w *world) func() {
		w.client().post(signIn("ann"))
		c := w.client()
		return func() { c.post(signIn("ann")) }
	}},
	{name: "login refused", opts: []func(*session.Config){limit(1, true)}, of: func(w *world) func() {
		w.client().post(signIn("ann"))
		c := w.client()
		return func() { c.post(signIn("ann")) }
	}},
	{name: "renewal at the limit", opts: []func(*session.Config){limit(1, true)}, of: signedIn("", renew).of},
	{name: "RevokeAll", of: func(w *world) func() {
		w.client().post(signIn("ann"))
		w.client().post(signIn("ann"))
		return func() { _ = w.revokeAll("ann") }
	}},
	{name: "Revoke", of: func(w *world) func() {
		c := w.client()
		c.post(signIn("ann"))
		id := c.sessionID()
		return func() { _ = w.m.Revoke(context.Background(), id) }
	}},
	{name: "Sessions with much to prune", of: func(w *world) func() {
		for range 3 {
			c := w.client()
			c.post(signIn("ann"))
			id := c.sessionID()
			c.post(own("bob"))
			w.onSave(pass, refused(provider.ErrFull))
			c.post(destroy)
			w.calm()
			w.erase(id)
		}
		w.client().post(signIn("ann"))
		return func() { _, _ = listed.sessions(context.Background(), w.m, "ann") }
	}},
}

func signedIn(name string, then func(*session.Session)) deed {
	return deed{name: name, of: func(w *world) func() {
		c := w.client()
		c.post(signIn("ann"))
		return func() { c.post(then) }
	}}
}

// A session gets its entry before it is saved, and loses it after it has ended. So every
// session that is alive has an entry, wherever the program ends or the store fails.
func TestRuleOrderOfWrites(t *testing.T) {
	type fault struct {
		name string
		at   func(*script) (at, rest step)
	}
	faults := []fault{
		{"power off before", func(*script) (step, step) { return powerOff, powerOff }},
		{"power off after", func(*script) (step, step) { return powerOffAfter, powerOff }},
		{"power off during", func(sc *script) (step, step) { return sc.overdueAtPowerOff, powerOff }},
		{"lost", func(*script) (step, step) { return lost, nil }},
		{"unacknowledged", func(*script) (step, step) { return unacknowledged, nil }},
		{"late", func(sc *script) (step, step) { return sc.overdue, nil }},
		{"lost, and the store is down", func(*script) (step, step) { return lost, lost }},
		{"unacknowledged, and the store is down", func(*script) (step, step) { return unacknowledged, lost }},
		{"late, and the store is down", func(sc *script) (step, step) { return sc.overdue, sc.overdue }},
	}
	for _, d := range deeds {
		for _, f := range faults {
			t.Run(d.name+"/"+f.name, func(t *testing.T) {
				for n := 0; ; n++ {
					reached := true
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, d.opts...)
						sc := w.follow()
						do := d.of(w)
						at, rest := f.at(sc)
						sc.at(n, at, rest)
						parallel(1, func(int) { do() })
						if reached = sc.reached(n); !reached {
							return
						}
						sc.heal()
						w.m = w.manager()
						w.wantRevocable()
						if t.Failed() {
							t.Logf("by a fault of operation %d", n)
						}
					})
					if !reached || t.Failed() {
						return
					}
				}
			})
		}
	}
}

// For any two operations, one runs as a whole between two steps of the other.
func TestRuleOrderOfWritesInterleaved(t *testing.T) {
	between := []deed{
		{name: "RevokeAll", of: func(w *world) func() {
			return func() { wantErr(w.t, w.revokeAll("ann"), nil) }
		}},
		{name: "Sessions", of: func(w *world) func() {
			return func() { w.sessions("ann") }
		}},
	}
	for _, d := range deeds {
		for _, b := range between {
			t.Run(d.name+"/"+b.name, func(t *testing.T) {
				for n := 0; ; n++ {
					w := newWorld(t, d.opts...)
					sc := w.follow()
					do := d.of(w)
					sc.at(n, first(b.of(w)), nil)
					do()
					if !sc.reached(n) {
						return
					}
					if w.wantRevocable(); t.Failed() {
						t.Fatalf("at operation %d", n)
					}
				}
			})
		}
	}

	users := []string{"ann", "bob", ""}
	for _, one := range users {
		for _, other := range users {
			t.Run(fmt.Sprintf("SetOwner(%q) and SetOwner(%q) of another request", one, other), func(t *testing.T) {
				for n := 0; ; n++ {
					w := newWorld(t)
					sc := w.follow()
					c := w.client()
					c.post(signIn("ann")).wantPage(t)
					tab := c.tab()
					sc.at(n, first(func() { tab.post(own(other)).wantPage(t) }), nil)
					c.post(own(one)).wantPage(t)
					if !sc.reached(n) {
						return
					}
					if w.wantRevocable(); t.Failed() {
						t.Fatalf("at operation %d", n)
					}
				}
			})
		}
	}
}
