package txn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
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

// ended returns a world whose session has ended, and the time since then.
func ended(t *testing.T, outside bool, ago time.Duration) *world {
	w := newWorld(t, txn.LevelMerge)
	w.put(first, records.Tombstone(content("a=1"), "", outside))
	elapse(ago)
	return w
}

func TestNewSessionOverATombstone(t *testing.T) {
	set := func(v *visit) { v.set("c", "3") }
	login := func(v *visit) { set(v); v.Renew() }
	lossy := func(v *visit) { v.Set("c", value("3"), true, nil) }
	for _, tc := range []struct {
		rule    string
		outside bool
		ago     time.Duration
		do      func(v *visit)
		err     error
		begins  bool
	}{
		{"not while another response may be under way", false, records.StrictWindow - time.Millisecond, set, records.ErrEnded, false},
		{"after that", false, records.StrictWindow, set, nil, true},
		{"at once if the session was ended from outside", true, 0, set, nil, true},
		{"at once by a login", false, 0, login, nil, true},
		{"what may be lost is lost", false, 0, lossy, nil, false},
		{"what may be lost is not, where nothing is in the way", true, 0, lossy, nil, true},
		{"not of what is lost and more", false, 0, func(v *visit) { lossy(v); v.set("d", "4") }, records.ErrEnded, false},
		{"not of what is lost and an owner", false, 0, func(v *visit) { lossy(v); v.SetOwner("ann") }, records.ErrEnded, false},
		{"not of what is lost after a Clear", false, 0, func(v *visit) { v.Clear(); lossy(v) }, records.ErrEnded, false},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			w := ended(t, tc.outside, tc.ago)
			v := w.visit(first)
			if !v.Began() || v.get("a") != "" {
				t.Error("it has something of the old session")
			}
			tc.do(v)
			wantErr(t, v.commit(), tc.err)
			if begun := w.get("session-1") != nil; begun != tc.begins || begun != (len(v.req.cookies) == 1) {
				t.Errorf("a session: %v, want %v; cookies %q", begun, tc.begins, v.req.cookies)
			}
			if v.Unsaved() && tc.err == nil {
				t.Error("something is left to save")
			}
			if claim := w.get(first).Claim; (claim == "session-1") != tc.begins {
				t.Errorf("the tombstone has the claim of %q", claim)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	begin := func(w *world, do ...func(v *visit)) *visit {
		v := w.visit(first)
		v.set("c", "3")
		for _, do := range do {
			do(v)
		}
		return v
	}
	login := func(v *visit) { v.Renew() }
	bubble(t, "of two at once one begins a session", func(t *testing.T) {
		w := ended(t, true, 0)
		one, two := begin(w), begin(w)
		wantErr(t, one.commit(), nil)
		wantErr(t, two.commit(), records.ErrEnded)
		w.wantStored("session-2", "nothing")
		if two.req.cookies != nil {
			t.Errorf("cookies %q", two.req.cookies)
		}
	})
	bubble(t, "a login ends what another has begun", func(t *testing.T) {
		w := ended(t, true, 0)
		one := begin(w)
		wantErr(t, one.commit(), nil)
		wantErr(t, begin(w, login).commit(), nil)
		w.wantStored("session-1", "tombstone")
		w.wantStored("session-2", "c=3")
	})
	bubble(t, "a login leaves another login alone", func(t *testing.T) {
		w := ended(t, true, 0)
		wantErr(t, begin(w, login).commit(), nil)
		wantErr(t, begin(w, login).commit(), nil)
		w.wantStored("session-1", "c=3")
		w.wantStored("session-2", "c=3")
	})
	bubble(t, "a login leaves alone what has got an owner", func(t *testing.T) {
		w := ended(t, true, 0)
		wantErr(t, begin(w, func(v *visit) { v.SetOwner("ann") }).commit(), nil)
		wantErr(t, begin(w, login).commit(), nil)
		w.wantStored("session-1", "c=3")
	})
	bubble(t, "a login that cannot end it logs that", func(t *testing.T) {
		w := ended(t, true, 0)
		wantErr(t, begin(w).commit(), nil)
		w.onSave = []saveHook{pass, pass, failing(provider.ErrRefused)}
		wantErr(t, begin(w, login).commit(), nil)
		w.wantStored("session-1", "c=3")
		w.wantLog("public_id=session-1")
	})
	bubble(t, "a visitor who has hung up claims nothing", func(t *testing.T) {
		w := ended(t, true, 0)
		v := begin(w)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		v.req.ctx = ctx
		wantErr(t, v.commit(), records.ErrUnavailable)
		w.wantStored("session-1", "nothing")
		if claim := w.get(first).Claim; claim != "" || v.req.cookies != nil {
			t.Errorf("claim %q, cookies %q", claim, v.req.cookies)
		}
	})
	bubble(t, "a claim that fails leaves no session", func(t *testing.T) {
		w := ended(t, true, 0)
		v := begin(w, func(v *visit) { v.SetOwner("ann") })
		w.onSave = []saveHook{pass, pass, failing(provider.ErrRefused)}
		wantErr(t, v.commit(), records.ErrUnavailable)
		w.wantStored("session-1", "nothing")
		if c := w.get(listOf("ann")); c.Entries.Len() != 0 {
			t.Errorf("%d entries are listed", c.Entries.Len())
		}
	})
	bubble(t, "a tombstone that cannot be read fails the login", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Renew()
		v.set("c", "3")
		w.other(func(v *visit) { v.Destroy() })
		w.via.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			return nil, provider.ErrUnreadable
		}
		wantErr(t, v.commit(), records.ErrUnreadable)
		w.wantStored("session-1", "nothing")
		w.wantStored("session-2", "nothing")
	})
	bubble(t, "a tombstone that is gone needs none", func(t *testing.T) {
		w := ended(t, true, 0)
		v := begin(w)
		w.erase(first)
		wantErr(t, v.commit(), nil)
		w.wantStored("session-1", "c=3")
	})
}

