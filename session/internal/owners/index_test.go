package owners_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// bubble is t.Run of a test that lets time pass.
func bubble(t *testing.T, rule string, fn func(t *testing.T)) {
	t.Helper()
	t.Run(rule, func(t *testing.T) {
		t.Helper()
		synctest.Test(t, fn)
	})
}

func TestSessionIsEnteredBeforeItIsThere(t *testing.T) {
	r := newRig(t)
	if err := r.Enter(r.access(), new(owners.Entering), "one", session(ann), ""); err != nil {
		t.Error(err)
	}
	r.wantListed(ann, "one")
	r.wantMembers(ann)
	r.wantListed(ann, "one") // which may come soon
}

func TestSessionIsRemovedAfterItHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "one", "two")
		r.put("one", records.Tombstone(r.get("one"), "", false))
		r.Remove(r.access(), ann, "one")
		r.wantListed(ann, "two")
		r.wantMembers(ann, "two")
	})
}

func TestSessionsOfAnOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.wantMembers(ann)
		r.mustSignIn(ann, "b", "c", "a")
		r.mustSignIn(bob, "d")
		r.wantMembers(ann, "a", "c", "b") // the last first
		r.wantMembers(bob, "d")
	})
}

func TestEnterAgain(t *testing.T) {
	first := session("")
	second := given(first, ann)
	for _, tc := range []struct {
		rule   string
		there  entry
		saves  bool
		commit *records.Content // that is entered
	}{
		{"of the same commit: it is there", entry{id: "one", commit: 2}, false, second},
		{"of an earlier commit: it is there", entry{id: "one", commit: 3}, false, second},
		{"of a later commit: anew, so that a removal misses it", entry{id: "one", commit: 1}, true, second},
		{"after a while: anew, so that it is pending for long enough", entry{id: "one", commit: 2, ago: 30 * time.Minute}, true, second},
		{"before that it is there", entry{id: "one", commit: 2, ago: 30*time.Minute - time.Millisecond}, false, second},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			r := newRig(t)
			r.putList(ann, tc.there)
			if err := r.Enter(r.access(), new(owners.Entering), "one", tc.commit, ""); err != nil {
				t.Error(err)
			}
			r.wantListed(ann, "one")
			if saved := r.via.Saves.Load() > 0; saved != tc.saves {
				t.Errorf("saved: %v, want %v", saved, tc.saves)
			}
		})
	}
}

// When the entry of a session goes, as Sessions finds it.
func TestStaleEntries(t *testing.T) {
	// What is stored, by its commits.
	nothing := func() *records.Content { return nil }
	nobodys := func() *records.Content { return session("") }
	anns := func() *records.Content { return given(session(""), ann) }
	bobs := func() *records.Content { return given(session(""), bob) }
	nobodysAgain := func() *records.Content { return given(anns(), "") }
	bobsAgain := func() *records.Content { return given(bobs(), bob) }
	tombstone := func() *records.Content { return records.Tombstone(anns(), "", false) }
	for _, tc := range []struct {
		rule   string
		stored func() *records.Content
		entry  entry
		listed bool
	}{
		{"the owner's stays", anns, entry{commit: 2}, true},
		{"the owner's stays, however old", anns, entry{commit: 2, ago: 50 * day}, true},
		{"the owner's stays, also from an earlier commit", anns, entry{commit: 1}, true},
		{"the owner's stays, also from a later commit", anns, entry{commit: 3, ago: 50 * day}, true},

		{"not there yet: pending", nothing, entry{commit: 1}, true},
		{"not there for almost an hour: pending", nothing, entry{commit: 1, ago: time.Hour - time.Millisecond}, true},
		{"not there for an hour: stale", nothing, entry{commit: 1, ago: time.Hour}, false},

		{"nobody's, from a later commit: pending", nobodys, entry{commit: 2}, true},
		{"nobody's, from a later commit, for an hour: stale", nobodys, entry{commit: 2, ago: time.Hour}, false},
		{"nobody's since then: stale", nobodysAgain, entry{commit: 2}, false},
		{"another's, from the same commit: stale", bobs, entry{commit: 2}, false},
		{"another's, from an earlier commit: stale", bobsAgain, entry{commit: 2}, false},
		{"another's, from a later commit: pending", bobs, entry{commit: 3}, true},
		{"another's, from a later commit, for an hour: stale", bobs, entry{commit: 3, ago: time.Hour}, false},

		{"a tombstone: stale", tombstone, entry{commit: 2}, false},
		{"a tombstone of the same commit: stale", tombstone, entry{commit: 3}, false},
		{"a tombstone, from a later commit: pending", tombstone, entry{commit: 4}, true},
		{"a tombstone, from a later commit, for an hour: stale", tombstone, entry{commit: 4, ago: time.Hour}, false},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			r := newRig(t)
			tc.entry.id = "one"
			r.putList(ann, tc.entry)
			var members []string
			if c := tc.stored(); c != nil {
				r.put("one", c)
				if r.get("one").Owner == ann {
					members = []string{"one"}
				}
			}
			r.wantMembers(ann, members...)
			if tc.listed {
				r.wantListed(ann, "one")
			} else {
				r.wantListed(ann)
			}
		})
	}
}

func TestEntryThatIsOlderThanAnySessionIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.put("one", session(ann))
		r.putList(ann, entry{id: "one", ago: 400*day + time.Hour - time.Millisecond, commit: 1})
		r.wantMembers(ann, "one")
		elapse(time.Millisecond)
		r.wantMembers(ann)
		r.mustSignIn(ann, "two")
		r.wantListed(ann, "two")
	})
}

func TestEntryOfWhatCannotBeReadStays(t *testing.T) {
	r := newRig(t)
	r.putList(ann, entry{id: "one", ago: 50 * day, commit: 1}, entry{id: "two", commit: 1})
	r.put("two", session(ann))
	r.failFetches(provider.ErrUnreadable, "one")
	r.wantMembers(ann, "two")
	r.wantListed(ann, "one", "two")
}

// Another Manager may have a longer Lifetime.
func TestEntryOfASessionBeyondLifetimeStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "one")
		elapse(day)
		r.wantMembers(ann)
		r.wantListed(ann, "one")
	})
}

func TestRemovalMissesALaterEntry(t *testing.T) {
	base := session(ann)
	next := given(base, bob) // the second commit
	for _, tc := range []struct {
		rule   string
		commit int64
		listed []string
	}{
		{"an earlier entry goes", 1, nil},
		{"one of the same commit stays: it is another's", 2, []string{"one"}},
		{"a later one stays", 3, []string{"one"}},
	} {
		t.Run("a session with another owner: "+tc.rule, func(t *testing.T) {
			r := newRig(t)
			r.putList(ann, entry{id: "one", commit: tc.commit})
			r.RemoveBefore(r.access(), "one", session(ann), next)
			r.wantListed(ann, tc.listed...)
		})
		t.Run("a session that has ended: all go", func(t *testing.T) {
			r := newRig(t)
			r.putList(ann, entry{id: "one", commit: tc.commit})
			r.Remove(r.access(), ann, "one")
			r.wantListed(ann)
		})
	}
	bubble(t, "what is stale is entered anew before it is removed", func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entry{id: "one", ago: time.Hour, commit: 1})
		r.beforeSave(listOf(ann), func() { r.mustSignIn(ann, "one") })
		r.wantMembers(ann)
		r.wantListed(ann, "one")
		r.wantMembers(ann, "one")
	})
}

func TestRemovalOfWhatIsNotThereSavesNothing(t *testing.T) {
	r := newRig(t)
	r.Remove(r.access(), ann, "one")
	r.putList(ann, entry{id: "two", commit: 1})
	r.Remove(r.access(), ann, "one")
	if n := r.via.Saves.Load(); n != 0 {
		t.Errorf("%d saves", n)
	}
	r.wantListed(ann, "two")
}

func TestRemovalThatFailsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entry{id: "one", commit: 1})
		r.failSaves(errBroken, listOf(ann))
		r.Remove(r.access(), ann, "one")
		r.wantLog("level=WARN")
		r.wantListed(ann, "one")
	})
}

func TestWithdrawRemovesWhatTheCommitHasEntered(t *testing.T) {
	r := newRig(t)
	mine, next := new(owners.Entering), session(ann)
	if err := r.Enter(r.access(), mine, "one", next, ""); err != nil {
		t.Fatal(err)
	}
	r.Withdraw(r.access(), new(owners.Entering), "one", next)
	r.wantListed(ann, "one")
	r.Withdraw(r.access(), mine, "one", next)
	r.wantListed(ann)
}

// The owner's index is not the session, of which nothing was saved yet.
func TestUnknownOutcomeOfTheIndexIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entry{id: "two", commit: 1})
		r.failSaves(errBroken, listOf(ann))
		err := r.Enter(r.access(), new(owners.Entering), "one", session(ann), "")
		if !errors.Is(err, records.ErrUnavailable) || errors.Is(err, records.ErrOutcomeUnknown) {
			t.Errorf("%v", err)
		}
	})
}

func TestEnterFailsWhereTheIndexCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.failFetches(errBroken, listOf(ann))
		mine := new(owners.Entering)
		wantErr(t, r.Enter(r.access(), mine, "one", session(ann), ""), errBroken)
		_, err := r.Sessions(t.Context(), ann)
		wantErr(t, err, errBroken)
		if n := r.via.Saves.Load(); n != 0 {
			t.Errorf("%d saves", n)
		}
	})
}

func TestSignInsAtOnceAreAllListed(t *testing.T) {
	r := newRig(t)
	r.putList(ann, entry{id: "first", commit: 1})
	r.beforeSave(listOf(ann), func() {
		if err := r.signIn("two", ann); err != nil {
			t.Error(err)
		}
	})
	if err := r.signIn("one", ann); err != nil {
		t.Error(err)
	}
	r.wantListed(ann, "first", "one", "two")
}

func TestIndexLivesAsLongAsItsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.mustSignIn(ann, "one")
		begun := r.get(listOf(ann))
		if life := begun.Expires.Sub(begun.Created); life < 400*day {
			t.Errorf("it expires after %v", life)
		}
		if begun.Owner != ann || !begun.IsOwnerIndex() {
			t.Errorf("format %q, owner %q", begun.Format, begun.Owner)
		}
		r.Remove(r.access(), ann, "one")
		empty := r.get(listOf(ann))
		if life := time.Until(empty.Expires.Std()); life != records.TombstoneLifetime {
			t.Errorf("an empty one expires after %v", life)
		}
	})
}

func TestReenter(t *testing.T) {
	base := session(ann)
	c := given(base, ann)
	c.Seen = base.Created.Add(limits.TouchInterval)
	t.Run("adds a session that is missing", func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entry{id: "two", commit: 1})
		r.ReenterIfDue(r.access(), "one", base, c)
		r.wantListed(ann, "one", "two")
	})
	t.Run("adds it to an index that is missing", func(t *testing.T) {
		r := newRig(t)
		r.ReenterIfDue(r.access(), "one", base, c)
		r.wantListed(ann, "one")
	})
	t.Run("leaves one that is there", func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entry{id: "one", ago: day, commit: 1})
		r.ReenterIfDue(r.access(), "one", base, c)
		if n := r.via.Saves.Load(); n != 0 {
			t.Errorf("%d saves", n)
		}
	})
	bubble(t, "logs that it fails", func(t *testing.T) {
		r := newRig(t)
		r.failFetches(errBroken, listOf(ann))
		r.ReenterIfDue(r.access(), "one", base, c)
		r.wantLog("public_id=one")
	})
	t.Run("adds none to a full index", func(t *testing.T) {
		r := newRig(t)
		fill(r, owners.MaxEntries, justNow)
		r.ReenterIfDue(r.access(), "one", base, c)
		r.wantLog("public_id=one")
		if ids, _ := r.listed(ann); len(ids) != owners.MaxEntries {
			t.Errorf("%d entries", len(ids))
		}
	})
}

