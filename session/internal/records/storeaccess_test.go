package records_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// left returns the time that a call has.
func left(t *testing.T, ctx context.Context) time.Duration {
	t.Helper()
	deadline, ok := ctx.Deadline()
	if !ok {
		t.Error("a call without a deadline")
	}
	return time.Until(deadline)
}

func TestCallHasHalfOfTheTimeThatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, base := begun(t)
		var saves, fetches []time.Duration
		r.onSave = slices.Repeat([]saveHook{func(_ *rig, s saving) error {
			saves = append(saves, left(t, s.ctx))
			elapse(timeout / 4)
			return errBroken
		}}, 4)
		r.onFetch = slices.Repeat([]fetchHook{func(ctx context.Context) error {
			fetches = append(fetches, left(t, ctx))
			elapse(timeout / 4)
			return nil
		}}, 4)
		a := r.Access(t.Context(), nil)
		_, err := a.Save(id, edited(base, "mine"), base.Version)
		wantErr(t, err, records.ErrOutcomeUnknown)
		wantErr(t, err, context.DeadlineExceeded)
		if saves[0] != timeout/2 || fetches[0] != timeout*3/8 {
			t.Errorf("the save has had %v, the read-back %v", saves[0], fetches[0])
		}
		if len(saves) != 2 || len(fetches) != 2 {
			t.Errorf("%d saves and %d fetches in the time of all", len(saves), len(fetches))
		}
	})
}

func TestTimeoutBoundsAllCallsTogether(t *testing.T) {
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, tc := range []struct {
		rule string
		do   func(r *rig, a *records.Access, base *records.Content) error
		want time.Duration
	}{
		{"Save", func(_ *rig, a *records.Access, base *records.Content) error {
			_, err := a.Save(id, edited(base, "mine"), base.Version)
			return err
		}, timeout},
		{"SaveOnce, which has half", func(_ *rig, a *records.Access, base *records.Content) error {
			return a.SaveOnce(id, edited(base, "mine"), base.Version)
		}, timeout / 2},
		{"Change", func(_ *rig, a *records.Access, base *records.Content) error {
			_, err := newChange(base).do(a)
			return err
		}, timeout},
		{"Fetch", func(_ *rig, a *records.Access, _ *records.Content) error {
			_, err := a.Fetch(id)
			return err
		}, timeout},
		{"FetchNow, which has half", func(_ *rig, a *records.Access, _ *records.Content) error {
			_, err := notes(false).FetchNow(a, id)
			return err
		}, timeout / 2},
		{"Delete, which has half", func(r *rig, a *records.Access, _ *records.Content) error {
			r.via.OnDelete = func(ctx context.Context, _ string, _ storetest.DeleteFunc) error { return wait(ctx) }
			return a.Delete(id)
		}, timeout / 2},
		{"two calls", func(_ *rig, a *records.Access, base *records.Content) error {
			_, _ = a.Fetch(id)
			_, err := a.Save(id, edited(base, "mine"), base.Version)
			return err
		}, timeout},
		{"two calls with a Restart in between", func(_ *rig, a *records.Access, base *records.Content) error {
			_, _ = a.Fetch(id)
			a.Restart()
			_, err := a.Save(id, edited(base, "mine"), base.Version)
			return err
		}, 2 * timeout},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, base := begun(t)
				r.onSave = slices.Repeat([]saveHook{hanging}, 100)
				r.onFetch = slices.Repeat([]fetchHook{wait}, 100)
				a := r.Access(t.Context(), nil)
				start := time.Now()
				err := tc.do(r, &a, base)
				wantErr(t, err, context.DeadlineExceeded)
				if took := time.Since(start); took > tc.want || took < tc.want*7/8 {
					t.Errorf("took %v, want %v", took, tc.want)
				}
			})
		})
	}
	t.Run("a save is not sent after it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			a := r.Access(t.Context(), nil)
			if _, err := a.Fetch(id); err != nil {
				t.Error(err)
			}
			elapse(timeout)
			_, err := a.Save(id, edited(base, "mine"), base.Version)
			wantErr(t, err, records.ErrUnavailable)
			if errors.Is(err, records.ErrOutcomeUnknown) {
				t.Error(err)
			}
			r.wantCalls(0, 1)
		})
	})
}

type key struct{}

func TestContextOfACall(t *testing.T) {
	r, base := begun(t)
	caller, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	cancel()
	check := func(ctx context.Context) {
		t.Helper()
		if !provider.OnlyTimesOut(ctx) {
			t.Error("the context does more than to time out")
		}
		if err := ctx.Err(); err != nil {
			t.Errorf("that the caller's ends, ends it: %v", err)
		}
		if ctx.Value(key{}) != "value" {
			t.Error("the context has not the caller's values")
		}
		left(t, ctx)
	}
	r.onSave = []saveHook{func(_ *rig, s saving) error {
		check(s.ctx)
		return s.send()
	}}
	r.onFetch = []fetchHook{func(ctx context.Context) error {
		check(ctx)
		return nil
	}}
	a := r.Access(caller, nil)
	if _, err := a.Save(id, edited(base, "mine"), base.Version); err != nil {
		t.Error(err)
	}
	if _, err := a.Fetch(id); err != nil {
		t.Error(err)
	}
	if a.Caller() != caller {
		t.Error("Caller is another context")
	}
	if ctx := a.Context(); ctx.Err() != nil || ctx.Value(key{}) != "value" {
		t.Error("Context ends, or has not the caller's values")
	}
	r.via.OnDelete = func(ctx context.Context, id string, next storetest.DeleteFunc) error {
		if ctx.Err() != nil || ctx.Value(key{}) != "value" {
			t.Error("the context of a Delete ends, or has not the caller's values")
		}
		return next(ctx, id)
	}
	if err := a.Delete(id); err != nil {
		t.Error(err)
	}
	r.wantStored(id, "nothing")
}

func TestContextOfALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		parent, end := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		ctx, call := r.Context(parent, time.Now().Add(time.Second))
		defer call.End()
		end()
		if !provider.OnlyTimesOut(ctx) || ctx.Err() != nil || ctx.Value(key{}) != "value" || provider.UsesReserve(ctx) {
			t.Errorf("%v, ended: %v", ctx, ctx.Err())
		}
		start := time.Now()
		<-ctx.Done()
		wantErr(t, ctx.Err(), context.DeadlineExceeded)
		if took := time.Since(start); took != time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestStoreInThisProcess(t *testing.T) {
	t.Run("gets contexts without a deadline", func(t *testing.T) {
		s := records.New(memory.New(), options(timeout))
		ctx, call := s.Context(t.Context(), time.Now())
		defer call.End()
		if _, ok := ctx.Deadline(); ok || !s.InProcess() {
			t.Errorf("a deadline: %v, in this process: %v", ok, s.InProcess())
		}
	})
	t.Run("reads into room", func(t *testing.T) {
		s, room := records.New(memory.New(), options(timeout)), new(records.Content)
		if c, err := s.FetchInto(t.Context(), id, room); c != nil || err != nil {
			t.Errorf("no record: %v, %v", c, err)
		}
		a := s.Access(t.Context(), nil)
		if _, err := a.Save(id, content("value"), 0); err != nil {
			t.Fatal(err)
		}
		if c, err := s.FetchInto(t.Context(), id, room); c != room || err != nil || text(c) != "value" {
			t.Errorf("%p, want %p; %v", c, room, err)
		}
		_, err := s.FetchInto(t.Context(), "", new(records.Content))
		wantErr(t, err, records.ErrUnavailable)
	})
	t.Run("is the only one that reads into room, which a Cache would keep", func(t *testing.T) {
		r, room := newRig(t), new(records.Content)
		a := r.Access(t.Context(), nil)
		if _, err := a.Save(id, content("value"), 0); err != nil {
			t.Fatal(err)
		}
		if c, err := r.FetchInto(t.Context(), id, room); c == room || err != nil || text(c) != "value" {
			t.Errorf("into room: %t; %v", c == room, err)
		}
	})
	t.Run("is not one that is wrapped", func(t *testing.T) {
		if r := newRig(t); r.InProcess() {
			t.Error("the wrapper would be left out")
		}
		if embedded := records.New(struct{ *memory.Provider }{memory.New()}, options(timeout)); embedded.InProcess() {
			t.Error("the wrapper that embeds it would be left out")
		}
	})
}

// A store with little room left keeps it for the visitors whom it knows.
func TestSaveThatMayUseTheReserveIsMarked(t *testing.T) {
	owned := func(base *records.Content) *records.Content {
		c := records.Follow(base)
		c.Owner = "ann"
		c.EncodeAfter(base, &base.Entries, nil)
		return c
	}
	for _, tc := range []struct {
		rule string
		save func(a *records.Access, base *records.Content) error
		want bool
	}{
		{"not one without an owner", func(a *records.Access, base *records.Content) error {
			_, err := a.Save(id, edited(base, "mine"), base.Version)
			return err
		}, false},
		{"one with an owner", func(a *records.Access, base *records.Content) error {
			_, err := a.Save(id, owned(base), base.Version)
			return err
		}, true},
		{"a change without an owner", func(a *records.Access, base *records.Content) error {
			_, err := newChange(base).do(a)
			return err
		}, false},
		{"a change that gives an owner", func(a *records.Access, base *records.Content) error {
			_, err := a.ChangeUnqueued(id, base, func(current *records.Content) (*records.Content, error) {
				return owned(current), nil
			})
			return err
		}, true},
		{"all after UseReserve", func(a *records.Access, base *records.Content) error {
			a.UseReserve()
			_, err := a.Save(id, edited(base, "mine"), base.Version)
			return err
		}, true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{func(_ *rig, s saving) error {
				if provider.UsesReserve(s.ctx) != tc.want {
					t.Errorf("reserve: %v, want %v", !tc.want, tc.want)
				}
				return s.send()
			}}
			a := r.Access(t.Context(), nil)
			if err := tc.save(&a, base); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("also in this process", func(t *testing.T) {
		s := records.New(memory.New(memory.MaxBytes(4096)), options(timeout))
		a := s.Access(t.Context(), nil)
		var err error
		for n := 0; err == nil; n++ {
			_, err = a.Save(string(rune('a'+n)), content("guest"), 0)
		}
		wantErr(t, err, provider.ErrFull)
		a.UseReserve()
		if _, err := a.Save(id, content("known"), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestSaveOnceReturnsTheErrorOfTheProvider(t *testing.T) {
	r, base := begun(t)
	errDB := errors.New("somedb: broken")
	r.onSave = []saveHook{failing(errDB), before(rivals(1), pass)}
	a := r.Access(t.Context(), nil)
	next := edited(base, "mine")
	if err := a.SaveOnce(id, next, base.Version); err != errDB {
		t.Errorf("%v", err)
	}
	wantErr(t, a.SaveOnce(id, next, base.Version), provider.ErrVersionConflict)
	r.wantCalls(2, 0)
}
