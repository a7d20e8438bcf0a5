package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// More of "Replay": what the runs leave to each other.
func TestRuleReplayLeaves(t *testing.T) {
	t.Run("the header map is put back for every run", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 2, also: func(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
			line := w.Header()["X-Outer"]
			if line[0] != "outer" {
				t.Errorf("a run begins with %q", line)
			}
			line[0] = "inner"
		}}
		c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "outer")
			replay(c.m, h.serve).ServeHTTP(w, r)
		}), request("POST", "")).wantPage(t)
		if h.runs != 3 {
			t.Errorf("%d runs", h.runs)
		}
	})

	t.Run("a run's own context ends with it", func(t *testing.T) {
		_, c, _ := begun(t)
		var ctx context.Context
		c.send(http.MethodPost, func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			ctx = r.Context()
			wantErr(t, ctx.Err(), nil)
		}).wantPage(t)
		wantErr(t, ctx.Err(), context.Canceled)
	})

	t.Run("a Close of the body is done in the end", func(t *testing.T) {
		_, c, _ := begun(t)
		body := &watched{Reader: strings.NewReader("0123456789")}
		h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) { r.Body.Close() }}
		r := request("POST", "")
		r.Body, r.ContentLength = body, 10
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
		if !body.closed {
			t.Error("it is still open")
		}
	})

	t.Run("the body of a discarded run reads no more", func(t *testing.T) {
		_, c, _ := begun(t)
		var bodies []io.Reader
		h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if bodies = append(bodies, r.Body); len(bodies) < 2 {
				return
			}
			if n, err := bodies[0].Read(make([]byte, 1)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("it reads %d bytes, %v", n, err)
			}
			if all, err := io.ReadAll(r.Body); string(all) != "0123456789" || err != nil {
				t.Errorf("the second run reads %q, %v", all, err)
			}
		}}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", "0123456789")))
	})

	t.Run("the keys were listed outside and have changed: 409", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		inner := c.m.Replay(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			v, _ := keyA.Get(s)
			keyA.Set(s, v+1)
			rival.post(set("a=7 b=7"))
		}))
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			load(t, r).Keys()
			inner.ServeHTTP(w, r)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=7 b=7")
	})

	t.Run("what was committed outside is no hindrance", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		inner := c.m.Replay(loading(h.serve))
		h.wantReplayed(t, c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			keyB.Set(s, 5)
			wantErr(t, s.Save(r.Context()), nil)
			inner.ServeHTTP(w, r)
		}))
		c.wantState("a=22 b=5")
	})

	t.Run("a failed commit cancels a context that nobody has asked for anything", func(t *testing.T) {
		w, c, id := begun(t)
		c.handle(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
			s, err := session.Load(context.WithoutCancel(r.Context()))
			wantErr(t, err, nil)
			keyA.Set(s, 2)
			w.erase(id)
			io.WriteString(rw, "page")
			wantErr(t, r.Context().Err(), context.Canceled)
			wantErr(t, context.Cause(r.Context()), session.ErrEnded)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
	})
}

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

// A load that failed stays failed: half of a page must not see another session
// than the other half.
func TestRuleLoadErrorStays(t *testing.T) {
	w, c, _ := begun(t)
	w.onFetch(failing)
	n := w.trips(func() {
		c.handle(http.MethodGet, func(_ http.ResponseWriter, r *http.Request) {
			for range 2 {
				_, err := session.Load(r.Context())
				wantErr(t, err, session.ErrUnavailable)
			}
		})
	})
	if n != 1 {
		t.Errorf("%d trips", n)
	}
}

// stubborn is a type whose values say no, and not who they are.
type stubborn struct{}

func (stubborn) MarshalText() ([]byte, error) { return nil, errors.New("no") }

func TestRuleKeyErrors(t *testing.T) {
	t.Run("a value that cannot be encoded is named by its type", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.post(func(s *session.Session) { session.NewKey[stubborn]("s").Set(s, stubborn{}) })
		a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
		if want := fmt.Sprintf("of type %T", stubborn{}); !strings.Contains(a.err.Error(), want) {
			t.Errorf("%v; want it to say %q", a.err, want)
		}
	})

	t.Run("NewKey panics without a name", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		session.NewKey[int]("")
	})
}
