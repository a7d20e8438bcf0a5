package txn_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

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