func TestRun(t *testing.T) {
	t.Run("changes the newest session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "5")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", v.get("a")+"3"); return nil }), nil)
		w.wantStored(first, "a=23 b=5")
	})
	t.Run("runs the closure again after a conflict, and undoes what it did", func(t *testing.T) {
		for name, level := range levels {
			w, v := begun(t, level)
			runs := 0
			err := v.Run(t.Context(), func() error {
				if runs++; runs <= 3 {
					w.other(func(v *visit) { v.update("a") })
					v.set("n", "from an earlier run")
				}
				v.set("a", v.get("a")+"3")
				return nil
			})
			if err != nil || runs != 4 {
				t.Errorf("%s: %d runs, %v", name, runs, err)
			}
			w.wantStored(first, "a=1!!!3 b=1")
			if got := withoutOthers(w); got != "replay first 1 false, replay first 2 false, replay first 3 false, save first 1 false" {
				t.Errorf("%s: observed %s", name, got)
			}
		}
	})
	t.Run("runs it again, also where the changes would merge", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("b", "2") })
			}
			v.set("a", "3")
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(first, "a=3 b=2")
	})
	t.Run("saves nothing of a closure that fails", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "5")
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", "3"); v.Renew(); return errNo }), errNo)
		w.wantSaves(0)
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1 b=5")
	})
	t.Run("undoes a closure that panics", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		func() {
			defer func() { _ = recover() }()
			_ = v.Run(t.Context(), func() error { v.set("a", "3"); panic("closure") })
		}()
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1 b=1")
		wantErr(t, v.Run(t.Context(), func() error { return nil }), nil)
	})
	t.Run("does not run the closure on a session that is gone", func(t *testing.T) {
		for _, other := range []func(w *world){
			func(w *world) { w.erase(first) },
			func(w *world) { w.other(func(v *visit) { v.Destroy() }) },
		} {
			w, v := begun(t, txn.LevelMerge)
			other(w)
			err := v.Run(t.Context(), func() error { t.Error("it ran"); return nil })
			wantErr(t, err, records.ErrEnded)
			wantErr(t, v.save(), records.ErrEnded)
		}
	})
	t.Run("does not run it where what was read before has changed", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", v.get("a"))
		v.pop("b")
		w.other(func(v *visit) { v.set("b", "2") })
		err := v.Run(t.Context(), func() error { t.Error("it ran"); return nil })
		wantErr(t, err, txn.ErrConflict)
	})
	t.Run("renews an empty session where another has ended it first", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.Renew() })
			}
			v.Renew()
			v.set("c", "3")
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(v.PublicID(), "c=3")
		w.wantStored("session-1", "a=1 b=1") // the other's
	})
	t.Run("is ErrEnded where the run before has seen something of the session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.Renew() })
				v.get("a")
			}
			v.Renew()
			return nil
		})
		wantErr(t, err, records.ErrEnded)
		if runs != 1 {
			t.Errorf("%d runs", runs)
		}
	})
	t.Run("runs the closure again that destroys the session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("b", "2") })
			}
			if v.get("b") == "1" {
				v.Destroy()
			}
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(first, "a=1 b=2")
	})
	t.Run("needs no second run to destroy what was destroyed before it", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Destroy()
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("b", "2") })
			}
			return nil
		})
		if err != nil || runs != 1 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(first, "tombstone")
	})
	bubble(t, "gives up after many runs", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			runs++
			w.other(func(v *visit) { v.update("a") })
			v.set("a", "3")
			return nil
		})
		wantErr(t, err, records.ErrUnavailable)
		if runs < 16 {
			t.Errorf("%d runs", runs)
		}
		wantErr(t, v.commit(), nil)
		if got := text(w.get(first)); got == "a=3 b=1" {
			t.Errorf("stored: %q", got)
		}
	})
	bubble(t, "queues up for a second run, and leaves the queue", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("a", "2") })
			} else if !busy(t) {
				t.Error("it has no place in the queue")
			}
			v.set("a", "3")
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		if busy(t) {
			t.Error("it has not left the queue")
		}
	})
	bubble(t, "waits for another Save, which cannot be inside of it", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		start := time.Now()
		err := v.Run(t.Context(), func() error {
			v.set("a", "3")
			wantErr(t, v.save(), records.ErrUnavailable)
			return nil
		})
		if took := time.Since(start); err != nil || took != 2*timeout {
			t.Errorf("%v after %v", err, took)
		}
	})
	bubble(t, "waits for another Run, which cannot be inside of it", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		err := v.Run(t.Context(), func() error {
			return v.Run(t.Context(), func() error { t.Error("the inner one ran"); return nil })
		})
		wantErr(t, err, records.ErrUnavailable)
	})
	bubble(t, "goes on once the other Save has ended", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "5")
		w.onSave = []saveHook{before(func() { elapse(time.Second) })}
		done := make(chan error)
		go func() { done <- v.save() }()
		synctest.Wait()
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", "3"); return nil }), nil)
		wantErr(t, <-done, nil)
		w.wantStored(first, "a=3 b=5")
	})
	t.Run("fails with the store, and undoes nothing that may be saved", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.via.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			return nil, provider.ErrUnreadable
		}
		err := v.Run(t.Context(), func() error { t.Error("it ran"); return nil })
		wantErr(t, err, records.ErrUnreadable)
	})
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
	w.e.Owners = owners.New(w.e.Records, owners.Options{ID: listOf, Limit: 1, Refuses: true, Lifetimes: &limits, Logger: w.e.Logger})
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
