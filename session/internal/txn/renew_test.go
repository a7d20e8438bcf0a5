package txn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

func TestRenewMovesTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		created := w.get(first).Created
		elapse(time.Minute)
		v.set("a", "2")
		v.Renew()
		if err := v.commit(); err != nil {
			t.Fatal(err)
		}
		old, next := w.get(first), w.get("session-1")
		switch {
		case v.PublicID() != "session-1" || !slices.Equal(v.req.cookies, []string{"signed token-1"}):
			t.Errorf("ID %q, cookies %q", v.PublicID(), v.req.cookies)
		case !old.Tombstone || old.Successor != "session-1" || old.Outside:
			t.Errorf("the old record: %+v", old)
		case !old.Expires.Equal(limits.End(next)):
			t.Errorf("the tombstone expires at %v, the session ends at %v", old.Expires, limits.End(next))
		case text(next) != "a=2 b=1" || !next.Created.Equal(created) || !next.Started.Equal(records.Now()):
			t.Errorf("the new record: %q, created %v, started %v", text(next), next.Created, next.Started)
		}
		w.wantSaves(2)
		if got := w.ops(); got != "renew session-1 1 false" {
			t.Errorf("observed: %s", got)
		}
	})
}

func TestRenewTakesInWhatOthersHaveSaved(t *testing.T) {
	w, v := begun(t, txn.LevelMerge)
	v.set("a", "2")
	v.Renew()
	w.onSave = []saveHook{pass, before(func() { w.other(func(v *visit) { v.set("b", "3") }) })}
	if err := v.commit(); err != nil {
		t.Fatal(err)
	}
	w.wantStored("session-1", "a=2 b=3")
	w.wantStored(first, "tombstone")
}

func TestRenewThatFailsLeavesNothing(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		saves func(w *world, v *visit) []saveHook
		setUp func(v *visit)
		err   error
	}{
		{"the new record is refused", func(*world, *visit) []saveHook {
			return []saveHook{failing(provider.ErrRefused)}
		}, nil, records.ErrUnavailable},
		{"the tombstone is refused", func(*world, *visit) []saveHook {
			return []saveHook{pass, failing(provider.ErrRefused)}
		}, nil, records.ErrUnavailable},
		{"the visitor hangs up", func(_ *world, v *visit) []saveHook {
			return []saveHook{before(func() {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				v.req.ctx = ctx
			})}
		}, nil, records.ErrUnavailable},
		{"the header has been sent", func(*world, *visit) []saveHook { return nil }, func(v *visit) { v.req.headerSent = true }, txn.ErrHeaderSent},
		{"the cookie cannot be signed", func(*world, *visit) []saveHook { return nil }, func(v *visit) { v.req.signErr = errBroken }, errBroken},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			if tc.setUp != nil {
				tc.setUp(v)
			}
			w.onSave = tc.saves(w, v)
			v.Renew()
			wantErr(t, v.commit(), tc.err)
			w.wantStored(first, "a=1 b=1")
			w.wantStored("session-1", "nothing")
			if v.req.cookies != nil || v.PublicID() != first {
				t.Errorf("cookies %q, ID %q", v.req.cookies, v.PublicID())
			}
		})
	}
}

func TestRenewThatCannotTakeInWhatOthersHaveSaved(t *testing.T) {
	fail := func(txn.Value) (txn.Value, error) { return txn.Value{}, txn.ErrEncode }
	for _, tc := range []struct {
		rule  string
		mine  func(v *visit)
		other func(w *world)
		err   error
	}{
		{"since an Update fails on it", func(v *visit) {
			v.Update("a", false, func(txn.Value) (txn.Value, error) { return value("3"), nil }, fail)
		}, func(w *world) { w.other(func(v *visit) { v.set("a", "2") }) }, txn.ErrEncode},
		{"since both are too large", func(v *visit) { v.set("a", strings.Repeat("x", 500)) }, func(w *world) {
			w.other(func(v *visit) { v.set("b", strings.Repeat("x", 500)) })
		}, records.ErrTooLarge},
		{"since the new record is gone", func(*visit) {}, func(w *world) {
			w.other(func(v *visit) { v.set("b", "2") })
			w.erase("session-1")
		}, records.ErrUnavailable},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			tc.mine(v)
			v.Renew()
			w.onSave = []saveHook{pass, before(func() { tc.other(w) })}
			wantErr(t, v.commit(), tc.err)
			w.wantStored("session-1", "nothing")
			if c := w.get(first); c.Tombstone || v.req.cookies != nil {
				t.Errorf("the old record: %q, cookies %q", text(c), v.req.cookies)
			}
		})
	}
}

// sight is what a request sees of a session before it renews it.
type sight struct {
	name string
	see  func(v *visit)
	seen bool // more than that something was not there
}

