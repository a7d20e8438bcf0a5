package session_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// The kinds of keys.
var createKinds = map[string]session.Key[string]{
	"a plain key":    session.NewKey[string]("token"),
	"LastWriteWins":  session.NewKey[string]("token").LastWriteWins(),
	"MergeWith":      session.NewKey[string]("token").MergeWith(func(_, mine, theirs string) string { return mine + "+" + theirs }),
	"MergeWith, LWW": session.NewKey[string]("token").LastWriteWins().MergeWith(func(_, mine, theirs string) string { return mine + "+" + theirs }),
}

var createPlain = session.NewKey[string]("token")

// createEach runs a test for each kind of key at each level.
func createEach(t *testing.T, run func(t *testing.T, key session.Key[string], l session.Isolation)) {
	for _, l := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		for name, key := range createKinds {
			t.Run(fmt.Sprintf("%s/level %d", name, l), func(t *testing.T) { run(t, key, l) })
		}
	}
}

func mine() string { return "mine" }

// storedToken returns the token in the store.
func storedToken(c *client) (token string) {
	c.tab().post(func(s *session.Session) { token, _ = createPlain.Get(s) })
	return token
}

func TestRuleGetOrSet(t *testing.T) {
	t.Run("sets what is absent, and returns it", func(t *testing.T) {
		createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
			_, c, _ := begun(t, level(l))
			c.post(func(s *session.Session) {
				for range 2 {
					if got := key.GetOrSet(s, mine); got != "mine" {
						t.Errorf("got %q", got)
					}
				}
			}).wantPage(t)
			if got := storedToken(c); got != "mine" {
				t.Errorf("stored is %q", got)
			}
		})
	})

	t.Run("returns what is there, at the cost of a Get", func(t *testing.T) {
		createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
			w, c, _ := begun(t, level(l))
			c.post(func(s *session.Session) { createPlain.Set(s, "theirs") }).wantPage(t)
			w.wantTrips(t, 1, func() {
				c.post(func(s *session.Session) {
					got := key.GetOrSet(s, func() string { t.Error("fn ran"); return "" })
					if got != "theirs" {
						t.Errorf("got %q", got)
					}
				}).wantPage(t)
			})
		})
	})

	t.Run("sets in place of what does not decode, which is logged", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) { session.NewKey[int]("token").Set(s, 5) })
		c.post(func(s *session.Session) {
			if got := createPlain.GetOrSet(s, mine); got != "mine" {
				t.Errorf("got %q", got)
			}
		}).wantPage(t)
		if got := storedToken(c); got != "mine" || !strings.Contains(w.log.String(), "does not decode") {
			t.Errorf("stored is %q, logged %q", got, w.log.String())
		}
	})

	t.Run("a value that cannot be encoded fails the commit", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			session.NewKey[any]("any").GetOrSet(s, func() any { return func() {} })
		}).wantError(t, 500, session.ErrEncode)
	})

	t.Run("of goroutines of one request, one sets it", func(t *testing.T) {
		_, c, _ := begun(t)
		meet := barrier(8)
		c.post(func(s *session.Session) {
			var got [8]string
			parallel(8, func(i int) {
				got[i] = createPlain.GetOrSet(s, func() string {
					meet() // each handler has found no token
					return rand.Text()
				})
			})
			for i := range got {
				if got[i] != got[0] {
					t.Errorf("goroutines have %q", got)
				}
			}
		}).wantPage(t)
	})

	t.Run("fn may read the session", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			createPlain.GetOrSet(s, func() string {
				n, _ := keyA.Get(s)
				return fmt.Sprint(n)
			})
		}).wantPage(t)
		if got := storedToken(c); got != "1" {
			t.Errorf("stored is %q", got)
		}
	})
}

