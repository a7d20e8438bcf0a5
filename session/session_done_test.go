package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// lateVerbs are all operations that ask for a change. Each is called when the change is
// refused, and returns what is wrong with its result, or "".
var lateVerbs = map[string]func(s *session.Session) (wrong string){
	"Set":    func(s *session.Session) string { httpCount.Set(s, 7); return "" },
	"Delete": func(s *session.Session) string { httpCount.Delete(s); return "" },
	"Pop": func(s *session.Session) string {
		if v, ok := httpName.Pop(s); ok || v != "" {
			return fmt.Sprintf("Pop gave %q", v)
		}
		return ""
	},
	"Pop, LastWriteWins": func(s *session.Session) string {
		if v, ok := httpName.LastWriteWins().Pop(s); ok || v != "" {
			return fmt.Sprintf("Pop gave %q", v)
		}
		return ""
	},
	"Key.Update": func(s *session.Session) string {
		ran := false
		if n := httpCount.Update(s, func(n int) int { ran = true; return n + 7 }); ran || n != 0 {
			return fmt.Sprintf("Update ran: %v, and gave %d", ran, n)
		}
		return ""
	},
	"GetOrSet": func(s *session.Session) string {
		made := false
		if v := session.NewKey[string]("token").GetOrSet(s, func() string { made = true; return "late" }); made || v != "" {
			return fmt.Sprintf("GetOrSet made one: %v, and gave %q", made, v)
		}
		return ""
	},
	"Set, MergeWith": func(s *session.Session) string {
		httpCount.MergeWith(func(_, mine, theirs int) int { return mine + theirs }).Set(s, 7)
		return ""
	},
	"a Set that cannot be encoded": func(s *session.Session) string {
		session.NewKey[any]("any").Set(s, func() {})
		return ""
	},
	"Clear":    func(s *session.Session) string { s.Clear(); return "" },
	"Renew":    func(s *session.Session) string { s.Renew(); return "" },
	"Destroy":  func(s *session.Session) string { s.Destroy(); return "" },
	"Persist":  func(s *session.Session) string { s.Persist(time.Hour); return "" },
	"SetOwner": func(s *session.Session) string { s.SetOwner("ann"); return "" },
}

// lateCase is one operation at one level, in a handler whose request ends too early.
type lateCase struct {
	*httpSite
	v  *httpVisitor
	id string
}

// lateEach runs a test for each operation at each level, on a real server. serve gets the
// Manager, and returns the handler to serve.
func lateEach(t *testing.T, serve func(*session.Manager) http.Handler, run func(*testing.T, *lateCase, func(*session.Session) string)) {
	for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		for name, verb := range lateVerbs {
			t.Run(fmt.Sprintf("level %d/%s", level, name), func(t *testing.T) {
				env := httpNew(t, session.Config{Isolation: level})
				site := env.serve(t, httpProto1, serve(env.Manager))
				run(t, &lateCase{httpSite: site, v: site.begun(t)}, verb)
			})
		}
	}
}

// version returns the version of the visitor's record.
func (c *lateCase) version(t *testing.T) int64 {
	t.Helper()
	if c.id == "" {
		for rec, err := range provider.List(t.Context(), c.store.Provider, "") {
			if err != nil {
				t.Fatal(err)
			}
			c.id = rec.ID
		}
	}
	rec, err := c.store.Provider.Fetch(t.Context(), c.id)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Version
}

// wantDropped checks that the Session refuses every commit, and that nothing is saved.
func (c *lateCase) wantDropped(t *testing.T, s *session.Session, before int64, cause string) {
	t.Helper()
	for range 2 {
		err := s.Save(t.Context())
		wantErr(t, err, session.ErrRequestDone)
		if err != nil && !strings.Contains(err.Error(), cause) {
			t.Errorf("%q does not say %q", err, cause)
		}
	}
	wantErr(t, s.Update(t.Context(), func(*session.Session) error { t.Error("the closure ran"); return nil }), session.ErrRequestDone)
	wantErr(t, s.Save(t.Context()), session.ErrRequestDone)
	if c.version(t) != before {
		t.Error("something was saved")
	}
}

// late is a handler whose request is over before its work is done.
type late struct {
	inTime func(*session.Session) // before the request is over
	over   chan struct{}          // closed when the request is over
	after  func(*session.Session)
	done   chan struct{} // closed when the handler has returned
}

func newLate() *late { return &late{over: make(chan struct{}), done: make(chan struct{})} }

// until lets the handler run until up is closed or, without one, until it waits for
// the end of its request.
func (l *late) serve(up chan struct{}) leaf {
	return func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		defer close(l.done)
		if l.inTime != nil {
			l.inTime(s)
		}
		close(up)
		<-l.over
		if l.after != nil {
			l.after(s)
		}
	}
}

// Every change after the end of the request makes Save fail.
func TestRuleChangeAfterTheRequestFailsSave(t *testing.T) {
	t.Run("a handler that http.TimeoutHandler has given up", func(t *testing.T) {
		var l *late
		lateEach(t, func(m *session.Manager) http.Handler {
			l = newLate()
			up := make(chan struct{})
			return m.Handler(httpTimeoutHandler(m.HandlerFunc(l.serve(up)), up))
		}, func(t *testing.T, c *lateCase, verb func(*session.Session) string) {
			before := c.version(t)
			l.after = func(s *session.Session) {
				if wrong := verb(s); wrong != "" {
					t.Error(wrong)
				}
				c.wantDropped(t, s, before, "outside of Session.Update")
			}
			httpPage(t, c.v.must("POST", "/", nil), 503, "timeout", 0)
			<-c.done
			close(l.over)
			<-l.done
		})
	})

	t.Run("a goroutine of a request that was answered", func(t *testing.T) {
		var kept *session.Session
		lateEach(t, func(m *session.Manager) http.Handler {
			return m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { kept = s; io.WriteString(w, "page") })
		}, func(t *testing.T, c *lateCase, verb func(*session.Session) string) {
			httpPage(t, c.v.must("POST", "/", nil), 200, "page", 0)
			<-c.done
			before := c.version(t)
			wantErr(t, kept.Save(t.Context()), nil) // nothing can be lost yet
			goes := make(chan struct{})
			go func() {
				defer close(goes)
				if wrong := verb(kept); wrong != "" {
					t.Error(wrong)
				}
				c.wantDropped(t, kept, before, "outside of Session.Update")
			}()
			<-goes
		})
	})
}

