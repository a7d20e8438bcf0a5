package records_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

func TestNewContentIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elapse(time.Millisecond / 3) // records have milliseconds only
		c := records.NewContent(format)
		if c.VersionNumber() != 0 || c.Format != format || !c.Created.Equal(c.Started) {
			t.Errorf("%+v", c)
		}
		if d := time.Since(c.Created.Std()); d < 0 || d >= time.Millisecond {
			t.Errorf("created %v", c.Created)
		}
		if (*records.Content)(nil).VersionNumber() != 0 {
			t.Error("no content has a version")
		}
	})
}

func TestVersionsCountCommits(t *testing.T) {
	first := content("first")
	second := edited(first, "second")
	if n := records.Commits(first.Version); n != 1 {
		t.Errorf("the first is commit %d", n)
	}
	if n := records.Commits(second.Version); n != 2 {
		t.Errorf("the second is commit %d", n)
	}
	for _, tc := range []struct {
		c      *records.Content
		commit int64
		want   envelope.Lineage
	}{
		{second, second.Version, envelope.Ancestor},
		{second, first.Version, envelope.Ancestor},
		{first, second.Version, envelope.NotAncestor},
		{second, edited(first, "other").Version, envelope.NotAncestor},
	} {
		if got := tc.c.Trace(tc.commit); got != tc.want {
			t.Errorf("%x in %x: %v, want %v", tc.commit, tc.c.Version, got, tc.want)
		}
	}
}

func TestSizeLeavesOutTheHistory(t *testing.T) {
	c := content("value")
	first := c.Size()
	for range 100 {
		c = edited(c, "value")
	}
	if size := c.Size(); size != first || first == 0 {
		t.Errorf("%d bytes, %d at first", size, first)
	}
	if size := edited(c, "value and more").Size(); size != first+len(" and more") {
		t.Errorf("%d bytes of the longer value, %d of the shorter", size, first)
	}
}

func TestContentIsStoredUnderSeveralIDs(t *testing.T) {
	r, c := newRig(t), content("base")
	one := c.Record(id)
	data := bytes.Clone(one.Data)
	r.put("other", c)
	r.put(id, c)
	r.wantStored("other", "base")
	r.wantStored(id, "base")
	if !bytes.Equal(one.Data, data) {
		t.Error("the record that is being saved has changed")
	}
}

func TestFollowGoesOnWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := content("base")
		base.Owner, base.Deadline = "ann", base.Created.Add(day)
		elapse(time.Hour)
		next := records.Follow(base)
		if !next.Created.Equal(base.Created) || !next.Started.Equal(base.Started) || !next.Deadline.Equal(base.Deadline) ||
			next.Owner != "ann" || next.Format != format || !next.Seen.Equal(records.Now()) {
			t.Errorf("%+v", next)
		}
		if next.Entries.Len() != 0 || next.Version != 0 {
			t.Error("it is not without values and version")
		}
	})
}

func TestTombstone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := content("base")
		base.Owner = "ann"
		elapse(time.Hour)
		for _, outside := range []bool{false, true} {
			r := newRig(t)
			r.put(id, records.Tombstone(base, successor, outside))
			got := r.get(id)
			switch {
			case !got.Tombstone || got.Successor != successor || got.Outside != outside || got.Claim != "":
				t.Errorf("%+v", got)
			case !got.Expires.Equal(records.Now().Add(records.TombstoneLifetime)) || !got.Seen.Equal(records.Now()):
				t.Errorf("expires %v, seen %v", got.Expires, got.Seen)
			case got.Entries.Len() != 0 || got.Owner != "":
				t.Errorf("it holds data: owner %q", got.Owner)
			case got.Trace(base.Version) != envelope.Ancestor:
				t.Error("the session is not in its history")
			}
		}
	})
}

func TestClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t0 := records.Tombstone(content("base"), successor, true)
		elapse(time.Minute)
		r := newRig(t)
		r.put(id, records.Claimed(t0, "claim", true))
		got := r.get(id)
		switch {
		case !got.Tombstone || got.Successor != successor || !got.Outside:
			t.Errorf("not the same tombstone: %+v", got)
		case got.Claim != "claim" || !got.Login:
			t.Errorf("claim %q, login %v", got.Claim, got.Login)
		case !got.Expires.Equal(records.Now().Add(records.TombstoneLifetime)):
			t.Errorf("expires %v", got.Expires)
		case got.Trace(t0.Version) != envelope.Ancestor:
			t.Error("the tombstone before is not in its history")
		}

		longer := records.Tombstone(content("base"), successor, false)
		longer.Expires = longer.Expires.Add(day)
		if c := records.Claimed(longer, "claim", false); !c.Expires.Equal(longer.Expires) || c.Login {
			t.Errorf("expires %v, want %v as before; login %v", c.Expires, longer.Expires, c.Login)
		}
	})
}

func TestClaimable(t *testing.T) {
	base := content("base")
	inside, outside := records.Tombstone(base, "", false), records.Tombstone(base, "", true)
	for _, tc := range []struct {
		rule      string
		tombstone *records.Content
		after     time.Duration
		want      bool
	}{
		{"not while the response may be under way", inside, records.StrictWindow - 1, false},
		{"after the window", inside, records.StrictWindow, true},
		{"at once if no response is under way", outside, 0, true},
		{"not by a second, whose first has a response", records.Claimed(outside, "claim", false), records.StrictWindow - 1, false},
		{"after the window of the first", records.Claimed(outside, "claim", false), records.StrictWindow, true},
		{"nor over the claim of another tombstone", records.Claimed(inside, "claim", true), records.StrictWindow - 1, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if got := tc.tombstone.Claimable(tc.tombstone.Seen.Add(tc.after)); got != tc.want {
				t.Errorf("claimable: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestVanished(t *testing.T) {
	short := content("base")
	for _, tc := range []struct {
		rule    string
		expires time.Duration
		after   time.Duration
		want    bool
	}{
		{"at once", time.Hour, 0, true},
		{"within a minute", time.Hour, time.Minute - 1, true},
		{"not after a minute", time.Hour, time.Minute, false},
		{"within half of its time", 10 * time.Second, 5*time.Second - 1, true},
		{"not after half of its time, when it may have expired", 10 * time.Second, 5 * time.Second, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := *short
				c.Expires = records.Now().Add(tc.expires)
				r.NoteCreated(id, &c)
				elapse(tc.after)
				if ago, vanished := r.Vanished(id); vanished != tc.want || vanished && ago != tc.after {
					t.Errorf("vanished: %v, created %v ago, want %v", vanished, ago, tc.want)
				}
			})
		})
	}
	t.Run("only what was created", func(t *testing.T) {
		r := newRig(t)
		for n := range 1000 { // more than there are slots
			r.NoteCreated(string(rune('a'+n)), content("base"))
			if _, vanished := r.Vanished(id); vanished {
				t.Fatal("another record was created")
			}
		}
	})
}
