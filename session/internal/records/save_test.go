package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// outcome is what a Save is to come to.
type outcome struct {
	landed       bool
	current      string // if not: the text of what stands in the way
	afterUnknown bool
	err          error
	not          error // what the error must not be as well

	saves, fetches int64
}

var (
	once    = outcome{landed: true, saves: 1}
	errNone = errors.New("no error is this one")
)

func unavailable(saves, fetches int64) outcome {
	return outcome{err: records.ErrUnavailable, not: records.ErrOutcomeUnknown, saves: saves, fetches: fetches}
}

func unknown(saves, fetches int64) outcome {
	return outcome{err: records.ErrOutcomeUnknown, saves: saves, fetches: fetches}
}

// wrapped is an error as a provider returns it.
func wrapped(err error) error { return fmt.Errorf("somedb: %w", err) }

func TestSave(t *testing.T) {
	notSaved := failing(wrapped(provider.ErrNotSaved))
	unread := func(err error, n int) []fetchHook {
		return slices.Repeat([]fetchHook{func(context.Context) error { return err }}, n)
	}
	for _, tc := range []struct {
		rule    string
		saves   []saveHook
		fetches []fetchHook
		want    outcome
		stored  string
	}{
		{"landed", nil, nil, once, "mine"},

		{"refused: ErrRefused", []saveHook{failing(wrapped(provider.ErrRefused))}, nil, unavailable(1, 0), "base"},
		{"refused: ErrFull", []saveHook{failing(wrapped(provider.ErrFull))}, nil, unavailable(1, 0), "base"},
		{"refused: ErrInvalidRecord", []saveHook{failing(wrapped(provider.ErrInvalidRecord))}, nil, unavailable(1, 0), "base"},
		{
			"refused: ErrTooLarge",
			[]saveHook{failing(wrapped(provider.ErrTooLarge))},
			nil,
			outcome{err: records.ErrTooLarge, not: records.ErrUnavailable, saves: 1},
			"base",
		},
		{
			"refused: not sent, since there was no time left",
			[]saveHook{failing(fmt.Errorf("%w: %w", provider.ErrNotSaved, context.DeadlineExceeded))},
			nil,
			unavailable(1, 0),
			"base",
		},

		{"not saved: sent again, not read back", []saveHook{notSaved}, nil, outcome{landed: true, saves: 2}, "mine"},
		{"not saved three times", []saveHook{notSaved, notSaved, notSaved}, nil, outcome{landed: true, saves: 4}, "mine"},
		{"not saved four times: given up", []saveHook{notSaved, notSaved, notSaved, notSaved}, nil, unavailable(4, 0), "base"},
		{"not saved, then refused", []saveHook{notSaved, failing(provider.ErrRefused)}, nil, unavailable(2, 0), "base"},
		{
			"not saved, then a conflict",
			[]saveHook{notSaved, before(rivals(1), pass)},
			nil,
			outcome{current: "theirs", saves: 2},
			"theirs",
		},

		{"landed, unknown: read back", []saveHook{landed}, nil, outcome{landed: true, saves: 1, fetches: 1}, "mine"},
		{
			"landed, unknown, and another has saved since: by the history",
			[]saveHook{after(landed, rivals(1))},
			nil,
			outcome{landed: true, saves: 1, fetches: 1},
			"theirs",
		},
		{
			"landed, unknown, and the history just reaches back",
			[]saveHook{after(landed, rivals(envelope.HistoryLimit))},
			nil,
			outcome{landed: true, saves: 1, fetches: 1},
			"theirs",
		},
		{
			"landed, unknown, and out of reach of the history",
			[]saveHook{after(landed, rivals(envelope.HistoryLimit+1))},
			nil,
			unknown(1, 1),
			"theirs",
		},
		{
			"landed, unknown, and the record is gone: the caller is told that it may have",
			[]saveHook{after(landed, erase)},
			nil,
			outcome{current: "nothing", afterUnknown: true, saves: 1, fetches: 1},
			"nothing",
		},

		{"lost: sent again", []saveHook{dropped}, nil, outcome{landed: true, saves: 2, fetches: 1}, "mine"},
		{"lost three times", []saveHook{dropped, dropped, dropped}, nil, outcome{landed: true, saves: 4, fetches: 3}, "mine"},
		{"lost four times: given up", slices.Repeat([]saveHook{dropped}, 4), nil, unknown(4, 4), "base"},
		{"late: what is sent again meets the first", []saveHook{late}, nil, outcome{landed: true, saves: 2, fetches: 1}, "mine"},
		{
			"lost, and another's is there",
			[]saveHook{after(dropped, rivals(1))},
			nil,
			outcome{current: "theirs", afterUnknown: true, saves: 1, fetches: 1},
			"theirs",
		},
		{
			"lost, and the history of the others just reaches back",
			[]saveHook{after(dropped, rivals(envelope.HistoryLimit+1))},
			nil,
			outcome{current: "theirs", afterUnknown: true, saves: 1, fetches: 1},
			"theirs",
		},
		{
			"lost, and out of reach of the history",
			[]saveHook{after(dropped, rivals(envelope.HistoryLimit+2))},
			nil,
			unknown(1, 1),
			"theirs",
		},
		{
			"lost, then not saved: the first may still arrive",
			[]saveHook{dropped, notSaved},
			nil,
			outcome{landed: true, saves: 3, fetches: 2},
			"mine",
		},
		{
			"landed, unknown, then refused: the first has landed",
			[]saveHook{late, failing(provider.ErrRefused)},
			nil,
			outcome{landed: true, saves: 2, fetches: 2},
			"mine",
		},
		{
			"lost, then a conflict",
			[]saveHook{dropped, before(rivals(1), pass)},
			nil,
			outcome{current: "theirs", afterUnknown: true, saves: 2, fetches: 1},
			"theirs",
		},
		{
			"lost, then refused to the end",
			append([]saveHook{dropped}, slices.Repeat([]saveHook{failing(provider.ErrRefused)}, 3)...),
			nil,
			unknown(4, 4),
			"base",
		},

		{"the read-back fails once", []saveHook{landed}, unread(errBroken, 1), outcome{landed: true, saves: 1, fetches: 2}, "mine"},
		{"the read-back fails three times", []saveHook{landed}, unread(errBroken, 3), outcome{landed: true, saves: 1, fetches: 4}, "mine"},
		{"the read-back fails four times: given up", []saveHook{landed}, unread(errBroken, 4), unknown(1, 4), "mine"},
		{
			"what is read back is unreadable: not read again",
			[]saveHook{landed},
			unread(provider.ErrUnreadable, 1),
			outcome{err: records.ErrUnreadable, saves: 1, fetches: 1},
			"mine",
		},

		{
			"a conflict that brings what is there: not read back",
			[]saveHook{before(rivals(1), pass)},
			nil,
			outcome{current: "theirs", saves: 1},
			"theirs",
		},
		{
			"a conflict that brings that nothing is there",
			[]saveHook{before(erase, pass)},
			nil,
			outcome{current: "nothing", saves: 1},
			"nothing",
		},
		{
			"a bare conflict: read back",
			[]saveHook{before(rivals(1), bare)},
			nil,
			outcome{current: "theirs", saves: 1, fetches: 1},
			"theirs",
		},
		{
			"a bare conflict, and nothing is there",
			[]saveHook{before(erase, bare)},
			nil,
			outcome{current: "nothing", saves: 1, fetches: 1},
			"nothing",
		},
		{
			"a conflict is sure, however far the others are ahead",
			[]saveHook{before(rivals(3*envelope.HistoryLimit), pass)},
			nil,
			outcome{current: "theirs", saves: 1},
			"theirs",
		},
		{
			"a conflict with itself: the driver has sent it twice",
			[]saveHook{func(_ *rig, s saving) error { return errors.Join(s.send(), provider.ErrVersionConflict) }},
			nil,
			outcome{landed: true, saves: 1, fetches: 1},
			"mine",
		},
		{
			"a conflict with itself that others have followed",
			[]saveHook{after(func(_ *rig, s saving) error { return errors.Join(s.send(), provider.ErrVersionConflict) }, rivals(1))},
			nil,
			outcome{landed: true, saves: 1, fetches: 1},
			"theirs",
		},
		{
			"a conflict where nothing has changed: nobody knows why",
			[]saveHook{failing(provider.ErrVersionConflict)},
			nil,
			unavailable(1, 1),
			"base",
		},
		{
			"a bare conflict that cannot be read back: not saved, that is sure",
			[]saveHook{before(rivals(1), bare)},
			unread(errBroken, 4),
			unavailable(1, 4),
			"theirs",
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				base := content("base")
				r.put(id, base)
				r.onSave, r.onFetch = tc.saves, tc.fetches
				a := r.Access(t.Context(), nil)
				out, err := a.Save(id, edited(base, "mine"), base.Version)
				wantOutcome(t, r, out, err, tc.want)
				wantIdentical(t, r.sent)
				r.wantStored(id, tc.stored)
			})
		})
	}
}