var sights = []sight{
	{"nothing", func(*visit) {}, false},
	{"a key that is not there", func(v *visit) { v.get("n") }, false},
	{"an owner that is not there", func(v *visit) { v.Owner() }, false},
	{"a key", func(v *visit) { v.get("a") }, true},
	{"a key that is LastWriteWins", func(v *visit) { v.Get("a", true) }, true},
	{"the keys", func(v *visit) { v.Keys() }, true},
	{"a key in a closure of Update", func(v *visit) { v.update("n", func() { v.get("a") }) }, true},
	{"a key that it updates", func(v *visit) { v.update("a") }, true},
	{"a key that it pops", func(v *visit) { v.pop("a") }, true},
	{"a key by GetOrSet", func(v *visit) { v.getOrSet("a", "3") }, true},
	{"a key that it merges", func(v *visit) { v.Set("a", value(v.get("a")), false, merging()) }, true},
	{"a key in a Session.Update that is undone", func(v *visit) {
		wantErr(v.w.t, v.Run(v.w.t.Context(), func() error { v.get("a"); return errNo }), errNo)
	}, true},
	{"a key before a Clear", func(v *visit) { v.get("a"); v.Clear() }, true},
	{"a key after a Clear", func(v *visit) { v.Clear(); v.get("a") }, false},
}

func TestRenewOverATombstone(t *testing.T) {
	for _, other := range []action{
		{"renewed", func(v *visit) { v.Renew() }},
		{"destroyed", func(v *visit) { v.Destroy() }},
	} {
		for _, tc := range sights {
			t.Run("another has "+other.name+" it, this one has seen "+tc.name, func(t *testing.T) {
				for _, level := range []txn.Isolation{txn.LevelMerge, txn.LevelSerializable} {
					w, v := begun(t, level)
					tc.see(v)
					v.set("c", "3")
					v.Renew()
					w.other(other.do)
					err := v.commit()
					if tc.seen {
						wantErr(t, err, records.ErrEnded)
						if v.req.cookies != nil {
							t.Errorf("cookies %q", v.req.cookies)
						}
						continue
					}
					wantErr(t, err, nil)
					w.wantStored(v.PublicID(), "c=3")
					if len(v.req.cookies) != 1 || !v.Began() {
						t.Errorf("cookies %q, began: %v", v.req.cookies, v.Began())
					}
					if c := w.get(first); c.Claim != v.PublicID() || !c.Login {
						t.Errorf("the tombstone has the claim of %q, login %v", c.Claim, c.Login)
					}
				}
			})
		}
		t.Run("another has "+other.name+" it, this one has seen the owner", func(t *testing.T) {
			w := newWorld(t, txn.LevelMerge)
			w.put(first, owned(content(""), "ann"))
			v := w.visit(first)
			v.Owner()
			v.set("c", "3")
			v.Renew()
			w.other(other.do)
			wantErr(t, v.commit(), records.ErrEnded)
		})
	}
}

func TestChangeAfterADestroyOfASessionThatAnotherHasEnded(t *testing.T) {
	for _, tc := range sights {
		if tc.name == "a key that it pops" { // that is ErrEnded for the Pop
			continue
		}
		t.Run("this one has seen "+tc.name, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			tc.see(v)
			v.Destroy()
			v.set("c", "3")
			w.other(func(v *visit) { v.Destroy() })
			if tc.seen {
				wantErr(t, v.commit(), records.ErrEnded)
				return
			}
			wantErr(t, v.commit(), nil)
			w.wantStored(v.PublicID(), "c=3")
		})
	}
}

// withoutOthers returns the operations observed of all but the requests in between, each
// of which is one save.
func withoutOthers(w *world) string {
	others := 3
	w.events = slices.DeleteFunc(w.events, func(e event) bool {
		if e.Op != "save" || others == 0 {
			return false
		}
		others--
		return true
	})
	return w.ops()
}

// busy reports whether somebody is served in the queue of the session.
func busy(t *testing.T) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ticket, waited := queue.Join(ctx, first)
	ticket.Leave()
	return waited
}

func TestOwnerOfARenewedSession(t *testing.T) {
	w := newWorld(t, txn.LevelMerge)
	w.put(first, content("a=1"))
	v := w.visit(first)
	v.SetOwner("ann")
	wantErr(t, v.save(), nil)
	v.Renew()
	wantErr(t, v.commit(), nil)
	var listed []string
	for id := range w.get(listOf("ann")).Entries.All() {
		listed = append(listed, string(id))
	}
	if !slices.Equal(listed, []string{"session-1"}) {
		t.Errorf("listed: %q", listed)
	}
}

func TestSignInThatIsRefused(t *testing.T) {
	w := newWorld(t, txn.LevelMerge)
	w.e.Owners = owners.New(w.e.Records, owners.Options{ID: listID, Limit: 1, Refuses: true, Lifetimes: &limits, Logger: w.e.Logger})
	w.put(first, content("a=1"))
	v := w.visit(first)
	v.SetOwner("ann")
	wantErr(t, v.commit(), nil)
	two := w.visit("")
	two.SetOwner("ann")
	two.set("a", "2")
	err := two.commit()
	if !errors.Is(err, owners.ErrTooManySessions) || two.req.cookies != nil {
		t.Errorf("%v, cookies %q", err, two.req.cookies)
	}
	w.wantStored("session-1", "nothing")
}
