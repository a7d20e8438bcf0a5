package records_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// successor is the ID of what the session was renewed to.
const successor = "successor"

// renewed stores a session that goes on as the successor, which is not stored.
func renewed(r *rig) *records.Content {
	t := records.Tombstone(content("base"), successor, false)
	r.put(id, t)
	return t
}

// outside is an Ending by no response.
func outside() bool { return true }

func TestEndLast(t *testing.T) {
	renew := func(r *rig) {
		r.put(successor, content("renewed"))
		r.put(id, records.Tombstone(r.get(id), successor, false))
	}
	destroy := func(r *rig) { r.put(id, records.Tombstone(r.get(id), "", false)) }
	for _, tc := range []struct {
		rule   string
		base   func(r *rig) *records.Content // nil: a session
		saves  []saveHook
		how    records.Ending
		ended  records.Ended
		err    error
		id     string // of the record that is looked at afterwards
		stored string
		sent   int64
	}{
		{rule: "a tombstone replaces the session", id: id, stored: "tombstone", sent: 1},
		{
			rule: "nothing is there: it has ended already", id: id, stored: "nothing",
			base:  func(*rig) *records.Content { return nil },
			ended: records.Ended{Already: true},
		},
		{
			rule: "a tombstone is there: it has ended already", id: id, stored: "tombstone",
			base: func(r *rig) *records.Content {
				c := records.Tombstone(content("base"), "", false)
				r.put(id, c)
				return c
			},
			ended: records.Ended{Already: true},
		},
		{
			rule: "it was renewed: the successor ends", id: successor, stored: "tombstone", sent: 1,
			base: func(r *rig) *records.Content {
				r.put(successor, content("renewed"))
				return renewed(r)
			},
		},
		{
			rule: "it was renewed twice: the last successor ends", id: "last", stored: "tombstone", sent: 1,
			base: func(r *rig) *records.Content {
				r.put(successor, records.Tombstone(content("renewed"), "last", false))
				r.put("last", content("last"))
				return renewed(r)
			},
		},
		{
			rule: "the successor has ended already", id: successor, stored: "tombstone",
			base: func(r *rig) *records.Content {
				r.put(successor, records.Tombstone(content("renewed"), "", false))
				return renewed(r)
			},
			ended: records.Ended{Already: true},
		},
		{
			rule: "the successor is not there", id: successor, stored: "nothing",
			base: renewed, ended: records.Ended{Already: true, Lost: true},
		},
		{
			rule: "a spared session stays", id: id, stored: "base",
			how: records.Ending{Spares: func(id string, c *records.Content) bool { return text(c) == "base" }},
		},
		{
			rule: "a spared successor stays", id: successor, stored: "renewed",
			base: func(r *rig) *records.Content {
				r.put(successor, content("renewed"))
				return renewed(r)
			},
			how: records.Ending{Spares: func(id string, _ *records.Content) bool { return id == successor }},
		},
		{
			rule: "a session stays that is spared since a change of it", id: id, stored: "theirs", sent: 1,
			saves: []saveHook{before(rivals(1), pass)},
			how:   records.Ending{Spares: func(_ string, c *records.Content) bool { return text(c) == "theirs" }},
		},
		{
			rule: "again after a conflict", id: id, stored: "tombstone", sent: 2,
			saves: []saveHook{before(rivals(1), pass)},
		},
		{
			rule: "renewed meanwhile: the successor ends", id: successor, stored: "tombstone", sent: 2,
			saves: []saveHook{before(renew, pass)},
		},
		{
			rule: "destroyed meanwhile: it has ended already", id: id, stored: "tombstone", sent: 1,
			saves: []saveHook{before(destroy, pass)},
			ended: records.Ended{Already: true},
		},
		{
			rule: "gone meanwhile: it has ended already", id: id, stored: "nothing", sent: 1,
			saves: []saveHook{before(erase, pass)},
			ended: records.Ended{Already: true},
		},
		{
			rule: "gone after an unknown outcome", id: id, stored: "nothing", sent: 1,
			saves: []saveHook{after(landed, erase)},
			ended: records.Ended{Already: true, AfterUnknown: true},
		},
		{
			rule: "ended by another after an unknown outcome", id: id, stored: "tombstone", sent: 1,
			saves: []saveHook{after(dropped, destroy)},
			ended: records.Ended{Already: true, AfterUnknown: true},
		},
		{
			rule: "landed, unknown", id: id, stored: "tombstone", sent: 1,
			saves: []saveHook{landed},
		},
		{
			rule: "Check fails at once", id: id, stored: "base", err: errNo,
			how: records.Ending{Check: func(*records.Content) error { return errNo }},
		},
		{
			rule: "Check fails on what another has saved", id: id, stored: "theirs", sent: 1, err: errNo,
			saves: []saveHook{before(rivals(1), pass)},
			how: records.Ending{Check: func(c *records.Content) error {
				if text(c) == "theirs" {
					return errNo
				}
				return nil
			}},
		},
		{
			rule: "Contended ends the try", id: id, stored: "theirs", sent: 1, err: errNo,
			saves: []saveHook{before(rivals(1), pass)},
			how:   records.Ending{Contended: func() error { return errNo }},
		},
		{
			rule: "Contended is not asked where the session has ended", id: id, stored: "tombstone", sent: 1,
			saves: []saveHook{before(destroy, pass)},
			how:   records.Ending{Contended: func() error { return errNo }},
			ended: records.Ended{Already: true},
		},
		{
			rule: "the error of the save", id: id, stored: "base", sent: 4, err: records.ErrOutcomeUnknown,
			saves: slices.Repeat([]saveHook{dropped}, 4),
			ended: records.Ended{},
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, base := begun(t)
				if tc.base != nil {
					erase(r)
					base = tc.base(r)
				}
				r.onSave = tc.saves
				how := tc.how
				how.Outside = outside
				a := r.Access(t.Context(), nil)
				defer a.Leave()
				ended, err := a.EndLast(id, base, how)
				if ended != tc.ended {
					t.Errorf("%+v, want %+v", ended, tc.ended)
				}
				wantErr(t, err, tc.err)
				r.wantStored(tc.id, tc.stored)
				if n := r.via.Saves.Load(); n != tc.sent {
					t.Errorf("%d saves, want %d", n, tc.sent)
				}
			})
		})
	}
}

func TestEndLastFailsWhereASuccessorCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		base := renewed(r)
		r.put(successor, content("renewed"))
		r.onFetch = slices.Repeat([]fetchHook{func(context.Context) error { return errBroken }}, 4)
		a := r.Access(t.Context(), nil)
		_, err := a.EndLast(id, base, records.Ending{Outside: outside})
		wantErr(t, err, records.ErrUnavailable)
		r.wantStored(successor, "renewed")
	})
}

func TestEndLastFollowsNoCircle(t *testing.T) {
	r := newRig(t)
	base := renewed(r)
	r.put(successor, records.Tombstone(content("renewed"), id, false))
	a := r.Access(t.Context(), nil)
	_, err := a.EndLast(id, base, records.Ending{Outside: outside})
	wantErr(t, err, records.ErrUnavailable)
}

func TestTombstoneOfEndLastTellsWhetherItIsFromOutside(t *testing.T) {
	for _, from := range []bool{false, true} {
		r, base := begun(t)
		a := r.Access(t.Context(), nil)
		if _, err := a.EndLast(id, base, records.Ending{Outside: func() bool { return from }}); err != nil {
			t.Fatal(err)
		}
		if c := r.get(id); c.Outside != from || c.Successor != "" {
			t.Errorf("outside: %v, want %v; successor %q", c.Outside, from, c.Successor)
		}
	}
}

func TestSuccessors(t *testing.T) {
	for _, tc := range []struct {
		rule string
		put  func(r *rig)
		want []string
	}{
		{"nothing is there", func(*rig) {}, []string{id}},
		{"a session", func(r *rig) { r.put(id, content("base")) }, []string{id}},
		{"one that was destroyed", func(r *rig) { r.put(id, records.Tombstone(content("base"), "", false)) }, []string{id}},
		{"one that was renewed, also where the successor is not there", func(r *rig) { renewed(r) }, []string{id, successor}},
		{"one that was renewed twice", func(r *rig) {
			renewed(r)
			r.put(successor, records.Tombstone(content("renewed"), "last", false))
			r.put("last", content("last"))
		}, []string{id, successor, "last"}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			r := newRig(t)
			tc.put(r)
			a := r.Access(t.Context(), nil)
			if ids, _, err := a.Successors(id); err != nil || !slices.Equal(ids, tc.want) {
				t.Errorf("%q, %v, want %q", ids, err, tc.want)
			}
		})
	}
	t.Run("no ID", func(t *testing.T) {
		r := newRig(t)
		a := r.Access(t.Context(), nil)
		if ids, _, err := a.Successors(""); err != nil || !slices.Equal(ids, []string{""}) {
			t.Errorf("%q, %v", ids, err)
		}
		r.wantCalls(0, 0)
	})
	t.Run("a failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.onFetch = slices.Repeat([]fetchHook{func(context.Context) error { return errBroken }}, 4)
			a := r.Access(t.Context(), nil)
			ids, _, err := a.Successors(id)
			wantErr(t, err, errBroken)
			if ids != nil {
				t.Errorf("%q", ids)
			}
		})
	})
}
