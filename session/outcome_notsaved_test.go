package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

var (
	errNotSent  = fmt.Errorf("dial: %w", provider.ErrNotSaved)
	errRefusal  = fmt.Errorf("no such table: %w", provider.ErrRefused)
	errTooLate  = fmt.Errorf("%w: no connection: %w", provider.ErrNotSaved, context.DeadlineExceeded)
	everySave   = func(err error) []saveHook { return slices.Repeat([]saveHook{refused(err)}, 100) }
	neverFetch  = slices.Repeat([]fetchHook{failing}, 100)
	isUncertain = func(err error) bool { return errors.Is(err, session.ErrOutcomeUnknown) }
)

// A save that certainly was not done has no unknown outcome, and no read-back follows.
func TestRuleNotSaved(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		saves []saveHook
		fails bool
		trips int64 // trips of the request: a load, the saves and the read-backs
		state string
	}{
		{"what is refused is not tried again", everySave(errRefusal), true, 2, "a=1"},
		{"what had no time to be sent is not tried again", everySave(errTooLate), true, 2, "a=1"},
		{"what was not sent is sent again", []saveHook{refused(errNotSent), pass}, false, 3, "a=2"},
		{"what was not sent is sent again, and then refused", []saveHook{refused(errNotSent), refused(errRefusal)}, true, 3, "a=1"},
		{"what cannot be sent is given up", everySave(errNotSent), true, 5, "a=1"},
		{"a full store is not tried again", everySave(provider.ErrFull), true, 2, "a=1"},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(tc.saves...)
			if !tc.fails {
				w.wantTrips(t, tc.trips, func() { c.post(add(keyA, 1)).wantPage(t) })
				c.wantState(tc.state)
				return
			}
			w.wantTrips(t, tc.trips, func() {
				a := c.post(add(keyA, 1))
				a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
				if isUncertain(a.err) {
					t.Errorf("the outcome is said to be unknown: %v", a.err)
				}
			})
			w.calm()
			c.wantState(tc.state)
		})
	}

	bubble("an earlier attempt in doubt stays in doubt", t, func(t *testing.T) {
		for _, err := range []error{errNotSent, errRefusal, errTooLate} {
			w, c, _ := begun(t)
			w.onSave(slices.Concat([]saveHook{dropped}, everySave(err))...)
			c.post(add(keyA, 1)).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
			w.calm()
		}
	})

	bubble("an attempt in doubt after one that was not sent is in doubt", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(refused(errNotSent), then(func() { w.onFetch(neverFetch...) }, landed))
		c.post(add(keyA, 1)).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
		w.calm()
		c.wantState("a=2")
	})

	bubble("a request may save again what was refused", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(refused(errRefusal))
		c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
			wantErr(t, s.Save(t.Context()), nil)
		}).wantPage(t)
		c.wantState("a=2")
	})

	bubble("a new session", t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		w.onSave(everySave(errRefusal)...)
		w.wantTrips(t, 1, func() {
			a := c.post(set("a=1"))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
			if isUncertain(a.err) {
				t.Errorf("the outcome is said to be unknown: %v", a.err)
			}
		})
	})

	bubble("a login, at its owner index", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(everySave(errRefusal)...)
		a := c.post(func(s *session.Session) { s.Renew(); s.SetOwner("alice") })
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		if isUncertain(a.err) {
			t.Errorf("the outcome is said to be unknown: %v", a.err)
		}
		w.calm()
		c.wantState("a=1")
	})

	bubble("a logout", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(everySave(errRefusal)...)
		w.wantTrips(t, 2, func() {
			a := c.post((*session.Session).Destroy)
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
		})
		w.calm()
		c.wantState("a=1")
	})
}

// The visitor is not told that the outcome is unknown when it is known.
func TestRuleNotSavedAnswer(t *testing.T) {
	for _, tc := range []struct {
		rule string
		save saveHook
		says string
	}{
		{"certain", refused(errRefusal), "Your session could not be read or saved."},
		{"in doubt", landed, "could not tell whether"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, c, _ := begun(t)
				c.m = w.manager(func(cfg *session.Config) { cfg.ErrorHandler = nil })
				w.onSave(then(func() { w.onFetch(neverFetch...) }, tc.save))
				a := c.post(add(keyA, 1))
				if a.Code != http.StatusServiceUnavailable || !strings.Contains(a.Body.String(), tc.says) {
					t.Errorf("got %d %q, want 503 and %q", a.Code, a.Body, tc.says)
				}
			})
		})
	}
}
