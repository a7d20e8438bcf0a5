package faults_test

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// A request is under way while Redis fails over. Before it, the session got the
// token "first", which the replica has, and where it lags "lost", which it has not.
func TestFailoverDuringARequest(t *testing.T) {
	const (
		beforeSave = iota
		afterSave  // whose answer is lost
	)
	checkLeaks(t)
	for _, tc := range []struct {
		rule       string
		path       string
		lags       bool
		failsOver  int
		replicated bool // the request's own save
		status     int
		want       []string // tokens in the end; nil: the session is gone
	}{
		{"Update is applied to what is left", "/update", true, beforeSave, false, 200, []string{"first", "mine"}},
		{"Get and Set of what is lost conflict", "/set", true, beforeSave, false, 409, []string{"first"}},
		{"Replay runs again", "/replay", true, beforeSave, false, 200, []string{"first", "mine"}},
		{"Destroy destroys what is left", "/end", true, beforeSave, false, 200, nil},

		{"Update that only the old primary has is made again", "/update", true, afterSave, false, 200, []string{"first", "mine"}},
		{"Get and Set that only the old primary has conflict", "/set", true, afterSave, false, 409, []string{"first"}},
		{"Replay of what only the old primary has", "/replay", true, afterSave, false, 200, []string{"first", "mine"}},
		{"Destroy that only the old primary has is made again", "/end", true, afterSave, false, 200, nil},

		{"Update that has reached the replica is not made again", "/update", false, afterSave, true, 200, []string{"first", "mine"}},
		{"Set that has reached the replica is not made again", "/set", false, afterSave, true, 200, []string{"first", "mine"}},
		{"Destroy that has reached the replica", "/end", false, afterSave, true, 200, nil},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			store := &storetest.Store{Provider: p.store()}
			var armed atomic.Bool
			store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				if !armed.CompareAndSwap(true, false) {
					return next(ctx, rec, expect)
				}
				if tc.failsOver == beforeSave {
					p.failOver()
					return next(ctx, rec, expect)
				}
				if err := next(ctx, rec, expect); err != nil {
					t.Errorf("the save on the old primary: %v", err)
				}
				for tc.replicated && !p.inSync() && witness.Wait(ctx, pace) {
				}
				p.failOver()
				return io.ErrUnexpectedEOF
			}

			a := newApp(t, store, patience)
			s := mustAsk(t, a, "POST", "/begin", answer{})
			first := tc.path
			if first == "/end" {
				first = "/update"
			}
			mustAsk(t, a, "POST", first+"?token=first", s)
			p.sync()
			if tc.lags {
				p.lag()
				mustAsk(t, a, "POST", first+"?token=lost", s)
			}
			armed.Store(true)
			got, err := a.ask("POST", tc.path+"?token=mine", s.cookie)
			if err != nil || got.status != tc.status || armed.Load() {
				t.Errorf("answer %d %q, %v; want %d", got.status, got.body, err, tc.status)
			}
			list, isNew := mustAsk(t, a, "GET", "/tokens", s).tokens()
			if isNew != (tc.want == nil) || !sameTokens(list, tc.want) {
				t.Errorf("in the end: tokens %q, new %t; want %q", list, isNew, tc.want)
			}
			if tc.want != nil {
				mustAsk(t, a, "POST", "/update?token=after", s)
				list, _ := mustAsk(t, a, "GET", "/tokens", s).tokens()
				if want := append(slices.Clone(tc.want), "after"); !sameTokens(list, want) {
					t.Errorf("after it: tokens %q, want %q", list, want)
				}
			}
		})
	}
}

// What package session and provider/redis warn of: a logout is a write like any
// other.
func TestFailoverMayUndoALogout(t *testing.T) {
	checkLeaks(t)
	p := newPair(t)
	a := newApp(t, p.store(), patience)
	s := mustAsk(t, a, "POST", "/begin", answer{})
	mustAsk(t, a, "POST", "/update?token=first", s)
	p.sync()
	p.lag()
	mustAsk(t, a, "POST", "/end", s)
	if _, isNew := mustAsk(t, a, "GET", "/tokens", s).tokens(); !isNew {
		t.Error("logged out: the session is there")
	}
	p.failOver()
	if list, isNew := a.insist(t, "GET", "/tokens", s.cookie).tokens(); isNew || !sameTokens(list, []string{"first"}) {
		t.Errorf("after the failover: tokens %q, new %t; the replica had the session", list, isNew)
	}
	mustAsk(t, a, "POST", "/end", s)
	if _, isNew := mustAsk(t, a, "GET", "/tokens", s).tokens(); !isNew {
		t.Error("logged out again: the session is there")
	}
}