func wantOutcome(t *testing.T, r *rig, out records.Outcome[*records.Content], err error, want outcome) {
	t.Helper()
	if want.not == nil {
		want.not = errNone
	}
	switch {
	case want.err != nil && (!errors.Is(err, want.err) || errors.Is(err, want.not)):
		t.Errorf("error %v, want %v and not %v", err, want.err, want.not)
	case want.err == nil && err != nil:
		t.Errorf("error %v", err)
	}
	if want.err != nil || want.landed {
		want.current = "nothing"
	}
	if got := text(out.Current); out.Landed != want.landed || got != want.current || out.AfterUnknown != want.afterUnknown {
		t.Errorf("landed: %v, current: %q, after an unknown outcome: %v, want %v, %q, %v",
			out.Landed, got, out.AfterUnknown, want.landed, want.current, want.afterUnknown)
	}
	r.wantCalls(want.saves, want.fetches)
}

// A first save is the same, but for where nothing is read back.
func TestSaveOfANewRecord(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		saves  []saveHook
		want   outcome
		stored string
	}{
		{"landed", nil, once, "mine"},
		{"landed, unknown", []saveHook{landed}, outcome{landed: true, saves: 1, fetches: 1}, "mine"},
		{
			"lost: not sent again, since it may have been there and deleted",
			[]saveHook{dropped},
			outcome{current: "nothing", afterUnknown: true, saves: 1, fetches: 1},
			"nothing",
		},
		{"not saved: sent again", []saveHook{failing(provider.ErrNotSaved)}, outcome{landed: true, saves: 2}, "mine"},
		{
			"another's is there",
			[]saveHook{before(func(r *rig) { r.put(id, content("theirs")) }, pass)},
			outcome{current: "theirs", saves: 1},
			"theirs",
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.onSave = tc.saves
				a := r.Access(t.Context(), nil)
				out, err := a.Save(id, content("mine"), 0)
				wantOutcome(t, r, out, err, tc.want)
				r.wantStored(id, tc.stored)
			})
		})
	}
}

func TestErrorOfASaveNamesBothFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		base := content("base")
		r.put(id, base)
		r.onSave = []saveHook{dropped}
		errRead := errors.New("cannot read")
		r.onFetch = slices.Repeat([]fetchHook{func(context.Context) error { return errRead }}, 4)
		a := r.Access(t.Context(), nil)
		_, err := a.Save(id, edited(base, "mine"), base.Version)
		wantErr(t, err, errBroken)
		wantErr(t, err, errRead)
	})
}

// note is a value of another kind of records.
type note struct{ version int64 }

func (n *note) VersionNumber() int64 {
	if n == nil {
		return 0
	}
	return n.version
}

func (n *note) Trace(commit int64) envelope.Lineage {
	if n.version == commit {
		return envelope.Ancestor
	}
	return envelope.NotAncestor
}

func (n *note) UsesReserve() bool { return false }

func (n *note) Record(id string) *provider.Record {
	return &provider.Record{ID: id, Version: n.version}
}

func notes(recreates bool) records.Kind[*note] {
	return records.Kind[*note]{Recreates: recreates, Read: func(_ string, rec *provider.Record) (*note, error) {
		return &note{rec.Version}, nil
	}}
}

func TestRecreates(t *testing.T) {
	for _, tc := range []struct {
		rule      string
		recreates bool
		replaces  bool // a record that is there
		landed    bool
		saves     int64
	}{
		{"a first save that was lost is sent again", true, false, true, 2},
		{"without it that is the outcome", false, false, false, 1},
		{"a record that is gone is not made again", true, true, false, 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				kind := notes(tc.recreates)
				a := r.Access(t.Context(), nil)
				var expect int64
				if tc.replaces {
					expect = 1 << 32
				}
				r.onSave = []saveHook{dropped}
				out, err := kind.Save(&a, id, &note{2 << 32}, expect)
				if err != nil || out.Landed != tc.landed || out.AfterUnknown == tc.landed || r.via.Saves.Load() != tc.saves {
					t.Errorf("outcome %+v, %v after %d saves", out, err, r.via.Saves.Load())
				}
			})
		})
	}
	t.Run("also where the first arrives late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			a := r.Access(t.Context(), nil)
			r.onSave = []saveHook{late}
			out, err := notes(true).Save(&a, id, &note{1 << 32}, 0)
			if err != nil || !out.Landed || r.via.Saves.Load() != 2 {
				t.Errorf("outcome %+v, %v after %d saves", out, err, r.via.Saves.Load())
			}
		})
	})
}

