package sessiontest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

const bothFetchFirst = "A fetch, B fetch, A save, B save: conflict"

// A program that ignores errors answers each request as if it was saved.
func ignoresErrors(w http.ResponseWriter, _ *http.Request, _ error) {
	w.WriteHeader(http.StatusNoContent)
}

func TestInterleaveFindsLostUpdate(t *testing.T) {
	add := func(k session.Key[int]) handlerFunc {
		return func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			n, _ := k.Get(s)
			k.Set(s, n+1)
		}
	}
	update := func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		count.Update(s, func(n int) int { return n + 1 })
	}
	for name, tc := range map[string]struct {
		cfg     session.Config
		handler handlerFunc
		replay  bool
		want    string // order that breaks the handler; "": none
	}{
		"Get and Set of a key with LastWriteWins":   {handler: add(count.LastWriteWins()), want: bothFetchFirst},
		"Get and Set, the error is ignored":         {cfg: session.Config{ErrorHandler: ignoresErrors}, handler: add(count), want: bothFetchFirst},
		"Get and Set, the conflict is answered 409": {handler: add(count)},
		"Get and Set inside of Replay":              {handler: add(count), replay: true},
		"Update":                                    {handler: update},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, tc.cfg, func(s *session.Session) { count.Set(s, 0) }, tc.handler)
			if tc.replay {
				c.handler = c.m.Replay(c.handler)
			}
			c.check = func(t testing.TB, _ string, resA, resB *http.Response) {
				sessiontest.Read(t, c.m, c.cookie, func(s *session.Session) {
					if got, want := must(count.Get(s)), successes(resA, resB); got != want {
						t.Errorf("the count is %d after %d requests", got, want)
					}
				})
			}
			breaksIn(t, c.run(t), tc.want, "the count is 1 after 2 requests")
		})
	}
}

func TestInterleaveFindsVoucherPaidTwice(t *testing.T) {
	paid := 0
	for name, tc := range map[string]struct {
		handler handlerFunc
		want    string
	}{
		"paid before the save": {func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if value, ok := voucher.Pop(s); ok {
				paid += value
			}
		}, bothFetchFirst},
		"paid although the save fails": {func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			value, _ := voucher.Pop(s)
			_ = s.Save(r.Context())
			paid += value
		}, bothFetchFirst},
		"paid after the save": {func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			value, ok := voucher.Pop(s)
			if !ok {
				http.Error(w, "no voucher", http.StatusNotFound)
				return
			}
			if err := s.Save(r.Context()); err != nil {
				http.Error(w, "redeemed by another request", session.StatusCode(err))
				return
			}
			paid += value
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, session.Config{}, func(s *session.Session) { voucher.Set(s, 500) }, tc.handler)
			c.reset = func() { paid = 0 }
			c.check = func(t testing.TB, _ string, _, _ *http.Response) {
				if paid != 500 {
					t.Fatalf("paid %d cents for a voucher of 500", paid)
				}
			}
			breaksIn(t, c.run(t), tc.want, "paid 1000 cents for a voucher of 500")
		})
	}
}

// A request that the logout overtakes must not sign the user in again.
func TestInterleaveFindsLogoutUndone(t *testing.T) {
	var m *session.Manager
	// keepsUser answers a request whose session has ended, by a new session of its user.
	keepsUser := func(w http.ResponseWriter, r *http.Request, err error) {
		name := r.Header.Get("X-User") // of the session, from the handler
		if !errors.Is(err, session.ErrEnded) || name == "" {
			w.WriteHeader(session.StatusCode(err))
			return
		}
		again := r.Clone(r.Context())
		again.Header.Del("Cookie")
		m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { user.Set(s, name) })(w, again)
	}
	for name, tc := range map[string]struct {
		cfg  session.Config
		want string
	}{
		"a session that has ended begins again":    {session.Config{ErrorHandler: keepsUser}, "A fetch, B fetch, A save tombstone, B save: conflict, B create"},
		"a session that has ended is answered 409": {session.Config{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, tc.cfg, func(s *session.Session) { user.Set(s, "ann") }, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				if r.URL.Path == "/logout" {
					s.Destroy()
					return
				}
				name, ok := user.Get(s)
				if !ok {
					http.Error(w, "please sign in", http.StatusUnauthorized)
					return
				}
				r.Header.Set("X-User", name)
				count.Set(s, 1)
			})
			m = c.m
			c.paths[0] = "/logout"
			c.check = func(t testing.TB, _ string, _, res *http.Response) {
				if sessiontest.Alive(t, c.m, c.cookie) {
					t.Error("the old cookie opens a session")
				}
				if sessiontest.Alive(t, c.m, sessiontest.Response(t, c.m, res)) {
					t.Error("the user is signed in again")
				}
			}
			breaksIn(t, c.run(t), tc.want, "the user is signed in again")
		})
	}
}

// breaksIn wants a failure with that message in that order, or none if order is "".
func breaksIn(t *testing.T, r *recorder, order, message string) {
	t.Helper()
	if order == "" {
		r.wants(t)
		return
	}
	r.wants(t, "in this order: "+order+"\n"+message, " interleavings failed:")
}

func must[T any](v T, ok bool) T {
	if !ok {
		panic("there is no value")
	}
	return v
}