func TestReentryDue(t *testing.T) {
	for _, tc := range []struct {
		rule         string
		base, next   string        // the owners
		before, seen time.Duration // since the session began
		want         bool
	}{
		{"first commit of a span", ann, ann, limits.TouchInterval - time.Second, limits.TouchInterval, true},
		{"after several spans", ann, ann, 0, 10 * limits.TouchInterval, true},
		{"another commit of a span", ann, ann, 0, limits.TouchInterval - time.Second, false},
		{"nobody's session", "", "", 0, limits.TouchInterval, false},
		{"one that has just got its owner, and was entered for that", bob, ann, 0, limits.TouchInterval, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			base, next := session(tc.base), session(tc.next)
			begin := base.Created
			base.Seen, next.Seen = begin.Add(tc.before), begin.Add(tc.seen)
			r := newRig(t)
			r.ReenterIfDue(r.access(), "one", base, next)
			if got, _ := r.listed(tc.next); (len(got) == 1) != tc.want {
				t.Errorf("listed: %q, want it: %v", got, tc.want)
			}
		})
	}
}

// fill gives ann an index of n sessions that are not there. The ith was entered ago(i)
// ago.
func fill(r *rig, n int, ago func(i int) time.Duration) {
	r.t.Helper()
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{id: fmt.Sprintf("absent%037d", i), ago: ago(i), commit: 1}
	}
	r.putList(ann, entries...)
}

// justNow is for fill.
func justNow(int) time.Duration { return 0 }

func TestFullIndex(t *testing.T) {
	t.Run("refuses one more", func(t *testing.T) {
		r := newRig(t)
		fill(r, owners.MaxEntries, justNow)
		wantErr(t, r.signIn("one", ann), owners.ErrTooManySessions)
		r.wantLog("the list of an owner's sessions is full")
		r.wantLog(listOf(ann))
	})
	t.Run("is made smaller by what is stale", func(t *testing.T) {
		r := newRig(t)
		pending := func(i int) bool { return 16 <= i && i < 32 } // those which a sign-in looks at first
		fill(r, owners.MaxEntries, func(i int) time.Duration {
			if pending(i) {
				return 0
			}
			return 2 * time.Hour
		})
		if err := r.signIn("one", ann); err != nil {
			t.Error(err)
		}
		if ids, _ := r.listed(ann); len(ids) != 16+1 {
			t.Errorf("%d entries", len(ids))
		}
	})
	t.Run("has room for one less", func(t *testing.T) {
		r := newRig(t)
		fill(r, owners.MaxEntries-1, justNow)
		if err := r.signIn("one", ann); err != nil {
			t.Error(err)
		}
	})
}

// A store may take smaller records than MaxEntries needs.
func TestIndexThatIsTooLargeForTheStore(t *testing.T) {
	tooLarge := func(r *rig, entries int) {
		r.via.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if len(rec.Data) > 60+entries*20 {
				return provider.ErrTooLarge
			}
			return next(ctx, rec, expect)
		}
	}
	entries := []entry{{id: "b", commit: 1}, {id: "c", commit: 1}, {id: "d", commit: 1}, {id: "e", commit: 1}}
	bubble(t, "is made smaller by what is stale", func(t *testing.T) {
		r := newRig(t)
		stale := slices.Clone(entries)
		for i := range stale {
			stale[i].ago = 2 * time.Hour
		}
		r.putList(ann, stale...)
		tooLarge(r, 1)
		if err := r.signIn("a", ann); err != nil {
			t.Error(err)
		}
		r.wantListed(ann, "a")
	})
	bubble(t, "refuses one more", func(t *testing.T) {
		r := newRig(t)
		r.putList(ann, entries...)
		tooLarge(r, 1)
		wantErr(t, r.signIn("a", ann), owners.ErrTooManySessions)
		r.wantLog("the list of an owner's sessions is full")
		r.wantListed(ann, "b", "c", "d", "e")
	})
}
