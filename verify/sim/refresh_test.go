package sim

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// refreshing is package session with another Refresh.
type refreshing struct {
	*holdfast
	refresh refreshFunc
}

type (
	renewFunc   = func(context.Context, int) (int, error)
	refreshFunc func(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error)
)

func (r refreshing) serve(x *exchange) {
	leaf, guard := x.leaf, x.guard
	x.leaf = func(s verbs) int { return leaf(heldRefreshing{s, r.refresh}) }
	x.guard = func(s verbs) { guard(heldRefreshing{s, r.refresh}) }
	r.holdfast.serve(x)
}

type heldRefreshing struct {
	verbs
	fn refreshFunc
}

func (v heldRefreshing) refresh(ctx context.Context, stale func(int) bool, fn func(context.Context, int) (int, error)) (int, error) {
	return v.fn(ctx, v.verbs, stale, fn)
}

// refreshFlaws are mistakes of a Refresh.
var refreshFlaws = map[string]refreshFunc{
	"does not wait for others": func(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error) {
		old, _ := s.get(refreshed)
		if !stale(old) {
			return old, nil
		}
		v, err := fn(ctx, old)
		if err != nil {
			return v, err
		}
		s.set(refreshed, v)
		return v, s.save(ctx)
	},
	"saves nothing": func(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error) {
		old, _ := s.get(refreshed)
		if !stale(old) {
			return old, nil
		}
		return fn(ctx, old)
	},
	"returns the value of before": func(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error) {
		var before int
		_, err := s.refresh(ctx, stale, func(ctx context.Context, old int) (int, error) {
			before = old
			return fn(ctx, old)
		})
		return before, err
	},
	"says that it has saved what it has not": func(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error) {
		var made int
		v, err := s.refresh(ctx, stale, func(ctx context.Context, old int) (n int, err error) {
			n, err = fn(ctx, old)
			made = n
			return n, err
		})
		if err != nil && made > 0 {
			return made, nil
		}
		return v, err
	},
	"reports a conflict after every save": func(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error) {
		ran := false
		v, err := s.refresh(ctx, stale, func(ctx context.Context, old int) (int, error) {
			ran = true
			return fn(ctx, old)
		})
		if ran && err == nil {
			err = session.ErrConflict
		}
		return v, err
	},
}

func unchanged(ctx context.Context, s verbs, stale func(int) bool, fn renewFunc) (int, error) {
	return s.refresh(ctx, stale, fn)
}

// The programs find each mistake of a Refresh.
func TestRefreshFlawsAreFound(t *testing.T) {
	for name, flaw := range refreshFlaws {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			flawed := genuine
			flawed.make = func(p provider.Provider, prog *Program) system {
				return refreshing{newHoldfast(p, prog).(*holdfast), flaw}
			}
			if flawed.explore(t, *seed, 3000) == nil {
				t.Error("not found")
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		same := genuine
		same.make = func(p provider.Provider, prog *Program) system {
			return refreshing{newHoldfast(p, prog).(*holdfast), unchanged}
		}
		if p := same.explore(t, *seed, 300); p != nil {
			t.Error(same.report(t, p))
		}
	})
}

// The programs meet with everything that a Refresh may do.
func TestRefreshReach(t *testing.T) {
	saw := map[string]int{}
	for n := range uint64(2000) {
		h, _ := genuine.run(t, draw(n), false)
		for _, v := range h.visits {
			switch {
			case !v.ofRefresh:
			case len(v.segs[0].ops) == 1:
				saw["waited"]++
			default:
				saw[v.segs[0].verdict.String()]++
			}
		}
	}
	for _, what := range []string{"waited", "committed", "gone", "conflict", "unknown"} {
		if saw[what] == 0 {
			t.Errorf("never seen: %s; seen: %v", what, saw)
		}
	}
	t.Log(saw)
}

// refresh is beyond the reference.
func (s *referenceSession) refresh(context.Context, func(int) bool, func(context.Context, int) (int, error)) (int, error) {
	return 0, errors.ErrUnsupported
}
