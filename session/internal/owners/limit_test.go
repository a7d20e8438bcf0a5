package owners_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

func TestLimitEndsTheOldest(t *testing.T) {
	bubble(t, "for one more", func(t *testing.T) {
		r := newRig(t, limit(2))
		r.mustSignIn(ann, "z", "b", "c", "a") // the oldest is not the first by name
		r.wantLive(false, "z", "b")
		r.wantLive(true, "c", "a")
		r.wantListed(ann, "c", "a")
		if c := r.get("z"); !c.Outside {
			t.Error("the tombstone tells of a response to its visitor")
		}
		if len(r.events) != 2 || r.events[0].Op != observe.Revoke || r.events[0].PublicID != "z" || r.events[0].Err != nil {
			t.Errorf("observed: %+v", r.events)
		}
	})
	bubble(t, "several where the limit is lower than it was", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b", "c", "d")
		lower := owners.New(r.store, owners.Options{ID: listID, Limit: 2, Lifetimes: &limits})
		if err := lower.Enter(r.access(), new(owners.Entering), owners.Session{ID: "e", Next: session(ann)}, records.OwnerLabel(ann)); err != nil {
			t.Error(err)
		}
		r.wantLive(false, "a", "b", "c")
		r.wantLive(true, "d")
		r.wantListed(ann, "d", "e")
	})
	bubble(t, "not one that has ended, or has not begun", func(t *testing.T) {
		r := newRig(t, limit(2))
		r.putList(ann, entry{id: "ended", ago: time.Minute, commit: 1}, entry{id: "pending", commit: 1})
		r.put("ended", records.Tombstone(session(ann), "", false))
		r.mustSignIn(ann, "a", "b")
		r.wantLive(true, "a", "b")
		r.wantListed(ann, "a", "b", "pending")
	})
	bubble(t, "not one that is another's by now", func(t *testing.T) {
		r := newRig(t, limit(1))
		r.mustSignIn(ann, "a")
		r.beforeSave("a", func() { r.put("a", given(r.get("a"), bob)) })
		r.mustSignIn(ann, "b")
		r.wantLive(true, "a", "b")
	})
	bubble(t, "nobody's without a limit", func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "a", "b", "c")
		r.wantLive(true, "a", "b", "c")
	})
	bubble(t, "or the sign-in fails", func(t *testing.T) {
		r := newRig(t, limit(1))
		r.mustSignIn(ann, "a")
		r.failSaves(errBroken, "a")
		wantErr(t, r.signIn("b", ann), records.ErrUnavailable)
		r.wantListed(ann, "a")
	})
	bubble(t, "or the sign-in fails where none can be read", func(t *testing.T) {
		r := newRig(t, limit(1))
		r.mustSignIn(ann, "a")
		r.failFetches(errBroken, "a")
		wantErr(t, r.signIn("b", ann), records.ErrUnavailable)
		r.wantLive(true, "a")
	})
}

// renewing returns a rig whose owner has a session that is being renewed: the new record
// is there, and the old one still lives.
func renewing(t *testing.T, change ...func(*owners.Options)) *rig {
	r := newRig(t, change...)
	r.mustSignIn(ann, "old")
	next := session(ann)
	if err := r.Enter(r.access(), new(owners.Entering), "new", next, "old"); err != nil {
		t.Error(err)
	}
	r.wantLive(true, "old")
	r.put("new", next)
	elapse(time.Second)
	return r
}

func TestSessionThatIsBeingRenewed(t *testing.T) {
	bubble(t, "is not ended for the one that replaces it", func(t *testing.T) {
		renewing(t, limit(1))
	})
	bubble(t, "ends no other", func(t *testing.T) {
		r := newRig(t, limit(2))
		r.mustSignIn(ann, "other", "old")
		if err := r.Enter(r.access(), new(owners.Entering), "new", session(ann), "old"); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "other", "old")
	})
	bubble(t, "needs no room where one more is refused", func(t *testing.T) {
		renewing(t, limit(1), refuses)
	})
	bubble(t, "counts once", func(t *testing.T) {
		r := renewing(t, limit(2))
		r.mustSignIn(ann, "other")
		r.wantLive(true, "old", "new", "other")
	})
	bubble(t, "counts once where one more is refused", func(t *testing.T) {
		r := renewing(t, limit(2), refuses)
		r.mustSignIn(ann, "other")
		wantErr(t, r.signIn("more", ann), owners.ErrTooManySessions)
	})
	bubble(t, "goes with the one that replaces it", func(t *testing.T) {
		r := renewing(t, limit(1))
		r.mustSignIn(ann, "other")
		r.wantLive(false, "old", "new")
		r.wantListed(ann, "other")
	})
	bubble(t, "or the sign-in fails", func(t *testing.T) {
		r := renewing(t, limit(1))
		r.failSaves(errBroken, "new")
		wantErr(t, r.signIn("other", ann), records.ErrUnavailable)
		r.wantLive(true, "new")
		r.wantListed(ann, "old", "new")
	})
	bubble(t, "counts again once the old one has ended", func(t *testing.T) {
		r := renewing(t, limit(2), refuses)
		r.put("old", records.Tombstone(r.get("old"), "new", false))
		r.Remove(r.access(), ann, "old")
		r.mustSignIn(ann, "other")
		wantErr(t, r.signIn("more", ann), owners.ErrTooManySessions)
	})
}

