package owners_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// renew stores the session id as one that was renewed to successor, which is not stored.
func (r *rig) renew(id, successor string) {
	r.put(id, records.Tombstone(r.get(id), successor, false))
}

func TestRevoke(t *testing.T) {
	bubble(t, "ends the session, whosever it is", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b")
		r.put("guest", session(""))
		for _, id := range []string{"a", "guest"} {
			if err := r.Revoke(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		r.wantLive(false, "a", "guest")
		r.wantLive(true, "b")
		r.wantListed(ann, "b")
		if !r.get("a").Outside {
			t.Error("the tombstone tells of a response to its visitor")
		}
		if len(r.events) != 2 || r.events[0].Op != observe.Revoke || r.events[0].PublicID != "a" {
			t.Errorf("observed: %+v", r.events)
		}
	})
	bubble(t, "ends what it was renewed to", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b")
		r.renew("a", "b")
		if err := r.Revoke(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		r.wantLive(false, "b")
	})
	bubble(t, "is done where the session has ended already", func(t *testing.T) {
		r := newRig(t)
		r.put("a", records.Tombstone(session(ann), "", false))
		if err := r.Revoke(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	})
	for _, tc := range []struct{ rule, id string }{
		{"is ErrEnded of an ID that is not there", "absent"},
		{"is ErrEnded of no ID", ""},
		{"is ErrEnded of what is no ID", strings.Repeat("x", 1000)},
		{"is ErrEnded of an owner's index", listOf(ann)},
		{"is ErrEnded where the successor is not there", "renewed"},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			r := newRig(t)
			r.mustSignIn(ann, "a", "renewed")
			r.renew("renewed", "lost")
			wantErr(t, r.Revoke(t.Context(), tc.id), records.ErrEnded)
			r.wantLive(true, "a", listOf(ann))
		})
	}
	bubble(t, "fails with the store", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		r.failFetches(errBroken, "a")
		wantErr(t, r.Revoke(t.Context(), "a"), errBroken)
		r.via.OnFetch = nil
		r.failSaves(errBroken, "a")
		wantErr(t, r.Revoke(t.Context(), "a"), records.ErrOutcomeUnknown)
		r.wantListed(ann, "a")
	})
}

func TestRevokeAll(t *testing.T) {
	bubble(t, "ends all of the owner's sessions", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b", "c")
		r.mustSignIn(bob, "d")
		if err := r.RevokeAll(t.Context(), ann, "b"); err != nil {
			t.Error(err)
		}
		r.wantLive(false, "a", "b", "c")
		r.wantLive(true, "d")
		r.wantListed(ann)
		r.wantListed(bob, "d")
	})
	bubble(t, "has nothing to do for an owner without sessions", func(t *testing.T) {
		r := newRig(t)
		if err := r.RevokeAll(t.Context(), ann, ""); err != nil {
			t.Error(err)
		}
		if n := r.via.Saves.Load(); n != 0 {
			t.Errorf("%d saves", n)
		}
	})
	bubble(t, "ends what a session was renewed to", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		r.put("unlisted", session(ann))
		r.renew("a", "unlisted")
		if err := r.RevokeAll(t.Context(), ann, ""); err != nil {
			t.Error(err)
		}
		r.wantLive(false, "unlisted")
	})
	bubble(t, "not what was renewed as another's", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		r.put("bobs", session(bob))
		r.renew("a", "bobs")
		if err := r.RevokeAll(t.Context(), ann, ""); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "bobs")
	})
	bubble(t, "leaves alone what is another's, and removes its entry if that is stale", func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entry{id: "stale", commit: 1}, entry{id: "pending", commit: 2}, entry{id: "absent", commit: 1}, entry{id: "old", commit: 1, ago: time.Hour})
		r.put("stale", session(bob))
		r.put("pending", session(bob))
		if err := r.RevokeAll(t.Context(), ann, ""); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "stale", "pending")
		r.wantListed(ann, "absent", "pending")
	})
	bubble(t, "leaves alone one that becomes another's", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		r.beforeSave("a", func() { r.put("a", given(r.get("a"), bob)) })
		if err := r.RevokeAll(t.Context(), ann, ""); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "a")
	})
	bubble(t, "goes on after a failure, and returns it", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b", "c")
		r.failFetches(errBroken, "a")
		r.failSaves(errBroken, "b")
		wantErr(t, r.RevokeAll(t.Context(), ann, ""), errBroken)
		r.wantLive(true, "a", "b")
		r.wantLive(false, "c")
		r.wantListed(ann, "a", "b")
	})
	bubble(t, "ends with its context", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b", "c")
		ctx, cancel := context.WithCancel(t.Context())
		r.beforeSave("a", cancel)
		wantErr(t, r.RevokeAll(ctx, ann, ""), context.Canceled)
		r.wantLive(false, "a") // a change that was begun is not given up
		r.wantLive(true, "b", "c")
		r.wantListed(ann, "b", "c")
	})
	bubble(t, "fails with the index", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		r.failFetches(errBroken, listOf(ann))
		wantErr(t, r.RevokeAll(t.Context(), ann, ""), errBroken)
		r.wantLive(true, "a")
	})
}

