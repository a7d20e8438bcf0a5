package session_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleVersions(t *testing.T) {
	t.Run("a version is counter<<32 | random32", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		halves := map[uint32]bool{}
		for n := range 5 {
			c.post(func(s *session.Session) { keyA.Set(s, n+1) })
		}
		saves := w.savesSince(0)
		if len(saves) != 5 {
			t.Fatalf("%d saves for 5 changes", len(saves))
		}
		for i, sv := range saves {
			halves[uint32(sv.Version)] = true
			if sv.Version <= 0 {
				t.Errorf("version %d", sv.Version)
			}
			if i > 0 && sv.Version>>32 != saves[i-1].Version>>32+1 {
				t.Errorf("counter %d follows %d", sv.Version>>32, saves[i-1].Version>>32)
			}
			if i > 0 && sv.expect != saves[i-1].Version {
				t.Errorf("expectVersion is %d; want %d", sv.expect, saves[i-1].Version)
			}
		}
		if len(halves) != 5 { // happens by chance once in 400 million runs
			t.Errorf("%d random halves in 5 versions", len(halves))
		}
	})

	t.Run("two records never share a version", func(t *testing.T) {
		w := newWorld(t)
		w.client().post(set("a=1"))
		w.client().post(set("a=1"))
		if s := w.savesSince(0); s[0].Version == s[1].Version {
			t.Errorf("both are %d", s[0].Version)
		}
	})

	t.Run("a retry sends identical bytes with the same version and expectVersion", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1"))
		w.onSave(dropped)
		c.post(set("a=2")).wantPage(t)
		saves := w.savesSince(1)
		if len(saves) != 2 {
			t.Fatalf("%d saves; want the lost one and its retry", len(saves))
		}
		lost, retry := saves[0], saves[1]
		if lost.ID != retry.ID || lost.Version != retry.Version || lost.expect != retry.expect {
			t.Errorf("the retry has version %d, expects %d; want %d, %d", retry.Version, retry.expect, lost.Version, lost.expect)
		}
		if !bytes.Equal(lost.Data, retry.Data) || !lost.ExpiresAt.Equal(retry.ExpiresAt) || lost.Format != retry.Format {
			t.Error("the retry is another record")
		}
		c.wantState("a=2")
	})

	t.Run("a retry is harmless when the first save lands late", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1"))
		w.onSave(w.late)
		c.post(func(s *session.Session) { keyA.Update(s, func(n int) int { return n + 1 }) }).wantPage(t)
		c.wantState("a=2")
	})

	t.Run("every rebase takes a new version", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1"))
		c.post(func(s *session.Session) {
			keyB.Set(s, 2)
			c.tab().post(set("c=3"))
		}).wantPage(t)
		saves := w.savesSince(1)
		if len(saves) != 3 {
			t.Fatalf("%d saves; want theirs, the conflict and the rebase", len(saves))
		}
		theirs, conflict, rebase := saves[0], saves[1], saves[2]
		if rebase.Version == conflict.Version || rebase.expect != theirs.Version || rebase.Version>>32 != theirs.Version>>32+1 {
			t.Errorf("the rebase has version %#x, expects %#x; theirs is %#x, the first was %#x",
				rebase.Version, rebase.expect, theirs.Version, conflict.Version)
		}
		c.wantState("a=1 b=2 c=3")
	})
}

func TestARecordOfExactlyMaxSize(t *testing.T) {
	w, _, id := begun(t)
	size := len(w.stored(id).Data)
	for most, status := range map[int]int{size: 200, size - 1: 500} {
		w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = most })
		if a := w.client().post(set("a=1")); a.Code != status {
			t.Errorf("%d bytes with a MaxSize of %d: %d, want %d", size, most, a.Code, status)
		}
	}
}

func TestMaxSizeLeavesTheHistoryOut(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 60 })
	c := w.client()
	for i := range 100 {
		c.post(set(fmt.Sprint("a=", i%10))).wantPage(t)
	}
	c.post(func(s *session.Session) { s.Renew() }).wantPage(t)
	c.wantState("a=9")
}
