package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// More of "Renew" and "Destroy".
func TestRuleRenewHungUp(t *testing.T) {
	// serve runs fn in a request with this context.
	serve := func(c *client, ctx context.Context, fn func(*session.Session)) *answer {
		return c.serve(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) }),
			httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	}
	for _, tc := range []struct {
		rule    string
		request bool // is it the request's context that is cancelled, or Save's?
	}{
		{"no tombstone step when Save's context is cancelled", false},
		{"no tombstone step when the request's context is cancelled, whatever Save's", true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, c, old := begun(t)
			tab := c.tab()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			asks, rs := ctx, context.Background()
			if tc.request {
				asks, rs = rs, asks
			}
			serve(c, rs, func(s *session.Session) {
				login(s)
				cancel()
				wantErr(t, s.Save(asks), session.ErrUnavailable)
				tab.wantState("a=1")
				if tab.sessionID() != old {
					t.Error("the old cookie does not open the old session")
				}
			})
		})
	}
}

func TestRuleDestroyUnknownCookie(t *testing.T) {
	w, c, id := begun(t)
	w.erase(id)
	if a := c.post((*session.Session).Destroy); !a.cleared() {
		t.Errorf("Set-Cookie is %q", a.cookies())
	}
}