// A store that evicts may have lost the index.
func TestErrNotListed(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		stored func(r *rig)
		err    error
	}{
		{"the session lives, and is not listed", func(r *rig) { r.put("known", session(ann)) }, owners.ErrNotListed},
		{"it is another's", func(r *rig) { r.put("known", session(bob)) }, nil},
		{"it has ended", func(r *rig) { r.put("known", records.Tombstone(session(ann), "", false)) }, nil},
		{"it is not there", func(*rig) {}, nil},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			r := newRig(t)
			r.mustSignIn(ann, "a")
			tc.stored(r)
			lived := r.lives("known")
			wantErr(t, r.RevokeAll(t.Context(), ann, "known"), tc.err)
			r.wantLive(false, "a")
			r.wantLive(lived, "known")
			r.wantListed(ann)
		})
	}
	bubble(t, "RevokeOthers lists the session again", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		r.put("known", session(ann))
		wantErr(t, r.RevokeOthers(t.Context(), ann, "known", true), owners.ErrNotListed)
		r.wantLive(true, "known")
		r.wantLive(false, "a")
		r.wantListed(ann, "known")
		if err := r.RevokeOthers(t.Context(), ann, "known", true); err != nil {
			t.Error(err)
		}
	})
	bubble(t, "RevokeOthers lists what the session was renewed to", func(t *testing.T) {
		r := newRig(t)
		r.put("mine", session(ann))
		r.put("next", session(ann))
		r.renew("mine", "next")
		wantErr(t, r.RevokeOthers(t.Context(), ann, "mine", true), owners.ErrNotListed)
		r.wantLive(true, "next")
		r.wantListed(ann, "next")
	})
	bubble(t, "not by one that is not stored as the owner's yet", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a")
		if err := r.RevokeOthers(t.Context(), ann, "", false); err != nil {
			t.Error(err)
		}
		r.wantLive(false, "a")
	})
}

func TestRevokeOthersSpares(t *testing.T) {
	bubble(t, "the session", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "mine", "b")
		if err := r.RevokeOthers(t.Context(), ann, "mine", true); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "mine")
		r.wantLive(false, "a", "b")
		r.wantListed(ann, "mine")
	})
	bubble(t, "what it was renewed to", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "mine", "next", "last")
		r.renew("mine", "next")
		r.renew("next", "last")
		if err := r.RevokeOthers(t.Context(), ann, "mine", true); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "last")
		r.wantLive(false, "a")
		r.wantListed(ann, "last")
	})
	bubble(t, "what it is about to be renewed to", func(t *testing.T) {
		r := renewing(t)
		r.mustSignIn(ann, "a")
		if err := r.RevokeOthers(t.Context(), ann, "old", true); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "old", "new")
		r.wantLive(false, "a")
		r.wantListed(ann, "old", "new")
	})
	bubble(t, "not what another is about to be renewed to", func(t *testing.T) {
		r := renewing(t)
		r.mustSignIn(ann, "mine")
		if err := r.RevokeOthers(t.Context(), ann, "mine", true); err != nil {
			t.Error(err)
		}
		r.wantLive(false, "old", "new")
		r.wantListed(ann, "mine")
	})
	bubble(t, "nothing where its successors cannot be read", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "mine")
		r.failFetches(errBroken, "mine")
		wantErr(t, r.RevokeOthers(t.Context(), ann, "mine", true), errBroken)
		r.wantLive(true, "a", "mine")
	})
}

func TestEndRival(t *testing.T) {
	for _, inside := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.mustSignIn(ann, "a")
			if err := r.EndRival(t.Context(), "a", r.get("a"), inside); err != nil {
				t.Error(err)
			}
			if c := r.get("a"); !c.Tombstone || c.Outside == inside {
				t.Errorf("tombstone: %v, from outside: %v", c.Tombstone, c.Outside)
			}
		})
	}
}
