package sessiontest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func addOne(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
	count.Update(s, func(n int) int { return n + 1 })
}

func countIn(t testing.TB, c *race) (n int) {
	t.Helper()
	sessiontest.Read(t, c.m, c.cookie, func(s *session.Session) { n = must(count.Get(s)) })
	return n
}

func TestInterleaveBeginsWithTheSameRecords(t *testing.T) {
	c := newRace(t, session.Config{}, func(s *session.Session) { count.Set(s, 10) }, addOne)
	c.reset = func() {
		if n := countIn(t, c); n != 10 {
			t.Errorf("an interleaving begins with the count %d", n)
		}
	}
	c.check = func(t testing.TB, _ string, _, _ *http.Response) {
		if n := countIn(t, c); n != 12 {
			t.Errorf("an interleaving ends with the count %d", n)
		}
	}
	c.run(t).wants(t)
	if n := countIn(t, c); n != 10 {
		t.Errorf("after Interleave the count is %d", n)
	}
	if len(c.orders) != 6 {
		t.Errorf("%d orders", len(c.orders))
	}
}

// The session may also be stored anew for each interleaving.
func TestInterleaveCallsAAndBBeforeTheRequests(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, addOne)
	resets := 0
	c.reset = func() {
		resets++
		c.cookie = sessiontest.Cookie(t, c.m, func(s *session.Session) { count.Set(s, 20) })
	}
	c.check = func(t testing.TB, order string, _, _ *http.Response) {
		if n := countIn(t, c); n != 22 {
			t.Errorf("the count is %d", n)
		}
		if strings.Contains(order, "create") {
			t.Errorf("the order has a call of a: %s", order)
		}
	}
	c.run(t).wants(t)
	if resets != len(c.orders) {
		t.Errorf("a was called %d times for %d interleavings", resets, len(c.orders))
	}
}

func TestInterleaveBeginsAtThePresentTime(t *testing.T) {
	began := time.Now()
	var times []time.Time
	c := newRace(t, session.Config{IdleTimeout: time.Minute}, setCount, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		time.Sleep(time.Second)
		count.Set(s, 2)
	})
	c.reset = func() { times = append(times, time.Now()) }
	c.check = func(t testing.TB, _ string, _, _ *http.Response) {
		sessiontest.Read(t, c.m, c.cookie, func(s *session.Session) {
			if left := time.Until(s.ExpiresAt()); left > time.Minute || left < 50*time.Second {
				t.Errorf("the session expires in %v", left)
			}
		})
		time.Sleep(2 * time.Minute)
		if sessiontest.Alive(t, c.m, c.cookie) {
			t.Error("the session does not expire")
		}
	}
	c.run(t).wants(t)
	for _, at := range times {
		if !at.Equal(times[0]) || at.Before(began.Add(-time.Second)) || at.After(time.Now()) {
			t.Errorf("an interleaving begins at %v, the first at %v, the test at %v", at, times[0], began)
		}
	}
}

// The ID of a new session decides where it is in the list of its user's sessions. So it must
// be the same in each interleaving that begins in the same way.
func TestInterleaveRepeatsRandomBytes(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		t.Run(fmt.Sprint("parallel ", parallel), func(t *testing.T) {
			if parallel {
				t.Parallel()
			}
			c := newRace(t, session.Config{}, setCount, addOne)
			drawn := map[string]int{rand.Text(): 1}
			c.reset = func() { drawn[rand.Text()]++ }
			c.run(t).wants(t)
			drawn[rand.Text()]++
			want := 3 // before, in and after the interleavings
			if parallel {
				want = len(c.orders) + 2
			}
			if len(drawn) != want {
				t.Errorf("%d different values were drawn in %d orders; want %d", len(drawn), len(c.orders), want)
			}
		})
	}
}

// A login that both requests make leaves two sessions of the user, and the old one ended.
func TestInterleaveOfLogins(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	})
	c.check = func(t testing.TB, _ string, resA, resB *http.Response) {
		if sessiontest.Alive(t, c.m, c.cookie) {
			t.Error("the old cookie opens a session")
		}
		for _, res := range []*http.Response{resA, resB} {
			sessiontest.Read(t, c.m, sessiontest.Response(t, c.m, res), func(s *session.Session) {
				if s.Owner() != "ann" {
					t.Errorf("the owner is %q", s.Owner())
				}
			})
		}
		list, err := c.m.Sessions(t.Context(), "ann")
		if err != nil || len(list) != 2 {
			t.Errorf("the user has %d sessions, error %v", len(list), err)
		}
	}
	c.run(t).wants(t)
	if len(c.orders) < 252 { // of five calls each, without those after a conflict
		t.Errorf("%d orders", len(c.orders))
	}
}

func TestInterleaveLogsNumberOfInterleavings(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, addOne)
	r := c.run(t)
	r.wants(t)
	const want = "sessiontest: Interleave ran 6 interleavings. A made up to 3 storage calls and B up to 3."
	if len(r.logs) != 1 || r.logs[0] != want {
		t.Errorf("the log is %q; want %q", r.logs, want)
	}
}

func TestInterleaveTellsCallsWithoutContextOfRequest(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		count.Update(s, func(n int) int { return n + 1 })
		if err := s.Save(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r := c.run(t)
	r.wants(t)
	if logs := strings.Join(r.logs, "\n"); !strings.Contains(logs, "4 storage calls came without the context of a request") {
		t.Errorf("the log is %q", logs)
	}
}

func TestInterleaveLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	c := newRace(t, session.Config{}, setCount, checks(4))
	c.run(t).wants(t)
	for began := time.Now(); runtime.NumGoroutine() > before && time.Since(began) < 10*time.Second; {
		runtime.Gosched() // goroutines may be about to end
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before Interleave, %d after", before, after)
	}
}

// Only one of the Managers is interleaved.
func TestInterleaveLeavesOtherManagersAlone(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, nothing)
	other := sessiontest.NewManager(t, session.Config{Cookie: session.Cookie{Name: "other"}})
	c.handler = c.m.Handler(other.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { count.Set(s, 1) }))
	c.run(t).wants(t)
	if len(c.orders) != 2 {
		t.Errorf("the orders are %q", c.orders)
	}
}

// The Manager can be used as before while requests run and after Interleave.
func TestManagerAfterInterleave(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, addOne)
	c.run(t).wants(t)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, c.request(0))
	if n := countIn(t, c); w.Code != http.StatusOK || n != 2 {
		t.Errorf("status %d, count %d", w.Code, n)
	}
}