// A change that was made in time and dropped at the end of the request makes Save fail.
func TestRuleChangeDroppedWithTheRequestFailsSave(t *testing.T) {
	t.Run("a handler that http.TimeoutHandler has given up", func(t *testing.T) {
		var l *late
		lateEach(t, func(m *session.Manager) http.Handler {
			l = newLate()
			up := make(chan struct{})
			return m.Handler(httpTimeoutHandler(m.HandlerFunc(l.serve(up)), up))
		}, func(t *testing.T, c *lateCase, verb func(*session.Session) string) {
			before := c.version(t)
			l.inTime = func(s *session.Session) { verb(s) }
			l.after = func(s *session.Session) { c.wantDropped(t, s, before, "the response was an error") }
			httpPage(t, c.v.must("POST", "/", nil), 503, "timeout", 0)
			<-c.done
			close(l.over)
			<-l.done
		})
	})

	for cause, end := range map[string]func(http.ResponseWriter){
		"the response was an error": func(w http.ResponseWriter) { http.Error(w, "sorry", 500) },
		"the handler panicked":      func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run("a goroutine, where "+cause, func(t *testing.T) {
			var kept *session.Session
			var verb func(*session.Session) string
			lateEach(t, func(m *session.Manager) http.Handler {
				return m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					kept = s
					verb(s)
					end(w)
				})
			}, func(t *testing.T, c *lateCase, fn func(*session.Session) string) {
				before := c.version(t)
				verb = fn
				c.v.do("POST", "/", nil)
				<-c.done
				c.wantDropped(t, kept, before, cause)
			})
		})
	}
}

// With http.TimeoutHandler outside, the request is not over for the session: Save returns
// the result of the change, although nobody gets the answer.
func TestRuleTimeoutHandlerOutsideLetsSaveTell(t *testing.T) {
	for _, when := range []string{"in time", "late"} {
		t.Run(when, func(t *testing.T) {
			var l *late
			lateEach(t, func(m *session.Manager) http.Handler {
				l = newLate()
				up := make(chan struct{})
				return httpTimeoutHandler(m.HandlerFunc(l.serve(up)), up)
			}, func(t *testing.T, c *lateCase, verb func(*session.Session) string) {
				before := c.version(t)
				if when == "in time" {
					l.inTime = func(s *session.Session) { verb(s) }
				}
				l.after = func(s *session.Session) {
					if when == "late" {
						verb(s)
					}
					err := s.Save(t.Context())
					if saved := c.version(t) != before; saved != (err == nil) {
						t.Errorf("Save: %v; saved: %v", err, saved)
					}
				}
				httpPage(t, c.v.must("POST", "/", nil), 503, "timeout", 0)
				close(l.over)
				<-l.done
			})
		})
	}
}

// A voucher is taken, and paid if Save succeeds.
func TestVoucherIsNotPaidAfterTheRequest(t *testing.T) {
	for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		for _, when := range []string{"in time", "late"} {
			t.Run(fmt.Sprintf("level %d, taken %s", level, when), func(t *testing.T) {
				env := httpNew(t, session.Config{Isolation: level})
				var l *late
				var timed http.Handler
				site := env.serve(t, httpProto1, env.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					timed.ServeHTTP(w, r)
				})))
				v := site.begun(t)
				paid := 0
				for range 5 {
					l = newLate()
					up := make(chan struct{})
					timed = httpTimeoutHandler(env.HandlerFunc(l.serve(up)), up)
					var taken bool
					take := func(s *session.Session) {
						if _, ok := httpName.Pop(s); ok {
							httpCount.Update(s, increment)
							taken = true
						}
					}
					if when == "in time" {
						l.inTime = take
					}
					l.after = func(s *session.Session) {
						if when == "late" {
							take(s)
						}
						if err := s.Save(t.Context()); taken && err == nil {
							paid++
						}
					}
					httpPage(t, v.must("POST", "/", nil), 503, "timeout", 0)
					<-site.done
					close(l.over)
					<-l.done
				}
				if paid != 0 {
					t.Errorf("paid %d times", paid)
				}
				v.expect(httpUnchanged)
			})
		}
	}
}

// The commit of a request that is over is not run again, for whatever reason it ended.
func TestRuleRequestDoneIsNotReplayed(t *testing.T) {
	_, c, _ := begun(t)
	runs, over, done := 0, make(chan struct{}), make(chan struct{})
	c.handle(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "page")
		started := make(chan struct{})
		go func() {
			defer close(done)
			c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				if runs++; runs > 1 {
					return
				}
				keyA.Get(s)
				c.tab().post(set("a=7"))
				keyA.Set(s, 2)
				wantErr(t, s.Save(r.Context()), session.ErrConflict)
				close(started)
				<-over
			}).ServeHTTP(httptest.NewRecorder(), r)
		}()
		<-started
	})
	close(over)
	<-done
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
}