func TestLimitRefuses(t *testing.T) {
	bubble(t, "one more", func(t *testing.T) {
		r := newRig(t, limit(2), refuses)
		r.mustSignIn(ann, "a", "b")
		wantErr(t, r.signIn("c", ann), owners.ErrTooManySessions)
		r.wantLive(true, "a", "b")
		r.wantListed(ann, "a", "b")
	})
	bubble(t, "not where one has ended, or never began", func(t *testing.T) {
		r := newRig(t, limit(2), refuses)
		r.mustSignIn(ann, "a", "b")
		r.put("b", records.Tombstone(r.get("b"), "", false))
		r.mustSignIn(ann, "c")
		r.wantListed(ann, "a", "c")
	})
	bubble(t, "one more once the sign-in that is under way has succeeded", func(t *testing.T) {
		r := newRig(t, limit(1), refuses)
		c := session(ann)
		if err := r.Enter(r.access(), new(owners.Entering), "a", c, ""); err != nil {
			t.Error(err)
		}
		time.AfterFunc(300*time.Millisecond, func() { r.put("a", c) })
		start := time.Now()
		wantErr(t, r.signIn("b", ann), owners.ErrTooManySessions)
		if took := time.Since(start); took < 300*time.Millisecond || took > 400*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
	bubble(t, "not for a sign-in that does not succeed within a second", func(t *testing.T) {
		r := newRig(t, limit(1), refuses)
		if err := r.Enter(r.access(), new(owners.Entering), "a", session(ann), ""); err != nil {
			t.Error(err)
		}
		start := time.Now()
		r.mustSignIn(ann, "b")
		if took := time.Since(start) - time.Second; took < time.Second || took > time.Second+100*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		r.wantListed(ann, "a", "b")
	})
	bubble(t, "not longer for one that another clock has dated ahead", func(t *testing.T) {
		r := newRig(t, limit(1), refuses)
		r.putList(ann, entry{id: "a", ago: -time.Hour, commit: 1})
		start := time.Now()
		if err := r.signIn("b", ann); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	bubble(t, "without a wait where there is room for both", func(t *testing.T) {
		r := newRig(t, limit(3), refuses)
		r.putList(ann, entry{id: "a", commit: 1}, entry{id: "ended", ago: time.Minute, commit: 1}, entry{id: "again", ago: time.Minute, commit: 1})
		start := time.Now()
		if err := r.signIn("b", ann); err != nil || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	bubble(t, "not for an entry of its own", func(t *testing.T) {
		r := newRig(t, limit(1), refuses)
		mine, start := new(owners.Entering), time.Now()
		for _, id := range []string{"a", "b"} { // the first save was given up
			if err := r.Enter(r.access(), mine, id, session(ann), ""); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("waited %v", took)
		}
	})
	bubble(t, "or fails where the other cannot be read again", func(t *testing.T) {
		r := newRig(t, limit(1), refuses)
		if err := r.Enter(r.access(), new(owners.Entering), "a", session(ann), ""); err != nil {
			t.Error(err)
		}
		var n atomic.Int64
		r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if id == "a" && n.Add(1) > 1 {
				return nil, errBroken
			}
			return next(ctx, id)
		}
		wantErr(t, r.signIn("b", ann), records.ErrUnavailable)
	})
}

// A commit that has given up its first save tries another ID. The first may arrive later.
func TestStrayOfTheSameCommitIsEnded(t *testing.T) {
	for _, change := range [][]func(*owners.Options){{limit(1)}, {limit(1), refuses}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, change...)
			mine, c := new(owners.Entering), session(ann)
			if err := r.Enter(r.access(), mine, "a", c, ""); err != nil {
				t.Error(err)
			}
			r.put("a", c)
			if err := r.Enter(r.access(), mine, "b", session(ann), ""); err != nil {
				t.Error(err)
			}
			r.wantLive(false, "a")
			r.wantListed(ann, "b")
		})
	}
	bubble(t, "or the sign-in fails", func(t *testing.T) {
		r := newRig(t, limit(1))
		mine, c := new(owners.Entering), session(ann)
		if err := r.Enter(r.access(), mine, "a", c, ""); err != nil {
			t.Error(err)
		}
		r.put("a", c)
		r.failSaves(errBroken, "a")
		wantErr(t, r.Enter(r.access(), mine, "b", session(ann), ""), records.ErrUnavailable)
		r.wantListed(ann, "a")
	})
	bubble(t, "but not the one that is replaced", func(t *testing.T) {
		r := newRig(t, limit(1))
		mine, c := new(owners.Entering), session(ann)
		if err := r.Enter(r.access(), mine, "a", c, ""); err != nil {
			t.Error(err)
		}
		r.put("a", c)
		if err := r.Enter(r.access(), mine, "b", session(ann), "a"); err != nil {
			t.Error(err)
		}
		r.wantLive(true, "a")
	})
}

// Many browsers sign in to one account, as to that of a demonstration.
func TestSignInAfterAConflictReadsOnlyWhatIsNew(t *testing.T) {
	bubble(t, "at the limit", func(t *testing.T) {
		r := newRig(t, limit(10))
		r.mustSignIn(ann, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
		elsewhere := newRig(t)
		elsewhere.mem, elsewhere.store = r.mem, records.New(r.mem, options)
		elsewhere.Index = owners.New(elsewhere.store, owners.Options{ID: listID, Limit: 10, Lifetimes: &limits})
		r.beforeSave(listOf(ann), func() { elsewhere.mustSignIn(ann, "k") })
		r.via.Fetches.Store(0)
		r.mustSignIn(ann, "l")
		r.wantLive(false, "a", "b")
		r.wantLive(true, "c", "d", "k", "l")
		r.wantListed(ann, "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
		if n := r.via.Fetches.Load(); n > 14 {
			t.Errorf("%d reads; want those of the list, of 10 sessions, and of the new one", n)
		}
	})
	bubble(t, "but a place that has become free is the visitor's", func(t *testing.T) {
		r := newRig(t, limit(2), refuses)
		one, ended, two := entry{id: "one", commit: 1}, entry{id: "ended", commit: 1}, entry{id: "two", commit: 1}
		r.put("one", session(ann))
		r.put("ended", records.Tombstone(session(ann), "", false))
		r.putList(ann, one, ended)
		r.beforeSave(listOf(ann), func() {
			r.put("one", records.Tombstone(session(ann), "", false))
			r.put("two", session(ann))
			r.putList(ann, one, ended, two)
		})
		r.mustSignIn(ann, "three")
		r.wantListed(ann, "two", "three")
	})
}

// entries returns n entries of sessions that are not there.
func entries(n int, ago time.Duration) (all []entry) {
	for i := range n {
		all = append(all, entry{id: fmt.Sprintf("absent-%03d", i), ago: ago, commit: 1})
	}
	return all
}

func TestSignInLooksAtSomeOfManyEntries(t *testing.T) {
	for _, tc := range []struct{ entries, looked int }{
		{15, 0},
		{16, 2},
		{80, 10},
		{128, 16},
		{400, 16},
	} {
		t.Run(fmt.Sprint(tc.entries), func(t *testing.T) {
			r := newRig(t)
			r.putList(ann, entries(tc.entries, 2*time.Hour)...)
			if err := r.signIn("one", ann); err != nil {
				t.Error(err)
			}
			if n := r.via.Fetches.Load() - 1; n != int64(tc.looked) {
				t.Errorf("looked at %d, want %d", n, tc.looked)
			}
			if ids, _ := r.listed(ann); len(ids) != tc.entries-tc.looked+1 {
				t.Errorf("%d entries are left", len(ids))
			}
		})
	}
	t.Run("all in time, with other commits of the index in between", func(t *testing.T) {
		r := newRig(t)
		live := entries(40, 0)
		for _, e := range live {
			r.put(e.id, session(ann))
		}
		r.putList(ann, live...)
		var looked sync.Map
		r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			looked.Store(id, nil)
			return next(ctx, id)
		}
		for i := range 40 {
			name := fmt.Sprint("new-", i)
			if err := r.signIn(name, ann); err != nil {
				t.Error(err)
			}
			a := r.store.Access(t.Context(), nil)
			r.Remove(&a, ann, name)
		}
		for _, e := range live {
			if _, found := looked.Load(e.id); !found {
				t.Errorf("%s was not looked at", e.id)
			}
		}
	})
	t.Run("others each time", func(t *testing.T) {
		r := newRig(t)
		live := entries(40, 0)
		for _, e := range live {
			r.put(e.id, session(ann))
		}
		r.putList(ann, live...)
		var looked sync.Map
		r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if _, again := looked.LoadOrStore(id, nil); again && id != listOf(ann) {
				t.Errorf("looked at %s again", id)
			}
			return next(ctx, id)
		}
		for i := range 4 {
			if err := r.signIn(fmt.Sprint("new-", i), ann); err != nil {
				t.Error(err)
			}
		}
		if n := r.via.Fetches.Load(); n != 4*(1+5) {
			t.Errorf("%d fetches", n)
		}
	})
	bubble(t, "and goes on where that fails", func(t *testing.T) {
		r := newRig(t)
		all := entries(16, 2*time.Hour)
		r.putList(ann, all...)
		var ids []string
		for _, e := range all {
			ids = append(ids, e.id)
		}
		r.failFetches(errBroken, ids...)
		if err := r.signIn("one", ann); err != nil {
			t.Error(err)
		}
		r.wantListed(ann, append(ids, "one")...)
	})
}

func TestLookups(t *testing.T) {
	// members returns a rig whose owner has n sessions, and their IDs.
	members := func(t *testing.T, n int) (*rig, []string) {
		r := newRig(t)
		var ids []string
		for i := range n {
			id := fmt.Sprintf("session-%02d", i)
			ids = append(ids, id)
			r.put(id, session(ann))
		}
		var all []entry
		for i, id := range ids {
			all = append(all, entry{id: id, ago: time.Duration(i) * time.Second, commit: 1})
		}
		r.putList(ann, all...)
		return r, ids // the last first
	}
	bubble(t, "are eight at a time", func(t *testing.T) {
		r, ids := members(t, 20)
		var now, most atomic.Int64
		r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			elapse(time.Second)
			return next(ctx, id)
		}
		start := time.Now()
		r.wantMembers(ann, ids...)
		if n, took := most.Load(), time.Since(start); n != 8 || took != 4*time.Second {
			t.Errorf("%d at the same time, %v in all", n, took)
		}
	})
	bubble(t, "are no more after a failure", func(t *testing.T) {
		r, ids := members(t, 40)
		r.failFetches(errBroken, ids...)
		_, err := r.Sessions(t.Context(), ann)
		wantErr(t, err, records.ErrUnavailable)
		if n := r.via.Fetches.Load() - 1; n > 8*4 { // each of eight is tried four times
			t.Errorf("%d fetches", n)
		}
	})
	t.Run("go on where one cannot be read", func(t *testing.T) {
		r, ids := members(t, 20)
		r.failFetches(provider.ErrUnreadable, ids[5])
		r.wantMembers(ann, slices.Delete(slices.Clone(ids), 5, 6)...)
		r.wantListed(ann, ids...)
	})
	bubble(t, "end with the caller's context", func(t *testing.T) {
		r, _ := members(t, 40)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if id != listOf(ann) {
				elapse(time.Second)
			}
			return next(ctx, id)
		}
		_, err := r.Sessions(ctx, ann)
		wantErr(t, err, context.DeadlineExceeded)
		wantErr(t, err, records.ErrUnavailable)
		if n := r.via.Fetches.Load() - 1; n > 16 {
			t.Errorf("%d fetches", n)
		}
	})
	t.Run("pass on a panic of the provider", func(t *testing.T) {
		r, ids := members(t, 20)
		r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if id == ids[3] {
				panic("provider")
			}
			return next(ctx, id)
		}
		defer func() {
			if p := recover(); p != "provider" {
				t.Errorf("recovered %v", p)
			}
		}()
		r.wantMembers(ann)
	})
	t.Run("in this process", func(t *testing.T) {
		r, ids := members(t, 20)
		near := owners.New(records.New(r.mem, options), owners.Options{ID: listID, Lifetimes: &limits})
		found, err := near.Sessions(t.Context(), records.OwnerLabel(ann))
		if err != nil || len(found) != len(ids) || found[0].ID != ids[0] {
			t.Errorf("%d sessions, %v", len(found), err)
		}
	})
}