func TestFetch(t *testing.T) {
	fail := func(err error) fetchHook { return func(context.Context) error { return err } }
	for _, tc := range []struct {
		rule    string
		fetches []fetchHook
		err     error
		calls   int64
	}{
		{"succeeds", nil, nil, 1},
		{"again after a failure", []fetchHook{fail(errBroken)}, nil, 2},
		{"four times at most", slices.Repeat([]fetchHook{fail(errBroken)}, 4), records.ErrUnavailable, 4},
		{"not again of what is unreadable", []fetchHook{fail(provider.ErrUnreadable)}, records.ErrUnreadable, 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.put(id, content("base"))
				r.onFetch = tc.fetches
				a := r.Access(t.Context(), nil)
				c, err := a.Fetch(id)
				if !errors.Is(err, tc.err) || err == nil && text(c) != "base" || err != nil && c != nil {
					t.Errorf("%q, %v", text(c), err)
				}
				r.wantCalls(0, tc.calls)
			})
		})
	}
	t.Run("nil where nothing is there", func(t *testing.T) {
		r := newRig(t)
		a := r.Access(t.Context(), nil)
		if c, err := a.Fetch(id); c != nil || err != nil {
			t.Errorf("%v, %v", c, err)
		}
		if c, err := r.Fetch(t.Context(), id); c != nil || err != nil {
			t.Errorf("by one call: %v, %v", c, err)
		}
	})
	t.Run("by one call fails at once", func(t *testing.T) {
		r := newRig(t)
		r.onFetch = []fetchHook{fail(errBroken), fail(errBroken)}
		_, err := r.Fetch(t.Context(), id)
		wantErr(t, err, records.ErrUnavailable)
		wantErr(t, err, errBroken)
		a := r.Access(t.Context(), nil)
		if _, err := notes(false).FetchNow(&a, id); !errors.Is(err, records.ErrUnavailable) {
			t.Errorf("FetchNow: %v", err)
		}
		r.wantCalls(0, 2)
	})
}

func TestFetchOfWhatCannotBeRead(t *testing.T) {
	good := content("base").Record(id)
	for _, tc := range []struct {
		rule   string
		change func(rec *provider.Record) *provider.Record
		text   string
	}{
		{"no record", func(*provider.Record) *provider.Record { return nil }, ""},
		{"another record", func(rec *provider.Record) *provider.Record { rec.ID = "other"; return rec }, ""},
		{"the content of another record", func(rec *provider.Record) *provider.Record {
			rec.Data = content("base").Record("other").Data
			return rec
		}, ""},
		{"cut off", func(rec *provider.Record) *provider.Record { rec.Data = rec.Data[:9]; return rec }, ""},
		{"a version that nobody makes", func(rec *provider.Record) *provider.Record { rec.Version = 7; return rec }, "version"},
		{"a format that nobody knows", func(rec *provider.Record) *provider.Record {
			rec.Data, rec.Format = nil, "xml"
			return rec
		}, `"xml"`},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			r := newRig(t)
			r.via.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
				return tc.change(good.Clone()), nil
			}
			c, err := r.Fetch(t.Context(), id)
			if c != nil || !errors.Is(err, records.ErrUnreadable) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
	t.Run("values of an unknown format are not looked at", func(t *testing.T) {
		r := newRig(t)
		c := records.NewContent("xml")
		c.EncodeAfter(nil, new(envelope.Entries), edits("base"))
		r.put(id, c)
		r.wantStored(id, "base")
	})
}

func TestUnavailable(t *testing.T) {
	for _, tc := range []struct {
		rule string
		err  error
		want error
		not  error
	}{
		{"another's error", errBroken, records.ErrUnavailable, records.ErrUnreadable},
		{"ErrTooLarge", provider.ErrTooLarge, records.ErrTooLarge, records.ErrUnavailable},
		{"ErrUnreadable", provider.ErrUnreadable, records.ErrUnreadable, records.ErrUnavailable},
		{"its own", records.ErrOutcomeUnknown, records.ErrOutcomeUnknown, errNone},
		{"its own ErrUnreadable", records.ErrUnreadable, records.ErrUnreadable, records.ErrUnavailable},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			err := records.Unavailable(wrapped(tc.err))
			if !errors.Is(err, tc.err) || !errors.Is(err, tc.want) || errors.Is(err, tc.not) {
				t.Errorf("%v", err)
			}
		})
	}
}