// If a response has the value that GetOrSet made, that value is stored; otherwise the
// response is an error.
func TestRuleGetOrSetConflicts(t *testing.T) {
	rivals := map[string]func(*session.Session){
		"sets it":      func(s *session.Session) { createPlain.Set(s, "theirs") },
		"creates it":   func(s *session.Session) { createPlain.GetOrSet(s, func() string { return "theirs" }) },
		"may lose it":  func(s *session.Session) { createPlain.LastWriteWins().Set(s, "theirs") },
		"updates it":   func(s *session.Session) { createPlain.Update(s, func(string) string { return "theirs" }) },
		"sets another": set("b=2"),
		"sets the same": func(s *session.Session) {
			createPlain.Set(s, "mine")
		},
	}
	ways := map[string]struct {
		wrap   func(*session.Manager, leaf) http.Handler
		method string
		again  bool
	}{
		"Handler":                       {func(m *session.Manager, fn leaf) http.Handler { return m.Handler(loading(fn)) }, "GET", false},
		"HandlerFunc, GET":              {httpWithHandlerFunc, "GET", true},
		"HandlerFunc, POST":             {httpWithHandlerFunc, "POST", false},
		"HandlerFunc in Handler, GET":   {func(m *session.Manager, fn leaf) http.Handler { return m.Handler(m.HandlerFunc(fn)) }, "GET", true},
		"Replay in Handler, POST":       {replay, "POST", true},
		"HandlerFunc in Replay, DELETE": {func(m *session.Manager, fn leaf) http.Handler { return m.Replay(m.HandlerFunc(fn)) }, "DELETE", true},
	}
	for rival, theirs := range rivals {
		for way, tc := range ways {
			t.Run("another "+rival+"/"+way, func(t *testing.T) {
				createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
					w, c, _ := begun(t, level(l))
					other := c.tab()
					first := true
					a := c.serve(tc.wrap(w.m, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
						token := key.GetOrSet(s, mine)
						if first {
							first = false
							other.post(theirs).wantPage(t)
						}
						io.WriteString(rw, token)
					}), request(tc.method, ""))
					merges := rival == "sets another" && l < session.LevelStrict
					switch {
					case tc.again || merges:
						a.wantPage(t)
						if got := a.Body.String(); got != storedToken(c) || got == "" {
							t.Errorf("the page has %q, stored is %q", got, storedToken(c))
						}
					default:
						a.wantError(t, 409, session.ErrConflict)
					}
				})
			})
		}
	}
}

// GetOrSet together with everything else that a request may do.
func TestRuleGetOrSetAfter(t *testing.T) {
	theirs := func(s *session.Session) { createPlain.Set(s, "theirs") }
	for name, tc := range map[string]struct {
		before func(session.Key[string], *session.Session)
		want   error // of a request that comes second
	}{
		"Clear":                    {func(_ session.Key[string], s *session.Session) { s.Clear() }, nil},
		"Destroy":                  {func(_ session.Key[string], s *session.Session) { s.Destroy() }, nil},
		"Renew":                    {func(_ session.Key[string], s *session.Session) { s.Renew() }, session.ErrConflict},
		"Get":                      {func(k session.Key[string], s *session.Session) { k.Get(s) }, session.ErrConflict},
		"Set":                      {func(k session.Key[string], s *session.Session) { createPlain.Set(s, "mine") }, nil},
		"Set with the key's merge": {func(k session.Key[string], s *session.Session) { k.Set(s, "mine") }, nil},
		"Update": {func(k session.Key[string], s *session.Session) {
			k.Update(s, func(v string) string { return v + "mine" })
		}, session.ErrConflict},
		"Update of another key": {func(_ session.Key[string], s *session.Session) { keyB.Update(s, increment) }, session.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
				for _, raced := range []bool{false, true} {
					_, c, _ := begun(t, level(l))
					rival := c.tab()
					var token string
					a := c.post(func(s *session.Session) {
						tc.before(key, s)
						token = key.GetOrSet(s, mine)
						if raced {
							rival.post(theirs).wantPage(t)
						}
					})
					if a.err == nil {
						if got := storedToken(c); got != token || got != "mine" {
							t.Errorf("raced: %v: the page has %q, stored is %q", raced, token, got)
						}
						if raced && tc.want != nil {
							t.Error("no conflict")
						}
						continue
					}
					a.wantError(t, 409, session.ErrConflict)
					if !raced {
						t.Error("a conflict without a rival")
					}
				}
			})
		})
	}

	t.Run("in Session.Update the closure runs again", func(t *testing.T) {
		createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
			_, c, _ := begun(t, level(l))
			rival := c.tab()
			var token string
			first := true
			c.post(func(s *session.Session) {
				wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
					token = key.GetOrSet(s, mine)
					if first {
						first = false
						rival.post(theirs).wantPage(t)
					}
					return nil
				}), nil)
			}).wantPage(t)
			if got := storedToken(c); got != token || got != "theirs" {
				t.Errorf("the page has %q, stored is %q", token, got)
			}
		})
	})

	t.Run("a new session", func(t *testing.T) {
		createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
			w := newWorld(t, level(l))
			parallel(3, func(int) { // each page has the token of its own session
				c := w.client()
				var token string
				c.get(func(s *session.Session) { token = key.GetOrSet(s, rand.Text) }).wantPage(t)
				if got := storedToken(c); got != token || got == "" {
					t.Errorf("the page has %q, stored is %q", token, got)
				}
			})
		})
	})

	t.Run("the end of the request", func(t *testing.T) {
		createEach(t, func(t *testing.T, key session.Key[string], l session.Isolation) {
			_, c, _ := begun(t, level(l))
			s := loaded(c)
			if got := key.GetOrSet(s, func() string { t.Error("fn ran"); return "late" }); got != "" {
				t.Errorf("got %q", got)
			}
			wantErr(t, s.Save(t.Context()), session.ErrRequestDone)
			c.post(theirs)
			s = loaded(c)
			if got := key.GetOrSet(s, mine); got != "theirs" {
				t.Errorf("got %q", got)
			}
			wantErr(t, s.Save(t.Context()), nil)
		})
	})
}
