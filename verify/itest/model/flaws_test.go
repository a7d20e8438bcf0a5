package model_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/sim"
	"pgregory.net/rapid"
)

// flaws are mistakes of a store that sessions cannot make good.
var flaws = map[string]func(*storetest.Store){
	"saves whatever is there": func(s *storetest.Store) {
		s.OnSave = func(ctx context.Context, rec *provider.Record, _ int64, next storetest.SaveFunc) error {
			return next(ctx, rec, -1)
		}
	},
	"acknowledges what it has not saved": func(s *storetest.Store) {
		s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if s.Saves.Load()%4 == 0 {
				return nil
			}
			return next(ctx, rec, expect)
		}
	},
	"denies what it has saved": func(s *storetest.Store) {
		s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			err := next(ctx, rec, expect)
			if err == nil && s.Saves.Load()%4 == 0 {
				return &provider.ConflictError{}
			}
			return err
		}
	},
	"reads from a replica that lags": func(s *storetest.Store) {
		var before sync.Map
		s.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if old, err := s.Provider.Fetch(ctx, rec.ID); err == nil {
				before.Store(rec.ID, old)
			}
			return next(ctx, rec, expect)
		}
		s.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if old, ok := before.Load(id); ok && s.Fetches.Load()%3 == 0 {
				return old.(*provider.Record).Clone(), nil
			}
			return next(ctx, id)
		}
	},
	"mixes records up": func(s *storetest.Store) {
		var last atomic.Value
		last.Store("")
		s.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if other := last.Swap(id).(string); other != "" {
				id = other
			}
			return next(ctx, id)
		}
	},
}

// Each flaw is found.
func TestFlawsAreFound(t *testing.T) {
	setFlag(t, "rapid.shrinktime", "0s")
	for name, spoil := range flaws {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) { findFlaw(t, spoil) })
	}
}

// The program that finds one is made small.
func TestFailuresAreMadeSmall(t *testing.T) {
	small := findFlaw(t, flaws["saves whatever is there"])
	if n := small.Requests(); n > 3 {
		t.Errorf("%d requests are not few:\n%v", n, small)
	}
}

// flawed is a store in memory, spoiled.
type flawed func(*storetest.Store)

func (f flawed) run() func() provider.Provider {
	return func() provider.Provider {
		s := &storetest.Store{Provider: memory.New()}
		f(s)
		return s
	}
}

func (flawed) failures() int64 { return 0 }

// findFlaw returns a program that finds the flaw.
func findFlaw(t *testing.T, spoil func(*storetest.Store)) *sim.Program {
	t.Helper()
	setFlag(t, "rapid.nofailfile", "true")
	setFlag(t, "rapid.checks", "5000")
	p := &programs{t: t, store: flawed(spoil), seen: map[string]int{}}
	h := &fakeTB{T: t}
	h.listen(func() { rapid.Check(h, func(r *rapid.T) { p.check(r, session.LevelMerge) }) })
	if p.failed == nil {
		t.Fatalf("not found\n%s", h.said.String())
	}
	t.Logf("found by\n%v", p.failed)
	return p.failed
}
